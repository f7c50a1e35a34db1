/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the png plugin share: the instance, its options, and the entry points of reading and writing. */
#ifndef DLFW_PNG_H
#define DLFW_PNG_H

#include "dlfw/format.h"

#define PNG_MAX_SIDE 0x7fffffffu

enum { PNG_DECODE_PIXELS = 0, PNG_DECODE_BYTES = 1 };
enum { PNG_SIZE_NATURAL = 0, PNG_SIZE_EXACT = 1 };

struct png_options {
    uint32_t decode; /* PNG_DECODE_* */
    uint32_t size;   /* PNG_SIZE_* */
    int64_t max_pixels;
};

struct dlfw_format {
    const dlfw_host *host;
    const struct png_options *options;
};

dlfw_status png_reader_open(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *err);
void png_reader_close(dlfw_reader *reader);
dlfw_status png_step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                     uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t png_unit_count(dlfw_reader *reader);
dlfw_status png_unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status png_consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err);
dlfw_status png_decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                       dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status png_describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *err);

dlfw_status png_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status png_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);

#endif
