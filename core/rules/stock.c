/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published definitions. A key that is missing here has DLIO's default. Versions: the bits of those rules that take
 * the benchmark; later ones keep the older accelerators for what-if runs only.
 */
#include "rules/stock.h"

#include <string.h>

#define V12 (RULES_BIT(RULES_V1) | RULES_BIT(RULES_V2))
#define V23 (RULES_BIT(RULES_V2) | RULES_BIT(RULES_V3))
#define V3 RULES_BIT(RULES_V3)

static const struct stock_value unet3d[] = {{"framework", "pytorch"},
                                            {"dataset.data_folder", "data/unet3d"},
                                            {"dataset.format", "npz"},
                                            {"dataset.num_samples_per_file", "1"},
                                            {"dataset.record_length_bytes", "146600628"},
                                            {"dataset.record_length_bytes_stdev", "68341808"},
                                            {"dataset.record_length_bytes_resize", "2097152"},
                                            {"reader.data_loader", "pytorch"},
                                            {"reader.batch_size", "7"},
                                            {"reader.read_threads", "4"},
                                            {"reader.file_shuffle", "seed"},
                                            {"reader.sample_shuffle", "seed"},
                                            {"train.epochs", "5"},
                                            {"checkpoint.checkpoint_folder", "checkpoints/unet3d"},
                                            {"checkpoint.checkpoint_after_epoch", "5"},
                                            {"checkpoint.epochs_between_checkpoints", "2"},
                                            {"metric.au", "0.90"},
                                            {NULL, NULL}};
static const struct stock_value unet3d_a100[] = {
    {"dataset.num_files_train", "168"}, {"train.computation_time", "0.636"}, {NULL, NULL}};
static const struct stock_value unet3d_h100[] = {
    {"dataset.num_files_train", "168"}, {"train.computation_time", "0.323"}, {NULL, NULL}};
static const struct stock_value unet3d_b200[] = {
    {"dataset.num_files_train", "7200"}, {"train.computation_time", "0.162"}, {NULL, NULL}};

static const struct stock_value resnet50[] = {{"framework", "tensorflow"},
                                              {"dataset.data_folder", "data/resnet50"},
                                              {"dataset.format", "tfrecord"},
                                              {"dataset.num_files_train", "1024"},
                                              {"dataset.num_samples_per_file", "1251"},
                                              {"dataset.record_length_bytes", "114660.07"},
                                              {"dataset.record_length_bytes_resize", "150528"},
                                              {"reader.data_loader", "tensorflow"},
                                              {"reader.batch_size", "400"},
                                              {"reader.read_threads", "8"},
                                              {"reader.computation_threads", "8"},
                                              {"train.epochs", "5"},
                                              {"metric.au", "0.90"},
                                              {NULL, NULL}};
static const struct stock_value resnet50_a100[] = {{"train.computation_time", "0.435"}, {NULL, NULL}};
static const struct stock_value resnet50_h100[] = {{"train.computation_time", "0.224"}, {NULL, NULL}};

static const struct stock_value cosmoflow[] = {{"framework", "tensorflow"},
                                               {"dataset.data_folder", "data/cosmoflow"},
                                               {"dataset.format", "tfrecord"},
                                               {"dataset.num_files_train", "524288"},
                                               {"dataset.num_samples_per_file", "1"},
                                               {"dataset.record_length_bytes", "2828486"},
                                               {"dataset.record_length_bytes_stdev", "71311"},
                                               {"reader.data_loader", "tensorflow"},
                                               {"reader.batch_size", "1"},
                                               {"reader.read_threads", "4"},
                                               {"reader.file_shuffle", "seed"},
                                               {"reader.sample_shuffle", "seed"},
                                               {"reader.shuffle_size", "2"},
                                               {"train.epochs", "5"},
                                               {"metric.au", "0.70"},
                                               {NULL, NULL}};
static const struct stock_value cosmoflow_a100[] = {{"train.computation_time", "0.00551"}, {NULL, NULL}};
static const struct stock_value cosmoflow_h100[] = {{"train.computation_time", "0.00350"}, {NULL, NULL}};

static const struct stock_value retinanet[] = {{"framework", "pytorch"},
                                               {"dataset.data_folder", "data/retinanet"},
                                               {"dataset.format", "jpeg"},
                                               {"dataset.num_files_train", "1170301"},
                                               {"dataset.num_samples_per_file", "1"},
                                               {"dataset.record_length_bytes", "322957"},
                                               {"reader.data_loader", "pytorch"},
                                               {"reader.read_threads", "8"},
                                               {"reader.file_shuffle", "seed"},
                                               {"reader.sample_shuffle", "seed"},
                                               {"train.epochs", "8"},
                                               {"metric.au", "0.85"},
                                               {NULL, NULL}};
static const struct stock_value retinanet_b200[] = {
    {"reader.batch_size", "24"}, {"train.computation_time", "0.04755"}, {NULL, NULL}};
static const struct stock_value retinanet_mi355[] = {
    {"reader.batch_size", "32"}, {"train.computation_time", "0.0634"}, {NULL, NULL}};

static const struct stock_value llama[] = {{"framework", "pytorch"},
                                           {"model.type", "transformer"},
                                           {"model.model_datatype", "fp16"},
                                           {"model.optimizer_datatype", "fp32"},
                                           {"checkpoint.time_between_checkpoints", "5"},
                                           {"checkpoint.num_checkpoints_write", "10"},
                                           {"checkpoint.num_checkpoints_read", "10"},
                                           {"checkpoint.fsync", "true"},
                                           {NULL, NULL}};
#define LLAMA(name, layers, tp, pp, zero, hidden, ffn, heads, kv)                                                      \
    static const struct stock_value name[] = {{"model.num_layers", layers},                                            \
                                              {"model.parallelism.tensor", tp},                                        \
                                              {"model.parallelism.pipeline", pp},                                      \
                                              {"model.parallelism.zero_stage", zero},                                  \
                                              {"model.transformer.vocab_size", "128256"},                              \
                                              {"model.transformer.hidden_size", hidden},                               \
                                              {"model.transformer.ffn_hidden_size", ffn},                              \
                                              {"model.transformer.num_attention_heads", heads},                        \
                                              {"model.transformer.num_kv_heads", kv},                                  \
                                              {NULL, NULL}}
LLAMA(llama_8b, "32", "1", "1", "3", "4096", "14336", "32", "8");
LLAMA(llama_70b, "80", "8", "1", "3", "8192", "28672", "128", "8");
LLAMA(llama_405b, "126", "8", "32", "1", "16384", "53248", "128", "8");
LLAMA(llama_1t, "128", "8", "64", "1", "25872", "98304", "192", "32");

#define TRAINING(model, accelerator, bits, au)                                                                         \
    {                                                                                                                  \
#model, #accelerator, KIND_TRAINING, bits, {#model }, au, model, model##_##accelerator, 0, 0, 0, 0             \
    }

const struct benchmark benchmarks[] = {
    TRAINING(unet3d, a100, V12, 90),
    TRAINING(unet3d, h100, V12, 90),
    TRAINING(unet3d, b200, V3, 90),
    TRAINING(resnet50, a100, V12, 90),
    TRAINING(resnet50, h100, V12, 90),
    TRAINING(cosmoflow, a100, V12, 70),
    TRAINING(cosmoflow, h100, V12, 70),
    TRAINING(retinanet, b200, V3, 85),
    TRAINING(retinanet, mi355, V3, 85),
    {"llama3-8b",
     NULL,
     KIND_CHECKPOINTING,
     V23,
     {"llama_8b", "llama3_8b", "llama3-8b", "llama_8b_zero3"},
     0,
     llama,
     llama_8b,
     8,
     1,
     104.7045,
     104.7045},
    {"llama3-70b",
     NULL,
     KIND_CHECKPOINTING,
     V23,
     {"llama_70b", "llama3_70b", "llama3-70b", "llama_70b_zero3"},
     0,
     llama,
     llama_70b,
     64,
     8,
     911.2121,
     113.9015},
    {"llama3-405b",
     NULL,
     KIND_CHECKPOINTING,
     V23,
     {"llama_405b", "llama3_405b", "llama3-405b"},
     0,
     llama,
     llama_405b,
     512,
     256,
     5292.2487,
     98.5447},
    {"llama3-1t",
     NULL,
     KIND_CHECKPOINTING,
     V23,
     {"llama_1t", "llama3_1t", "llama3-1t"},
     0,
     llama,
     llama_1t,
     1024,
     512,
     15426.5893,
     143.7239},
};
const uint32_t benchmark_count = sizeof benchmarks / sizeof benchmarks[0];

bool benchmark_is_named(const struct benchmark *benchmark, const char *model_name)
{
    for (size_t i = 0; i < sizeof benchmark->names / sizeof benchmark->names[0]; i++)
        if (benchmark->names[i] && strcmp(benchmark->names[i], model_name) == 0)
            return true;
    return false;
}

const char *benchmark_value(const struct benchmark *benchmark, const char *key)
{
    const struct stock_value *lists[] = {benchmark->own, benchmark->common};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct stock_value *v = lists[i]; v->key; v++)
            if (strcmp(v->key, key) == 0)
                return v->value;
    return NULL;
}

const char *model_outside(const char *model_name)
{
    static const struct {
        const char *model, *reason;
    } outside[] = {
        {"dlrm", "defined for v3.0 (at least 70 % utilization), but no division takes it"},
        {"flux", "defined for v3.0 (at least 90 % utilization), but no division takes it"},
        {"bert", "a benchmark of v0.5, whose rules are not known here"},
    };

    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (strcmp(outside[i].model, model_name) == 0)
            return outside[i].reason;
    return NULL;
}
