/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the parquet plugin share: the instance, its options and columns, and the entry points. */
#ifndef DLFW_PARQUET_H
#define DLFW_PARQUET_H

#include <pthread.h>

#include "dlfw/format.h"

#include "footer.h"

enum { DECODE_RAW = 0, DECODE_COLUMNS = 1 };
enum { READ_ROW_GROUP = 0, READ_FILE = 1 };

struct parquet_options {
    const dlfw_node *columns;
    uint64_t row_group_size;
    uint32_t compression; /* index of the choices; parquet_codec() gives the number */
    int64_t compression_level;
    dlfw_str_list select;
    uint32_t decode;    /* DECODE_* */
    uint32_t read_mode; /* READ_* */
    const char *partition_by;
    uint64_t page_limit;   /* bytes of a page that is decompressed */
    uint64_t footer_cache; /* bytes */
};

struct column_type;

/* One column as the run file states it. */
struct column_spec {
    const char *name; /* the configuration's */
    const struct column_type *type;
    uint64_t size; /* items of a list; bytes of binary; else 1 */
    bool is_list;
    bool is_read;
};

/* A file's size follows from its samples alone, and a footer of many row groups and columns takes tens of milliseconds
 * to size: the last answer is kept, for the files of a dataset are alike. */
struct parquet_known_size {
    pthread_mutex_t lock;           /* of what follows; threads that generate ask at the same time */
    uint64_t sample_bytes, samples; /* samples 0: nothing is known */
    uint64_t size;
};

struct dlfw_format {
    const dlfw_host *host;
    void *host_ctx;
    const struct parquet_options *options;
    struct column_spec *columns; /* count 0: one column of bytes, as large as the sample */
    uint32_t column_count;
    struct parquet_selection selection; /* what is read */
    const char **selected;              /* its names, when they come from the columns */
    struct object_cache *footers;
    struct parquet_known_size known;
    _Atomic uint32_t said; /* SAID_* remarks that were logged */
};

enum { SAID_GROUP_SIZE = 1u << 0, SAID_GAPS = 1u << 1, SAID_NULLS = 1u << 2 };

/* columns.c: the columns and the selection of a new instance. */
dlfw_status parquet_columns_init(struct dlfw_format *fmt, dlfw_error *err);
void parquet_columns_free(struct dlfw_format *fmt);
uint32_t parquet_codec(const struct parquet_options *options); /* PARQUET_UNCOMPRESSED ... */
/* A remark that is logged once in the life of the instance. */
bool parquet_says(dlfw_format *fmt, uint32_t what);

dlfw_status parquet_reader_open(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *err);
void parquet_reader_close(dlfw_reader *reader);
dlfw_status parquet_step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                         uint32_t want_cap, uint32_t *n_want, dlfw_error *err);
uint64_t parquet_unit_count(dlfw_reader *reader);
dlfw_status parquet_unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err);
dlfw_status parquet_consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret,
                            dlfw_error *err);
dlfw_status parquet_decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                           dlfw_view *views, uint32_t view_cap, dlfw_error *err);
dlfw_status parquet_describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *err);

dlfw_status parquet_file_size(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *err);
dlfw_status parquet_encode(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *err);
uint64_t parquet_unit_samples(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled);

#endif
