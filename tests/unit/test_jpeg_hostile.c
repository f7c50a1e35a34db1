/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG files as accidents and attackers make them: every failure is one line with name and offset, and nothing crashes,
 * hangs or takes memory that the file does not stand for. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-jpeg.so"
#define FILE_CAP (1u << 20)

static const char *const files[] = {"gray.jpeg", "rgb420.jpeg",   "progressive.jpeg", "restart.jpeg",
                                    "cmyk.jpeg", "metadata.jpeg", "adobe_rgb.jpeg",   "quality100.jpeg"};
#define FILE_COUNT ((int)(sizeof files / sizeof files[0]))

static uint8_t *load_file(const char *name, uint64_t *size)
{
    char path[512];
    uint8_t *data = malloc(FILE_CAP);
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f && data, "%s", path);
    *size = fread(data, 1, FILE_CAP, f);
    fclose(f);
    return data;
}

static void read_bytes(const struct format_driver *d, const uint8_t *data, uint64_t size, bool whole, uint64_t piece,
                       struct format_read *ret)
{
    const struct format_read_args args = {
        .data = data, .size = size, .samples = 1, .verify = true, .whole = whole, .piece = piece};

    format_read(d, &args, ret);
    if (ret->status < 0)
        ck_assert_msg(strstr(ret->message, "'train/img_0'") && strstr(ret->message, "offset"), "%s", ret->message);
}

START_TEST(truncated_anywhere)
{
    static const struct format_setting as_bytes[] = {{"decode", "bytes"}, {NULL, NULL}};
    struct format_driver d;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = load_file(files[_i % FILE_COUNT], &size);

    format_driver_load(&d, PLUGIN, _i < FILE_COUNT ? NULL : as_bytes);
    for (uint64_t n = 0; n < size; n++) {
        read_bytes(&d, data, n, n % 2, n % 3 ? 0 : 61, &r);
        ck_assert_msg(r.status == DLFW_E_CORRUPT, "%lu of %lu bytes: %s", n, size, dlfw_status_name(r.status));
        format_read_free(&r);
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

/* Bits of the scan carry no checksum, so not every change is noticed; but it is read or refused, nothing else. */
START_TEST(flipped_anywhere)
{
    struct format_driver d;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = load_file(files[_i], &size);

    format_driver_load(&d, PLUGIN, NULL);
    for (uint64_t at = 0; at < size; at++)
        for (uint32_t how = 0; how < 3; how++) {
            const uint8_t was = data[at];

            data[at] = (uint8_t)(how == 0 ? 0xffu : how == 1 ? 0u : was ^ 1u << at % 8);
            read_bytes(&d, data, size, true, 0, &r);
            format_read_free(&r);
            data[at] = was;
        }
    format_driver_close(&d);
    free(data);
}
END_TEST

#define SOI "\xff\xd8"
#define EOI "\xff\xd9"
#define FRAME "\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"
#define SCAN "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"

START_TEST(broken_structure)
{
    static const struct {
        const char *word, *data;
        uint32_t len;
    } cases[] = {
        {"empty", "", 0},
        {"begins", "\x00", 1},
        {"begins", "\xff\xd9", 2},
        {"truncated", SOI, 2},
        {"no marker where", SOI "\x00\x00", 4},
        {"ends without any scan", SOI EOI, 4},
        {"scan before the frame", SOI SCAN "\x12" EOI, 15},
        {"second frame", SOI FRAME FRAME SCAN EOI, 2 + 26 + 10 + 2},
        {"shorter than its length", SOI FRAME "\xff\xe0\x00\x01", 19},
        {"code", SOI "\xff\xd0", 4},
        {"code", SOI "\xff\x02\x00\x02", 6},
        {"code", SOI SOI, 4},
        {"code", SOI FRAME SCAN "\x12\xff\xd8", 28},
        {"without restart interval", SOI FRAME SCAN "\x12\xff\xd0", 28},
        {"missing or comes twice", SOI FRAME "\xff\xdd\x00\x04\x00\x01" SCAN "\x12\xff\xd1", 34},
        {"length than 4", SOI FRAME "\xff\xdd\x00\x05\x00\x01\x00", 22},
        {"another length", SOI "\xff\xc0\x00\x0c\x08\x00\x08\x00\x08\x01\x01\x11\x00\x00", 16},
        {"another length", SOI "\xff\xc0\x00\x04\x08\x00", 8},
        {"1 to 4 components", SOI "\xff\xc0\x00\x08\x08\x00\x08\x00\x08\x00", 12},
        {"without columns", SOI "\xff\xc0\x00\x0b\x08\x00\x08\x00\x00\x01\x01\x11\x00", 15},
        {"number of rows", SOI "\xff\xc0\x00\x0b\x08\x00\x00\x00\x08\x01\x01\x11\x00", 15},
        {"sampling", SOI "\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x10\x00", 15},
        {"end of the image is missing", SOI FRAME SCAN "\x12\x34", 27},
    };
    struct format_driver d;

    format_driver_load(&d, PLUGIN, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int whole = 0; whole < 2; whole++) {
            struct format_read r;

            read_bytes(&d, (const uint8_t *)cases[i].data, cases[i].len, whole, 1, &r);
            ck_assert_msg(r.status < 0 && strstr(r.message, cases[i].word), "case %zu: '%s' lacks '%s'", i, r.message,
                          cases[i].word);
            format_read_free(&r);
        }
    format_driver_close(&d);
}
END_TEST

/* A file of many scans costs the work of an image for each. */
START_TEST(too_many_scans)
{
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0x00};
    struct format_driver d;
    struct format_read r;
    uint64_t size = 0, at = 0, n;
    uint8_t *data = load_file("progressive_gray.jpeg", &size), *many = calloc(1, FILE_CAP);

    for (uint64_t i = 0; i + 1 < size && !at; i++)
        if (data[i] == 0xff && data[i + 1] == 0xda)
            at = i;
    memcpy(many, data, at);
    n = at;
    for (int i = 0; i < 600; i++) {
        memcpy(many + n, scan, sizeof scan);
        n += sizeof scan + 64; /* zeros: codes of the table, whatever they mean */
    }
    many[n++] = 0xff;
    many[n++] = 0xd9;
    format_driver_load(&d, PLUGIN, NULL);
    read_bytes(&d, many, n, true, 0, &r);
    ck_assert_int_lt(r.status, 0);
    format_read_free(&r);
    format_driver_close(&d);
    free(data);
    free(many);
}
END_TEST

START_TEST(max_pixels)
{
    static const struct {
        const char *limit;
        dlfw_status status;
    } cases[] = {{"2866", DLFW_E_UNSUPPORTED}, {"2867", DLFW_OK}};
    uint64_t size = 0;
    uint8_t *data = load_file("gray.jpeg", &size); /* 61 x 47 */

    for (size_t i = 0; i < 2; i++) {
        const struct format_setting settings[] = {{"max_pixels", cases[i].limit}, {NULL, NULL}};
        struct format_driver d;
        struct format_read r;

        format_driver_load(&d, PLUGIN, settings);
        read_bytes(&d, data, size, true, 0, &r);
        ck_assert_int_eq(r.status, cases[i].status);
        ck_assert(r.status == DLFW_OK || strstr(r.message, "dataset.jpeg.max_pixels: 2866"));
        format_read_free(&r);
        format_driver_close(&d);
    }
    free(data);
}
END_TEST

/* The frame header lies behind a chain of the largest segments: a handful of requests, not one per segment. */
START_TEST(long_way_to_the_frame)
{
    uint64_t size = 0, n = 2;
    uint8_t *data = load_file("gray.jpeg", &size), *many = calloc(1, FILE_CAP + size);
    struct format_driver d;
    struct format_read r;

    memcpy(many, data, 2);
    while (n + 65537 < FILE_CAP) {
        memcpy(many + n, "\xff\xe5\xff\xff", 4);
        n += 65537;
    }
    memcpy(many + n, data + 2, size - 2);
    n += size - 2;
    format_driver_load(&d, PLUGIN, NULL);
    read_bytes(&d, many, n, false, 4096, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_le(r.metadata_rounds, 4);
    format_read_free(&r);
    format_driver_close(&d);
    free(data);
    free(many);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jpeg_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, truncated_anywhere, 0, 2 * FILE_COUNT);
    tcase_add_loop_test(tc, flipped_anywhere, 0, FILE_COUNT);
    tcase_add_test(tc, broken_structure);
    tcase_add_test(tc, too_many_scans);
    tcase_add_test(tc, max_pixels);
    tcase_add_test(tc, long_way_to_the_frame);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
