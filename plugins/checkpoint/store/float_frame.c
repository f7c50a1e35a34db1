/* SPDX-License-Identifier: Apache-2.0 */
#include "float_frame.h"

#include <inttypes.h>
#include <string.h>

#include "part_codec.h"

/* "DLF" and the version of the frame. */
static const uint8_t magic[4] = {0x44, 0x4c, 0x46, 0x01};

static void put_le32(uint8_t *to, uint32_t v)
{
    for (uint32_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get_le32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

void float_frame_write(const dlfw_host *host, const struct float_frame *frame, uint8_t out[FLOAT_FRAME_HEADER])
{
    memset(out, 0, FLOAT_FRAME_HEADER);
    memcpy(out, magic, sizeof magic);
    out[4] = (uint8_t)frame->width;
    out[5] = (uint8_t)frame->coded;
    put_le32(out + 8, frame->raw_bytes);
    put_le32(out + 12, frame->payload_bytes);
    put_le32(out + 16, frame->raw_crc);
    put_le32(out + 28, host->crc32c(0, out, 28));
}

dlfw_status float_frame_read(const dlfw_host *host, const void *data, uint64_t len, struct float_frame *ret,
                             dlfw_error *reterr)
{
    const uint8_t *p = data;

    if (len < FLOAT_FRAME_HEADER)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "%" PRIu64 " bytes are too few for a frame of floats", len);
    if (memcmp(p, magic, sizeof magic) != 0)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "no frame of floats, or one of another version");
    if (get_le32(p + 28) != host->crc32c(0, p, 28))
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "the header of a frame of floats does not match its checksum");
    *ret = (struct float_frame){.width = p[4],
                                .coded = p[5],
                                .raw_bytes = get_le32(p + 8),
                                .payload_bytes = get_le32(p + 12),
                                .raw_crc = get_le32(p + 16)};
    if ((ret->width != 1 && ret->width != 2 && ret->width != 4 && ret->width != 8) || p[6] || p[7] ||
        get_le32(p + 20) || get_le32(p + 24) || (uint32_t)p[5] >> ret->width)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "a frame of floats with numbers of %" PRIu32 " bytes, planes 0x%02x",
                         ret->width, p[5]);
    if (ret->raw_bytes > PART_BYTES_MAX || ret->payload_bytes > part_bound(CODEC_FLOAT, ret->raw_bytes))
        return dlfw_fail(reterr, DLFW_E_CORRUPT,
                         "a frame of floats of %" PRIu32 " bytes with a payload of %" PRIu32 " bytes", ret->raw_bytes,
                         ret->payload_bytes);
    return DLFW_OK;
}
