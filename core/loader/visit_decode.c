/* SPDX-License-Identifier: Apache-2.0 */
/* What the format does with the bytes of a visit: metadata, verification of pieces, views of samples. */
#include "loader/visit_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "host/content.h"

/* Without real payloads the object is one unit that holds all its samples. */
static bool opened_without_data(struct visit *v)
{
    v->units = 1;
    if (v->object_size == UINT64_MAX)
        v->object_size = v->expected_size;
    return visit_begin_unit(v);
}

bool visit_opened(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_status st;

    v->thread->epoch.files++;
    if (!l->format_ops)
        return opened_without_data(v);
    if (v->object_size == UINT64_MAX) {
        dlfw_fail(err, DLFW_E_IO, "the storage does not say how large '%.*s' is", (int)v->key_len, v->key);
        return false;
    }
    v->object = (dlfw_object){.struct_size = sizeof v->object,
                              .flags = l->cfg->reader.verify == VERIFY_NONE ? 0 : DLFW_OBJECT_VERIFY,
                              .name = v->key,
                              .name_len = v->key_len,
                              .samples = (uint32_t)l->args.files->dataset->samples_per_file,
                              .size = v->object_size};
    memset(v->reader, 0, l->format_ops->reader_size);
    st = l->format_ops->reader_open(l->args.format, v->reader, &v->object, err);
    if (st < 0)
        return false;
    v->reader_open = true;
    v->state = VISIT_METADATA;
    v->range_count = 0;
    v->next_range = 0;
    if (!v->whole)
        v->have_count = 0;
    return true;
}

static dlfw_status needs_outside(struct visit *v, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' asks for more bytes although it was given the whole of '%.*s'",
                     v->thread->loader->args.format_iface->iface->name, (int)v->key_len, v->key);
}

bool visit_metadata(struct visit *v)
{
    struct loader *l = v->thread->loader;
    struct error_slot err;
    dlfw_status st;

    if (v->next_range < v->range_count)
        return visit_submit_metadata(v);
    if (v->pieces_out)
        return false;
    error_slot_init(&err);
    st = l->format_ops->step(v->reader, DLFW_GOAL_METADATA, v->have, v->have_count, v->ranges, MAX_RANGES, &v->range_count, &err.e);
    if (st == DLFW_NEED_IO && v->whole)
        st = needs_outside(v, &err.e);
    if (st == DLFW_NEED_IO && v->have_count + v->range_count > MAX_SPANS)
        st = dlfw_fail(&err.e, DLFW_E_CORRUPT, "'%.*s' has its metadata in more than %u places", (int)v->key_len, v->key, MAX_SPANS);
    if (st < 0) {
        visit_fail(v, &err.e);
        return false;
    }
    if (st == DLFW_NEED_IO) {
        v->next_range = 0;
        return true;
    }
    visit_drop_metadata(v);
    v->units = l->format_ops->unit_count(v->reader);
    v->unit = 0;
    if (visit_begin_unit(v))
        return true;
    if (!atomic_load(&l->stop)) {
        dlfw_fail(&err.e, DLFW_E_CORRUPT, "'%.*s' does not hold the sample that the run file says it holds", (int)v->key_len, v->key);
        visit_fail(v, &err.e);
    }
    return false;
}

/* Does the visit want any sample of [first, first + count)? */
static bool wants(const struct visit *v, uint64_t first, uint64_t count)
{
    const struct loader *l = v->thread->loader;
    uint64_t per_file = l->args.files->dataset->samples_per_file;

    if (v->count == per_file)
        return first < per_file && count > 0;
    for (uint32_t i = 0; i < v->count; i++) {
        uint64_t sample = sample_order_at(&l->order, l->shard_first + v->first_position + i).sample;

        if (sample >= first && sample - first < count)
            return true;
    }
    return false;
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + PHASE - 1) & ~(uint64_t)(PHASE - 1);
}

/* Memory for the unit's ranges; each begins at its own phase of the object. */
static dlfw_status take_unit_memory(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    uint64_t total = 0;

    for (uint32_t i = 0; i < v->range_count; i++) {
        uint64_t start = v->ranges[i].offset / l->limits.read_offset_align * l->limits.read_offset_align;

        v->place[i] = total + (start & (PHASE - 1));
        total = padded(v->place[i] + (v->ranges[i].offset + v->ranges[i].length - start) + l->limits.read_length_align);
    }
    if (!v->memory)
        v->memory = claim_take_record(l); /* a later unit of the file: the first one's reservation covered the file */
    return pool_take(l->pool, total, false, &v->memory->in, err);
}

static dlfw_status plan_unit_reading(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_status st = DLFW_OK;

    v->range_count = 0;
    if (!l->format_ops) {
        v->ranges[0] = (dlfw_range){.offset = 0, .length = v->object_size};
        v->range_count = 1;
    } else {
        st = l->format_ops->step(v->reader, v->unit, NULL, 0, v->ranges, MAX_RANGES, &v->range_count, err);
        if (st < 0)
            return st;
        if (st == DLFW_OK)
            v->range_count = 0;
    }
    v->next_range = 0;
    v->next_offset = UINT64_MAX;
    if (l->keep_samples)
        st = take_unit_memory(v, err);
    return st;
}

static dlfw_status check_whole_unit(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_status st;

    v->range_count = 0;
    v->next_range = 0;
    if (!l->format_ops)
        return DLFW_OK;
    st = l->format_ops->step(v->reader, v->unit, v->have, 1, v->ranges, MAX_RANGES, &v->range_count, err);
    if (st == DLFW_NEED_IO)
        st = needs_outside(v, err);
    v->range_count = 0;
    if (st < 0)
        return st;
    return visit_consume(v, &v->have[0], err);
}

static dlfw_status unit_extent(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_unit_info info = {.struct_size = sizeof info};
    dlfw_status st;

    v->unit_first_sample = 0;
    v->unit_samples = l->args.files->dataset->samples_per_file;
    if (!l->format_ops)
        return DLFW_OK;
    st = l->format_ops->unit_info(v->reader, v->unit, &info, err);
    v->unit_first_sample = info.first_sample;
    v->unit_samples = info.samples;
    return st;
}

bool visit_begin_unit(struct visit *v)
{
    struct error_slot err;
    dlfw_status st = DLFW_OK;

    error_slot_init(&err);
    for (; v->unit < v->units; v->unit++) {
        st = unit_extent(v, &err.e);
        if (st < 0 || wants(v, v->unit_first_sample, v->unit_samples))
            break;
    }
    if (st >= 0 && v->unit == v->units)
        return false;
    if (st >= 0)
        st = v->whole ? check_whole_unit(v, &err.e) : plan_unit_reading(v, &err.e);
    if (st < 0) {
        visit_fail(v, &err.e);
        return false;
    }
    v->state = VISIT_READING;
    return true;
}

static dlfw_status check_content(struct visit *v, const dlfw_payload *payload, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    uint64_t object = content_object(v->key, v->key_len);
    uint64_t good = content_check(l->cfg->content.seed, object, payload->content_offset, payload->data, payload->length);

    v->thread->epoch.bytes_verified += good;
    if (good == payload->length)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s' does not hold the generated content: first difference at payload byte %llu (was it generated with another content.seed?)",
                     (int)v->key_len, v->key, (unsigned long long)(payload->content_offset + good));
}

dlfw_status visit_consume(struct visit *v, const dlfw_span *piece, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_payload payload = {0};
    uint64_t start;
    dlfw_status st = DLFW_OK;

    if (!l->format_ops)
        return DLFW_OK;
    start = clock_now_ns();
    if (l->format_ops->consume)
        st = l->format_ops->consume(v->reader, v->unit, piece, &payload, err);
    if (st >= 0 && v->verify_content && payload.length)
        st = check_content(v, &payload, err);
    histogram_record(&v->thread->decode_ns, clock_now_ns() - start);
    return st;
}

static dlfw_status decode(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_unit_info info = {.struct_size = sizeof info};
    dlfw_status st = l->format_ops->unit_info(v->reader, v->unit, &info, err);

    if (st < 0)
        return st;
    if (info.samples > v->view_cap) {
        v->views = xrealloc(v->views, info.samples * sizeof *v->views);
        v->view_cap = (uint32_t)info.samples;
    }
    if (info.out_bytes) {
        claim_grow(l, v->memory, info.out_bytes);
        st = pool_take(l->pool, info.out_bytes, false, &v->memory->out, err);
        if (st < 0)
            return st;
    }
    if (!v->whole) {
        for (uint32_t i = 0; i < v->range_count; i++) {
            uint64_t start = v->ranges[i].offset / l->limits.read_offset_align * l->limits.read_offset_align;

            v->have[i] = (dlfw_span){.data = v->memory->in.data + v->place[i] + (v->ranges[i].offset - start),
                                     .offset = v->ranges[i].offset,
                                     .length = v->ranges[i].length};
        }
        v->have_count = v->range_count;
    }
    return l->format_ops->decode(v->reader, v->unit, v->have, v->have_count, v->memory->out.data, v->views, v->view_cap, err);
}

/* preprocess_time is slept in the reader, once per sample, as DLIO's workers do. */
static void preprocess(struct visit *v)
{
    struct reader_thread *t = v->thread;
    const struct time_distribution *d = &t->loader->cfg->reader.preprocess_time;
    uint64_t total = 0;
    struct timespec ts;

    if (d->kind == TIME_NONE)
        return;
    for (uint32_t i = 0; i < v->count; i++)
        total += time_distribution_draw(d, &t->random);
    ts = (struct timespec){.tv_sec = (time_t)(total / NS_PER_S), .tv_nsec = (long)(total % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
        ;
}

bool visit_unit_done(struct visit *v)
{
    struct loader *l = v->thread->loader;
    struct error_slot err;
    uint64_t start;
    dlfw_status st = DLFW_OK;

    error_slot_init(&err);
    if (l->keep_samples) {
        start = clock_now_ns();
        st = decode(v, &err.e);
        histogram_record(&v->thread->decode_ns, clock_now_ns() - start);
    }
    if (st < 0) {
        visit_fail(v, &err.e);
        return false;
    }
    v->thread->epoch.bytes_sample += v->bytes_moved;
    preprocess(v);
    v->state = VISIT_DELIVERING;
    v->next_delivery = 0;
    return true;
}
