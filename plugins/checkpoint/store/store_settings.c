/* SPDX-License-Identifier: Apache-2.0 */
/* From options to settings: what options say only together, and what they say about the machine. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "part_ring.h"
#include "store_hook.h"

#define PART_ALIGN 4096u

static uint64_t smaller_limit(uint64_t a, uint64_t limit)
{
    return limit && limit < a ? limit : a;
}

static dlfw_status check_options(const dlfw_create_args *args, const struct store_options *o, dlfw_error *reterr)
{
    const dlfw_host *host = args->host;
    bool reads_all = o->load_from == LOAD_STEP && o->common.num_checkpoints_read > 0;

    if (o->part_size % PART_ALIGN)
        return host->config_fail(args->host_ctx, "part_size", "is no multiple of 4KiB", reterr);
    if (o->level == 0)
        return host->config_fail(args->host_ctx, "level", "is 0, which stands for 3 in zstd; say 3", reterr);
    if (reads_all && (o->keep_last || o->keep_every) && o->common.num_checkpoints_write > (int64_t)o->keep_last)
        return host->config_fail(args->host_ctx, o->keep_last ? "keep_last" : "keep_every",
                                 "checkpoints that num_checkpoints_read asks for would be removed before: keep as many "
                                 "as num_checkpoints_write, or load_from latest",
                                 reterr);
    if (o->level > 3 && o->compress != COMPRESS_NONE)
        dlfw_log(host, args->host_ctx, DLFW_LOG_WARNING,
                 "level %" PRId64 ": float weights become no smaller than with 1; level 9 is about 8 times slower, 19 "
                 "more than 100 times",
                 o->level);
    return DLFW_OK;
}

/* A mapping of scalars as JSON. */
static dlfw_status read_meta(const dlfw_host *host, const dlfw_node *map, char **ret, dlfw_error *reterr)
{
    json_t *object;
    char where[256];

    if (!map || host->node_kind(map) == DLFW_NODE_NULL)
        return DLFW_OK;
    host->node_where(map, where, sizeof where);
    if (host->node_kind(map) != DLFW_NODE_MAP)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "%s: user_meta is no mapping", where);
    object = json_object();
    for (uint32_t i = 0; i < host->node_count(map); i++) {
        const char *key = host->node_key(map, i), *text = host->node_str(host->node_get(map, key), NULL);

        if (!text || json_object_set_new(object, key, json_string(text)) != 0) {
            json_decref(object);
            return dlfw_fail(reterr, DLFW_E_CONFIG, "%s: '%s' of user_meta is no text", where, key);
        }
    }
    *ret = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return *ret ? DLFW_OK : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep user_meta");
}

/* The codec whose parts may become largest, of those that compress may come to. */
static enum codec largest_codec(uint32_t compress)
{
    return compress == COMPRESS_AUTO ? CODEC_FLOAT : (enum codec)compress;
}

dlfw_status store_hook_settings(struct dlfw_hook *hook, const dlfw_create_args *args, dlfw_error *reterr)
{
    const struct store_options *o = args->options;
    const uint64_t stored = part_bound(largest_codec(o->compress), o->part_size);
    struct shard_settings *shard = &hook->settings.shard;
    char text[160];
    dlfw_status st = check_options(args, o, reterr);

    if (st >= 0)
        st = read_meta(args->host, o->user_meta, &hook->user_meta, reterr);
    if (st < 0)
        return st;
    hook->threads = (uint32_t)smaller_limit(o->threads, args->max_threads);
    hook->memory_budget = smaller_limit(o->memory_budget, args->max_memory);
    *shard =
        (struct shard_settings){.codec = largest_codec(o->compress),
                                .level = (int32_t)o->level,
                                .part_bytes = o->part_size,
                                .threads = hook->threads,
                                .slots = part_ring_slots(hook->memory_budget, hook->threads, o->part_size, stored)};
    if (!shard->slots && o->compress != COMPRESS_NONE) {
        snprintf(text, sizeof text, "is %" PRIu64 " bytes; a part of part_size needs %" PRIu64, hook->memory_budget,
                 o->part_size + stored);
        return args->host->config_fail(args->host_ctx, "memory_budget", text, reterr);
    }
    if (shard->slots && shard->threads > shard->slots)
        shard->threads = shard->slots;
    hook->settings.strategy = (enum layout_strategy)o->strategy;
    hook->settings.keep_last = o->keep_last;
    hook->settings.keep_every = o->keep_every;
    hook->settings.framework = o->framework;
    hook->settings.user_meta = hook->user_meta;
    return DLFW_OK;
}
