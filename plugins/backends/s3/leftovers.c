/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that were begun and never ended: their parts cost money and no listing shows them. The service does not know
 * who wrote them, so age decides; what this process is writing itself is never taken.
 */
#include <stdlib.h>
#include <string.h>

#include "s3.h"

#define PAGES_MAX 100000u

struct upload {
    char *key;
    char *id;
    uint64_t initiated_s;
};

struct page {
    struct upload *uploads;
    uint32_t count, room;
    struct upload now; /* being read */
    struct text key_marker, id_marker;
    bool encoded, truncated, is_result, no_memory;
};

static void drop_uploads(struct page *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        free(p->uploads[i].key);
        free(p->uploads[i].id);
    }
    p->count = 0;
}

static void end_upload(struct page *p)
{
    if (p->now.key && p->now.id && p->count == p->room) {
        uint32_t room = p->room ? p->room * 2 : 64;
        struct upload *uploads = realloc(p->uploads, room * sizeof *uploads);

        if (uploads) {
            p->uploads = uploads;
            p->room = room;
        }
    }
    if (p->now.key && p->now.id && p->count < p->room) {
        p->uploads[p->count++] = p->now;
    } else {
        p->no_memory = true;
        free(p->now.key);
        free(p->now.id);
    }
    p->now = (struct upload){0};
}

static char *copy_text(const struct page *p, const char *text, size_t len)
{
    char *copy = strndup(text, len);

    if (copy && p->encoded)
        (void)s3_url_decode(copy, len);
    return copy;
}

static bool take(void *ctx, const char *path, const char *text, size_t len)
{
    static const char root[] = "ListMultipartUploadsResult";
    struct page *p = ctx;

    if (strncmp(path, root, strlen(root)) != 0)
        return true;
    p->is_result = true;
    path += strlen(root);
    if (strcmp(path, "/Upload/Key") == 0) {
        free(p->now.key);
        p->now.key = copy_text(p, text, len);
    } else if (strcmp(path, "/Upload/UploadId") == 0) {
        free(p->now.id);
        p->now.id = strndup(text, len);
    } else if (strcmp(path, "/Upload/Initiated") == 0) {
        p->now.initiated_s = cloud_time_ns(text, len) / 1000000000u;
    } else if (strcmp(path, "/Upload") == 0) {
        end_upload(p);
    } else if (strcmp(path, "/IsTruncated") == 0) {
        p->truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "/NextKeyMarker") == 0) {
        char *marker = copy_text(p, text, len);

        text_clear(&p->key_marker);
        text_str(&p->key_marker, marker ? marker : "");
        p->no_memory |= !marker;
        free(marker);
    } else if (strcmp(path, "/NextUploadIdMarker") == 0) {
        text_clear(&p->id_marker);
        text_add(&p->id_marker, text, len);
    }
    return !p->no_memory;
}

static dlfw_status fetch_page(dlfw_backend *be, const struct s3_request *place, struct page *p, struct http_exchange *x,
                              dlfw_error *err)
{
    struct s3_request r = {.method = "GET", .bucket = place->bucket, .bucket_len = place->bucket_len, .key = ""};
    struct cloud_xml xml = {.ctx = p, .each = take};
    dlfw_status st;

    /* No encoding is asked for: there are services that say they encoded keys here, and did not. */
    if (p->key_marker.len) {
        text_str(&r.query, "key-marker=");
        text_encoded(&r.query, p->key_marker.data, p->key_marker.len, false);
        text_char(&r.query, '&');
    }
    text_str(&r.query, "prefix=");
    text_encoded(&r.query, place->key, place->key_len, false);
    if (p->id_marker.len) {
        text_str(&r.query, "&upload-id-marker=");
        text_encoded(&r.query, p->id_marker.data, p->id_marker.len, false);
    }
    text_str(&r.query, "&uploads=");
    st = s3_request_fetch(be, &r, x, err);
    if (st < 0)
        return st;
    drop_uploads(p);
    p->is_result = p->truncated = false;
    p->encoded = x->reply.len && memmem(x->reply.data, x->reply.len, "EncodingType>url<", 17) != NULL;
    st = cloud_xml_walk(x->reply.data, x->reply.len, &xml, err);
    free(p->now.key);
    free(p->now.id);
    p->now = (struct upload){0};
    if (p->no_memory || p->key_marker.failed || p->id_marker.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a page of uploads");
    return st < 0 || p->is_result ? st : dlfw_fail(err, DLFW_E_CORRUPT, "the answer is no list of uploads");
}

struct part_sum {
    uint64_t size;
};

static bool add_size(void *ctx, const char *path, const char *text, size_t len)
{
    struct part_sum *sum = ctx;
    uint64_t size = 0;

    if (strcmp(path, "ListPartsResult/Part/Size") == 0 && s3_number(text, len, &size))
        sum->size += size;
    return true;
}

/* Bytes of the first parts: enough to see what an upload holds. */
static uint64_t held_bytes(dlfw_backend *be, const struct s3_request *place, const struct upload *up,
                           struct http_exchange *x)
{
    struct s3_request r = {.method = "GET",
                           .bucket = place->bucket,
                           .bucket_len = place->bucket_len,
                           .key = up->key,
                           .key_len = strlen(up->key)};
    struct part_sum sum = {0};
    const struct cloud_xml xml = {.ctx = &sum, .each = add_size};
    dlfw_error err = {.struct_size = sizeof err};

    text_str(&r.query, "uploadId=");
    text_encoded(&r.query, up->id, strlen(up->id), false);
    if (s3_request_fetch(be, &r, x, &err) < 0 || cloud_xml_walk(x->reply.data, x->reply.len, &xml, &err) < 0)
        return UINT64_MAX; /* not known */
    return sum.size;
}

static bool is_ours(struct cloud *c, const char *id)
{
    bool ours = false;

    pthread_mutex_lock(&c->uploads_lock);
    for (const struct cloud_upload *up = c->uploads; up && !ours; up = up->older)
        ours = up->id.len && strcmp(up->id.data, id) == 0;
    pthread_mutex_unlock(&c->uploads_lock);
    return ours;
}

struct search {
    dlfw_backend *be;
    const struct s3_request *place;
    int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size);
    void *ctx;
    struct http_exchange x;
};

static dlfw_status offer(struct search *s, const struct upload *up, dlfw_error *err)
{
    uint64_t now = cloud_now_s() + (uint64_t)atomic_load(&s->be->clock_offset_s);
    uint64_t age = s->be->options->stale_upload_age / 1000000000u;
    struct s3_request r = {.method = "DELETE",
                           .bucket = s->place->bucket,
                           .bucket_len = s->place->bucket_len,
                           .key = up->key,
                           .key_len = strlen(up->key)};
    struct text name = {0};
    int32_t remove;

    /* without a time nobody can say that it is old */
    if (up->initiated_s == 0 || up->initiated_s + age > now || is_ours(&s->be->cloud, up->id))
        return DLFW_OK;
    if (!s->be->root.bucket[0]) {
        text_add(&name, s->place->bucket, s->place->bucket_len);
        text_char(&name, '/');
    }
    text_str(&name, up->key);
    if (name.failed || name.len < s->be->cloud.prefix_len ||
        memcmp(name.data, s->be->cloud.prefix, s->be->cloud.prefix_len) != 0) {
        text_free(&name);
        return DLFW_OK; /* not below the root, whatever the service says */
    }
    remove = s->found(s->ctx, name.data + s->be->cloud.prefix_len, (uint32_t)(name.len - s->be->cloud.prefix_len),
                      held_bytes(s->be, s->place, up, &s->x));
    text_free(&name);
    if (remove != 1)
        return DLFW_OK;
    text_str(&r.query, "uploadId=");
    text_encoded(&r.query, up->id, strlen(up->id), false);
    if (s3_request_fetch(s->be, &r, &s->x, err) == DLFW_OK || s->x.code == 404)
        return DLFW_OK;
    return err ? err->status : DLFW_E_IO;
}

dlfw_status s3_leftovers(dlfw_backend *be, const char *prefix,
                         int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                         dlfw_error *err)
{
    struct s3_request place = {0};
    struct search s = {.be = be, .place = &place, .found = found, .ctx = ctx};
    struct page p = {0};
    struct text full = {0};
    dlfw_status st = DLFW_OK;
    uint32_t pages = 0;

    text_add(&full, be->cloud.prefix, be->cloud.prefix_len);
    text_str(&full, prefix);
    if (*prefix && prefix[strlen(prefix) - 1] != '/')
        text_char(&full, '/');
    if (full.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a search");
    else if (!s3_request_target(be, &full, &place))
        st =
            dlfw_fail(err, DLFW_E_UNSUPPORTED, "unfinished uploads are searched in one bucket: name it, 's3://bucket'");
    do {
        if (st == DLFW_OK)
            st = fetch_page(be, &place, &p, &s.x, err);
        for (uint32_t i = 0; i < p.count && st == DLFW_OK; i++)
            st = offer(&s, &p.uploads[i], err);
    } while (st == DLFW_OK && p.truncated && (p.key_marker.len || p.id_marker.len) && ++pages < PAGES_MAX);
    drop_uploads(&p);
    free(p.uploads);
    text_free(&p.key_marker);
    text_free(&p.id_marker);
    text_free(&full);
    http_exchange_free(&s.x);
    return st;
}
