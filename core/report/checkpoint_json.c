/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw.checkpoints of summary.json: each save and load with real bytes, what the training waited for it, and the
 * extremes that a mean hides. Invariant: what never ended has no figures.
 */
#include "base/clock.h"
#include "report/json_put.h"
#include "report/result_parts.h"

#define GIB 1073741824.0

static double seconds_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static double overlap_percent(uint64_t stall_ns, uint64_t duration_ns)
{
    return 100.0 * (double)(duration_ns - stall_ns) / (double)duration_ns;
}

static json_t *one_json(uint32_t epoch, const struct checkpoint_record *c)
{
    json_t *o = json_object();

    put_u64(o, "epoch", epoch);
    put_u64(o, "number", c->number);
    put_u64(o, "step", c->step);
    if (*c->name)
        put_text(o, "name", c->name);
    put_flag(o, "finished", c->duration_ns != 0);
    if (!c->duration_ns)
        return o;
    put_real(o, "seconds", seconds_of(c->duration_ns));
    put_u64(o, "bytes", c->bytes);
    put_u64(o, "rank_bytes", c->rank_bytes);
    put_u64(o, "stored_bytes", c->stored_bytes);
    put_real(o, "GiB_per_s", (double)c->bytes / GIB / seconds_of(c->duration_ns));
    put_real(o, "model_seconds", seconds_of(c->model_ns));
    put_real(o, "optimizer_seconds", seconds_of(c->optimizer_ns));
    if (c->slowest_ns) {
        put_real(o, "seconds_max_over_ranks", seconds_of(c->slowest_ns));
        put_real(o, "seconds_min_over_ranks", seconds_of(c->fastest_ns));
        put_real(o, "GiB_per_s_min_over_ranks", (double)c->bytes / GIB / seconds_of(c->slowest_ns));
    }
    put_u64(o, "stall_ns", c->stall_ns);
    put_real(o, "overlap_percent", overlap_percent(c->stall_ns, c->duration_ns));
    return o;
}

static json_t *list_json(const struct run_record *rec, bool is_load)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < rec->epoch_count; i++)
        for (uint32_t k = 0; k < rec->epochs[i].checkpoint_count; k++)
            if (rec->epochs[i].checkpoints[k].is_load == is_load)
                json_array_append_new(list, one_json(rec->epochs[i].epoch, &rec->epochs[i].checkpoints[k]));
    return list;
}

static json_t *sum_json(const struct checkpoint_metrics *m)
{
    json_t *o = json_object();

    put_u64(o, "count", m->count);
    if (!m->count)
        return o;
    put_u64(o, "bytes", m->bytes);
    put_u64(o, "stored_bytes", m->stored_bytes);
    put_real(o, "seconds_min", m->seconds_min);
    put_real(o, "seconds_max", m->seconds_max);
    put_real(o, "GiB_per_s_min", m->gib_per_second_min);
    put_real(o, "GiB_per_s_max", m->gib_per_second_max);
    put_real(o, "stall_seconds", seconds_of(m->stall_ns));
    put_real(o, "overlap_percent", overlap_percent(m->stall_ns, m->duration_ns));
    return o;
}

static json_t *model_json(const struct checkpoint_model *m)
{
    json_t *o = json_object();

    put_u64(o, "parameters", m->parameters);
    put_u64(o, "bytes", m->bytes);
    put_u64(o, "rank_bytes", m->rank_bytes);
    put_u64(o, "model_bytes", m->model_bytes);
    put_u64(o, "optimizer_bytes", m->optimizer_bytes);
    if (m->subset_ranks) {
        put_u64(o, "subset_ranks", m->subset_ranks);
        put_u64(o, "subset_of", m->subset_of);
    }
    return o;
}

json_t *checkpoints_json(const struct run_record *rec, const struct run_metrics *m)
{
    json_t *o = json_object();

    put_text(o, "hook", rec->checkpoint_hook);
    put_text(o, "folder", rec->checkpoint_uri);
    if (rec->model.known)
        put_value(o, "model", model_json(&rec->model));
    put_value(o, "save", sum_json(&m->save));
    put_value(o, "load", sum_json(&m->load));
    put_value(o, "saves", list_json(rec, false));
    put_value(o, "loads", list_json(rec, true));
    return o;
}
