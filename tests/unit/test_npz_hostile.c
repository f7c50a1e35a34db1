/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged and malicious files: always an error that names the object, never a crash, never wrong data that look right.
 */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define NPZ PLUGIN_DIR "/dlfw-format-npz.so"
#define NPY PLUGIN_DIR "/dlfw-format-npy.so"

static uint8_t file_data[1 << 16];
static uint64_t file_size;

static void load_golden(const char *name)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    file_size = fread(file_data, 1, sizeof file_data, f);
    fclose(f);
}

static void put(uint64_t at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        file_data[at + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t end_record(void)
{
    return file_size - 22; /* the files used here have no comment */
}

static uint64_t directory(void)
{
    uint64_t at = 0;

    memcpy(&at, file_data + end_record() + 16, 4);
    return at;
}

static void read_file(const struct format_driver *d, uint64_t size, bool whole, uint64_t piece, struct format_read *ret)
{
    format_read(d,
                &(struct format_read_args){.data = file_data,
                                           .size = size,
                                           .samples = 1,
                                           .verify = true,
                                           .whole = whole,
                                           .piece = piece,
                                           .out_limit = 16 << 20},
                ret);
}

static const char *const samples_of_all[] = {"stored.npz",     "deflated_n3.npz", "zip64.npz",  "y_first.npz",
                                             "descriptor.npz", "comment.npz",     "fortran.npz"};

START_TEST(every_truncation_is_an_error)
{
    const char *name = _i < 7 ? samples_of_all[_i] : "plain.npy";
    struct format_driver d;

    load_golden(name);
    format_driver_load(&d, _i < 7 ? NPZ : NPY, NULL);
    for (uint64_t size = 0; size < file_size; size++) {
        struct format_read r;

        read_file(&d, size, size % 2, 512, &r);
        ck_assert_msg(r.status == DLFW_E_CORRUPT, "%s cut to %lu: %s %s", name, size, dlfw_status_name(r.status),
                      r.message);
        ck_assert_msg(strstr(r.message, "'train/img_0'"), "%s", r.message);
        format_read_free(&r);
    }
    format_driver_close(&d);
}
END_TEST

/* The labels of a golden file: what is read when the name x.npy is damaged and y.npy is the first array. */
static bool is_labels(const struct format_read *r)
{
    for (uint64_t i = 0; i < r->samples_len; i++)
        if (r->samples[i])
            return false;
    return r->samples_len == 8 || r->samples_len == 24;
}

/* Any single damaged byte is either found, or lies where no array byte depends on it. */
START_TEST(flips_never_change_the_data)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    struct format_driver d;
    struct format_read good;

    load_golden(samples_of_all[_i]);
    format_driver_load(&d, NPZ, NULL);
    read_file(&d, file_size, false, 0, &good);
    ck_assert_int_eq(good.status, DLFW_OK);
    for (uint64_t at = 0; at < file_size; at++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            struct format_read r;

            file_data[at] ^= masks[m];
            read_file(&d, file_size, at % 2, 100, &r);
            file_data[at] ^= masks[m];
            if (r.status == DLFW_OK && !is_labels(&r))
                ck_assert_msg(r.samples_len == good.samples_len && memcmp(r.samples, good.samples, r.samples_len) == 0,
                              "%s byte %lu: wrong data", samples_of_all[_i], at);
            format_read_free(&r);
        }
    }
    format_read_free(&good);
    format_driver_close(&d);
}
END_TEST

START_TEST(payload_flips_are_named)
{
    struct format_driver d;

    load_golden("stored.npz");
    format_driver_load(&d, NPZ, NULL);
    for (uint64_t at = 183; at < 183 + 72; at++) {
        for (int no_consume = 0; no_consume < 2; no_consume++) {
            struct format_read r;

            file_data[at] ^= 0x10;
            format_read(&d,
                        &(struct format_read_args){
                            .data = file_data, .size = file_size, .verify = true, .no_consume = no_consume},
                        &r);
            ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
            ck_assert_str_eq(r.stage, no_consume ? "decode" : "consume");
            ck_assert_msg(strstr(r.message, "'train/img_0': CRC mismatch of member 'x.npy' (stored ") &&
                              strstr(r.message, ", computed ") && strstr(r.message, ") at offset 183"),
                          "%s", r.message);
            format_read_free(&r);
            /* without verification the bytes are delivered as they are */
            format_read(&d, &(struct format_read_args){.data = file_data, .size = file_size, .no_consume = no_consume},
                        &r);
            ck_assert_int_eq(r.status, DLFW_OK);
            format_read_free(&r);
            file_data[at] ^= 0x10;
        }
    }
    format_driver_close(&d);
}
END_TEST

/* stored.npz: x at 0 (55 + 128 + 72 bytes), y at 255 (55 + 128 + 8), directory at 446: entries of 51 bytes */
static const struct {
    const char *name;
    uint32_t base; /* 0: file, 1: directory, 2: second entry, 3: end record */
    uint64_t at, value;
    uint32_t bytes;
    dlfw_status status;
    const char *word;
} patches[] = {
    {"entry count huge", 3, 8, 0xfffefffe, 4, DLFW_E_CORRUPT, "directory entry"},
    {"entry count above", 3, 8, 0x00030003, 4, DLFW_E_CORRUPT, "directory entry"},
    {"counts differ", 3, 8, 0x00020001, 4, DLFW_E_UNSUPPORTED, "several disks"},
    {"second disk", 3, 4, 0x00010001, 4, DLFW_E_UNSUPPORTED, "several disks"},
    {"directory size huge", 3, 12, 0xffffffff, 4, DLFW_E_CORRUPT, "outside the file"},
    {"directory size short", 3, 12, 60, 4, DLFW_E_CORRUPT, "directory entry"},
    {"directory offset huge", 3, 16, 0xffffffff, 4, DLFW_E_CORRUPT, "outside the file"},
    {"directory offset on itself", 3, 16, 255, 4, DLFW_E_CORRUPT, "no zip directory entry"},
    {"entry name beyond", 2, 28, 0xffff, 2, DLFW_E_CORRUPT, "beyond the directory"},
    {"entry extra beyond", 1, 30, 0xffff, 2, DLFW_E_CORRUPT, "beyond the directory"},
    {"zip64 size without block", 1, 24, 0xffffffff, 4, DLFW_E_CORRUPT, "64-bit sizes"},
    {"local offset in directory", 1, 42, 446, 4, DLFW_E_CORRUPT, "outside the file's members"},
    {"local offset beyond", 1, 42, 0xfffffffe, 4, DLFW_E_CORRUPT, "outside the file's members"},
    {"local offset of y", 1, 42, 255, 4, DLFW_E_CORRUPT, "outside the file's members"},
    {"local offset before y", 1, 42, 100, 4, DLFW_E_CORRUPT, "overlap"},
    {"y inside x", 2, 42, 100, 4, DLFW_E_CORRUPT, "overlap"},
    {"y same as x", 2, 42, 0, 4, DLFW_E_CORRUPT, "overlap"},
    {"x named twice", 2, 46, 'x', 1, DLFW_E_CORRUPT, "twice"},
    {"encrypted", 1, 8, 1, 2, DLFW_E_UNSUPPORTED, "encrypted"},
    {"masked directory", 1, 8, 1 << 13, 2, DLFW_E_UNSUPPORTED, "encrypted"},
    {"method lzma", 1, 10, 14, 2, DLFW_E_UNSUPPORTED, "method 14"},
    {"stored sizes differ", 1, 24, 201, 4, DLFW_E_CORRUPT, "impossible sizes"},
    {"claims to be deflated", 1, 10, 8, 2, DLFW_E_CORRUPT, "compression method"},
    {"local signature", 0, 0, 0, 4, DLFW_E_CORRUPT, "no local zip header at offset 0"},
    {"local name", 0, 30, 'z', 1, DLFW_E_CORRUPT, "name"},
    {"local name length", 0, 26, 6, 2, DLFW_E_CORRUPT, "the size"},
    {"local extra length", 0, 28, 0xffff, 2, DLFW_E_CORRUPT, "the size"},
    {"local extra shorter", 0, 28, 10, 2, DLFW_E_CORRUPT, "magic"},
    {"local method", 0, 8, 8, 2, DLFW_E_CORRUPT, "compression method"},
    {"local flags", 0, 6, 8, 2, DLFW_E_CORRUPT, "flags"},
    {"local size", 0, 18, 199, 4, DLFW_E_CORRUPT, "size"},
    {"local sizes in the zip64 block", 0, 18, UINT64_MAX, 8, DLFW_OK, ""},
    {"local crc", 0, 14, 0, 4, DLFW_E_CORRUPT, "CRC"},
    {"shape too large", 0, 55 + 10 + 51, '9', 1, DLFW_E_CORRUPT, "does not fit"},
};

START_TEST(hostile_directories)
{
    uint64_t base[4];
    struct format_driver d;

    format_driver_load(&d, NPZ, NULL);
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        struct format_read r;

        load_golden("stored.npz");
        base[0] = 0;
        base[1] = directory();
        base[2] = directory() + 51;
        base[3] = end_record();
        put(base[patches[i].base] + patches[i].at, patches[i].value, patches[i].bytes);
        for (int whole = 0; whole < 2; whole++) {
            read_file(&d, file_size, whole, 0, &r);
            ck_assert_msg(r.status == patches[i].status, "%s: %s %s", patches[i].name, dlfw_status_name(r.status),
                          r.message);
            if (r.status < 0)
                ck_assert_msg(strstr(r.message, patches[i].word) && strstr(r.message, "'train/img_0'") &&
                                  strstr(r.message, "offset"),
                              "%s: %s", patches[i].name, r.message);
            format_read_free(&r);
        }
    }
    format_driver_close(&d);
}
END_TEST

/* zip64.npz: record at size - 98, locator at size - 42 */
START_TEST(hostile_zip64_records)
{
    static const struct {
        int64_t from_end;
        uint64_t value;
        uint32_t bytes;
        dlfw_status status;
        const char *word;
    } cases[] = {
        {-42 + 8, UINT64_MAX, 8, DLFW_E_CORRUPT, "locator points outside"},
        {-42 + 8, 0, 8, DLFW_E_CORRUPT, "no zip64 end record"},
        {-42 + 16, 2, 4, DLFW_E_UNSUPPORTED, "several disks"},
        {-98 + 24, 7, 8, DLFW_E_UNSUPPORTED, "several disks"},
        {-98 + 40, UINT64_MAX, 8, DLFW_E_CORRUPT, "outside the file"},
        {-98 + 48, UINT64_MAX - 10, 8, DLFW_E_CORRUPT, "outside the file"},
    };
    struct format_driver d;

    format_driver_load(&d, NPZ, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_read r;

        load_golden("zip64.npz");
        put((uint64_t)((int64_t)file_size + cases[i].from_end), cases[i].value, cases[i].bytes);
        read_file(&d, file_size, false, 0, &r);
        ck_assert_msg(r.status == cases[i].status && strstr(r.message, cases[i].word), "case %zu: %s %s", i,
                      dlfw_status_name(r.status), r.message);
        format_read_free(&r);
    }
    format_driver_close(&d);
}
END_TEST

/* Sizes that no deflate stream can reach are refused before any memory is asked for. */
START_TEST(impossible_ratio)
{
    struct format_driver d;
    struct format_read r;

    format_driver_load(&d, NPZ, NULL);
    load_golden("deflated.npz");
    put(directory() + 24, 0xfffffff0, 4);
    read_file(&d, file_size, false, 0, &r);
    ck_assert_msg(r.status == DLFW_E_CORRUPT && strstr(r.message, "impossible sizes"), "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

/* Makes file_data an npz of x alone: an array said to have `said` bytes, of which the deflate stream holds `real`, cut
 * by `cut` bytes and followed by `behind` others; all headers agree with each other. */
static void build_deflated(uint32_t said, uint32_t real, uint32_t cut, uint32_t behind)
{
    uint8_t member[4096] = "\x93NUMPY\x01\x00\x76\x00";
    z_stream z = {0};
    uint32_t stored;
    int n;

    memset(member + 10, ' ', 118);
    n = snprintf((char *)member + 10, 118, "{'descr': '|u1', 'fortran_order': False, 'shape': (%u,), }", said);
    member[10 + n] = ' ';
    for (uint32_t i = 0; i < real; i++)
        member[128 + i] = (uint8_t)(i * i >> 3);
    memset(file_data, 0, sizeof file_data);
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = member;
    z.avail_in = 128 + real;
    z.next_out = file_data + 35;
    z.avail_out = 8192;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    stored = (uint32_t)z.total_out - cut + behind;
    deflateEnd(&z);
    memset(file_data + 35 + stored - behind, 0xee, behind);
    put(0, 0x04034b50, 4);
    put(8, 8, 2);
    put(14, crc32_z(0, member, 128 + real), 4);
    put(18, stored, 4);
    put(22, 128 + said, 4);
    put(26, 5, 2);
    memcpy(file_data + 30, "x.npy", 5);
    put(35 + stored, 0x02014b50, 4);
    put(35 + stored + 10, 8, 2);
    memcpy(file_data + 35 + stored + 16, file_data + 14, 14);
    memcpy(file_data + 35 + stored + 46, "x.npy", 5);
    put(35 + stored + 51, 0x06054b50, 4);
    put(35 + stored + 51 + 8, 0x00010001, 4);
    put(35 + stored + 51 + 12, 51, 4);
    put(35 + stored + 51 + 16, 35 + stored, 4);
    file_size = 35 + stored + 51 + 22;
}

/* A stream of another size than all headers say, found with and without verification, by consume and by decode. */
START_TEST(deflate_streams_of_the_wrong_size)
{
    static const struct {
        uint32_t said, real, cut, behind;
        dlfw_status status;
        const char *words[2]; /* by consume, by decode */
    } cases[] = {
        {1000, 1000, 0, 0, DLFW_OK, {"", ""}},
        {1000, 1001, 0, 0, DLFW_E_CORRUPT, {"inflates to more", "not of the size"}},
        {1000, 3000, 0, 0, DLFW_E_CORRUPT, {"inflates to more", "not of the size"}},
        {1000, 999, 0, 0, DLFW_E_CORRUPT, {"inflates to less", "not of the size"}},
        {1000, 1000, 1, 0, DLFW_E_CORRUPT, {"inflates to less", "not of the size"}},
        {1000, 1000, 0, 3, DLFW_E_CORRUPT, {"bytes behind", "not of the size"}},
        {1000, 1000, 300, 300, DLFW_E_CORRUPT, {"'x.npy' at offset", "'x.npy' at offset"}},
        {0, 0, 0, 0, DLFW_OK, {"", ""}},
    };
    struct format_driver d;

    format_driver_load(&d, NPZ, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        build_deflated(cases[i].said, cases[i].real, cases[i].cut, cases[i].behind);
        for (int way = 0; way < 4; way++) {
            const bool verify = way & 1, no_consume = way & 2;
            struct format_read r;

            format_read(
                &d,
                &(struct format_read_args){
                    .data = file_data, .size = file_size, .verify = verify, .no_consume = no_consume, .piece = 11},
                &r);
            ck_assert_msg(r.status == cases[i].status, "case %zu way %d: %s", i, way, r.message);
            ck_assert_msg(strstr(r.message, cases[i].words[verify && !no_consume ? 0 : 1]), "case %zu way %d: %s", i,
                          way, r.message);
            format_read_free(&r);
        }
    }
    format_driver_close(&d);
}
END_TEST

START_TEST(npy_file_and_header_must_agree)
{
    struct format_driver d;
    struct format_read r;

    format_driver_load(&d, NPY, NULL);
    load_golden("plain.npy");
    file_data[file_size] = 0;
    read_file(&d, file_size + 1, false, 9, &r);
    ck_assert_msg(r.status == DLFW_E_CORRUPT && strstr(r.message, "bytes behind the array"), "%s", r.message);
    format_read_free(&r);
    read_file(&d, file_size - 1, false, 9, &r);
    ck_assert_msg(r.status == DLFW_E_CORRUPT && strstr(r.message, "truncated") &&
                      strstr(r.message, "71 from offset 128"),
                  "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npz_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_truncation_is_an_error, 0, 8);
    tcase_add_loop_test(tc, flips_never_change_the_data, 0, 7);
    tcase_add_test(tc, payload_flips_are_named);
    tcase_add_test(tc, hostile_directories);
    tcase_add_test(tc, hostile_zip64_records);
    tcase_add_test(tc, impossible_ratio);
    tcase_add_test(tc, deflate_streams_of_the_wrong_size);
    tcase_add_test(tc, npy_file_and_header_must_agree);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
