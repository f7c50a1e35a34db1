/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a format the way a host does: encode() into memory, and reading of an object in memory through step, consume
 * and decode. Everything the format answers is checked before it is used, so that damaged objects can be fed to it.
 */
#ifndef DLFW_CONFORM_CODEC_H
#define DLFW_CONFORM_CODEC_H

#include "fake_sink.h"
#include "kit.h"

/* codec.flags */
enum {
    CODEC_WHOLE = 1u << 0,   /* the host holds the whole object: one span, no NEED_IO */
    CODEC_DAMAGED = 1u << 1, /* any status is fine, but no lie about memory */
    CODEC_STREAM = 1u << 2   /* consume only, no decode */
};

struct codec {
    struct kit *kit;
    const dlfw_format_ops *ops;
    dlfw_format *format;
    const unsigned char *data; /* the object */
    uint64_t size;
    uint32_t samples;             /* as the run file would say, 0: unknown */
    const dlfw_encode_spec *spec; /* what the samples must hold, NULL: not judged */
    uint32_t flags;
    uint64_t max_piece; /* of consume(), 0: ranges in one piece */
    uint64_t samples_seen;
    uint64_t payload_seen;
    char text[512]; /* of the failure that codec_read returned */
};

/* The first failure, or OK. Misbehaviour of the format ends the case. */
dlfw_status codec_read(struct codec *codec);

/* The object that spec describes; ends the case when it cannot be written, except UNSUPPORTED, which is returned. */
dlfw_status codec_write(struct kit *kit, dlfw_format *format, const dlfw_encode_spec *spec, uint64_t window,
                        struct fake_sink *ret);
uint64_t codec_sample_bytes(const dlfw_encode_spec *spec);

/* A copy of [data, data + size) with a page behind it that must not be touched. Valid until the next call. */
const unsigned char *codec_fence(struct kit *kit, const unsigned char *data, uint64_t size);

#endif
