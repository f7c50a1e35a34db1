/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one open Parquet file, and how pieces of its column chunks are checked as they arrive. */
#ifndef DLFW_PARQUET_READER_H
#define DLFW_PARQUET_READER_H

#include "parquet.h"

#include "common/byte_carry.h"
#include "content_check.h"
#include "page.h"

#include <stdbool.h>

#define RUNS_MAX 64u /* ranges of a unit: every host takes so many */

/* Where the pieces of the unit are: chunk by chunk, header and page in turn. */
struct feed {
    uint64_t unit;   /* UINT64_MAX: none was begun */
    uint64_t next;   /* offset that is expected next */
    uint64_t values; /* of the chunk's data pages so far */
    uint64_t left;   /* bytes of the page to come */
    uint32_t column;
    uint32_t crc;
    bool in_page;
    bool has_page; /* the chunk has had one */
    bool is_done;  /* all chunks of the unit were seen, and nothing was wrong */
    struct page_header header;
    struct byte_carry carry; /* of a header that pieces have cut */
};

struct dlfw_reader {
    dlfw_format *fmt;
    const dlfw_object *object;
    const struct parquet_file *file; /* after METADATA */
    bool is_shared;                  /* file belongs to the cache */
    uint8_t *footer;                 /* DLFW_OBJECT_EXPLORE: kept for describe() */
    uint64_t footer_len;
    struct feed feed;
    struct content_check *content;         /* DLFW_OBJECT_VERIFY_CONTENT */
    uint64_t pages, pages_with_crc, nulls; /* seen so far */
};

/* The ranges of a unit: runs of chunks that lie side by side. *ret_gaps: bytes between chunks that are read as well,
 * because there would be more than RUNS_MAX runs. */
uint32_t parquet_runs(const struct parquet_file *file, uint64_t unit, dlfw_range runs[RUNS_MAX], uint64_t *ret_gaps);
dlfw_status parquet_check_unit(const dlfw_reader *r, uint64_t unit, dlfw_error *err);
/* "'OBJECT': row group G, column 'C' at offset N: WHAT" */
dlfw_status parquet_fail(const dlfw_reader *r, dlfw_status status, uint64_t unit, uint32_t column, uint64_t offset,
                         const char *what, dlfw_error *err);

/* feed.c: the bytes of the unit's chunks among [offset, offset + len); *ret_verified: payload bytes that were compared.
 */
dlfw_status parquet_feed(dlfw_reader *r, uint64_t unit, const uint8_t *data, uint64_t offset, uint64_t len,
                         uint64_t *ret_verified, dlfw_error *err);

/* views.c and rows.c: decode: raw and decode: columns */
dlfw_status parquet_views(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, dlfw_view *views,
                          dlfw_error *err);
dlfw_status parquet_rows(dlfw_reader *r, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                         dlfw_view *views, dlfw_error *err);
/* Bytes of a row of decoded values; DLFW_E_UNSUPPORTED with the column that has no fixed width. */
dlfw_status parquet_row_bytes(const dlfw_reader *r, uint64_t unit, uint64_t *ret, dlfw_error *err);
/* Values of a row in that column. */
dlfw_status parquet_row_items(const dlfw_reader *r, uint64_t unit, uint32_t column, uint64_t *ret, dlfw_error *err);

#endif
