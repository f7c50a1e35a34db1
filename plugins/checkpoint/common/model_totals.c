/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over all ranks without visiting them: ranks differ only by pipeline stage and by whether they are the first of
 * their data-parallel group.
 */
#include "common/model_plan.h"
#include "common/saturate.h"

#define BYTES_MAX (1ull << 62)

/* Of ranks [0, ranks) of one data-parallel group, those of a stage. */
static uint64_t ranks_of_stage(uint64_t ranks, uint64_t stage, uint64_t tensor_parallel)
{
    uint64_t before = stage * tensor_parallel;

    if (ranks <= before)
        return 0;
    return ranks - before < tensor_parallel ? ranks - before : tensor_parallel;
}

struct summing {
    const struct model_config *config;
    uint32_t world;
    struct model_totals *totals;
    dlfw_error *err;
};

/* count ranks like rank. */
static dlfw_status add_ranks(const struct summing *s, uint32_t rank, uint64_t count, bool counts_for_dlio)
{
    struct model_totals *t = s->totals;
    const bool explicit_layers = s->config->layer_parameter_count > 0,
               explicit_groups = s->config->optimization_group_count > 0;
    uint64_t model = 0, optimizer = 0, blob;
    struct model_plan plan = {0};
    dlfw_status st;

    if (!count)
        return DLFW_OK;
    st = model_plan_init(&plan, s->config, rank, s->world, s->err);
    if (st < 0)
        return st;
    blob = plan.writes ? s->config->blob_bytes : 0;
    model_plan_rank_bytes(&plan, &model, &optimizer);
    model_plan_free(&plan);
    t->model_bytes = sat_add(t->model_bytes, sat_mul(model, count));
    t->optimizer_bytes = sat_add(t->optimizer_bytes, sat_mul(optimizer, count));
    if (!explicit_layers && counts_for_dlio)
        t->dlio_model_bytes = sat_add(t->dlio_model_bytes, sat_mul(model - blob, count));
    if (!explicit_groups)
        t->dlio_optimizer_bytes = sat_add(t->dlio_optimizer_bytes, sat_mul(optimizer, count));
    return DLFW_OK;
}

/* Ranks of the stage: the first data-parallel group, then the others. ZeRO 2 keeps the layers on all of them and DLIO
 * counts them, though only the first group writes. */
static dlfw_status add_stage(const struct summing *s, uint32_t stage)
{
    const struct model_config *c = s->config;
    const uint64_t mp = (uint64_t)c->tensor_parallel * c->pipeline_parallel, tp = c->tensor_parallel;
    const uint64_t first = ranks_of_stage(s->world, stage, tp);
    const uint64_t all = s->world / mp * tp + ranks_of_stage(s->world % mp, stage, tp);
    struct model_totals *t = s->totals;
    uint64_t before = t->dlio_model_bytes;
    dlfw_status st = add_ranks(s, (uint32_t)(stage * tp), first, true);

    if (st >= 0 && c->zero_stage == 2 && first)
        t->dlio_model_bytes = sat_add(before, sat_mul((t->dlio_model_bytes - before) / first, all));
    if (st >= 0)
        st = add_ranks(s, (uint32_t)(mp + stage * tp), all - first, c->zero_stage != 2);
    return st;
}

dlfw_status model_plan_totals(const struct model_config *config, uint32_t world, struct model_totals *ret,
                              dlfw_error *reterr)
{
    struct model_totals totals = {.parameters = model_parameters(config), .dlio_model_bytes = config->blob_bytes};
    struct summing s = {.config = config, .world = world, .totals = &totals, .err = reterr};

    for (uint32_t stage = 0; stage < config->pipeline_parallel; stage++) {
        dlfw_status st = add_stage(&s, stage);

        if (st < 0)
            return st;
    }
    if (sat_add(totals.model_bytes, totals.optimizer_bytes) > BYTES_MAX)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "model: a checkpoint of more than 2^62 bytes cannot be planned");
    if (config->mode == CHECKPOINT_MODE_SUBSET) {
        uint64_t grid = sat_mul((uint64_t)config->tensor_parallel * config->pipeline_parallel, config->data_parallel);

        totals.subset_ranks = world;
        totals.subset_of = grid < UINT32_MAX ? (uint32_t)grid : UINT32_MAX;
    }
    *ret = totals;
    return DLFW_OK;
}
