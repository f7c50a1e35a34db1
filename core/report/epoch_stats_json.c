/* SPDX-License-Identifier: Apache-2.0 */
/* {rank}_per_epoch_stats.json: when each epoch, block, checkpoint and evaluation began and ended, in time order. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/json_put.h"
#include "report/result_parts.h"

#define GIB 1073741824.0

/* end and DLIO's duration, a text with two decimals; nothing for what never ended. */
static void put_end(json_t *o, const char *end, uint64_t start_ns, uint64_t end_ns)
{
    char *duration;

    if (end_ns < start_ns || !end_ns)
        return;
    put_text(o, "end", end);
    duration = xformat("%.2f", (double)(end_ns - start_ns) / (double)NS_PER_S);
    put_text(o, "duration", duration);
    free(duration);
}

static json_t *block_json(const struct block_record *b)
{
    json_t *o = json_object();

    put_text(o, "start", b->start_text);
    put_end(o, b->end_text, b->start_ns, b->end_ns);
    return o;
}

static json_t *checkpoint_json(const struct checkpoint_record *c)
{
    double seconds = (double)c->duration_ns / (double)NS_PER_S;
    json_t *o = json_object();

    put_text(o, "start", c->start_text);
    if (!c->duration_ns) /* it never ended */
        return o;
    put_text(o, "end", c->end_text);
    put_real(o, "duration", seconds);
    put_real(o, "throughput", (double)c->bytes / GIB / seconds);
    return o;
}

/* A second checkpoint after the same block gets a number, so that none hides another. */
static void put_checkpoint(json_t *o, const struct checkpoint_record *c)
{
    const char *kind = c->is_load ? "load_ckpt" : "save_ckpt";
    char *key = xformat("%s%u", kind, c->block);

    for (uint32_t i = 2; json_object_get(o, key); i++) {
        free(key);
        key = xformat("%s%u_%u", kind, c->block, i);
    }
    put_value(o, key, checkpoint_json(c));
    free(key);
}

/* Checkpoints whose block is in [first, last]. */
static void put_checkpoints(json_t *o, const struct epoch_record *e, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < e->checkpoint_count; i++)
        if (e->checkpoints[i].block >= first && e->checkpoints[i].block <= last)
            put_checkpoint(o, &e->checkpoints[i]);
}

static json_t *epoch_json(const struct epoch_record *e)
{
    json_t *o = json_object();

    put_text(o, "start", e->start_text);
    put_checkpoints(o, e, 0, 0);
    for (uint32_t i = 0; i < e->block_count; i++) {
        char *key = xformat("block%u", i + 1);

        put_value(o, key, block_json(&e->blocks[i]));
        put_checkpoints(o, e, i + 1, i + 1);
        free(key);
    }
    put_checkpoints(o, e, e->block_count + 1, UINT32_MAX);
    if (e->has_eval)
        put_value(o, "eval", block_json(&e->eval));
    put_end(o, e->end_text, e->start_ns, e->end_ns);
    return o;
}

json_t *epoch_stats_json(const struct run_record *rec)
{
    json_t *root = json_object();

    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        char *key = xformat("%u", rec->epochs[i].epoch);

        put_value(root, key, epoch_json(&rec->epochs[i]));
        free(key);
    }
    return root;
}
