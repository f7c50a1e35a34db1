/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile input: every offset and length is checked against the file before it is used, and the directory may only be
 * as large as the plan's number of tensors explains.
 */
#include "torch_dir.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "torch_layout.h"

#define OTHER_MEMBERS 64u /* that PyTorch's versions put beside pickle and tensors */
#define DIR_ENTRY_MAX 1024u
#define TAIL_BYTES (ZIP_END_BYTES + ZIP_LOCATOR_BYTES + ZIP_END64_BYTES)

dlfw_status torch_corrupt(const struct file_check *c, uint64_t offset, const char *what, dlfw_error *reterr)
{
    return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s': %s at offset %" PRIu64, c->uri, what, offset);
}

static dlfw_status read_exactly(const struct file_check *c, uint64_t offset, void *buf, uint64_t len,
                                dlfw_error *reterr)
{
    uint8_t *p = buf;

    while (len) {
        uint64_t n = 0;
        dlfw_status st = c->services->source_read(c->source, offset, p, len, &n, reterr);

        if (st < 0)
            return st;
        if (!n)
            return torch_corrupt(c, offset, "the file ends early", reterr);
        p += n;
        offset += n;
        len -= n;
    }
    return DLFW_OK;
}

struct dir_place {
    uint64_t offset, bytes, members;
};

/* The end records without a comment, as PyTorch writes them. */
static dlfw_status find_directory(const struct file_check *c, struct dir_place *ret, dlfw_error *reterr)
{
    uint8_t tail[TAIL_BYTES] = {0};
    const uint64_t have = c->size < TAIL_BYTES ? c->size : TAIL_BYTES;
    const uint8_t *end = tail + TAIL_BYTES - ZIP_END_BYTES, *locator = end - ZIP_LOCATOR_BYTES;
    uint64_t limit = c->size - ZIP_END_BYTES;
    dlfw_status st;

    if (c->size < ZIP_END_BYTES)
        return torch_corrupt(c, c->size, "no PyTorch file, or a truncated one, ends", reterr);
    st = read_exactly(c, c->size - have, tail + TAIL_BYTES - have, have, reterr);
    if (st < 0)
        return st;
    if (zip_get32(end) != ZIP_END_SIGNATURE || zip_get16(end + 20) != 0)
        return torch_corrupt(c, limit, "no PyTorch file, or a truncated one: no zip end record", reterr);
    *ret = (struct dir_place){zip_get32(end + 16), zip_get32(end + 12), zip_get16(end + 10)};
    if (have == TAIL_BYTES && zip_get32(locator) == ZIP_LOCATOR_SIGNATURE) {
        limit = c->size - TAIL_BYTES;
        if (zip_get64(locator + 8) != limit || zip_get32(tail) != ZIP_END64_SIGNATURE)
            return torch_corrupt(c, limit, "no zip64 end record", reterr);
        *ret = (struct dir_place){zip_get64(tail + 48), zip_get64(tail + 40), zip_get64(tail + 32)};
    }
    if (ret->offset > limit || ret->bytes > limit - ret->offset)
        return torch_corrupt(c, limit, "zip directory outside the file according to the end record", reterr);
    return DLFW_OK;
}

/* One record of the directory that was read into memory. */
struct dir_record {
    const uint8_t *fixed, *name, *extra;
    uint32_t name_len, extra_len;
};

static bool next_record(const uint8_t **p, uint64_t *left, struct dir_record *ret)
{
    uint64_t len;

    if (*left < ZIP_DIR_FIXED || zip_get32(*p) != ZIP_DIR_SIGNATURE)
        return false;
    *ret = (struct dir_record){.fixed = *p, .name_len = zip_get16(*p + 28), .extra_len = zip_get16(*p + 30)};
    len = (uint64_t)ZIP_DIR_FIXED + ret->name_len + ret->extra_len + zip_get16(*p + 32);
    if (len > *left)
        return false;
    ret->name = *p + ZIP_DIR_FIXED;
    ret->extra = ret->name + ret->name_len;
    *p += len;
    *left -= len;
    return true;
}

/* A 32-bit field that is all ones is continued in the ZIP64 block, in the order of the fields. */
static bool widen(const struct dir_record *r, uint64_t *fields[3])
{
    uint32_t at = 0;

    for (uint32_t pos = 0; pos + 4 <= r->extra_len;) {
        uint32_t id = zip_get16(r->extra + pos), len = zip_get16(r->extra + pos + 2);

        if (len > r->extra_len - pos - 4)
            return false;
        for (uint32_t i = 0; id == 1 && i < 3; i++) {
            if (*fields[i] != UINT32_MAX)
                continue;
            if (at + 8 > len)
                return false;
            *fields[i] = zip_get64(r->extra + pos + 4 + at);
            at += 8;
        }
        if (id == 1)
            return true;
        pos += 4 + len;
    }
    return *fields[0] != UINT32_MAX && *fields[1] != UINT32_MAX && *fields[2] != UINT32_MAX;
}

/* N of "ROOT/data/N". */
static uint64_t tensor_number(const struct dir_record *r)
{
    static const char folder[] = "data/";
    const char *name = (const char *)r->name, *slash = memchr(name, '/', r->name_len);
    uint32_t at = slash ? (uint32_t)(slash - name) + 1 : r->name_len;
    uint64_t n = 0;

    if (r->name_len - at < sizeof folder || memcmp(name + at, folder, sizeof folder - 1) != 0)
        return TORCH_NO_TENSOR;
    for (at += (uint32_t)sizeof folder - 1; at < r->name_len; at++) {
        if (name[at] < '0' || name[at] > '9' || n > UINT32_MAX)
            return TORCH_NO_TENSOR;
        n = n * 10 + (uint64_t)(name[at] - '0');
    }
    return n;
}

static dlfw_status take_record(const struct file_check *c, const struct torch_dir *dir, const struct dir_record *r,
                               uint64_t end_of_last, struct torch_entry *ret, dlfw_error *reterr)
{
    uint64_t stored = zip_get32(r->fixed + 20), bytes = zip_get32(r->fixed + 24), offset = zip_get32(r->fixed + 42);
    uint64_t *fields[3] = {&bytes, &stored, &offset};
    struct plan_tensor t;

    if (!widen(r, fields))
        return torch_corrupt(c, dir->offset, "a zip64 block that is too short, in the directory", reterr);
    if (zip_get16(r->fixed + 10) != 0 || stored != bytes)
        return torch_corrupt(c, offset, "a compressed member, which PyTorch does not write,", reterr);
    if (offset < end_of_last || offset > dir->offset || dir->offset - offset < ZIP_LOCAL_FIXED + r->name_len ||
        bytes > dir->offset - offset - ZIP_LOCAL_FIXED - r->name_len)
        return torch_corrupt(c, offset, "a member that overlaps another", reterr);
    *ret = (struct torch_entry){.offset = offset,
                                .bytes = bytes,
                                .tensor = tensor_number(r),
                                .crc = zip_get32(r->fixed + 16),
                                .name_len = r->name_len};
    if (ret->tensor == TORCH_NO_TENSOR)
        return DLFW_OK;
    if (ret->tensor >= c->file->tensor_count)
        return torch_corrupt(c, offset, "a tensor too many for this model", reterr);
    model_plan_tensor(c->plan, c->file, ret->tensor, &t);
    if (bytes != t.bytes)
        return dlfw_fail(reterr, DLFW_E_CORRUPT,
                         "'%s': tensor %" PRIu64 " has %" PRIu64 " bytes, the model makes it %" PRIu64, c->uri,
                         ret->tensor, bytes, t.bytes);
    return DLFW_OK;
}

/* seen: one bit per tensor. */
static dlfw_status take_records(const struct file_check *c, const uint8_t *p, uint64_t left, uint8_t *seen,
                                struct torch_dir *dir, dlfw_error *reterr)
{
    uint64_t tensors = 0, end_of_last = 0;

    for (uint64_t i = 0; i < dir->count; i++) {
        struct torch_entry *e = &dir->entries[i];
        struct dir_record r;
        dlfw_status st;

        if (!next_record(&p, &left, &r))
            return torch_corrupt(c, dir->offset, "a damaged zip directory", reterr);
        st = take_record(c, dir, &r, end_of_last, e, reterr);
        if (st < 0)
            return st;
        end_of_last = e->offset + ZIP_LOCAL_FIXED + e->name_len + e->bytes;
        if (e->tensor == TORCH_NO_TENSOR)
            continue;
        if (seen[e->tensor / 8] & 1u << e->tensor % 8)
            return torch_corrupt(c, e->offset, "a tensor that was there before", reterr);
        seen[e->tensor / 8] |= (uint8_t)(1u << e->tensor % 8);
        tensors++;
    }
    if (left)
        return torch_corrupt(c, dir->offset, "a zip directory with more records than it says", reterr);
    if (tensors != c->file->tensor_count)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s': %" PRIu64 " tensors, the model has %" PRIu64, c->uri, tensors,
                         c->file->tensor_count);
    return DLFW_OK;
}

dlfw_status torch_dir_read(const struct file_check *c, struct torch_dir *ret, dlfw_error *reterr)
{
    const uint64_t members_max = c->file->tensor_count + OTHER_MEMBERS;
    struct dir_place place = {0};
    struct torch_dir dir = {0};
    uint8_t *bytes = NULL, *seen = NULL;
    dlfw_status st = find_directory(c, &place, reterr);

    if (st < 0)
        return st;
    if (place.members > members_max || place.bytes > members_max * DIR_ENTRY_MAX)
        return torch_corrupt(c, place.offset, "a zip directory too large for this model", reterr);
    dir.count = place.members;
    dir.offset = place.offset;
    dir.entries = calloc(dir.count + 1, sizeof *dir.entries);
    bytes = malloc(place.bytes + 1);
    seen = calloc(c->file->tensor_count / 8 + 1, 1);
    if (!dir.entries || !bytes || !seen)
        st = dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the directory of '%s'", c->uri);
    if (st >= 0)
        st = read_exactly(c, place.offset, bytes, place.bytes, reterr);
    if (st >= 0)
        st = take_records(c, bytes, place.bytes, seen, &dir, reterr);
    free(seen);
    free(bytes);
    if (st < 0)
        torch_dir_free(&dir);
    else
        *ret = dir;
    return st;
}

void torch_dir_free(struct torch_dir *dir)
{
    free(dir->entries);
    *dir = (struct torch_dir){0};
}
