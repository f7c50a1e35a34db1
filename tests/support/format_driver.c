/* SPDX-License-Identifier: Apache-2.0 */
#include "support/format_driver.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define WANT_CAP 64u
#define ROUNDS_MAX 16u
#define HAVE_MAX 256u

#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "format driver: %s: ", #condition);                                                        \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static uint32_t fake_crc32(uint32_t crc, const void *data, uint64_t len)
{
    return (uint32_t)crc32_z(crc, data, len);
}

/* Splitmix64 of the index of each 8 bytes: any offset can be entered, neighbours differ. */
static uint64_t content_word(uint64_t seed, uint64_t object, uint64_t index)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + object * 0xd1342543de82ef95u + index * 0xbf58476d1ce4e5b9u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void format_driver_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    uint8_t *p = buf;

    for (uint64_t i = 0; i < len; i++)
        p[i] = (uint8_t)(content_word(seed, object, (offset + i) / 8) >> (offset + i) % 8 * 8);
}

static void *exact_copy(const void *data, uint64_t len)
{
    void *copy = malloc(len ? len : 1);

    REQUIRE(copy, "%" PRIu64 " bytes", len);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

static void set_option(void *options, const dlfw_option *row, const char *value)
{
    void *field = (char *)options + row->offset;
    uint32_t choice = 0;
    int64_t number;

    if (!value)
        return;
    switch (row->type) {
    case DLFW_TYPE_STR:
        memcpy(field, &value, sizeof value);
        break;
    case DLFW_TYPE_ENUM:
        while (row->choices[choice] && strcmp(row->choices[choice], value) != 0)
            choice++;
        REQUIRE(row->choices[choice], "option %s: %s", row->name, value);
        memcpy(field, &choice, sizeof choice);
        break;
    case DLFW_TYPE_I64:
        number = strtoll(value, NULL, 10);
        memcpy(field, &number, sizeof number);
        break;
    default:
        REQUIRE(0, "option %s has a type that the driver does not set", row->name);
    }
}

static void set_options(struct format_driver *d, const dlfw_iface *iface, const struct format_setting *settings)
{
    d->options = calloc(1, iface->options_size ? iface->options_size : 1);
    REQUIRE(d->options, "options");
    for (uint32_t i = 0; i < iface->option_count; i++) {
        const dlfw_option *row = &iface->options[i];
        const char *value = row->def;

        for (const struct format_setting *s = settings; s && s->name; s++)
            if (strcmp(s->name, row->name) == 0)
                value = s->value;
        set_option(d->options, row, value);
    }
}

void format_driver_link(struct format_driver *d, const dlfw_plugin *plugin, const struct format_setting *settings)
{
    const dlfw_iface *iface = plugin->ifaces[0];
    dlfw_create_args args = {.struct_size = sizeof args, .instance = "test", .numa_node = -1};
    dlfw_error err = {.struct_size = sizeof err};

    REQUIRE(plugin->magic == DLFW_MAGIC && iface->kind == DLFW_KIND_FORMAT, "no format plugin");
    d->ops = iface->ops;
    d->host = (dlfw_host){.struct_size = sizeof d->host,
                          .abi_major = DLFW_ABI_MAJOR,
                          .version = "test",
                          .crc32 = fake_crc32,
                          .content_fill = format_driver_content};
    set_options(d, iface, settings);
    args.host = &d->host;
    args.options = d->options;
    REQUIRE(d->ops->create(&args, &d->fmt, &err) == DLFW_OK, "create");
}

void format_driver_load(struct format_driver *d, const char *path, const struct format_setting *settings)
{
    const dlfw_plugin *plugin;

    *d = (struct format_driver){.file = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    REQUIRE(d->file, "%s", dlerror());
    plugin = dlsym(d->file, "dlfw_plugin_v1");
    REQUIRE(plugin, "%s exports no plugin", path);
    format_driver_link(d, plugin, settings);
}

void format_driver_close(struct format_driver *d)
{
    d->ops->destroy(d->fmt);
    free(d->options);
    if (d->file)
        dlclose(d->file);
    *d = (struct format_driver){0};
}

/* One reading of one object. */
struct reading {
    const struct format_driver *d;
    const struct format_read_args *args;
    struct format_read *ret;
    dlfw_error err;
    dlfw_reader *reader;
    dlfw_span have[HAVE_MAX];
    uint32_t n_have;
    dlfw_range ranges[WANT_CAP]; /* of the unit */
    uint32_t n_ranges;
    void *out;
    uint64_t payload_cap;
};

static dlfw_status done(struct reading *g, dlfw_status status, const char *stage)
{
    REQUIRE(status >= 0 || (g->ret->message[0] && !strchr(g->ret->message, '\n')), "%s fails without one line", stage);
    g->ret->status = status;
    g->ret->stage = stage;
    return status;
}

static void give(struct reading *g, uint64_t offset, uint64_t length)
{
    uint32_t i = g->n_have++;

    REQUIRE(i < HAVE_MAX, "too many ranges");
    while (i > 0 && g->have[i - 1].offset > offset) {
        g->have[i] = g->have[i - 1];
        i--;
    }
    g->have[i] = (dlfw_span){
        .data = exact_copy((const uint8_t *)g->args->data + offset, length), .offset = offset, .length = length};
}

static void drop_spans(struct reading *g)
{
    for (uint32_t i = 0; i < g->n_have; i++)
        free((void *)(uintptr_t)g->have[i].data);
    g->n_have = 0;
}

static void check_wants(const struct reading *g, const dlfw_range *want, uint32_t n)
{
    uint64_t last = 0;

    REQUIRE(n > 0 && n <= WANT_CAP, "NEED_IO with %" PRIu32 " ranges", n);
    for (uint32_t i = 0; i < n; i++) {
        REQUIRE(want[i].length && want[i].offset >= last && want[i].offset <= g->args->size &&
                    want[i].length <= g->args->size - want[i].offset,
                "range %" PRIu64 "+%" PRIu64 " of an object of %" PRIu64, want[i].offset, want[i].length,
                g->args->size);
        last = want[i].offset + want[i].length;
    }
}

/* step() until the goal is reached, reading what it wants. */
static dlfw_status reach(struct reading *g, uint64_t goal, uint32_t *rounds)
{
    dlfw_range want[WANT_CAP];

    drop_spans(g);
    if (g->args->whole)
        give(g, 0, g->args->size);
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        uint32_t n = 0;
        dlfw_status st = g->d->ops->step(g->reader, goal, g->have, g->n_have, want, WANT_CAP, &n, &g->err);

        if (st != DLFW_NEED_IO)
            return st;
        REQUIRE(!g->args->whole, "NEED_IO although the object is there");
        check_wants(g, want, n);
        ++*rounds;
        if (goal != DLFW_GOAL_METADATA && round == 0) {
            memcpy(g->ranges, want, sizeof want);
            g->n_ranges = n;
        }
        for (uint32_t i = 0; i < n; i++)
            give(g, want[i].offset, want[i].length);
    }
    fprintf(stderr, "format driver: goal %" PRIu64 " is never reached\n", goal);
    abort();
}

static void add_payload(struct reading *g, const dlfw_span *piece, const dlfw_payload *p)
{
    struct format_read *r = g->ret;
    const uint8_t *data = p->data;

    if (!p->length)
        return;
    REQUIRE(data >= (const uint8_t *)piece->data && p->length <= piece->length &&
                data + p->length <= (const uint8_t *)piece->data + piece->length,
            "payload outside its piece");
    REQUIRE(p->content_offset == r->payload_len, "payload at %" PRIu64 " after %" PRIu64 " bytes", p->content_offset,
            r->payload_len);
    if (r->payload_len + p->length > g->payload_cap) {
        g->payload_cap = (r->payload_len + p->length) * 2;
        r->payload = realloc(r->payload, g->payload_cap);
        REQUIRE(r->payload, "payload");
    }
    memcpy(r->payload + r->payload_len, data, p->length);
    r->payload_len += p->length;
}

static dlfw_status consume(struct reading *g, uint64_t unit)
{
    if (!g->d->ops->consume || g->args->no_consume)
        return DLFW_OK;
    for (uint32_t i = 0; i < g->n_have; i++) {
        const dlfw_span *span = &g->have[i];
        uint64_t step = g->args->piece ? g->args->piece : span->length;

        for (uint64_t at = 0; at < span->length; at += step) {
            uint64_t n = span->length - at < step ? span->length - at : step;
            dlfw_span piece = {
                .data = exact_copy((const uint8_t *)span->data + at, n), .offset = span->offset + at, .length = n};
            dlfw_payload payload = {0};
            dlfw_status st = g->d->ops->consume(g->reader, unit, &piece, &payload, &g->err);

            if (st >= 0)
                add_payload(g, &piece, &payload);
            free((void *)(uintptr_t)piece.data);
            if (st < 0)
                return st;
        }
    }
    return DLFW_OK;
}

static bool is_inside(const struct reading *g, const uint8_t *p, uint64_t len, uint64_t out_bytes)
{
    const uint8_t *out = g->out;

    if (out && p >= out && p <= out + out_bytes)
        return len <= (uint64_t)(out + out_bytes - p);
    for (uint32_t i = 0; i < g->n_have; i++) {
        const uint8_t *data = g->have[i].data;

        if (p >= data && p <= data + g->have[i].length)
            return len <= (uint64_t)(data + g->have[i].length - p);
    }
    return false;
}

static void add_sample(struct reading *g, const dlfw_view *v)
{
    struct format_read *r = g->ret;
    const uint8_t *first = v->data;
    uint64_t items, reach_bytes;

    REQUIRE(v->item_size && v->bytes % v->item_size == 0 && v->flags == 0,
            "view of %" PRIu64 " bytes in items of %" PRIu32, v->bytes, v->item_size);
    items = v->bytes / v->item_size;
    reach_bytes = items ? (items - 1) * v->item_stride + v->item_size : 0;
    REQUIRE(is_inside(g, first, reach_bytes, r->unit.out_bytes), "view outside the unit's bytes");
    r->samples = realloc(r->samples, r->samples_len + v->bytes + 1);
    REQUIRE(r->samples, "samples");
    for (uint64_t i = 0; i < items; i++)
        memcpy(r->samples + r->samples_len + i * v->item_size, first + i * v->item_stride, v->item_size);
    r->samples_len += v->bytes;
    r->item_size = v->item_size;
    r->sample_count++;
}

static dlfw_status decode(struct reading *g, uint64_t unit)
{
    const dlfw_unit_info *info = &g->ret->unit;
    dlfw_view *views;
    dlfw_status st;

    if (g->args->out_limit && info->out_bytes > g->args->out_limit)
        return DLFW_OK;
    REQUIRE(info->samples <= UINT32_MAX, "samples");
    views = calloc(info->samples ? info->samples : 1, sizeof *views);
    g->out = info->out_bytes ? malloc(info->out_bytes) : NULL;
    REQUIRE(views && (g->out || !info->out_bytes), "memory to decode");
    st = g->d->ops->decode(g->reader, unit, g->have, g->n_have, g->out, views, (uint32_t)info->samples, &g->err);
    for (uint64_t i = 0; st >= 0 && i < info->samples; i++)
        add_sample(g, &views[i]);
    free(g->out);
    g->out = NULL;
    free(views);
    return st;
}

static dlfw_status read_unit(struct reading *g, uint64_t unit)
{
    uint32_t rounds = 0;
    dlfw_status st;

    g->ret->unit = (dlfw_unit_info){.struct_size = sizeof g->ret->unit};
    st = g->d->ops->unit_info(g->reader, unit, &g->ret->unit, &g->err);
    if (st < 0)
        return done(g, st, "unit");
    if (g->args->only_metadata) {
        uint32_t n = 0;

        g->d->ops->step(g->reader, unit, NULL, 0, g->ranges, WANT_CAP, &n, &g->err);
        g->ret->range = g->ranges[0];
        return done(g, DLFW_OK, "unit");
    }
    st = reach(g, unit, &rounds);
    if (st < 0)
        return done(g, st, "unit");
    g->ret->range = g->ranges[0];
    st = consume(g, unit);
    if (st < 0)
        return done(g, st, "consume");
    return g->args->no_decode ? DLFW_OK : done(g, decode(g, unit), "decode");
}

void format_read(const struct format_driver *d, const struct format_read_args *args, struct format_read *ret)
{
    const dlfw_object object = {.struct_size = sizeof object,
                                .flags = args->verify ? DLFW_OBJECT_VERIFY : 0,
                                .name = "train/img_0.bin",
                                .name_len = 11, /* not NUL-terminated: "train/img_0" */
                                .samples = args->samples,
                                .size = args->size};
    struct reading *g = calloc(1, sizeof *g);
    dlfw_status st;

    REQUIRE(g, "reading");
    *ret = (struct format_read){.stage = "open"};
    g->d = d;
    g->args = args;
    g->ret = ret;
    g->err = (dlfw_error){.struct_size = sizeof g->err, .message = ret->message, .message_cap = sizeof ret->message};
    REQUIRE(posix_memalign((void **)&g->reader, 64, (d->ops->reader_size + 63u) / 64 * 64) == 0, "reader");
    memset(g->reader, 0, d->ops->reader_size);
    st = done(g, d->ops->reader_open(d->fmt, g->reader, &object, &g->err), "open");
    if (st >= 0) {
        st = done(g, reach(g, DLFW_GOAL_METADATA, &ret->metadata_rounds), "metadata");
        for (uint64_t unit = 0; st >= 0 && unit < d->ops->unit_count(g->reader); unit++)
            st = read_unit(g, unit);
        d->ops->reader_close(g->reader);
    }
    drop_spans(g);
    free(g->reader);
    free(g);
}

void format_read_free(struct format_read *r)
{
    free(r->samples);
    free(r->payload);
    *r = (struct format_read){0};
}
