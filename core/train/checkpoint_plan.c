/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint_plan.h"

#include <stdio.h>
#include <string.h>

#include "train/hook_run.h"

struct planning {
    struct checkpoint_plan *plan;
    struct plan_share share; /* of the current rank */
    uint32_t rank;
    plan_each_file *each;
    void *ctx;
};

static void add_file(struct plan_share *s, uint64_t payload_bytes, uint64_t file_bytes)
{
    s->files++;
    s->payload_bytes += payload_bytes;
    s->exact = s->exact && file_bytes != UINT64_MAX;
    if (s->exact)
        s->file_bytes += file_bytes;
}

static void take_file(void *ctx, const char *name, uint64_t payload_bytes, uint64_t file_bytes)
{
    struct planning *p = ctx;

    add_file(&p->share, payload_bytes, file_bytes);
    add_file(&p->plan->total, payload_bytes, file_bytes);
    if (p->each)
        p->each(p->ctx, p->rank, name, payload_bytes, file_bytes);
}

static void take_figure(void *ctx, const char *name, const char *unit, uint64_t value)
{
    struct planning *p = ctx;
    struct plan_figure *f = NULL;

    for (uint32_t i = 0; i < p->plan->figure_count; i++)
        if (strcmp(p->plan->figures[i].name, name) == 0)
            f = &p->plan->figures[i];
    if (!f && p->plan->figure_count == PLAN_FIGURES)
        return;
    if (!f) {
        f = &p->plan->figures[p->plan->figure_count++];
        snprintf(f->name, sizeof f->name, "%s", name);
        snprintf(f->unit, sizeof f->unit, "%s", unit);
        f->value = value;
    }
    if (value > f->value) /* what is told of the whole checkpoint is the same on all ranks */
        f->value = value;
}

static void take_share(struct checkpoint_plan *plan, const struct plan_share *share, uint32_t rank)
{
    if (rank == 0)
        plan->first = plan->least = plan->most = *share;
    if (rank + 1 == plan->ranks)
        plan->last = *share;
    if (share->payload_bytes < plan->least.payload_bytes) {
        plan->least = *share;
        plan->least_rank = rank;
    }
    if (share->payload_bytes > plan->most.payload_bytes) {
        plan->most = *share;
        plan->most_rank = rank;
    }
    plan->writing_ranks += share->files != 0;
}

void checkpoint_plan_make(struct job *job, uint32_t ranks, plan_each_file *each, void *ctx, struct checkpoint_plan *ret)
{
    struct planning p = {.plan = ret, .each = each, .ctx = ctx};
    const dlfw_plan_sink sink = {.struct_size = sizeof sink, .ctx = &p, .file = take_file, .figure = take_figure};
    dlfw_status st = DLFW_OK;

    *ret = (struct checkpoint_plan){.ranks = ranks, .total = {.exact = true}};
    error_slot_init(&ret->failure);
    for (; p.rank < ranks && st >= 0; p.rank++) {
        p.share = (struct plan_share){.exact = true};
        st = hooks_plan(job, p.rank, ranks, &sink, &ret->failure.e);
        if (st >= 0)
            take_share(ret, &p.share, p.rank);
    }
    ret->failure.e.status = st < 0 ? st : DLFW_OK;
}

const struct plan_figure *checkpoint_plan_figure(const struct checkpoint_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->figure_count; i++)
        if (strcmp(plan->figures[i].name, name) == 0)
            return &plan->figures[i];
    return NULL;
}
