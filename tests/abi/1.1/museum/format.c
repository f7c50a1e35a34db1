/* SPDX-License-Identifier: Apache-2.0 */
/* Museum piece of ABI 1.1: a format with a side object, units known beforehand and a description. Built against the frozen headers beside it; never changed, whatever comes. */
#include <stdlib.h>
#include <string.h>

#include "dlfw/format.h"

struct header {
    char magic[8];
    uint64_t samples;
    uint64_t sample_bytes;
    uint32_t item_size;
    uint32_t crc;
};
static const char magic[8] = "MUSEUM1";

struct dlfw_format {
    const dlfw_host *host;
};

/* One open object. The host gives the memory (reader_size), zeroed; nothing is allocated per object. */
struct dlfw_reader {
    const dlfw_format *format;
    const dlfw_object *object;
    struct header header; /* known after METADATA */
    uint32_t crc;         /* of the samples consumed so far */
    uint32_t side_crc;    /* the side object says, where there is one */
    uint32_t has_side;
};

static dlfw_status my_create(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *reterr)
{
    struct dlfw_format *format = calloc(1, sizeof *format);

    if (!format)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    format->host = args->host;
    *ret = format;
    return DLFW_OK;
}

static void my_destroy(dlfw_format *format)
{
    free(format);
}

static dlfw_status corrupt(const dlfw_reader *reader, const char *what, dlfw_error *reterr)
{
    return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%.*s' (%llu bytes): %s", (int)reader->object->name_len, reader->object->name,
                     (unsigned long long)reader->object->size, what);
}

static dlfw_status reader_open(dlfw_format *format, dlfw_reader *reader, const dlfw_object *object, dlfw_error *reterr)
{
    (void)reterr;
    reader->format = format, reader->object = object;
    reader->has_side = DLFW_HAS(object, side_count) && object->side_count == 1 && object->side_sizes[0] == sizeof reader->side_crc;
    return DLFW_OK;
}

static void reader_close(dlfw_reader *reader)
{
    (void)reader;
}

/* Nothing of a file is believed before it is checked, and no product is formed that may overflow. */
static dlfw_status read_header(dlfw_reader *reader, const void *data, dlfw_error *reterr)
{
    struct header *h = &reader->header;
    uint64_t payload = reader->object->size - sizeof *h;

    memcpy(h, data, sizeof *h);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return corrupt(reader, "does not begin with 'MUSEUM1'", reterr);
    if (h->samples == 0 || h->sample_bytes == 0 || h->item_size == 0 || h->sample_bytes % h->item_size)
        return corrupt(reader, "the header at offset 0 makes no sense", reterr);
    if (payload / h->samples != h->sample_bytes || payload % h->samples)
        return corrupt(reader, "is not as long as its header says", reterr);
    return DLFW_OK;
}

/* Which bytes are needed for the metadata (the header) or for the only unit (all samples)? */
static dlfw_status step(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *reterr)
{
    (void)want_cap; /* at least 64, and one is enough here */
    if (reader->object->size < sizeof(struct header))
        return corrupt(reader, "is shorter than its header", reterr);
    if (n_have == 0) {
        want[0] = goal == DLFW_GOAL_METADATA ? (dlfw_range){0, sizeof(struct header)}
                                             : (dlfw_range){sizeof(struct header), reader->object->size - sizeof(struct header)};
        *n_want = 1;
        if (goal == DLFW_GOAL_METADATA && reader->has_side)
            want[(*n_want)++] = (dlfw_range){DLFW_SIDE_OFFSET(0), sizeof reader->side_crc};
        return DLFW_NEED_IO;
    }
    if (goal == DLFW_GOAL_METADATA && reader->has_side && have[n_have - 1].offset != DLFW_SIDE_OFFSET(0)) {
        want[0] = (dlfw_range){DLFW_SIDE_OFFSET(0), sizeof reader->side_crc}; /* the whole object was in hand already */
        *n_want = 1;
        return DLFW_NEED_IO;
    }
    if (goal == DLFW_GOAL_METADATA && reader->has_side)
        memcpy(&reader->side_crc, have[n_have - 1].data, sizeof reader->side_crc);
    return goal == DLFW_GOAL_METADATA ? read_header(reader, have[0].data, reterr) : DLFW_OK;
}

static uint64_t unit_count(dlfw_reader *reader)
{
    return reader->header.samples > 0; /* one: the object is decoded as a whole */
}

static dlfw_status unit_info(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *reterr)
{
    (void)unit, (void)reterr;
    ret->samples = reader->header.samples;
    ret->stored_bytes = reader->object->size;
    return DLFW_OK; /* out_bytes stays 0: the views point into the bytes that were read */
}

/* Every piece passes here once, still hot in the cache: the place for checksums. */
static dlfw_status consume(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *reterr)
{
    uint64_t skip = piece->offset < sizeof(struct header) ? sizeof(struct header) - piece->offset : 0;

    (void)unit;
    if (skip >= piece->length || piece->offset >= DLFW_SIDE_OFFSET(0))
        return DLFW_OK; /* only header bytes: the host holds the whole object and hands all of it over */
    ret->data = (const char *)piece->data + skip;
    ret->length = piece->length - skip;
    ret->content_offset = piece->offset + skip - sizeof(struct header);
    if (!(reader->object->flags & DLFW_OBJECT_VERIFY))
        return DLFW_OK;
    reader->crc = reader->format->host->crc32(reader->crc, ret->data, ret->length);
    if (piece->offset + piece->length == reader->object->size && reader->crc != reader->header.crc)
        return corrupt(reader, "the checksum of the samples is wrong", reterr);
    if (reader->has_side && piece->offset + piece->length == reader->object->size && reader->crc != reader->side_crc)
        return corrupt(reader, "its side object has another checksum", reterr);
    return DLFW_OK;
}

static dlfw_status decode(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out, dlfw_view *views,
                          uint32_t view_cap, dlfw_error *reterr)
{
    const struct header *h = &reader->header;
    const char *samples = (const char *)have[0].data + (sizeof *h - (have[0].offset < sizeof *h ? have[0].offset : sizeof *h));

    (void)unit, (void)n_have, (void)out;
    if (view_cap < h->samples)
        return dlfw_fail(reterr, DLFW_E_INVALID, "room for %u of %llu views", view_cap, (unsigned long long)h->samples);
    for (uint64_t i = 0; i < h->samples; i++)
        views[i] = (dlfw_view){samples + i * h->sample_bytes, h->sample_bytes, h->item_size, h->item_size, 0};
    return DLFW_OK;
}

#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = bytes,
static const uint8_t dtype_bytes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};

static dlfw_status file_size(dlfw_format *format, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *reterr)
{
    uint64_t bytes = spec->dtype < sizeof dtype_bytes ? dtype_bytes[spec->dtype] : 0;

    (void)format;
    for (uint32_t i = 0; i < spec->ndim; i++)
        if (__builtin_mul_overflow(bytes, spec->dims[i], &bytes))
            bytes = 0;
    if (bytes == 0 || __builtin_mul_overflow(bytes, spec->samples, &bytes) || bytes > UINT64_MAX / 2)
        return dlfw_fail(reterr, DLFW_E_UNSUPPORTED, "an object of that type and shape cannot be written");
    *ret = sizeof(struct header) + bytes;
    return DLFW_OK;
}

static dlfw_status encode(dlfw_format *format, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *reterr)
{
    struct header h = {.samples = spec->samples};
    uint64_t size = 0, done = 0, room = 0;
    dlfw_status st = file_size(format, spec, &size, reterr);
    void *window = NULL;

    if (st < 0)
        return st;
    memcpy(h.magic, magic, sizeof magic);
    h.item_size = dtype_bytes[spec->dtype];
    h.sample_bytes = (size - sizeof h) / spec->samples;
    st = sink->write(sink->ctx, &h, sizeof h, reterr);
    for (; st >= 0 && done < size - sizeof h; done += room) { /* generated in place, so nothing is copied */
        if ((st = sink->window(sink->ctx, &window, &room, reterr)) < 0)
            break;
        room = room < size - sizeof h - done ? room : size - sizeof h - done;
        format->host->content_fill(spec->seed, spec->object, done, window, room);
        h.crc = format->host->crc32(h.crc, window, room);
        st = sink->advance(sink->ctx, room, reterr);
    }
    if (st >= 0)
        st = sink->patch(sink->ctx, offsetof(struct header, crc), &h.crc, sizeof h.crc, reterr);
    if (st >= 0 && DLFW_HAS(sink, side_count) && sink->sides && sink->side_count == 1)
        st = sink->sides[0]->write(sink->sides[0]->ctx, &h.crc, sizeof h.crc, reterr);
    return st;
}

static uint32_t sides(dlfw_format *format, const dlfw_side *const **ret)
{
    static const dlfw_side side = {.struct_size = sizeof side, .flags = DLFW_SIDE_READ, .suffix = ".crc", .summary = "checksum of the samples"};
    static const dlfw_side *const all[] = {&side};

    (void)format;
    *ret = all;
    return 1;
}

static uint64_t unit_samples(dlfw_format *format, const dlfw_encode_spec *spec, uint32_t shuffled)
{
    (void)format, (void)shuffled;
    return spec->samples; /* the whole object */
}

static dlfw_status describe(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *reterr)
{
    (void)reterr;
    out->begin(out->ctx, "array", "samples");
    out->number(out->ctx, "samples", reader->header.samples);
    out->number(out->ctx, "sample bytes", reader->header.sample_bytes);
    out->end(out->ctx);
    return DLFW_OK;
}

static dlfw_status write_side(dlfw_reader *reader, uint32_t side, const dlfw_sink *sink, dlfw_error *reterr)
{
    (void)side;
    return sink->write(sink->ctx, &reader->header.crc, sizeof reader->header.crc, reterr);
}

static const dlfw_format_ops ops = {.struct_size = sizeof ops, .thread_class = DLFW_THREADS_PER_QUEUE, .extension = "raw",
                                    .reader_size = sizeof(struct dlfw_reader), .create = my_create, .destroy = my_destroy,
                                    .reader_open = reader_open, .reader_close = reader_close, .step = step,
                                    .unit_count = unit_count, .unit_info = unit_info, .consume = consume, .decode = decode,
                                    .file_size = file_size, .encode = encode, .sides = sides, .unit_samples = unit_samples,
                                    .describe = describe, .write_side = write_side};

static const dlfw_iface iface = {.struct_size = sizeof iface, .kind = DLFW_KIND_FORMAT, .name = "museum-format-1_1",
                                 .summary = "samples behind a small header", .ops = &ops};
static const dlfw_iface *const ifaces[] = {&iface, NULL};
DLFW_PLUGIN("1.0.0", "format=museum-format-1_1\n", .id = "org.example.dlfw-museum-format-1_1", .license = "Apache-2.0",
            .summary = "ABI 1.1 museum: a data format", .url = "https://example.org", .ifaces = ifaces);
