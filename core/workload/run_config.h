/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run file, typed: every DLIO key (docs/configuration.md) and dlfw's own. Read once, checked as a whole, then only
 * read.
 */
#ifndef DLFW_CORE_WORKLOAD_RUN_CONFIG_H
#define DLFW_CORE_WORKLOAD_RUN_CONFIG_H

#include "config/schema.h"
#include "workload/time_distribution.h"

enum { SHUFFLE_OFF = 0, SHUFFLE_SEED, SHUFFLE_RANDOM };
enum { VERIFY_NONE = 0, VERIFY_CHECKSUMS, VERIFY_SAMPLE, VERIFY_ALL };
enum { DELIVERY_ORDERED = 0, DELIVERY_UNORDERED };
enum { SAMPLES_KEEP = 0, SAMPLES_STREAM };
enum { PROFILER_NONE = 0, PROFILER_IOSTAT, PROFILER_DARSHAN, PROFILER_TENSORBOARD };

struct dims {
    uint64_t *values; /* in the tree's arena */
    uint32_t count;
};

struct run_config {
    struct node_tree tree; /* owns every string below */

    struct {
        const char *framework; /* tensorflow | pytorch */
        const char *name;
        const char *type;
        uint64_t model_size_bytes;
        const dlfw_node *node; /* the whole section, for the checkpoint plugin's planning */
    } model;

    struct {
        uint8_t generate_data, train, evaluation, checkpoint, profiling;
    } workflow;

    struct {
        const char *format;
        const char *data_folder;
        uint64_t num_files_train, num_files_eval;
        uint64_t num_samples_per_file;
        double record_length_bytes, record_length_bytes_stdev;
        struct dims record_dims;
        uint32_t record_element_type; /* DLFW_DTYPE_* */
        uint64_t num_subfolders_train, num_subfolders_eval;
        const char *compression; /* "none", "zip", "gzip" ... for the format's option */
        int64_t compression_level;
        const char *file_prefix;
        uint64_t num_files_generated; /* training files that the names count; 0: num_files_train */
        uint8_t keep_files;
        uint8_t skip_listing;
        uint64_t listing_validation_interval;
        const dlfw_node *format_options; /* dataset.<format>, NULL when absent */
    } dataset;

    struct {
        const char *data_loader;
        uint64_t read_threads;
        uint64_t batch_size, batch_size_eval;
        uint64_t prefetch_size;
        uint32_t file_shuffle, sample_shuffle; /* SHUFFLE_* */
        uint64_t shuffle_size;
        uint8_t odirect;
        uint64_t transfer_size; /* 0: the engine's choice */
        uint64_t write_threads; /* that generate, per rank; 0: as many as CPUs */
        struct time_distribution preprocess_time;
        /* dlfw's own */
        uint64_t memory_budget; /* bytes of sample memory; 0: from what is available */
        uint64_t queue_depth;   /* requests in flight per read thread; 0: the backend's preference */
        uint32_t verify;        /* VERIFY_* */
        uint32_t delivery;      /* DELIVERY_* */
        uint32_t samples;       /* SAMPLES_* */
        uint8_t drop_cache;     /* read bytes leave the page cache */
    } reader;

    struct {
        uint64_t epochs;
        struct time_distribution computation_time;
        int64_t total_training_steps; /* per epoch; <= 0: no cap */
        uint64_t seed;
        uint8_t seed_change_epoch;
    } train;

    struct {
        struct time_distribution eval_time;
        uint64_t eval_after_epoch, epochs_between_evals;
    } evaluation;

    const dlfw_node *checkpoint; /* the section; its keys are checked against the schema, its work is a plugin's */

    struct {
        const char *storage_type;
        const char *storage_root;
        const dlfw_node *storage_options; /* with the engine's own keys of the section */
        const dlfw_node *wrap, *retry;
        uint8_t durable;                       /* generated files are synced before they count as written */
        double post_generation_settle_seconds; /* between generation and training, on object stores */
    } storage;

    struct {
        const char *folder; /* NULL: hydra.run.dir, else ./hydra_log/<model>/<time> */
        const char *log_file;
        uint64_t exclude_start_steps, exclude_end_steps;
        const char *formula; /* "window" (default) or "dlio2" (n - 2) */
    } output;

    struct {
        double au;
    } metric;

    struct {
        uint64_t seed; /* of generated content */
    } content;

    struct {
        uint32_t profiler; /* PROFILER_*, with workflow.profiling */
        dlfw_str_list iostat_devices;
    } profiling;

    /* DLIO's behaviour where dlfw's differs by default (docs/compatibility.md). By run_config_read's end each has had
     * its effect on the rest of this struct, but for sequential_order and mmap_no_touch. */
    struct {
        uint8_t sequential_order; /* DLIO's order: shuffling changes nothing */
        uint8_t fsync_no_op;
        uint8_t rank_shift_no_op;
        uint8_t compression_no_op;
        uint8_t mmap_no_touch;
        uint8_t model_size_alias;
        uint8_t legacy_keys;
    } compat;

    const dlfw_node *hooks; /* list of {name: {options}} */

    /* command line */
    const char *config_path;
    const char *hydra_run_dir;       /* ++hydra.run.dir, NULL when absent */
    const char *hydra_output_subdir; /* default ".hydra"; "": nothing is stored */
    const char *const *overrides;    /* as typed, without hydra.*, values of secret keys as ***; NULL-terminated */
    const char *const *hydra_overrides;
    const char *workload_name; /* workload=NAME, NULL when a file was given */
};

struct run_config_args {
    const char *path;             /* config file, or NULL with config_dir and a workload=NAME override */
    const char *config_dir;       /* --config-dir */
    const char *const *overrides; /* NULL-terminated, as typed */
    bool strict;
    bool legacy_keys; /* as compat.legacy_keys: true */
};

/* Reads, composes, overrides, interpolates, checks. All mistakes go to problems; the return value is DLFW_E_CONFIG when
 * there is an error among them, and *ret can then still be printed and freed. */
dlfw_status run_config_read(const struct run_config_args *args, struct run_config *ret, struct problem_list *problems);
void run_config_free(struct run_config *cfg);

/* `dlfw config show`: every key, its effective value and where it came from. json: as one object per key. */
void run_config_show(const struct run_config *cfg, bool json, struct str *out);

/* A switch of the section compat that is on, and what it does to this run, in words. */
struct compat_line {
    const char *name; /* "fsync_no_op" */
    const char *text;
};
enum { COMPAT_LINES_MAX = 16 };
uint32_t run_config_compat_list(const struct run_config *cfg, struct compat_line ret[COMPAT_LINES_MAX]);

/* As fill does, but only says whether a dotted key exists in the schema. */
bool run_config_known(const char *path);
/* A key that DLIO has in the section checkpoint. */
bool run_config_checkpoint_key(const char *key);
/* A key that has no effect whatever reads the section; its use was reported when the file was read. */
bool run_config_is_dead(const char *section, const char *key);

#endif
