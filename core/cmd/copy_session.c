/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/copy_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/uri.h"
#include "plugin/host_table.h"

int session_begin(struct copy_session *s, struct copy_request *request)
{
    int status = tool_start(&request->tool);

    if (status != EXIT_OK)
        return status;
    s->request = request;
    s->start_ns = clock_now_ns();
    pthread_mutex_init(&s->lock, NULL);
    output_begin(&s->out);
    tool_progress_begin(&s->progress, &request->tool, request->doing);
    return EXIT_OK;
}

void session_tick(void *session)
{
    struct copy_session *s = session;
    struct progress *line = &s->progress.line;
    uint64_t expected = 0;

    if (s->engine) {
        expected = s->is_listed ? copy_bytes_expected(s->engine) : 0;
        atomic_store(&line->done, s->objects_before + copy_objects_done(s->engine) + s->looked_at);
        atomic_store(&line->bytes, s->bytes_before + copy_bytes_done(s->engine));
    }
    line->total = s->is_listed ? atomic_load(&s->pushed) + s->looked_at : 0;
    line->bytes_total = expected ? s->bytes_before + expected : 0;
    if (line->bytes_total && line->bytes_total < atomic_load(&line->bytes)) /* what failed half-way has moved bytes */
        line->bytes_total = atomic_load(&line->bytes);
    tool_progress_tick(&s->progress);
}

void session_tell(struct copy_session *s, const char *text)
{
    pthread_mutex_lock(&s->lock);
    if (s->has_told)
        log_info("%s", text);
    else
        tool_log_error(text);
    s->has_told = true;
    pthread_mutex_unlock(&s->lock);
}

void session_refuse(struct copy_session *s, const char *key, const char *why)
{
    char *uri = location_join(s->source_root, key + strlen(s->from), strlen(key) - strlen(s->from));
    char *text = xformat("'%s' is not copied to a local folder: %s", uri, why);

    pthread_mutex_lock(&s->lock);
    s->refused++;
    pthread_mutex_unlock(&s->lock);
    session_tell(s, text);
    free(text);
    free(uri);
}

/* The URI of a key of the storage that prefix has been put in front of; caller frees. */
static char *shown(const char *root, const char *prefix, const char *key)
{
    return location_join(root, key + strlen(prefix), strlen(key) - strlen(prefix));
}

static void tell_dry_run(struct copy_session *s, const char *source, const char *target, uint64_t bytes)
{
    struct str line = STR_EMPTY;

    if (s->request->tool.json) {
        str_add(&line, "{\"would\":\"copy\"");
        if (source) {
            str_add(&line, ",\"source\":");
            json_add_text(&line, source, strlen(source));
        }
        str_add(&line, ",\"target\":");
        json_add_text(&line, target, strlen(target));
        str_add_format(&line, ",\"bytes\":%" PRIu64 "}\n", bytes);
    } else {
        str_add(&line, "would copy ");
        if (source) {
            name_add(&line, source, strlen(source), true);
            str_add(&line, " to ");
        }
        name_add(&line, target, strlen(target), true);
        str_add(&line, "\n");
    }
    output_write(&s->out, &line);
    str_free(&line);
}

/* [a worker, one at a time] */
static void take_outcome(void *ctx, const struct copy_item *item, enum copy_outcome outcome, uint64_t bytes,
                         const dlfw_error *err)
{
    struct copy_session *s = ctx;
    char *source, *target, *text;

    if (outcome != COPY_FAILED && !(outcome == COPY_DONE && s->request->dry_run))
        return;
    source = s->source ? shown(s->source_root, s->from, item->source_key) : NULL;
    target = s->target ? shown(s->target_root, s->to, item->target_key) : NULL;
    if (outcome == COPY_FAILED) {
        if (source && target)
            text = xformat("cannot copy '%s' to '%s': %s%s", source, target, err->message,
                           err->sys_errno == EISDIR ? "; end the target in '/' to copy into a folder" : "");
        else
            text = xformat("cannot %s '%s': %s", source ? "read" : "write", source ? source : target, err->message);
        session_tell(s, text);
        free(text);
    } else if (target) {
        tell_dry_run(s, source, target, bytes);
    }
    free(source);
    free(target);
}

/* One storage for both sides, so that the service can copy; left alone where there is none. */
static dlfw_status share_storage(struct copy_session *s, const struct location *source, const struct location *target,
                                 dlfw_error *err)
{
    struct tool *tool = &s->request->tool;
    bool is_plain = !uri_has_scheme(source->root);
    bool alike = !tool->options[TOOL_SIDE_SOURCE].root && !tool->options[TOOL_SIDE_TARGET].root &&
                 (!is_plain || tool->plain_sides || !tool->options[TOOL_SIDE_ONLY].root);
    bool can_copy = (storage_op_mask(s->source) & storage_op_mask(s->target) & DLFW_OP_BIT(DLFW_OP_COPY)) != 0;
    struct location both = {0};
    struct storage *shared = NULL;
    char *from = NULL, *to = NULL, *root;
    dlfw_status st;

    if (!alike || !can_copy || is_plain != !uri_has_scheme(target->root))
        return DLFW_OK;
    root = place_common(&s->source_place, &s->target_place, &from, &to);
    if (!root)
        return DLFW_OK;
    both = (struct location){.uri = xstrdup(root), .root = root, .key = xstrdup("")};
    st = tool_open(tool, TOOL_SIDE_ONLY, &both, &shared, err);
    location_free(&both);
    if (st < 0) {
        free(from);
        free(to);
        return st;
    }
    storage_close(s->source);
    storage_close(s->target);
    s->source = s->target = shared;
    free(s->from);
    free(s->to);
    s->from = from;
    s->to = to;
    return DLFW_OK;
}

/* A folder that local files are to be written to; other storages are there or are an error. */
static dlfw_status make_root(const struct copy_session *s, dlfw_error *err)
{
    struct io_queue *queue = NULL;
    dlfw_status st;

    if (!(storage_caps(s->target) & DLFW_BACKEND_LOCAL) || s->request->dry_run)
        return DLFW_OK;
    st = io_queue_create(s->target, 1, &queue, err);
    if (st >= 0)
        st = io_make_root(queue, "", err);
    io_queue_destroy(queue);
    return st;
}

static dlfw_status open_sides(struct copy_session *s, struct location *source, struct location *target, dlfw_error *err)
{
    struct tool *tool = &s->request->tool;
    dlfw_status st = DLFW_OK;

    s->from = xstrdup("");
    s->to = xstrdup("");
    s->source_root = source ? source->root : NULL;
    s->target_root = target ? target->root : NULL;
    if (source)
        st = tool_open(tool, target ? TOOL_SIDE_SOURCE : TOOL_SIDE_ONLY, source, &s->source, err);
    if (st >= 0 && source)
        st = place_of(source->root, storage_caps(s->source), &s->source_place, err);
    if (st >= 0 && target)
        st = tool_open(tool, source ? TOOL_SIDE_TARGET : TOOL_SIDE_ONLY, target, &s->target, err);
    if (st >= 0 && target)
        st = place_of(target->root, storage_caps(s->target), &s->target_place, err);
    if (st >= 0 && source && target)
        st = share_storage(s, source, target, err);
    if (st >= 0 && target && s->target != s->source)
        st = make_root(s, err);
    return st;
}

static uint16_t write_flags(const struct copy_request *r)
{
    return (r->no_clobber ? DLFW_REQ_EXCLUSIVE : 0) | (r->durable ? DLFW_REQ_DURABLE : 0);
}

dlfw_status session_open(struct copy_session *s, struct location *source, struct location *target,
                         const struct copy_args *args, dlfw_error *err)
{
    const struct copy_request *r = s->request;
    struct copy_args all = *args;
    dlfw_status st = open_sides(s, source, target, err);

    if (st < 0)
        return st;
    all.source = s->source;
    all.target = s->target;
    all.jobs = r->tool.jobs;
    all.memory = r->memory;
    all.write_flags = write_flags(r);
    all.checksum |= r->checksum;
    all.read_back = r->verify;
    all.compress = r->compress;
    all.fail_fast = r->fail_fast;
    all.dry_run = r->dry_run;
    all.each = take_outcome;
    all.each_ctx = s;
    all.tick = session_tick;
    all.tick_ctx = s;
    s->is_listed = false;
    return copy_start(&all, &s->engine, err);
}

dlfw_status session_check(const struct copy_session *s, const char *key, const char *to, bool is_tree, dlfw_error *err)
{
    dlfw_status st;
    bool is_same;
    char *uri;

    if (!s->source || !s->target || !place_contains(&s->source_place, key, &s->target_place, to))
        return DLFW_OK;
    is_same = place_contains(&s->target_place, to, &s->source_place, key);
    if (!is_tree && !is_same)
        return DLFW_OK;
    uri = location_join(s->source_root, key, strlen(key));
    if (is_same)
        st = dlfw_fail(err, DLFW_E_INVALID, "source and target are the same %s '%s'", is_tree ? "folder" : "object",
                       uri);
    else
        st = dlfw_fail(err, DLFW_E_INVALID, "the target lies in the folder that is to be copied, '%s'", uri);
    free(uri);
    return st;
}

dlfw_status session_push(struct copy_session *s, const struct copy_item *item)
{
    atomic_fetch_add_explicit(&s->pushed, 1, memory_order_relaxed);
    return copy_push(s->engine, item);
}

dlfw_status session_push_object(struct copy_session *s, const char *key, const char *to, const struct copy_item *item)
{
    struct copy_item all = *item;
    char *source = s->source ? xformat("%s%s", s->from, key) : NULL;
    char *target = s->target ? xformat("%s%s", s->to, to) : NULL;
    dlfw_status st;

    all.source_key = source;
    all.target_key = target;
    st = session_push(s, &all);
    free(source);
    free(target);
    return st;
}

static bool take_item(void *ctx, const struct copy_item *item, const char *name, size_t name_len)
{
    (void)name;
    (void)name_len;
    return session_push(ctx, item) >= 0;
}

static void refuse_item(void *ctx, const char *key, const char *why)
{
    session_refuse(ctx, key, why);
}

dlfw_status session_push_tree(struct copy_session *s, const char *key, const char *to, enum copy_condition condition,
                              dlfw_error *err)
{
    char *prefix = xformat("%s%s", s->from, key), *target = xformat("%s%s", s->to, to);
    size_t len = strlen(prefix);
    struct copy_tree tree = {.source = s->source,
                             .prefix = prefix,
                             .to = target,
                             .only = s->request->tool.matching,
                             .to_local = s->target && (storage_caps(s->target) & DLFW_BACKEND_LOCAL),
                             .condition = condition,
                             .ctx = s,
                             .take = take_item,
                             .refuse = refuse_item,
                             .tick = session_tick};
    dlfw_status st;

    if (len && prefix[len - 1] == '/')
        prefix[len - 1] = '\0';
    st = copy_tree_walk(&tree, err);
    if (st < 0 && st != DLFW_E_CANCELLED) {
        char *uri = location_join(s->source_root, key, strlen(key));

        error_prefix(err, "cannot list '%s'", uri);
        free(uri);
    }
    s->markers += atomic_load(&tree.markers);
    free(prefix);
    free(target);
    return st;
}

static void add_totals(struct copy_totals *into, const struct copy_totals *from)
{
    into->copied += from->copied;
    into->same += from->same;
    into->failed += from->failed;
    into->stopped += from->stopped;
    into->bytes += from->bytes;
    into->stored_bytes += from->stored_bytes;
    into->verified += from->verified;
    into->by_service += from->by_service;
    into->retries += from->retries;
    histogram_merge(&into->read_ns, &from->read_ns);
}

dlfw_status session_drain(struct copy_session *s, struct copy_totals *ret, dlfw_error *err)
{
    dlfw_status st;

    s->is_listed = true;
    st = copy_finish(s->engine, ret, err);
    add_totals(&s->totals, ret);
    s->objects_before += copy_objects_done(s->engine);
    s->bytes_before += copy_bytes_done(s->engine);
    copy_destroy(s->engine);
    s->engine = NULL;
    return st;
}

static dlfw_status finish_engine(struct copy_session *s, dlfw_error *err)
{
    struct copy_totals *totals = xcalloc(1, sizeof *totals);
    dlfw_status st = session_drain(s, totals, err);

    free(totals);
    return st;
}

dlfw_status session_settle(struct copy_session *s, dlfw_status st, dlfw_error *err)
{
    struct error_slot why;
    dlfw_status ended = DLFW_OK;

    error_slot_init(&why);
    if (s->engine)
        ended = finish_engine(s, &why.e);
    if (st >= 0 && ended < 0) {
        error_copy(err, &why.e);
        st = ended;
    }
    if (s->target != s->source)
        storage_close(s->target);
    storage_close(s->source);
    s->source = s->target = NULL;
    place_free(&s->source_place);
    place_free(&s->target_place);
    free(s->from);
    free(s->to);
    s->from = s->to = NULL;
    return st;
}

int session_end(struct copy_session *s, dlfw_status st, const struct error_slot *err)
{
    double seconds = (double)(clock_now_ns() - s->start_ns) / (double)NS_PER_S;
    bool is_stopped = atomic_load(&host_cancel_level) || st == DLFW_E_CANCELLED;
    bool has_failed = s->totals.failed || s->refused || s->not_removed;
    int status;

    tool_progress_end(&s->progress);
    if (st >= 0 || is_stopped || s->totals.copied || has_failed)
        session_print(s, seconds, is_stopped);
    if (st < 0 && !is_stopped && s->has_told) { /* the first failure is on the screen; this one came later */
        log_info("%s", err->text);
        status = EXIT_FAILED;
    } else {
        status = tool_exit(st, err);
    }
    if (status == EXIT_OK && has_failed)
        status = EXIT_FAILED;
    pthread_mutex_destroy(&s->lock);
    return output_end(&s->out, status);
}
