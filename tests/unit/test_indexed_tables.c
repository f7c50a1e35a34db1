/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables say is what is read, however they lie in memory; what they must not say is refused with its place. */
#include "support/format_driver.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-indexed_binary.so"
#define ENTRIES_MAX 400

/* A file of bytes 0, 1, 2, ... 250, 0, ... and tables. */
struct file {
    uint8_t data[40000];
    uint64_t size;
    uint64_t entries;
    uint8_t tables[2][ENTRIES_MAX * 8];
    uint64_t table_bytes[2];
};

static void set_entry(struct file *f, int table, uint64_t index, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        f->tables[table][index * 8 + (uint64_t)i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_entry(const struct file *f, int table, uint64_t index)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | f->tables[table][index * 8 + (uint64_t)i];
    return value;
}

static void make_file(struct file *f, uint64_t entries, uint64_t record)
{
    *f = (struct file){.size = entries * record, .entries = entries, .table_bytes = {entries * 8, entries * 8}};
    for (uint64_t i = 0; i < f->size; i++)
        f->data[i] = (uint8_t)(i % 251);
    for (uint64_t i = 0; i < entries; i++) {
        set_entry(f, 0, i, i * record);
        set_entry(f, 1, i, record);
    }
}

static struct format_read_args args_of(const struct file *f)
{
    return (struct format_read_args){.data = f->data,
                                     .size = f->size,
                                     .samples = (uint32_t)f->entries,
                                     .verify = true,
                                     .sides = {{f->tables[0], f->table_bytes[0]}, {f->tables[1], f->table_bytes[1]}},
                                     .side_count = 2};
}

/* Reads it and compares every sample with what the tables say. */
static void expect_samples(const struct format_driver *d, const struct file *f, const struct format_read_args *args)
{
    struct format_read r;
    uint64_t at = 0;

    format_read(d, args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s: %s", r.stage, r.message);
    ck_assert_uint_eq(r.sample_count, args->samples);
    for (uint64_t i = 0; i < args->samples; i++) {
        const uint64_t offset = get_entry(f, 0, i), size = get_entry(f, 1, i);

        ck_assert_uint_le(at + size, r.samples_len);
        ck_assert_mem_eq(r.samples + at, f->data + offset, size);
        at += size;
    }
    ck_assert_uint_eq(at, r.samples_len);
    format_read_free(&r);
}

static const struct {
    bool whole, whole_sides, no_consume;
    uint64_t piece, unit_samples;
    const char *table_memory;
} ways[] = {
    {true, false, false, 0, 0, "64MiB"},  {true, true, false, 0, 0, "64MiB"},  {false, false, false, 0, 0, "64MiB"},
    {false, false, false, 7, 1, "64MiB"}, {false, false, true, 0, 3, "64MiB"}, {false, false, false, 61, 100, "64MiB"},
    {true, false, false, 0, 0, "0"},      {true, true, false, 3, 0, "0"},      {false, false, false, 0, 0, "0"},
    {false, false, false, 5, 1, "0"},     {false, false, true, 0, 3, "0"},     {false, false, false, 8, 100, "0"},
};

START_TEST(every_way_gives_the_samples)
{
    const struct format_setting settings[] = {{"table_memory", ways[_i].table_memory}, {NULL, NULL}};
    struct format_driver d;
    static struct file f;

    for (int mapped = 0; mapped < 2; mapped++) {
        struct format_read_args args;

        format_driver_load_iface(&d, PLUGIN, mapped ? "mmap_indexed_binary" : "indexed_binary", settings);
        make_file(&f, 100, 77);
        args = args_of(&f);
        args.whole = ways[_i].whole;
        args.whole_sides = ways[_i].whole_sides;
        args.no_consume = ways[_i].no_consume;
        args.piece = ways[_i].piece;
        args.unit_samples = ways[_i].unit_samples;
        expect_samples(&d, &f, &args);
        args.samples = 60; /* tables may hold more than the run file uses */
        args.unit_samples = ways[_i].unit_samples ? ways[_i].unit_samples : 60;
        expect_samples(&d, &f, &args);
        format_driver_close(&d);
    }
}
END_TEST

enum layout { REVERSED, SCATTERED, OVERLAPPING, GROWING, ALL_THE_SAME, LAYOUT_COUNT };

static void lay_out(struct file *f, enum layout layout)
{
    make_file(f, 300, 100);
    for (uint64_t i = 0; i < 300; i++) {
        switch (layout) {
        case REVERSED:
            set_entry(f, 0, i, (299 - i) * 100);
            break;
        case SCATTERED: /* more gaps than a host takes ranges */
            set_entry(f, 0, i, i * 37 % 300 * 100 + 10);
            set_entry(f, 1, i, 50);
            break;
        case OVERLAPPING:
            set_entry(f, 0, i, i * 60);
            break;
        case GROWING:
            set_entry(f, 0, i, i * (i + 1) / 4);
            set_entry(f, 1, i, i / 2 + 1);
            break;
        case ALL_THE_SAME:
            set_entry(f, 0, i, 4096);
            break;
        case LAYOUT_COUNT:
            break;
        }
    }
}

/* Any table is followed, whatever the order, the gaps and the overlaps. */
START_TEST(any_layout_is_read)
{
    static const uint64_t units[] = {0, 1, 7, 300};
    static struct file f;
    struct format_driver d;

    lay_out(&f, (enum layout)_i);
    format_driver_load(&d, PLUGIN, NULL);
    for (int i = 0; i < 4; i++)
        for (int whole = 0; whole < 2; whole++) {
            struct format_read_args args = args_of(&f);

            args.unit_samples = units[i];
            args.whole = whole;
            args.piece = 13;
            expect_samples(&d, &f, &args);
        }
    format_driver_close(&d);
}
END_TEST

/* The tables are read once per object, not once per reader. */
START_TEST(loaded_tables_are_kept)
{
    static struct file f;
    struct format_driver d;
    struct format_read_args args;
    struct format_read r;

    make_file(&f, 50, 20);
    args = args_of(&f);
    format_driver_load(&d, PLUGIN, NULL);
    for (uint32_t round = 0; round < 3; round++) {
        format_read(&d, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.metadata_rounds, round ? 0 : 1);
        format_read_free(&r);
    }
    args.name = "train/img_1";
    format_read(&d, &args, &r);
    ck_assert_uint_eq(r.metadata_rounds, 1);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

/* 277 million samples: nothing of the tables is read beforehand, and a unit brings its own part. */
START_TEST(large_tables_are_never_loaded)
{
    const uint64_t count = 277203535;
    struct format_read_args args = {.size = count * 2048,
                                    .samples = (uint32_t)count,
                                    .only_metadata = true,
                                    .unit_samples = 2048,
                                    .sides = {{NULL, count * 8}, {NULL, count * 8}},
                                    .side_count = 2};
    const uint64_t last = count / 2048 * 2048;
    struct format_driver d;
    struct format_read r;

    format_driver_load(&d, PLUGIN, NULL);
    format_read(&d, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_eq(r.metadata_rounds, 0);
    ck_assert_uint_eq(r.unit_count, count / 2048 + 1);
    ck_assert_uint_eq(r.range_count, 3);
    ck_assert_uint_eq(r.ranges[0].offset, last * 2048);
    ck_assert_uint_eq(r.ranges[0].length, (count - last) * 2048);
    ck_assert_uint_eq(r.ranges[1].offset, DLFW_SIDE_OFFSET(0) + last * 8);
    ck_assert_uint_eq(r.ranges[2].offset, DLFW_SIDE_OFFSET(1) + last * 8);
    ck_assert_uint_eq(r.ranges[2].length, (count - last) * 8);
    format_read_free(&r);
    args.size++; /* not equally long any more */
    format_read(&d, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(r.message, "raise it"), "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

static void offset_outside(struct file *f)
{
    set_entry(f, 0, 3, 2000);
}
static void offset_huge(struct file *f)
{
    set_entry(f, 0, 3, UINT64_MAX);
}
static void size_too_long(struct file *f)
{
    set_entry(f, 1, 99, 21);
}
static void size_huge(struct file *f)
{
    set_entry(f, 1, 0, UINT64_MAX);
}
static void size_zero(struct file *f)
{
    set_entry(f, 1, 50, 0);
}
static void claims_too_much(struct file *f)
{
    for (uint64_t i = 0; i < 100; i++) {
        set_entry(f, 0, i, 0);
        set_entry(f, 1, i, 2000);
    }
}
static void offsets_cut(struct file *f)
{
    f->table_bytes[0] -= 8;
}
static void sizes_cut_inside(struct file *f)
{
    f->table_bytes[1] -= 3;
}
static void both_cut(struct file *f)
{
    f->table_bytes[0] = f->table_bytes[1] = 99 * 8;
}
static void offsets_missing(struct file *f)
{
    f->table_bytes[0] = FORMAT_SIDE_ABSENT;
}
static void sizes_missing(struct file *f)
{
    f->table_bytes[1] = FORMAT_SIDE_ABSENT;
}
static void sizes_empty(struct file *f)
{
    f->table_bytes[0] = f->table_bytes[1] = 0;
}
static void data_cut(struct file *f)
{
    f->size -= 1;
}
static void data_missing(struct file *f)
{
    f->size = 0;
}
static void offset_restarts(struct file *f)
{
    for (uint64_t i = 50; i < 100; i++)
        set_entry(f, 0, i, (i - 50) * 20);
}

/* large: with tables that are not loaded. NULL: such a file is read. */
static const struct {
    void (*damage)(struct file *f);
    dlfw_status status;
    const char *loaded, *large;
} damages[] = {
    {offset_outside, DLFW_E_CORRUPT, "img_0.off.idx': sample 3 begins at offset 2000 of 2000 bytes",
     "img_0.off.idx': entry 3 is 2000 where samples of equal length have 60"},
    {offset_huge, DLFW_E_CORRUPT, "(at offset 24)", "(at offset 24)"},
    {size_too_long, DLFW_E_CORRUPT, "img_0.sz.idx': sample 99 has 21 bytes where 20 are left", "entry 99 is 21"},
    {size_huge, DLFW_E_CORRUPT, "where 2000 are left", "img_0.sz.idx': entry 0"},
    {size_zero, DLFW_E_CORRUPT, "sample 50 has no bytes", "entry 50 is 0"},
    {claims_too_much, DLFW_E_CORRUPT, "claim 34000 bytes of the 2000", "entry 1 is 0"},
    {offsets_cut, DLFW_E_CORRUPT, "differ in length: 99 offsets and 100 sizes", "differ in length"},
    {sizes_cut_inside, DLFW_E_CORRUPT, "truncated: 797 bytes", "truncated: 797 bytes"},
    {both_cut, DLFW_E_CORRUPT, "hold 99 samples, the run file says 100", "hold 99 samples"},
    {offsets_missing, DLFW_E_NOT_FOUND, "'train/img_0.off.idx': not found", "not found"},
    {sizes_missing, DLFW_E_NOT_FOUND, "'train/img_0.sz.idx': not found", "not found"},
    {sizes_empty, DLFW_E_CORRUPT, "truncated: 0 bytes", "truncated: 0 bytes"},
    {data_cut, DLFW_E_CORRUPT, "sample 99 has 20 bytes where 19 are left", "1999 bytes are not 100 equally long"},
    {data_missing, DLFW_E_CORRUPT, "there is no data", "there is no data"},
    {offset_restarts, DLFW_OK, NULL, "entry 50 is 0 where samples of equal length have 1000"},
};

START_TEST(damage_is_named)
{
    static struct file f;

    for (int large = 0; large < 2; large++)
        for (int consume = 0; consume < 2; consume++) {
            const struct format_setting settings[] = {{"table_memory", large ? "0" : "1MiB"}, {NULL, NULL}};
            const char *word = large ? damages[_i].large : damages[_i].loaded;
            struct format_driver d;
            struct format_read_args args;
            struct format_read r;

            make_file(&f, 100, 20);
            damages[_i].damage(&f);
            args = args_of(&f);
            args.samples = 100;
            args.no_consume = consume;
            format_driver_load(&d, PLUGIN, settings);
            format_read(&d, &args, &r);
            if (word) {
                ck_assert_msg(r.status < 0, "read without complaint");
                ck_assert_msg(strstr(r.message, word), "%s", r.message);
                ck_assert_msg(strstr(r.message, "'train/img_0"), "%s", r.message);
                if (!large)
                    ck_assert_int_eq(r.status, damages[_i].status);
            } else {
                ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
            }
            format_read_free(&r);
            format_driver_close(&d);
        }
}
END_TEST

/* The table of generated content is part of what is verified: one that begins again at 0, as a well-known program
 * writes beyond 2 GiB, would hide most of the data. */
START_TEST(verified_tables_must_be_contiguous)
{
    static struct file f;
    struct format_driver d;
    struct format_read_args args;
    struct format_read r;

    make_file(&f, 100, 20);
    format_driver_content(1, 2, 0, f.data, f.size);
    args = args_of(&f);
    args.verify_content = true;
    args.content_seed = 1;
    args.content_object = 2;
    format_driver_load(&d, PLUGIN, NULL);
    format_read(&d, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_eq(r.payload_len, f.size);
    ck_assert_mem_eq(r.payload, f.data, f.size);
    format_read_free(&r);
    offset_restarts(&f);
    args.name = "train/img_1";
    format_read(&d, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    ck_assert_msg(strstr(r.message, "do not follow each other"), "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

/* As a map of which nobody touches a page: the tables are read and checked, of the data nothing is asked for. Only the
 * mapping name has this. */
START_TEST(untouched_data_is_not_asked_for)
{
    const struct format_setting settings[] = {{"no_touch", "true"}, {"table_memory", _i ? "0" : "64MiB"}, {NULL, NULL}};
    static struct file f;
    struct format_driver d;
    struct format_read_args args;
    struct format_read r;

    make_file(&f, 50, 20);
    args = args_of(&f);
    args.data = NULL; /* a single byte of it that is touched ends the test */
    format_driver_load_iface(&d, PLUGIN, "mmap_indexed_binary", settings);
    format_read(&d, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s: %s", r.stage, r.message);
    ck_assert_uint_eq(r.sample_count, 50);
    ck_assert_uint_eq(r.samples_len, 0);
    ck_assert_uint_eq(r.payload_len, 0);
    for (uint32_t i = 0; i < r.range_count; i++)
        ck_assert_uint_ne(r.ranges[i].offset >> DLFW_SIDE_SHIFT, 0);
    ck_assert_uint_eq(r.unit.stored_bytes, _i ? 2 * 50 * 8 : 0);
    format_read_free(&r);
    set_entry(&f, 0, 3, 5000); /* the tables are checked all the same */
    args.name = "train/img_1";
    format_read(&d, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

/* A host of ABI 1.0 knows no side objects and is told so. */
START_TEST(old_hosts_are_told)
{
    static struct file f;
    struct format_driver d;
    struct format_read_args args;
    struct format_read r;

    make_file(&f, 10, 20);
    args = args_of(&f);
    args.old_object = true;
    format_driver_load(&d, PLUGIN, NULL);
    format_read(&d, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(r.message, "older than 1.1"), "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("indexed_tables");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_way_gives_the_samples, 0, (int)(sizeof ways / sizeof ways[0]));
    tcase_add_loop_test(tc, any_layout_is_read, 0, LAYOUT_COUNT);
    tcase_add_test(tc, loaded_tables_are_kept);
    tcase_add_test(tc, large_tables_are_never_loaded);
    tcase_add_loop_test(tc, damage_is_named, 0, (int)(sizeof damages / sizeof damages[0]));
    tcase_add_test(tc, verified_tables_must_be_contiguous);
    tcase_add_loop_test(tc, untouched_data_is_not_asked_for, 0, 2);
    tcase_add_test(tc, old_hosts_are_told);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
