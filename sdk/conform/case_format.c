/* SPDX-License-Identifier: Apache-2.0 */
/* format.*: what was generated is what is read back, for every type and shape and every way of cutting the object. */
#include <string.h>

#include "codec.h"

#define DIMS(...)                                                                                                      \
    .dims = (const uint64_t[]){__VA_ARGS__}, .ndim = (uint32_t)(sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

struct shape {
    const uint64_t *dims;
    uint32_t ndim;
};

static const struct shape shapes[] = {
    {DIMS(1)}, {DIMS(5)}, {DIMS(3, 4)}, {DIMS(2, 3, 5)}, {DIMS(1, 1, 1, 7)}, {DIMS(53, 41)},
};

static const uint64_t windows[] = {1, 7, 4096, 262144};

static struct codec codec_for(struct kit *kit, dlfw_format *format, const struct fake_sink *sink,
                              const dlfw_encode_spec *spec)
{
    return (struct codec){.kit = kit,
                          .ops = &kit->iface->ops.format,
                          .format = format,
                          .data = sink->data,
                          .size = sink->len,
                          .samples = (uint32_t)spec->samples,
                          .spec = spec};
}

/* Reads whole, in ranges, in small pieces and without decoding. */
static void read_every_way(struct codec *c, uint64_t samples, uint32_t dtype)
{
    static const struct {
        uint32_t flags;
        uint64_t max_piece;
    } ways[] = {{CODEC_WHOLE, 0}, {0, 0}, {0, 100}, {CODEC_STREAM, 4096}};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        c->flags = ways[i].flags;
        c->max_piece = ways[i].max_piece;
        KIT_CHECK(c->kit, codec_read(c) >= 0, "type %u: what was written cannot be read: %s", dtype, c->text);
        KIT_CHECK(c->kit, (c->flags & CODEC_STREAM) || c->samples_seen == samples,
                  "type %u: %llu samples written, %llu read", dtype, (unsigned long long)samples,
                  (unsigned long long)c->samples_seen);
    }
}

static dlfw_encode_spec make_spec(uint32_t dtype, const struct shape *shape, uint64_t samples)
{
    return (dlfw_encode_spec){.struct_size = (uint32_t)sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = shape->dims,
                              .ndim = shape->ndim,
                              .samples = samples,
                              .seed = 42,
                              .object = 1000 + dtype};
}

static void round_trip(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    uint32_t written = 0, refused = 0;

    for (uint32_t dtype = DLFW_DTYPE_UINT8; dtype <= DLFW_DTYPE_BOOL; dtype++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (uint64_t samples = 1; samples <= 4; samples += 3) {
                dlfw_encode_spec spec = make_spec(dtype, &shapes[s], samples);
                uint64_t window = windows[(s + dtype) % 4];
                struct fake_sink sink;
                struct codec c;

                if (codec_sample_bytes(&spec) > 100 * window) /* tiny windows are for tiny objects */
                    window = 4096;
                if (codec_write(kit, format, &spec, window, &sink) < 0) {
                    refused++;
                    continue;
                }
                written++;
                c = codec_for(kit, format, &sink, &spec);
                read_every_way(&c, samples, dtype);
                fake_sink_free(&sink);
            }
    kit_note(kit, "%u combinations of type, shape and count written, %u refused as UNSUPPORTED", written, refused);
    KIT_CHECK(kit, written > 0, "the format writes nothing at all");
    kit->iface->ops.format.destroy(format);
}

static void file_size(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    if (!ops->file_size)
        kit_skip(kit, "the format is read-only");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (uint32_t dtype = DLFW_DTYPE_UINT8; dtype <= DLFW_DTYPE_BOOL; dtype++) {
            dlfw_encode_spec spec = make_spec(dtype, &shapes[s], 1 + s);
            struct fake_sink sink;
            uint64_t said = 0;
            dlfw_status st = ops->file_size(format, &spec, &said, &err);

            kit_check_error(kit, st, &err, "file_size");
            if (codec_write(kit, format, &spec, 65536, &sink) < 0) {
                KIT_CHECK(kit, st == DLFW_E_UNSUPPORTED, "encode refuses what file_size accepts");
                continue;
            }
            KIT_CHECK(kit, st >= 0, "file_size fails: %s", text);
            KIT_CHECK(kit, said == UINT64_MAX || said == sink.len, "file_size says %llu, encode writes %llu",
                      (unsigned long long)said, (unsigned long long)sink.len);
            fake_sink_free(&sink);
        }
    ops->destroy(format);
}

/* The same spec gives the same bytes, whatever the windows. */
static void deterministic(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    struct fake_sink first, again;

    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        dlfw_encode_spec spec = make_spec(DLFW_DTYPE_UINT8, &shapes[windows[w] < 100 ? 3 : 5], 2);

        if (codec_write(kit, format, &spec, 1u << 20, &first) < 0)
            kit_skip(kit, "the format does not write uint8");
        codec_write(kit, format, &spec, windows[w], &again);
        KIT_CHECK(kit, again.len == first.len && memcmp(again.data, first.data, first.len) == 0,
                  "encode through windows of %llu bytes writes another object", (unsigned long long)windows[w]);
        fake_sink_free(&again);
        fake_sink_free(&first);
    }
    kit->iface->ops.format.destroy(format);
}

static void sink_errors(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    dlfw_encode_spec spec = make_spec(DLFW_DTYPE_UINT8, &shapes[3], 2);
    struct fake_sink sink;
    uint64_t calls;

    if (codec_write(kit, format, &spec, 64, &sink) < 0)
        kit_skip(kit, "the format does not write uint8");
    calls = sink.calls;
    for (uint64_t nth = 1; nth <= calls; nth++) {
        char text[512];
        dlfw_error err = FAKE_ERROR(text);
        dlfw_status st;

        fake_sink_reset(&sink);
        sink.fail_at = nth;
        st = ops->encode(format, &spec, &sink.table, &err);
        kit_check_error(kit, st, &err, "encode");
        KIT_CHECK(kit, st == DLFW_E_NO_SPACE, "call %llu of the sink fails with NO_SPACE, encode returns %s",
                  (unsigned long long)nth, dlfw_status_name(st));
    }
    fake_sink_free(&sink);
    ops->destroy(format);
}

const struct kit_case kit_cases_format[] = {
    {"format.round_trip", DLFW_KIND_FORMAT, 0, round_trip},
    {"format.file_size", DLFW_KIND_FORMAT, 0, file_size},
    {"format.deterministic", DLFW_KIND_FORMAT, 0, deterministic},
    {"format.sink_errors", DLFW_KIND_FORMAT, 0, sink_errors},
    {0},
};
