/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DLIO's sizing: divisions round down, one after the other, in the order tensor parallelism, ZeRO. A rank's plan is a
 * handful of numbers; files and tensors are looked up in it by index.
 */
#include "common/model_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/saturate.h"

#define ELEMENTS_MAX (1ull << 56)
#define BYTES_MAX (1ull << 62)
#define FNV_OFFSET 0xcbf29ce484222325ull
#define FNV_PRIME 0x00000100000001b3ull

/* Keys and values of attention, per token. */
static uint64_t kv_width(const struct model_config *c)
{
    return sat_mul(c->hidden / c->heads, c->kv_heads);
}

static uint64_t attention_in(const struct model_config *c)
{
    return sat_mul(c->hidden, sat_add(c->hidden, sat_mul(2, kv_width(c))));
}

uint64_t model_parameters(const struct model_config *c)
{
    uint64_t layer = 0;

    if (!c->layers)
        return 0;
    if (c->layer_parameter_count) {
        for (uint32_t i = 0; i < c->layer_parameter_count; i++)
            layer = sat_add(layer, c->layer_parameters[i]);
        return sat_mul(layer, c->layers);
    }
    layer = sat_add(2 * c->hidden, attention_in(c));
    layer = sat_add(layer, sat_mul(c->hidden, c->hidden));
    layer = sat_add(layer, sat_mul(3 * c->hidden, c->ffn));
    return sat_add(sat_add(sat_mul(2 * c->vocab, c->hidden), sat_mul(c->layers, layer)), c->hidden);
}

static uint32_t model_ranks(const struct model_config *c)
{
    return c->tensor_parallel * c->pipeline_parallel;
}

static bool has_explicit_groups(const struct model_config *c)
{
    return c->optimization_group_count > 0;
}

static bool has_explicit_layers(const struct model_config *c)
{
    return c->layer_parameter_count > 0;
}

/* Keeps what of elements[0..count) is not zero after the division, with its place as key. */
static dlfw_status keep_sized(const uint64_t *elements, uint32_t count, uint64_t divisor, struct sized_tensor **ret,
                              uint32_t *ret_count, dlfw_error *reterr)
{
    *ret = calloc(count, sizeof **ret);
    if (!*ret)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a plan of %" PRIu32 " tensors", count);
    for (uint32_t i = 0; i < count; i++)
        if (elements[i] / divisor)
            (*ret)[(*ret_count)++] = (struct sized_tensor){i, elements[i] / divisor};
    return DLFW_OK;
}

static dlfw_status plan_layer_tensors(struct model_plan *p, dlfw_error *reterr)
{
    const struct model_config *c = p->config;
    const uint64_t tp = c->tensor_parallel, z = c->zero_stage == 3 ? p->data_parallel : 1;
    const uint64_t h = c->hidden, attention = attention_in(c);
    const uint64_t formula[] = {h / z, attention / tp / z,      h * h / tp / z,
                                h / z, 2 * h * c->ffn / tp / z, h * c->ffn / tp / z};

    if (has_explicit_layers(c))
        return keep_sized(c->layer_parameters, c->layer_parameter_count, tp, &p->layer_tensors, &p->layer_tensor_count,
                          reterr);
    p->edge_elements = h * c->vocab / tp / z;
    p->norm_elements = h / z;
    return keep_sized(formula, 6, 1, &p->layer_tensors, &p->layer_tensor_count, reterr);
}

/* The stage's share of the transformer layers: the first L mod PP stages have one more. */
static void plan_stage(struct model_plan *p)
{
    const struct model_config *c = p->config;
    const uint64_t q = c->layers / c->pipeline_parallel, rem = c->layers % c->pipeline_parallel, stage = p->pp_rank;
    const bool is_last = stage == c->pipeline_parallel - 1;

    p->layers = stage < rem ? q + 1 : q;
    p->first_layer = stage < rem ? stage * (q + 1) + 1 : rem * (q + 1) + (stage - rem) * q + 1;
    if (!p->layer_tensor_count)
        p->layers = 0;
    p->has_embedding = stage == 0 && p->edge_elements > 0;
    p->has_output = is_last && p->edge_elements > 0;
    p->has_norm = is_last && p->norm_elements > 0;
}

static dlfw_status plan_optimizer(struct model_plan *p, dlfw_error *reterr)
{
    const struct model_config *c = p->config;
    const uint64_t shards = (uint64_t)model_ranks(c) * (c->zero_stage >= 1 ? p->data_parallel : 1);
    const uint64_t part = model_parameters(c) / shards, whole = 5 * c->hidden;
    const uint64_t formula[] = {part, whole, part, whole, part, whole};

    if (has_explicit_groups(c)) {
        for (uint32_t i = 0; i < c->optimization_group_count; i++)
            p->combined_elements = sat_add(p->combined_elements, c->optimization_groups[i]);
        return keep_sized(c->optimization_groups, c->optimization_group_count, 1, &p->optimizer_tensors,
                          &p->optimizer_tensor_count, reterr);
    }
    if (!c->layers)
        return DLFW_OK;
    return keep_sized(formula, 6, 1, &p->optimizer_tensors, &p->optimizer_tensor_count, reterr);
}

/* Whether layers have a file each. */
static bool splits_layers(const struct model_config *c)
{
    return (c->zero_stage == 1 || c->zero_stage == 2) && c->pipeline_parallel > 1;
}

static uint64_t owned_layers(const struct model_plan *p)
{
    return p->layers + p->has_embedding + p->has_output + p->has_norm;
}

static bool has_blob(const struct model_plan *p)
{
    return p->writes && p->config->blob_bytes > 0;
}

static uint64_t layer_files(const struct model_plan *p)
{
    if (!p->writes_model || !owned_layers(p))
        return 0;
    return splits_layers(p->config) ? owned_layers(p) : 1;
}

static bool has_optimizer(const struct model_plan *p)
{
    return p->writes && p->optimizer_tensor_count > 0;
}

static dlfw_status check_ranks(const struct model_config *c, uint32_t world, dlfw_error *reterr)
{
    const uint64_t mp = (uint64_t)c->tensor_parallel * c->pipeline_parallel;

    if (mp > UINT32_MAX)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "model.parallelism: tensor times pipeline is above 2^32 ranks");
    if (c->mode == CHECKPOINT_MODE_SUBSET && sat_mul(mp, c->data_parallel) < world)
        return dlfw_fail(reterr, DLFW_E_CONFIG,
                         "model.parallelism describes %" PRIu64
                         " ranks (data times tensor times pipeline), the run has "
                         "%" PRIu32,
                         mp * c->data_parallel, world);
    if (c->mode != CHECKPOINT_MODE_SUBSET && world % mp != 0)
        return dlfw_fail(reterr, DLFW_E_CONFIG,
                         "%" PRIu32 " ranks are no multiple of model.parallelism tensor times pipeline (%" PRIu64
                         "): run with such a number of ranks, or set checkpoint.mode: subset and "
                         "model.parallelism.data",
                         world, mp);
    if (model_parameters(c) > ELEMENTS_MAX)
        return dlfw_fail(reterr, DLFW_E_CONFIG, "model: more than 2^56 parameters cannot be planned");
    return DLFW_OK;
}

static void place(struct model_plan *p)
{
    const struct model_config *c = p->config;
    const uint32_t mp = model_ranks(c);

    p->data_parallel = c->mode == CHECKPOINT_MODE_SUBSET ? c->data_parallel : p->world / mp;
    p->tp_rank = p->rank % c->tensor_parallel;
    p->pp_rank = p->rank / c->tensor_parallel % c->pipeline_parallel;
    p->mp_rank = p->rank % mp;
    p->dp_rank = p->rank / mp;
    p->writes = c->zero_stage > 0 || p->dp_rank == 0;
    p->writes_model = p->writes && (c->zero_stage == 0 || c->zero_stage == 3 || p->dp_rank == 0);
}

dlfw_status model_plan_init(struct model_plan *plan, const struct model_config *config, uint32_t rank, uint32_t world,
                            dlfw_error *reterr)
{
    struct model_plan p = {.config = config, .rank = rank, .world = world};
    uint64_t model = 0, optimizer = 0;
    dlfw_status st = check_ranks(config, world, reterr);

    if (st < 0)
        return st;
    place(&p);
    if (config->layers) {
        st = plan_layer_tensors(&p, reterr);
        if (st < 0)
            goto out;
        plan_stage(&p);
    }
    st = plan_optimizer(&p, reterr);
    if (st < 0)
        goto out;
    p.file_count = (has_blob(&p) ? 1 : 0) + layer_files(&p) + (has_optimizer(&p) ? 1 : 0);
    model_plan_rank_bytes(&p, &model, &optimizer);
    if (sat_add(model, optimizer) > BYTES_MAX)
        st = dlfw_fail(reterr, DLFW_E_CONFIG, "model: more than 2^62 bytes on a rank cannot be planned");
out:
    if (st < 0)
        model_plan_free(&p);
    else
        *plan = p;
    return st;
}

void model_plan_free(struct model_plan *plan)
{
    free(plan->layer_tensors);
    free(plan->optimizer_tensors);
    *plan = (struct model_plan){0};
}

static enum tensor_type layer_type(const struct model_config *c)
{
    return has_explicit_layers(c) ? TENSOR_INT8 : c->model_type;
}

static enum tensor_type optimizer_type(const struct model_config *c)
{
    return has_explicit_groups(c) ? TENSOR_INT8 : c->optimizer_type;
}

static uint64_t sum(const struct sized_tensor *list, uint32_t count)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < count; i++)
        total = sat_add(total, list[i].elements);
    return total;
}

/* The i-th layer that the rank owns. */
static uint64_t owned_layer(const struct model_plan *p, uint64_t i)
{
    if (p->has_embedding && i-- == 0)
        return 0;
    if (i < p->layers)
        return p->first_layer + i;
    return p->config->layers + 1 + (i - p->layers) + (p->has_output ? 0 : 1);
}

/* Elements and tensors of a layer. */
static uint64_t layer_elements(const struct model_plan *p, uint64_t layer, uint64_t *ret_tensors)
{
    *ret_tensors = 1;
    if (layer == 0 || layer == p->config->layers + 1)
        return p->edge_elements;
    if (layer == p->config->layers + 2)
        return p->norm_elements;
    *ret_tensors = p->layer_tensor_count;
    return sum(p->layer_tensors, p->layer_tensor_count);
}

/* Layers whose tensors are written: explicit ones are all the same dict, which a file holds once. */
static uint64_t stored_layers(const struct model_plan *p)
{
    return has_explicit_layers(p->config) && p->layers && !splits_layers(p->config) ? 1 : p->layers;
}

static uint64_t edge_tensors(const struct model_plan *p)
{
    return (uint64_t)p->has_embedding + p->has_output + p->has_norm;
}

static uint64_t model_elements(const struct model_plan *p)
{
    uint64_t edges = (p->has_embedding ? p->edge_elements : 0) + (p->has_output ? p->edge_elements : 0) +
                     (p->has_norm ? p->norm_elements : 0);

    return sat_add(edges, sat_mul(stored_layers(p), sum(p->layer_tensors, p->layer_tensor_count)));
}

static uint64_t optimizer_elements(const struct model_plan *p)
{
    uint64_t groups = sum(p->optimizer_tensors, p->optimizer_tensor_count);

    return has_explicit_groups(p->config) ? sat_add(sat_mul(2, groups), p->combined_elements) : groups;
}

void model_plan_rank_bytes(const struct model_plan *p, uint64_t *ret_model, uint64_t *ret_optimizer)
{
    *ret_model = has_blob(p) ? p->config->blob_bytes : 0;
    *ret_optimizer = 0;
    if (p->writes_model)
        *ret_model = sat_add(*ret_model, sat_mul(model_elements(p), tensor_type_bytes(layer_type(p->config))));
    if (has_optimizer(p))
        *ret_optimizer = sat_mul(optimizer_elements(p), tensor_type_bytes(optimizer_type(p->config)));
}

static void fill_layer_file(const struct model_plan *p, uint64_t index, struct plan_file *ret)
{
    uint64_t elements;

    if (splits_layers(p->config)) {
        ret->kind = PLAN_FILE_LAYER;
        ret->layer = owned_layer(p, index);
        elements = layer_elements(p, ret->layer, &ret->tensor_count);
        snprintf(ret->name, sizeof ret->name, "layer_%" PRIu64 "-model_%" PRIu32 "_model_states", ret->layer,
                 p->mp_rank);
    } else {
        ret->kind = PLAN_FILE_MODEL;
        ret->tensor_count = edge_tensors(p) + stored_layers(p) * p->layer_tensor_count;
        elements = model_elements(p);
        if (p->config->zero_stage == 1 || p->config->zero_stage == 2)
            snprintf(ret->name, sizeof ret->name, "model_%" PRIu32 "_model_states", p->mp_rank);
        else
            snprintf(ret->name, sizeof ret->name, "zero_pp_rank_%" PRIu32 "_mp_rank_%" PRIu32 "_model_states",
                     p->dp_rank, p->mp_rank);
    }
    ret->payload_bytes = elements * tensor_type_bytes(layer_type(p->config));
}

static void fill_optimizer_file(const struct model_plan *p, struct plan_file *ret)
{
    ret->kind = PLAN_FILE_OPTIMIZER;
    ret->tensor_count =
        has_explicit_groups(p->config) ? 2ull * p->optimizer_tensor_count + 1 : p->optimizer_tensor_count;
    ret->payload_bytes = optimizer_elements(p) * tensor_type_bytes(optimizer_type(p->config));
    snprintf(ret->name, sizeof ret->name, "zero_pp_rank_%" PRIu32 "_mp_rank_%" PRIu32 "_optim_states", p->dp_rank,
             p->mp_rank);
}

void model_plan_file(const struct model_plan *p, uint64_t index, struct plan_file *ret)
{
    *ret = (struct plan_file){.index = index};
    if (has_blob(p)) {
        if (index == 0) {
            ret->kind = PLAN_FILE_BLOB;
            ret->tensor_count = 1;
            ret->payload_bytes = p->config->blob_bytes;
            snprintf(ret->name, sizeof ret->name, "model_states-%" PRIu32, p->rank);
            return;
        }
        index--;
    }
    if (index < layer_files(p))
        fill_layer_file(p, index, ret);
    else
        fill_optimizer_file(p, ret);
}

static void fill_layer_tensor(const struct model_plan *p, uint64_t layer, uint64_t index, struct plan_tensor *ret)
{
    const bool is_edge = layer == 0 || layer > p->config->layers;
    uint64_t tensors;

    ret->type = layer_type(p->config);
    ret->elements = is_edge ? layer_elements(p, layer, &tensors) : p->layer_tensors[index].elements;
    snprintf(ret->key, sizeof ret->key, "%" PRIu32, is_edge ? 0 : p->layer_tensors[index].key);
}

static void fill_model_tensor(const struct model_plan *p, uint64_t index, struct plan_tensor *ret)
{
    uint64_t first = p->has_embedding ? 1 : 0, inner = stored_layers(p) * p->layer_tensor_count, layer;

    if (index < first) {
        layer = 0;
    } else if (index - first < inner) {
        layer = p->first_layer + (index - first) / p->layer_tensor_count;
        index = (index - first) % p->layer_tensor_count;
    } else {
        layer = owned_layer(p, first + p->layers + (index - first - inner));
    }
    fill_layer_tensor(p, layer, index, ret);
    snprintf(ret->group, sizeof ret->group, "%" PRIu64, layer);
}

static void fill_optimizer_tensor(const struct model_plan *p, uint64_t index, struct plan_tensor *ret)
{
    const bool has_groups = has_explicit_groups(p->config);
    const struct sized_tensor *t = &p->optimizer_tensors[has_groups ? index / 2 : index];

    ret->type = optimizer_type(p->config);
    if (has_groups && index == 2ull * p->optimizer_tensor_count) {
        ret->elements = p->combined_elements;
        snprintf(ret->key, sizeof ret->key, "combined");
        return;
    }
    ret->elements = t->elements;
    snprintf(has_groups ? ret->group : ret->key, PLAN_KEY_MAX, "%" PRIu32, t->key);
    if (has_groups)
        snprintf(ret->key, sizeof ret->key, "%s", index % 2 ? "b" : "a");
}

/* FNV-1a of "FILE/GROUP/KEY" */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * FNV_PRIME;
    return (h ^ '/') * FNV_PRIME;
}

void model_plan_tensor(const struct model_plan *p, const struct plan_file *file, uint64_t index,
                       struct plan_tensor *ret)
{
    ret->group[0] = ret->key[0] = '\0';
    switch (file->kind) {
    case PLAN_FILE_BLOB:
        ret->type = TENSOR_INT8;
        ret->elements = p->config->blob_bytes;
        snprintf(ret->key, sizeof ret->key, "a");
        break;
    case PLAN_FILE_LAYER:
        fill_layer_tensor(p, file->layer, index, ret);
        break;
    case PLAN_FILE_MODEL:
        fill_model_tensor(p, index, ret);
        break;
    case PLAN_FILE_OPTIMIZER:
        fill_optimizer_tensor(p, index, ret);
        break;
    }
    ret->bytes = ret->elements * tensor_type_bytes(ret->type);
    ret->object = hash_text(hash_text(hash_text(FNV_OFFSET, file->name), ret->group), ret->key);
}

uint64_t model_plan_shared_layers(const struct model_plan *p, const struct plan_file *file)
{
    return file->kind == PLAN_FILE_MODEL ? p->layers - stored_layers(p) : 0;
}
