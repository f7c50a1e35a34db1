/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dlfw_status store_init(struct store *s, const dlfw_host *host, void *host_ctx, const char *folder, dlfw_error *reterr)
{
    size_t n = strlen(folder);

    *s = (struct store){.host = host, .host_ctx = host_ctx};
    while (n > 1 && folder[n - 1] == '/' && folder[n - 2] != '/' && folder[n - 2] != ':')
        n--;
    if (n == 0 || n + STORE_KEY_MAX >= sizeof s->folder)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "the checkpoint folder '%.64s' has a name of %zu bytes", folder, n);
    memcpy(s->folder, folder, n);
    return DLFW_OK;
}

dlfw_status store_uri(const struct store *s, const char *key, char buf[STORE_URI_MAX], dlfw_error *reterr)
{
    size_t n = strlen(s->folder);
    int len = snprintf(buf, STORE_URI_MAX, "%s%s%s", s->folder, s->folder[n - 1] == '/' ? "" : "/", key);

    if (len < 0 || (uint32_t)len >= STORE_URI_MAX)
        return dlfw_fail(reterr, DLFW_E_INVALID, "the name '%s' below '%s' is too long", key, s->folder);
    return DLFW_OK;
}

/* Reads until the end, however the services cut it. */
static dlfw_status read_whole(const struct store *s, dlfw_source *source, const char *uri, char *to, uint64_t len,
                              dlfw_error *reterr)
{
    uint64_t done = 0;

    while (done < len) {
        uint64_t n = 0;
        dlfw_status st = s->services->source_read(source, done, to + done, len - done, &n, reterr);

        if (st < 0)
            return st;
        if (!n)
            return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s' ends at byte %" PRIu64 " of %" PRIu64, uri, done, len);
        done += n;
    }
    return DLFW_OK;
}

dlfw_status store_get(const struct store *s, const char *key, uint64_t max, char **ret, uint64_t *ret_len,
                      dlfw_error *reterr)
{
    char uri[STORE_URI_MAX], *data = NULL;
    dlfw_source *source = NULL;
    uint64_t len = 0;
    dlfw_status st = store_uri(s, key, uri, reterr);

    if (st >= 0)
        st = s->services->source_open(s->services_ctx, uri, &source, &len, reterr);
    if (st < 0)
        return st;
    if (len > max)
        st = dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s' has %" PRIu64 " bytes; at most %" PRIu64 " make sense", uri, len,
                       max);
    else if (!(data = malloc(len + 1)))
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu64 " bytes for '%s'", len, uri);
    else
        st = read_whole(s, source, uri, data, len, reterr);
    s->services->source_close(source);
    if (st < 0) {
        free(data);
        return st;
    }
    data[len] = '\0';
    *ret = data;
    *ret_len = len;
    return DLFW_OK;
}

dlfw_status store_put(const struct store *s, const char *key, const void *data, uint64_t len, uint32_t flags,
                      dlfw_error *reterr)
{
    char uri[STORE_URI_MAX];
    dlfw_writer *writer = NULL;
    dlfw_status st = store_uri(s, key, uri, reterr);

    if (st >= 0)
        st = s->services->writer_open(s->services_ctx, uri, len, s->flags | flags, &writer, reterr);
    if (st < 0)
        return st;
    st = s->services->writer_append(writer, data, len, reterr);
    if (st < 0) {
        s->services->writer_abort(writer);
        return st;
    }
    return s->services->writer_commit(writer, reterr);
}

dlfw_status store_remove(const struct store *s, const char *key, dlfw_error *reterr)
{
    char uri[STORE_URI_MAX];
    dlfw_status st = store_uri(s, key, uri, reterr);

    if (st >= 0)
        st = s->services->remove(s->services_ctx, uri, reterr);
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}

void store_remove_folder(const struct store *s, const char *key)
{
    char uri[STORE_URI_MAX];

    if (store_uri(s, key, uri, NULL) >= 0)
        (void)s->services->remove_root(s->services_ctx, uri, NULL);
}

dlfw_status store_exists(const struct store *s, const char *key, bool *ret, dlfw_error *reterr)
{
    char uri[STORE_URI_MAX];
    dlfw_source *source = NULL;
    uint64_t size = 0;
    dlfw_status st = store_uri(s, key, uri, reterr);

    if (st >= 0)
        st = s->services->source_open(s->services_ctx, uri, &source, &size, reterr);
    *ret = st >= 0;
    if (st >= 0)
        s->services->source_close(source);
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}

dlfw_status store_list(const struct store *s, const char *key, bool recursive,
                       int32_t (*each)(void *ctx, const dlfw_listed *item), void *ctx, dlfw_error *reterr)
{
    char uri[STORE_URI_MAX];
    dlfw_status st = store_uri(s, key, uri, reterr);

    if (st >= 0)
        st = s->services->list(s->services_ctx, uri, recursive, each, ctx, reterr);
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}

/* Puts what was read in front of the message of a failure in it. */
static dlfw_status in_object(const struct store *s, const char *key, dlfw_status st, const char *text,
                             dlfw_error *reterr)
{
    return dlfw_fail(reterr, st, "'%s/%s': %s", s->folder, key, text);
}

dlfw_status store_read_manifest(const struct store *s, const char *name, struct manifest *ret, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX], why[256] = "", *text = NULL;
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    uint64_t len = 0;
    dlfw_status st;

    *ret = (struct manifest){0};
    layout_manifest_key(name, key);
    st = store_get(s, key, MANIFEST_BYTES_MAX, &text, &len, reterr);
    if (st < 0)
        return st;
    st = manifest_parse(text, len, ret, &inner);
    free(text);
    return st < 0 ? in_object(s, key, st, why, reterr) : DLFW_OK;
}

dlfw_status store_read_latest(const struct store *s, struct checkpoint_id *ret, bool *ret_any, dlfw_error *reterr)
{
    char why[256] = "", *text = NULL;
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    uint64_t len = 0;
    dlfw_status st = store_get(s, LATEST_KEY, SMALL_BYTES_MAX, &text, &len, reterr);

    *ret = (struct checkpoint_id){0};
    *ret_any = st >= 0;
    if (st < 0)
        return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
    st = latest_parse(text, len, ret, &inner);
    free(text);
    return st < 0 ? in_object(s, LATEST_KEY, st, why, reterr) : DLFW_OK;
}

dlfw_status store_write_latest(const struct store *s, const struct checkpoint_id *id, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX], *text = NULL;
    uint64_t len = 0;
    dlfw_status st = latest_print(id, &text, &len, reterr);

    if (st < 0)
        return st;
    st = store_put(s, LATEST_KEY, text, len, 0, reterr);
    layout_marker_key(id->name, key);
    if (st >= 0)
        st = store_put(s, key, text, len, 0, reterr);
    free(text);
    return st;
}

static int32_t take_manifest(void *ctx, const dlfw_listed *item)
{
    struct catalog *c = ctx;
    char key[STORE_KEY_MAX];
    struct checkpoint_id id;

    if (item->name_len >= sizeof key)
        return 0;
    memcpy(key, item->name, item->name_len);
    key[item->name_len] = '\0';
    if (!checkpoint_id_parse_key(key, "", ".json", &id))
        return 0;
    if (c->count == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 64;
        struct checkpoint_id *more = realloc(c->ids, cap * sizeof *more);

        c->is_full = !more;
        if (!more)
            return 1;
        c->ids = more;
        c->cap = cap;
    }
    c->ids[c->count++] = id;
    return 0;
}

static int in_order(const void *a, const void *b)
{
    return checkpoint_id_order(a, b);
}

dlfw_status catalog_read(const struct store *s, struct catalog *ret, dlfw_error *reterr)
{
    dlfw_status st;

    *ret = (struct catalog){0};
    st = store_list(s, "manifests", false, take_manifest, ret, reterr);
    if (st >= 0 && ret->is_full)
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep the names of %" PRIu32 " checkpoints", ret->count);
    if (st < 0)
        catalog_free(ret);
    else if (ret->count)
        qsort(ret->ids, ret->count, sizeof *ret->ids, in_order);
    return st;
}

void catalog_free(struct catalog *c)
{
    free(c->ids);
    *c = (struct catalog){0};
}

const struct checkpoint_id *catalog_find(const struct catalog *c, const char *name)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (strcmp(c->ids[i].name, name) == 0)
            return &c->ids[i];
    return NULL;
}
