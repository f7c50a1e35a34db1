/* SPDX-License-Identifier: Apache-2.0 */
/* See codec.h. */
#include "codec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/content.h"

#define WANT_CAP 64u
#define HAVE_CAP 1024u
#define ROUNDS_MAX 256
#define SAMPLES_MAX 65536u /* a host would refuse more by its memory budget */
#define OUT_MAX (64u << 20)
#define UNITS_MAX 64u /* of a damaged object */
#define READER_GUARD 256u

struct reading {
    struct codec *c;
    dlfw_reader *reader;
    dlfw_span have[HAVE_CAP];
    uint32_t n_have;
    unsigned char *content; /* what the samples must hold, NULL: not judged */
    uint64_t content_bytes;
    dlfw_error err;
};

uint64_t codec_sample_bytes(const dlfw_encode_spec *spec)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = (bytes),
    static const uint8_t sizes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};
    uint64_t bytes = sizes[spec->dtype];

    for (uint32_t i = 0; i < spec->ndim; i++)
        bytes *= spec->dims[i];
    return bytes;
}

const unsigned char *codec_fence(struct kit *kit, const unsigned char *data, uint64_t size)
{
    static unsigned char *map;
    static uint64_t cap;
    uint64_t need = (size + 4095) & ~(uint64_t)4095;

    if (!map || need > cap) {
        if (map)
            munmap(map, cap + 4096);
        cap = need;
        map = mmap(NULL, cap + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        KIT_CHECK(kit, map != MAP_FAILED, "dlfw-conform itself is out of memory");
        mprotect(map + cap, 4096, PROT_NONE);
    }
    if (size)
        memcpy(map + cap - size, data, size);
    return map + cap - size;
}

/* Adds the wanted ranges to have[], ascending. */
static void take_wanted(struct reading *r, const dlfw_range *want, uint32_t n, const char *goal)
{
    struct kit *kit = r->c->kit;
    uint64_t end = 0;

    KIT_CHECK(kit, n > 0 && n <= WANT_CAP, "step(%s): NEED_IO with %u ranges", goal, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = r->n_have;

        KIT_CHECK(kit,
                  want[i].length > 0 && want[i].offset <= r->c->size && want[i].length <= r->c->size - want[i].offset,
                  "step(%s): wants [%llu, +%llu) of an object of %llu bytes", goal, (unsigned long long)want[i].offset,
                  (unsigned long long)want[i].length, (unsigned long long)r->c->size);
        KIT_CHECK(kit, i == 0 || want[i].offset >= end, "step(%s): wanted ranges overlap or do not ascend", goal);
        end = want[i].offset + want[i].length;
        KIT_CHECK(kit, r->n_have < HAVE_CAP, "step(%s): more than %u ranges", goal, HAVE_CAP);
        while (at > 0 && r->have[at - 1].offset > want[i].offset) {
            r->have[at] = r->have[at - 1];
            at--;
        }
        r->have[at] = (dlfw_span){r->c->data + want[i].offset, want[i].offset, want[i].length};
        r->n_have++;
    }
}

static dlfw_status reach(struct reading *r, uint64_t goal, const char *name)
{
    struct kit *kit = r->c->kit;

    r->n_have = 0;
    if (r->c->flags & CODEC_WHOLE)
        r->have[r->n_have++] = (dlfw_span){r->c->data, 0, r->c->size};
    for (int round = 0; round < ROUNDS_MAX; round++) {
        dlfw_range want[WANT_CAP];
        uint32_t n_want = 0;
        dlfw_status st = r->c->ops->step(r->reader, goal, r->have, r->n_have, want, WANT_CAP, &n_want, &r->err);

        if (st != DLFW_NEED_IO) {
            KIT_CHECK(kit, st <= 0, "step(%s) gives %d", name, st);
            kit_check_error(kit, st, &r->err, "step");
            return st;
        }
        KIT_CHECK(kit, !(r->c->flags & CODEC_WHOLE), "step(%s): NEED_IO although the whole object is there", name);
        take_wanted(r, want, n_want, name);
    }
    kit_fail(kit, "step(%s): still NEED_IO after %d rounds", name, ROUNDS_MAX);
}

static void check_payload(struct reading *r, const dlfw_span *piece, const dlfw_payload *payload)
{
    struct codec *c = r->c;
    const unsigned char *begin = piece->data, *at = payload->data;

    if (payload->length == 0)
        return;
    KIT_CHECK(c->kit,
              at >= begin && payload->length <= piece->length &&
                  at - begin <= (int64_t)(piece->length - payload->length),
              "consume: the payload lies outside the piece");
    c->payload_seen += payload->length;
    if (c->spec)
        KIT_CHECK(c->kit,
                  content_check(c->spec->seed, c->spec->object, payload->content_offset, at, payload->length) ==
                      payload->length,
                  "consume: the piece at %llu does not hold content from %llu", (unsigned long long)piece->offset,
                  (unsigned long long)payload->content_offset);
}

static dlfw_status consume_range(struct reading *r, uint64_t unit, const dlfw_span *range)
{
    uint64_t done = 0;

    do {
        uint64_t left = range->length - done;
        uint64_t n = r->c->max_piece ? 1 + kit_below(r->c->kit, r->c->max_piece) : left;
        dlfw_span piece = {(const unsigned char *)range->data + done, range->offset + done, n < left ? n : left};
        dlfw_payload payload = {0};
        dlfw_status st = r->c->ops->consume(r->reader, unit, &piece, &payload, &r->err);

        kit_check_error(r->c->kit, st, &r->err, "consume");
        if (st < 0)
            return st;
        check_payload(r, &piece, &payload);
        done += piece.length;
    } while (done < range->length);
    return DLFW_OK;
}

static bool inside(const void *data, uint64_t extent, const void *area, uint64_t area_bytes)
{
    const unsigned char *d = data, *a = area;

    return d >= a && extent <= area_bytes && (uint64_t)(d - a) <= area_bytes - extent;
}

/* Where an item lies in the payload as it was generated: samples one after the other, or (stride) their items in turn.
 */
static uint64_t item_offset(const dlfw_view *view, uint64_t sample, uint64_t item)
{
    if (view->item_stride == view->item_size)
        return sample * view->bytes + item * view->item_size;
    return sample * view->item_size + item * view->item_stride;
}

static void check_view(struct reading *r, const dlfw_view *view, uint64_t sample, const void *out, uint64_t out_bytes)
{
    struct codec *c = r->c;
    uint64_t items = view->item_size ? view->bytes / view->item_size : 0, extent;
    bool found = false;

    KIT_CHECK(c->kit, view->item_size && view->bytes % view->item_size == 0 && view->item_stride >= view->item_size,
              "decode: sample %llu has %llu bytes in items of %u, %llu apart", (unsigned long long)sample,
              (unsigned long long)view->bytes, view->item_size, (unsigned long long)view->item_stride);
    extent = items ? (items - 1) * view->item_stride + view->item_size : 0;
    found = extent == 0 || (out && inside(view->data, extent, out, out_bytes));
    for (uint32_t i = 0; i < r->n_have && !found; i++)
        found = inside(view->data, extent, r->have[i].data, r->have[i].length);
    KIT_CHECK(c->kit, found, "decode: sample %llu points outside the bytes that were given",
              (unsigned long long)sample);
    if (!r->content)
        return;
    KIT_CHECK(c->kit, view->bytes == codec_sample_bytes(c->spec), "decode: sample %llu has %llu bytes instead of %llu",
              (unsigned long long)sample, (unsigned long long)view->bytes,
              (unsigned long long)codec_sample_bytes(c->spec));
    if (view->item_stride == view->item_size && (sample + 1) * view->bytes <= r->content_bytes &&
        memcmp(view->data, r->content + sample * view->bytes, view->bytes) == 0)
        return; /* one after the other and right */
    for (uint64_t i = 0; i < items; i++) {
        uint64_t offset = item_offset(view, sample, i);

        KIT_CHECK(c->kit,
                  offset + view->item_size <= r->content_bytes &&
                      memcmp((const unsigned char *)view->data + i * view->item_stride, r->content + offset,
                             view->item_size) == 0,
                  "decode: sample %llu, item %llu is not what was generated", (unsigned long long)sample,
                  (unsigned long long)i);
    }
}

static dlfw_status decode_unit(struct reading *r, uint64_t unit, const dlfw_unit_info *info)
{
    dlfw_view *views = calloc(info->samples ? info->samples : 1, sizeof *views);
    void *out = info->out_bytes ? aligned_alloc(64, (info->out_bytes + 63) & ~(uint64_t)63) : NULL;
    dlfw_status st;

    KIT_CHECK(r->c->kit, views && (out || !info->out_bytes), "dlfw-conform itself is out of memory");
    st = r->c->ops->decode(r->reader, unit, r->have, r->n_have, out, views, (uint32_t)info->samples, &r->err);
    kit_check_error(r->c->kit, st, &r->err, "decode");
    for (uint64_t i = 0; st >= 0 && i < info->samples; i++)
        check_view(r, &views[i], info->first_sample + i, out, info->out_bytes);
    if (st >= 0)
        r->c->samples_seen += info->samples;
    free(out);
    free(views);
    return st;
}

static dlfw_status read_unit(struct reading *r, uint64_t unit)
{
    struct codec *c = r->c;
    dlfw_unit_info info = {.struct_size = (uint32_t)sizeof info};
    dlfw_status st = c->ops->unit_info(r->reader, unit, &info, &r->err);

    kit_check_error(c->kit, st, &r->err, "unit_info");
    if (st < 0)
        return st;
    if (info.samples > SAMPLES_MAX || info.out_bytes > OUT_MAX) {
        KIT_CHECK(c->kit, c->flags & CODEC_DAMAGED, "unit_info: %llu samples, %llu bytes of output for a small object",
                  (unsigned long long)info.samples, (unsigned long long)info.out_bytes);
        return dlfw_fail(&r->err, DLFW_E_NO_MEMORY, "unit %llu is over the host's budget", (unsigned long long)unit);
    }
    st = reach(r, unit, "unit");
    for (uint32_t i = 0; st >= 0 && c->ops->consume && i < r->n_have; i++)
        st = consume_range(r, unit, &r->have[i]);
    if (st < 0 || (c->flags & CODEC_STREAM))
        return st;
    return decode_unit(r, unit, &info);
}

static dlfw_status read_units(struct reading *r)
{
    dlfw_status st = reach(r, DLFW_GOAL_METADATA, "metadata");
    uint64_t units;

    if (st < 0)
        return st;
    units = r->c->ops->unit_count(r->reader);
    if (r->c->flags & CODEC_DAMAGED) {
        if (units > UNITS_MAX)
            units = UNITS_MAX;
    } else {
        KIT_CHECK(r->c->kit, units > 0 && units <= SAMPLES_MAX, "unit_count gives %llu", (unsigned long long)units);
    }
    for (uint64_t unit = 0; st >= 0 && unit < units; unit++)
        st = read_unit(r, unit);
    return st;
}

static void generate_content(struct reading *r)
{
    const dlfw_encode_spec *spec = r->c->spec;

    if (!spec)
        return;
    r->content_bytes = codec_sample_bytes(spec) * spec->samples;
    r->content = malloc(r->content_bytes);
    KIT_CHECK(r->c->kit, r->content, "dlfw-conform itself is out of memory");
    content_fill(spec->seed, spec->object, 0, r->content, r->content_bytes);
}

dlfw_status codec_read(struct codec *c)
{
    struct reading *r = calloc(1, sizeof *r);
    size_t reader_bytes = (c->ops->reader_size + 63u) & ~(size_t)63;
    unsigned char *memory = aligned_alloc(64, reader_bytes + READER_GUARD);
    dlfw_object object = {.struct_size = (uint32_t)sizeof object,
                          .flags = DLFW_OBJECT_VERIFY,
                          .name = "conform-object",
                          .name_len = 14,
                          .samples = c->samples,
                          .size = c->size};
    dlfw_status st;

    KIT_CHECK(c->kit, r && memory, "dlfw-conform itself is out of memory");
    memset(memory, 0, reader_bytes);
    memset(memory + reader_bytes, 0xC5, READER_GUARD);
    c->text[0] = '\0';
    c->samples_seen = c->payload_seen = 0;
    *r = (struct reading){.c = c, .reader = (dlfw_reader *)memory, .err = FAKE_ERROR(c->text)};
    generate_content(r);
    st = c->ops->reader_open(c->format, r->reader, &object, &r->err);
    kit_check_error(c->kit, st, &r->err, "reader_open");
    if (st >= 0) {
        st = read_units(r);
        c->ops->reader_close(r->reader);
    }
    for (uint32_t i = 0; i < READER_GUARD; i++)
        KIT_CHECK(c->kit, memory[reader_bytes + i] == 0xC5, "bytes behind reader_size were overwritten");
    free(memory);
    free(r->content);
    free(r);
    return st;
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
