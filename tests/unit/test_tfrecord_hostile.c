/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged and hostile files: refused with file, record and offset, never read in part as if they were whole. */
#include <stdio.h>

#include "test_tfrecord_build.h"

/* Ways in which a host may read; all must find the damage. */
static const struct format_read_args ways[] = {
    {.samples = 3, .verify = true},
    {.samples = 3, .verify = true, .whole = true},
    {.samples = 3, .verify = true, .whole = true, .unit_samples = 1},
    {.samples = 3, .verify = true, .piece = 5},
    {.samples = 3, .verify = true, .unit_samples = 1, .piece = 13},
    {.samples = 3, .verify = true, .no_consume = true},
    {.verify = true, .explore = true, .no_decode = true, .piece = 11},
};
#define WAYS (sizeof ways / sizeof ways[0])

static const char *const layouts[] = {"auto", "scan"};

static void read_as(const struct file *f, size_t way, const char *layout, struct format_read *r)
{
    struct format_read_args args = ways[way];
    struct format_driver d;

    args.data = f->data;
    args.size = f->len;
    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}, {"layout", layout}));
    format_read(&d, &args, r);
    format_driver_close(&d);
}

static void three_records(struct file *f)
{
    add_content_record(f, 0, 30);
    add_content_record(f, 30, 30);
    add_content_record(f, 60, 30);
}

static void check_named(const struct format_read *r, const char *what, uint64_t at)
{
    ck_assert_msg(r->status < 0, "%s %lu: nobody noticed", what, at);
    ck_assert_msg(strstr(r->message, "'train/img_0'") != NULL, "%s %lu: no name: %s", what, at, r->message);
    ck_assert_msg(r->status == DLFW_E_CORRUPT || r->status == DLFW_E_UNSUPPORTED, "%s %lu: status %d", what, at,
                  r->status);
}

/* Any flipped bit is found: every byte belongs to a checksum or is one. */
START_TEST(flipped_bits)
{
    struct file f = {0};

    three_records(&f);
    for (uint64_t at = 0; at < f.len; at++) {
        struct format_read r;

        f.data[at] ^= (uint8_t)(1u << at % 8);
        read_as(&f, (size_t)_i % WAYS, layouts[(size_t)_i / WAYS], &r);
        check_named(&r, "byte", at);
        format_read_free(&r);
        f.data[at] ^= (uint8_t)(1u << at % 8);
    }
    file_free(&f);
}
END_TEST

/* A file cut anywhere is refused; cut behind a record it has too few of them, which only a run file can tell. */
START_TEST(truncated)
{
    struct file f = {0};
    const size_t way = (size_t)_i % WAYS;

    three_records(&f);
    for (uint64_t len = f.len - 1; len > 0; len--) {
        struct format_read r;

        f.len = len;
        read_as(&f, way, layouts[(size_t)_i / WAYS], &r);
        if (ways[way].explore && len % 46 == 0)
            check_reads(&r);
        else
            check_named(&r, "length", len);
        format_read_free(&r);
    }
    file_free(&f);
}
END_TEST

/* Lengths whose checksum is right. */
START_TEST(absurd_lengths)
{
    static const uint64_t lengths[] = {31,        1000, 1u << 31, (uint64_t)1 << 56, (uint64_t)1 << 63, UINT64_MAX - 15,
                                       UINT64_MAX};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct file f = {0};
        struct format_read r;

        add_content_record(&f, 0, 30);
        add_content_record(&f, 30, 30);
        add_header(&f, lengths[i]);
        file_add(&f, "0123456789012345678901234567890123456789012345678", 34);
        read_as(&f, (size_t)_i, "scan", &r);
        check_named(&r, "length", lengths[i]);
        ck_assert_ptr_nonnull(strstr(r.message, "record 2: "));
        ck_assert_ptr_nonnull(strstr(r.message, "the file ends after 30: it is truncated (at offset 92)"));
        format_read_free(&r);
        file_free(&f);
    }
}
END_TEST

START_TEST(wrong_checksums)
{
    static const struct {
        uint64_t at;
        const char *word;
    } cases[] = {
        {8, "record 0: the checksum of its length (30) is wrong; this may be no TFRecord file (at offset 0)"},
        {43, "record 0: the checksum of its data is wrong"},
        {46 + 8, "record 1: the checksum of its length (30) is wrong (at offset 46)"},
        {46 + 20, "record 1: the checksum of its data is wrong"},
        {92 + 45, "record 2: the checksum of its data is wrong"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file f = {0};
        struct format_read r;

        three_records(&f);
        f.data[cases[i].at] ^= 0x40;
        read_as(&f, (size_t)_i, "scan", &r);
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, cases[i].word) != NULL, "%s", r.message);
        format_read_free(&r);
        file_free(&f);
    }
}
END_TEST

/* Only when the host asks for it are checksums verified; lengths are held against the file in any case. */
START_TEST(checksums_not_wanted)
{
    static const struct format_read_args unverified[] = {
        {.samples = 3}, {.samples = 3, .whole = true}, {.samples = 3, .piece = 5}, {.samples = 3, .no_consume = true}};

    for (size_t i = 0; i < 4; i++) {
        struct format_read_args args = unverified[i];
        struct format_driver d;
        struct file f = {0};
        struct format_read r;

        three_records(&f);
        f.data[8] ^= 1;
        f.data[46 + 43] ^= 1;
        args.data = f.data;
        args.size = f.len;
        format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.sample_count, 3);
        format_read_free(&r);
        f.data[46 + 1] = 1;
        format_read(&d, &args, &r);
        check_named(&r, "way", i);
        format_read_free(&r);
        format_driver_close(&d);
        file_free(&f);
    }
}
END_TEST

START_TEST(bytes_behind_the_last_record)
{
    for (uint64_t extra = 1; extra < 30; extra++) {
        static const uint8_t zeros[30];
        struct file f = {0};
        struct format_read r;

        three_records(&f);
        file_add(&f, zeros, extra);
        read_as(&f, (size_t)_i, "scan", &r);
        check_named(&r, "bytes", extra);
        ck_assert_ptr_nonnull(strstr(r.message, "record 3: "));
        ck_assert_ptr_nonnull(strstr(r.message, "(at offset 138)"));
        format_read_free(&r);
        file_free(&f);
    }
}
END_TEST

/* Records without data are records; a file of nothing else too. */
START_TEST(empty_records)
{
    struct file f = {0};
    struct format_read r;

    for (int i = 0; i < 3; i++)
        add_record(&f, "", 0);
    read_as(&f, (size_t)_i, "auto", &r);
    check_reads(&r);
    ck_assert_uint_eq(r.sample_count, ways[_i].explore ? 0 : 3);
    ck_assert_uint_eq(r.samples_len, 0);
    format_read_free(&r);
    file_free(&f);
}
END_TEST

/* Example messages that contradict themselves: one record each, all checksums right. */
START_TEST(hostile_examples)
{
    static const struct {
        const char *data;
        uint64_t len;
        const char *word;
    } cases[] = {
        {"\x0a", 1, "cut off"},
        {"\x0a\x05", 2, "longer than its message"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "longer than its message"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "longer than 10 bytes"},
        {"\x0a\x02\x0a\x7f", 4, "longer than its message"},
        {"\x0a\x04\x0a\x02\x0a\x09", 6, "longer than its message"},
        {"\x00\x00", 2, "no valid number"},
        {"\x0b\x0c", 2, "wire type"},
        {"\x0f", 1, "wire type"},
        {"\x09zzz", 4, "longer than its message"},
        {"\x0a\x0d\x0a\x0b\x0a\x05image\x12\x02\x0a\x50", 15, "longer than its message"},
        {"\x0a\x0f\x0a\x0d\x0a\x05image\x12\x04\x0a\x02\x08\x01", 17, "value of another kind"},
        {"\x0a\x0f\x0a\x0d\x0a\x05image\x12\x04\x12\x02\x08\x01", 17, "value of another kind"},
        {"\x0a\x09\x0a\x07\x0a\x05image", 11, "holds nothing"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_driver d;
        struct file f = {0};
        struct format_read r;
        struct format_read_args args = {.samples = 1, .verify = true, .whole = i % 2};

        add_record(&f, cases[i].data, cases[i].len);
        args.data = f.data;
        args.size = f.len;
        format_driver_load(&d, TFRECORD, NULL);
        format_read(&d, &args, &r);
        ck_assert_msg(r.status < 0 && strstr(r.message, cases[i].word), "case %zu: %s", i, r.message);
        ck_assert_ptr_nonnull(strstr(r.message, "record 0: "));
        format_read_free(&r);
        format_driver_close(&d);
        file_free(&f);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tfrecord_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, flipped_bits, 0, 2 * WAYS);
    tcase_add_loop_test(tc, truncated, 0, 2 * WAYS);
    tcase_add_loop_test(tc, absurd_lengths, 0, WAYS);
    tcase_add_loop_test(tc, wrong_checksums, 0, WAYS);
    tcase_add_test(tc, checksums_not_wanted);
    tcase_add_loop_test(tc, bytes_behind_the_last_record, 0, WAYS);
    tcase_add_loop_test(tc, empty_records, 0, WAYS);
    tcase_add_test(tc, hostile_examples);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
