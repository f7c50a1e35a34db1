/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers are bounded here so that no product in a plan can wrap: model_plan_totals refuses a model whose parts
 * together pass 2^62 bytes, and its own arithmetic saturates.
 */
#include "common/model_config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS_MAX 1000000u
#define RANKS_MAX 1000000u
#define SIZE_MAX_GIVEN (1ull << 56)
#define LIST_MAX 65536u

static const char *const type_names[] = {"fp16", "bf16", "fp32", "fp64", "int8", "uint8"};

uint32_t tensor_type_bytes(enum tensor_type type)
{
    static const uint8_t bytes[] = {2, 2, 4, 8, 1, 1};

    return bytes[type];
}

struct reading {
    const dlfw_host *host;
    const dlfw_node *map; /* NULL: absent, everything has its default */
    const char *section;  /* for messages */
    dlfw_error *err;
};

/* The value of key, NULL when absent or null. */
static const dlfw_node *find(const struct reading *r, const char *key)
{
    const dlfw_node *node = r->map ? r->host->node_get(r->map, key) : NULL;

    return node && r->host->node_kind(node) != DLFW_NODE_NULL ? node : NULL;
}

static dlfw_status refuse(const struct reading *r, const dlfw_node *node, const char *key, const char *what)
{
    char where[256] = "";

    r->host->node_where(node, where, sizeof where);
    return dlfw_fail(r->err, DLFW_E_CONFIG, "%s%s%s.%s %s", where, where[0] ? ": " : "", r->section, key, what);
}

/* The mapping below key; a section that is something else is a mistake. */
static dlfw_status enter(const struct reading *r, const char *key, const char *section, struct reading *ret)
{
    const dlfw_node *node = find(r, key);

    *ret = *r;
    ret->map = node;
    ret->section = section;
    if (node && r->host->node_kind(node) != DLFW_NODE_MAP)
        return refuse(r, node, key, "is a mapping");
    return DLFW_OK;
}

static dlfw_status read_number(const struct reading *r, const char *key, uint64_t min, uint64_t max, uint64_t fallback,
                               uint64_t *ret)
{
    const dlfw_node *node = find(r, key);
    int64_t value = 0;
    char text[96] = "is between ";
    dlfw_status st;

    *ret = fallback;
    if (!node)
        return DLFW_OK;
    st = r->host->node_i64(node, &value, r->err);
    if (st < 0)
        return st;
    if (value == -1 && fallback == 0) /* DLIO's "not set" */
        return DLFW_OK;
    if (value < 0 || (uint64_t)value < min || (uint64_t)value > max) {
        snprintf(text, sizeof text, "is between %" PRIu64 " and %" PRIu64, min, max);
        return refuse(r, node, key, text);
    }
    *ret = (uint64_t)value;
    return DLFW_OK;
}

static dlfw_status read_small(const struct reading *r, const char *key, uint64_t min, uint32_t max, uint32_t fallback,
                              uint32_t *ret)
{
    uint64_t value = 0;
    dlfw_status st = read_number(r, key, min, max, fallback, &value);

    *ret = (uint32_t)value;
    return st;
}

static dlfw_status read_type(const struct reading *r, const char *key, enum tensor_type fallback, enum tensor_type *ret)
{
    const dlfw_node *node = find(r, key);
    const char *text = node ? r->host->node_str(node, NULL) : NULL;

    *ret = fallback;
    if (!node)
        return DLFW_OK;
    for (uint32_t i = 0; text && i < sizeof type_names / sizeof *type_names; i++)
        if (strcmp(text, type_names[i]) == 0) {
            *ret = (enum tensor_type)i;
            return DLFW_OK;
        }
    return refuse(r, node, key, "is one of fp16, bf16, fp32, fp64, int8, uint8");
}

/* A list of element counts, or one count. */
static dlfw_status read_list(const struct reading *r, const char *key, uint64_t **ret, uint32_t *ret_count)
{
    const dlfw_node *node = find(r, key);
    bool is_list = node && r->host->node_kind(node) == DLFW_NODE_LIST;
    uint32_t count = is_list ? r->host->node_count(node) : node ? 1 : 0;
    dlfw_status st = DLFW_OK;

    if (count > LIST_MAX || (node && !is_list && r->host->node_kind(node) != DLFW_NODE_SCALAR))
        return refuse(r, node, key, "is a list of at most 65536 element counts");
    if (count == 0)
        return DLFW_OK;
    *ret = calloc(count, sizeof **ret);
    if (!*ret)
        return dlfw_fail(r->err, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu32 " element counts", count);
    for (uint32_t i = 0; i < count && st >= 0; i++) {
        const dlfw_node *item = is_list ? r->host->node_at(node, i) : node;

        st = r->host->node_u64(item, &(*ret)[i], r->err);
        if (st >= 0 && (*ret)[i] > SIZE_MAX_GIVEN)
            st = refuse(r, item, key, "holds element counts up to 2^56");
    }
    if (st >= 0)
        *ret_count = count;
    return st;
}

static dlfw_status read_top(const struct reading *r, struct model_config *c)
{
    const dlfw_node *type = find(r, "type");
    const char *text = type ? r->host->node_str(type, NULL) : NULL;
    bool is_transformer = text && strcmp(text, "transformer") == 0;
    dlfw_status st;

    st = read_number(r, "model_size_bytes", 0, SIZE_MAX_GIVEN, 10240, &c->blob_bytes);
    if (is_transformer)
        c->blob_bytes = 0;
    if (st >= 0)
        st = read_type(r, "model_datatype", TENSOR_FP16, &c->model_type);
    if (st >= 0)
        st = read_type(r, "optimizer_datatype", TENSOR_FP32, &c->optimizer_type);
    if (st >= 0)
        st = read_number(r, "num_layers", 0, LAYERS_MAX, 0, &c->layers);
    if (st >= 0)
        st = read_list(r, "layer_parameters", &c->layer_parameters, &c->layer_parameter_count);
    if (st >= 0)
        st = read_list(r, "optimization_groups", &c->optimization_groups, &c->optimization_group_count);
    if (st >= 0 && c->layer_parameter_count && !c->layers)
        st = refuse(r, find(r, "layer_parameters"), "layer_parameters", "needs model.num_layers above 0");
    return st;
}

static dlfw_status read_parallelism(const struct reading *top, struct model_config *c)
{
    struct reading r;
    dlfw_status st = enter(top, "parallelism", "model.parallelism", &r);

    if (st >= 0)
        st = read_small(&r, "tensor", 1, RANKS_MAX, 1, &c->tensor_parallel);
    if (st >= 0)
        st = read_small(&r, "pipeline", 1, RANKS_MAX, 1, &c->pipeline_parallel);
    if (st >= 0)
        st = read_small(&r, "data", 0, RANKS_MAX, 0, &c->data_parallel);
    if (st >= 0)
        st = read_small(&r, "zero_stage", 0, 3, 0, &c->zero_stage);
    if (st < 0)
        return st;
    if (c->layers && c->layers < c->pipeline_parallel)
        return refuse(&r, r.map, "pipeline", "must not be above model.num_layers");
    if (c->pipeline_parallel > 1 && c->zero_stage == 3)
        return refuse(&r, r.map, "zero_stage", "3 does not go with pipeline parallelism");
    if (c->mode != CHECKPOINT_MODE_SUBSET && c->data_parallel)
        return refuse(&r, r.map, "data", "can only be set with checkpoint.mode subset");
    if (c->mode == CHECKPOINT_MODE_SUBSET && !c->data_parallel)
        return dlfw_fail(r.err, DLFW_E_CONFIG, "checkpoint.mode subset needs model.parallelism.data above 0");
    return DLFW_OK;
}

static dlfw_status read_transformer(const struct reading *top, struct model_config *c)
{
    struct reading r;
    dlfw_status st = enter(top, "transformer", "model.transformer", &r);

    if (st >= 0)
        st = read_number(&r, "vocab_size", 1, UINT32_MAX, 32000, &c->vocab);
    if (st >= 0)
        st = read_number(&r, "hidden_size", 1, 1u << 24, 2048, &c->hidden);
    if (st >= 0)
        st = read_number(&r, "ffn_hidden_size", 1, UINT32_MAX, 8192, &c->ffn);
    if (st >= 0)
        st = read_number(&r, "num_attention_heads", 1, 1u << 20, 32, &c->heads);
    if (st >= 0)
        st = read_number(&r, "num_kv_heads", 1, 1u << 20, 8, &c->kv_heads);
    return st;
}

dlfw_status model_config_read(const dlfw_host *host, const dlfw_node *model, uint32_t mode, struct model_config *ret,
                              dlfw_error *reterr)
{
    bool is_map = model && host->node_kind(model) == DLFW_NODE_MAP;
    struct reading r = {.host = host, .map = is_map ? model : NULL, .section = "model", .err = reterr};
    struct model_config c = {.mode = mode};
    dlfw_status st;

    (void)find(&r, "name"); /* the report's, and the legacy model_size nobody's: known, but not used here */
    (void)find(&r, "model_size");
    st = read_top(&r, &c);
    if (st >= 0)
        st = read_parallelism(&r, &c);
    if (st >= 0)
        st = read_transformer(&r, &c);
    if (st < 0) {
        model_config_free(&c);
        return st;
    }
    *ret = c;
    return DLFW_OK;
}

void model_config_free(struct model_config *config)
{
    free(config->layer_parameters);
    free(config->optimization_groups);
    *config = (struct model_config){0};
}
