/* SPDX-License-Identifier: Apache-2.0 */
/* See indexed_table.h. Nothing a table says is used before it was compared with the size of the data. */
#include "indexed_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/little_endian.h"
#include "common/span_set.h"

#define BLOCK 512u /* entries looked at in one go */
#define OVERLAP_LIMIT                                                                                                  \
    16u /* samples may share bytes; a table that claims more than so many times the data is damaged                    \
         */
#define FIRST_GAP 4096u

static __attribute__((format(printf, 4, 5))) dlfw_status refuse(struct indexed_reason *reason, uint32_t side,
                                                                uint64_t index, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reason->text, sizeof reason->text, format, args);
    va_end(args);
    reason->side = side;
    reason->offset = index * INDEXED_ENTRY_BYTES;
    return DLFW_E_CORRUPT;
}

static dlfw_status check_sample(struct indexed_sample s, uint64_t index, uint64_t data_bytes,
                                struct indexed_reason *reason)
{
    if (s.offset >= data_bytes)
        return refuse(reason, INDEXED_OFFSETS, index,
                      "sample %" PRIu64 " begins at offset %" PRIu64 " of %" PRIu64 " bytes of data", index, s.offset,
                      data_bytes);
    if (!s.size)
        return refuse(reason, INDEXED_SIZES, index, "sample %" PRIu64 " has no bytes", index);
    if (s.size > data_bytes - s.offset)
        return refuse(reason, INDEXED_SIZES, index,
                      "sample %" PRIu64 " has %" PRIu64 " bytes where %" PRIu64 " are left in the data", index, s.size,
                      data_bytes - s.offset);
    return DLFW_OK;
}

/* What is learnt of the samples while they pass. */
static dlfw_status note_sample(struct indexed_table *t, struct indexed_sample s, uint64_t index, uint64_t data_bytes,
                               uint64_t *end, uint64_t *claimed, struct indexed_reason *reason)
{
    dlfw_status st = check_sample(s, index, data_bytes, reason);

    if (st < 0)
        return st;
    t->is_contiguous = t->is_contiguous && s.offset == *end;
    t->smallest = s.size < t->smallest ? s.size : t->smallest;
    t->largest = s.size > t->largest ? s.size : t->largest;
    *end = s.offset + s.size;
    *claimed += s.size;
    if (*claimed / OVERLAP_LIMIT > data_bytes)
        return refuse(reason, INDEXED_SIZES, index,
                      "the samples up to %" PRIu64 " claim %" PRIu64 " bytes of the %" PRIu64 " that there are", index,
                      *claimed, data_bytes);
    t->samples[index] = s;
    return DLFW_OK;
}

static dlfw_status load_samples(const dlfw_span *have, uint32_t n_have, uint64_t data_bytes, struct indexed_table *t,
                                struct indexed_reason *reason)
{
    uint8_t offsets[BLOCK * INDEXED_ENTRY_BYTES], sizes[BLOCK * INDEXED_ENTRY_BYTES];
    uint64_t end = 0, claimed = 0;

    for (uint64_t i = 0; i < t->count; i += BLOCK) {
        const uint64_t n = t->count - i < BLOCK ? t->count - i : BLOCK, at = i * INDEXED_ENTRY_BYTES;

        if (!span_copy(have, n_have, DLFW_SIDE_OFFSET(INDEXED_OFFSETS) + at, offsets, n * INDEXED_ENTRY_BYTES) ||
            !span_copy(have, n_have, DLFW_SIDE_OFFSET(INDEXED_SIZES) + at, sizes, n * INDEXED_ENTRY_BYTES))
            return refuse(reason, INDEXED_OFFSETS, i, "entry %" PRIu64 " was not read", i);
        for (uint64_t k = 0; k < n; k++) {
            const struct indexed_sample s = {.offset = get_le64(offsets + k * INDEXED_ENTRY_BYTES),
                                             .size = get_le64(sizes + k * INDEXED_ENTRY_BYTES)};
            dlfw_status st = note_sample(t, s, i + k, data_bytes, &end, &claimed, reason);

            if (st < 0)
                return st;
        }
    }
    return DLFW_OK;
}

dlfw_status indexed_table_load(const dlfw_span *have, uint32_t n_have, uint64_t count, uint64_t data_bytes,
                               struct indexed_table **ret, struct indexed_reason *reason)
{
    struct indexed_table *t = calloc(1, sizeof *t);
    dlfw_status st = DLFW_E_NO_MEMORY;

    snprintf(reason->text, sizeof reason->text, "out of memory for the tables of %" PRIu64 " samples", count);
    reason->offset = 0;
    reason->side = INDEXED_OFFSETS;
    if (t)
        t->samples = calloc(count, sizeof *t->samples);
    if (!t || !t->samples)
        goto out;
    t->count = count;
    t->is_contiguous = true;
    t->smallest = UINT64_MAX;
    st = load_samples(have, n_have, data_bytes, t, reason);
    if (st < 0)
        goto out;
    t->record = t->smallest == t->largest ? t->largest : 0;
    if (t->is_contiguous && t->record) {
        free(t->samples);
        t->samples = NULL;
    }
    *ret = t;
    t = NULL;
out:
    indexed_table_free(t);
    return st;
}

void indexed_table_free(void *table)
{
    struct indexed_table *t = table;

    if (t)
        free(t->samples);
    free(t);
}

uint64_t indexed_table_bytes(const struct indexed_table *table)
{
    return sizeof *table + (table->samples ? table->count * sizeof *table->samples : 0);
}

struct indexed_sample indexed_table_sample(const struct indexed_table *table, uint64_t index)
{
    if (table->samples)
        return table->samples[index];
    return (struct indexed_sample){.offset = index * table->record, .size = table->record};
}

static int by_offset(const void *a, const void *b)
{
    const struct indexed_sample *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Joins samples whose distance is at most gap; cap + 1 when that leaves more than cap ranges. */
static uint32_t join(const struct indexed_sample *sorted, uint64_t n, uint64_t gap, dlfw_range *ret, uint32_t cap)
{
    uint64_t end = sorted[0].offset + sorted[0].size;
    uint32_t count = 1;

    ret[0] = (dlfw_range){.offset = sorted[0].offset, .length = sorted[0].size};
    for (uint64_t i = 1; i < n; i++) {
        const uint64_t sample_end = sorted[i].offset + sorted[i].size;

        if (sorted[i].offset > end && sorted[i].offset - end > gap) {
            if (count == cap)
                return cap + 1;
            ret[count++] = (dlfw_range){.offset = sorted[i].offset, .length = sorted[i].size};
            end = sample_end;
            continue;
        }
        end = sample_end > end ? sample_end : end;
        ret[count - 1].length = end - ret[count - 1].offset;
    }
    return count;
}

dlfw_status indexed_table_ranges(const struct indexed_table *table, uint64_t first, uint64_t n, dlfw_range *ret,
                                 uint32_t cap, uint32_t *ret_n)
{
    const struct indexed_sample begin = indexed_table_sample(table, first),
                                last = indexed_table_sample(table, first + n - 1);
    struct indexed_sample *sorted;

    if (table->is_contiguous) {
        ret[0] = (dlfw_range){.offset = begin.offset, .length = last.offset + last.size - begin.offset};
        *ret_n = 1;
        return DLFW_OK;
    }
    sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return DLFW_E_NO_MEMORY;
    for (uint64_t i = 0; i < n; i++)
        sorted[i] = table->samples[first + i];
    qsort(sorted, n, sizeof *sorted, by_offset);
    *ret_n = join(sorted, n, 0, ret, cap);
    for (uint64_t gap = FIRST_GAP; *ret_n > cap; gap *= 2)
        *ret_n = join(sorted, n, gap, ret, cap);
    free(sorted);
    return DLFW_OK;
}
