/* SPDX-License-Identifier: Apache-2.0 */
/* See codec.h. */
#include "codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/content.h"

#define WANT_CAP 64u
#define HAVE_CAP 1024u
#define ROUNDS_MAX 256
#define SAMPLES_MAX 65536u /* a host would refuse more by its memory budget */
#define OUT_MAX (64u << 20)
#define UNITS_MAX 64u /* of a damaged object */
#define READER_GUARD 256u
#define OFFSET_MASK (DLFW_SIDE_OFFSET(0) - 1) /* of an offset inside its part */

struct reading {
    struct codec *c;
    dlfw_reader *reader;
    dlfw_span have[HAVE_CAP];
    uint32_t n_have;
    unsigned char *content; /* what the samples must hold, NULL: not judged */
    uint64_t content_bytes;
    uint64_t next_sample; /* that the next unit must begin with */
    uint64_t side_sizes[DLFW_MAX_SIDES];
    char name[32]; /* of the object; not NUL-terminated for the format */
    dlfw_error err;
};

/* The bytes that an offset lies in: the object, or the side object of its top byte. size 0: there are none. */
static struct codec_side part_of(const struct codec *c, uint64_t offset)
{
    uint64_t number = offset >> DLFW_SIDE_SHIFT;

    if (number == 0)
        return (struct codec_side){c->data, c->size};
    if (number > c->side_count || c->sides[number - 1].size == CODEC_ABSENT)
        return (struct codec_side){NULL, 0};
    return c->sides[number - 1];
}

static void add_span(struct reading *r, uint64_t offset, uint64_t length, const char *goal)
{
    const struct codec_side part = part_of(r->c, offset);
    uint32_t at = r->n_have++;

    KIT_CHECK(r->c->kit, at < HAVE_CAP, "step(%s): more than %u ranges", goal, HAVE_CAP);
    while (at > 0 && r->have[at - 1].offset > offset) {
        r->have[at] = r->have[at - 1];
        at--;
    }
    r->have[at] = (dlfw_span){part.data + (offset & OFFSET_MASK), offset, length};
}

/* Adds the wanted ranges to have[], ascending. */
static void take_wanted(struct reading *r, const dlfw_range *want, uint32_t n, const char *goal)
{
    struct kit *kit = r->c->kit;
    uint64_t end = 0;

    KIT_CHECK(kit, n > 0 && n <= WANT_CAP, "step(%s): NEED_IO with %u ranges", goal, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t offset = want[i].offset & OFFSET_MASK, size = part_of(r->c, want[i].offset).size;

        KIT_CHECK(kit, want[i].length > 0 && offset <= size && want[i].length <= size - offset,
                  "step(%s): wants [%llu, +%llu) of part %llu, which has %llu bytes", goal, (unsigned long long)offset,
                  (unsigned long long)want[i].length, (unsigned long long)(want[i].offset >> DLFW_SIDE_SHIFT),
                  (unsigned long long)size);
        KIT_CHECK(kit, i == 0 || want[i].offset >= end, "step(%s): wanted ranges overlap or do not ascend", goal);
        KIT_CHECK(kit, !(r->c->flags & CODEC_WHOLE) || want[i].offset > OFFSET_MASK,
                  "step(%s): NEED_IO although the whole object is there", goal);
        KIT_CHECK(kit, !(r->c->flags & CODEC_WHOLE_SIDES),
                  "step(%s): NEED_IO although the whole object and its side objects are there", goal);
        end = want[i].offset + want[i].length;
        add_span(r, want[i].offset, want[i].length, goal);
    }
}

static void give_whole(struct reading *r)
{
    if (!(r->c->flags & CODEC_WHOLE))
        return;
    add_span(r, 0, r->c->size, "whole");
    for (uint32_t i = 0; (r->c->flags & CODEC_WHOLE_SIDES) && i < r->c->side_count; i++)
        if (r->c->sides[i].size != CODEC_ABSENT)
            add_span(r, DLFW_SIDE_OFFSET(i), r->c->sides[i].size, "whole");
}

static dlfw_status reach(struct reading *r, uint64_t goal, const char *name)
{
    struct kit *kit = r->c->kit;

    r->n_have = 0;
    give_whole(r);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        dlfw_range want[WANT_CAP];
        uint32_t n_want = 0;
        dlfw_status st = r->c->ops->step(r->reader, goal, r->have, r->n_have, want, WANT_CAP, &n_want, &r->err);

        if (st != DLFW_NEED_IO) {
            KIT_CHECK(kit, st <= 0, "step(%s) gives %d", name, st);
            kit_check_error(kit, st, &r->err, "step");
            return st;
        }
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
    if (!at) {
        KIT_CHECK(c->kit, c->flags & CODEC_CONTENT, "consume: compared content that nobody asked it to compare");
        c->compared += payload->length;
        return;
    }
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

/* Whether the sample holds what was generated. */
static void check_content(struct reading *r, const dlfw_view *view, uint64_t sample, uint64_t items)
{
    struct codec *c = r->c;

    if (view->bytes != codec_sample_bytes(c->spec) && (c->flags & CODEC_ANY_CONTENT)) {
        c->other_content = true;
        return;
    }
    KIT_CHECK(c->kit, view->bytes == codec_sample_bytes(c->spec), "decode: sample %llu has %llu bytes instead of %llu",
              (unsigned long long)sample, (unsigned long long)view->bytes,
              (unsigned long long)codec_sample_bytes(c->spec));
    if (view->item_stride == view->item_size && (sample + 1) * view->bytes <= r->content_bytes &&
        memcmp(view->data, r->content + sample * view->bytes, view->bytes) == 0)
        return; /* one after the other and right */
    for (uint64_t i = 0; i < items; i++) {
        uint64_t offset = item_offset(view, sample, i);
        bool same = offset + view->item_size <= r->content_bytes &&
                    memcmp((const unsigned char *)view->data + i * view->item_stride, r->content + offset,
                           view->item_size) == 0;

        if (!same && (c->flags & CODEC_ANY_CONTENT)) {
            c->other_content = true;
            return;
        }
        KIT_CHECK(c->kit, same, "decode: sample %llu, item %llu is not what was generated", (unsigned long long)sample,
                  (unsigned long long)i);
    }
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
    c->shortest_sample = view->bytes < c->shortest_sample ? view->bytes : c->shortest_sample;
    c->longest_sample = view->bytes > c->longest_sample ? view->bytes : c->longest_sample;
    if (r->content)
        check_content(r, view, sample, items);
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

/* Units follow each other, and have the size that was agreed. */
static void check_unit(struct reading *r, const dlfw_unit_info *info)
{
    struct codec *c = r->c;

    if (c->flags & CODEC_DAMAGED)
        return;
    KIT_CHECK(c->kit, info->first_sample == r->next_sample, "unit_info: a unit begins with sample %llu, not %llu",
              (unsigned long long)info->first_sample, (unsigned long long)r->next_sample);
    r->next_sample += info->samples;
    if (c->unit_samples)
        KIT_CHECK(c->kit,
                  info->samples == c->unit_samples ||
                      (info->samples < c->unit_samples && r->next_sample == c->samples && info->samples),
                  "unit_info: a unit holds %llu samples where unit_samples() said %llu",
                  (unsigned long long)info->samples, (unsigned long long)c->unit_samples);
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
    check_unit(r, &info);
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
    if (r->c->at_metadata)
        r->c->at_metadata(r->c, r->reader);
    for (uint64_t unit = 0; st >= 0 && unit < units; unit++)
        st = read_unit(r, unit);
    if (st >= 0 && r->c->at_end)
        r->c->at_end(r->c, r->reader);
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

/* Objects with other bytes are other objects, which a format that remembers metadata by name must be able to tell. */
static uint32_t name_object(struct reading *r)
{
    const struct codec *c = r->c;
    uint64_t sum = content_object((const char *)c->data, c->size);

    for (uint32_t i = 0; i < c->side_count; i++)
        sum = sum * 31 +
              (c->sides[i].size == CODEC_ABSENT ? 1 : content_object((const char *)c->sides[i].data, c->sides[i].size));
    return (uint32_t)snprintf(r->name, sizeof r->name, "object-%016llx", (unsigned long long)sum);
}

static dlfw_object make_object(struct reading *r)
{
    struct codec *c = r->c;
    dlfw_object object = {.struct_size = (uint32_t)sizeof object,
                          .flags = DLFW_OBJECT_VERIFY,
                          .name = r->name,
                          .name_len = name_object(r),
                          .samples = c->flags & CODEC_EXPLORE ? 0 : c->samples,
                          .size = c->size,
                          .unit_samples = c->unit_samples,
                          .side_sizes = r->side_sizes,
                          .side_count = c->side_count};

    for (uint32_t i = 0; i < c->side_count; i++)
        r->side_sizes[i] = c->sides[i].size;
    if (c->flags & CODEC_EXPLORE)
        object.flags |= DLFW_OBJECT_EXPLORE;
    if ((c->flags & CODEC_CONTENT) && c->spec) {
        object.flags |= DLFW_OBJECT_VERIFY_CONTENT;
        object.content_seed = c->spec->seed + c->seed_distance;
        object.content_object = c->spec->object;
    }
    if (c->flags & CODEC_OLD_OBJECT) {
        memset((char *)&object + offsetof(dlfw_object, unit_samples), 0xC5,
               sizeof object - offsetof(dlfw_object, unit_samples));
        object.struct_size = offsetof(dlfw_object, unit_samples);
    }
    return object;
}

dlfw_status codec_read(struct codec *c)
{
    struct reading *r = calloc(1, sizeof *r);
    size_t reader_bytes = (c->ops->reader_size + 63u) & ~(size_t)63;
    unsigned char *memory = aligned_alloc(64, reader_bytes + READER_GUARD);
    dlfw_object object;
    dlfw_status st;

    KIT_CHECK(c->kit, r && memory, "dlfw-conform itself is out of memory");
    memset(memory, 0, reader_bytes);
    memset(memory + reader_bytes, 0xC5, READER_GUARD);
    c->text[0] = '\0';
    c->samples_seen = c->payload_seen = c->compared = c->longest_sample = 0;
    c->shortest_sample = UINT64_MAX;
    c->other_content = false;
    *r = (struct reading){.c = c, .reader = (dlfw_reader *)memory, .err = FAKE_ERROR(c->text)};
    generate_content(r);
    object = make_object(r);
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
