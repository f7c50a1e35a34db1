/* SPDX-License-Identifier: Apache-2.0 */
/* {rank}_output.json: the load, processing and compute time of every step, in seconds, and each block's figures. */
#include <stdlib.h>

#include "base/clock.h"
#include "report/json_put.h"
#include "report/result_parts.h"

enum step_part { STEP_LOAD, STEP_PROC, STEP_COMPUTE };

static json_t *step_seconds(const struct block_record *b, enum step_part part)
{
    double *values = xcalloc(b->step_count, sizeof *values);
    json_t *list;

    for (uint64_t i = 0; i < b->step_count; i++) {
        const struct step_record *s = &b->steps[i];
        uint64_t ns = (part == STEP_COMPUTE ? 0 : s->load_ns) + (part == STEP_LOAD ? 0 : s->compute_ns);

        values[i] = (double)ns / (double)NS_PER_S;
    }
    list = put_new_reals(values, b->step_count);
    free(values);
    return list;
}

/* {"block1": [...], "eval": [...]} */
static json_t *steps_json(const struct epoch_record *e, enum step_part part)
{
    json_t *o = json_object();

    for (uint32_t i = 0; i < e->block_count; i++) {
        char *key = xformat("block%u", i + 1);

        put_value(o, key, step_seconds(&e->blocks[i], part));
        free(key);
    }
    if (e->has_eval)
        put_value(o, "eval", step_seconds(&e->eval, part));
    return o;
}

/* {"block1": x, "eval": y} for throughput and au. */
static void put_metrics(json_t *o, const struct run_record *rec, const struct epoch_record *e)
{
    const struct run_config *cfg = rec->cfg;
    json_t *throughput = json_object();
    json_t *au = json_object();
    struct block_metrics m;

    for (uint32_t i = 0; i < e->block_count; i++) {
        char *key = xformat("block%u", i + 1);

        m = block_metrics_train(&e->blocks[i], e->expected_steps, cfg->reader.batch_size, cfg);
        put_real(throughput, key, m.samples_per_second);
        put_real(au, key, m.au_percent);
        free(key);
    }
    if (e->has_eval) {
        m = block_metrics_eval(&e->eval, e->eval_expected_steps, cfg->reader.batch_size_eval, cfg);
        put_real(throughput, "eval", m.samples_per_second);
        put_real(au, "eval", m.au_percent);
    }
    put_value(o, "throughput", throughput);
    put_value(o, "au", au);
}

static void put_memory(json_t *o, uint32_t epoch, const struct epoch_memory *memory, uint32_t memory_count)
{
    struct arena arena = {0};
    struct fact_list facts = {0};

    for (uint32_t i = 0; i < memory_count; i++) {
        if (memory[i].epoch != epoch || !memory[i].text)
            continue;
        facts_of_meminfo(&arena, memory[i].text, &facts);
        put_value(o, "host_meminfo", facts_json(&facts));
        break;
    }
    arena_free(&arena);
}

static json_t *epoch_json(const struct run_record *rec, const struct epoch_record *e, const struct epoch_memory *memory,
                          uint32_t memory_count)
{
    json_t *o = json_object();

    put_value(o, "load", steps_json(e, STEP_LOAD));
    put_value(o, "proc", steps_json(e, STEP_PROC));
    put_value(o, "compute", steps_json(e, STEP_COMPUTE));
    put_metrics(o, rec, e);
    put_memory(o, e->epoch, memory, memory_count);
    if (e->end_ns)
        put_text(o, "end", e->end_text);
    return o;
}

json_t *rank_output_json(const struct run_record *rec, const struct host_facts *host, const struct epoch_memory *memory,
                         uint32_t memory_count)
{
    json_t *root = json_object();

    put_real(root, "host_memory_GB", host->memory_gib);
    put_u64(root, "host_cpu_count", host->cpu_count);
    put_text(root, "host_processor_name", host->processor_name);
    put_u64(root, "potential_caching", host->memory_gib > data_gib_per_host(rec));
    put_value(root, "host_cpuinfo", facts_json(&host->cpuinfo));
    put_value(root, "host_meminfo", facts_json(&host->meminfo));
    put_text(root, "hostname", host->hostname);
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        char *key = xformat("%u", rec->epochs[i].epoch);

        put_value(root, key, epoch_json(rec, &rec->epochs[i], memory, memory_count));
        free(key);
    }
    return root;
}
