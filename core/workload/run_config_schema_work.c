/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the sections that say what is done with the data: reader, train, evaluation, checkpoint, storage,
 * output and the small ones.
 */
#include "workload/run_config_parts.h"

#define READER PART(reader)
#define TRAIN PART(train)
#define EVALUATION PART(evaluation)
#define STORAGE PART(storage)
#define OUTPUT PART(output)
#define PROFILING PART(profiling)
#define METRIC PART(metric)
#define CONTENT PART(content)
#define COMPAT PART(compat)

#define NO_PYTHON SCHEMA_DEAD "it names a Python class, and the loader is dlfw's own"
#define NO_WORKERS SCHEMA_DEAD "read threads share one address space; there are no worker processes"

static const char *const shuffles[] = {"off", "seed", "random", NULL};
static const char *const verify_modes[] = {"none", "checksums", "sample", "all", NULL};
static const char *const deliveries[] = {"ordered", "unordered", NULL};
static const char *const sample_modes[] = {"keep", "stream", NULL};
static const char *const samplers[] = {"iterative", "index", "none", NULL};
static const char *const read_types[] = {"on_demand", "memory", NULL};
static const char *const file_accesses[] = {"multi", "shared", "collective", "mpio", "posix", NULL};
static const char *const contexts[] = {"fork", "spawn", "forkserver", NULL};
static const char *const checkpoint_types[] = {"rank_zero", "all_ranks", NULL};
static const char *const checkpoint_modes[] = {"default", "subset", NULL};
static const char *const endpoint_strategies[] = {"round_robin", "least_connections", "latency", NULL};
static const char *const profilers[] = {"none", "iostat", "darshan", "tensorboard", NULL};

static const dlfw_option reader[] = {
    DLFW_OPT_STR(READER, data_loader,
                 .help = "tensorflow, pytorch, dali, native_dali, synthetic, custom or none; absent: from framework"),
    UNBOUND(DLFW_TYPE_STR, "data_loader_classname", .help = NO_PYTHON),
    UNBOUND(DLFW_TYPE_ENUM, "data_loader_sampler", .choices = samplers,
            .help = "derived from data_loader; needed with data_loader custom"),
    UNBOUND(DLFW_TYPE_STR, "reader_classname", .help = NO_PYTHON),
    DLFW_OPT_U64(READER, read_threads, .def = "1", .max = "4096",
                 .help = "reading threads; 0: one, which reads a batch when it is asked for"),
    UNBOUND(DLFW_TYPE_U64, "computation_threads", .def = "1",
            .help = SCHEMA_DEAD "samples are decoded by the read threads"),
    DLFW_OPT_U64(READER, batch_size, .def = "1", .min = "1", .max = "4294967295", .help = "samples per step and rank"),
    DLFW_OPT_U64(READER, batch_size_eval, .def = "1", .min = "1", .max = "4294967295",
                 .help = "samples per evaluation step and rank"),
    DLFW_OPT_U64(READER, prefetch_size, .def = "2", .max = "1000000", .help = "batches that are read ahead"),
    DLFW_OPT_ENUM(READER, file_shuffle, .def = "off", .choices = shuffles, .help = "order of the files"),
    DLFW_OPT_ENUM(READER, sample_shuffle, .def = "off", .choices = shuffles, .help = "order of the samples"),
    DLFW_OPT_U64(READER, shuffle_size, .def = "1024",
                 .help = SCHEMA_DEAD "shuffling permutes all samples; there is no shuffle buffer"),
    UNBOUND(DLFW_TYPE_ENUM, "read_type", .def = "on_demand", .choices = read_types,
            .help = SCHEMA_DEAD "every sample is read from the storage in every epoch"),
    UNBOUND(DLFW_TYPE_ENUM, "file_access", .def = "multi", .choices = file_accesses,
            .help = SCHEMA_DEAD "ignored by DLIO too"),
    DLFW_OPT_SIZE(READER, transfer_size, .min = "512", .max = "1GiB",
                  .help = "bytes per read request; absent: the engine's choice"),
    DLFW_OPT_BOOL(READER, odirect, .def = "false", .help = "read past the page cache, with the direct backend"),
    UNBOUND(DLFW_TYPE_BOOL, "dont_use_mmap", .def = "false", .help = SCHEMA_DEAD "files are never mapped for reading"),
    UNBOUND(DLFW_TYPE_ENUM, "multiprocessing_context", .def = "fork", .choices = contexts, .help = NO_WORKERS),
    UNBOUND(DLFW_TYPE_BOOL, "pin_memory", .def = "true", .help = SCHEMA_DEAD "samples are not copied to a GPU"),
    UNBOUND(DLFW_TYPE_NODE, "preprocess_time",
            .help = "seconds per sample, in the read thread: a number or a distribution"),
    UNBOUND(DLFW_TYPE_F64, "preprocess_time_stdev", .help = "standard deviation of preprocess_time"),
    UNBOUND(DLFW_TYPE_LIST_STR, "transformed_record_dims",
            .help = SCHEMA_DEAD "samples are handed over as they were read"),
    UNBOUND(DLFW_TYPE_ENUM, "transformed_record_element_type", .def = "uint8", .choices = dtype_names,
            .help = SCHEMA_DEAD "samples are handed over as they were read"),
    DLFW_OPT_U64(READER, write_threads, .def = "0", .max = "1024",
                 .help = "threads per rank that generate; 0: as many as CPUs, at most 32"),
    UNBOUND(DLFW_TYPE_U64, "listing_threads", .def = "4",
            .help = SCHEMA_DEAD "one thread of one rank lists; dataset.skip_listing lists nothing"),
    DLFW_OPT_SIZE(READER, memory_budget, .def = "0", .help = "bytes of sample memory; 0: from what is available"),
    DLFW_OPT_U64(READER, queue_depth, .def = "0", .max = "65535",
                 .help = "requests in flight per read thread; 0: the backend's preference"),
    DLFW_OPT_ENUM(READER, verify, .def = "checksums", .choices = verify_modes,
                  .help = "what is checked of the bytes that were read"),
    DLFW_OPT_ENUM(READER, delivery, .def = "ordered", .choices = deliveries,
                  .help = "batches in order, or as they become full"),
    DLFW_OPT_ENUM(READER, samples, .def = "keep", .choices = sample_modes,
                  .help = "keep samples until their step, or only measure the reading"),
    DLFW_OPT_BOOL(READER, drop_cache, .def = "false", .help = "read bytes leave the page cache"),
};

static const dlfw_option train[] = {
    DLFW_OPT_U64(TRAIN, epochs, .def = "1", .min = "1", .max = "1000000000", .help = "epochs"),
    UNBOUND(DLFW_TYPE_NODE, "computation_time", .help = "seconds per step: a number or a distribution"),
    UNBOUND(DLFW_TYPE_F64, "computation_time_stdev", .help = "standard deviation of computation_time"),
    DLFW_OPT_I64(TRAIN, total_training_steps, .def = "-1", .help = "at most so many steps in each epoch; -1: all"),
    DLFW_OPT_U64(TRAIN, seed, .def = "123", .max = "4294967295", .help = "seed of shuffles and of drawn times"),
    DLFW_OPT_BOOL(TRAIN, seed_change_epoch, .def = "true", .help = "seed + epoch instead of seed"),
};

static const dlfw_option evaluation[] = {
    UNBOUND(DLFW_TYPE_NODE, "eval_time", .help = "seconds per evaluation step: a number or a distribution"),
    UNBOUND(DLFW_TYPE_F64, "eval_time_stdev", .help = "standard deviation of eval_time"),
    DLFW_OPT_U64(EVALUATION, eval_after_epoch, .def = "1", .min = "1", .help = "first epoch with an evaluation"),
    DLFW_OPT_U64(EVALUATION, epochs_between_evals, .def = "1", .min = "1",
                 .help = "epochs from one evaluation to the next"),
};

/* Bound to nothing: the hook that takes the checkpoints reads them, and may have more. */
static const dlfw_option checkpoint[] = {
    UNBOUND(DLFW_TYPE_STR, "plugin", .def = "checkpoint_files",
            .help = "the hook that takes the checkpoints; the section's other keys are its options"),
    UNBOUND(DLFW_TYPE_URI, "checkpoint_folder", .def = "./checkpoints/", .help = "where checkpoints go"),
    UNBOUND(DLFW_TYPE_U64, "checkpoint_after_epoch", .def = "1", .min = "1", .help = "first epoch with a checkpoint"),
    UNBOUND(DLFW_TYPE_U64, "epochs_between_checkpoints", .def = "1", .min = "1",
            .help = "epochs from one checkpoint to the next"),
    UNBOUND(DLFW_TYPE_I64, "steps_between_checkpoints", .def = "-1", .min = "-1",
            .help = "from 0 on: by steps instead of epochs"),
    UNBOUND(DLFW_TYPE_ENUM, "type", .def = "rank_zero", .choices = checkpoint_types,
            .help = SCHEMA_DEAD "ignored by DLIO too"),
    UNBOUND(DLFW_TYPE_ENUM, "mode", .def = "default", .choices = checkpoint_modes,
            .help = "all ranks, or a subset of a larger job"),
    UNBOUND(DLFW_TYPE_BOOL, "fsync", .def = "false", .help = "a checkpoint counts when it is durable"),
    UNBOUND(DLFW_TYPE_F64, "time_between_checkpoints", .def = "-1",
            .help = "seconds between checkpoints of a checkpoint-only run"),
    UNBOUND(DLFW_TYPE_I64, "num_checkpoints_write", .def = "-1", .min = "-1",
            .help = "checkpoints to write in a checkpoint-only run"),
    UNBOUND(DLFW_TYPE_I64, "num_checkpoints_read", .def = "-1", .min = "-1",
            .help = "checkpoints to read in a checkpoint-only run"),
    UNBOUND(DLFW_TYPE_BOOL, "recovery_rank_shift", .def = "false", .help = "read the files of the next host's ranks"),
    UNBOUND(DLFW_TYPE_BOOL, "rank_sync", .def = "false", .help = "a barrier inside the timed region"),
    UNBOUND(DLFW_TYPE_BOOL, "randomize_tensor", .def = "true", .help = "false: every element is one"),
    UNBOUND(DLFW_TYPE_STR, "checkpoint_mechanism_classname", .help = SCHEMA_DEAD "it names a Python class"),
};

static const dlfw_option ksm[] = {
    UNBOUND(DLFW_TYPE_U64, "madv_mergeable_id", .def = "12", .help = "madvise number"),
    UNBOUND(DLFW_TYPE_F64, "high_ram_trigger", .def = "30.0", .help = "percent of memory"),
    UNBOUND(DLFW_TYPE_F64, "low_ram_exit", .def = "15", .help = "percent of memory"),
    UNBOUND(DLFW_TYPE_U64, "await_time", .def = "200", .help = "seconds"),
};

static const dlfw_option storage[] = {
    DLFW_OPT_STR(STORAGE, storage_type, .def = "local_fs",
                 .help = "local_fs, direct_fs, s3, aistore, or a backend plugin; a URI's scheme wins"),
    DLFW_OPT_URI(STORAGE, storage_root, .def = "./", .help = "root of data_folder"),
    DLFW_OPT_NODE(STORAGE, storage_options, .help = "options of the backend plugin"),
    UNBOUND(DLFW_TYPE_STR, "storage_library", .help = SCHEMA_DEAD "the scheme of the URI picks the plugin"),
    DLFW_OPT_F64(STORAGE, post_generation_settle_seconds, .def = "0", .min = "0", .max = "86400",
                 .help = "seconds between generation and training, on object stores"),
    /* the engine's, which also takes them from storage_options */
    UNBOUND(DLFW_TYPE_NODE, "endpoint_uris",
            .help = "servers or locations with the same objects: a list, one text with commas, or a file with one per "
                    "line; {01...10} are ten"),
    UNBOUND(DLFW_TYPE_ENUM, "endpoint_strategy", .def = "round_robin", .choices = endpoint_strategies,
            .help = "which of endpoint_uris gets the next request"),
    UNBOUND(DLFW_TYPE_ENUM, "load_balance_strategy", .choices = endpoint_strategies,
            .help = "another name of endpoint_strategy, as MLPerf Storage's files have it"),
    UNBOUND(DLFW_TYPE_BOOL, "use_mpi_endpoint_distribution", .def = "false",
            .help = "each rank uses one endpoint only, the one at its number modulo their count"),
    UNBOUND(DLFW_TYPE_STR, "split", .def = "auto",
            .help = "large reads as ranges in parallel: auto (by measured gain, where requests are streams), off, or "
                    "bytes of a part"),
    UNBOUND(DLFW_TYPE_STR, "size_cache", .def = "auto",
            .help =
                "how long sizes of objects are remembered: auto (60s where requests are streams, else off), off, or "
                "a duration"),
    DLFW_OPT_NODE(STORAGE, wrap,
                  .help =
                      "wrappers around the backend: a list of {delay|error|throttle: {...}}, the first one outermost"),
    DLFW_OPT_NODE(STORAGE, retry, .help = "{max_attempts, backoff, max_backoff, timeout}"),
    DLFW_OPT_BOOL(STORAGE, durable, .def = "false", .help = "generated files are synced before they count as written"),
};

static const dlfw_option output[] = {
    DLFW_OPT_PATH(OUTPUT, folder, .help = "results folder; absent: hydra.run.dir, else ./hydra_log/<model>/<time>"),
    DLFW_OPT_PATH(OUTPUT, log_file, .def = "dlio.log", .help = "name of the log in that folder"),
};

static const dlfw_option output_metric[] = {
    DLFW_OPT_U64(OUTPUT, exclude_start_steps, .def = "1",
                 .help = "steps at the start of a block that metrics leave out"),
    DLFW_OPT_U64(OUTPUT, exclude_end_steps, .def = "0", .help = "steps at its end"),
    DLFW_OPT_STR(OUTPUT, formula, .def = "window",
                 .help = "window: steps and time of the same window; dlio2: DLIO 2's n - 2 steps"),
};

static const dlfw_option profiling[] = {
    DLFW_OPT_ENUM(PROFILING, profiler, .def = "iostat", .choices = profilers,
                  .help = "with workflow.profiling: iostat writes iostat.json into the results folder"),
    DLFW_OPT_LIST(PROFILING, iostat_devices, .help = "devices that iostat watches; none: all"),
};

static const dlfw_option metric[] = {
    DLFW_OPT_F64(METRIC, au, .def = "0.90", .min = "0", .max = "1",
                 .help = "accelerator utilization that passes, as a fraction"),
};

static const dlfw_option content[] = {
    DLFW_OPT_U64(CONTENT, seed, .def = "0", .help = "seed of generated bytes"),
};

static const dlfw_option compat[] = {
    DLFW_OPT_BOOL(COMPAT, sequential_order, .def = "false", .help = "DLIO's order: shuffling changes nothing"),
    DLFW_OPT_BOOL(COMPAT, fsync_no_op, .def = "false", .help = "checkpoint.fsync is not honoured, as in DLIO"),
    DLFW_OPT_BOOL(COMPAT, rank_shift_no_op, .def = "false",
                  .help = "checkpoint.recovery_rank_shift is not honoured, as in DLIO"),
    DLFW_OPT_BOOL(COMPAT, compression_no_op, .def = "false",
                  .help =
                      "dataset.compression does what it does in DLIO: npz is always stored, Parquet knows only gzip"),
    DLFW_OPT_BOOL(COMPAT, mmap_no_touch, .def = "false",
                  .help = "mmap_indexed_binary reads its tables and no data, as DLIO's mapping reader"),
    DLFW_OPT_BOOL(COMPAT, model_size_alias, .def = "false",
                  .help = "model.model_size, which DLIO ignores, counts as model_size_bytes"),
    DLFW_OPT_BOOL(COMPAT, legacy_keys, .def = "false",
                  .help = "record_length, record_length_stdev and record_length_resize, which DLIO ignores, count as "
                          "record_length_bytes, ..."),
};

const struct section_rows rows_reader = ROWS(reader);
const struct section_rows rows_train = ROWS(train);
const struct section_rows rows_evaluation = ROWS(evaluation);
const struct section_rows rows_checkpoint = ROWS(checkpoint);
const struct section_rows rows_ksm = ROWS(ksm);
const struct section_rows rows_storage = ROWS(storage);
const struct section_rows rows_output = ROWS(output);
const struct section_rows rows_output_metric = ROWS(output_metric);
const struct section_rows rows_profiling = ROWS(profiling);
const struct section_rows rows_metric = ROWS(metric);
const struct section_rows rows_content = ROWS(content);
const struct section_rows rows_compat = ROWS(compat);
