/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are asked for: the footer once, and the chunks of the selected columns, no more. */
#include "parquet_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct parquet_column five[] = {{"a", "int64", NULL, NULL},     {"b", "float32", "3", "false"},
                                             {"c", "int8", NULL, NULL},      {"d", "float16", NULL, NULL},
                                             {"e", "binary", "20", "false"}, {NULL, NULL, NULL, NULL}};

static uint32_t footer_bytes(const struct memory_sink *file)
{
    const uint8_t *p = file->data + file->len - 8;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t ranges_sum(const struct format_read *r)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < r->range_count; i++)
        sum += r->ranges[i].length;
    return sum;
}

static void read_metadata(struct parquet_instance *p, const struct memory_sink *file, struct format_read *ret)
{
    const struct format_read_args args = {.data = file->data, .size = file->len, .only_metadata = true};

    format_read(&p->driver, &args, ret);
    ck_assert_msg(ret->status == DLFW_OK, "%s", ret->message);
}

START_TEST(adjacent_chunks_are_one_range)
{
    static const struct {
        const char *select;
        uint32_t ranges;
    } cases[] = {{NULL, 2}, {"a", 1}, {"a,b", 1}, {"a,c", 2}, {"c,d,e", 1}, {"a,b,c,d,e", 1}, {"e,a,c", 3}};
    uint64_t one_by_one = 0;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct format_setting settings[] = {{"row_group_size", "100"}, {"select", cases[i].select}, {NULL, NULL}};
        struct parquet_instance p;
        struct memory_sink file;
        struct format_read r;

        parquet_open(&p, five, settings);
        parquet_generate(&p, 250, 0, &file);
        read_metadata(&p, &file, &r);
        ck_assert_uint_eq(r.unit_count, 3);
        ck_assert_msg(r.range_count == cases[i].ranges, "%s: %u ranges", cases[i].select, r.range_count);
        ck_assert_uint_eq(r.unit.first_sample, 200);
        ck_assert_uint_eq(r.unit.samples, 50);
        ck_assert_uint_eq(ranges_sum(&r), r.unit.stored_bytes);
        if (cases[i].select && strcmp(cases[i].select, "a,b,c,d,e") == 0)
            one_by_one = ranges_sum(&r);
        format_read_free(&r);
        memory_sink_free(&file);
        parquet_close(&p);
    }
    ck_assert_uint_gt(one_by_one, 50 * (8 + 12 + 1 + 2 + 24));
}
END_TEST

/* Each column alone, over all row groups: together with footer, its length and the two magics they are the file. */
START_TEST(nothing_is_read_twice)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    uint64_t sum = 0, size = 0;

    for (size_t i = 0; i < 5; i++) {
        const struct format_setting settings[] = {{"row_group_size", "300"}, {"select", names[i]}, {NULL, NULL}};
        struct parquet_instance p;
        struct memory_sink file;
        struct format_read r;

        parquet_open(&p, five, settings);
        parquet_generate(&p, 300, 0, &file);
        read_metadata(&p, &file, &r);
        sum += ranges_sum(&r);
        size = file.len - footer_bytes(&file) - 12;
        format_read_free(&r);
        memory_sink_free(&file);
        parquet_close(&p);
    }
    ck_assert_uint_eq(sum, size);
}
END_TEST

/* What step(METADATA) asks for, bytes and rounds. */
static uint64_t metadata_bytes(struct parquet_instance *p, const struct memory_sink *file, uint64_t unit_samples,
                               uint32_t *ret_rounds)
{
    const dlfw_format_ops *ops = p->driver.ops;
    const dlfw_object object = {.struct_size = sizeof object,
                                .name = "train/x",
                                .name_len = 7,
                                .size = file->len,
                                .unit_samples = unit_samples};
    dlfw_reader *reader = NULL;
    dlfw_range want[64];
    dlfw_span have[8];
    uint32_t n_have = 0, n = 0;
    uint64_t bytes = 0;

    *ret_rounds = 0;
    ck_assert_int_eq(posix_memalign((void **)&reader, 64, (ops->reader_size + 63u) / 64 * 64), 0);
    memset(reader, 0, ops->reader_size);
    ck_assert_int_eq(ops->reader_open(p->driver.fmt, reader, &object, NULL), DLFW_OK);
    while (ops->step(reader, DLFW_GOAL_METADATA, have, n_have, want, 64, &n, NULL) == DLFW_NEED_IO) {
        ++*ret_rounds;
        for (uint32_t i = 0; i < n; i++) {
            bytes += want[i].length;
            memmove(have + 1, have, n_have * sizeof *have); /* the footer lies before its length */
            have[0] = (dlfw_span){file->data + want[i].offset, want[i].offset, want[i].length};
            n_have++;
        }
    }
    ck_assert_uint_eq(ops->unit_count(reader), 10);
    ops->reader_close(reader);
    free(reader);
    return bytes;
}

START_TEST(the_footer_is_read_once)
{
    const struct format_setting settings[] = {{"row_group_size", "10"}, {NULL, NULL}};
    struct parquet_instance p;
    struct memory_sink file;
    uint32_t rounds;

    parquet_open(&p, five, settings);
    parquet_generate(&p, 100, 0, &file);
    ck_assert_uint_eq(metadata_bytes(&p, &file, 10, &rounds), footer_bytes(&file) + 8);
    ck_assert_uint_eq(rounds, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(metadata_bytes(&p, &file, 10, &rounds), 0);
        ck_assert_uint_eq(rounds, 0);
    }
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

/* A host that does not read by units may show other bytes under the same name. */
START_TEST(nothing_is_kept_without_units)
{
    const struct format_setting settings[] = {{"row_group_size", "10"}, {NULL, NULL}};
    struct parquet_instance p;
    struct memory_sink file;
    uint32_t rounds;

    parquet_open(&p, five, settings);
    parquet_generate(&p, 100, 0, &file);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(metadata_bytes(&p, &file, 0, &rounds), footer_bytes(&file) + 8);
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

static void name_columns(struct parquet_column *columns, char names[][16], uint32_t count, const char *dtype)
{
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "c%03u", i);
        columns[i] = (struct parquet_column){names[i], dtype, i % 10 == 3 ? "2" : NULL, i % 2 ? "false" : NULL};
    }
    columns[count] = (struct parquet_column){NULL, NULL, NULL, NULL};
}

/* 100 places are more than a host takes at once: the 36 smallest gaps are read over, and it is said. */
START_TEST(more_than_64_places)
{
    static struct parquet_column columns[FIXTURE_COLUMNS];
    static char names[FIXTURE_COLUMNS][16];
    const struct format_setting settings[] = {{"row_group_size", "50"}, {NULL, NULL}};
    struct parquet_instance p;
    struct memory_sink file;
    struct format_read r;
    uint64_t selected = 0;

    name_columns(columns, names, 200, "float32");
    parquet_open(&p, columns, settings);
    parquet_generate(&p, 100, 0, &file);
    read_metadata(&p, &file, &r);
    ck_assert_uint_eq(r.range_count, 64);
    for (uint32_t i = 0; i < 64; i++)
        selected += r.ranges[i].length > 400; /* two columns and the gap between them, or more */
    ck_assert_uint_ge(selected, 1);
    format_read_free(&r);
    {
        const struct format_read_args args = {.data = file.data,
                                              .size = file.len,
                                              .verify = true,
                                              .piece = 1000,
                                              .verify_content = true,
                                              .content_seed = FIXTURE_SEED,
                                              .content_object = FIXTURE_OBJECT};

        format_read(&p.driver, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.compared, 100 * 100 * 4); /* of the selected columns, no gap between them */
    }
    ck_assert_uint_eq(p.host.log_lines, 1);
    ck_assert_msg(strstr(p.host.log, "more than 64 places"), "%s", p.host.log);
    format_read_free(&r);
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

/* Files of larger row groups than the run file says are read by their own; that costs, so it is said. */
START_TEST(another_row_group_size)
{
    const struct format_setting writes[] = {{"row_group_size", "40"}, {NULL, NULL}};
    const struct format_setting reads[] = {{"row_group_size", "10"}, {NULL, NULL}};
    struct parquet_instance writer, p;
    struct memory_sink file;
    struct format_read r;

    parquet_open(&writer, five, writes);
    parquet_generate(&writer, 100, 0, &file);
    parquet_close(&writer);
    parquet_open(&p, five, reads);
    for (int i = 0; i < 2; i++) {
        const struct format_read_args args = {.data = file.data, .size = file.len, .verify = true, .unit_samples = 10};

        format_read(&p.driver, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.unit_count, 3);
        ck_assert_uint_eq(r.sample_count, 100);
        format_read_free(&r);
    }
    ck_assert_uint_eq(p.host.log_lines, 1);
    ck_assert_msg(strstr(p.host.log, "row_group_size"), "%s", p.host.log);
    memory_sink_free(&file);
    parquet_close(&p);
}
END_TEST

START_TEST(what_the_loader_keeps_together)
{
    static const struct {
        const char *size, *mode;
        uint64_t unit;
    } cases[] = {{"100", "row_group", 100}, {"1", "row_group", 1}, {"100", "default", 100}, {"100", "file", 0}};
    const uint64_t dims[] = {4};
    const dlfw_encode_spec spec = {
        .struct_size = sizeof spec, .dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 1, .samples = 250};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct format_setting settings[] = {
            {"row_group_size", cases[i].size}, {"read_mode", cases[i].mode}, {NULL, NULL}};
        struct parquet_instance p;

        parquet_open(&p, NULL, settings);
        for (uint32_t shuffled = 0; shuffled < 2; shuffled++)
            ck_assert_uint_eq(p.driver.ops->unit_samples(p.driver.fmt, &spec, shuffled), cases[i].unit);
        parquet_close(&p);
    }
}
END_TEST

START_TEST(wrong_options)
{
    static const struct {
        struct parquet_column columns[3];
        struct format_setting setting;
        const char *word;
    } cases[] = {
        {{{"a", "int7", NULL, NULL}}, {NULL, NULL}, "dtype"},
        {{{"a", "int8", "0", NULL}}, {NULL, NULL}, "size"},
        {{{"a", "int8", "2147483648", NULL}}, {NULL, NULL}, "size"},
        {{{"a", "int8", "many", NULL}}, {NULL, NULL}, "many"},
        {{{"a", "bool", "2", NULL}}, {NULL, NULL}, "size"},
        {{{"a", "string", "8", NULL}}, {NULL, NULL}, "size"},
        {{{"a", "int8", NULL, NULL}, {"a", "int8", NULL, NULL}}, {NULL, NULL}, "twice"},
        {{{"a.b", "int8", NULL, NULL}}, {NULL, NULL}, "dot"},
        {{{"", "int8", NULL, NULL}}, {NULL, NULL}, "name"},
        {{{"a", "int8", NULL, "false"}}, {NULL, NULL}, "read: false"},
        {{{"a", "int8", NULL, "perhaps"}}, {NULL, NULL}, "true or false"},
        {{{"a", "int8", NULL, NULL}}, {"select", "b"}, "select"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct format_setting settings[] = {cases[i].setting, {NULL, NULL}};
        struct parquet_instance p;

        parquet_open(&p, cases[i].columns, settings);
        ck_assert_msg(p.status == DLFW_E_CONFIG, "case %zu: %s", i, dlfw_status_name(p.status));
        ck_assert_msg(strstr(p.message, cases[i].word), "case %zu: '%s' lacks '%s'", i, p.message, cases[i].word);
        parquet_close(&p);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parquet_select");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, adjacent_chunks_are_one_range);
    tcase_add_test(tc, nothing_is_read_twice);
    tcase_add_test(tc, the_footer_is_read_once);
    tcase_add_test(tc, nothing_is_kept_without_units);
    tcase_add_test(tc, more_than_64_places);
    tcase_add_test(tc, another_row_group_size);
    tcase_add_test(tc, what_the_loader_keeps_together);
    tcase_add_test(tc, wrong_options);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
