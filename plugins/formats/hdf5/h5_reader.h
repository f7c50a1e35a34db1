/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one open file. Units are runs of samples; a unit's parts are the pieces of data that hold it: one per
 * data set that lies in one piece, one per chunk otherwise.
 */
#ifndef DLFW_HDF5_READER_H
#define DLFW_HDF5_READER_H

#include "h5_content.h"
#include "h5_file.h"
#include "h5_filters.h"
#include "hdf5.h"

#define H5_UNIT_RANGES 64u /* what every host takes at once */
#define H5_PARTS_FEW 4u

struct h5_part {
    uint64_t offset, bytes;
    const struct h5_chunk *chunk; /* NULL: rows of a set that lies in one piece */
    uint32_t set;
};

/* The unit that was last asked for. */
struct h5_unit {
    uint64_t number;
    uint64_t first_row, end_row;
    struct h5_part *parts; /* ascending by offset, disjoint */
    uint64_t part_count, part_cap;
    struct h5_part few[H5_PARTS_FEW];
    dlfw_range *ranges; /* what to read for the parts */
    dlfw_range few_ranges[H5_PARTS_FEW];
    uint32_t range_count;
    bool misses;   /* some of it was never written */
    bool is_plain; /* each sample lies in the file in one piece, as it is */
};

/* How far consume() has come in the unit. */
struct h5_progress {
    uint64_t unit;      /* UINT64_MAX: none */
    uint64_t part, fed; /* bytes of the part */
    uint8_t *carry;     /* of a filtered chunk that pieces cut */
    uint64_t carry_cap;
    uint8_t *kept; /* the unit as decode() wants it, decoded while it was checked */
    uint64_t kept_cap;
    bool keeps, is_whole;
};

struct dlfw_reader {
    dlfw_format *fmt;
    const dlfw_object *object;
    const struct h5_file *file;
    struct h5_file *own; /* file, when it is not the cache's */
    uint64_t samples, rows_per_sample, sample_bytes;
    uint64_t unit_samples, units;
    struct h5_unit unit;
    struct h5_progress progress;
    struct h5_content *content;
    struct h5_filter_memory memory;
};

/* About 4 MiB of samples, a multiple of the rows of a chunk. */
uint64_t h5_unit_choice(uint64_t sample_bytes, uint64_t chunk_rows, uint64_t samples);

/* Makes r->unit the unit of that number. */
dlfw_status h5_unit_load(dlfw_reader *r, uint64_t unit, dlfw_error *err);
void h5_unit_free(struct h5_unit *unit);
/* Where a row begins in the file, of a unit that is_plain. */
uint64_t h5_unit_row_offset(const dlfw_reader *r, uint64_t row);
/* Bytes that decode() writes for the unit that is loaded; 0: views point at the file's own bytes. */
uint64_t h5_unit_out_bytes(const dlfw_reader *r);
/* Puts the items of a chunk, or those of a part that is none, where decode() wants them. */
void h5_unit_place(const dlfw_reader *r, const struct h5_part *part, const uint8_t *items, uint8_t *out);
/* Undoes the filters of a part that is a chunk; *ret: its items, in out already when that is not NULL and they fit. */
dlfw_status h5_unit_undo(dlfw_reader *r, const struct h5_part *part, const uint8_t *stored, uint8_t *out,
                         const uint8_t **ret, dlfw_error *err);
bool h5_reader_verifies(const dlfw_reader *r);
bool h5_reader_compares(const dlfw_reader *r); /* the content, itself */
/* Whether the payload is one run of the file, which the host can compare. */
bool h5_reader_is_plain(const dlfw_reader *r);

#endif
