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

static uint64_t content_check(uint64_t seed, uint64_t object, uint64_t offset, const void *data, uint64_t len)
{
    const uint8_t *p = data;

    for (uint64_t i = 0; i < len; i++)
        if (p[i] != (uint8_t)(content_word(seed, object, (offset + i) / 8) >> (offset + i) % 8 * 8))
            return i;
    return len;
}

/* Bit by bit: the tests' own, not the code under test. */
static uint32_t fake_crc32c(uint32_t crc, const void *data, uint64_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (uint64_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void *exact_copy(const void *data, uint64_t len)
{
    void *copy = malloc(len ? len : 1);

    REQUIRE(copy, "%" PRIu64 " bytes", len);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

static uint64_t number_of(const char *value)
{
    static const char units[] = "KMG";
    char *end;
    uint64_t number = strtoull(value, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;

    REQUIRE(!*end || (unit && strcmp(end + 1, "iB") == 0), "option value %s", value);
    return unit ? number << (10 * (unit - units + 1)) : number;
}

static void set_list(struct format_driver *d, void *field, const char *value)
{
    dlfw_str_list list = {0};
    const char **items = calloc(strlen(value) + 1, sizeof *items);
    char *text = strdup(value), *rest = text;

    REQUIRE(items && text && d->list_count + 2 <= sizeof d->lists / sizeof d->lists[0], "list %s", value);
    while (*value && rest)
        items[list.count++] = strsep(&rest, ",");
    d->lists[d->list_count++] = text;
    d->lists[d->list_count++] = (char *)items;
    list.items = items;
    memcpy(field, &list, sizeof list);
}

static void set_option(struct format_driver *d, const dlfw_option *row, const char *value)
{
    void *field = (char *)d->options + row->offset;
    uint32_t choice = 0;
    uint64_t number;
    uint8_t flag;
    double real;

    if (!value || row->offset == DLFW_OPT_UNBOUND)
        return;
    switch (row->type) {
    case DLFW_TYPE_STR:
    case DLFW_TYPE_PATH:
    case DLFW_TYPE_KEY:
        memcpy(field, &value, sizeof value);
        break;
    case DLFW_TYPE_ENUM:
        while (row->choices[choice] && strcmp(row->choices[choice], value) != 0)
            choice++;
        REQUIRE(row->choices[choice], "option %s: %s", row->name, value);
        memcpy(field, &choice, sizeof choice);
        break;
    case DLFW_TYPE_BOOL:
        flag = strcmp(value, "true") == 0;
        memcpy(field, &flag, sizeof flag);
        break;
    case DLFW_TYPE_F64:
        real = strtod(value, NULL);
        memcpy(field, &real, sizeof real);
        break;
    case DLFW_TYPE_I64:
    case DLFW_TYPE_U64:
    case DLFW_TYPE_SIZE:
        number = number_of(value);
        memcpy(field, &number, sizeof number);
        break;
    case DLFW_TYPE_LIST_STR:
        set_list(d, field, value);
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
        set_option(d, row, value);
    }
}

static void start(struct format_driver *d, const dlfw_iface *iface, const struct format_setting *settings)
{
    dlfw_create_args args = {.struct_size = sizeof args, .instance = "test", .numa_node = -1};
    char text[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    REQUIRE(iface && iface->kind == DLFW_KIND_FORMAT, "no format");
    d->ops = iface->ops;
    d->host = (dlfw_host){.struct_size = sizeof d->host,
                          .abi_major = DLFW_ABI_MAJOR,
                          .abi_minor = DLFW_ABI_MINOR,
                          .version = "test",
                          .crc32 = fake_crc32,
                          .crc32c = fake_crc32c,
                          .content_fill = format_driver_content,
                          .content_check = content_check};
    set_options(d, iface, settings);
    args.host = &d->host;
    args.options = d->options;
    REQUIRE(d->ops->create(&args, &d->fmt, &err) == DLFW_OK, "create: %s", text);
}

void format_driver_link(struct format_driver *d, const dlfw_plugin *plugin, const struct format_setting *settings)
{
    *d = (struct format_driver){.named_by_content = true};
    REQUIRE(plugin->magic == DLFW_MAGIC, "no plugin");
    start(d, plugin->ifaces[0], settings);
}

void format_driver_load_iface(struct format_driver *d, const char *path, const char *name,
                              const struct format_setting *settings)
{
    const dlfw_plugin *plugin;
    const dlfw_iface *const *iface;

    *d = (struct format_driver){.file = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    REQUIRE(d->file, "%s", dlerror());
    plugin = dlsym(d->file, "dlfw_plugin_v1");
    REQUIRE(plugin && plugin->magic == DLFW_MAGIC, "%s exports no plugin", path);
    for (iface = plugin->ifaces; name && *iface && strcmp((*iface)->name, name) != 0; iface++)
        continue;
    start(d, *iface, settings);
}

void format_driver_load(struct format_driver *d, const char *path, const struct format_setting *settings)
{
    format_driver_load_iface(d, path, NULL, settings);
}

void format_driver_close(struct format_driver *d)
{
    d->ops->destroy(d->fmt);
    free(d->options);
    for (uint32_t i = 0; i < d->list_count; i++)
        free(d->lists[i]);
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
    uint64_t payload_cap, samples_cap;
    uint64_t side_sizes[DLFW_MAX_SIDES];
    char name[256];
};

static dlfw_status done(struct reading *g, dlfw_status status, const char *stage)
{
    REQUIRE(status >= 0 || (g->ret->message[0] && !strchr(g->ret->message, '\n')), "%s fails without one line", stage);
    g->ret->status = status;
    g->ret->stage = stage;
    return status;
}

/* The bytes that an offset of this ABI lies in: the object, or the side object of its top byte. */
static struct format_side part_of(const struct reading *g, uint64_t offset)
{
    uint64_t number = offset >> DLFW_SIDE_SHIFT;

    if (number == 0)
        return (struct format_side){.data = g->args->data, .size = g->args->size};
    REQUIRE(number <= g->args->side_count && g->args->sides[number - 1].size != FORMAT_SIDE_ABSENT,
            "bytes of side object %" PRIu64 ", which is not there", number - 1);
    return g->args->sides[number - 1];
}

static void give(struct reading *g, uint64_t offset, uint64_t length)
{
    const uint64_t inside = offset & (DLFW_SIDE_OFFSET(0) - 1);
    uint32_t i = g->n_have++;

    REQUIRE(i < HAVE_MAX, "too many ranges");
    while (i > 0 && g->have[i - 1].offset > offset) {
        g->have[i] = g->have[i - 1];
        i--;
    }
    g->have[i] = (dlfw_span){.data = exact_copy((const uint8_t *)part_of(g, offset).data + inside, length),
                             .offset = offset,
                             .length = length};
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
        const uint64_t offset = want[i].offset & (DLFW_SIDE_OFFSET(0) - 1), size = part_of(g, want[i].offset).size;

        REQUIRE(want[i].length && want[i].offset >= last && offset <= size && want[i].length <= size - offset,
                "range %" PRIu64 "+%" PRIu64 " of %" PRIu64 " bytes", offset, want[i].length, size);
        REQUIRE(!g->args->whole || want[i].offset >= DLFW_SIDE_OFFSET(0), "NEED_IO although the object is there");
        REQUIRE(!g->args->whole_sides, "NEED_IO although the object and its sides are there");
        last = want[i].offset + want[i].length;
    }
}

static void give_whole(struct reading *g)
{
    if (!g->args->whole)
        return;
    give(g, 0, g->args->size);
    for (uint32_t i = 0; g->args->whole_sides && i < g->args->side_count; i++)
        if (g->args->sides[i].size != FORMAT_SIDE_ABSENT)
            give(g, DLFW_SIDE_OFFSET(i), g->args->sides[i].size);
}

/* step() until the goal is reached, reading what it wants. */
static dlfw_status reach(struct reading *g, uint64_t goal, uint32_t *rounds)
{
    dlfw_range want[WANT_CAP];

    drop_spans(g);
    give_whole(g);
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        uint32_t n = 0;
        dlfw_status st = g->d->ops->step(g->reader, goal, g->have, g->n_have, want, WANT_CAP, &n, &g->err);

        if (st != DLFW_NEED_IO)
            return st;
        check_wants(g, want, n);
        ++*rounds;
        if (goal != DLFW_GOAL_METADATA) {
            REQUIRE(round == 0, "a unit's ranges in more than one go");
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
    if (!data) {
        REQUIRE(g->args->verify_content, "content was compared although nobody asked for it");
        r->compared += p->length;
        return;
    }
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
    if (!r->samples || r->samples_len + v->bytes > g->samples_cap) {
        g->samples_cap = (r->samples_len + v->bytes) * 2 + 1;
        r->samples = realloc(r->samples, g->samples_cap);
    }
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

static void keep_ranges(struct reading *g, uint32_t n)
{
    memcpy(g->ret->ranges, g->ranges, sizeof g->ranges);
    g->ret->range = g->ranges[0];
    g->ret->range_count = n;
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
        keep_ranges(g, n);
        return done(g, DLFW_OK, "unit");
    }
    g->n_ranges = 0;
    st = reach(g, unit, &rounds);
    if (st < 0)
        return done(g, st, "unit");
    keep_ranges(g, g->n_ranges);
    st = consume(g, unit);
    if (st < 0)
        return done(g, st, "consume");
    return g->args->no_decode ? DLFW_OK : done(g, decode(g, unit), "decode");
}

/* What is asked for when all units were consumed. */
static dlfw_status ask_at_end(struct reading *g)
{
    const dlfw_format_ops *ops = g->d->ops;
    dlfw_status st = DLFW_OK;

    if (g->args->describe) {
        REQUIRE(DLFW_HAS(ops, describe) && ops->describe, "describe() is missing");
        st = done(g, ops->describe(g->reader, g->args->describe, &g->err), "describe");
    }
    if (st >= 0 && g->args->write_side) {
        REQUIRE(DLFW_HAS(ops, write_side) && ops->write_side, "write_side() is missing");
        st = done(g, ops->write_side(g->reader, g->args->written_side, &g->args->write_side->sink, &g->err),
                  "write_side");
    }
    return st;
}

static uint64_t sum_of(uint64_t sum, const void *data, uint64_t len)
{
    const uint8_t *p = data;

    for (uint64_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * 0x100000001b3u;
    return sum;
}

/* The length of the name, behind which no NUL follows: a name that is read too far is seen. */
static uint32_t name_object(struct reading *g)
{
    const struct format_read_args *args = g->args;
    const char *name = args->name ? args->name : "train/img_0";
    uint64_t sum = 0xcbf29ce484222325u;
    int len = snprintf(g->name, sizeof g->name, "%s.bin", name);

    if (g->d->named_by_content) {
        sum = sum_of(sum, args->data, args->size);
        for (uint32_t i = 0; i < args->side_count; i++)
            if (args->sides[i].size != FORMAT_SIDE_ABSENT)
                sum = sum_of(sum + i + 1, args->sides[i].data, args->sides[i].size);
        len = snprintf(g->name, sizeof g->name, "train/%016" PRIx64 ".bin", sum);
    }
    REQUIRE(len > 4 && (size_t)len < sizeof g->name, "name");
    return (uint32_t)len - 4;
}

static dlfw_object make_object(struct reading *g)
{
    const struct format_read_args *args = g->args;
    const dlfw_format_ops *ops = g->d->ops;
    const dlfw_side *const *rows;
    dlfw_object object = {.struct_size = sizeof object,
                          .flags = (args->verify ? DLFW_OBJECT_VERIFY : 0u) |
                                   (args->verify_content ? DLFW_OBJECT_VERIFY_CONTENT : 0u) |
                                   (args->explore ? DLFW_OBJECT_EXPLORE : 0u),
                          .name = g->name,
                          .name_len = name_object(g),
                          .samples = args->samples,
                          .size = args->size,
                          .unit_samples = args->unit_samples,
                          .content_seed = args->content_seed,
                          .content_object = args->content_object,
                          .side_sizes = g->side_sizes};

    if (args->old_object) {
        memset((char *)&object + offsetof(dlfw_object, unit_samples), 0xa5,
               sizeof object - offsetof(dlfw_object, unit_samples));
        object.struct_size = offsetof(dlfw_object, unit_samples);
        return object;
    }
    object.side_count = DLFW_HAS(ops, sides) && ops->sides ? ops->sides(g->d->fmt, &rows) : 0;
    REQUIRE(args->side_count <= object.side_count && object.side_count <= DLFW_MAX_SIDES, "%" PRIu32 " sides",
            object.side_count);
    for (uint32_t i = 0; i < object.side_count; i++)
        g->side_sizes[i] = i < args->side_count ? args->sides[i].size : FORMAT_SIDE_ABSENT;
    return object;
}

void format_read(const struct format_driver *d, const struct format_read_args *args, struct format_read *ret)
{
    struct reading *g = calloc(1, sizeof *g);
    dlfw_object object;
    dlfw_status st;

    REQUIRE(g, "reading");
    *ret = (struct format_read){.stage = "open"};
    g->d = d;
    g->args = args;
    g->ret = ret;
    g->err = (dlfw_error){.struct_size = sizeof g->err, .message = ret->message, .message_cap = sizeof ret->message};
    object = make_object(g);
    REQUIRE(posix_memalign((void **)&g->reader, 64, (d->ops->reader_size + 63u) / 64 * 64) == 0, "reader");
    memset(g->reader, 0, d->ops->reader_size);
    st = done(g, d->ops->reader_open(d->fmt, g->reader, &object, &g->err), "open");
    if (st >= 0) {
        st = done(g, reach(g, DLFW_GOAL_METADATA, &ret->metadata_rounds), "metadata");
        ret->unit_count = st >= 0 ? d->ops->unit_count(g->reader) : 0;
        for (uint64_t unit = 0; st >= 0 && unit < ret->unit_count; unit++)
            st = read_unit(g, unit);
        if (st >= 0)
            ask_at_end(g);
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
