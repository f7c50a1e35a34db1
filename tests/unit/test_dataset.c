/* SPDX-License-Identifier: Apache-2.0 */
/* Names, shapes and specs that a run file implies. */
#include "base/error.h"
#include "host/content.h"
#include "workload/dataset.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct error_slot err;

/* What a run file without a dataset section means, with 168 files. */
static struct run_config config(void)
{
    struct run_config cfg = {0};

    cfg.dataset.num_files_train = 168;
    cfg.dataset.num_samples_per_file = 1;
    cfg.dataset.record_length_bytes = 65536;
    cfg.dataset.record_element_type = DLFW_DTYPE_UINT8;
    cfg.dataset.file_prefix = "img";
    cfg.content.seed = 77;
    error_slot_init(&err);
    return cfg;
}

static struct dataset made(const struct run_config *cfg, uint32_t split)
{
    struct dataset ds;

    ck_assert_msg(dataset_init(&ds, cfg, split, &err.e) == DLFW_OK, "%s", err.text);
    return ds;
}

START_TEST(names)
{
    static const struct {
        uint64_t files, subfolders, file;
        uint32_t split;
        const char *prefix, *extension, *key;
    } rows[] = {
        {168, 0, 0, SPLIT_TRAIN, "img", "npz", "train/img_000_of_168.npz"},
        {168, 0, 167, SPLIT_TRAIN, "img", "npz", "train/img_167_of_168.npz"},
        {500, 0, 499, SPLIT_TRAIN, "part", "tfrecord", "train/part_499_of_500.tfrecord"},
        {524288, 0, 0, SPLIT_TRAIN, "img", "tfrecord", "train/img_000000_of_524288.tfrecord"},
        {8, 0, 0, SPLIT_TRAIN, "img", "hdf5", "train/img_0_of_8.hdf5"},
        {8, 0, 7, SPLIT_EVAL, "img", "npz", "valid/img_7_of_8.npz"},
        {10, 0, 9, SPLIT_TRAIN, "img", "npz", "train/img_09_of_10.npz"},
        {64, 2, 0, SPLIT_TRAIN, "img", "npz", "train/0/img_00_of_64.npz"},
        {64, 2, 1, SPLIT_TRAIN, "img", "npz", "train/1/img_01_of_64.npz"},
        {64, 1, 3, SPLIT_TRAIN, "img", "npz", "train/img_03_of_64.npz"},     /* one subfolder is none */
        {64, 10, 13, SPLIT_EVAL, "img", "npz", "valid/03/img_13_of_64.npz"}, /* width of "10", not of "9" */
        {64, 9, 13, SPLIT_TRAIN, "img", "npz", "train/4/img_13_of_64.npz"},
        {50000000, 100, 49999999, SPLIT_TRAIN, "img", "npz", "train/099/img_49999999_of_50000000.npz"},
    };

    for (unsigned i = 0; i < COUNT(rows); i++) {
        struct run_config cfg = config();
        struct dataset ds;
        char key[128];

        cfg.dataset.file_prefix = rows[i].prefix;
        if (rows[i].split == SPLIT_EVAL) {
            cfg.dataset.num_files_eval = rows[i].files;
            cfg.dataset.num_subfolders_eval = rows[i].subfolders;
        } else {
            cfg.dataset.num_files_train = rows[i].files;
            cfg.dataset.num_subfolders_train = rows[i].subfolders;
        }
        ds = made(&cfg, rows[i].split);
        ck_assert_uint_eq(dataset_key(&ds, rows[i].file, rows[i].extension, key, sizeof key), strlen(rows[i].key));
        ck_assert_str_eq(key, rows[i].key);
        ck_assert_uint_eq(dataset_object(&ds, rows[i].file, rows[i].extension),
                          content_object(rows[i].key, strlen(rows[i].key)));
        ck_assert_uint_eq(dataset_key(&ds, rows[i].file, rows[i].extension, key, 8),
                          strlen(rows[i].key)); /* does not fit: says so */
        ck_assert_uint_eq(strlen(key), 7);
        dataset_free(&ds);
    }
}
END_TEST

/* A run with the first files of a larger data set: they keep their names, and evaluation files their shapes. */
START_TEST(names_of_a_part)
{
    struct run_config cfg = config();
    struct dataset whole, part, whole_eval, part_eval;
    uint64_t dims[2][32];
    dlfw_encode_spec spec;
    char key[128];

    cfg.dataset.num_files_eval = 4;
    cfg.dataset.record_length_bytes_stdev = 9000;
    whole = made(&cfg, SPLIT_TRAIN);
    whole_eval = made(&cfg, SPLIT_EVAL);
    cfg.dataset.num_files_train = 16;
    cfg.dataset.num_files_generated = 168;
    part = made(&cfg, SPLIT_TRAIN);
    part_eval = made(&cfg, SPLIT_EVAL);
    ck_assert_uint_eq(part.files, 16);
    dataset_key(&part, 7, "npz", key, sizeof key);
    ck_assert_str_eq(key, "train/img_007_of_168.npz");
    ck_assert_uint_eq(dataset_object(&part, 7, "npz"), content_object(key, strlen(key)));
    dataset_key(&part_eval, 3, "npz", key, sizeof key);
    ck_assert_str_eq(key, "valid/img_3_of_4.npz");
    for (uint64_t i = 0; i < 4; i++) {
        dataset_spec(&whole_eval, i, "npz", dims[0], &spec);
        dataset_spec(&part_eval, i, "npz", dims[1], &spec);
        ck_assert_mem_eq(dims[0], dims[1], 2 * sizeof dims[0][0]);
        dataset_spec(&whole, i, "npz", dims[0], &spec);
        dataset_spec(&part, i, "npz", dims[1], &spec);
        ck_assert_mem_eq(dims[0], dims[1], 2 * sizeof dims[0][0]);
    }
    dataset_free(&whole);
    dataset_free(&part);
    dataset_free(&whole_eval);
    dataset_free(&part_eval);
    cfg.dataset.num_files_generated = 15;
    ck_assert_int_eq(dataset_init(&part, &cfg, SPLIT_TRAIN, &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, "'dataset.num_files_generated' is 15, but the run has 16"), "%s", err.text);
}
END_TEST

static void check_dims(const struct dataset *ds, uint64_t file, uint64_t d1, uint64_t d2)
{
    uint64_t dims[32];
    dlfw_encode_spec spec;

    dataset_spec(ds, file, "npz", dims, &spec);
    ck_assert_uint_eq(spec.ndim, 2);
    ck_assert_uint_eq(dims[0], d1);
    ck_assert_uint_eq(dims[1], d2);
}

START_TEST(series_of_unet3d)
{
    static const uint64_t first[] = {15865, 14125, 7745, 12083, 13860, 10074, 12856, 12413};
    static const uint64_t after_168[] = {12313, 15419, 17364, 6508, 15371, 13826, 11194, 13981};
    struct run_config cfg = config();
    struct dataset train, eval;

    cfg.dataset.record_length_bytes = 146600628;
    cfg.dataset.record_length_bytes_stdev = 68341808;
    cfg.dataset.num_files_eval = 4;
    train = made(&cfg, SPLIT_TRAIN);
    eval = made(&cfg, SPLIT_EVAL);
    for (unsigned i = 0; i < 4; i++) {
        check_dims(&train, i, first[2 * i], first[2 * i + 1]);
        check_dims(&eval, i, after_168[2 * i], after_168[2 * i + 1]); /* goes on where training files end */
    }
    dataset_free(&eval);
    dataset_free(&train);
    cfg.dataset.num_files_train = 2; /* the series of a file does not depend on how many follow */
    train = made(&cfg, SPLIT_TRAIN);
    eval = made(&cfg, SPLIT_EVAL);
    check_dims(&train, 1, 7745, 12083);
    check_dims(&eval, 0, 13860, 10074);
    dataset_free(&eval);
    dataset_free(&train);
}
END_TEST

START_TEST(series_of_cosmoflow)
{
    static const uint64_t first[] = {1709, 1696, 1648, 1680, 1694, 1665, 1686, 1683};
    struct run_config cfg = config();
    struct dataset ds;

    cfg.dataset.record_length_bytes = 2828486;
    cfg.dataset.record_length_bytes_stdev = 71311;
    ds = made(&cfg, SPLIT_TRAIN);
    for (unsigned i = 0; i < 4; i++)
        check_dims(&ds, i, first[2 * i], first[2 * i + 1]);
    dataset_free(&ds);
}
END_TEST

START_TEST(draws_below_1_become_1)
{
    struct run_config cfg = config();
    struct dataset ds;
    unsigned ones = 0;

    cfg.dataset.record_length_bytes = 16;
    cfg.dataset.record_length_bytes_stdev = 1000;
    ds = made(&cfg, SPLIT_TRAIN);
    for (unsigned i = 0; i < 2 * 168; i++) {
        ck_assert_uint_ge(ds.dims[i], 1);
        ones += ds.dims[i] == 1;
    }
    ck_assert_uint_gt(ones, 100);
    dataset_free(&ds);
}
END_TEST

START_TEST(square_without_stdev)
{
    static const struct {
        double length;
        uint32_t dtype;
        uint64_t side;
    } rows[] = {
        {65536, DLFW_DTYPE_UINT8, 256}, {65535, DLFW_DTYPE_UINT8, 255},   {114660.07, DLFW_DTYPE_UINT8, 338},
        {1, DLFW_DTYPE_UINT8, 1},       {65536, DLFW_DTYPE_FLOAT32, 256}, /* elements, whatever their size */
    };

    for (unsigned i = 0; i < COUNT(rows); i++) {
        struct run_config cfg = config();
        struct dataset ds;
        uint64_t dims[32];
        dlfw_encode_spec spec;

        cfg.dataset.record_length_bytes = rows[i].length;
        cfg.dataset.record_element_type = rows[i].dtype;
        cfg.dataset.num_samples_per_file = 3;
        ds = made(&cfg, SPLIT_TRAIN);
        ck_assert_ptr_null(ds.dims);
        check_dims(&ds, 5, rows[i].side, rows[i].side);
        dataset_spec(&ds, 5, "npz", dims, &spec);
        ck_assert_uint_eq(spec.struct_size, sizeof spec);
        ck_assert_uint_eq(spec.dtype, rows[i].dtype);
        ck_assert_ptr_eq(spec.dims, dims);
        ck_assert_uint_eq(spec.samples, 3);
        ck_assert_uint_eq(spec.seed, 77);
        ck_assert_uint_eq(spec.object, dataset_object(&ds, 5, "npz"));
        ck_assert_uint_ne(spec.object, dataset_object(&ds, 6, "npz"));
        ck_assert_uint_ne(spec.object, dataset_object(&ds, 5, "npy"));
        dataset_free(&ds);
    }
}
END_TEST

START_TEST(explicit_dims)
{
    uint64_t values[] = {3, 224, 224, 2}, dims[32];
    struct run_config cfg = config();
    struct dataset ds;
    dlfw_encode_spec spec;

    cfg.dataset.record_dims = (struct dims){values, COUNT(values)};
    cfg.dataset.record_length_bytes = 0; /* not looked at */
    cfg.dataset.record_element_type = DLFW_DTYPE_FLOAT32;
    ds = made(&cfg, SPLIT_TRAIN);
    dataset_spec(&ds, 167, "npz", dims, &spec);
    ck_assert_uint_eq(spec.ndim, 4);
    ck_assert_int_eq(memcmp(dims, values, sizeof values), 0);
    dataset_free(&ds);
}
END_TEST

START_TEST(no_evaluation_files)
{
    struct run_config cfg = config();
    struct dataset ds;

    cfg.dataset.record_length_bytes_stdev = 10;
    ds = made(&cfg, SPLIT_EVAL);
    ck_assert_uint_eq(ds.files, 0);
    ck_assert_str_eq(ds.folder, "valid");
    dataset_free(&ds);
    dataset_free(&ds); /* twice is fine */
}
END_TEST

static char long_prefix[300];
static uint64_t bad_dims[33];

static void dims_and_stdev(struct run_config *cfg)
{
    bad_dims[0] = 4;
    cfg->dataset.record_dims = (struct dims){bad_dims, 1};
    cfg->dataset.record_length_bytes_stdev = 1;
}

static void zero_dim(struct run_config *cfg)
{
    bad_dims[0] = 4;
    bad_dims[1] = 0;
    cfg->dataset.record_dims = (struct dims){bad_dims, 2};
}

static void many_dims(struct run_config *cfg)
{
    for (unsigned i = 0; i < COUNT(bad_dims); i++)
        bad_dims[i] = 1;
    cfg->dataset.record_dims = (struct dims){bad_dims, COUNT(bad_dims)};
}

static void huge_dims(struct run_config *cfg)
{
    bad_dims[0] = bad_dims[1] = 1ull << 40;
    cfg->dataset.record_dims = (struct dims){bad_dims, 2};
}

static void no_samples(struct run_config *cfg)
{
    cfg->dataset.num_samples_per_file = 0;
}

static void many_samples(struct run_config *cfg)
{
    cfg->dataset.num_samples_per_file = 1ull << 50;
}

static void many_samples_varying(struct run_config *cfg)
{
    cfg->dataset.num_samples_per_file = 1ull << 50;
    cfg->dataset.record_length_bytes_stdev = 5;
}

static void short_record(struct run_config *cfg)
{
    cfg->dataset.record_length_bytes = 0.5;
}

static void negative_stdev(struct run_config *cfg)
{
    cfg->dataset.record_length_bytes_stdev = -1;
}

static void endless_stdev(struct run_config *cfg)
{
    cfg->dataset.record_length_bytes_stdev = __builtin_inf();
}

static void huge_stdev(struct run_config *cfg)
{
    cfg->dataset.record_length_bytes_stdev = 8e18;
}

static void huge_prefix(struct run_config *cfg)
{
    memset(long_prefix, 'p', sizeof long_prefix - 1);
    cfg->dataset.file_prefix = long_prefix;
}

static void no_dtype(struct run_config *cfg)
{
    cfg->dataset.record_element_type = DLFW_DTYPE_NONE;
}

START_TEST(mistakes)
{
    static const struct {
        void (*spoil)(struct run_config *cfg);
        const char *names;
    } rows[] = {
        {dims_and_stdev, "record_dims"},      {zero_dim, "record_dims"},
        {many_dims, "record_dims"},           {huge_dims, "larger than 8 EiB"},
        {no_samples, "num_samples_per_file"}, {many_samples, "larger than 8 EiB"},
        {many_samples_varying, "8 EiB"},      {short_record, "record_length_bytes"},
        {negative_stdev, "bytes_stdev"},      {endless_stdev, "bytes_stdev"},
        {huge_stdev, "record_length_bytes"},  {huge_prefix, "file_prefix"},
        {no_dtype, "record_element_type"},
    };
    struct run_config cfg = config();
    struct dataset ds = {.files = 1};

    rows[_i].spoil(&cfg);
    ck_assert_int_eq(dataset_init(&ds, &cfg, SPLIT_TRAIN, &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, rows[_i].names), "%s", err.text);
    ck_assert_ptr_null(ds.dims);
    dataset_free(&ds);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dataset");
    TCase *t = tcase_create("dataset");
    SRunner *r;
    int failed;

    tcase_add_test(t, names);
    tcase_add_test(t, names_of_a_part);
    tcase_add_test(t, series_of_unet3d);
    tcase_add_test(t, series_of_cosmoflow);
    tcase_add_test(t, draws_below_1_become_1);
    tcase_add_test(t, square_without_stdev);
    tcase_add_test(t, explicit_dims);
    tcase_add_test(t, no_evaluation_files);
    tcase_add_loop_test(t, mistakes, 0, 13);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
