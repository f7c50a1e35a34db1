/* SPDX-License-Identifier: Apache-2.0 */
/* Filters are undone from the last to the first. Each step writes to the one of two buffers that it does not read. */
#include "h5_filters.h"

#include "common/little_endian.h"
#include "h5_checksum.h"
#include "h5_lzf.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct step {
    const uint8_t *data; /* so far */
    uint64_t len;
    uint8_t *out;
    uint64_t cap;
    const char *problem;
};

void h5_filter_memory_free(struct h5_filter_memory *m)
{
    free(m->data[0]);
    free(m->data[1]);
    *m = (struct h5_filter_memory){0};
}

static dlfw_status broken(struct step *t, const char *problem)
{
    t->problem = problem;
    return DLFW_E_CORRUPT;
}

static dlfw_status undo_deflate(struct step *t)
{
    const uint64_t cap = t->cap < UINT32_MAX ? t->cap : UINT32_MAX;
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)t->data, .avail_in = (uInt)t->len, .next_out = t->out, .avail_out = (uInt)cap};
    int code;

    if (inflateInit(&z) != Z_OK) {
        t->problem = "out of memory to inflate a chunk";
        return DLFW_E_NO_MEMORY;
    }
    code = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (code == Z_MEM_ERROR) {
        t->problem = "out of memory to inflate a chunk";
        return DLFW_E_NO_MEMORY;
    }
    if (code == Z_DATA_ERROR && z.msg && strstr(z.msg, "check"))
        return broken(t, "checksum mismatch of a deflated chunk");
    if (code != Z_STREAM_END)
        return broken(t, z.avail_out || z.avail_in == 0 ? "damaged or truncated deflate data"
                                                        : "a deflated chunk is longer than its shape");
    t->data = t->out;
    t->len = cap - z.avail_out;
    return DLFW_OK;
}

static dlfw_status undo_lzf(struct step *t)
{
    const uint64_t made = h5_lzf_expand(t->data, t->len, t->out, t->cap);

    if (made == UINT64_MAX)
        return broken(t, "damaged LZF data");
    t->data = t->out;
    t->len = made;
    return DLFW_OK;
}

/* Byte k of every item lies together; what is left over at the end was not moved. */
static void undo_shuffle(struct step *t, uint32_t item)
{
    const uint64_t items = item > 1 ? t->len / item : 0;

    if (items < 2)
        return;
    for (uint32_t k = 0; k < item; k++) {
        const uint8_t *from = t->data + k * items;

        for (uint64_t i = 0; i < items; i++)
            t->out[i * item + k] = from[i];
    }
    memcpy(t->out + items * item, t->data + items * item, t->len - items * item);
    t->data = t->out;
}

static dlfw_status undo_fletcher(struct step *t, bool verify)
{
    uint32_t stored, sum;

    if (t->len < H5_CHECKSUM_BYTES)
        return broken(t, "a chunk too short for its checksum");
    t->len -= H5_CHECKSUM_BYTES;
    if (!verify)
        return DLFW_OK;
    stored = get_le32(t->data + t->len);
    sum = h5_fletcher32(t->data, t->len);
    /* libraries before 1.6.3 stored the bytes of each half swapped, and readers accept both */
    if (stored != sum && stored != ((sum & 0x00ff00ff) << 8 | (sum & 0xff00ff00) >> 8))
        return broken(t, "checksum mismatch of a chunk (fletcher32)");
    return DLFW_OK;
}

static dlfw_status undo(const struct h5_filter *filter, struct step *t, bool verify)
{
    switch (filter->id) {
    case H5_FILTER_DEFLATE:
        return undo_deflate(t);
    case H5_FILTER_LZF:
        return undo_lzf(t);
    case H5_FILTER_SHUFFLE:
        undo_shuffle(t, filter->value);
        return DLFW_OK;
    case H5_FILTER_FLETCHER:
        return undo_fletcher(t, verify);
    default:
        return broken(t, "a filter that is not known");
    }
}

/* Where the next step may write: not where its input lies. */
static uint8_t *room(struct h5_filter_memory *m, const uint8_t *input, uint64_t need, uint64_t *ret_cap)
{
    const uint32_t i = m->data[0] && input == m->data[0] ? 1 : 0;

    if (m->cap[i] < need) {
        free(m->data[i]);
        m->data[i] = malloc(need);
        m->cap[i] = m->data[i] ? need : 0;
    }
    *ret_cap = need;
    return m->data[i];
}

dlfw_status h5_filters_undo(const struct h5_set *set, const struct h5_chunk *chunk, const uint8_t *stored, bool verify,
                            uint8_t *dst, struct h5_filter_memory *memory, const uint8_t **ret,
                            const char **ret_problem)
{
    const uint64_t need = set->chunk_bytes + H5_CHECKSUM_BYTES * (uint64_t)set->filter_count;
    struct step t = {.data = stored, .len = chunk->bytes};
    dlfw_status st = DLFW_OK;

    for (uint32_t i = set->filter_count; i-- > 0 && st == DLFW_OK;) {
        const struct h5_filter *f = &set->filters[i];

        if (chunk->mask >> i & 1)
            continue;
        if (f->id != H5_FILTER_FLETCHER) {
            bool is_last = dst && i == 0;

            t.out = is_last ? dst : room(memory, t.data, need, &t.cap);
            t.cap = is_last ? set->chunk_bytes : need;
            if (f->id == H5_FILTER_SHUFFLE && t.len > t.cap)
                st = broken(&t, "a chunk longer than its shape");
        }
        if (!t.out && f->id != H5_FILTER_FLETCHER) {
            t.problem = "out of memory for a chunk";
            st = DLFW_E_NO_MEMORY;
        }
        if (st == DLFW_OK)
            st = undo(f, &t, verify);
    }
    if (st == DLFW_OK && t.len != set->chunk_bytes)
        st = broken(&t, "a chunk of another length than its shape asks for");
    *ret = t.data;
    *ret_problem = t.problem;
    return st;
}
