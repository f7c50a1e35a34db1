/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two tables beside an indexed file: where each sample begins and how many bytes it has. A loaded table is valid:
 * every sample lies inside the data and is not empty. Constant once it is loaded; shared by all readers of the object.
 */
#ifndef DLFW_FORMATS_INDEXED_TABLE_H
#define DLFW_FORMATS_INDEXED_TABLE_H

#include "dlfw/format.h"

#include <stdbool.h>

#define INDEXED_ENTRY_BYTES 8u
#define INDEXED_OFFSETS 0u /* numbers of the side objects */
#define INDEXED_SIZES 1u

struct indexed_sample {
    uint64_t offset;
    uint64_t size;
};

struct indexed_table {
    uint64_t count;
    uint64_t record; /* bytes of every sample, 0: they differ */
    uint64_t smallest, largest;
    bool is_contiguous; /* sample after sample from offset 0 on */
    /* NULL when contiguous and equal: nothing more is to be known */
    struct indexed_sample *samples;
};

struct indexed_reason {
    char text[192];
    uint64_t offset; /* in the table of side object side */
    uint32_t side;
};

/* The table of count entries from the two side objects, which have[] holds, over data of data_bytes. */
dlfw_status indexed_table_load(const dlfw_span *have, uint32_t n_have, uint64_t count, uint64_t data_bytes,
                               struct indexed_table **ret, struct indexed_reason *reason);
void indexed_table_free(void *table);
uint64_t indexed_table_bytes(const struct indexed_table *table); /* of memory */
struct indexed_sample indexed_table_sample(const struct indexed_table *table, uint64_t index);

/*
 * The ranges, ascending and disjoint, that hold samples [first, first + n): at most cap, so that the smallest gaps are
 * read as well when there are more. NO_MEMORY without a message.
 */
dlfw_status indexed_table_ranges(const struct indexed_table *table, uint64_t first, uint64_t n, dlfw_range *ret,
                                 uint32_t cap, uint32_t *ret_n);

#endif
