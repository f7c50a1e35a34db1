/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that the cases read: written by the format itself, with its side objects, or damaged copies behind a
 * fence. See codec.h. */
#include <string.h>
#include <sys/mman.h>

#include "codec.h"

uint64_t codec_sample_bytes(const dlfw_encode_spec *spec)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t sizes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};
    uint64_t bytes = sizes[spec->dtype];

    for (uint32_t i = 0; i < spec->ndim; i++)
        bytes *= spec->dims[i];
    return bytes;
}

const unsigned char *codec_fence(struct kit *kit, uint32_t part, const unsigned char *data, uint64_t size)
{
    static unsigned char *maps[DLFW_MAX_SIDES + 1];
    static uint64_t caps[DLFW_MAX_SIDES + 1];
    unsigned char *map = maps[part];
    uint64_t cap = caps[part];
    uint64_t need = (size + 4095) & ~(uint64_t)4095;

    if (!map || need > cap) {
        if (map)
            munmap(map, cap + 4096);
        cap = need;
        map = mmap(NULL, cap + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        KIT_CHECK(kit, map != MAP_FAILED, "dlfw-conform itself is out of memory");
        mprotect(map + cap, 4096, PROT_NONE);
        maps[part] = map;
        caps[part] = cap;
    }
    if (size)
        memcpy(map + cap - size, data, size);
    return map + cap - size;
}

uint32_t codec_sides(struct kit *kit, dlfw_format *format, const dlfw_side *const **ret)
{
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    const dlfw_side *const *rows = NULL;
    uint32_t n = ops->sides ? ops->sides(format, &rows) : 0;

    KIT_CHECK(kit, n <= DLFW_MAX_SIDES, "sides() gives %u side objects, %u are the most", n, DLFW_MAX_SIDES);
    KIT_CHECK(kit, n == 0 || rows, "sides() gives no table");
    for (uint32_t i = 0; i < n; i++) {
        const dlfw_side *side = rows[i];

        KIT_CHECK(kit, side && side->struct_size >= sizeof *side, "side object %u has no row of this ABI", i);
        KIT_CHECK(kit, side->suffix && side->suffix[0], "side object %u has no suffix", i);
        KIT_CHECK(kit, !side->folder || strcmp(side->folder, "index") == 0, "side object %u lies in the folder '%s'", i,
                  side->folder);
        KIT_CHECK(kit, side->summary && side->summary[0], "side object %u has no summary", i);
        KIT_CHECK(kit, !(side->flags & DLFW_SIDE_REQUIRED) || (side->flags & DLFW_SIDE_READ),
                  "side object %u is required, but not read", i);
    }
    if (ret)
        *ret = rows;
    return n;
}

dlfw_status codec_write(struct kit *kit, dlfw_format *format, const dlfw_encode_spec *spec, uint64_t window,
                        struct fake_sink *ret)
{
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    dlfw_status st;

    if (!ops->encode)
        kit_skip(kit, "the format is read-only");
    fake_sink_init(ret, window);
    KIT_CHECK(kit, fake_sink_sides(ret, codec_sides(kit, format, NULL)), "dlfw-conform itself is out of memory");
    st = ops->encode(format, spec, &ret->table, &err);
    kit_check_error(kit, st, &err, "encode");
    KIT_CHECK(kit, !ret->misuse, "encode: %s", ret->misuse);
    if (st == DLFW_E_UNSUPPORTED) {
        fake_sink_free(ret);
        return st;
    }
    KIT_CHECK(kit, st >= 0, "encode fails: %s", text);
    return st;
}

struct codec codec_of(struct kit *kit, dlfw_format *format, const struct fake_sink *sink, const dlfw_encode_spec *spec)
{
    const dlfw_side *const *rows = NULL;
    struct codec c = {.kit = kit,
                      .ops = &kit->iface->ops.format,
                      .format = format,
                      .data = sink->data,
                      .size = sink->len,
                      .side_count = codec_sides(kit, format, &rows),
                      .samples = (uint32_t)spec->samples,
                      .spec = spec};

    for (uint32_t i = 0; i < c.side_count; i++) {
        bool is_read = rows[i]->flags & DLFW_SIDE_READ;

        c.sides[i] =
            (struct codec_side){is_read ? sink->sides[i].data : NULL, is_read ? sink->sides[i].len : CODEC_ABSENT};
    }
    return c;
}

uint32_t codec_content_flags(struct kit *kit, dlfw_format *format)
{
    static const uint64_t dims[] = {53, 41};

    for (uint32_t dtype = DLFW_DTYPE_UINT8; dtype <= DLFW_DTYPE_BOOL; dtype++) {
        dlfw_encode_spec spec = {.struct_size = (uint32_t)sizeof spec,
                                 .dtype = dtype,
                                 .dims = dims,
                                 .ndim = 2,
                                 .samples = 1,
                                 .seed = 42,
                                 .object = 7};
        uint32_t flags = 0;
        struct fake_sink sink;
        struct codec c;

        if (codec_write(kit, format, &spec, 65536, &sink) < 0)
            continue;
        c = codec_of(kit, format, &sink, &spec);
        c.flags = CODEC_CONTENT | CODEC_ANY_CONTENT;
        KIT_CHECK(kit, codec_read(&c) >= 0, "type %u: what was written cannot be read: %s", dtype, c.text);
        /* the content is random: an object that holds it is not smaller */
        if (c.payload_seen == 0 && (c.compared > 0 || c.size < codec_sample_bytes(&spec)))
            flags = CODEC_ANY_CONTENT;
        fake_sink_free(&sink);
        return flags;
    }
    return 0;
}
