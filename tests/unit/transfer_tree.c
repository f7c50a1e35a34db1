/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer_tree.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "config/yaml_read.h"

#define KEYS_MAX 20000u

struct cursor {
    uint32_t next;
    char group[1100]; /* the last one told */
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct tree_key *)a)->key, ((const struct tree_key *)b)->key);
}

struct tree_key *tree_find(struct tree *t, const char *key, size_t len)
{
    char *copy = xstrndup(key, len);
    const struct tree_key wanted = {.key = copy};
    struct tree_key *found = bsearch(&wanted, t->keys, t->count, sizeof *t->keys, by_key);

    free(copy);
    return found;
}

uint32_t tree_left(struct tree *t)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < t->count; i++)
        left += !t->keys[i].gone;
    return left;
}

/* Name and size of key i as a page tells them; 0: not at all. */
static size_t told_len(const struct tree *t, struct cursor *c, uint32_t i, const char *prefix, bool flat,
                       uint64_t *ret_size)
{
    const char *key = t->keys[i].key, *slash;
    size_t len = strlen(prefix);

    if (t->keys[i].gone || strncmp(key, prefix, len) != 0)
        return 0;
    slash = flat ? NULL : strchr(key + len, '/');
    *ret_size = slash ? UINT64_MAX : strlen(key);
    if (!slash)
        return strlen(key);
    len = (size_t)(slash + 1 - key);
    if (strncmp(c->group, key, len) == 0 && !c->group[len])
        return 0;
    snprintf(c->group, sizeof c->group, "%.*s", (int)len, key);
    return len;
}

static bool has_prefix(const struct tree *t, const char *prefix)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (strncmp(t->keys[i].key, prefix, strlen(prefix)) == 0)
            return true;
    return !*prefix;
}

static dlfw_status list(struct tree *t, const dlfw_req *req, dlfw_comp *comp)
{
    bool slash = req->key_len && req->key[req->key_len - 1] != '/';
    char *prefix = xformat("%.*s%s", (int)req->key_len, req->key, slash ? "/" : "");
    struct cursor *c = req->handle ? req->handle : calloc(1, sizeof *c);
    dlfw_list_entry *entries = req->buf;
    uint64_t names = req->buf_cap, size = 0;
    uint32_t n = 0;
    dlfw_status st = DLFW_OK;

    t->lists++;
    t->cursors += !req->handle;
    if (t->bad_prefix && strcmp(t->bad_prefix, prefix) == 0)
        st = dlfw_fail(req->error, t->bad_status, "there is no way to '%s'", prefix);
    else if (!has_prefix(t, prefix))
        st = dlfw_fail(req->error, DLFW_E_NOT_FOUND, "there is no '%s'", prefix);
    for (; st >= 0 && c->next < t->count && n < t->page; c->next++) {
        size_t len = told_len(t, c, c->next, prefix, req->flags & DLFW_REQ_RECURSIVE, &size);

        if (!len)
            continue;
        names -= len;
        memcpy((char *)req->buf + names, t->keys[c->next].key, len);
        entries[n++] = (dlfw_list_entry){.size = size, .name_off = (uint32_t)names, .name_len = (uint32_t)len};
    }
    comp->bytes = n * sizeof *entries;
    if (st >= 0 && c->next < t->count) {
        comp->handle = c;
        comp->flags |= DLFW_COMP_MORE;
    } else {
        free(c);
        t->cursors--;
    }
    free(prefix);
    return st;
}

static dlfw_status delete (struct tree *t, const dlfw_req *req, dlfw_comp *comp)
{
    struct tree_key *k = tree_find(t, req->key, req->key_len);

    t->deletes++;
    if (t->throttle) {
        t->throttle--;
        comp->flags |= DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED;
        return dlfw_fail(req->error, DLFW_E_THROTTLED, "slow down");
    }
    if (t->bad_key && k && strcmp(t->bad_key, k->key) == 0)
        return dlfw_fail(req->error, t->bad_status, "'%s' stays", k->key);
    if (!k || k->gone)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "there is no such key");
    k->gone = true;
    return DLFW_OK;
}

static void perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    struct tree *t = (struct tree *)be;
    struct timespec delay = {.tv_nsec = (long)t->delay_ns};

    pthread_mutex_lock(&t->lock);
    if (++t->running[req->op] > t->peak[req->op])
        t->peak[req->op] = t->running[req->op];
    pthread_mutex_unlock(&t->lock);
    if (t->delay_ns)
        nanosleep(&delay, NULL);
    pthread_mutex_lock(&t->lock);
    t->running[req->op]--;
    switch (req->op) {
    case DLFW_OP_LIST:
        comp->status = list(t, req, comp);
        break;
    case DLFW_OP_DELETE:
        comp->status = delete (t, req, comp);
        break;
    case DLFW_OP_CLOSE:
        free(req->handle);
        t->cursors--;
        break;
    default:
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u", req->op);
    }
    pthread_mutex_unlock(&t->lock);
}

void tree_init(struct tree *t, uint64_t caps, uint32_t page)
{
    *t = (struct tree){.page = page};
    t->keys = xcalloc(KEYS_MAX, sizeof *t->keys);
    pthread_mutex_init(&t->lock, NULL);
    t->ops = (dlfw_backend_ops){.struct_size = sizeof t->ops,
                                .thread_class = DLFW_THREADS_PARALLEL,
                                .caps = caps,
                                .op_mask = DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_DELETE) |
                                           DLFW_OP_BIT(DLFW_OP_CLOSE),
                                .perform = perform};
}

void tree_add(struct tree *t, const char *format, ...)
{
    char key[1100];
    va_list args;

    va_start(args, format);
    vsnprintf(key, sizeof key, format, args);
    va_end(args);
    ck_assert_uint_lt(t->count, KEYS_MAX);
    t->keys[t->count++].key = xstrdup(key);
}

struct storage *tree_open(struct tree *t)
{
    static const char yaml[] = "retry: {backoff: 1ms, max_backoff: 5ms}";
    struct node_tree *nodes = xcalloc(1, sizeof *nodes);
    struct storage_args args = {.tree = nodes};
    struct storage *st = NULL;

    qsort(t->keys, t->count, sizeof *t->keys, by_key);
    ck_assert_int_ge(yaml_read_text("retry", yaml, sizeof yaml - 1, nodes, NULL), 0);
    args.retry = node_get(nodes->root, "retry");
    ck_assert_int_eq(storage_open_ops(&t->ops, (dlfw_backend *)t, "tree://bucket", &args, &st, NULL), DLFW_OK);
    node_tree_free(nodes);
    free(nodes);
    return st;
}

void tree_free(struct tree *t)
{
    ck_assert_uint_eq(t->cursors, 0);
    for (uint32_t i = 0; i < t->count; i++)
        free(t->keys[i].key);
    free(t->keys);
    pthread_mutex_destroy(&t->lock);
}
