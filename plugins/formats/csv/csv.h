/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the csv format and of one open file. */
#ifndef DLFW_FORMATS_CSV_H
#define DLFW_FORMATS_CSV_H

#include "csv_inflate.h"
#include "csv_parse.h"

#include <stdatomic.h>

enum { CSV_COMPRESSION_NONE, CSV_COMPRESSION_GZIP };
enum { CSV_NEWLINE_REQUIRED, CSV_NEWLINE_OPTIONAL };

struct csv_options {
    uint32_t dtype; /* 0: as the data set's samples, else DLFW_DTYPE_* */
    uint32_t last_newline;
    uint32_t compression;
    int64_t compression_level;
};

struct dlfw_format {
    const dlfw_host *host;
    const struct csv_options *options;
    /* of the data set's samples, from what the host last asked about (encode, file_size, unit_samples); 0: never. The
     * reading side of the ABI does not name it, and an instance serves one data set. */
    _Atomic uint32_t dtype;
};

struct csv_compare; /* memory to compare generated content */

struct dlfw_reader {
    dlfw_format *fmt;
    const dlfw_object *object;
    uint32_t dtype;
    bool is_gzip;
    uint64_t text_bytes; /* at most; exact for plain files */
    uint64_t samples;
    /* of the pieces that consume() is given */
    uint64_t next; /* offset of the next byte */
    uint64_t newlines;
    bool ends_with_newline;
    bool is_parsed;    /* pieces are parsed, not only counted */
    uint64_t reported; /* bytes of compared content that the host was told */
    struct csv_parse parse;
    struct csv_compare *compare;
    struct csv_inflate *inflate;
};

dlfw_status csv_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err);
dlfw_status csv_fail_at(const dlfw_reader *r, const struct csv_fault *fault, dlfw_error *err);
/* Whether the file's rows are the samples that the run file says. */
dlfw_status csv_check_rows(const dlfw_reader *r, uint64_t rows, dlfw_error *err);
/* Whether a file that is not looked into for gzip may be text. */
dlfw_status csv_check_plain(const dlfw_reader *r, uint8_t first, dlfw_error *err);
/* r->inflate, created on demand. */
dlfw_status csv_need_inflate(dlfw_reader *r, dlfw_error *err);

/* csv_consume.c */
dlfw_status csv_consume(dlfw_reader *r, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *err);
void csv_compare_free(struct csv_compare *compare); /* NULL is fine */

/* csv_encode.c */
dlfw_status csv_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status csv_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);

#endif
