/* SPDX-License-Identifier: Apache-2.0 */
#include "tools.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "load.h"
#include "retire.h"
#include "tools_select.h"

#define DEFAULT_THREADS 2u
#define DEFAULT_MEMORY ((uint64_t)256 << 20)

static const dlfw_host *tools_host;

void checkpoint_tools_set_host(const dlfw_host *host)
{
    tools_host = host;
}

static dlfw_status open_place(const dlfw_checkpoint_place *place, struct store *ret, dlfw_error *reterr)
{
    dlfw_status st = store_init(ret, tools_host, NULL, place->uri, reterr);

    ret->services = place->services;
    ret->services_ctx = place->services_ctx;
    return st;
}

static uint64_t sum_raw(const struct manifest *m)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < m->shard_count; i++) {
        if (m->shards[i].raw_bytes > UINT64_MAX - sum)
            return UINT64_MAX;
        sum += m->shards[i].raw_bytes;
    }
    return sum;
}

static uint64_t sum_stored(const struct manifest *m)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < m->shard_count; i++)
        sum += m->shards[i].size;
    return sum;
}

static uint32_t sum_parts(const struct manifest *m)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < m->shard_count; i++)
        sum += m->shards[i].part_count;
    return sum;
}

/* The codec of its shards; "mixed" when they differ. */
static const char *codec_of(const struct manifest *m)
{
    for (uint32_t i = 1; i < m->shard_count; i++)
        if (m->shards[i].codec != m->shards[0].codec)
            return "mixed";
    return m->shard_count ? codec_names[m->shards[0].codec] : NULL;
}

static int32_t list_one(const struct store *s, const struct checkpoint_id *id, bool is_latest,
                        int32_t (*each)(void *ctx, const dlfw_checkpoint_info *info), void *ctx)
{
    char why[256] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    dlfw_checkpoint_info info = {.struct_size = sizeof info,
                                 .flags = is_latest ? DLFW_CHECKPOINT_IS_LATEST : 0,
                                 .name = id->name,
                                 .step = id->step,
                                 .raw_bytes = UINT64_MAX};
    struct manifest m;
    dlfw_status st = store_read_manifest(s, id->name, &m, &inner);
    int32_t stop;

    if (st == DLFW_E_NOT_FOUND) /* removed meanwhile */
        return 0;
    if (st < 0) {
        info.flags |= DLFW_CHECKPOINT_INCOMPLETE;
        info.problem = why;
        return each(ctx, &info);
    }
    if (!m.complete) {
        info.flags |= DLFW_CHECKPOINT_INCOMPLETE;
        snprintf(why, sizeof why, "%" PRIu32 " shards of %" PRIu32 " ranks, or marked incomplete", m.shard_count,
                 m.world_size);
        info.problem = why;
    }
    info.step = m.step;
    info.epoch = m.epoch;
    info.world_size = m.world_size;
    info.framework = m.framework;
    info.wall_time = m.wall_time;
    info.shards = m.shard_count;
    info.raw_bytes = sum_raw(&m);
    info.stored_bytes = sum_stored(&m);
    info.parts = sum_parts(&m);
    info.codec = codec_of(&m);
    stop = each(ctx, &info);
    manifest_free(&m);
    return stop;
}

static dlfw_status tools_list(const dlfw_checkpoint_place *place,
                              int32_t (*each)(void *ctx, const dlfw_checkpoint_info *info), void *ctx,
                              dlfw_error *reterr)
{
    struct checkpoint_id latest = {0};
    struct catalog catalog = {0};
    struct store s;
    bool any = false;
    int32_t stop = 0;
    dlfw_status st = open_place(place, &s, reterr);

    if (st >= 0)
        st = catalog_read(&s, &catalog, reterr);
    if (st >= 0)
        st = store_read_latest(&s, &latest, &any, reterr);
    if (st == DLFW_E_CORRUPT) /* then none is the latest; `verify` and `clean` tell more */
        st = DLFW_OK;
    for (uint32_t i = 0; i < catalog.count && st >= 0 && !stop; i++)
        stop = list_one(&s, &catalog.ids[i], any && strcmp(latest.name, catalog.ids[i].name) == 0, each, ctx);
    catalog_free(&catalog);
    return st;
}

static struct shard_read_args read_args(const dlfw_checkpoint_place *place, const struct store *s,
                                        const struct manifest_shard *shard)
{
    return (struct shard_read_args){.store = s,
                                    .shard = shard,
                                    .threads = place->threads ? place->threads : DEFAULT_THREADS,
                                    .memory_budget = place->memory_budget ? place->memory_budget : DEFAULT_MEMORY,
                                    .compare_checksums = true};
}

/* All shards of one checkpoint; adds up what was read. */
static dlfw_status verify_one(const dlfw_checkpoint_place *place, const struct store *s, const char *name,
                              dlfw_checkpoint_report *report, dlfw_error *reterr)
{
    struct manifest m;
    dlfw_status st = load_manifest(s, name, &m, reterr);

    for (uint32_t i = 0; i < m.shard_count && st >= 0; i++) {
        struct shard_read_args args = read_args(place, s, &m.shards[i]);
        struct shard_was_read was = {0};

        st = shard_read(&args, &was, reterr);
        report->raw_bytes += was.raw_bytes;
        report->stored_bytes += m.shards[i].size;
        report->checksums += was.checksums;
    }
    manifest_free(&m);
    return st;
}

static dlfw_status tools_verify(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select,
                                void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx,
                                dlfw_error *reterr)
{
    struct catalog chosen = {0};
    struct store s;
    dlfw_status st = open_place(place, &s, reterr), first = DLFW_OK;

    if (st >= 0)
        st = checkpoints_select(&s, select, &chosen, reterr);
    for (uint32_t i = 0; i < chosen.count && st >= 0; i++) {
        char why[512] = "";
        dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
        dlfw_checkpoint_report r = {.struct_size = sizeof r, .name = chosen.ids[i].name};

        r.status = verify_one(place, &s, chosen.ids[i].name, &r, &inner);
        r.text = r.status < 0 ? why : NULL;
        if (r.status < 0 && first >= 0)
            first = dlfw_fail(reterr, r.status, "%s", why);
        report(ctx, &r);
        if (r.status == DLFW_E_CANCELLED)
            break;
    }
    catalog_free(&chosen);
    return st < 0 ? st : first;
}

static dlfw_status restore_shard(const dlfw_checkpoint_place *place, const struct store *s,
                                 const struct manifest_shard *shard, const struct store *to,
                                 void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx,
                                 dlfw_error *reterr)
{
    struct shard_read_args args = read_args(place, s, shard);
    struct shard_was_read was = {0};
    char name[32], uri[STORE_URI_MAX];
    uint64_t hint = shard->raw_bytes == UINT64_MAX ? 0 : shard->raw_bytes;
    dlfw_status st;

    snprintf(name, sizeof name, "rank-%" PRIu32 ".bin", shard->rank);
    st = store_uri(to, name, uri, reterr);
    if (st >= 0)
        st = s->services->writer_open(s->services_ctx, uri, hint, DLFW_REQ_DURABLE, &args.writer, reterr);
    if (st < 0)
        return st;
    st = shard_read(&args, &was, reterr);
    if (st < 0) {
        s->services->writer_abort(args.writer);
        return st;
    }
    st = s->services->writer_commit(args.writer, reterr);
    if (st >= 0)
        report(ctx, &(dlfw_checkpoint_report){.struct_size = sizeof(dlfw_checkpoint_report),
                                              .done = 1,
                                              .checksums = was.checksums,
                                              .name = name,
                                              .raw_bytes = was.raw_bytes,
                                              .stored_bytes = shard->size});
    return st;
}

static dlfw_status tools_restore(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select,
                                 const char *to_uri, void (*report)(void *ctx, const dlfw_checkpoint_report *report),
                                 void *ctx, dlfw_error *reterr)
{
    struct catalog chosen = {0};
    struct manifest m = {0};
    struct store s, to;
    dlfw_status st = open_place(place, &s, reterr);

    if (st >= 0)
        st = store_init(&to, tools_host, NULL, to_uri, reterr);
    if (st >= 0)
        st = checkpoints_select(&s, select, &chosen, reterr);
    if (st >= 0 && chosen.count != 1)
        st = dlfw_fail(reterr, DLFW_E_INVALID, "%" PRIu32 " checkpoints are chosen; one can be restored", chosen.count);
    if (st >= 0)
        st = load_manifest(&s, chosen.ids[0].name, &m, reterr);
    for (uint32_t i = 0; i < m.shard_count && st >= 0; i++)
        st = restore_shard(place, &s, &m.shards[i], &to, report, ctx, reterr);
    manifest_free(&m);
    catalog_free(&chosen);
    return st;
}

static dlfw_status tools_remove(const dlfw_checkpoint_place *place, const dlfw_checkpoint_select *select,
                                void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx,
                                dlfw_error *reterr)
{
    bool dry_run = (select->flags & DLFW_CHECKPOINT_DRY_RUN) != 0;
    struct catalog chosen = {0};
    struct store s;
    dlfw_status st = open_place(place, &s, reterr);

    if (st >= 0)
        st = checkpoints_select(&s, select, &chosen, reterr);
    for (uint32_t i = 0; i < chosen.count && st >= 0; i++) {
        dlfw_checkpoint_report r = {
            .struct_size = sizeof r, .done = !dry_run, .name = chosen.ids[i].name, .raw_bytes = UINT64_MAX};
        struct manifest m;

        r.stored_bytes = UINT64_MAX;
        if (store_read_manifest(&s, chosen.ids[i].name, &m, NULL) >= 0) {
            r.raw_bytes = sum_raw(&m);
            r.stored_bytes = sum_stored(&m);
        }
        manifest_free(&m);
        if (!dry_run)
            st = checkpoint_remove(&s, &chosen.ids[i], NULL, NULL, reterr);
        if (st >= 0)
            report(ctx, &r);
    }
    catalog_free(&chosen);
    return st;
}

struct clean_reporting {
    void (*report)(void *ctx, const dlfw_checkpoint_report *report);
    void *ctx;
    uint32_t done;
};

static void report_leftover(void *ctx, const char *key, uint64_t size, const char *why)
{
    const struct clean_reporting *to = ctx;

    to->report(to->ctx, &(dlfw_checkpoint_report){.struct_size = sizeof(dlfw_checkpoint_report),
                                                  .done = to->done,
                                                  .name = key,
                                                  .text = why,
                                                  .raw_bytes = UINT64_MAX,
                                                  .stored_bytes = size});
}

static dlfw_status tools_clean(const dlfw_checkpoint_place *place, const dlfw_checkpoint_clean *args,
                               void (*report)(void *ctx, const dlfw_checkpoint_report *report), void *ctx,
                               dlfw_error *reterr)
{
    bool dry_run = (args->flags & DLFW_CHECKPOINT_DRY_RUN) != 0;
    struct clean_reporting to = {.report = report, .ctx = ctx, .done = !dry_run};
    struct clean_args clean = {
        .dry_run = dry_run, .min_age_ns = args->min_age_ns, .report = report_leftover, .ctx = &to};
    struct store s;
    dlfw_status st = open_place(place, &s, reterr);

    return st < 0 ? st : store_clean(&s, &clean, reterr);
}

const dlfw_checkpoint_tools checkpoint_tools = {
    .struct_size = sizeof checkpoint_tools,
    .list = tools_list,
    .verify = tools_verify,
    .restore = tools_restore,
    .remove = tools_remove,
    .clean = tools_clean,
};
