/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the npz plugin share: the instance, its options, and the entry points of reading and writing. */
#ifndef DLFW_NPZ_H
#define DLFW_NPZ_H

#include "dlfw/format.h"

enum { NPZ_COMPRESSION_NONE = 0, NPZ_COMPRESSION_ZIP = 1 };

struct npz_options {
    const char *member;
    uint32_t compression; /* NPZ_COMPRESSION_* */
    int64_t compression_level;
};

struct dlfw_format {
    const dlfw_host *host;
    const struct npz_options *options;
};

dlfw_status npz_reader_open(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *err);
void npz_reader_close(dlfw_reader *reader);
dlfw_status npz_step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                     uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t npz_unit_count(dlfw_reader *reader);
dlfw_status npz_unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status npz_consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err);
dlfw_status npz_decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                       dlfw_view *views, uint32_t view_cap, dlfw_error *err);

dlfw_status npz_describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *err);

dlfw_status npz_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status npz_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);

#endif
