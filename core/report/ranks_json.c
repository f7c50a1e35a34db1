/* SPDX-License-Identifier: Apache-2.0 */
/* dlfw.ranks of summary.json: the spread that means over ranks hide. */
#include <stdlib.h>

#include "report/json_put.h"
#include "report/result_parts.h"

struct extremes {
    double min, max;
    bool known;
};

static void extremes_add(struct extremes *e, double value)
{
    e->min = !e->known || value < e->min ? value : e->min;
    e->max = !e->known || value > e->max ? value : e->max;
    e->known = true;
}

static json_t *extremes_json(const struct extremes *e)
{
    json_t *o = json_object();

    put_real(o, "min", e->min);
    put_real(o, "max", e->max);
    return o;
}

static void put_shares(json_t *o, const struct time_shares *s)
{
    const double window = (double)s->window_ns;
    struct strict_au strict;

    if (!s->window_ns)
        return;
    rank_strict_au(s, &strict);
    put_real(o, "strict_au_percent", strict.percent);
    put_real(o, "compute_percent", 100.0 * (double)s->compute_ns / window);
    put_real(o, "batch_wait_percent", 100.0 * (double)s->load_ns / window);
    put_real(o, "barrier_percent", 100.0 * (double)s->barrier_ns / window);
    put_real(o, "hooks_percent", 100.0 * (double)s->hook_ns / window);
    put_real(o, "other_percent", 100.0 * (double)s->other_ns / window);
    put_real(o, "compute_overshoot_percent", 100.0 * (double)s->overshoot_ns / window);
}

static json_t *one_json(const struct run_record *rec, uint32_t index)
{
    const struct world *w = &rec->world;
    const struct rank_figures *f = &w->figures[index];
    uint32_t rank = w->reporting == w->ranks ? index : rec->rank;
    json_t *o = json_object();

    put_u64(o, "rank", rank);
    put_text(o, "host", w->places[rank].host);
    if (f->shares.window_ns) {
        put_real(o, "au_percent", f->au_percent);
        put_real(o, "samples_per_second", f->samples_per_second);
    }
    put_shares(o, &f->shares);
    put_u64(o, "samples", f->samples);
    put_u64(o, "bytes_read", f->bytes_read);
    put_u64(o, "batch_wait_p99_ns", f->batch_wait_p99_ns);
    put_u64(o, "request_p99_ns", f->request_p99_ns);
    put_u64(o, "errors", f->errors);
    put_u64(o, "retries", f->retries);
    put_u64(o, "peak_memory_bytes", f->peak_memory);
    return o;
}

json_t *ranks_json(const struct run_record *rec)
{
    const struct world *w = &rec->world;
    struct extremes au = {0}, rate = {0};
    json_t *o = json_object(), *hosts = json_array(), *list = json_array();
    uint32_t *first = xcalloc(w->ranks, sizeof *first);
    uint32_t host_count = world_hosts(w, first);

    for (uint32_t i = 0; i < host_count; i++)
        json_array_append_new(hosts, put_new_text(w->places[first[i]].host));
    free(first);
    for (uint32_t i = 0; i < w->reporting; i++) {
        json_array_append_new(list, one_json(rec, i));
        if (!w->figures[i].shares.window_ns)
            continue;
        extremes_add(&au, w->figures[i].au_percent);
        extremes_add(&rate, w->figures[i].samples_per_second);
    }
    put_u64(o, "count", w->ranks);
    put_text(o, "coordinator", w->coordinator);
    put_value(o, "hosts", hosts);
    put_value(o, "per_rank", list);
    if (au.known) {
        put_value(o, "au_percent", extremes_json(&au));
        put_value(o, "samples_per_second", extremes_json(&rate));
    }
    return o;
}
