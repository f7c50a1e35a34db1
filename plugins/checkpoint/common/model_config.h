/* SPDX-License-Identifier: Apache-2.0 */
/* The run file's section `model`, read and checked on its own: what needs the number of ranks is model_plan's. */
#ifndef DLFW_CHECKPOINT_MODEL_CONFIG_H
#define DLFW_CHECKPOINT_MODEL_CONFIG_H

#include "dlfw/host.h"

enum tensor_type { TENSOR_FP16 = 0, TENSOR_BF16, TENSOR_FP32, TENSOR_FP64, TENSOR_INT8, TENSOR_UINT8 };
enum { CHECKPOINT_MODE_DEFAULT = 0, CHECKPOINT_MODE_SUBSET = 1 };

struct model_config {
    uint32_t mode;       /* CHECKPOINT_MODE_* */
    uint64_t blob_bytes; /* 0: no blob */
    enum tensor_type model_type, optimizer_type;
    uint64_t layers;            /* 0: neither formulas nor explicit layers */
    uint64_t *layer_parameters; /* explicit elements of each tensor of a layer; owned */
    uint32_t layer_parameter_count;
    uint64_t *optimization_groups; /* explicit elements of each group; owned */
    uint32_t optimization_group_count;
    uint32_t tensor_parallel, pipeline_parallel;
    uint32_t data_parallel; /* 0: not set */
    uint32_t zero_stage;
    uint64_t vocab, hidden, ffn, heads, kv_heads;
};

uint32_t tensor_type_bytes(enum tensor_type type);

/* model: NULL, null or a plain name give DLIO's defaults. mode: CHECKPOINT_MODE_*. */
dlfw_status model_config_read(const dlfw_host *host, const dlfw_node *model, uint32_t mode, struct model_config *ret,
                              dlfw_error *reterr);
void model_config_free(struct model_config *config); /* zeroed is fine */

#endif
