/* SPDX-License-Identifier: Apache-2.0 */
/* The array that encode() is asked for: its header, its size, and its bytes generated in place. */
#ifndef DLFW_FORMATS_ARRAY_CONTENT_H
#define DLFW_FORMATS_ARRAY_CONTENT_H

#include "common/npy_header.h"

struct array_plan {
    uint64_t payload_bytes;
    uint32_t header_len;
    uint8_t header[NPY_WRITE_CAP];
};

/* Checks spec and lays out the array of shape (dims..., samples). */
dlfw_status array_plan(const dlfw_encode_spec *spec, struct array_plan *ret, dlfw_error *err);

/*
 * Appends the content stream of spec's object, payload_bytes long, to the sink, each piece made in the sink's own
 * memory. crc: the CRC-32 so far, updated while the piece is still in the cache; NULL: none wanted.
 */
dlfw_status array_write_content(const dlfw_host *host, const dlfw_encode_spec *spec, uint64_t payload_bytes,
                                const dlfw_sink *sink, uint32_t *crc, dlfw_error *err);

#endif
