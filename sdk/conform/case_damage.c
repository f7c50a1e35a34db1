/* SPDX-License-Identifier: Apache-2.0 */
/* damage.*: objects as storage may hand them over after an accident. An error is right, a crash or a view outside the
 * bytes is not. */
#include <string.h>

#include "codec.h"

#define FLIP_ROUNDS 2000

/* A small object of the format, or the end of the case. */
static struct fake_sink small_object(struct kit *kit, dlfw_format *format, dlfw_encode_spec *spec)
{
    static const uint64_t dims[] = {5, 3};
    struct fake_sink sink;

    for (uint32_t dtype = DLFW_DTYPE_UINT8; dtype <= DLFW_DTYPE_BOOL; dtype++) {
        *spec = (dlfw_encode_spec){.struct_size = (uint32_t)sizeof *spec,
                                   .dtype = dtype,
                                   .dims = dims,
                                   .ndim = 2,
                                   .samples = 2,
                                   .seed = 42,
                                   .object = 7};
        if (codec_write(kit, format, spec, 65536, &sink) >= 0)
            return sink;
    }
    kit_skip(kit, "the format writes no small object");
}

static dlfw_status read_damaged(struct kit *kit, dlfw_format *format, const unsigned char *data, uint64_t size,
                                uint32_t flags)
{
    struct codec c = {.kit = kit,
                      .ops = &kit->iface->ops.format,
                      .format = format,
                      .data = codec_fence(kit, data, size),
                      .size = size,
                      .samples = 2,
                      .flags = flags | CODEC_DAMAGED};

    return codec_read(&c);
}

static void truncation(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct fake_sink sink = small_object(kit, format, &spec);

    for (uint64_t size = 0; size < sink.len; size++)
        for (uint32_t flags = 0; flags <= CODEC_WHOLE; flags += CODEC_WHOLE)
            KIT_CHECK(kit, read_damaged(kit, format, sink.data, size, flags) < 0,
                      "an object of %llu bytes is read without complaint when only %llu are there",
                      (unsigned long long)sink.len, (unsigned long long)size);
    KIT_CHECK(kit, read_damaged(kit, format, sink.data, sink.len, 0) >= 0, "the complete object cannot be read");
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

static void flips(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct fake_sink sink = small_object(kit, format, &spec);
    unsigned char *copy = kit_alloc(kit, sink.len);
    uint32_t noticed = 0;

    for (int round = 0; round < FLIP_ROUNDS; round++) {
        uint64_t count = 1 + kit_below(kit, 4);

        memcpy(copy, sink.data, sink.len);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t at = kit_below(kit, sink.len);
            uint64_t how = kit_below(kit, 4);

            copy[at] = (unsigned char)(how == 0   ? 0
                                       : how == 1 ? 0xff
                                       : how == 2 ? copy[at] ^ (1u << kit_below(kit, 8))
                                                  : kit_random(kit));
        }
        noticed += read_damaged(kit, format, copy, sink.len, round % 2 ? CODEC_WHOLE : 0) < 0;
    }
    kit_note(kit, "%u of %d damaged objects were refused", noticed, FLIP_ROUNDS);
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

static void garbage(struct kit *kit)
{
    static const uint64_t sizes[] = {0, 1, 3, 4, 22, 64, 511, 4096};
    dlfw_format *format = kit_format_instance(kit);

    for (int round = 0; round < 200; round++) {
        uint64_t size = sizes[round % 8];
        unsigned char data[4096];

        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (unsigned char)(round < 8 ? 0 : round < 16 ? 0xff : kit_random(kit));
        for (uint32_t flags = 0; flags <= CODEC_WHOLE; flags += CODEC_WHOLE)
            read_damaged(kit, format, data, size, flags);
    }
    kit->iface->ops.format.destroy(format);
}

const struct kit_case kit_cases_damage[] = {
    {"damage.truncation", DLFW_KIND_FORMAT, 0, truncation},
    {"damage.flips", DLFW_KIND_FORMAT, 0, flips},
    {"damage.garbage", DLFW_KIND_FORMAT, 0, garbage},
    {0},
};
