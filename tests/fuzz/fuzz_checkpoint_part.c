/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a stored part: refused with a message, or decoded to as many bytes as the manifest says, not one more.
 * And the same bytes as numbers: coded, they decode to themselves. Input: how to decode, the raw size, the part.
 */
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "float_frame.h"
#include "host/crc.h"
#include "part_codec.h"

#define RAW_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const dlfw_host host = {.struct_size = sizeof host, .crc32 = crc32_update, .crc32c = crc32c_update};
static struct part_coder *coder;

/* The header's checksum keeps a fuzzer out of what is behind it. */
static uint8_t *with_checksum(const uint8_t *part, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    uint32_t crc;

    DLFW_BUG_IF(!copy);
    memcpy(copy, part, len);
    if (len >= FLOAT_FRAME_HEADER) {
        crc = crc32c_update(0, copy, FLOAT_FRAME_HEADER - 4);
        memcpy(copy + FLOAT_FRAME_HEADER - 4, &crc, sizeof crc);
    }
    return copy;
}

static void decode(enum codec codec, const uint8_t *part, size_t len, uint32_t raw_bytes)
{
    uint8_t *copy = codec == CODEC_FLOAT ? with_checksum(part, len) : NULL, *raw = malloc(raw_bytes + 1);
    struct error_slot slot;
    dlfw_status st;

    DLFW_BUG_IF(!raw);
    error_slot_init(&slot);
    raw[raw_bytes] = 0xa5;
    st = part_decode(coder, codec, copy ? copy : part, len, raw, raw_bytes, &slot.e);
    if (st < 0)
        message_is_one_line(slot.text);
    DLFW_BUG_IF(st < 0 && st != DLFW_E_CORRUPT && st != DLFW_E_NO_MEMORY);
    DLFW_BUG_IF(raw[raw_bytes] != 0xa5);
    free(raw);
    free(copy);
}

static void round_trip(enum codec codec, uint32_t width, const uint8_t *raw, size_t len)
{
    uint8_t *out = malloc(part_bound(codec, len)), *back = malloc(len ? len : 1);
    uint64_t stored = 0;

    DLFW_BUG_IF(!out || !back);
    DLFW_BUG_IF(part_encode(coder, codec, width, crc32c_update(0, raw, len), raw, len, out, &stored, NULL) < 0);
    DLFW_BUG_IF(stored > part_bound(codec, len));
    DLFW_BUG_IF(part_decode(coder, codec, out, stored, back, len, NULL) < 0);
    DLFW_BUG_IF(memcmp(raw, back, len) != 0);
    free(back);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum codec codec;
    uint32_t raw_bytes;

    if (!coder)
        DLFW_BUG_IF(part_coder_create(&host, 1, &coder, NULL) < 0);
    if (size < 3 || size > RAW_MAX)
        return 0;
    codec = data[0] % 3;
    raw_bytes = (uint32_t)data[1] | (uint32_t)data[2] << 8;
    decode(codec, data + 3, size - 3, raw_bytes);
    round_trip(codec, 1u << data[0] / 3 % 4, data + 3, size - 3);
    return 0;
}
