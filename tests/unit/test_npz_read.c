/* SPDX-License-Identifier: Apache-2.0 */
/* Files that numpy wrote (tests/golden/npz) read through the shipped plugins, in every way a host may hand the bytes
 * over. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct golden {
    char file[64], member[32];
    bool good;
    uint32_t samples, item_bytes;
    uint64_t sample_bytes;
    uint32_t crc;
    char status[32], word[32];
};

static struct golden golden[100];
static size_t golden_count;

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/expected.txt", "r");
    char line[256], kind[8];

    while (f && golden_count < 100 && fgets(line, sizeof line, f)) {
        struct golden *g = &golden[golden_count++];
        int n = 0, fields = 0;

        if (sscanf(line, "%7s %63s %31s %u%n", kind, g->file, g->member, &g->samples, &n) != 4)
            break;
        g->good = strcmp(kind, "ok") == 0;
        if (g->good)
            fields = sscanf(line + n, "%u %lu %x", &g->item_bytes, &g->sample_bytes, &g->crc) - 1;
        else
            fields = sscanf(line + n, "%31s %31[^\n]", g->status, g->word);
        if (fields != 2)
            break;
    }
    if (!f || !feof(f) || golden_count < 30) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/expected.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
}

static uint8_t *load_file(const char *name, uint64_t *size)
{
    char path[512];
    uint8_t *data = malloc(1 << 20);
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f && data, "%s", path);
    *size = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

static void open_driver(struct format_driver *d, const struct golden *g)
{
    const struct format_setting settings[] = {{"member", strcmp(g->member, "-") == 0 ? NULL : g->member}, {NULL, NULL}};
    bool is_npz = strstr(g->file, ".npz") != NULL;

    format_driver_load(d, is_npz ? PLUGIN_DIR "/dlfw-format-npz.so" : PLUGIN_DIR "/dlfw-format-npy.so",
                       is_npz ? settings : NULL);
}

static const struct {
    const char *name;
    bool whole, no_consume, no_decode;
    uint64_t piece;
} ways[] = {
    {"whole object", true, false, false, 0},
    {"whole object, pieces of 7", true, false, false, 7},
    {"ranges", false, false, false, 0},
    {"pieces of 1", false, false, false, 1},
    {"pieces of 7", false, false, false, 7},
    {"pieces of 64", false, false, false, 64},
    {"pieces of 4096", false, false, false, 4096},
    {"without consume", false, true, false, 0},
};

static void check_good(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status == DLFW_OK, "%s, %s: %s", g->file, way, r->message);
    ck_assert_msg(r->sample_count == g->samples && r->samples_len == g->samples * g->sample_bytes,
                  "%s, %s: %lu samples, %lu bytes", g->file, way, r->sample_count, r->samples_len);
    ck_assert_uint_eq(r->item_size, g->item_bytes);
    ck_assert_msg((uint32_t)crc32_z(0, r->samples, r->samples_len) == g->crc, "%s, %s: other bytes", g->file, way);
}

/* what fails must say so in one line with the object's name; UNSUPPORTED and the like by name */
static void check_bad(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status < 0 && strcmp(dlfw_status_name(r->status), g->status) == 0, "%s, %s: status %s (%s)",
                  g->file, way, dlfw_status_name(r->status), r->message);
    ck_assert_msg(strstr(r->message, "'train/img_0'") && strstr(r->message, "offset"), "%s: %s", g->file, r->message);
    ck_assert_msg(strstr(r->message, g->word), "%s: '%s' lacks '%s'", g->file, r->message, g->word);
}

START_TEST(numpys_files)
{
    const struct golden *g = &golden[_i];
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file(g->file, &size);

    open_driver(&d, g);
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        for (int verify = 0; verify < 2; verify++) {
            struct format_read_args args = {.data = data,
                                            .size = size,
                                            .samples = g->samples,
                                            .verify = verify,
                                            .whole = ways[w].whole,
                                            .no_consume = ways[w].no_consume,
                                            .piece = ways[w].piece};
            struct format_read r;

            format_read(&d, &args, &r);
            if (g->good)
                check_good(g, &r, ways[w].name);
            else
                check_bad(g, &r, ways[w].name);
            format_read_free(&r);
        }
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

static void read_golden(const char *file, struct format_read_args args, struct format_read *ret)
{
    struct golden g = {.member = "-"};
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file(file, &size);

    snprintf(g.file, sizeof g.file, "%s", file);
    args.data = data;
    args.size = size;
    open_driver(&d, &g);
    format_read(&d, &args, ret);
    format_driver_close(&d);
    free(data);
}

/* An ordinary file costs one request for the directory, also when the end lies behind a comment or ZIP64 records. */
START_TEST(requests_are_few)
{
    static const struct {
        const char *file;
        uint32_t rounds; /* at most */
    } cases[] = {{"stored.npz", 1}, {"many.npz", 2},          {"comment.npz", 3},
                 {"zip64.npz", 1},  {"zip64_comment.npz", 2}, {"plain.npy", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_read r;

        read_golden(cases[i].file, (struct format_read_args){.verify = true}, &r);
        ck_assert_int_eq(r.status, DLFW_OK);
        ck_assert_msg(r.metadata_rounds <= cases[i].rounds, "%s: %u rounds", cases[i].file, r.metadata_rounds);
        format_read_free(&r);
    }
}
END_TEST

START_TEST(the_unit_is_the_member)
{
    static const struct {
        const char *file;
        uint64_t offset, length, out_bytes;
    } cases[] = {
        {"stored.npz", 0, 55 + 128 + 72, 0}, {"y_first.npz", 55 + 128 + 8, 55 + 128 + 72, 0},
        {"plain.npy", 0, 128 + 72, 0},       {"descriptor.npz", 0, 0, 0},
        {"deflated.npz", 0, 0, 128 + 2000},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct format_read r;

        read_golden(cases[i].file, (struct format_read_args){.samples = 1, .only_metadata = true}, &r);
        ck_assert_int_eq(r.status, DLFW_OK);
        ck_assert_uint_eq(r.unit.samples, 1);
        ck_assert_uint_eq(r.unit.first_sample, 0);
        ck_assert_uint_eq(r.unit.out_bytes, cases[i].out_bytes);
        ck_assert_uint_eq(r.range.length, r.unit.stored_bytes);
        ck_assert_msg(r.range.offset == cases[i].offset && (!cases[i].length || r.range.length == cases[i].length),
                      "%s: %lu+%lu", cases[i].file, r.range.offset, r.range.length);
        format_read_free(&r);
    }
}
END_TEST

/* consume() points at the array's bytes, in file order, and at nothing when they are not stored as they were made. */
START_TEST(payload_is_pointed_out)
{
    static const struct {
        const char *file;
        uint64_t bytes;
    } cases[] = {{"stored.npz", 72},   {"stored_n4.npz", 48}, {"n4.npy", 48},
                 {"fortran.npy", 240}, {"deflated.npz", 0},   {"empty.npz", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t piece = 1; piece < 300; piece += 23) {
            struct format_read r;

            read_golden(cases[i].file, (struct format_read_args){.verify = true, .piece = piece, .no_decode = true},
                        &r);
            ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
            ck_assert_msg(r.payload_len == cases[i].bytes, "%s: %lu bytes", cases[i].file, r.payload_len);
            for (uint64_t k = 0; k < r.payload_len && r.unit.stored_bytes < 400; k++)
                if (strstr(cases[i].file, "stored"))
                    ck_assert_uint_eq(r.payload[k], k * 7919 % 251);
            format_read_free(&r);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npz_read");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_add_loop_test(tc, numpys_files, 0, (int)golden_count);
    tcase_add_test(tc, requests_are_few);
    tcase_add_test(tc, the_unit_is_the_member);
    tcase_add_test(tc, payload_is_pointed_out);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
