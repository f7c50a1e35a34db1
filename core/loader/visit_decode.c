/* SPDX-License-Identifier: Apache-2.0 */
/* What the format does with the bytes of a visit: metadata, verification of pieces, views of samples. */
#include "loader/visit_steps.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "host/content.h"

#define UNIT_PIECES 16u
#define LOOK_NS 50000000u /* how often a long sleep looks whether it is over */

/* Without real payloads nothing is decoded, and units are of our making: some requests each, so that the first samples
 * of an object do not wait for its last ones. Shuffled samples may need all of it. */
static void opened_without_data(struct visit *v)
{
    const struct loader *l = v->thread->loader;
    uint64_t samples = l->args.files->dataset->samples_per_file;
    uint64_t part = UNIT_PIECES * l->piece_bytes / (v->object_size / samples + 1);

    v->made_samples = l->order.shuffle_samples || part > samples ? samples : part + !part;
    v->units = (samples + v->made_samples - 1) / v->made_samples;
    v->unit = v->first_wanted / v->made_samples;
    v->looked_end = v->unit * v->made_samples;
    visit_begin_unit(v);
}

static uint64_t byte_of_sample(const struct visit *v, uint64_t sample)
{
    uint64_t samples = v->thread->loader->args.files->dataset->samples_per_file;

    return (uint64_t)((unsigned __int128)v->object_size * sample / samples);
}

static dlfw_range range_without_data(const struct visit *v)
{
    uint64_t first = byte_of_sample(v, v->unit_first_sample);

    return (dlfw_range){.offset = first, .length = byte_of_sample(v, v->unit_first_sample + v->unit_samples) - first};
}

static dlfw_status ask_unit(struct visit *v, uint64_t unit, dlfw_unit_info *ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = (dlfw_unit_info){.struct_size = sizeof *ret};
    serial_enter(v->thread->loader->args.format_serial);
    st = v->thread->loader->format_ops->unit_info(v->reader, unit, ret, err);
    serial_leave(v->thread->loader->args.format_serial);
    if (st >= 0 && (ret->samples > UINT32_MAX || ret->first_sample > INT64_MAX))
        st =
            dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s' says that it holds %llu samples from %llu on in one unit",
                      (int)v->key_len, v->key, (unsigned long long)ret->samples, (unsigned long long)ret->first_sample);
    return st;
}

/* The unit that holds the first wanted sample: units are ascending and without gaps, and may be many. */
static dlfw_status find_first_unit(struct visit *v, dlfw_error *err)
{
    uint64_t low = 0, high = v->units;

    v->unit = 0;
    v->looked_end = v->first_wanted;
    while (low < high && v->first_wanted) {
        uint64_t middle = low + (high - low) / 2;
        dlfw_unit_info info;
        dlfw_status st = ask_unit(v, middle, &info, err);

        if (st < 0)
            return st;
        if (info.first_sample + info.samples <= v->first_wanted) {
            low = middle + 1;
            continue;
        }
        high = middle;
        v->looked_end = info.first_sample < v->first_wanted ? info.first_sample : v->first_wanted;
    }
    v->unit = low;
    return DLFW_OK;
}

bool visit_opened(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_status st;

    v->thread->epoch.files++;
    if (!l->format_ops && v->object_size == UINT64_MAX)
        v->object_size = v->expected_size;
    if (v->object_size == UINT64_MAX) {
        dlfw_fail(err, DLFW_E_IO, "the storage does not say how large '%.*s' is", (int)v->key_len, v->key);
        return false;
    }
    if (l->format_ops && v->expected_size != UINT64_MAX && v->object_size < v->expected_size) {
        dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s' has %llu bytes, %llu when it was listed", (int)v->key_len, v->key,
                  (unsigned long long)v->object_size, (unsigned long long)v->expected_size);
        return false;
    }
    if (!l->format_ops) {
        opened_without_data(v);
        return true;
    }
    v->object = (dlfw_object){.struct_size = sizeof v->object,
                              .flags = l->cfg->reader.verify == VERIFY_NONE ? 0 : DLFW_OBJECT_VERIFY,
                              .name = v->key,
                              .name_len = v->key_len,
                              .samples = (uint32_t)l->args.files->dataset->samples_per_file,
                              .size = v->object_size,
                              .unit_samples = l->unit,
                              .content_seed = l->cfg->content.seed,
                              .content_object = content_object(v->key, v->key_len),
                              .side_sizes = v->sizes_of_sides,
                              .side_count = l->side_count};
    if (v->verify_content)
        v->object.flags |= DLFW_OBJECT_VERIFY_CONTENT;
    memset(v->reader, 0, l->format_ops->reader_size);
    serial_enter(l->args.format_serial);
    st = l->format_ops->reader_open(l->args.format, v->reader, &v->object, err);
    serial_leave(l->args.format_serial);
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

static dlfw_status needs_nothing(const struct visit *v, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' asks for more bytes of '%.*s' but does not say which",
                     v->thread->loader->args.format_iface->iface->name, (int)v->key_len, v->key);
}

static dlfw_status needs_outside(struct visit *v, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' asks for more bytes although it was given the whole of '%.*s'",
                     v->thread->loader->args.format_iface->iface->name, (int)v->key_len, v->key);
}

/* The format's wishes lie inside the object and its side objects. */
static dlfw_status check_ranges(const struct visit *v, dlfw_error *err)
{
    for (uint32_t i = 0; i < v->range_count; i++) {
        const dlfw_range *r = &v->ranges[i];
        uint64_t side = r->offset >> DLFW_SIDE_SHIFT, offset = r->offset & (DLFW_SIDE_OFFSET(0) - 1), size = 0;

        if (side <= v->thread->loader->side_count)
            size = side ? v->sizes_of_sides[side - 1] : v->object_size;
        if (size == UINT64_MAX || offset > size || r->length > size - offset || !r->length)
            return dlfw_fail(err, DLFW_E_INTERNAL, "format '%s' asks for bytes %llu to %llu of '%.*s', which has %llu",
                             v->thread->loader->args.format_iface->iface->name, (unsigned long long)r->offset,
                             (unsigned long long)(r->offset + r->length), (int)v->key_len, v->key,
                             (unsigned long long)size);
    }
    return DLFW_OK;
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
    serial_enter(l->args.format_serial);
    st = l->format_ops->step(v->reader, DLFW_GOAL_METADATA, v->have, v->have_count, v->ranges, MAX_RANGES,
                             &v->range_count, &err.e);
    serial_leave(l->args.format_serial);
    if (st == DLFW_NEED_IO && v->whole)
        st = needs_outside(v, &err.e);
    if (st == DLFW_NEED_IO && !v->range_count)
        st = needs_nothing(v, &err.e);
    if (st == DLFW_NEED_IO && v->have_count + v->range_count > MAX_SPANS)
        st = dlfw_fail(&err.e, DLFW_E_CORRUPT, "'%.*s' has its metadata in more than %u places", (int)v->key_len,
                       v->key, MAX_SPANS);
    if (st == DLFW_NEED_IO && check_ranges(v, &err.e) < 0)
        st = DLFW_E_INTERNAL;
    if (st < 0) {
        visit_fail(v, &err.e);
        return false;
    }
    if (st == DLFW_NEED_IO) {
        v->next_range = 0;
        return true;
    }
    visit_drop_metadata(v);
    visit_has_metadata(v, true);
    serial_enter(l->args.format_serial);
    v->units = l->format_ops->unit_count(v->reader);
    serial_leave(l->args.format_serial);
    if (find_first_unit(v, &err.e) < 0) {
        visit_fail(v, &err.e);
        return false;
    }
    return visit_begin_unit(v);
}

uint64_t visit_sample(const struct visit *v, uint32_t i)
{
    const struct loader *l = v->thread->loader;

    if (!l->order.shuffle_samples && i) /* a visit stays inside a unit */
        return v->first_wanted + i;
    return l->args.files->dataset->samples_per_file == 1
               ? 0
               : sample_order_at(&l->order, l->shard_first + v->first_position + i).sample;
}

void visit_want(struct visit *v)
{
    const struct loader *l = v->thread->loader;
    uint64_t per_file = l->args.files->dataset->samples_per_file, sample = visit_sample(v, 0);
    uint64_t unit = sample / l->unit * l->unit, size = per_file - unit < l->unit ? per_file - unit : l->unit;

    v->first_wanted = v->last_wanted = sample;
    if (v->count == size) {
        v->first_wanted = unit;
        v->last_wanted = unit + size - 1;
    } else if (!l->order.shuffle_samples) {
        v->last_wanted = sample + v->count - 1;
    } else {
        for (uint32_t i = 1; i < v->count; i++) {
            sample = visit_sample(v, i);
            v->first_wanted = sample < v->first_wanted ? sample : v->first_wanted;
            v->last_wanted = sample > v->last_wanted ? sample : v->last_wanted;
        }
    }
}

/* How many samples of [first, first + count) the visit wants. */
static uint64_t wanted_in(const struct visit *v, uint64_t first, uint64_t count)
{
    uint64_t wanted = 0;

    if (!count || first > v->last_wanted || first + count <= v->first_wanted)
        return 0;
    if (v->count == v->last_wanted - v->first_wanted + 1) { /* all between the two */
        uint64_t from = first > v->first_wanted ? first : v->first_wanted;
        uint64_t to = first + count - 1 < v->last_wanted ? first + count - 1 : v->last_wanted;

        return to - from + 1;
    }
    for (uint32_t i = 0; i < v->count; i++)
        wanted += visit_sample(v, i) - first < count;
    return wanted;
}

static dlfw_status plan_unit_reading(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    dlfw_status st = DLFW_OK;

    v->range_count = 0;
    if (!l->format_ops) {
        v->ranges[0] = range_without_data(v);
        v->range_count = 1;
    } else {
        serial_enter(l->args.format_serial);
        st = l->format_ops->step(v->reader, v->unit, NULL, 0, v->ranges, MAX_RANGES, &v->range_count, err);
        serial_leave(l->args.format_serial);
        if (st < 0)
            return st;
        if (st == DLFW_NEED_IO && !v->range_count)
            return needs_nothing(v, err);
        if (st == DLFW_OK)
            v->range_count = 0;
        st = check_ranges(v, err);
        if (st < 0)
            return st;
    }
    v->next_range = 0;
    v->next_offset = UINT64_MAX;
    if (l->keep_samples)
        st = visit_take_unit(v, err);
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
    serial_enter(l->args.format_serial);
    st = l->format_ops->step(v->reader, v->unit, v->have, 1, v->ranges, MAX_RANGES, &v->range_count, err);
    serial_leave(l->args.format_serial);
    if (st == DLFW_NEED_IO)
        st = needs_outside(v, err);
    v->range_count = 0;
    if (st < 0)
        return st;
    if (l->keep_samples)
        visit_share_whole(v);
    return visit_consume(v, &v->have[0], err);
}

static dlfw_status unit_extent(struct visit *v, dlfw_error *err)
{
    uint64_t samples = v->thread->loader->args.files->dataset->samples_per_file;
    dlfw_unit_info info;
    dlfw_status st;

    if (!v->thread->loader->format_ops) {
        v->unit_first_sample = v->unit * v->made_samples;
        v->unit_samples = samples - v->unit_first_sample;
        v->unit_samples = v->unit_samples < v->made_samples ? v->unit_samples : v->made_samples;
        return DLFW_OK;
    }
    st = ask_unit(v, v->unit, &info, err);
    v->unit_first_sample = info.first_sample;
    v->unit_samples = info.samples;
    return st;
}

static dlfw_status lacks_samples(const struct visit *v, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s' does not hold sample %llu; the run file says that it holds %llu",
                     (int)v->key_len, v->key, (unsigned long long)v->looked_end,
                     (unsigned long long)v->thread->loader->args.files->dataset->samples_per_file);
}

bool visit_begin_unit(struct visit *v)
{
    struct error_slot err;
    dlfw_status st = DLFW_OK;

    error_slot_init(&err);
    for (;; v->unit++) {
        if (v->unit == v->units)
            st = lacks_samples(v, &err.e);
        else
            st = unit_extent(v, &err.e);
        if (st >= 0 && v->unit_first_sample != v->looked_end)
            st = lacks_samples(v, &err.e);
        if (st < 0)
            break;
        v->looked_end = v->unit_first_sample + v->unit_samples;
        v->unit_wanted = wanted_in(v, v->unit_first_sample, v->unit_samples);
        if (v->unit_wanted)
            break;
    }
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
    uint64_t good =
        content_check(l->cfg->content.seed, object, payload->content_offset, payload->data, payload->length);

    v->thread->epoch.bytes_verified += good;
    if (good == payload->length)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s' does not hold the generated content: first difference at payload byte %llu (was it "
                     "generated with another content.seed?)",
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
    serial_enter(l->args.format_serial);
    if (l->format_ops->consume)
        st = l->format_ops->consume(v->reader, v->unit, piece, &payload, err);
    serial_leave(l->args.format_serial);
    if (st >= 0 && v->verify_content && payload.data)
        st = check_content(v, &payload, err);
    else if (st >= 0 && v->verify_content) /* the format has compared it */
        v->thread->epoch.bytes_verified += payload.length;
    histogram_record(&v->thread->decode_ns, clock_now_ns() - start);
    return st;
}

static dlfw_status decode(struct visit *v, dlfw_error *err)
{
    struct loader *l = v->thread->loader;
    struct unit_memory *m = v->memory;
    dlfw_unit_info info;
    dlfw_status st = ask_unit(v, v->unit, &info, err);

    if (st < 0)
        return st;
    if (info.samples > m->view_cap) {
        m->views = xrealloc(m->views, info.samples * sizeof *m->views);
        m->view_cap = info.samples;
    }
    if (info.out_bytes) {
        claim_grow_decoded(l, info.out_bytes, v->units);
        m->reserved += info.out_bytes;
        st = pool_take(l->pool, info.out_bytes, false, &m->out, err);
        if (st < 0)
            return st;
    }
    if (!v->whole) {
        for (uint32_t i = 0; i < v->range_count; i++) {
            uint64_t start = visit_range_start(v, &v->ranges[i]);

            v->have[i] = (dlfw_span){.data = m->in.data + v->place[i] + (v->ranges[i].offset - start),
                                     .offset = v->ranges[i].offset,
                                     .length = v->ranges[i].length};
        }
        v->have_count = v->range_count;
    }
    serial_enter(l->args.format_serial);
    st = l->format_ops->decode(v->reader, v->unit, v->have, v->have_count, m->out.data, m->views, (uint32_t)m->view_cap,
                               err);
    serial_leave(l->args.format_serial);
    if (st < 0)
        return st;
    visit_add_loaded(v);
    return DLFW_OK;
}

/* preprocess_time is slept in the reader, once per sample, as DLIO's workers do; not to the end when the run is being
 * stopped. */
static void preprocess(struct visit *v)
{
    struct reader_thread *t = v->thread;
    const struct time_distribution *d = &t->loader->cfg->reader.preprocess_time;
    uint64_t until, now;

    if (d->kind == TIME_NONE)
        return;
    now = until = clock_now_ns();
    for (uint64_t i = 0; i < v->unit_wanted; i++)
        until += time_distribution_draw(d, &t->random);
    while (now < until && !atomic_load_explicit(&t->loader->stop, memory_order_relaxed)) {
        uint64_t wake = until - now < LOOK_NS ? until : now + LOOK_NS;
        struct timespec ts = {.tv_sec = (time_t)(wake / NS_PER_S), .tv_nsec = (long)(wake % NS_PER_S)};

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        now = clock_now_ns();
    }
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
    preprocess(v);
    v->loaded_end = v->unit_first_sample + v->unit_samples;
    v->state = VISIT_DELIVERING;
    return true;
}
