/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tfrecord plugin share: the instance, its options, and the entry points of reading and writing.
 */
#ifndef DLFW_TFRECORD_H
#define DLFW_TFRECORD_H

#include "dlfw/format.h"

#include "common/object_cache.h"

#include <stdbool.h>

#define FEATURE_NAME_MAX 128u
#define UNIT_BYTES ((uint64_t)4 << 20) /* of a run of records, where the format may choose */

enum { PAYLOAD_EXAMPLE = 0, PAYLOAD_RAW = 1 };
enum { LAYOUT_AUTO = 0, LAYOUT_UNIFORM, LAYOUT_SCAN, LAYOUT_INDEXED };
enum { INDEX_DALI = 0, INDEX_BINARY, INDEX_BOTH, INDEX_NONE };

struct tfrecord_options {
    const char *feature;
    const char *binary_suffix;
    uint32_t payload; /* PAYLOAD_* */
    uint32_t layout;  /* LAYOUT_* */
    uint32_t index;   /* INDEX_* */
};

struct dlfw_format {
    const dlfw_host *host;
    const struct tfrecord_options *options;
    uint32_t feature_len;
    struct object_cache *tables; /* struct record_table of objects that were scanned or have an index */
    dlfw_side side_rows[2];
    const dlfw_side *sides[2];
    bool side_is_binary[2];
    uint32_t side_count;
};

/* The side object that layout: indexed reads; UINT32_MAX: none. */
uint32_t tfrecord_index_side(const dlfw_format *fmt);

dlfw_status tfrecord_reader_open(dlfw_format *fmt, dlfw_reader *r, const dlfw_object *object, dlfw_error *err);
void tfrecord_reader_close(dlfw_reader *r);
dlfw_status tfrecord_step(dlfw_reader *r, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                          uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t tfrecord_unit_count(dlfw_reader *r);
dlfw_status tfrecord_unit_info(dlfw_reader *r, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status tfrecord_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err);
dlfw_status tfrecord_decode(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                            dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status tfrecord_describe(dlfw_reader *r, const dlfw_describe *out, dlfw_error *err);
dlfw_status tfrecord_write_side(dlfw_reader *r, uint32_t side, const dlfw_sink *sink, dlfw_error *err);

dlfw_status tfrecord_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status tfrecord_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);

#endif
