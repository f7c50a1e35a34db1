/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing pages that are read with pages as they would be generated: levels, values and padding. Pages without
 * compression are compared as they arrive, others are gathered and decompressed first.
 */
#ifndef DLFW_PARQUET_CONTENT_CHECK_H
#define DLFW_PARQUET_CONTENT_CHECK_H

#include "layout.h"
#include "page.h"

struct content_check;

/* For the files of an instance whose list column has items values in a row (without stated columns). */
dlfw_status content_check_create(const dlfw_format *fmt, const dlfw_object *object, const struct parquet_file *file,
                                 struct content_check **ret, dlfw_error *err);
void content_check_destroy(struct content_check *c); /* NULL is fine */

/* A chunk begins, and each of its pages; *ret_problem: what is not as it was generated, NULL: nothing. */
void content_check_chunk(struct content_check *c, const struct parquet_file *file, uint64_t unit, uint32_t column);
dlfw_status content_check_page(struct content_check *c, const struct page_header *h, const char **ret_problem,
                               dlfw_error *err);
/* The next stored bytes of the page; the payload bytes that were compared are added to *verified with its last ones.
 * *ret_at: how far the bytes were right. */
dlfw_status content_check_bytes(struct content_check *c, const uint8_t *data, uint64_t len, uint64_t *verified,
                                const char **ret_problem, uint64_t *ret_at);

#endif
