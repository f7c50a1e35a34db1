/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata of a file as the parser sees it: bytes at offsets, some of which the host has not read yet. The parser
 * is restarted with more bytes, so it keeps no state between steps; what it misses it notes here and goes on with the
 * next thing it needs, so that one step asks for as much as can be known.
 */
#ifndef DLFW_HDF5_SOURCE_H
#define DLFW_HDF5_SOURCE_H

#include "dlfw/format.h"

#include <stdbool.h>

#define H5_UNDEFINED UINT64_MAX
/* A positive status inside this plugin: legal, but only the library reads it; source.beyond says what it is. */
#define H5_BEYOND 64

struct h5_scrap;

struct h5_source {
    const dlfw_object *object;
    const dlfw_span *have;
    uint32_t n_have;
    uint64_t base; /* what addresses count from */
    dlfw_range *wants;
    uint32_t want_count, want_cap;
    struct h5_scrap *scraps; /* copies of bytes that lay in more than one span */
    const char *beyond;
    dlfw_error *err;
};

void h5_source_free(struct h5_source *s);

/* "'OBJECT': WHAT (at offset N)"; returns status. */
dlfw_status h5_fail(const dlfw_object *object, dlfw_status status, uint64_t offset, dlfw_error *err, const char *format,
                    ...) __attribute__((format(printf, 5, 6)));
dlfw_status h5_corrupt(struct h5_source *s, uint64_t offset, const char *what);
dlfw_status h5_beyond(struct h5_source *s, const char *what);
dlfw_status h5_no_memory(struct h5_source *s);

/* Notes [offset, offset + length), cut at the end of the object, as missing. NEED_IO, or NO_MEMORY. */
dlfw_status h5_want(struct h5_source *s, uint64_t offset, uint64_t length);
/* The bytes of the object where they lie, valid until h5_source_free; NEED_IO when they must be read first. */
dlfw_status h5_bytes(struct h5_source *s, uint64_t offset, uint64_t length, const uint8_t **ret);
/* The same at an address of the file. *ret_offset: the offset, for messages and further bytes. */
dlfw_status h5_at(struct h5_source *s, uint64_t address, uint64_t length, const uint8_t **ret, uint64_t *ret_offset);
/* address + base, CORRUPT when it lies outside the object. place: where the address was found. */
dlfw_status h5_offset_of(struct h5_source *s, uint64_t address, uint64_t place, uint64_t *ret);
/* What was wanted and is not there yet as at most cap ranges. */
uint32_t h5_source_wanted(struct h5_source *s, dlfw_range *want, uint32_t cap);
/* Ascending, disjoint, merged until at most cap are left; returns how many. */
uint32_t h5_merge_ranges(dlfw_range *ranges, uint32_t count, uint64_t gap, uint32_t cap);

#endif
