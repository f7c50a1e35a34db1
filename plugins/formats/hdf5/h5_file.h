/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a file once its metadata were read: the data sets whose rows are the samples and where their bytes
 * lie. Constant afterwards; shared by all readers of the file through the cache.
 */
#ifndef DLFW_HDF5_FILE_H
#define DLFW_HDF5_FILE_H

#include "dlfw/format.h"

#include <stdbool.h>

#define H5_RANK_MAX 32u
#define H5_FILTERS_MAX 32u
#define H5_ITEM_MAX 8u
#define H5_PATH_MAX 1024u

enum h5_layout { H5_CONTIGUOUS, H5_COMPACT, H5_CHUNKED, H5_VIRTUAL };
enum h5_index {
    H5_INDEX_NONE,
    H5_INDEX_SINGLE,
    H5_INDEX_IMPLICIT,
    H5_INDEX_FIXED,
    H5_INDEX_EXTENSIBLE,
    H5_INDEX_TREE2,
    H5_INDEX_TREE1
};
enum { H5_FILTER_DEFLATE = 1, H5_FILTER_SHUFFLE = 2, H5_FILTER_FLETCHER = 3, H5_FILTER_LZF = 32000 };

struct h5_filter {
    uint32_t id;
    uint32_t value; /* the first of its client values: level, item size */
};

/* Element type. dtype is DLFW_DTYPE_NONE for what has no numbers in it, and refused says what it is. */
struct h5_type {
    uint32_t dtype;
    uint32_t bytes;
    const char *refused;
};

/* A chunk that was written. index: its place in the grid of chunks, in C order. */
struct h5_chunk {
    uint64_t index, offset;
    uint32_t bytes; /* stored */
    uint32_t mask;  /* filters that were left out */
};

struct h5_set {
    char *name;
    struct h5_type type;
    uint32_t rank;
    uint32_t filter_count;
    uint64_t dims[H5_RANK_MAX], max_dims[H5_RANK_MAX];
    uint64_t bytes;     /* of all items */
    uint64_t row_bytes; /* of one index of the first dimension */
    enum h5_layout layout;
    uint64_t offset; /* of contiguous and compact data; H5_UNDEFINED: never written */
    uint8_t fill[H5_ITEM_MAX];
    struct h5_filter filters[H5_FILTERS_MAX];
    bool library_decodes; /* a filter that only the library has */
    /* chunked */
    enum h5_index index;
    uint64_t chunk_dims[H5_RANK_MAX], grid[H5_RANK_MAX];
    uint64_t chunk_bytes;    /* decoded */
    uint64_t chunk_count;    /* of the grid */
    struct h5_chunk *chunks; /* those that exist, by index */
    uint64_t chunks_written;
};

struct h5_file {
    uint32_t superblock;
    bool by_library; /* the library read the metadata */
    bool is_records; /* records_0 ...: rows are samples, always */
    uint32_t set_count;
    struct h5_set *sets; /* rows of the same number and type */
    uint64_t rows;
    uint64_t row_bytes; /* of all sets together */
    /* with DLFW_OBJECT_EXPLORE: every data set at the root */
    uint32_t seen_count;
    struct h5_set *seen;
    /* what the library needs to decode chunks: copies of the metadata it read */
    dlfw_span *image;
    uint32_t image_count;
};

struct h5_file *h5_file_create(void);
void h5_file_destroy(void *file); /* struct h5_file *; NULL is fine */
uint64_t h5_file_memory(const struct h5_file *file);
/* A NUL-terminated copy; NULL: out of memory. */
char *h5_text_copy(const char *text, size_t len);
void h5_set_clear(struct h5_set *set);
/* Appends a zeroed set to a list; NULL: out of memory. */
struct h5_set *h5_sets_add(struct h5_set **sets, uint32_t *count);

/* Rows per chunk; 1 for data that lie in one piece. */
uint64_t h5_set_chunk_rows(const struct h5_set *set);
/* The chunk of the grid, or NULL when it was never written. */
const struct h5_chunk *h5_set_chunk(const struct h5_set *set, uint64_t index);
/* Chunks of one index of the grid's first dimension. */
uint64_t h5_set_row_chunks(const struct h5_set *set);
/* Whether rows lie as they are inside their chunk: unfiltered chunks of whole rows. */
bool h5_set_chunks_hold_rows(const struct h5_set *set);
/* Whether rows are chunks one after the other: unfiltered, each a run of the items in C order, without padding. */
bool h5_set_rows_hold_chunks(const struct h5_set *set);
const char *h5_type_name(const struct h5_type *type);

#endif
