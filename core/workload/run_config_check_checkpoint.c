/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules between the model's parallelism and the checkpoint section. Those that need the number of ranks are checked
 * where ranks are known.
 */
#include <string.h>

#include "host/option_parse.h"
#include "workload/run_config_parts.h"

/* A whole number of the run file, or fallback; a wrong one has been reported by the table. */
static int64_t number(const struct run_config *cfg, const char *path, int64_t fallback)
{
    const dlfw_node *node = config_node(cfg, path);
    dlfw_error quiet = {.struct_size = sizeof quiet};
    int64_t value = fallback;

    return node && node_to_i64(node, &value, &quiet) >= 0 ? value : fallback;
}

static void check_parallelism(const struct run_config *cfg, struct problem_list *problems)
{
    int64_t layers = number(cfg, "model.num_layers", -1);
    int64_t pipeline = number(cfg, "model.parallelism.pipeline", 1);
    int64_t data = number(cfg, "model.parallelism.data", -1);
    const char *mode = node_to_str(config_node(cfg, "checkpoint.mode"));
    bool subset = mode && strcmp(mode, "subset") == 0;

    if (layers > 0 && layers < pipeline)
        config_problem(cfg, problems, true, "model.num_layers",
                       "model.num_layers (%lld) must not be below parallelism.pipeline (%lld)", (long long)layers,
                       (long long)pipeline);
    if (pipeline > 1 && number(cfg, "model.parallelism.zero_stage", 0) == 3)
        config_problem(cfg, problems, true, "model.parallelism.zero_stage",
                       "model.parallelism: ZeRO stage 3 does not go with pipeline parallelism");
    if (!subset && data != -1)
        config_problem(cfg, problems, true, "model.parallelism.data",
                       "model.parallelism.data can only be set with checkpoint.mode subset");
    if (subset && data <= 0)
        config_problem(cfg, problems, true, "model.parallelism.data",
                       "checkpoint.mode subset needs model.parallelism.data above 0");
}

static void check_memory_merging(const struct run_config *cfg, struct problem_list *problems)
{
    const dlfw_node *randomize = config_node(cfg, "checkpoint.randomize_tensor");
    dlfw_error quiet = {.struct_size = sizeof quiet};
    uint8_t random = 1;

    if (randomize)
        (void)node_to_bool(randomize, &random, &quiet);
    if (random && !node_is_null(node_find(cfg->tree.root, "checkpoint.ksm")))
        config_problem(cfg, problems, true, "checkpoint.ksm",
                       "checkpoint.ksm needs checkpoint.randomize_tensor: false");
}

bool run_config_checkpoint_key(const char *key)
{
    return strcmp(key, "ksm") == 0 || option_find(rows_checkpoint.rows, rows_checkpoint.count, key);
}

bool run_config_is_dead(const char *section, const char *key)
{
    for (uint32_t i = 0; i < run_section_count; i++) {
        const struct section *s = &run_sections[i];
        const dlfw_option *row = strcmp(s->path, section) == 0 ? option_find(s->rows->rows, s->rows->count, key) : NULL;

        if (row && strncmp(row->help, SCHEMA_DEAD, strlen(SCHEMA_DEAD)) == 0)
            return true;
    }
    return false;
}

void run_config_check_checkpoint(const struct run_config *cfg, struct problem_list *problems)
{
    int64_t writes = number(cfg, "checkpoint.num_checkpoints_write", -1);
    int64_t reads = number(cfg, "checkpoint.num_checkpoints_read", -1);

    check_parallelism(cfg, problems);
    check_memory_merging(cfg, problems);
    if (writes > 0 && reads > writes)
        config_problem(cfg, problems, true, "checkpoint.num_checkpoints_read",
                       "checkpoint.num_checkpoints_read (%lld) must not be above num_checkpoints_write (%lld)",
                       (long long)reads, (long long)writes);
}
