/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmarks of MLPerf Storage with the values that make them what they are. They are compiled in, so that an
 * edited workload file does not become the measure of itself. */
#ifndef DLFW_CORE_RULES_STOCK_H
#define DLFW_CORE_RULES_STOCK_H

#include "rules/rule_version.h"

enum { KIND_TRAINING = 0, KIND_CHECKPOINTING, KIND_GENERATION, KIND_COUNT };
#define KIND_BIT(kind) (1u << (kind))

struct stock_value {
    const char *key; /* "reader.batch_size"; NULL ends a list */
    const char *value;
};

struct benchmark {
    const char *model;
    const char *accelerator; /* NULL: checkpoints, which have none */
    uint32_t kind;           /* KIND_TRAINING or KIND_CHECKPOINTING */
    uint32_t versions;       /* RULES_BIT of those whose divisions take it */
    const char *names[4];    /* what model.name may say */
    double au_percent;       /* at least */
    const struct stock_value *common, *own;
    /* checkpoints only */
    uint32_t processes;    /* of a CLOSED run */
    uint32_t grid;         /* tensor x pipeline parallelism */
    double checkpoint_gib; /* of all processes */
    double subset_gib;     /* of eight processes in subset mode */
};

extern const struct benchmark benchmarks[];
extern const uint32_t benchmark_count;

bool benchmark_is_named(const struct benchmark *benchmark, const char *model_name);
/* The value of a key; NULL when the definition does not say, which means the default. */
const char *benchmark_value(const struct benchmark *benchmark, const char *key);
/* Why a model that is known belongs to no division; NULL: there is nothing to say about it. */
const char *model_outside(const char *model_name);

#endif
