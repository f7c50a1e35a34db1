/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which the places of records are found: equal lengths, headers, indexes; what is read for that, and kept.
 */
#include <stdio.h>

#include "test_tfrecord_build.h"

/* Equal lengths: no metadata is read, and units are what the host was told. */
START_TEST(equal_lengths_need_no_metadata)
{
    static const struct {
        uint32_t samples, unit_samples;
        uint64_t units, last_offset, last_length;
    } cases[] = {{10, 1, 10, 9 * 116, 116},
                 {10, 4, 3, 8 * 116, 232},
                 {10, 10, 1, 0, 1160},
                 {10, 0, 1, 0, 1160},
                 {1, 1, 1, 0, 1160}};
    struct format_driver d;
    struct file f = {0};

    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
    for (uint64_t i = 0; i < 10; i++)
        add_content_record(&f, i * 100, 100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_read_args args = {.data = f.data,
                                        .size = f.len,
                                        .samples = cases[i].samples,
                                        .unit_samples = cases[i].unit_samples,
                                        .verify = true};
        struct format_read r;

        args.only_metadata = cases[i].samples == 1; /* which the file belies */
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.metadata_rounds, 0);
        ck_assert_uint_eq(r.unit_count, cases[i].units);
        ck_assert_uint_eq(r.range.offset, cases[i].last_offset);
        ck_assert_uint_eq(r.range.length, cases[i].last_length);
        ck_assert_uint_eq(r.range_count, 1);
        format_read_free(&r);
    }
    file_free(&f);
    format_driver_close(&d);
}
END_TEST

/* Lengths that only seem equal: the first header that disagrees says where, and what to set. */
START_TEST(unequal_lengths_are_noticed)
{
    static const uint64_t lengths[][4] = {{90, 110, 100, 100}, {100, 100, 110, 90}, {384, 0, 0, 0}};
    static const char *const words[] = {"record 0: it takes 106 bytes where 116", "record 2: it takes 126 bytes",
                                        "record 0: it takes 400 bytes"};

    for (size_t i = 0; i < 3; i++) {
        struct format_driver d;
        struct file f = {0};
        struct format_read r;
        struct format_read_args args = {.samples = 4, .unit_samples = 2, .verify = true};

        for (size_t k = 0; k < (i == 2 ? 1 : 4); k++)
            add_content_record(&f, 0, lengths[i][k]);
        if (i == 2)
            add_content_record(&f, 0, 48); /* 464 bytes are 4 times 116 */
        format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
        args.data = f.data;
        args.size = f.len;
        format_read(&d, &args, &r);
        check_fails(&r, DLFW_E_CORRUPT, "consume", words[i]);
        ck_assert_ptr_nonnull(strstr(r.message, "tfrecord.layout: scan or indexed"));
        format_read_free(&r);
        format_driver_close(&d);
        file_free(&f);
    }
}
END_TEST

/* A unit that begins where no record does. */
START_TEST(unit_between_records)
{
    struct format_driver d;
    struct file f = {0};
    struct format_read r;
    struct format_read_args args = {.samples = 2, .unit_samples = 1, .verify = true};

    add_content_record(&f, 0, 100);
    add_content_record(&f, 0, 50);
    add_content_record(&f, 0, 66); /* 116 + 66 + 82 = 2 * 132 */
    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}, {"layout", "uniform"}));
    args.data = f.data;
    args.size = f.len;
    format_read(&d, &args, &r);
    check_fails(&r, DLFW_E_CORRUPT, "consume", "tfrecord.layout: scan or indexed");
    format_read_free(&r);
    args.size--;
    format_read(&d, &args, &r);
    check_fails(&r, DLFW_E_CORRUPT, "metadata", "263 bytes are not 2 records of equal length");
    format_read_free(&r);
    format_driver_close(&d);
    file_free(&f);
}
END_TEST

static void add_lengths(struct file *f, const uint64_t *lengths, size_t n)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < n; i++) {
        add_content_record(f, offset, lengths[i]);
        offset += lengths[i];
    }
}

/* Different lengths, single records wanted: headers are walked, long records by 12 bytes each. */
START_TEST(headers_are_walked)
{
    static const uint64_t small[] = {1, 500, 0, 77, 200000, 3}, large[] = {200001, 300000, 250000, 400000, 131072};
    static const struct {
        const uint64_t *lengths;
        size_t count;
        uint32_t rounds;
    } cases[] = {{small, 6, 2}, {large, 5, 5}};

    for (size_t i = 0; i < 2; i++) {
        struct format_driver d;
        struct file f = {0};
        struct format_read r;
        struct format_read_args args = {.samples = (uint32_t)cases[i].count, .unit_samples = 1, .verify = true};

        add_lengths(&f, cases[i].lengths, cases[i].count);
        format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
        args.data = f.data;
        args.size = f.len;
        for (int again = 0; again < 2; again++) {
            format_read(&d, &args, &r);
            check_reads(&r);
            ck_assert_uint_eq(r.sample_count, cases[i].count);
            ck_assert_uint_eq(r.unit_count, cases[i].count);
            ck_assert_uint_eq(r.metadata_rounds, again ? 0 : cases[i].rounds); /* the second reader finds the table */
            ck_assert_uint_eq(r.range.length, cases[i].lengths[cases[i].count - 1] + 16);
            format_read_free(&r);
        }
        format_driver_close(&d);
        file_free(&f);
    }
}
END_TEST

/* What would need hundreds of reads is not begun. */
START_TEST(too_many_headers)
{
    struct format_driver d;
    struct file f = {0};
    struct format_read r;
    struct format_read_args args = {.samples = 300, .unit_samples = 1, .verify = false};
    uint8_t *data = calloc(1, 70001);

    for (uint64_t i = 0; i < 300; i++) { /* without checksums: they take the test's time */
        uint8_t header[12] = {0};

        put_number(header, 70000 + (i == 7), 8);
        file_add(&f, header, sizeof header);
        file_add(&f, data, 70000 + (i == 7));
        file_add(&f, data, 4);
    }
    args.data = f.data;
    args.size = f.len;
    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
    format_read(&d, &args, &r);
    check_fails(&r, DLFW_E_UNSUPPORTED, "metadata", "set tfrecord.layout: indexed");
    ck_assert_uint_le(r.metadata_rounds, 2);
    format_read_free(&r);
    /* wanted all together they are one unit the first time; then their places are known */
    args.unit_samples = 300;
    args.piece = 1 << 20;
    for (int again = 0; again < 2; again++) {
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.sample_count, 300);
        if (again)
            ck_assert_uint_gt(r.unit_count, 4);
        else
            ck_assert_uint_eq(r.unit_count, 1);
        format_read_free(&r);
    }
    format_driver_close(&d);
    file_free(&f);
    free(data);
}
END_TEST

static const uint64_t indexed_lengths[] = {10, 300, 0, 45};
static const uint64_t indexed_framed[] = {26, 316, 16, 61, 0};

struct indexed_case {
    uint64_t framed[6];
    dlfw_status status;
    const char *stage, *word;
};

START_TEST(indexed_records)
{
    static const struct indexed_case cases[] = {
        {{26, 316, 16, 61}, DLFW_OK, "", ""},
        {{0}, DLFW_E_CORRUPT, "metadata", "end at byte 0"},
        {{26, 316, 16}, DLFW_E_CORRUPT, "metadata", "end at byte 358, the file has 419 bytes"},
        {{26, 316, 16, 61, 16}, DLFW_E_CORRUPT, "metadata", "entry 4 has a length that cannot be"},
        {{26, 316, 5, 72}, DLFW_E_CORRUPT, "metadata", "entry 2 has a length that cannot be"},
        {{26, UINT64_MAX, 16, 61}, DLFW_E_CORRUPT, "metadata", "entry 1 has a length that cannot be"},
        {{316, 26, 16, 61}, DLFW_E_CORRUPT, "consume", "its index says 316"},
        {{26, 332, 61}, DLFW_E_CORRUPT, "metadata", "ends after record 3"},
    };
    const bool binary = _i % 2;
    struct format_setting settings[] = {
        {"payload", "raw"}, {"layout", "indexed"}, {"index", binary ? "binary" : "dali"}, {NULL, NULL}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_read_args args = {
            .samples = 4, .unit_samples = 1, .verify = true, .side_count = 1, .whole = _i / 2};
        struct format_driver d;
        struct file f = {0}, index = {0};
        struct format_read r;

        add_lengths(&f, indexed_lengths, 4);
        add_index(&index, cases[i].framed, binary);
        format_driver_load(&d, TFRECORD, settings);
        args.data = f.data;
        args.size = f.len;
        args.sides[0] = (struct format_side){index.data, index.len};
        format_read(&d, &args, &r);
        if (cases[i].status < 0) {
            check_fails(&r, cases[i].status, cases[i].stage, cases[i].word);
            if (strcmp(cases[i].word, "ends after record 3") != 0)
                ck_assert_ptr_nonnull(strstr(r.message, "`dlfw index` writes a new one"));
        } else {
            check_reads(&r);
            ck_assert_uint_eq(r.metadata_rounds, 1);
            ck_assert_uint_eq(r.unit_count, 4);
            ck_assert_uint_eq(r.range.offset, args.whole ? 0 : 358);
            ck_assert_uint_eq(r.range.length, args.whole ? 0 : 61);
            ck_assert_uint_eq(r.samples_len, 355);
        }
        format_read_free(&r);
        file_free(&index);
        file_free(&f);
        format_driver_close(&d);
    }
}
END_TEST

START_TEST(index_that_is_none)
{
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {
        {"0 26\n26 316\n342 16\n358 x\n", "entry 3 is not a line"},
        {"0 26 26 316", "entry 0 is not a line"},
        {"0 26\n\n", "entry 1 is not a line"},
        {"0 18446744073709551617\n", "entry 0 is not a line"},
        {"1 26\n", "entry 0 does not begin"},
        {"0 26\n25 317\n", "entry 1 does not begin"},
        {"-0 26\n", "entry 0 is not a line"},
    };
    struct file f = {0};

    add_lengths(&f, indexed_lengths, 4);
    for (size_t i = 0; i <= sizeof cases / sizeof cases[0]; i++) {
        struct format_read_args args = {.data = f.data, .size = f.len, .samples = 4, .side_count = 1};
        struct format_driver d;
        struct format_read r;

        format_driver_load(&d, TFRECORD, OFFERED({"layout", "indexed"}));
        if (i < sizeof cases / sizeof cases[0]) {
            args.sides[0] = (struct format_side){cases[i].text, strlen(cases[i].text)};
            format_read(&d, &args, &r);
            check_fails(&r, DLFW_E_CORRUPT, "metadata", cases[i].word);
        } else {
            args.sides[0] = (struct format_side){NULL, FORMAT_SIDE_ABSENT};
            format_read(&d, &args, &r);
            check_fails(&r, DLFW_E_NOT_FOUND, "metadata", "`dlfw index` writes one");
        }
        format_read_free(&r);
        format_driver_close(&d);
    }
    file_free(&f);
}
END_TEST

/* The table of an index is kept: the next reader reads nothing of it. */
START_TEST(index_is_read_once)
{
    struct format_read_args args = {.samples = 4, .unit_samples = 1, .verify = true, .side_count = 1};
    struct format_driver d;
    struct file f = {0}, index = {0};
    struct format_read r;

    add_lengths(&f, indexed_lengths, 4);
    add_index(&index, indexed_framed, false);
    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}, {"layout", "indexed"}));
    args.data = f.data;
    args.size = f.len;
    args.sides[0] = (struct format_side){index.data, index.len};
    for (uint32_t i = 0; i < 3; i++) {
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.metadata_rounds, i == 0);
        format_read_free(&r);
    }
    file_free(&index);
    file_free(&f);
    format_driver_close(&d);
}
END_TEST

/* Records behind those of the run file are left alone. */
START_TEST(more_records_than_configured)
{
    struct format_driver d;
    struct file f = {0};
    struct format_read r;
    struct format_read_args args = {.samples = 3, .verify = true};

    add_lengths(&f, indexed_lengths, 4);
    args.data = f.data;
    args.size = f.len;
    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}, {"layout", "scan"}));
    format_read(&d, &args, &r);
    check_reads(&r);
    ck_assert_uint_eq(r.sample_count, 3);
    ck_assert_uint_eq(r.samples_len, 310);
    format_read_free(&r);
    format_driver_close(&d);
    file_free(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tfrecord_layout");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, equal_lengths_need_no_metadata);
    tcase_add_test(tc, unequal_lengths_are_noticed);
    tcase_add_test(tc, unit_between_records);
    tcase_add_test(tc, headers_are_walked);
    tcase_add_test(tc, too_many_headers);
    tcase_add_loop_test(tc, indexed_records, 0, 4);
    tcase_add_test(tc, index_that_is_none);
    tcase_add_test(tc, index_is_read_once);
    tcase_add_test(tc, more_records_than_configured);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
