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

/* Everything behind a fence, so that a look beyond it ends the case. */
static void fence(struct codec *c)
{
    c->data = codec_fence(c->kit, 0, c->data, c->size);
    for (uint32_t i = 0; i < c->side_count; i++)
        if (c->sides[i].size != CODEC_ABSENT)
            c->sides[i].data = codec_fence(c->kit, i + 1, c->sides[i].data, c->sides[i].size);
}

static dlfw_status read_damaged(const struct codec *whole, uint32_t flags)
{
    struct codec c = *whole;

    c.flags = flags | CODEC_DAMAGED;
    fence(&c);
    return codec_read(&c);
}

/* The format may hold no length at all; then every sample is shorter by the same, which a host that knows them sees. */
static bool is_seen(const struct codec *c, uint64_t sample_bytes)
{
    return c->samples_seen > 0 && c->shortest_sample == c->longest_sample && c->longest_sample < sample_bytes;
}

/* The object, or one of its side objects, as if only its first bytes were there. */
static void truncate_part(struct codec *c, uint32_t part, bool must_fail, uint64_t sample_bytes)
{
    uint64_t *size = part ? &c->sides[part - 1].size : &c->size;
    const uint64_t complete = *size;
    struct codec whole = *c;

    for (*size = 0; *size < complete; ++*size)
        for (uint32_t flags = 0; flags <= CODEC_WHOLE; flags += CODEC_WHOLE) {
            dlfw_status st;

            whole = *c;
            whole.flags = flags | CODEC_DAMAGED;
            fence(&whole);
            st = codec_read(&whole);
            KIT_CHECK(c->kit, st < 0 || !must_fail || is_seen(&whole, sample_bytes),
                      "part %u of an object, of %llu bytes, is read without complaint when only %llu are there", part,
                      (unsigned long long)complete, (unsigned long long)*size);
        }
}

static void truncation(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct fake_sink sink = small_object(kit, format, &spec);
    const dlfw_side *const *rows = NULL;
    struct codec c = codec_of(kit, format, &sink, &spec);

    codec_sides(kit, format, &rows);
    c.spec = NULL;
    truncate_part(&c, 0, true, codec_sample_bytes(&spec));
    KIT_CHECK(kit, read_damaged(&c, 0) >= 0, "the complete object cannot be read");
    for (uint32_t i = 0; i < c.side_count; i++)
        if (c.sides[i].size != CODEC_ABSENT) {
            truncate_part(&c, i + 1, rows[i]->flags & DLFW_SIDE_REQUIRED, 0);
            c.sides[i].size = sink.sides[i].len;
        }
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

static void flip(struct kit *kit, unsigned char *data, uint64_t len)
{
    uint64_t at = kit_below(kit, len), how = kit_below(kit, 4);

    data[at] = (unsigned char)(how == 0   ? 0
                               : how == 1 ? 0xff
                               : how == 2 ? data[at] ^ (1u << kit_below(kit, 8))
                                          : kit_random(kit));
}

static void flips(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct fake_sink sink = small_object(kit, format, &spec);
    const struct codec c = codec_of(kit, format, &sink, &spec);
    unsigned char *copies[DLFW_MAX_SIDES + 1];
    uint32_t noticed = 0;

    copies[0] = kit_alloc(kit, sink.len);
    for (uint32_t i = 0; i < c.side_count; i++)
        copies[i + 1] = kit_alloc(kit, sink.sides[i].len);
    for (int round = 0; round < FLIP_ROUNDS; round++) {
        uint64_t count = 1 + kit_below(kit, 4), part;
        struct codec damaged = c;

        damaged.spec = NULL;
        damaged.data = memcpy(copies[0], c.data, c.size);
        for (uint32_t i = 0; i < c.side_count; i++)
            if (c.sides[i].size != CODEC_ABSENT && c.sides[i].size)
                damaged.sides[i].data = memcpy(copies[i + 1], c.sides[i].data, c.sides[i].size);
        for (uint64_t i = 0; i < count; i++) {
            part = kit_below(kit, 1 + c.side_count);
            if (part && (c.sides[part - 1].size == CODEC_ABSENT || !c.sides[part - 1].size))
                part = 0;
            flip(kit, copies[part], part ? c.sides[part - 1].size : c.size);
        }
        noticed += read_damaged(&damaged, round % 2 ? CODEC_WHOLE : 0) < 0;
    }
    kit_note(kit, "%u of %d damaged objects were refused", noticed, FLIP_ROUNDS);
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

static void fill_with_garbage(struct kit *kit, unsigned char *data, size_t len, int round)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (unsigned char)(round < 8 ? 0 : round < 16 ? 0xff : kit_random(kit));
}

static void garbage(struct kit *kit)
{
    static const uint64_t sizes[] = {0, 1, 3, 4, 22, 64, 511, 4096};
    static unsigned char data[DLFW_MAX_SIDES + 1][4096];
    dlfw_format *format = kit_format_instance(kit);
    struct codec c = {.kit = kit, .ops = &kit->iface->ops.format, .format = format, .samples = 2};
    const dlfw_side *const *rows = NULL;

    c.side_count = codec_sides(kit, format, &rows);
    for (int round = 0; round < 200; round++) {
        c.data = data[0];
        c.size = sizes[round % 8];
        for (uint32_t i = 0; i < c.side_count; i++)
            c.sides[i] = (struct codec_side){data[i + 1],
                                             rows[i]->flags & DLFW_SIDE_READ ? sizes[kit_below(kit, 8)] : CODEC_ABSENT};
        for (uint32_t i = 0; i <= c.side_count; i++)
            fill_with_garbage(kit, data[i], sizeof data[i], round);
        for (uint32_t flags = 0; flags <= CODEC_WHOLE; flags += CODEC_WHOLE)
            read_damaged(&c, flags);
    }
    kit->iface->ops.format.destroy(format);
}

const struct kit_case kit_cases_damage[] = {
    {"damage.truncation", DLFW_KIND_FORMAT, 0, truncation},
    {"damage.flips", DLFW_KIND_FORMAT, 0, flips},
    {"damage.garbage", DLFW_KIND_FORMAT, 0, garbage},
    {0},
};
