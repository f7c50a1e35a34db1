/* SPDX-License-Identifier: Apache-2.0 */
#include "record_table.h"

#include <stdlib.h>

#define FIRST_CAP 16u

struct record_table *record_table_create(void)
{
    return calloc(1, sizeof(struct record_table));
}

void record_table_free(void *table)
{
    struct record_table *t = table;

    if (!t)
        return;
    free(t->ends);
    free(t);
}

dlfw_status record_table_add(struct record_table *t, uint64_t end)
{
    if (t->count == t->cap) {
        uint64_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
        uint64_t *ends = cap <= SIZE_MAX / sizeof *ends ? realloc(t->ends, cap * sizeof *ends) : NULL;

        if (!ends)
            return DLFW_E_NO_MEMORY;
        t->ends = ends;
        t->cap = cap;
    }
    t->ends[t->count++] = end;
    return DLFW_OK;
}

uint64_t record_table_start(const struct record_table *t, uint64_t record)
{
    return record ? t->ends[record - 1] : 0;
}

uint64_t record_table_bytes(const struct record_table *t)
{
    return sizeof *t + t->cap * sizeof *t->ends;
}
