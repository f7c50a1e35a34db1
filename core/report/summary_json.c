/* SPDX-License-Identifier: Apache-2.0 */
/* summary.json: DLIO's keys in DLIO's order, then the object `dlfw`. Parsers of MLPerf Storage read the former and skip
 * the latter. */
#include <stdlib.h>

#include "report/json_put.h"
#include "report/result_parts.h"

#define GIB 1073741824.0

/* The host with most ranks decides: DLIO assumes equally many on each. */
static uint32_t ranks_per_host(const struct run_record *rec)
{
    return rec->world.hosts ? (rec->world.ranks + rec->world.hosts - 1) / rec->world.hosts : 1;
}

double data_gib_per_host(const struct run_record *rec)
{
    uint64_t samples = rec->cfg->dataset.num_samples_per_file * rec->cfg->dataset.num_files_train;

    if (!rec->world.ranks)
        return 0.0;
    return (double)(ranks_per_host(rec) * samples / rec->world.ranks) * (double)rec->sample_bytes_nominal / GIB;
}

bool may_be_cached(const struct run_record *rec, const struct host_facts *host)
{
    double gib = data_gib_per_host(rec);
    bool goes_through_cache =
        (rec->storage_caps & DLFW_BACKEND_LOCAL) && !(rec->storage_caps & (DLFW_BACKEND_DIRECT | DLFW_BACKEND_NO_DATA));

    return rec->cfg->workflow.train && goes_through_cache && !rec->cfg->reader.drop_cache && gib > 0 &&
           host->memory_gib > gib;
}

json_t *facts_json(const struct fact_list *facts)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < facts->count; i++)
        put_text(o, facts->items[i].key, facts->items[i].value);
    return o;
}

static void put_checkpoints(json_t *o, const struct run_metrics *m)
{
    if (m->save.count) {
        put_real(o, "save_checkpoint_io_mean_GB_per_second", m->save.gib_per_second.mean);
        put_real(o, "save_checkpoint_io_stdev_GB_per_second", m->save.gib_per_second.stdev);
        put_real(o, "save_checkpoint_duration_mean_seconds", m->save.seconds.mean);
        put_real(o, "save_checkpoint_duration_stdev_seconds", m->save.seconds.stdev);
    }
    if (m->load.count) {
        put_real(o, "load_checkpoint_io_mean_GB_per_second", m->load.gib_per_second.mean);
        put_real(o, "load_checkpoint_io_stdev_GB_per_second", m->load.gib_per_second.stdev);
        put_real(o, "load_checkpoint_duration_mean_seconds", m->load.seconds.mean);
        put_real(o, "load_checkpoint_duration_stdev_seconds", m->load.seconds.stdev);
    }
    if (m->save.count || m->load.count)
        put_real(o, "checkpoint_size_GB", m->save.count ? m->save.size_gib : m->load.size_gib);
}

/* DLIO's nine keys of a phase. Without an epoch that counts there are only the empty lists. */
struct phase_keys {
    const char *au, *au_mean, *au_meets, *au_stdev, *rate, *rate_mean, *rate_stdev, *io_mean, *io_stdev;
};
#define PHASE_KEYS(phase)                                                                                              \
    {                                                                                                                  \
        phase "_au_percentage", phase "_au_mean_percentage", phase "_au_meet_expectation",                             \
            phase "_au_stdev_percentage", phase "_throughput_samples_per_second",                                      \
            phase "_throughput_mean_samples_per_second", phase "_throughput_stdev_samples_per_second",                 \
            phase "_io_mean_MB_per_second", phase "_io_stdev_MB_per_second"                                            \
    }

static void put_phase(json_t *o, const struct phase_keys *keys, const struct phase_metrics *p)
{
    put_value(o, keys->au, put_new_reals(p->au, p->epochs));
    if (p->epochs) {
        put_real(o, keys->au_mean, p->au_spread.mean);
        put_text(o, keys->au_meets, p->meets ? "success" : "fail");
        put_real(o, keys->au_stdev, p->au_spread.stdev);
    }
    put_value(o, keys->rate, put_new_reals(p->throughput, p->epochs));
    if (p->epochs) {
        put_real(o, keys->rate_mean, p->throughput_spread.mean);
        put_real(o, keys->rate_stdev, p->throughput_spread.stdev);
        put_real(o, keys->io_mean, p->mib_per_second.mean);
        put_real(o, keys->io_stdev, p->mib_per_second.stdev);
    }
}

static json_t *metric_json(const struct run_record *rec, const struct run_metrics *m)
{
    static const struct phase_keys train = PHASE_KEYS("train");
    static const struct phase_keys eval = PHASE_KEYS("eval");
    json_t *o = json_object();

    if (rec->cfg->workflow.checkpoint)
        put_checkpoints(o, m);
    if (rec->cfg->workflow.train && rec->epoch_count)
        put_phase(o, &train, &m->train);
    if (rec->cfg->workflow.evaluation && rec->epoch_count)
        put_phase(o, &eval, &m->eval);
    return o;
}

/* One entry per host, in the order of their first ranks. */
static void put_hosts(const struct run_record *rec, double data_gib, json_t *cpu_counts, json_t *memory,
                      json_t *caching)
{
    const struct world *w = &rec->world;
    uint32_t *first = xcalloc(w->ranks, sizeof *first);
    uint32_t hosts = world_hosts(w, first);

    for (uint32_t i = 0; i < hosts; i++) {
        const struct rank_place *place = &w->places[first[i]];

        json_array_append_new(cpu_counts, put_new_u64(place->cpus));
        json_array_append_new(memory, json_real(place->memory_gib));
        json_array_append_new(caching, json_integer(place->memory_gib > data_gib));
    }
    free(first);
}

json_t *summary_json(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m)
{
    json_t *root = json_object();
    double data_gib = data_gib_per_host(rec);
    json_t *cpu_counts = json_array(), *memory = json_array(), *caching = json_array();

    put_hosts(rec, data_gib, cpu_counts, memory, caching);
    put_text(root, "start", rec->start_text);
    put_text(root, "end", rec->end_text);
    put_u64(root, "num_accelerators", rec->world.ranks);
    put_u64(root, "num_hosts", rec->world.hosts);
    put_text(root, "hostname", host->hostname);
    put_value(root, "metric", metric_json(rec, m));
    put_u64(root, "num_files_train", rec->cfg->dataset.num_files_train);
    put_u64(root, "num_files_eval", rec->cfg->dataset.num_files_eval);
    put_u64(root, "num_samples_per_file", rec->cfg->dataset.num_samples_per_file);
    put_value(root, "host_cpu_count", cpu_counts);
    put_text(root, "host_processor_name", host->processor_name);
    put_value(root, "potential_caching", caching);
    put_value(root, "host_cpuinfo", facts_json(&host->cpuinfo));
    put_value(root, "host_meminfo", facts_json(&host->meminfo));
    put_value(root, "host_memory_GB", memory);
    put_real(root, "data_size_per_host_GB", data_gib);
    put_u64(root, "epochs", m->train.epochs);
    put_value(root, "dlfw", dlfw_object_json(rec, host, m));
    return root;
}
