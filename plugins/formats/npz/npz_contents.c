/* SPDX-License-Identifier: Apache-2.0 */
#include "npz_contents.h"

#include "common/npy_describe.h"
#include "zip_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 16384u /* of entries of about 1 KiB each */

struct listing {
    const struct zip_search *s;
    struct npz_contents *contents;
    uint64_t cap;
};

static bool ends_in_npy(const struct zip_member *m)
{
    return m->name_len > 4 && memcmp(m->name + m->name_len - 4, ".npy", 4) == 0;
}

static dlfw_status add_entry(void *ctx, const struct zip_member *m, bool is_readable)
{
    struct listing *l = ctx;
    struct npz_contents *c = l->contents;

    c->total++;
    if (c->total > LISTED_MAX)
        return DLFW_OK;
    if (c->count == l->cap) {
        uint64_t cap = l->cap ? 2 * l->cap : 8;
        struct npz_entry *entries = realloc(c->entries, cap * sizeof *entries);

        if (!entries)
            return zip_fail(l->s, DLFW_E_NO_MEMORY, m->local_offset, "out of memory for the list of members");
        c->entries = entries;
        l->cap = cap;
    }
    c->entries[c->count] = (struct npz_entry){
        .member = *m, .is_array = ends_in_npy(m), .read_as_unit = is_readable ? c->units++ : UINT64_MAX};
    c->count++;
    return DLFW_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct npz_entry *const *x = a, *const *y = b;

    return (*x)->member.local_offset < (*y)->member.local_offset
               ? -1
               : (*x)->member.local_offset > (*y)->member.local_offset;
}

/* Each member ends where the next one begins; members that would share bytes are refused. */
static dlfw_status bound_entries(const struct zip_search *s, struct npz_contents *c)
{
    struct npz_entry **order = malloc((c->count ? c->count : 1) * sizeof *order);
    dlfw_status st = DLFW_OK;

    if (!order)
        return zip_fail(s, DLFW_E_NO_MEMORY, 0, "out of memory for the list of members");
    for (uint64_t i = 0; i < c->count; i++)
        order[i] = &c->entries[i];
    qsort(order, c->count, sizeof *order, by_offset);
    for (uint64_t i = 0; i < c->count && st >= 0; i++) {
        struct zip_member *m = &order[i]->member;
        uint64_t least = ZIP_LOCAL_FIXED + (uint64_t)m->name_len + m->stored_bytes;

        if (i + 1 < c->count)
            m->end_bound = order[i + 1]->member.local_offset;
        if (m->end_bound - m->local_offset < least)
            st = zip_fail(s, DLFW_E_CORRUPT, m->local_offset, "zip members overlap;");
        else
            zip_member_cut_gap(m);
    }
    free(order);
    return st;
}

dlfw_status npz_contents_read(const struct zip_search *s, struct npz_contents **ret)
{
    struct listing l = {.s = s, .contents = calloc(1, sizeof(struct npz_contents))};
    dlfw_status st;

    if (!l.contents)
        return zip_fail(s, DLFW_E_NO_MEMORY, 0, "out of memory for the list of members");
    st = zip_list_members(s, add_entry, &l);
    if (st == DLFW_OK)
        st = bound_entries(s, l.contents);
    if (st != DLFW_OK) {
        npz_contents_free(l.contents);
        return st;
    }
    *ret = l.contents;
    return DLFW_OK;
}

void npz_contents_free(struct npz_contents *c)
{
    if (c)
        free(c->entries);
    free(c);
}

struct npz_entry *npz_contents_unit(struct npz_contents *c, uint64_t unit)
{
    uint64_t low = 0, high = c->count; /* units ascend, with gaps of entries that are none */

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, at = middle;

        while (at < high && c->entries[at].read_as_unit == UINT64_MAX)
            at++;
        if (at == high)
            high = middle;
        else if (c->entries[at].read_as_unit == unit)
            return &c->entries[at];
        else if (c->entries[at].read_as_unit < unit)
            low = at + 1;
        else
            high = middle;
    }
    return NULL;
}

static void describe_method(const struct zip_member *m, const dlfw_describe *out)
{
    char text[32];

    snprintf(text, sizeof text, "zip method %u", m->method);
    out->text(out->ctx, "method", m->method == ZIP_STORED ? "stored" : m->method == ZIP_DEFLATED ? "deflated" : text);
    if (m->flags & ZIP_FLAG_ENCRYPTED)
        out->text(out->ctx, "encrypted", "yes");
}

void npz_entry_describe(const struct npz_entry *e, const dlfw_describe *out)
{
    const struct zip_member *m = &e->member;
    char crc[16];

    snprintf(crc, sizeof crc, "%08x", m->crc);
    out->begin(out->ctx, e->is_array ? "array" : "member", m->name);
    if (e->has_array)
        npy_describe(&e->array, out);
    if (e->reason.text[0])
        out->text(out->ctx, "not read", e->reason.text);
    describe_method(m, out);
    out->number(out->ctx, "stored bytes", m->stored_bytes);
    out->number(out->ctx, "bytes", m->bytes);
    out->text(out->ctx, "crc", crc);
    if (e->read_as_unit == UINT64_MAX)
        out->text(out->ctx, "checked", "no");
    out->end(out->ctx);
}
