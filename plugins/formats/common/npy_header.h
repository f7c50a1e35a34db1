/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a NumPy array file (versions 1, 2 and 3), strictly parsed from untrusted bytes, and written as NumPy
 * writes it. A parsed header is consistent: payload_bytes is the product of the dimensions and the item size, without
 * overflow.
 */
#ifndef DLFW_FORMATS_NPY_HEADER_H
#define DLFW_FORMATS_NPY_HEADER_H

#include "dlfw/format.h"

#define NPY_MAX_DIMS 64u
#define NPY_MAX_ITEM 16u
#define NPY_DESCR_CAP 8u
#define NPY_HEADER_LIMIT (1u << 20) /* bytes of the dictionary that are accepted */
#define NPY_MIN_BYTES 10u           /* magic, version, shortest length field */

struct npy_header {
    uint64_t header_bytes; /* from the magic to the last byte before the payload */
    uint64_t payload_bytes;
    uint64_t dims[NPY_MAX_DIMS];
    uint32_t ndim;
    uint32_t item_size;
    uint8_t fortran_order;
    char descr[NPY_DESCR_CAP]; /* numpy's element type: "<f4" */
};

/* Why an array is not read; the caller adds object, member and offset. */
struct npy_reason {
    char text[192];
};

/*
 * DLFW_OK; DLFW_NEED_IO: more than len bytes are needed, ret->header_bytes says how many at least; DLFW_E_CORRUPT or
 * DLFW_E_UNSUPPORTED with the reason.
 */
dlfw_status npy_header_parse(const uint8_t *data, uint64_t len, struct npy_header *ret, struct npy_reason *reason);

/* 32 dimensions of 20 digits and the sample axis fit */
#define NPY_WRITE_CAP 1024u

/* Writes a version 1 header of C order for shape (dims..., last); returns its length, a multiple of 64. ndim <= 32. */
uint32_t npy_header_write(uint8_t buf[NPY_WRITE_CAP], const char *descr, const uint64_t *dims, uint32_t ndim,
                          uint64_t last);

#endif
