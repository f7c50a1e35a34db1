/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and shapes of the files of one split, computed from the run file alone. Constant memory unless sizes vary
 * (record_length_bytes_stdev), which costs eight bytes per file. docs/datasets.md gives the rules and says where each
 * comes from.
 */
#include "workload/dataset.h"

#include "base/error.h"
#include "host/content.h"
#include "workload/legacy_random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMS_SEED = 10, DIMS_MAX = 32, PREFIX_MAX = 255, KEY_MAX = 512 };
#define LENGTH_MAX 9e18

static uint64_t dtype_bytes(uint32_t dtype)
{
#define DTYPE_BYTES(name, number, bytes, text, descr) [number] = bytes,
    static const uint8_t bytes_of[] = {DLFW_DTYPE_LIST(DTYPE_BYTES)};

    return dtype < sizeof bytes_of ? bytes_of[dtype] : 0;
}

static uint32_t decimal_digits(uint64_t n)
{
    uint32_t digits = 1;

    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}

/* All training files that generation counted, also when the run has only the first ones of them. */
static uint64_t train_files_generated(const struct run_config *cfg)
{
    return cfg->dataset.num_files_generated ? cfg->dataset.num_files_generated : cfg->dataset.num_files_train;
}

/* Elements on a side of the square sample. */
static double side_of(const struct run_config *cfg)
{
    return floor(sqrt(cfg->dataset.record_length_bytes));
}

static dlfw_status check_names(const struct dataset *ds, dlfw_error *err)
{
    const struct run_config *cfg = ds->cfg;

    if (!cfg->dataset.file_prefix || strlen(cfg->dataset.file_prefix) > PREFIX_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.file_prefix' must have at most %d bytes", PREFIX_MAX);
    if (!ds->samples_per_file)
        return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.num_samples_per_file' must be 1 or more");
    if (ds->named_files && ds->named_files < ds->files)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "'dataset.num_files_generated' is %llu, but the run has %llu training files; it must not be "
                         "below 'dataset.num_files_train'",
                         (unsigned long long)ds->named_files, (unsigned long long)ds->files);
    return DLFW_OK;
}

static dlfw_status check_shape(const struct run_config *cfg, dlfw_error *err)
{
    double length = cfg->dataset.record_length_bytes, stdev = cfg->dataset.record_length_bytes_stdev;
    const struct dims *dims = &cfg->dataset.record_dims;

    if (!dtype_bytes(cfg->dataset.record_element_type))
        return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.record_element_type' is not set");
    if (!(stdev >= 0.0 && stdev <= LENGTH_MAX))
        return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.record_length_bytes_stdev' is %g, it must be from 0 to %g",
                         stdev, LENGTH_MAX);
    if (!dims->count) {
        if (!(length >= 1.0 && length <= LENGTH_MAX))
            return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.record_length_bytes' is %g, it must be from 1 to %g", length,
                             LENGTH_MAX);
        return DLFW_OK;
    }
    if (stdev > 0.0)
        return dlfw_fail(
            err, DLFW_E_CONFIG,
            "'dataset.record_length_bytes_stdev' is %g but 'dataset.record_dims' fixes the shape; remove one of them",
            stdev);
    if (dims->count > DIMS_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG, "'dataset.record_dims' has %u dimensions, at most %d are possible",
                         dims->count, DIMS_MAX);
    for (uint32_t i = 0; i < dims->count; i++)
        if (!dims->values[i])
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "'dataset.record_dims' has 0 as its dimension %u, it must be 1 or more", i + 1);
    return DLFW_OK;
}

/* The payload of one file must fit a signed 64-bit length, as file sizes do. */
static dlfw_status check_file_bytes(const struct dataset *ds, uint64_t file, const uint64_t *dims, dlfw_error *err)
{
    uint64_t bytes = dtype_bytes(ds->dtype);
    bool too_big = __builtin_mul_overflow(bytes, ds->samples_per_file, &bytes);

    for (uint32_t i = 0; i < ds->ndim; i++)
        too_big |= __builtin_mul_overflow(bytes, dims[i], &bytes);
    if (too_big || bytes > INT64_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "file %llu of '%s' would be larger than 8 EiB; make 'dataset.num_samples_per_file' or "
                         "the record smaller",
                         (unsigned long long)file, ds->folder);
    return DLFW_OK;
}

/*
 * One series runs over all training files and then all evaluation files, two draws each, always from the same seed: the
 * evaluation split draws the training part too and forgets it.
 */
static dlfw_status draw_dims(struct dataset *ds, dlfw_error *err)
{
    const struct run_config *cfg = ds->cfg;
    double mean = side_of(cfg), root = sqrt(cfg->dataset.record_length_bytes);
    double stdev = cfg->dataset.record_length_bytes_stdev / 2.0 / root;
    uint64_t before = ds->split == SPLIT_EVAL ? train_files_generated(cfg) : 0;
    struct legacy_random random;

    ds->dims = ds->files <= SIZE_MAX / (2 * sizeof *ds->dims) ? malloc(ds->files * 2 * sizeof *ds->dims) : NULL;
    if (!ds->dims)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot keep the dimensions of %llu files of '%s' in memory",
                         (unsigned long long)ds->files, ds->folder);
    legacy_seed(&random, DIMS_SEED);
    for (uint64_t i = 0; i < 2 * before; i++)
        legacy_normal(&random, mean, stdev);
    for (uint64_t i = 0; i < 2 * ds->files; i++) {
        double d = trunc(legacy_normal(&random, mean, stdev));

        if (d > UINT32_MAX)
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "dimension %.0f of file %llu of '%s' is too large; make 'dataset.record_length_bytes' "
                             "or its stdev smaller",
                             d, (unsigned long long)(i / 2), ds->folder);
        ds->dims[i] = d < 1.0 ? 1 : (uint32_t)d;
    }
    for (uint64_t i = 0; i < ds->files; i++) {
        dlfw_status st = check_file_bytes(ds, i, (const uint64_t[]){ds->dims[2 * i], ds->dims[2 * i + 1]}, err);

        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

static dlfw_status set_dims(struct dataset *ds, dlfw_error *err)
{
    const struct run_config *cfg = ds->cfg;
    const struct dims *dims = &cfg->dataset.record_dims;

    ds->ndim = dims->count ? dims->count : 2;
    if (dims->count)
        memcpy(ds->fixed_dims, dims->values, dims->count * sizeof *dims->values);
    else
        ds->fixed_dims[0] = ds->fixed_dims[1] = (uint64_t)side_of(cfg);
    if (cfg->dataset.record_length_bytes_stdev > 0.0 && ds->files)
        return draw_dims(ds, err);
    return check_file_bytes(ds, 0, ds->fixed_dims, err);
}

dlfw_status dataset_init(struct dataset *ds, const struct run_config *cfg, uint32_t split, dlfw_error *err)
{
    bool eval = split == SPLIT_EVAL;
    uint64_t subfolders = eval ? cfg->dataset.num_subfolders_eval : cfg->dataset.num_subfolders_train;
    struct dataset made = {
        .cfg = cfg,
        .split = split,
        .folder = eval ? "valid" : "train",
        .files = eval ? cfg->dataset.num_files_eval : cfg->dataset.num_files_train,
        .named_files = eval ? 0 : cfg->dataset.num_files_generated,
        .samples_per_file = cfg->dataset.num_samples_per_file,
        .subfolders = subfolders > 1 ? subfolders : 0,
        .dtype = cfg->dataset.record_element_type,
    };
    dlfw_status st;

    *ds = (struct dataset){0};
    st = check_names(&made, err);
    if (st < 0)
        goto out;
    st = check_shape(cfg, err);
    if (st < 0)
        goto out;
    st = set_dims(&made, err);
    if (st < 0)
        goto out;

    *ds = made;
    made.dims = NULL;
out:
    dataset_free(&made);
    return st;
}

void dataset_free(struct dataset *ds)
{
    free(ds->dims);
    *ds = (struct dataset){0};
}

uint32_t dataset_key(const struct dataset *ds, uint64_t file, const char *extension, char *buf, uint32_t cap)
{
    uint64_t total = ds->named_files ? ds->named_files : ds->files;
    char subfolder[32] = "";
    int n;

    if (ds->subfolders)
        snprintf(subfolder, sizeof subfolder, "%0*llu/", (int)decimal_digits(ds->subfolders),
                 (unsigned long long)(file % ds->subfolders));
    n = snprintf(buf, cap, "%s/%s%s_%0*llu_of_%llu.%s", ds->folder, subfolder, ds->cfg->dataset.file_prefix,
                 (int)decimal_digits(total), (unsigned long long)file, (unsigned long long)total, extension);
    return n < 0 ? 0 : (uint32_t)n;
}

uint32_t dataset_side_key(const dlfw_side *side, const char *key, char *buf, uint32_t cap)
{
    int n =
        snprintf(buf, cap, "%s%s%s%s", side->folder ? side->folder : "", side->folder ? "/" : "", key, side->suffix);

    return n < 0 ? 0 : (uint32_t)n;
}

void dataset_spec(const struct dataset *ds, uint64_t file, const char *extension, uint64_t *dims_buf,
                  dlfw_encode_spec *ret)
{
    if (ds->dims) {
        dims_buf[0] = ds->dims[2 * file];
        dims_buf[1] = ds->dims[2 * file + 1];
    } else {
        memcpy(dims_buf, ds->fixed_dims, ds->ndim * sizeof *dims_buf);
    }
    *ret = (dlfw_encode_spec){
        .struct_size = sizeof *ret,
        .dtype = ds->dtype,
        .dims = dims_buf,
        .ndim = ds->ndim,
        .samples = ds->samples_per_file,
        .seed = ds->cfg->content.seed,
        .object = dataset_object(ds, file, extension),
    };
}

uint64_t dataset_object(const struct dataset *ds, uint64_t file, const char *extension)
{
    char key[KEY_MAX];
    uint32_t len = dataset_key(ds, file, extension, key, sizeof key);

    DLFW_BUG_IF(len >= sizeof key); /* the prefix was checked, extensions are short */
    return content_object(key, len);
}
