/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of generated pages before compression, any part of them at a time: for writing them without holding a page,
 * and for comparing what is read. The same (column, rows, content offset) gives the same bytes.
 */
#ifndef DLFW_PARQUET_PAGE_MAKER_H
#define DLFW_PARQUET_PAGE_MAKER_H

#include "layout.h"
#include "page.h"

/* Repetition levels of shorter lists are bit-packed, those of longer ones are two runs per row. */
#define PACKED_LEVELS_MAX 32u

#define MAKER_SCRATCH 32768u

struct page_maker {
    const dlfw_host *host;
    uint64_t seed, object; /* of the content stream */
    const struct layout_column *column;
    struct page_shape shape;
    uint64_t content; /* offset of the page's payload in the stream */
    uint8_t *head;
    uint64_t head_cap;
    uint64_t scratch_at, scratch_len; /* what part of the stream scratch holds */
    uint8_t scratch[MAKER_SCRATCH];
};

void page_maker_init(struct page_maker *m, const dlfw_host *host, uint64_t seed, uint64_t object);
void page_maker_free(struct page_maker *m);
/* The page of rows rows whose payload begins at content. DLFW_E_NO_MEMORY. */
dlfw_status page_maker_begin(struct page_maker *m, const struct layout_column *c, uint64_t rows, uint64_t content,
                             dlfw_error *err);
/* Bytes [offset, offset + len) of the page's body. */
void page_maker_fill(struct page_maker *m, uint64_t offset, uint8_t *buf, uint64_t len);
/* Whether data are those bytes: len, or the index of the first that differs. */
uint64_t page_maker_check(struct page_maker *m, uint64_t offset, const uint8_t *data, uint64_t len);

/* Headers without checksum, of pages that are not compressed. */
struct page_header page_maker_header(const struct layout_column *c, const struct page_shape *shape);
struct page_header page_maker_dictionary_header(void);
void page_maker_dictionary(const struct layout_column *c, uint8_t buf[DICTIONARY_BYTES]);

#endif
