/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a gzip file, in blocks. The trailer's length bounds it, so that a small file cannot grow without end. */
#ifndef DLFW_FORMATS_CSV_INFLATE_H
#define DLFW_FORMATS_CSV_INFLATE_H

#include "dlfw/base.h"

#include <stdbool.h>

#define GZIP_FIRST_BYTE 0x1fu
#define GZIP_MIN_BYTES 18u /* header and trailer */

struct csv_inflate; /* one stream */

/* NULL: out of memory. */
struct csv_inflate *csv_inflate_create(void);
void csv_inflate_free(struct csv_inflate *z); /* NULL is fine */

bool gzip_is_magic(const uint8_t first[2]);
/* The length of the text by the file's last four bytes; false: no file of size bytes can hold so much. */
bool gzip_text_bytes(const uint8_t last[4], uint64_t size, uint64_t *ret);

/* Begins anew with a file whose text has text_bytes. */
void csv_inflate_begin(struct csv_inflate *z, uint64_t text_bytes);
/*
 * The next piece of the file; each block of text goes to take(). Returns NULL, or what is wrong; after a negative
 * status of take() that is in *ret and the result is NULL.
 */
const char *csv_inflate_feed(struct csv_inflate *z, const uint8_t *data, uint64_t len,
                             dlfw_status (*take)(void *ctx, const uint8_t *text, uint64_t len), void *ctx,
                             dlfw_status *ret);
/* When the file ended: NULL, or what is wrong. */
const char *csv_inflate_end(const struct csv_inflate *z);

#endif
