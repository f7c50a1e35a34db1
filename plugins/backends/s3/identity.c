/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, time and region of a signature; the signing key is kept for the day, it costs as much as all the rest.
 */
#include "s3.h"

#include <stdlib.h>
#include <string.h>

void s3_region_get(dlfw_backend *be, char ret[S3_REGION_MAX + 1])
{
    pthread_mutex_lock(&be->lock);
    memcpy(ret, be->region, sizeof be->region);
    pthread_mutex_unlock(&be->lock);
}

void s3_region_set(dlfw_backend *be, const char *region)
{
    pthread_mutex_lock(&be->lock);
    memcpy(be->region, region, strlen(region) + 1);
    pthread_mutex_unlock(&be->lock);
}

static bool ring_fits(const struct s3_ring *ring, const struct s3_identity *id)
{
    return memcmp(ring->day, id->time, 8) == 0 && strcmp(ring->region, id->region) == 0 &&
           ring->value.len == id->value.len && memcmp(ring->value.data, id->value.data, id->value.len) == 0;
}

/* Makes the key again; id->value is not yet cut into parts. False: out of memory. */
static bool ring_renew(struct s3_ring *ring, struct s3_identity *id)
{
    struct s3_parts parts;

    text_clear(&ring->value);
    text_add(&ring->value, id->value.data, id->value.len);
    if (ring->value.failed) {
        text_clear(&ring->value);
        return false;
    }
    parts = s3_parts_of(ring->value.data);
    s3_signing_key(parts.secret, id->time, id->region, "s3", ring->key);
    memcpy(ring->value.data, id->value.data, id->value.len); /* as it was before it was cut */
    memcpy(ring->day, id->time, 8);
    memcpy(ring->region, id->region, sizeof ring->region);
    return true;
}

dlfw_status s3_identity_get(dlfw_backend *be, struct s3_identity *ret, dlfw_error *err)
{
    int64_t now = (int64_t)cloud_now_s() + atomic_load_explicit(&be->clock_offset_s, memory_order_relaxed);
    dlfw_status st = s3_chain_get(&be->chain, &ret->value, err);
    bool ok;

    if (st < 0)
        return st;
    cloud_time_iso(now > 0 ? (uint64_t)now : 0, ret->time);
    pthread_mutex_lock(&be->lock);
    memcpy(ret->region, be->region, sizeof ret->region);
    ok = ring_fits(&be->ring, ret) || ring_renew(&be->ring, ret);
    memcpy(ret->key, be->ring.key, sizeof ret->key);
    pthread_mutex_unlock(&be->lock);
    if (!ok)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a signature");
    ret->parts = s3_parts_of(ret->value.data);
    return DLFW_OK;
}

void s3_identity_free(struct s3_identity *id)
{
    if (id->value.data)
        explicit_bzero(id->value.data, id->value.room);
    text_free(&id->value);
}

/* What signed head, when that is still what the ring holds. */
static bool copy_refused(dlfw_backend *be, const struct text *head, struct text *ret)
{
    static const char mark[] = "Credential=";
    const char *at = head->len ? strstr(head->data, mark) : NULL;
    size_t id_len;
    bool same = false;

    if (!at)
        return false;
    at += strlen(mark);
    id_len = strcspn(at, "/%");
    pthread_mutex_lock(&be->lock);
    if (be->ring.value.len > id_len && memcmp(be->ring.value.data, at, id_len) == 0 &&
        be->ring.value.data[id_len] == '\n') {
        text_add(ret, be->ring.value.data, be->ring.value.len);
        same = !ret->failed;
    }
    pthread_mutex_unlock(&be->lock);
    return same;
}

bool s3_identity_refused(dlfw_backend *be, const struct text *head)
{
    struct text refused = {0}, fresh = {0};
    dlfw_error err = {.struct_size = sizeof err};
    bool others = true; /* another thread has found other ones already */

    if (copy_refused(be, head, &refused)) {
        s3_chain_drop(&be->chain, refused.data);
        others = s3_chain_get(&be->chain, &fresh, &err) == DLFW_OK &&
                 (fresh.len != refused.len || memcmp(fresh.data, refused.data, fresh.len) != 0);
    }
    if (refused.data)
        explicit_bzero(refused.data, refused.room);
    if (fresh.data)
        explicit_bzero(fresh.data, fresh.room);
    text_free(&refused);
    text_free(&fresh);
    return others;
}
