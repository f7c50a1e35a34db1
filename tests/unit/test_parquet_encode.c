/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated is what is read back, for every type, codec and shape; sizes are known beforehand; memory does not
 * grow with the row group. */
#include "parquet_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stored {
    const char *dtype, *size;
    uint64_t row_bytes; /* decoded */
    uint64_t payload;   /* of the content stream */
};

static const struct stored fixed[] = {
    {"uint8", NULL, 1, 1},       {"int8", NULL, 1, 1},
    {"uint16", NULL, 2, 2},      {"int16", NULL, 2, 2},
    {"uint32", NULL, 4, 4},      {"int32", NULL, 4, 4},
    {"uint64", NULL, 8, 8},      {"int64", NULL, 8, 8},
    {"float16", NULL, 2, 2},     {"float32", NULL, 4, 4},
    {"float64", NULL, 8, 8},     {"bool", NULL, 1, 1},
    {"list", "1", 4, 4},         {"list", "7", 28, 28},
    {"uint8", "2", 2, 2},        {"uint8", "32", 32, 32},
    {"int8", "33", 33, 33},      {"int16", "5", 10, 10},
    {"uint16", "100", 200, 200}, {"float16", "31", 62, 62},
    {"float64", "3", 24, 24},    {"float32", "300000", 1200000, 1200000},
};

static const char *const codecs[] = {"none", "snappy", "gzip", "zstd"};

/* Row i of the only column, as the content stream gives it. */
static void expected_row(const struct stored *s, uint64_t row, uint8_t *out)
{
    format_driver_content(FIXTURE_SEED, FIXTURE_OBJECT, row * s->payload, out, s->payload);
    if (strcmp(s->dtype, "bool") == 0)
        out[0] &= 1;
}

static void check_rows(const struct stored *s, const struct format_read *r, uint64_t rows, const char *codec)
{
    uint8_t *expected = malloc(s->row_bytes);

    ck_assert_msg(r->status == DLFW_OK, "%s %s %s: %s", s->dtype, s->size, codec, r->message);
    ck_assert_msg(r->sample_count == rows && r->samples_len == rows * s->row_bytes, "%s %s: %lu bytes", s->dtype,
                  s->size, r->samples_len);
    for (uint64_t i = 0; i < rows; i++) {
        expected_row(s, i, expected);
        ck_assert_msg(memcmp(expected, r->samples + i * s->row_bytes, s->row_bytes) == 0, "%s %s %s: row %lu", s->dtype,
                      s->size, codec, i);
    }
    free(expected);
}

START_TEST(every_type_comes_back)
{
    const struct stored *s = &fixed[_i];
    const struct parquet_column columns[] = {{"x", s->dtype, s->size, NULL}, {NULL, NULL, NULL, NULL}};
    const uint64_t rows = s->row_bytes > 1000 ? 3 : 70;

    for (size_t c = 0; c < 4; c++)
        for (int raw = 0; raw < 2; raw++) {
            const struct format_setting settings[] = {{"row_group_size", "32"},
                                                      {"compression", codecs[c]},
                                                      {"decode", raw ? "raw" : "columns"},
                                                      {NULL, NULL}};
            struct parquet_instance p;
            struct memory_sink file;
            struct format_read r;

            parquet_open(&p, columns, settings);
            parquet_generate(&p, rows, 0, &file);
            {
                const struct format_read_args args = {.data = file.data,
                                                      .size = file.len,
                                                      .verify = true,
                                                      .verify_content = true,
                                                      .content_seed = FIXTURE_SEED,
                                                      .content_object = FIXTURE_OBJECT,
                                                      .piece = raw ? 777 : 0};

                format_read(&p.driver, &args, &r);
            }
            if (!raw)
                check_rows(s, &r, rows, codecs[c]);
            ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
            ck_assert_msg(r.compared == rows * s->payload, "%s %s %s: %lu compared", s->dtype, s->size, codecs[c],
                          r.compared);
            format_read_free(&r);
            memory_sink_free(&file);
            parquet_close(&p);
        }
}
END_TEST

static const struct parquet_column mixed[] = {{"a", "int8", NULL, NULL},    {"b", "float32", "40", NULL},
                                              {"c", "int16", "3", NULL},    {"d", "string", NULL, NULL},
                                              {"e", "binary", "70", NULL},  {"f", "bool", NULL, NULL},
                                              {"g", "float64", NULL, NULL}, {NULL, NULL, NULL, NULL}};
#define MIXED_PAYLOAD (1 + 160 + 6 + 4 + 70 + 1 + 8)

static const struct {
    uint64_t rows;
    const char *group;
} sizes[] = {{1, "1"}, {1, "1000"}, {10, "3"}, {9, "3"}, {1000, "128"}, {5000, "100000"}};

START_TEST(the_size_is_known)
{
    const uint64_t dims[] = {7};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int legacy = 0; legacy < 2; legacy++) {
            const struct format_setting settings[] = {{"row_group_size", sizes[i].group}, {NULL, NULL}};
            const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                           .dtype = DLFW_DTYPE_UINT8,
                                           .dims = dims,
                                           .ndim = 1,
                                           .samples = sizes[i].rows};
            struct parquet_instance p;
            struct memory_sink file;
            uint64_t said = 0;

            parquet_open(&p, legacy ? NULL : mixed, settings);
            parquet_generate(&p, sizes[i].rows, 7, &file);
            ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &spec, &said, NULL), DLFW_OK);
            ck_assert_uint_eq(said, file.len);
            memory_sink_free(&file);
            parquet_close(&p);
        }
}
END_TEST

static uint64_t size_said(struct parquet_instance *p, uint64_t length, uint64_t rows)
{
    const dlfw_encode_spec spec = {
        .struct_size = sizeof spec, .dtype = DLFW_DTYPE_UINT8, .dims = &length, .ndim = 1, .samples = rows};
    uint64_t said = 0;

    ck_assert_int_eq(p->driver.ops->file_size(p->driver.fmt, &spec, &said, NULL), DLFW_OK);
    return said;
}

/* One instance sizes files that differ in either way, and remembers none of them for another. */
START_TEST(sizes_of_one_instance)
{
    const dlfw_encode_spec none = {
        .struct_size = sizeof none, .dtype = DLFW_DTYPE_UINT8, .dims = (uint64_t[]){7}, .ndim = 1};
    struct parquet_instance p;
    uint64_t first, said;

    parquet_open(&p, NULL, NULL);
    ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &none, &said, NULL), DLFW_E_INVALID);
    first = size_said(&p, 7, 10);
    ck_assert_uint_eq(size_said(&p, 7, 10), first);
    ck_assert_uint_gt(size_said(&p, 7, 11), first);
    ck_assert_uint_eq(size_said(&p, 7, 10), first);
    ck_assert_uint_gt(size_said(&p, 8, 10), first);
    ck_assert_uint_eq(size_said(&p, 7, 10), first);
    ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &none, &said, NULL), DLFW_E_INVALID);
    parquet_close(&p);
}
END_TEST

START_TEST(compressed_sizes_are_not_known)
{
    const uint64_t dims[] = {7};
    const dlfw_encode_spec spec = {
        .struct_size = sizeof spec, .dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 1, .samples = 10};

    for (size_t c = 1; c < 4; c++) {
        const struct format_setting settings[] = {{"compression", codecs[c]}, {NULL, NULL}};
        struct parquet_instance p;
        uint64_t said = 0;

        parquet_open(&p, mixed, settings);
        ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &spec, &said, NULL), DLFW_OK);
        ck_assert_uint_eq(said, UINT64_MAX);
        parquet_close(&p);
    }
}
END_TEST

/* Every page of every kind is compared, wherever pieces are cut. */
START_TEST(content_is_compared)
{
    for (size_t c = 0; c < 4; c++)
        for (uint64_t piece = 0; piece < 5000; piece += 613) {
            const struct format_setting settings[] = {
                {"row_group_size", "128"}, {"compression", codecs[c]}, {NULL, NULL}};
            struct parquet_instance p;
            struct memory_sink file;
            struct format_read r;
            struct format_read_args args = {.piece = piece,
                                            .verify_content = true,
                                            .content_seed = FIXTURE_SEED,
                                            .content_object = FIXTURE_OBJECT,
                                            .no_decode = true};

            parquet_open(&p, mixed, settings);
            parquet_generate(&p, 300, 0, &file);
            args.data = file.data;
            args.size = file.len;
            format_read(&p.driver, &args, &r);
            ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
            ck_assert_uint_eq(r.compared, 300 * MIXED_PAYLOAD);
            format_read_free(&r);
            args.content_seed++;
            format_read(&p.driver, &args, &r);
            ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
            ck_assert_msg(strstr(r.message, "generated content"), "%s", r.message);
            format_read_free(&r);
            memory_sink_free(&file);
            parquet_close(&p);
        }
}
END_TEST

/* Other columns in the run file than in the file. */
START_TEST(content_of_other_columns)
{
    static const struct parquet_column other[] = {{"a", "int8", NULL, NULL}, {NULL, NULL, NULL, NULL}};
    struct parquet_instance writer, p;
    struct memory_sink file;
    struct format_read r;
    struct format_read_args args = {.verify_content = true};

    parquet_open(&writer, mixed, NULL);
    parquet_generate(&writer, 10, 0, &file);
    parquet_close(&writer);
    parquet_open(&p, other, NULL);
    args.data = file.data;
    args.size = file.len;
    format_read(&p.driver, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    ck_assert_msg(strstr(r.message, "columns that the run file states"), "%s", r.message);
    format_read_free(&r);
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

/* Several pages in a chunk, also of lists, and the last one smaller. */
START_TEST(many_pages)
{
    static const struct {
        const char *dtype, *size;
        uint64_t rows, bytes;
    } cases[] = {{"int64", NULL, 300000, 8},     {"uint8", NULL, 2500000, 1}, {"bool", NULL, 2500000, 1},
                 {"float32", "1000", 700, 4000}, {"uint8", "31", 80000, 31},  {"int16", "20", 30000, 40}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct parquet_column columns[] = {{"x", cases[i].dtype, cases[i].size, NULL}, {NULL, NULL, NULL, NULL}};
        const struct format_setting settings[] = {{"row_group_size", "10000000"}, {"decode", "columns"}, {NULL, NULL}};
        const struct format_read_args none = {0};
        struct format_read_args args = none;
        struct parquet_instance p;
        struct memory_sink file;
        struct format_read r;

        parquet_open(&p, columns, settings);
        parquet_generate(&p, cases[i].rows, 0, &file);
        args.data = file.data;
        args.size = file.len;
        args.verify = args.verify_content = args.no_decode = true;
        args.content_seed = FIXTURE_SEED;
        args.content_object = FIXTURE_OBJECT;
        args.piece = 262144;
        format_read(&p.driver, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s %s: %s", cases[i].dtype, cases[i].size, r.message);
        ck_assert_uint_eq(r.compared, cases[i].rows * cases[i].bytes);
        ck_assert_uint_eq(r.unit.out_bytes, cases[i].rows * cases[i].bytes);
        format_read_free(&r);
        memory_sink_free(&file);
        parquet_close(&p);
    }
}
END_TEST

/* The same bytes through windows of every size; a page that fits a window is written in one go. */
START_TEST(windows_do_not_matter)
{
    static const uint64_t windows[] = {1, 100, 5000, 1 << 20};
    const uint64_t dims[] = {1};
    const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                   .dtype = DLFW_DTYPE_UINT8,
                                   .dims = dims,
                                   .ndim = 1,
                                   .samples = 50,
                                   .seed = FIXTURE_SEED,
                                   .object = FIXTURE_OBJECT};
    const struct format_setting settings[] = {{"row_group_size", "40"}, {NULL, NULL}};
    struct parquet_instance p;
    struct memory_sink file, again;

    parquet_open(&p, mixed, settings);
    parquet_generate(&p, 50, 0, &file);
    for (size_t i = 0; i < 4; i++) {
        memory_sink_init(&again);
        again.window_bytes = windows[i];
        ck_assert_int_eq(p.driver.ops->encode(p.driver.fmt, &spec, &again.sink, NULL), DLFW_OK);
        ck_assert_uint_eq(again.len, file.len);
        ck_assert_mem_eq(again.data, file.data, file.len);
        memory_sink_free(&again);
    }
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

/* Strings are "s_" and a number, as DLIO makes them. */
START_TEST(strings)
{
    static const struct parquet_column columns[] = {{"s", "string", NULL, NULL}, {NULL, NULL, NULL, NULL}};
    struct parquet_instance p;
    struct memory_sink file;
    uint32_t v;
    char text[32];

    parquet_open(&p, columns, NULL);
    parquet_generate(&p, 3, 0, &file);
    for (uint32_t i = 0; i < 3; i++) {
        format_driver_content(FIXTURE_SEED, FIXTURE_OBJECT, 4 * i, &v, 4);
        snprintf(text, sizeof text, "s_%010u", v & INT32_MAX);
        ck_assert_ptr_nonnull(memmem(file.data, file.len, text, 12));
    }
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

START_TEST(what_cannot_be_written)
{
    static const struct parquet_column wide[] = {{"x", "float64", "300000000", NULL}, {NULL, NULL, NULL, NULL}};
    const uint64_t dims[] = {3000000000};
    dlfw_encode_spec spec = {
        .struct_size = sizeof spec, .dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 1, .samples = 1};
    const struct format_setting settings[] = {{"row_group_size", "1"}, {NULL, NULL}};
    struct parquet_instance p;
    uint64_t said;

    parquet_open(&p, NULL, NULL);
    ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &spec, &said, NULL), DLFW_E_UNSUPPORTED);
    parquet_close(&p);
    parquet_open(&p, wide, NULL);
    ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &spec, &said, NULL), DLFW_E_UNSUPPORTED);
    parquet_close(&p);
    parquet_open(&p, mixed, settings);
    spec.samples = 1000000000;
    ck_assert_int_eq(p.driver.ops->file_size(p.driver.fmt, &spec, &said, NULL), DLFW_E_UNSUPPORTED);
    parquet_close(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parquet_encode");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, every_type_comes_back, 0, (int)(sizeof fixed / sizeof fixed[0]));
    tcase_add_test(tc, the_size_is_known);
    tcase_add_test(tc, sizes_of_one_instance);
    tcase_add_test(tc, compressed_sizes_are_not_known);
    tcase_add_test(tc, content_is_compared);
    tcase_add_test(tc, content_of_other_columns);
    tcase_add_test(tc, many_pages);
    tcase_add_test(tc, windows_do_not_matter);
    tcase_add_test(tc, strings);
    tcase_add_test(tc, what_cannot_be_written);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
