/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one open indexed file. */
#ifndef DLFW_FORMATS_INDEXED_READER_H
#define DLFW_FORMATS_INDEXED_READER_H

#include "common/object_cache.h"
#include "indexed_table.h"

#define INDEXED_MAX_RANGES 60u /* of a unit; a host takes 64 */

struct indexed_options {
    uint64_t table_memory;
    uint8_t no_touch; /* of mmap_indexed_binary: samples are found and never read */
};

struct dlfw_format {
    const dlfw_host *host;
    const struct indexed_options *options;
    struct object_cache *cache; /* of struct indexed_table */
};

/* How far the entries of a unit's part of the tables were compared (tables that are not loaded). */
struct entry_check {
    uint64_t unit;
    uint64_t entries; /* of both tables */
    uint8_t carry[INDEXED_ENTRY_BYTES];
    uint32_t carry_len;
};

struct dlfw_reader {
    dlfw_format *fmt;
    const dlfw_object *object;
    uint64_t count;   /* entries of each table */
    uint64_t samples; /* that are read */
    uint64_t per_unit;
    uint64_t record;                   /* bytes of every sample, 0: the table says it */
    const struct indexed_table *table; /* NULL: not loaded (yet) */
    bool is_loadable;                  /* the tables take at most options.table_memory */
    struct entry_check check;
    uint64_t planned; /* the unit that ranges are of */
    dlfw_range ranges[INDEXED_MAX_RANGES];
    uint32_t range_count;
};

extern const dlfw_side *const indexed_sides[];

dlfw_status indexed_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err);
void indexed_reader_close(dlfw_reader *r);
dlfw_status indexed_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                         uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t indexed_unit_count(dlfw_reader *r);
dlfw_status indexed_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status indexed_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err);
dlfw_status indexed_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                           dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status indexed_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err);

/* Samples of about record bytes that are read together. */
uint64_t indexed_run(uint64_t record);

/* encode side, indexed_encode.c */
dlfw_status indexed_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status indexed_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);
uint64_t indexed_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled);

#endif
