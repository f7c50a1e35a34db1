/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the float codec: 32 bytes of header, then byte planes (planes.h), each stored or as a Zstandard frame.
 * docs/checkpoint-store.md gives every byte.
 */
#ifndef DLFW_CHECKPOINT_STORE_FLOAT_FRAME_H
#define DLFW_CHECKPOINT_STORE_FLOAT_FRAME_H

#include "dlfw/host.h"

#define FLOAT_FRAME_HEADER 32u /* planes of whole vectors stay aligned behind it */

struct float_frame {
    uint32_t width; /* 1, 2, 4 or 8 */
    uint32_t coded; /* bit p: plane p is a Zstandard frame; 0: the payload is the raw bytes as they are */
    uint32_t raw_bytes;
    uint32_t payload_bytes; /* behind the header */
    uint32_t raw_crc;       /* CRC-32C */
};

void float_frame_write(const dlfw_host *host, const struct float_frame *frame, uint8_t out[FLOAT_FRAME_HEADER]);
/* data: untrusted, len bytes. CORRUPT when it is no header or does not go with itself. */
dlfw_status float_frame_read(const dlfw_host *host, const void *data, uint64_t len, struct float_frame *ret,
                             dlfw_error *reterr);

#endif
