/* SPDX-License-Identifier: Apache-2.0 */
/* format.*: what formats gained with ABI 1.1: side objects, descriptions, hosts that do not know of either. */
#include <string.h>

#include "codec.h"

#define DEPTH_MAX 64u
#define FACTS_MAX 100000u

static dlfw_encode_spec make_spec(uint32_t dtype)
{
    static const uint64_t dims[] = {12, 5};

    return (dlfw_encode_spec){.struct_size = (uint32_t)sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = dims,
                              .ndim = 2,
                              .samples = 6,
                              .seed = 3,
                              .object = 11};
}

/* An object of the first type that the format writes, or the end of the case. */
static struct fake_sink any_object(struct kit *kit, dlfw_format *format, dlfw_encode_spec *spec)
{
    struct fake_sink sink;

    for (uint32_t dtype = DLFW_DTYPE_UINT8; dtype <= DLFW_DTYPE_BOOL; dtype++) {
        *spec = make_spec(dtype);
        if (codec_write(kit, format, spec, 65536, &sink) >= 0)
            return sink;
    }
    kit_skip(kit, "the format writes no small object");
}

/* The table is constant, and what it calls required is. */
static void sides(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    const dlfw_side *const *rows = NULL, *const *again = NULL;
    uint32_t n = codec_sides(kit, format, &rows), any;
    dlfw_encode_spec spec;
    struct fake_sink sink;

    if (!n)
        kit_skip(kit, "the format has no side objects");
    KIT_CHECK(kit, codec_sides(kit, format, &again) == n && again == rows, "sides() gives another table each time");
    any = codec_content_flags(kit, format);
    sink = any_object(kit, format, &spec);
    for (uint32_t i = 0; i < n; i++) {
        struct codec c = codec_of(kit, format, &sink, &spec);
        dlfw_status st;

        KIT_CHECK(kit, sink.sides[i].len > 0, "encode leaves the side object '%s' empty", rows[i]->suffix);
        c.sides[i].size = CODEC_ABSENT;
        c.flags = any;
        st = codec_read(&c);
        if (rows[i]->flags & DLFW_SIDE_REQUIRED)
            KIT_CHECK(kit, st < 0, "the object is read although '%s', which it requires, is not there",
                      rows[i]->suffix);
        else
            KIT_CHECK(kit, st >= 0, "the object cannot be read without '%s': %s", rows[i]->suffix, c.text);
    }
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

/* A host may not want the side objects. The object is the same. */
static void sides_unwanted(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    dlfw_encode_spec spec;
    struct fake_sink sink, bare;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    dlfw_status st;

    if (!codec_sides(kit, format, NULL))
        kit_skip(kit, "the format has no side objects");
    sink = any_object(kit, format, &spec);
    for (int old = 0; old < 2; old++) {
        fake_sink_init(&bare, 65536);
        if (old) {
            bare.table.struct_size = offsetof(dlfw_sink, sides);
            memset(&bare.table.sides, 0xC5, sizeof bare.table - offsetof(dlfw_sink, sides));
        }
        st = ops->encode(format, &spec, &bare.table, &err);
        kit_check_error(kit, st, &err, "encode");
        KIT_CHECK(kit, st >= 0, "encode fails without sinks of side objects: %s", text);
        KIT_CHECK(kit, bare.len == sink.len && memcmp(bare.data, sink.data, sink.len) == 0,
                  "encode writes another object when its side objects are not wanted");
        fake_sink_free(&bare);
    }
    fake_sink_free(&sink);
    ops->destroy(format);
}

/* A host of ABI 1.0 says nothing of units, content and side objects. */
static void old_object(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    const dlfw_side *const *rows = NULL;
    uint32_t any = codec_content_flags(kit, format), required = 0;
    dlfw_encode_spec spec;
    struct fake_sink sink = any_object(kit, format, &spec);
    struct codec c = codec_of(kit, format, &sink, &spec);
    dlfw_status st;

    codec_sides(kit, format, &rows);
    for (uint32_t i = 0; i < c.side_count; i++) {
        c.sides[i].size = CODEC_ABSENT;
        required += (rows[i]->flags & DLFW_SIDE_REQUIRED) != 0;
    }
    c.flags = any | CODEC_OLD_OBJECT;
    st = codec_read(&c);
    KIT_CHECK(kit, required ? st < 0 : st >= 0, "an object as a host of ABI 1.0 gives it: %s",
              required ? "is read without its side objects" : c.text);
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

/* What describe() says, judged as it comes. */
struct listener {
    struct kit *kit;
    uint32_t depth, facts;
};

static void count_fact(struct listener *l, const char *what, const char *text)
{
    KIT_CHECK(l->kit, text && text[0], "describe: %s without a name", what);
    KIT_CHECK(l->kit, ++l->facts < FACTS_MAX, "describe: more than %u facts of a small object", FACTS_MAX);
}

static void hear_begin(void *ctx, const char *kind, const char *name)
{
    struct listener *l = ctx;

    count_fact(l, "begin()", kind);
    KIT_CHECK(l->kit, name, "describe: a '%s' whose name is NULL", kind);
    KIT_CHECK(l->kit, ++l->depth <= DEPTH_MAX, "describe: deeper than %u", DEPTH_MAX);
}

static void hear_text(void *ctx, const char *key, const char *value)
{
    struct listener *l = ctx;

    count_fact(l, "text()", key);
    KIT_CHECK(l->kit, value, "describe: '%s' is NULL", key);
}

static void hear_number(void *ctx, const char *key, uint64_t value)
{
    (void)value;
    count_fact(ctx, "number()", key);
}

static void hear_end(void *ctx)
{
    struct listener *l = ctx;

    KIT_CHECK(l->kit, l->depth > 0, "describe: end() without begin()");
    l->depth--;
}

static void listen(struct codec *c, dlfw_reader *reader)
{
    struct listener l = {.kit = c->kit};
    const dlfw_describe out = {.struct_size = (uint32_t)sizeof out,
                               .ctx = &l,
                               .begin = hear_begin,
                               .text = hear_text,
                               .number = hear_number,
                               .end = hear_end};
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    dlfw_status st = c->ops->describe(reader, &out, &err);

    kit_check_error(c->kit, st, &err, "describe");
    KIT_CHECK(c->kit, st >= 0, "describe fails: %s", text);
    KIT_CHECK(c->kit, l.depth == 0, "describe: %u begin() without end()", l.depth);
    KIT_CHECK(c->kit, l.facts > 0, "describe says nothing");
}

static void describe(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct fake_sink sink;
    struct codec c;

    if (!kit->iface->ops.format.describe)
        kit_skip(kit, "the format describes nothing");
    sink = any_object(kit, format, &spec);
    c = codec_of(kit, format, &sink, &spec);
    c.spec = NULL; /* how samples are cut is not known when nothing is said beforehand */
    c.at_metadata = c.at_end = listen;
    for (uint32_t flags = 0; flags <= CODEC_EXPLORE; flags += CODEC_EXPLORE) {
        c.flags = flags;
        KIT_CHECK(kit, codec_read(&c) >= 0, "what was written cannot be %s: %s", flags ? "explored" : "read", c.text);
    }
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

/* What write_side() makes of the object is what encode() wrote beside it. */
struct rewriting {
    const struct fake_sink *written;
    const dlfw_side *const *rows;
    uint32_t made;
};

static void rewrite_sides(struct codec *c, dlfw_reader *reader)
{
    struct rewriting *w = c->user;

    for (uint32_t i = 0; i < c->side_count; i++) {
        struct fake_sink again;
        char text[512];
        dlfw_error err = FAKE_ERROR(text);
        dlfw_status st;

        fake_sink_init(&again, 4096);
        st = c->ops->write_side(reader, i, &again.table, &err);
        kit_check_error(c->kit, st, &err, "write_side");
        KIT_CHECK(c->kit, !again.misuse, "write_side: %s", again.misuse);
        if (st == DLFW_E_UNSUPPORTED) {
            kit_note(c->kit, "'%s' is not written anew: %s", w->rows[i]->suffix, text);
        } else {
            KIT_CHECK(c->kit, st >= 0, "write_side('%s') fails: %s", w->rows[i]->suffix, text);
            KIT_CHECK(c->kit,
                      again.len == w->written->sides[i].len &&
                          memcmp(again.data, w->written->sides[i].data, again.len) == 0,
                      "write_side('%s') writes something else than encode", w->rows[i]->suffix);
            w->made++;
        }
        fake_sink_free(&again);
    }
}

static void write_side(struct kit *kit)
{
    dlfw_format *format = kit_format_instance(kit);
    dlfw_encode_spec spec;
    struct rewriting w = {0};
    struct fake_sink sink;
    struct codec c;

    if (!kit->iface->ops.format.write_side)
        kit_skip(kit, "the format does not write side objects anew");
    sink = any_object(kit, format, &spec);
    c = codec_of(kit, format, &sink, &spec);
    KIT_CHECK(kit, c.side_count > 0, "write_side() without side objects");
    codec_sides(kit, format, &w.rows);
    w.written = &sink;
    c.spec = NULL;
    c.user = &w;
    c.at_end = rewrite_sides;
    c.flags = CODEC_EXPLORE;
    for (uint32_t i = 0; i < c.side_count; i++)
        if (!(w.rows[i]->flags & DLFW_SIDE_REQUIRED))
            c.sides[i].size = CODEC_ABSENT;
    KIT_CHECK(kit, codec_read(&c) >= 0, "what was written cannot be explored: %s", c.text);
    KIT_CHECK(kit, w.made > 0, "write_side() writes none of the side objects");
    fake_sink_free(&sink);
    kit->iface->ops.format.destroy(format);
}

const struct kit_case kit_cases_side[] = {
    {"format.sides", DLFW_KIND_FORMAT, 0, sides},
    {"format.sides_unwanted", DLFW_KIND_FORMAT, 0, sides_unwanted},
    {"format.old_object", DLFW_KIND_FORMAT, 0, old_object},
    {"format.describe", DLFW_KIND_FORMAT, 0, describe},
    {"format.write_side", DLFW_KIND_FORMAT, 0, write_side},
    {0},
};
