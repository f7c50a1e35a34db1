/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_version.h"

#include <string.h>

static const struct rule_version versions[RULES_COUNT] = {
    {.name = "1.0",
     .index = RULES_V1,
     .config_folder = "configs",
     .runs = 5,
     .unet3d_checkpoints = true,
     .accelerator_gb = 80,
     .training_models = "unet3d, resnet50 and cosmoflow on a100 or h100",
     .checkpoint_models = "none"},
    {.name = "2.0",
     .index = RULES_V2,
     .config_folder = "dlio_config",
     .runs = 5,
     .unet3d_checkpoints = true,
     .accelerator_gb = 80,
     .training_models = "unet3d, resnet50 and cosmoflow on a100 or h100",
     .checkpoint_models = "llama3-8b, llama3-70b, llama3-405b and llama3-1t"},
    {.name = "3.0",
     .index = RULES_V3,
     .rounds_up = true,
     .config_folder = "dlio_config",
     .runs = 5,
     .counts_warm_up = true,
     .separate_file_systems = true,
     .subset_of_8b_only = true,
     .open_changes_counts = true,
     .phase_gap_seconds = 30,
     .accelerator_gb = 180,
     .training_models = "unet3d and retinanet on b200 or mi355",
     .checkpoint_models = "llama3-8b, llama3-70b, llama3-405b and llama3-1t"},
};

/* Sections of the rules' texts; NULL: the rule is not numbered there. ours: no rule of MLPerf Storage. */
static const struct {
    const char *name;
    const char *section[RULES_COUNT];
    bool ours;
} rules[RULE_TOTAL] = {
    [RULE_BENCHMARK] = {"benchmark", {NULL, "2.1 and 2.2.1", "2.1.11 and 2.1.21"}, false},
    [RULE_PHASE] = {"phase", {NULL, "7", "2.1.12"}, false},
    [RULE_DEFINITION] = {"definition", {NULL, "10", "3.6 and 4.6"}, false},
    [RULE_OVERRIDES] = {"overrides", {NULL, "10", "3.6.2, 3.6.3 and 4.6.3"}, false},
    [RULE_SIZE] = {"dataset size", {NULL, "7", "3.1.2"}, false},
    [RULE_ODIRECT] = {"direct I/O", {NULL, "10.1", "3.6.2"}, false},
    [RULE_UNET3D_CHECKPOINTS] = {"checkpoints of unet3d", {NULL, NULL, NULL}, false},
    [RULE_HOSTS] = {"accelerators per host", {NULL, "9 and 2.2.1", "3.3.6 and 4.6.2"}, false},
    [RULE_FILE_SYSTEMS] = {"separate file systems", {NULL, NULL, "3.4.2 and 4.4.2"}, false},
    [RULE_PROCESSES] = {"checkpoint processes", {NULL, "2.2.1 and 2.2.5", "4.6.1, 4.6.4 and 4.3.5"}, false},
    [RULE_COUNTS] = {"numbers of checkpoints", {NULL, "2.2.5", "4.6.4"}, false},
    [RULE_FSYNC] = {"fsync", {NULL, "2.2.2", "4.3.2"}, false},
    [RULE_ACCELERATOR_MEMORY] = {"accelerator memory", {NULL, "2.2.1", "4.3.4"}, false},
    [RULE_CACHE] = {"caches", {NULL, "6.6 and 2.2.2", "4.3.1 and 4.7.1"}, false},
    [RULE_FILES] = {"files of a run", {NULL, "11.1", "2.1.19, 2.1.20 and 2.1.25"}, false},
    [RULE_COMPLETE] = {"complete run", {NULL, NULL, NULL}, true},
    [RULE_AU] = {"accelerator utilization", {NULL, "4 and 11", "3.3.2"}, false},
    [RULE_CODE] = {"benchmark code", {NULL, "10.1 and 10.2", "1 and 3.6.1"}, false},
    [RULE_RUNS] = {"number of runs", {NULL, "3 and 6.6", "2.1.17"}, false},
    [RULE_SAME] = {"same system and workload", {NULL, "3", "2.1.9"}, false},
    [RULE_SEED] = {"seeds", {NULL, "6.6", NULL}, false},
    [RULE_SPREAD] = {"replicability", {NULL, "6.7", NULL}, false},
    [RULE_CONSECUTIVE] = {"consecutive runs", {NULL, "3", "2.1.18"}, false},
    [RULE_SEQUENCE] = {"checkpoint sequence", {NULL, "2.2.2", "4.7.1"}, false},
};

const struct rule_version *rule_version_find(const char *name)
{
    for (uint32_t i = 0; i < RULES_COUNT; i++)
        if (strcmp(name, versions[i].name) == 0 || (strlen(name) == 1 && name[0] == versions[i].name[0]))
            return &versions[i];
    return NULL;
}

const char *rule_name(uint32_t rule)
{
    return rules[rule].name;
}

const char *rule_source(struct arena *arena, uint32_t rule, const struct rule_version *version)
{
    const char *section = rules[rule].section[version->index];

    if (rules[rule].ours)
        return "dlfw";
    return arena_format(arena, "MLPerf Storage v%s rules%s%s", version->name, section ? ", " : "",
                        section ? section : "");
}
