/* SPDX-License-Identifier: Apache-2.0 */
/* The header before every page of a column chunk. A parsed one is sound: sizes and counts are not negative, and the
 * kind of the page has its own part. */
#ifndef DLFW_PARQUET_PAGE_H
#define DLFW_PARQUET_PAGE_H

#include "thrift_write.h"

#define PAGE_HEADER_LIMIT (1u << 20) /* bytes of one header that are accepted */
#define PAGE_HEADER_CAP 64u          /* of those that are written */

struct page_header {
    uint32_t bytes;        /* of the header */
    uint32_t type;         /* PARQUET_DATA_PAGE ... */
    uint32_t raw_bytes;    /* of the page, decompressed */
    uint32_t stored_bytes; /* of the page, after the header */
    uint32_t crc;
    uint32_t values; /* nulls included */
    uint32_t nulls;  /* DATA_PAGE_V2 */
    uint32_t rows;   /* DATA_PAGE_V2 */
    uint32_t encoding;
    uint32_t def_encoding, rep_encoding; /* DATA_PAGE */
    uint32_t def_bytes, rep_bytes;       /* DATA_PAGE_V2: of the levels, which are not compressed */
    bool has_crc;
    bool is_compressed; /* with the chunk's codec */
};

/* DLFW_OK; DLFW_NEED_IO: it goes on behind len bytes; DLFW_E_CORRUPT with *ret_problem. */
dlfw_status page_header_parse(const uint8_t *data, uint64_t len, struct page_header *ret, const char **ret_problem);

/* A page that is generated: values of one encoding with RLE levels, or a dictionary. Returns the header's length, which
 * does not depend on the checksum. */
uint32_t page_header_write(uint8_t buf[PAGE_HEADER_CAP], const struct page_header *h);

#endif
