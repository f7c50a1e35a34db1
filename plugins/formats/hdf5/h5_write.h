/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of a generated file: the sink with its place in the file, object headers, chunks, chunk indexes. */
#ifndef DLFW_HDF5_WRITE_H
#define DLFW_HDF5_WRITE_H

#include "h5_content.h"
#include "h5_plan.h"
#include "h5_superblock.h"

#define H5_PAGE_BITS 10u /* pages of a fixed array have 2^10 elements, as the library's */
#define H5_TREE2_SPLIT 100u
#define H5_TREE2_MERGE 40u

/* The sink. Bytes are made in its windows, which stay open from one small piece to the next. */
struct h5_out {
    const dlfw_sink *sink;
    uint64_t offset; /* of the next byte */
    uint8_t *window;
    uint64_t used, room;
    dlfw_error *err;
};

dlfw_status h5_out_flush(struct h5_out *o);
/* Up to *ret_len bytes (changed to what there is, at least 1) of the file are to be made at *ret. */
dlfw_status h5_out_room(struct h5_out *o, uint8_t **ret, uint64_t *ret_len);
void h5_out_made(struct h5_out *o, uint64_t len);
dlfw_status h5_out_write(struct h5_out *o, const void *data, uint64_t len);
dlfw_status h5_out_zeros(struct h5_out *o, uint64_t len);

/* Where a chunk lies. */
struct h5_chunk_place {
    uint64_t offset;
    uint32_t bytes;
    uint32_t mask;
};

/* A data set as its header says it. places: of its chunks, or NULL when they lie one after the other from data on. */
struct h5_written {
    uint64_t data;  /* first byte */
    uint64_t index; /* address of the chunk index; of the only chunk when there is no index */
    const struct h5_chunk_place *places;
    struct h5_chunk_place only; /* of a filtered data set of one chunk */
};

/* Object headers. The bytes functions return what the write functions write. */
uint64_t h5_root_header_bytes(const struct h5_plan *plan);
uint64_t h5_set_header_bytes(const struct h5_plan *plan);
uint64_t h5_labels_header_bytes(void);
void h5_build_superblock(uint8_t out[H5_SUPERBLOCK_BYTES], uint64_t root, uint64_t end);
/* headers: address of the first data set's header; the others follow, labels last. */
dlfw_status h5_write_root(struct h5_out *o, const struct h5_plan *plan, uint64_t headers);
dlfw_status h5_write_set(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set);
dlfw_status h5_write_labels(struct h5_out *o, const struct h5_plan *plan, uint64_t data);

/* Chunk indexes. 0 bytes where there is none. */
uint64_t h5_index_bytes(const struct h5_plan *plan);
dlfw_status h5_write_index(struct h5_out *o, const struct h5_plan *plan, const struct h5_written *set);
/* False when no node size gives room for all chunks. */
bool h5_tree2_node_bytes(const struct h5_plan *plan, uint32_t *ret);

/* The items of data set number set. places (filtered only): where the chunks came to lie. */
dlfw_status h5_write_items(struct h5_out *o, const struct h5_plan *plan, uint32_t set, const dlfw_host *host,
                           const dlfw_encode_spec *spec, struct h5_chunk_place *places);

#endif
