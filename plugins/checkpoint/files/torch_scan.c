/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file from its first to its last byte, held to the directory that was read before: local headers where it says,
 * data with its CRC-32, and the tensors' content when that is asked for. Pieces come as the storage delivers them, so
 * the scan is a state that bytes are fed to.
 */
#include <inttypes.h>
#include <string.h>

#include "file_container.h"
#include "torch_dir.h"
#include "zip_records.h"

#define HOT_BYTES 65536u /* summed and compared while it is in the cache */

enum scan_state {
    SCAN_GAP,    /* up to the next member or the end */
    SCAN_HEADER, /* the fixed part of a local header */
    SCAN_NAME,   /* name and extra field */
    SCAN_DATA
};

struct torch_scan {
    const struct file_check *check;
    struct torch_dir dir;
    uint64_t next;   /* entry to come, or the one being read */
    uint64_t offset; /* in the file */
    enum scan_state state;
    uint64_t left; /* of NAME or DATA */
    uint32_t crc;
    uint32_t filled; /* of header */
    struct plan_tensor tensor;
    uint8_t header[ZIP_LOCAL_FIXED];
};

/* Where the data of the next member has to end. */
static uint64_t data_limit(const struct torch_scan *s)
{
    return s->next + 1 < s->dir.count ? s->dir.entries[s->next + 1].offset : s->dir.offset;
}

static dlfw_status end_data(struct torch_scan *s, dlfw_error *reterr)
{
    const struct torch_entry *e = &s->dir.entries[s->next];

    if (s->crc != e->crc)
        return dlfw_fail(reterr, DLFW_E_CORRUPT,
                         "'%s': the member at offset %" PRIu64 " has CRC-32 %08" PRIx32
                         ", the directory says %08" PRIx32,
                         s->check->uri, e->offset, s->crc, e->crc);
    s->next++;
    s->state = SCAN_GAP;
    return DLFW_OK;
}

static dlfw_status begin_data(struct torch_scan *s, dlfw_error *reterr)
{
    const struct torch_entry *e = &s->dir.entries[s->next];

    s->state = SCAN_DATA;
    s->left = e->bytes;
    s->crc = 0;
    if (e->tensor != TORCH_NO_TENSOR)
        model_plan_tensor(s->check->plan, s->check->file, e->tensor, &s->tensor);
    return s->left ? DLFW_OK : end_data(s, reterr);
}

static dlfw_status take_header(struct torch_scan *s, dlfw_error *reterr)
{
    const struct torch_entry *e = &s->dir.entries[s->next];
    const uint8_t *h = s->header;
    const uint64_t rest = (uint64_t)zip_get16(h + 26) + zip_get16(h + 28), limit = data_limit(s);

    if (zip_get32(h) != ZIP_LOCAL_SIGNATURE || zip_get16(h + 8) != 0 || zip_get16(h + 26) != e->name_len)
        return torch_corrupt(s->check, e->offset, "no local header as the directory says", reterr);
    if (e->bytes > limit - s->offset || rest > limit - s->offset - e->bytes)
        return torch_corrupt(s->check, e->offset, "a member that reaches into the next", reterr);
    s->state = SCAN_NAME;
    s->left = rest;
    return DLFW_OK;
}

static dlfw_status take_data(struct torch_scan *s, const uint8_t *p, uint64_t len, dlfw_error *reterr)
{
    const struct file_check *c = s->check;
    const struct torch_entry *e = &s->dir.entries[s->next];

    for (uint64_t done = 0; done < len;) {
        const uint64_t at = e->bytes - s->left;
        uint64_t n = HOT_BYTES - at % HOT_BYTES;

        n = n < len - done ? n : len - done;
        s->crc = c->host->crc32(s->crc, p + done, n);
        if (c->content && e->tensor != TORCH_NO_TENSOR) {
            uint64_t same = tensor_content_check(c->content, s->tensor.object, s->tensor.type, at, p + done, n);

            if (same < n)
                return dlfw_fail(reterr, DLFW_E_CORRUPT,
                                 "'%s': not what this model's checkpoint holds at offset %" PRIu64 " (byte %" PRIu64
                                 " of tensor %" PRIu64 ")",
                                 c->uri, s->offset + done + same, at + same, e->tensor);
        }
        done += n;
        s->left -= n;
    }
    return s->left ? DLFW_OK : end_data(s, reterr);
}

/* How many of len bytes the current state takes. */
static uint64_t wanted(const struct torch_scan *s, uint64_t len)
{
    uint64_t n = len;

    if (s->state == SCAN_GAP && s->next < s->dir.count)
        n = s->dir.entries[s->next].offset - s->offset;
    else if (s->state == SCAN_HEADER)
        n = ZIP_LOCAL_FIXED - s->filled;
    else if (s->state != SCAN_GAP)
        n = s->left;
    return n < len ? n : len;
}

/* The changes of state that need no byte. */
static dlfw_status settle(struct torch_scan *s, dlfw_error *reterr)
{
    if (s->state == SCAN_GAP && s->next < s->dir.count && s->offset == s->dir.entries[s->next].offset) {
        s->state = SCAN_HEADER;
        s->filled = 0;
    }
    if (s->state == SCAN_HEADER && s->filled == ZIP_LOCAL_FIXED) {
        dlfw_status st = take_header(s, reterr);

        if (st < 0)
            return st;
    }
    if (s->state == SCAN_NAME && s->left == 0)
        return begin_data(s, reterr);
    return DLFW_OK;
}

static dlfw_status feed(void *ctx, const void *data, uint64_t len, dlfw_error *reterr)
{
    struct torch_scan *s = ctx;
    const struct file_check *c = s->check;
    const uint8_t *p = data;
    dlfw_status st = file_pool_stopped(c->pool);

    if (st < 0)
        return st;
    if (c->host->cancelled(c->host_ctx))
        return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped while '%s' was read", c->uri);
    while (len) {
        uint64_t n;

        st = settle(s, reterr);
        if (st < 0)
            return st;
        n = wanted(s, len);
        if (s->state == SCAN_HEADER) {
            memcpy(s->header + s->filled, p, n);
            s->filled += (uint32_t)n;
        } else if (s->state == SCAN_NAME) {
            s->left -= n;
        } else if (s->state == SCAN_DATA) {
            st = take_data(s, p, n, reterr);
            if (st < 0)
                return st;
        }
        s->offset += n;
        p += n;
        len -= n;
    }
    return DLFW_OK;
}

dlfw_status torch_check(const struct file_check *c, dlfw_error *reterr)
{
    struct torch_scan s = {.check = c};
    dlfw_status st = torch_dir_read(c, &s.dir, reterr);

    if (st >= 0)
        st = c->services->source_scan(c->source, 0, c->size, feed, &s, reterr);
    if (st >= 0 && s.next < s.dir.count)
        st = torch_corrupt(c, c->size, "a member is missing: the file ends", reterr);
    torch_dir_free(&s.dir);
    return st;
}
