/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index files of records: DALI's text, a line "offset length\n" per record, and the binary one, offset and length as
 * u64 little-endian. Length is the framed one. Read as untrusted, written through a sink in steps.
 */
#ifndef DLFW_TFRECORD_RECORD_INDEX_H
#define DLFW_TFRECORD_RECORD_INDEX_H

#include "dlfw/format.h"

#include "record_table.h"

#include <stdbool.h>

#define INDEX_OUT_BYTES 8192u

/* An index being written. */
struct index_out {
    const dlfw_sink *sink;
    bool binary;
    uint32_t len;
    uint8_t text[INDEX_OUT_BYTES];
};

dlfw_status index_out_add(struct index_out *o, uint64_t offset, uint64_t framed, dlfw_error *err);
dlfw_status index_out_flush(struct index_out *o, dlfw_error *err);

/* Bytes that no index of an object of that size exceeds. */
uint64_t index_max_bytes(uint64_t object_size);

/* Why an index is not used; the caller adds the names. */
struct index_reason {
    char text[160];
};

/* The table of an object of object_size bytes; every byte of it belongs to one record. CORRUPT with the reason. */
dlfw_status index_parse(const uint8_t *data, uint64_t len, bool binary, uint64_t object_size, struct record_table *ret,
                        struct index_reason *reason);

#endif
