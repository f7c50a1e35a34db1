/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/override_rule.h"

#include <string.h>

#define TRAIN KIND_BIT(KIND_TRAINING)
#define SAVE KIND_BIT(KIND_CHECKPOINTING)
#define MAKE KIND_BIT(KIND_GENERATION)
#define ANY (TRAIN | SAVE | MAKE)

#define CLOSED_ALL                                                                                                     \
    {                                                                                                                  \
        CHANGE_CLOSED, CHANGE_CLOSED, CHANGE_CLOSED                                                                    \
    }
#define CLOSED_V3                                                                                                      \
    {                                                                                                                  \
        CHANGE_REFUSED, CHANGE_REFUSED, CHANGE_CLOSED                                                                  \
    }
#define OPEN_ALL                                                                                                       \
    {                                                                                                                  \
        CHANGE_OPEN, CHANGE_OPEN, CHANGE_OPEN                                                                          \
    }
#define OTHER_RULE                                                                                                     \
    {                                                                                                                  \
        CHANGE_ELSEWHERE, CHANGE_ELSEWHERE, CHANGE_ELSEWHERE                                                           \
    }

/* "a.*" stands for everything below a. */
static bool key_matches(const char *pattern, const char *key)
{
    size_t len = strlen(pattern);

    if (len > 2 && strcmp(pattern + len - 2, ".*") == 0)
        return strncmp(pattern, key, len - 1) == 0;
    return strcmp(pattern, key) == 0;
}

static const struct {
    const char *key;
    uint32_t kinds;
    uint32_t change[RULES_COUNT];
} table[] = {
    {"dataset.num_files_train", TRAIN | MAKE, CLOSED_ALL},
    {"dataset.num_subfolders_train", TRAIN | MAKE, CLOSED_ALL},
    {"dataset.data_folder", TRAIN | MAKE, CLOSED_ALL},
    {"reader.read_threads", TRAIN, CLOSED_ALL},
    {"reader.computation_threads", TRAIN, CLOSED_ALL},
    {"reader.transfer_size", TRAIN, CLOSED_ALL},
    {"reader.prefetch_size", TRAIN, CLOSED_ALL},
    {"reader.odirect", TRAIN, CLOSED_ALL},
    {"checkpoint.checkpoint_folder", TRAIN | SAVE, CLOSED_ALL},
    {"storage.storage_type", ANY, CLOSED_ALL},
    {"storage.storage_root", ANY, CLOSED_ALL},
    {"storage.storage_options.prefetch_window", ANY, CLOSED_V3},
    /* set by the driver of v3.0 itself, for listing and for object storage */
    {"dataset.skip_listing", TRAIN | MAKE, CLOSED_V3},
    {"dataset.listing_validation_interval", TRAIN | MAKE, CLOSED_V3},
    {"dataset.num_files_generated", TRAIN | MAKE, CLOSED_V3},
    {"storage.storage_library", ANY, CLOSED_V3},
    {"storage.storage_options.storage_library", ANY, CLOSED_V3},
    {"storage.storage_options.uri_scheme", ANY, CLOSED_V3},
    {"storage.storage_options.endpoint_url", ANY, CLOSED_V3},
    {"storage.storage_options.region", ANY, CLOSED_V3},
    /* OPEN */
    {"framework", TRAIN | MAKE, OPEN_ALL},
    {"dataset.format", TRAIN | MAKE, OPEN_ALL},
    {"dataset.num_samples_per_file", TRAIN | MAKE, OPEN_ALL},
    {"reader.data_loader", TRAIN, OPEN_ALL},
    /* what the drivers set by themselves: phases, modes and numbers of checkpoints */
    {"workflow.*", ANY, OTHER_RULE},
    {"checkpoint.mode", SAVE, OTHER_RULE},
    {"checkpoint.num_checkpoints_write", SAVE, OTHER_RULE},
    {"checkpoint.num_checkpoints_read", SAVE, OTHER_RULE},
    {"model.parallelism.data", SAVE, OTHER_RULE},
};

uint32_t override_rule_of(const char *key, uint32_t kind, const struct rule_version *version)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if ((table[i].kinds & KIND_BIT(kind)) && key_matches(table[i].key, key))
            return table[i].change[version->index];
    return CHANGE_REFUSED;
}

bool override_is_neutral(const char *key)
{
    static const char *const keys[] = {
        "model.name", "model.type", "model.model_size", "dataset.record_length", "dataset.record_length_stdev",
        "dataset.record_length_resize", "dataset.num_files_eval", "dataset.num_subfolders_eval",
        "reader.batch_size_eval", "reader.dont_use_mmap", "reader.drop_cache", "evaluation.*", "profiling.*",
        "output.folder", "output.log_file", "output.metric.formula", "workflow.*",
        "compat.sequential_order", /* what the reference does */
        /* the rules want another one for each run, see the rule "seeds" */
        "train.seed",
        /* which storage it is */
        "storage.storage_options.endpoint_url", "storage.storage_options.region",
        "storage.storage_options.access_key_id", "storage.storage_options.secret_access_key",
        "storage.storage_options.s3_force_path_style", "storage.endpoint_uris", "storage.endpoint_strategy",
        "storage.use_mpi_endpoint_distribution"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (key_matches(keys[i], key))
            return true;
    return false;
}

char *override_key_of(struct arena *arena, const char *text)
{
    const char *key = text + strspn(text, "+~");

    if (strncmp(key, "workload.", 9) == 0)
        key += 9;
    return arena_strndup(arena, key, strcspn(key, "="));
}
