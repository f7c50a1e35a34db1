/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a checkpoint of a rank holds: files and their tensors, computed one by one from the model's shape, so that a
 * plan of a million tensors costs no memory. The formulas and names are DLIO's (docs: dlfw-hook-checkpoint_files(7)).
 * Invariant: what a plan says is exactly what is written, to the byte.
 */
#ifndef DLFW_CHECKPOINT_MODEL_PLAN_H
#define DLFW_CHECKPOINT_MODEL_PLAN_H

#include <stdbool.h>

#include "common/model_config.h"

#define PLAN_NAME_MAX 112u
#define PLAN_KEY_MAX 24u

/* A number of tensor key and elements; zero-sized tensors are left out beforehand. */
struct sized_tensor {
    uint32_t key;
    uint64_t elements;
};

struct model_plan {
    const struct model_config *config;
    uint32_t rank, world;
    uint32_t data_parallel; /* DP of the grid, in subset mode larger than what is written */
    uint32_t tp_rank, pp_rank, dp_rank, mp_rank;
    bool writes;                              /* false: this rank writes nothing at all */
    bool writes_model;                        /* layers; in ZeRO 1 and 2 only with dp_rank 0 */
    uint64_t first_layer, layers;             /* transformer layers of the stage; first_layer from 1 */
    bool has_embedding, has_output, has_norm; /* layers 0, L + 1, L + 2 */
    uint64_t edge_elements;                   /* of layers 0 and L + 1 */
    uint64_t norm_elements;                   /* of layer L + 2 */
    struct sized_tensor *layer_tensors;       /* of a transformer layer; owned */
    uint32_t layer_tensor_count;
    struct sized_tensor *optimizer_tensors; /* or explicit groups, which stand for two tensors each; owned */
    uint32_t optimizer_tensor_count;
    uint64_t combined_elements; /* explicit groups: of the tensor "combined", their sum */
    uint64_t file_count;
};

enum plan_file_kind {
    PLAN_FILE_BLOB = 1, /* {"a": tensor} */
    PLAN_FILE_LAYER,    /* one layer: {"0": tensor, ...} */
    PLAN_FILE_MODEL,    /* all layers of the rank: {"0": {"0": tensor, ...}, "1": {...}, ...} */
    PLAN_FILE_OPTIMIZER /* {"0": tensor, ...}; explicit groups {"0": {"a": tensor, "b": tensor}, ..., "combined":
                           tensor} */
};

struct plan_file {
    enum plan_file_kind kind;
    uint64_t index; /* among the rank's files: blob, layers in order, optimizer */
    uint64_t layer; /* LAYER */
    uint64_t tensor_count;
    uint64_t payload_bytes;
    char name[PLAN_NAME_MAX]; /* without extension; unique among all ranks */
};

struct plan_tensor {
    char group[PLAN_KEY_MAX]; /* "": the tensor stands in the file's own dict */
    char key[PLAN_KEY_MAX];
    enum tensor_type type;
    uint64_t elements;
    uint64_t bytes;
    uint64_t object; /* of its content (tensor_content.h); differs between all tensors of all ranks */
};

/* Fails with CONFIG when so many ranks do not go with the model's parallelism. */
dlfw_status model_plan_init(struct model_plan *plan, const struct model_config *config, uint32_t rank, uint32_t world,
                            dlfw_error *reterr);
void model_plan_free(struct model_plan *plan); /* zeroed is fine */

/* index < file_count */
void model_plan_file(const struct model_plan *plan, uint64_t index, struct plan_file *ret);
/* index < file->tensor_count; any order, constant time. Tensors of one group follow each other. */
void model_plan_tensor(const struct model_plan *plan, const struct plan_file *file, uint64_t index,
                       struct plan_tensor *ret);
/* With explicit layer_parameters all layers of a MODEL file are one and the same dict: the file holds its tensors once,
 * in the group of the first layer; these are the further layers that refer to it. */
uint64_t model_plan_shared_layers(const struct model_plan *plan, const struct plan_file *file);
/* Payload of all files of the rank. */
void model_plan_rank_bytes(const struct model_plan *plan, uint64_t *ret_model, uint64_t *ret_optimizer);

/* The parameters of the whole model: DLIO's formula, or what layer_parameters add up to; 0 without layers. */
uint64_t model_parameters(const struct model_config *config);

/* Of all ranks together. */
struct model_totals {
    uint64_t parameters;
    uint64_t model_bytes, optimizer_bytes;           /* payload that is written */
    uint64_t dlio_model_bytes, dlio_optimizer_bytes; /* what DLIO reports: docs say where it differs */
    uint32_t subset_ranks, subset_of;                /* 0: all */
};
dlfw_status model_plan_totals(const struct model_config *config, uint32_t world, struct model_totals *ret,
                              dlfw_error *reterr);

#endif
