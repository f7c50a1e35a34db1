/* SPDX-License-Identifier: Apache-2.0 */
/* Sources with the same root share one pair of storages and one engine, so that many files named on a command line are
 * copied side by side as those of a folder are. */
#include "cmd/copy_operands.h"

#include <stdlib.h>
#include <string.h>

#include "io/uri.h"

/* One source: where it lies, and what it becomes below the target's root. */
struct operand {
    struct location loc;
    bool is_tree;
    char *to; /* of a tree: "" or ending in '/' */
};

struct plan {
    struct copy_session *session;
    const struct copy_operands *given;
    struct operand *operands;
    struct location target;
    bool into; /* the target is a folder that sources go into */
};

static bool goes_into(const struct copy_operands *o)
{
    return o->target && location_is_folder(o->target);
}

int copy_operands_check(const struct copy_request *r, const struct copy_operands *o)
{
    const struct command *command = r->tool.command;
    bool is_range = o->offset || o->length != UINT64_MAX;

    if (o->count > 1 && o->target && !goes_into(o))
        return cmd_usage_error(command, "'%s' is the name of one object; end it in '/' for a folder", o->target);
    for (uint32_t i = 0; i < o->count && !r->recursive; i++)
        if (location_is_folder(o->sources[i]))
            return cmd_usage_error(command, "'%s' is a folder; copy it with -r", o->sources[i]);
    if (is_range && (r->recursive || o->count != 1))
        return cmd_usage_error(command, "--offset and --length are for one object");
    return copy_request_check(r);
}

/* The name that a source has by itself: its last component. "" where it has none, as "." and "..". */
static char *own_name(const struct location *loc)
{
    const char *key = loc->key + strspn(loc->key, "/");
    size_t len = strlen(key);

    while (len && key[len - 1] == '/')
        len--;
    if ((len == 1 && key[0] == '.') || (len == 2 && key[0] == '.' && key[1] == '.'))
        len = 0;
    return xstrndup(key, len);
}

static dlfw_status read_operand(const struct plan *p, const char *uri, struct operand *ret, dlfw_error *err)
{
    bool recursive = p->session->request->recursive;
    bool is_folder = recursive && location_is_folder(uri);
    dlfw_status st = is_folder ? location_folder(uri, &ret->loc, err) : location_object(uri, &ret->loc, err);
    char *name;

    if (st < 0)
        return st;
    name = own_name(&ret->loc);
    if (recursive && !*name && !is_folder) {
        location_free(&ret->loc);
        st = location_folder(uri, &ret->loc, err);
    }
    ret->is_tree = recursive;
    if (ret->is_tree)
        ret->to = p->into && *name && !is_folder ? xformat("%s/", name) : xstrdup("");
    else
        ret->to = xstrdup(name);
    free(name);
    return st;
}

/* Two sources that would become one object. */
static int by_to(const void *a, const void *b)
{
    return strcmp((*(const struct operand *const *)a)->to, (*(const struct operand *const *)b)->to);
}

static dlfw_status check_names(const struct plan *p, dlfw_error *err)
{
    uint32_t count = p->given->count;
    const struct operand **sorted = xcalloc(count, sizeof(struct operand *));
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &p->operands[i];
    qsort(sorted, count, sizeof(struct operand *), by_to);
    for (uint32_t i = 1; i < count && st >= 0; i++)
        if (*sorted[i]->to && strcmp(sorted[i - 1]->to, sorted[i]->to) == 0)
            st = dlfw_fail(err, DLFW_E_INVALID, "'%s' and '%s' would both become '%s'; copy them to different folders",
                           sorted[i - 1]->loc.uri, sorted[i]->loc.uri, sorted[i]->to);
    free(sorted);
    return st;
}

static bool stop_at_first(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    (void)name;
    (void)name_len;
    (void)size;
    *(bool *)ctx = true;
    return false;
}

/* With -r a source may still be one object. Where a storage has both, the user has to say which one is meant. */
static dlfw_status probe(struct plan *p, struct operand *o, dlfw_error *err)
{
    struct storage *storage = NULL;
    struct io_queue *queue = NULL;
    bool has_more = false;
    uint64_t size;
    dlfw_status st, listed = DLFW_OK;

    if (!o->is_tree || !*o->loc.key)
        return DLFW_OK;
    st = tool_open(&p->session->request->tool, TOOL_SIDE_SOURCE, &o->loc, &storage, err);
    if (st >= 0)
        st = io_queue_create(storage, 1, &queue, err);
    if (st >= 0 && (storage_op_mask(storage) & DLFW_OP_BIT(DLFW_OP_STAT)) &&
        io_stat(queue, o->loc.key, &size, NULL) >= 0) {
        o->is_tree = false;
        if (!(storage_caps(storage) & DLFW_BACKEND_LOCAL))
            listed = io_list(queue, o->loc.key, true, stop_at_first, &has_more, NULL);
        if (listed >= 0 && has_more)
            st = dlfw_fail(err, DLFW_E_INVALID,
                           "'%s' is an object and a folder; end it in '/' for the folder, leave out -r for the object",
                           o->loc.uri);
    }
    io_queue_destroy(queue);
    storage_close(storage);
    if (!o->is_tree && *o->to)
        o->to[strlen(o->to) - 1] = '\0'; /* the slash */
    return st;
}

/* Where the copies go: below a folder, or one object under the target's own name. */
static dlfw_status place_target(struct plan *p, dlfw_error *err)
{
    const struct copy_operands *given = p->given;
    struct operand *first = &p->operands[0];
    dlfw_status st;

    if (!given->target)
        return DLFW_OK;
    if (p->into || first->is_tree)
        return location_folder(given->target, &p->target, err);
    st = location_object(given->target, &p->target, err);
    if (st >= 0) {
        free(first->to);
        first->to = xstrdup(p->target.key);
    }
    return st;
}

static dlfw_status push_operand(struct plan *p, const struct operand *o, dlfw_error *err)
{
    struct copy_session *s = p->session;
    const struct copy_item item = {.size = UINT64_MAX,
                                   .offset = p->given->offset,
                                   .length = p->given->length,
                                   .condition = s->request->resume ? COPY_UNLESS_THERE : COPY_ALWAYS};
    dlfw_status st = session_check(s, o->loc.key, o->to, o->is_tree, err);

    if (st < 0)
        return st;
    if (o->is_tree)
        return session_push_tree(s, o->loc.key, o->to, item.condition, err);
    session_push_object(s, o->loc.key, o->to, &item); /* what stops it the engine tells at the end */
    return DLFW_OK;
}

/* Operands from first on with the same root; *ret_end: the first of the next lot. */
static dlfw_status run_lot(struct plan *p, uint32_t first, uint32_t *ret_end, dlfw_error *err)
{
    const struct copy_args args = {0};
    const char *root = p->operands[first].loc.root;
    struct location target = {0};
    uint32_t end = first;
    dlfw_status st = DLFW_OK;

    if (p->given->target)
        target = (struct location){
            .uri = xstrdup(p->target.uri), .root = xstrdup(p->target.root), .key = xstrdup(p->target.key)};
    st = session_open(p->session, &p->operands[first].loc, p->given->target ? &target : NULL, &args, err);
    if (st >= 0 && p->given->target && !p->into && !p->operands[first].is_tree) {
        free(p->operands[first]
                 .to); /* slashes in front belong to the name, but of a local file: the open storage knows */
        p->operands[first].to = xstrdup(target.key);
    }
    for (; st >= 0 && end < p->given->count && strcmp(p->operands[end].loc.root, root) == 0; end++)
        st = push_operand(p, &p->operands[end], err);
    st = session_settle(p->session, st, err);
    location_free(&target);
    *ret_end = end;
    return st;
}

static dlfw_status run_plan(struct plan *p, dlfw_error *err)
{
    uint32_t count = p->given->count;
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < count && st >= 0; i++)
        st = read_operand(p, p->given->sources[i], &p->operands[i], err);
    if (st >= 0 && p->given->target)
        st = check_names(p, err);
    for (uint32_t i = 0; i < count && st >= 0; i++)
        st = probe(p, &p->operands[i], err);
    if (st >= 0)
        st = place_target(p, err);
    for (uint32_t i = 0; i < count && st >= 0;)
        st = run_lot(p, i, &i, err);
    return st;
}

static bool are_plain(const struct copy_operands *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (uri_has_scheme(o->sources[i]))
            return false;
    return !o->target || !uri_has_scheme(o->target);
}

int copy_operands_run(struct copy_request *r, const struct copy_operands *o)
{
    struct copy_session *s = xcalloc(1, sizeof *s);
    struct plan p = {.session = s, .given = o, .into = goes_into(o)};
    struct error_slot err;
    dlfw_status st;
    int status;

    error_slot_init(&err);
    r->tool.plain_sides = are_plain(o);
    r->discard = !o->target;
    status = session_begin(s, r);
    if (status == EXIT_OK) {
        p.operands = xcalloc(o->count, sizeof *p.operands);
        st = run_plan(&p, &err.e);
        status = session_end(s, st, &err);
        for (uint32_t i = 0; i < o->count; i++) {
            location_free(&p.operands[i].loc);
            free(p.operands[i].to);
        }
        location_free(&p.target);
    }
    free(p.operands);
    free(s);
    return status;
}
