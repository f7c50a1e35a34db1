/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no single key can get wrong: keys that contradict one another. Rules are DLIO's unless docs/configuration.md
 * says why not.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload/run_config_parts.h"

void config_problem(const struct run_config *cfg, struct problem_list *problems, bool is_error, const char *path,
                    const char *format, ...)
{
    const dlfw_node *at = config_node(cfg, path);
    char what[512], above[128];
    va_list args;

    snprintf(above, sizeof above, "%s", path);
    while (!at && strrchr(above, '.')) {
        *strrchr(above, '.') = '\0';
        at = section_node(cfg, above);
    }
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    problem_add(problems, is_error, at ? at : cfg->tree.root, "%s", what);
}

static void check_loader(const struct run_config *cfg, struct problem_list *problems)
{
    const char *framework = cfg->model.framework, *loader = cfg->reader.data_loader;
    const char *sampler = node_to_str(config_node(cfg, "reader.data_loader_sampler"));
    bool mixed = (strcmp(framework, "tensorflow") == 0 && strcmp(loader, "pytorch") == 0) ||
                 (strcmp(framework, "pytorch") == 0 && strcmp(loader, "tensorflow") == 0);

    if (!cfg->workflow.train && !cfg->workflow.evaluation)
        return;
    if (mixed)
        config_problem(cfg, problems, true, "reader.data_loader",
                       "reader.data_loader '%s' does not go with framework '%s'; change one of them", loader,
                       framework);
    if (strcmp(loader, "custom") == 0 && (!sampler || strcmp(sampler, "none") == 0))
        config_problem(cfg, problems, true, "reader.data_loader",
                       "reader.data_loader 'custom' needs reader.data_loader_sampler: iterative or index");
}

static bool is_image(const struct run_config *cfg)
{
    return strcmp(cfg->dataset.format, "jpeg") == 0 || strcmp(cfg->dataset.format, "png") == 0;
}

static void check_size(const struct run_config *cfg, const struct dims *dims, uint32_t dtype, const char *path,
                       struct problem_list *problems)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [(number)] = (bytes),
    static const double item_bytes[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};
    double bytes = item_bytes[dtype];

    for (uint32_t i = 0; i < dims->count; i++)
        bytes *= (double)dims->values[i];
    if (bytes > 1e15)
        config_problem(cfg, problems, true, path, "%s: a sample of more than 10^15 bytes", path);
}

static void check_dims(const struct run_config *cfg, struct problem_list *problems)
{
    const struct dims *dims = &cfg->dataset.record_dims;
    const dlfw_node *per_record = config_node(cfg, "dataset.hdf5.num_dset_per_record");
    dlfw_error quiet = {.struct_size = sizeof quiet};
    uint64_t n = 1;

    check_size(cfg, dims, cfg->dataset.record_element_type, "dataset.record_dims", problems);
    if (dims->count && cfg->dataset.record_length_bytes_stdev > 0)
        config_problem(cfg, problems, true, "dataset.record_dims",
                       "dataset.record_dims fixes the shape, so record_length_bytes_stdev must be 0");
    if (is_image(cfg) && dims->count > 2)
        config_problem(cfg, problems, true, "dataset.record_dims",
                       "%s format does not support more than 2 dimensions, but got %u dimensions", cfg->dataset.format,
                       dims->count);
    if (dims->count && per_record && node_to_u64(per_record, &n, &quiet) >= 0 && n && dims->values[0] % n)
        config_problem(cfg, problems, true, "dataset.hdf5.num_dset_per_record",
                       "dataset.record_dims[0] must be a multiple of hdf5.num_dset_per_record");
}

static void check_amounts(const struct run_config *cfg, struct problem_list *problems)
{
    if (cfg->workflow.train && !cfg->dataset.num_files_train)
        config_problem(cfg, problems, true, "dataset.num_files_train",
                       "workflow.train is on, but dataset.num_files_train is 0");
    if (cfg->workflow.evaluation && !cfg->dataset.num_files_eval)
        config_problem(cfg, problems, false, "dataset.num_files_eval",
                       "workflow.evaluation is on, but dataset.num_files_eval is 0: evaluations have no steps");
    if (cfg->workflow.evaluation && !cfg->workflow.train && !cfg->workflow.generate_data && !cfg->workflow.checkpoint)
        config_problem(cfg, problems, false, "workflow.evaluation",
                       "workflow.evaluation has no effect without workflow.train, as in DLIO: nothing is read");
    if (cfg->workflow.generate_data && !cfg->dataset.num_files_train && !cfg->dataset.num_files_eval)
        config_problem(cfg, problems, true, "workflow.generate_data",
                       "workflow.generate_data is on, but there are no files to generate");
    if (cfg->dataset.num_files_generated && cfg->dataset.num_files_generated < cfg->dataset.num_files_train)
        config_problem(
            cfg, problems, true, "dataset.num_files_generated",
            "dataset.num_files_generated is below dataset.num_files_train; it is the number of all files, of "
            "which the run has the first num_files_train");
    if (!*cfg->dataset.file_prefix || strchr(cfg->dataset.file_prefix, '/'))
        config_problem(cfg, problems, true, "dataset.file_prefix", "dataset.file_prefix must be a plain name");
    if (!*cfg->dataset.format)
        config_problem(cfg, problems, true, "dataset.format", "dataset.format must not be empty");
}

/* Switches of compat that can only mean a mistake in this run. */
static void check_compat(const struct run_config *cfg, struct problem_list *problems)
{
    const char *format = cfg->dataset.format;
    bool is_mapped = strcmp(format, "mmap_indexed_binary") == 0;
    uint32_t verify = cfg->reader.verify;

    if (cfg->compat.mmap_no_touch && !is_mapped)
        config_problem(cfg, problems, false, "compat.mmap_no_touch",
                       "compat.mmap_no_touch has no effect with format '%s'; it is for mmap_indexed_binary", format);
    if (cfg->compat.mmap_no_touch && is_mapped && (verify == VERIFY_SAMPLE || verify == VERIFY_ALL))
        config_problem(cfg, problems, true, "reader.verify",
                       "reader.verify: nothing can be verified with compat.mmap_no_touch, which reads no data; set "
                       "reader.verify: none");
    if (cfg->compat.compression_no_op && strcmp(format, "npz") != 0 && strcmp(format, "parquet") != 0)
        config_problem(cfg, problems, false, "compat.compression_no_op",
                       "compat.compression_no_op has no effect with format '%s'; it is for npz and parquet", format);
}

static void check_profiler(const struct run_config *cfg, struct problem_list *problems)
{
    const char *preload = getenv("LD_PRELOAD");

    for (uint32_t i = 0; i < cfg->profiling.iostat_devices.count; i++)
        if (!*cfg->profiling.iostat_devices.items[i] || *cfg->profiling.iostat_devices.items[i] == '-')
            config_problem(cfg, problems, true, "profiling.iostat_devices",
                           "profiling.iostat_devices: '%s' is no name of a device",
                           cfg->profiling.iostat_devices.items[i]);
    if (!cfg->workflow.profiling)
        return;
    if (cfg->profiling.profiler == PROFILER_TENSORBOARD)
        config_problem(cfg, problems, true, "profiling.profiler",
                       "profiling.profiler 'tensorboard' profiles TensorFlow, which is not used here; set iostat, or "
                       "workflow.profiling: false");
    if (cfg->profiling.profiler == PROFILER_DARSHAN && !(preload && strstr(preload, "libdarshan")))
        config_problem(cfg, problems, true, "profiling.profiler",
                       "profiling.profiler 'darshan' needs its library: start dlfw with LD_PRELOAD=libdarshan.so, or "
                       "set workflow.profiling: false");
}

void run_config_check(struct run_config *cfg, struct problem_list *problems)
{
    check_loader(cfg, problems);
    if (is_image(cfg) && cfg->dataset.record_element_type != DLFW_DTYPE_UINT8) {
        config_problem(cfg, problems, false, "dataset.record_element_type",
                       "%s images have uint8 elements; record_element_type is ignored", cfg->dataset.format);
        cfg->dataset.record_element_type = DLFW_DTYPE_UINT8;
    }
    check_dims(cfg, problems);
    check_amounts(cfg, problems);
    check_compat(cfg, problems);
    check_profiler(cfg, problems);
    if (cfg->workflow.checkpoint)
        run_config_check_checkpoint(cfg, problems);
}
