/* SPDX-License-Identifier: Apache-2.0 */
/* Whole run files: stock ones, composition, mistakes with their places, rules between keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "host/option_parse.h"
#include "workload/run_config_parts.h"

static char folder[64], path[128];
static struct run_config cfg;
static struct problem_list problems;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/dlfw-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0); /* so that messages carry a short name */
    snprintf(path, sizeof path, "run.yaml");
}

static void teardown(void)
{
    run_config_free(&cfg);
    problem_list_free(&problems);
    unlink("run.yaml");
    unlink("workload/w.yaml");
    rmdir("workload");
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static dlfw_status read_args(struct run_config_args args)
{
    run_config_free(&cfg);
    problem_list_free(&problems);
    problems.strict = false;
    return run_config_read(&args, &cfg, &problems);
}

static dlfw_status read_with(const char *text, const char *const *overrides)
{
    write_file("run.yaml", text);
    return read_args((struct run_config_args){.path = "run.yaml", .overrides = overrides});
}

static dlfw_status read_text(const char *text)
{
    return read_with(text, NULL);
}

static void read_golden(const char *name, const char *const *overrides)
{
    char file[512];

    snprintf(file, sizeof file, "%s/%s.yaml", GOLDEN_DIR, name);
    ck_assert_msg(read_args((struct run_config_args){.path = file, .overrides = overrides}) == DLFW_OK, "%s: %s", name,
                  problems.count ? problems.items[0].text : "");
}

static bool has_problem(const char *text)
{
    for (uint32_t i = 0; i < problems.count; i++)
        if (strstr(problems.items[i].text, text))
            return true;
    return false;
}

START_TEST(test_golden_default)
{
    read_golden("default", NULL);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_str_eq(cfg.model.name, "default");
    ck_assert_str_eq(cfg.model.framework, "pytorch");
    ck_assert_uint_eq(cfg.model.model_size_bytes, 10240);
    ck_assert_uint_eq(cfg.workflow.evaluation, 1);
    ck_assert_uint_eq(cfg.workflow.generate_data, 0);
    ck_assert_str_eq(cfg.dataset.format, "npz");
    ck_assert_uint_eq(cfg.dataset.num_files_train, 64);
    ck_assert_uint_eq(cfg.dataset.num_files_eval, 8);
    ck_assert_uint_eq(cfg.dataset.num_subfolders_eval, 2);
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 4096);
    ck_assert_uint_eq(cfg.reader.batch_size, 4);
    ck_assert_uint_eq(cfg.reader.prefetch_size, 2);
    ck_assert_uint_eq(cfg.reader.file_shuffle, SHUFFLE_OFF);
    ck_assert_uint_eq(cfg.reader.verify, VERIFY_CHECKSUMS);
    ck_assert_uint_eq(cfg.reader.samples, SAMPLES_KEEP);
    ck_assert_uint_eq(cfg.train.epochs, 10);
    ck_assert_uint_eq(cfg.train.seed, 123);
    ck_assert_uint_eq(cfg.train.computation_time.kind, TIME_CONSTANT);
    ck_assert_double_eq(cfg.train.computation_time.a, 1.0);
    ck_assert_double_eq(cfg.evaluation.eval_time.a, 0.5);
    ck_assert_uint_eq(cfg.reader.preprocess_time.kind, TIME_NONE);
    ck_assert_str_eq(cfg.storage.storage_root, "./");
    ck_assert_ptr_null(cfg.output.folder);
    ck_assert_str_eq(cfg.output.formula, "window");
    ck_assert_double_eq(cfg.metric.au, 0.9);
    ck_assert_str_eq(cfg.hydra_output_subdir, ".hydra");
}
END_TEST

START_TEST(test_golden_unet3d)
{
    read_golden("unet3d_h100", NULL);
    /* what it says without effect: the legacy size and the resized sample; nothing else */
    ck_assert_uint_eq(problems.count, 2);
    ck_assert(
        has_problem("dataset.record_length_bytes_resize has no effect: samples are handed over as they were read"));
    ck_assert(has_problem("model.model_size has no effect: ignored by DLIO too; did you mean model_size_bytes?"));
    ck_assert_uint_eq(cfg.dataset.num_files_train, 168);
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 146600628);
    ck_assert_double_eq(cfg.dataset.record_length_bytes_stdev, 68341808);
    ck_assert_uint_eq(cfg.reader.batch_size, 7);
    ck_assert_uint_eq(cfg.reader.read_threads, 4);
    ck_assert_uint_eq(cfg.reader.file_shuffle, SHUFFLE_SEED);
    ck_assert_uint_eq(cfg.reader.sample_shuffle, SHUFFLE_SEED);
    ck_assert_double_eq(cfg.train.computation_time.a, 0.323);
    ck_assert_uint_eq(cfg.model.model_size_bytes, 10240);
    ck_assert_uint_eq(cfg.workflow.checkpoint, 1);
    ck_assert_str_eq(node_get(cfg.checkpoint, "checkpoint_folder")->text, "checkpoints/unet3d");
}
END_TEST

START_TEST(test_golden_others)
{
    read_golden("resnet50_h100", NULL);
    ck_assert_uint_eq(problems.count, 2);
    ck_assert(has_problem("reader.computation_threads has no effect"));
    ck_assert_double_eq(cfg.dataset.record_length_bytes, 114660.07);
    ck_assert_str_eq(cfg.reader.data_loader, "tensorflow");
    ck_assert_str_eq(cfg.model.type, "cnn");
    read_golden("cosmoflow_h100", NULL);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert(has_problem("reader.shuffle_size has no effect"));
    ck_assert_uint_eq(cfg.dataset.num_files_train, 524288);
    ck_assert_double_eq(cfg.metric.au, 0.7);
    read_golden("bert", NULL);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_str_eq(cfg.dataset.file_prefix, "part");
    ck_assert_int_eq(cfg.train.total_training_steps, 1000);
    ck_assert_uint_eq(cfg.train.seed_change_epoch, 0);
    ck_assert_uint_eq(cfg.reader.transfer_size, 262144);
    ck_assert_uint_eq(cfg.model.model_size_bytes, 4034713312);
    read_golden("retinanet_b200", NULL);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_str_eq(cfg.dataset.format, "jpeg");
    read_golden("llama_8b_zero3", NULL);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_uint_eq(cfg.workflow.train, 0);
    ck_assert_str_eq(node_find(cfg.model.node, "transformer.hidden_size")->text, "4096");
}
END_TEST

START_TEST(test_overrides)
{
    static const char *const overrides[] = {"++workload.dataset.num_files_train=16",
                                            "++hydra.run.dir=out/${workload.model.name}",
                                            "reader.batch_size=2",
                                            "++hydra.output_subdir=dlio_config",
                                            "~workload.checkpoint",
                                            "++workload.train.computation_time.type=uniform",
                                            "++workload.train.computation_time.min=0.1",
                                            "++workload.train.computation_time.max=0.2",
                                            "+workload.storage.storage_options.secret_access_key=hush",
                                            NULL};

    read_golden("unet3d_h100", overrides);
    ck_assert_uint_eq(cfg.dataset.num_files_train, 16);
    ck_assert_uint_eq(cfg.reader.batch_size, 2);
    ck_assert_str_eq(cfg.hydra_run_dir, "out/unet3d");
    ck_assert_str_eq(cfg.hydra_output_subdir, "dlio_config");
    ck_assert_ptr_null(cfg.checkpoint);
    ck_assert_uint_eq(cfg.train.computation_time.kind, TIME_UNIFORM);
    ck_assert_str_eq(node_get(cfg.storage.storage_options, "secret_access_key")->text, "hush");
    ck_assert_str_eq(cfg.overrides[0], "++workload.dataset.num_files_train=16");
    ck_assert_str_eq(cfg.overrides[1], "reader.batch_size=2");
    ck_assert_str_eq(cfg.overrides[6], "+workload.storage.storage_options.secret_access_key=***");
    ck_assert_ptr_null(cfg.overrides[7]);
    ck_assert_str_eq(cfg.hydra_overrides[1], "++hydra.output_subdir=dlio_config");
    ck_assert_ptr_null(cfg.hydra_overrides[2]);
}
END_TEST

START_TEST(test_config_dir)
{
    static const char *const overrides[] = {"workload=w", "++workload.train.epochs=3", NULL};
    struct run_config_args args = {.config_dir = ".", .overrides = overrides};

    mkdir("workload", 0755);
    write_file("workload/w.yaml", "model: {name: m}\ndataset: {format: npz}\n");
    ck_assert_int_eq(read_args(args), DLFW_OK);
    ck_assert_str_eq(cfg.workload_name, "w");
    ck_assert_str_eq(cfg.model.name, "m");
    ck_assert_str_eq(cfg.config_path, "./workload/w.yaml");
    ck_assert_str_eq(cfg.overrides[0], "workload=w");
    ck_assert_uint_eq(cfg.train.epochs, 3);
    args.config_dir = NULL;
    ck_assert_int_eq(read_args(args), DLFW_E_CONFIG);
    ck_assert(has_problem("workload=NAME needs --config-dir DIR"));
    args = (struct run_config_args){.config_dir = "."};
    ck_assert_int_eq(read_args(args), DLFW_E_CONFIG);
    ck_assert(has_problem("--config-dir needs workload=NAME"));
    args = (struct run_config_args){.path = "run.yaml", .config_dir = ".", .overrides = overrides};
    ck_assert_int_eq(read_args(args), DLFW_E_CONFIG);
    ck_assert(has_problem("not both"));
    args = (struct run_config_args){.path = "absent.yaml"};
    ck_assert_int_eq(read_args(args), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert(has_problem("absent.yaml"));
}
END_TEST

START_TEST(test_workload_root)
{
    ck_assert_int_eq(read_text("workload:\n  train: {epochs: 7}\n"), DLFW_OK);
    ck_assert_uint_eq(cfg.train.epochs, 7);
    ck_assert_int_eq(read_text("workload:\n  train: {epochs: 7}\nreader: {batch_size: 2}\n"), DLFW_OK);
    ck_assert_uint_eq(cfg.reader.batch_size, 1);
    ck_assert(has_problem("run.yaml:3:1: reader has no effect: only what is below 'workload' counts"));
}
END_TEST

static const struct {
    const char *value;
    uint32_t means;
} shuffles[] = {
    {"off", SHUFFLE_OFF},       {"Off", SHUFFLE_OFF},  {"false", SHUFFLE_OFF}, {"False", SHUFFLE_OFF},
    {"no", SHUFFLE_OFF},        {"none", SHUFFLE_OFF}, {"null", SHUFFLE_OFF},  {"'off'", SHUFFLE_OFF},
    {"seed", SHUFFLE_SEED},     {"on", SHUFFLE_SEED},  {"yes", SHUFFLE_SEED},  {"True", SHUFFLE_SEED},
    {"random", SHUFFLE_RANDOM},
};

START_TEST(test_shuffles)
{
    char text[128];

    snprintf(text, sizeof text, "reader: {file_shuffle: %s, sample_shuffle: %s}\n", shuffles[_i].value,
             shuffles[_i].value);
    ck_assert_int_eq(read_text(text), DLFW_OK);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_uint_eq(cfg.reader.file_shuffle, shuffles[_i].means);
    ck_assert_uint_eq(cfg.reader.sample_shuffle, shuffles[_i].means);
}
END_TEST

static const struct {
    const char *text, *message;
    bool is_error;
} single[] = {
    {"reader:\n  batch_siez: 4\n", "run.yaml:2:3: reader.batch_siez is not a known key; did you mean 'batch_size'?",
     false},
    {"raeder:\n  batch_size: 4\n", "run.yaml:1:1: raeder is not a known key; did you mean 'reader'?", false},
    {"model:\n  transformer:\n    hiden_size: 4\n",
     "run.yaml:3:5: model.transformer.hiden_size is not a known key; did you mean 'hidden_size'?", false},
    {"dataset: {format: npz, record_length: 4096}\n",
     "run.yaml:1:24: dataset.record_length has no effect: ignored by DLIO too; did you mean record_length_bytes? "
     "compat.legacy_keys: true gives it that meaning",
     false},
    {"reader:\n  batch_size: 4\n  batch_size: 5\n", "run.yaml:3:3: duplicate key 'batch_size', first in line 2", true},
    {"reader:\n\tbatch_size: 4\n", "run.yaml:2:1: a tab cannot indent; use spaces", true},
    {"reader:\n  batch_size: four\n", "run.yaml:2:15: reader.batch_size: 'four' is not a whole number", true},
    {"reader:\n  batch_size: 0\n", "run.yaml:2:15: reader.batch_size: '0' is below the minimum 1", true},
    {"reader:\n  batch_size: -4\n", "run.yaml:2:15: reader.batch_size: '-4' is negative", true},
    {"reader:\n  batch_size: 010\n", "run.yaml:2:15: reader.batch_size: '010' begins with a zero", true},
    {"reader:\n  sample_shuffle: sed\n",
     "run.yaml:2:19: reader.sample_shuffle: 'sed' is none of off, seed, random; did you mean 'seed'?", true},
    {"reader:\n  data_loader: pytorhc\n", "run.yaml:2:16: reader.data_loader: 'pytorhc' is none of", true},
    {"framework: torch\n", "run.yaml:1:12: framework: 'torch' is none of tensorflow, pytorch", true},
    {"train:\n  epochs: 0\n", "run.yaml:2:11: train.epochs: '0' is below the minimum 1", true},
    {"train:\n  seed: 4294967296\n", "run.yaml:2:9: train.seed: '4294967296' is above the maximum 4294967295", true},
    {"train: 5\n", "run.yaml:1:8: train: a mapping of keys is wanted here", true},
    {"metric: {au: 90}\n", "run.yaml:1:14: metric.au: '90' is above the maximum 1", true},
    {"output: {metric: {formula: dlio1}}\n", "run.yaml:1:28: output.metric.formula: 'dlio1' is none of window, dlio2",
     true},
    {"dataset: {record_element_type: int7}\n", "run.yaml:1:32: dataset.record_element_type: 'int7' is none of", true},
    {"dataset: {record_dims: [4, x]}\n", "run.yaml:1:28: 'x' is not a whole number", true},
    {"dataset: {record_dims: [0]}\n", "run.yaml:1:25: dataset.record_dims: a dimension must be at least 1", true},
    {"dataset: {record_dims: [4000000000, 4000000000]}\n",
     "run.yaml:1:24: dataset.record_dims: a sample of more than 10^15 bytes", true},
    {"dataset: {record_dims: [4, 4], record_length_bytes_stdev: 1}\n",
     "run.yaml:1:24: dataset.record_dims fixes the shape, so record_length_bytes_stdev must be 0", true},
    {"dataset: {format: jpeg, record_dims: [4, 4, 3]}\n",
     "run.yaml:1:38: jpeg format does not support more than 2 dimensions, but got 3 dimensions", true},
    {"dataset: {format: jpeg, record_element_type: float32}\n",
     "run.yaml:1:46: jpeg images have uint8 elements; record_element_type is ignored", false},
    {"dataset: {format: hdf5, record_dims: [4, 4], hdf5: {num_dset_per_record: 3}}\n",
     "run.yaml:1:74: dataset.record_dims[0] must be a multiple of hdf5.num_dset_per_record", true},
    {"dataset: {num_files_train: 0}\n", "run.yaml:1:28: workflow.train is on, but dataset.num_files_train is 0", true},
    {"dataset: {num_files_train: 8, num_files_generated: 7}\n",
     "run.yaml:1:52: dataset.num_files_generated is below dataset.num_files_train", true},
    {"reader: {read_type: memory}\n",
     "run.yaml:1:10: reader.read_type has no effect: every sample is read from the storage in every epoch", false},
    {"reader: {listing_threads: 8}\n",
     "run.yaml:1:10: reader.listing_threads has no effect: one thread of one rank lists", false},
    {"reader: {seed: 8}\n", "run.yaml:1:10: reader.seed is not a known key", false}, /* as in DLIO: train.seed */
    {"workflow: {profiling: yes}\nprofiling: {profiler: tensorboard}\n",
     "run.yaml:2:23: profiling.profiler 'tensorboard' profiles TensorFlow, which is not used here", true},
    {"workflow: {profiling: yes}\nprofiling: {profiler: darshan}\n",
     "run.yaml:2:23: profiling.profiler 'darshan' needs its library: start dlfw with LD_PRELOAD=libdarshan.so", true},
    {"profiling: {iostat_devices: [sda, -x]}\n", "run.yaml:1:29: profiling.iostat_devices: '-x' is no name of a device",
     true},
    {"storage: {post_generation_settle_seconds: -1}\n",
     "run.yaml:1:43: storage.post_generation_settle_seconds: '-1' is below the minimum 0", true},
    {"workflow: {evaluation: yes}\n", "workflow.evaluation is on, but dataset.num_files_eval is 0", false},
    {"workflow: {train: no, evaluation: yes}\ndataset: {num_files_eval: 8}\n",
     "run.yaml:1:35: workflow.evaluation has no effect without workflow.train, as in DLIO: nothing is read", false},
    {"reader: {data_loader: pytorch}\n",
     "run.yaml:1:23: reader.data_loader 'pytorch' does not go with framework 'tensorflow'; change one of them", true},
    {"framework: pytorch\nreader: {data_loader: tensorflow}\n",
     "run.yaml:2:23: reader.data_loader 'tensorflow' does not go with", true},
    {"reader: {data_loader: custom}\n", "run.yaml:1:23: reader.data_loader 'custom' needs reader.data_loader_sampler",
     true},
    {"hooks: {metrics: {}}\n", "run.yaml:1:8: hooks: a list of {name: {options}} is wanted", true},
    {"dataset: {format: npz, npz: 5}\n", "run.yaml:1:29: dataset.npz: a mapping of the format's options is wanted",
     true},
    {"model: unet\n", "run.yaml:1:8: model: a plain string names nothing", false},
    {"[1, 2]\n", "run.yaml:1:1: sections are wanted here", true},
    {"", "run.yaml:1:1: the configuration is empty", true},
    {"data_reader: {batch_size: 2}\nreader: {batch_size: 3}\n",
     "run.yaml:2:9: reader has no effect: data_reader is there too, and it wins", false},
    {"data_reader: {batch_sise: 2}\n",
     "run.yaml:1:15: data_reader.batch_sise is not a known key; did you mean 'batch_size'?", false},
    {"reader: {memory_budget: lots}\n", "run.yaml:1:25: reader.memory_budget: 'lots' is not a size", true},
    {"train: {computation_time: soon}\n", "run.yaml:1:27: 'soon' is not a number", true},
    {"output: {folder: '${model.nam}'}\n", "run.yaml:1:18: '${model.nam}': there is no key 'model.nam'", true},
};

START_TEST(test_single_problem)
{
    dlfw_status st = read_text(single[_i].text);

    ck_assert_int_eq(st, single[_i].is_error ? DLFW_E_CONFIG : DLFW_OK);
    ck_assert_msg(problems.count == 1, "%s: %u problems, second: %s", single[_i].text, problems.count,
                  problems.count > 1 ? problems.items[1].text : "");
    ck_assert_msg(strstr(problems.items[0].text, single[_i].message) == problems.items[0].text ||
                      (single[_i].message[0] == 'w' && strstr(problems.items[0].text, single[_i].message)),
                  "got '%s', want '%s'", problems.items[0].text, single[_i].message);
    ck_assert_int_eq(problems.items[0].is_error, single[_i].is_error);
}
END_TEST

#define CHECKPOINT "framework: pytorch\nworkflow: {train: off, checkpoint: on}\n"

static const struct {
    const char *text, *message;
} checkpoints[] = {
    {CHECKPOINT "model: {num_layers: 4, parallelism: {pipeline: 8}}\n",
     "run.yaml:3:21: model.num_layers (4) must not be below parallelism.pipeline (8)"},
    {CHECKPOINT "model: {parallelism: {pipeline: 2, zero_stage: 3}}\n",
     "ZeRO stage 3 does not go with pipeline parallelism"},
    {CHECKPOINT "model: {parallelism: {data: 2}}\n",
     "model.parallelism.data can only be set with checkpoint.mode subset"},
    {CHECKPOINT "checkpoint: {mode: subset}\n", "checkpoint.mode subset needs model.parallelism.data above 0"},
    {CHECKPOINT "checkpoint: {num_checkpoints_write: 2, num_checkpoints_read: 3}\n",
     "checkpoint.num_checkpoints_read (3) must not be above num_checkpoints_write (2)"},
    {CHECKPOINT "checkpoint: {ksm: {}}\n", "checkpoint.ksm needs checkpoint.randomize_tensor: false"},
};

START_TEST(test_checkpoint_rules)
{
    ck_assert_int_eq(read_text(checkpoints[_i].text), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_msg(has_problem(checkpoints[_i].message), "%s", problems.items[0].text);
}
END_TEST

START_TEST(test_everything_at_once)
{
    static const char *const overrides[] = {"++train.epochs=many", "reader.nothing=1", "++a,b=1", NULL};

    ck_assert_int_eq(read_with("reader: {batch_siez: 4, batch_size: x, verify: maybe}\ntrain: {seed: -1}\n"
                               "output: {folder: '${oc.env:DLFWTEST_UNSET}'}\nnonsense: 1\n",
                               overrides),
                     DLFW_E_CONFIG);
    ck_assert(has_problem("run.yaml:1:10: reader.batch_siez"));
    ck_assert(has_problem("run.yaml:1:37: reader.batch_size: 'x'"));
    ck_assert(has_problem("reader.verify: 'maybe' is none of none, checksums, sample, all"));
    ck_assert(has_problem("run.yaml:2:15: train.seed: '-1'"));
    ck_assert(has_problem("run.yaml:3:18: the environment variable 'DLFWTEST_UNSET' is not set"));
    ck_assert(has_problem("run.yaml:4:1: nonsense is not a known key"));
    ck_assert(has_problem("override 1 ('++train.epochs=many'): train.epochs: 'many' is not a whole number"));
    ck_assert(has_problem("override 2 ('reader.nothing=1'): there is no key"));
    ck_assert(has_problem("override 3 ('++a,b=1'): ',' cannot be part of a key"));
    ck_assert_uint_eq(problems.count, 9);
    ck_assert_uint_eq(problems.errors, 7);
}
END_TEST

START_TEST(test_strict)
{
    struct run_config_args args = {.path = "run.yaml", .strict = true};

    write_file("run.yaml", "reader: {batch_siez: 4}\n");
    ck_assert_int_eq(read_args(args), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 1);
    write_file("run.yaml", "model: {model_size: 4}\n");
    ck_assert_int_eq(read_args(args), DLFW_OK);
    ck_assert_uint_eq(problems.count, 1);
}
END_TEST

START_TEST(test_own_keys)
{
    ck_assert_int_eq(
        read_text(
            "framework: pytorch\n"
            "reader: {memory_budget: 2GiB, queue_depth: 32, verify: all, delivery: unordered, samples: stream,\n"
            "  drop_cache: yes, odirect: on, read_threads: 0, preprocess_time: 0.001}\n"
            "storage: {wrap: [{delay: {latency: 1ms}}], retry: {max_attempts: 3}, durable: true, storage_options: {x: "
            "1}}\n"
            "output: {folder: out, metric: {formula: dlio2, exclude_start_steps: 0}}\n"
            "content: {seed: 42}\ncompat: {sequential_order: true}\n"
            "hooks: [{metrics: {file: m.csv}}]\n"
            "dataset: {format: other, other: {level: 3}, record_dims: [4, 5, 6], record_element_type: float64}\n"),
        DLFW_OK);
    ck_assert_msg(problems.count == 0, "%s", problems.count ? problems.items[0].text : "");
    ck_assert_str_eq(cfg.reader.data_loader, "pytorch"); /* derived */
    ck_assert_uint_eq(cfg.reader.memory_budget, 2ull << 30);
    ck_assert_uint_eq(cfg.reader.queue_depth, 32);
    ck_assert_uint_eq(cfg.reader.verify, VERIFY_ALL);
    ck_assert_uint_eq(cfg.reader.delivery, DELIVERY_UNORDERED);
    ck_assert_uint_eq(cfg.reader.samples, SAMPLES_STREAM);
    ck_assert_uint_eq(cfg.reader.drop_cache, 1);
    ck_assert_uint_eq(cfg.reader.odirect, 1);
    ck_assert_uint_eq(cfg.reader.read_threads, 0);
    ck_assert_double_eq(cfg.reader.preprocess_time.a, 0.001);
    ck_assert_uint_eq(cfg.storage.wrap->kind, DLFW_NODE_LIST);
    ck_assert_str_eq(node_get(cfg.storage.retry, "max_attempts")->text, "3");
    ck_assert_uint_eq(cfg.storage.durable, 1);
    ck_assert_str_eq(cfg.output.formula, "dlio2");
    ck_assert_uint_eq(cfg.output.exclude_start_steps, 0);
    ck_assert_uint_eq(cfg.content.seed, 42);
    ck_assert_uint_eq(cfg.compat.sequential_order, 1);
    ck_assert_uint_eq(cfg.hooks->count, 1);
    ck_assert_str_eq(node_get(cfg.dataset.format_options, "level")->text, "3");
    ck_assert_uint_eq(cfg.dataset.record_dims.count, 3);
    ck_assert_uint_eq(cfg.dataset.record_dims.values[2], 6);
    ck_assert_uint_eq(cfg.dataset.record_element_type, DLFW_DTYPE_FLOAT64);
}
END_TEST

/* Keys of DLIO's later engine. */
START_TEST(test_later_keys)
{
    ck_assert_int_eq(read_text("workflow: {profiling: yes, generate_data: yes}\n"
                               "profiling: {iostat_devices: [nvme0n1, sda]}\n"
                               "reader: {write_threads: 6}\nstorage: {post_generation_settle_seconds: 2.5}\n"
                               "dataset: {num_files_train: 16, num_files_generated: 168}\n"),
                     DLFW_OK);
    ck_assert_msg(problems.count == 0, "%s", problems.count ? problems.items[0].text : "");
    ck_assert_uint_eq(cfg.profiling.profiler, PROFILER_IOSTAT);
    ck_assert_uint_eq(cfg.profiling.iostat_devices.count, 2);
    ck_assert_str_eq(cfg.profiling.iostat_devices.items[1], "sda");
    ck_assert_uint_eq(cfg.reader.write_threads, 6);
    ck_assert_double_eq(cfg.storage.post_generation_settle_seconds, 2.5);
    ck_assert_uint_eq(cfg.dataset.num_files_generated, 168);
    ck_assert_int_eq(read_text("profiling: {iostat_devices: sda}\n"), DLFW_OK); /* one may stand alone */
    ck_assert_str_eq(cfg.profiling.iostat_devices.items[0], "sda");
    ck_assert_uint_eq(cfg.reader.write_threads, 0);
    ck_assert_uint_eq(cfg.workflow.profiling, 0);
}
END_TEST

START_TEST(test_known)
{
    static const char *const known[] = {"framework",
                                        "reader",
                                        "reader.batch_size",
                                        "data_reader.batch_size",
                                        "hooks.0.metrics",
                                        "model.parallelism.tensor",
                                        "checkpoint.ksm.await_time",
                                        "checkpoint.option_of_a_plugin",
                                        "output.metric.formula",
                                        "storage.storage_options.region",
                                        "train.computation_time.mean",
                                        "dataset.npz.x",
                                        "dataset.record_dims.0"};
    static const char *const unknown[] = {"",
                                          "x",
                                          "reader.batch_siez",
                                          "reader.batch_size.x",
                                          "readers.batch_size",
                                          "dataset.x.y",
                                          "model.parallelism.x"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_msg(run_config_known(known[i]), "%s", known[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_msg(!run_config_known(unknown[i]), "%s", unknown[i]);
}
END_TEST

START_TEST(test_tables)
{
    for (uint32_t i = 0; i < run_section_count; i++) {
        const struct section *s = &run_sections[i];
        struct error_slot err;

        error_slot_init(&err);
        ck_assert_msg(option_table_check(s->rows->rows, s->rows->count, (uint32_t)sizeof cfg - s->offset, &err.e) ==
                          DLFW_OK,
                      "%s: %s", s->path, err.text);
    }
}
END_TEST

START_TEST(test_environment_is_checked)
{
    setenv("DLFW_SEDE", "1", 1);
    ck_assert_int_eq(read_text("model: {}\n"), DLFW_E_CONFIG);
    ck_assert(has_problem("environment: 'DLFW_SEDE' is not a variable of dlfw; did you mean 'DLFW_SEED'?"));
    unsetenv("DLFW_SEDE");
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("run_config");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_golden_default);
    tcase_add_test(tcase, test_golden_unet3d);
    tcase_add_test(tcase, test_golden_others);
    tcase_add_test(tcase, test_overrides);
    tcase_add_test(tcase, test_config_dir);
    tcase_add_test(tcase, test_workload_root);
    tcase_add_loop_test(tcase, test_shuffles, 0, COUNT(shuffles));
    tcase_add_loop_test(tcase, test_single_problem, 0, COUNT(single));
    tcase_add_loop_test(tcase, test_checkpoint_rules, 0, COUNT(checkpoints));
    tcase_add_test(tcase, test_everything_at_once);
    tcase_add_test(tcase, test_strict);
    tcase_add_test(tcase, test_own_keys);
    tcase_add_test(tcase, test_later_keys);
    tcase_add_test(tcase, test_known);
    tcase_add_test(tcase, test_tables);
    tcase_add_test(tcase, test_environment_is_checked);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
