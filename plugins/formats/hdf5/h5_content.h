/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generated content in small pieces at many places. The host makes content in blocks; entering one in the middle
 * costs its beginning, so blocks that chunks cut into rows are kept for the next rows.
 */
#ifndef DLFW_HDF5_CONTENT_H
#define DLFW_HDF5_CONTENT_H

#include "dlfw/format.h"

struct h5_content;

/* NULL: out of memory. */
struct h5_content *h5_content_create(const dlfw_host *host, uint64_t seed, uint64_t object);
void h5_content_destroy(struct h5_content *c); /* NULL is fine */
void h5_content_copy(struct h5_content *c, uint64_t offset, uint8_t *out, uint64_t len);
/* len when data holds the content from offset on, else the index of the first byte that differs. */
uint64_t h5_content_compare(struct h5_content *c, uint64_t offset, const uint8_t *data, uint64_t len);

#endif
