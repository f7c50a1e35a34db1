/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering. Histograms are added bucket by bucket, so a percentile over all ranks is as exact as one of a single rank.
 */
#include "report/world_gather.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/host_facts.h"

static dlfw_status sum_u64(struct ranks *ranks, uint64_t *values, uint64_t count, dlfw_error *err)
{
    return ranks->ops->reduce_u64(ranks->c, DLFW_REDUCE_SUM, values, (uint32_t)count, 0, err);
}

dlfw_status world_meet(struct ranks *ranks, struct world *ret, dlfw_error *err)
{
    struct rank_place mine = {0};
    struct host_facts host = {0};
    uint32_t *first;
    dlfw_status st;

    *ret = (struct world){.coordinator = ranks->identity.coordinator, .ranks = ranks->identity.world_size};
    host_facts_read(&host);
    snprintf(mine.host, sizeof mine.host, "%s", host.hostname);
    mine.memory_gib = host.memory_gib;
    mine.cpus = host.cpu_count;
    host_facts_free(&host);
    ret->places = xcalloc(ret->ranks, sizeof *ret->places);
    st = ranks_gather(ranks, &mine, ret->places, sizeof mine, err);
    if (st < 0)
        return st;
    first = xcalloc(ret->ranks, sizeof *first);
    ret->hosts = world_hosts(ret, first);
    free(first);
    for (uint32_t i = 0; i < ret->ranks; i++) {
        bool here = strcmp(ret->places[i].host, mine.host) == 0;

        ret->host_ranks += here;
        ret->host_index += here && i < ranks->identity.rank;
    }
    return DLFW_OK;
}

static dlfw_status merge_histogram(struct ranks *ranks, struct histogram *h, dlfw_error *err)
{
    uint64_t ends[2] = {h->count ? h->min : UINT64_MAX, UINT64_MAX - h->max};
    dlfw_status st = ranks->ops->reduce_u64(ranks->c, DLFW_REDUCE_MIN, ends, 2, 0, err);

    if (st >= 0)
        st = sum_u64(ranks, (uint64_t *)h, sizeof *h / sizeof(uint64_t), err);
    h->min = h->count ? ends[0] : 0;
    h->max = UINT64_MAX - ends[1];
    return st;
}

static dlfw_status merge_io(struct ranks *ranks, struct io_stats *io, dlfw_error *err)
{
    struct histogram *parts[] = {&io->open_ns, &io->read_ns, &io->first_byte_ns, &io->write_ns, &io->commit_ns};
    dlfw_status st = sum_u64(ranks, io->requests, offsetof(struct io_stats, open_ns) / sizeof(uint64_t), err);

    for (uint32_t i = 0; i < sizeof parts / sizeof *parts && st >= 0; i++)
        st = merge_histogram(ranks, parts[i], err);
    return st;
}

static dlfw_status merge_loader(struct ranks *ranks, struct loader_stats *l, dlfw_error *err)
{
    struct histogram *parts[] = {&l->decode_ns, &l->sample_ns, &l->stall_ns};
    dlfw_status st = merge_io(ranks, &l->io, err);

    for (uint32_t i = 0; i < sizeof parts / sizeof *parts && st >= 0; i++)
        st = merge_histogram(ranks, parts[i], err);
    return st;
}

static dlfw_status merge_generation(struct ranks *ranks, struct generate_record *g, dlfw_error *err)
{
    uint64_t sums[3] = {g->files, g->files_skipped, g->bytes};
    dlfw_status st = sum_u64(ranks, sums, 3, err);

    g->files = sums[0];
    g->files_skipped = sums[1];
    g->bytes = sums[2];
    if (st >= 0)
        st = ranks->ops->reduce_u64(ranks->c, DLFW_REDUCE_MAX, &g->elapsed_ns, 1, 0, err);
    return st < 0 ? st : merge_io(ranks, &g->io, err);
}

static dlfw_status merge_endpoints(struct ranks *ranks, struct run_record *rec, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < rec->endpoint_count && st >= 0; i++) {
        struct endpoint_record *e = &rec->endpoints[i];
        uint64_t sums[] = {e->requests, e->bytes_read, e->bytes_written, e->errors, e->times_set_aside};

        st = sum_u64(ranks, sums, sizeof sums / sizeof *sums, err);
        e->requests = sums[0];
        e->bytes_read = sums[1];
        e->bytes_written = sums[2];
        e->errors = sums[3];
        e->times_set_aside = sums[4];
    }
    return st;
}

/* DLIO's figures stay rank 0's; the slowest and the fastest rank stand beside them. */
static dlfw_status merge_checkpoint(struct ranks *ranks, struct checkpoint_record *c, dlfw_error *err)
{
    uint64_t ends[2] = {c->duration_ns, UINT64_MAX - c->duration_ns};
    dlfw_status st = ranks->ops->reduce_u64(ranks->c, DLFW_REDUCE_MAX, ends, 2, 0, err);

    c->slowest_ns = ends[0];
    c->fastest_ns = UINT64_MAX - ends[1];
    return st < 0 ? st : sum_u64(ranks, &c->stored_bytes, 1, err);
}

static dlfw_status merge_checkpoints(struct ranks *ranks, struct run_record *rec, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < rec->epoch_count; i++)
        for (uint32_t k = 0; k < rec->epochs[i].checkpoint_count && st >= 0; k++)
            st = merge_checkpoint(ranks, &rec->epochs[i].checkpoints[k], err);
    return st;
}

/* A counter is the sum over the ranks that have it, a gauge the largest of them. */
static void add_figure(struct run_record *rec, const struct named_figure *f)
{
    for (uint32_t i = 0; i < rec->figure_count; i++) {
        struct named_figure *have = &rec->figures[i];

        if (strcmp(have->owner, f->owner) != 0 || strcmp(have->name, f->name) != 0)
            continue;
        if (f->kind == DLFW_STAT_COUNTER)
            have->value += f->value;
        else
            have->value = f->value > have->value ? f->value : have->value;
        return;
    }
    rec->figures[rec->figure_count++] = *f;
}

/* Ranks may have different figures: names of endpoints, hooks that act on one rank only. */
static dlfw_status merge_figures(struct ranks *ranks, struct run_record *rec, dlfw_error *err)
{
    uint64_t most = rec->figure_count;
    dlfw_status st = ranks->ops->reduce_u64(ranks->c, DLFW_REDUCE_MAX, &most, 1, 0, err);
    struct named_figure *all;

    if (st < 0 || !most)
        return st;
    rec->figures = xrealloc(rec->figures, most * sizeof *rec->figures);
    memset(&rec->figures[rec->figure_count], 0, (most - rec->figure_count) * sizeof *rec->figures);
    all = xcalloc(most * rec->world.ranks, sizeof *all);
    st = ranks_gather(ranks, rec->figures, all, most * sizeof *all, err);
    if (st >= 0) {
        rec->figures = xrealloc(rec->figures, most * rec->world.ranks * sizeof *rec->figures);
        rec->figure_count = 0;
        for (uint64_t i = 0; i < most * rec->world.ranks; i++)
            if (all[i].name[0])
                add_figure(rec, &all[i]);
    }
    free(all);
    return st;
}

/* The ranks of an epoch lie together. */
static dlfw_status gather_epochs(struct ranks *ranks, const struct world *own, struct world *all, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < own->epoch_count && st >= 0; i++)
        st = ranks_gather(ranks, &own->epochs[i], &all->epochs[(uint64_t)i * all->reporting], sizeof *own->epochs, err);
    return st;
}

dlfw_status world_gather(struct ranks *ranks, struct run_record *rec, dlfw_error *err)
{
    struct histogram *parts[] = {&rec->batch_wait_ns, &rec->compute_error_ns, &rec->barrier_ns};
    struct world own, *w = &rec->world;
    dlfw_status st;

    world_alone(rec);
    if (w->ranks == 1)
        return DLFW_OK;
    own = *w;
    w->reporting = w->ranks;
    w->figures = xcalloc(w->ranks, sizeof *w->figures);
    w->epochs = xcalloc((uint64_t)w->ranks * w->epoch_count, sizeof *w->epochs);
    st = ranks_gather(ranks, own.figures, w->figures, sizeof *own.figures, err);
    if (st >= 0)
        st = gather_epochs(ranks, &own, w, err);
    for (uint32_t i = 0; i < sizeof parts / sizeof *parts && st >= 0; i++)
        st = merge_histogram(ranks, parts[i], err);
    if (st >= 0)
        st = merge_loader(ranks, &rec->train_stats, err);
    if (st >= 0)
        st = merge_loader(ranks, &rec->eval_stats, err);
    if (st >= 0)
        st = merge_generation(ranks, &rec->generate, err);
    if (st >= 0)
        st = merge_endpoints(ranks, rec, err);
    if (st >= 0)
        st = merge_checkpoints(ranks, rec, err);
    if (st >= 0)
        st = merge_figures(ranks, rec, err);
    free(own.figures);
    free(own.epochs);
    return st;
}
