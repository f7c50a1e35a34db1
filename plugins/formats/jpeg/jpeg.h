/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the jpeg plugin share: the instance, its options, and the entry points of reading and writing. */
#ifndef DLFW_JPEG_H
#define DLFW_JPEG_H

#include "dlfw/format.h"

#define JPEG_MAX_SIDE 65500u /* what libjpeg accepts */
#define JPEG_QUALITY 75      /* of size: natural, when none is set */

enum { JPEG_DECODE_PIXELS = 0, JPEG_DECODE_BYTES = 1 };
enum { JPEG_SIZE_EXACT = 0, JPEG_SIZE_NATURAL = 1 };

struct jpeg_options {
    uint32_t decode; /* JPEG_DECODE_* */
    uint32_t size;   /* JPEG_SIZE_* */
    int64_t quality; /* 0: not set */
    int64_t max_pixels;
};

struct dlfw_format {
    const dlfw_host *host;
    const struct jpeg_options *options;
};

dlfw_status jpeg_reader_open(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *err);
void jpeg_reader_close(dlfw_reader *reader);
dlfw_status jpeg_step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                      uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t jpeg_unit_count(dlfw_reader *reader);
dlfw_status jpeg_unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status jpeg_consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret,
                         dlfw_error *err);
dlfw_status jpeg_decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                        dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status jpeg_describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *err);

dlfw_status jpeg_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status jpeg_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);

#endif
