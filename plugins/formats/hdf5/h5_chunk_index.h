/* SPDX-License-Identifier: Apache-2.0 */
/* Where the chunks of a data set lie: the index structures that the parser reads itself, as one sorted table. */
#ifndef DLFW_HDF5_CHUNK_INDEX_H
#define DLFW_HDF5_CHUNK_INDEX_H

#include "h5_file.h"
#include "h5_source.h"

/* What the layout message says of the index. */
struct h5_index_place {
    uint64_t address; /* of the index, or of the only chunk */
    uint64_t bytes;   /* of the only chunk when it is filtered */
    uint32_t mask;
    bool is_filtered;
};

/* Bytes of the number that says how long a filtered chunk of chunk_bytes is. */
uint32_t h5_chunk_length_width(uint64_t chunk_bytes);
/* Fills chunks of set, whose dims, chunk_dims, filters and index are known. */
dlfw_status h5_chunk_index_read(struct h5_source *s, const struct h5_index_place *place, struct h5_set *set);
/* Checks the table and brings it into order: no chunk twice, none over another, all inside the object. */
dlfw_status h5_chunk_table_finish(struct h5_source *s, struct h5_set *set);
/* Appends to the table, which has room for *cap. */
dlfw_status h5_chunk_table_add(struct h5_source *s, struct h5_set *set, uint64_t *cap, const struct h5_chunk *chunk);

#endif
