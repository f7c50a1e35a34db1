/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spans that a host has read so far, seen as one sparse object. A host may give the same bytes in any split, so a
 * reader asks here instead of assuming that a header lies in one span.
 */
#ifndef DLFW_FORMATS_SPAN_SET_H
#define DLFW_FORMATS_SPAN_SET_H

#include "dlfw/format.h"

#include <stdbool.h>

/* Copies len bytes of the object from offset; false when a byte of them is missing (dst is then undefined). */
bool span_copy(const dlfw_span *have, uint32_t n_have, uint64_t offset, void *dst, uint64_t len);

/* The bytes [offset, offset + len) where they lie, NULL when no single span holds them all. */
const uint8_t *span_find(const dlfw_span *have, uint32_t n_have, uint64_t offset, uint64_t len);

/* Fills want with the parts of [begin, end) that no span holds, ascending; returns how many (at most cap). */
uint32_t span_missing(const dlfw_span *have, uint32_t n_have, uint64_t begin, uint64_t end, dlfw_range *want,
                      uint32_t cap);

#endif
