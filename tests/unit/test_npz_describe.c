/* SPDX-License-Identifier: Apache-2.0 */
/* What npz and npy say of a file to people: every member with its facts, every checksum verified. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_CAP (1u << 20)

struct facts {
    char text[64 * 1024];
    int depth;
};

static void add(struct facts *f, const char *text)
{
    strncat(f->text, text, sizeof f->text - strlen(f->text) - 1);
}

static void on_begin(void *ctx, const char *kind, const char *name)
{
    struct facts *f = ctx;

    f->depth++;
    add(f, kind);
    add(f, " ");
    add(f, name);
    add(f, "{");
}

static void on_text(void *ctx, const char *key, const char *value)
{
    add(ctx, key);
    add(ctx, "=");
    add(ctx, value);
    add(ctx, ";");
}

static void on_number(void *ctx, const char *key, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%lu", value);
    on_text(ctx, key, text);
}

static void on_end(void *ctx)
{
    ((struct facts *)ctx)->depth--;
    add(ctx, "}");
}

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

static const char *plugin_of(const char *file)
{
    return strstr(file, ".npz") ? PLUGIN_DIR "/dlfw-format-npz.so" : PLUGIN_DIR "/dlfw-format-npy.so";
}

/* Reads data as `dlfw inspect` does; f may be NULL. */
static void explore(const char *file, const uint8_t *data, uint64_t size, struct format_read_args args, struct facts *f,
                    struct format_read *ret)
{
    dlfw_describe describe = {.struct_size = sizeof describe,
                              .ctx = f,
                              .begin = on_begin,
                              .text = on_text,
                              .number = on_number,
                              .end = on_end};
    struct format_driver d;

    args.data = data;
    args.size = size;
    args.explore = true;
    args.describe = f ? &describe : NULL;
    format_driver_load(&d, plugin_of(file), NULL);
    format_read(&d, &args, ret);
    format_driver_close(&d);
    if (f)
        ck_assert_int_eq(f->depth, 0);
}

START_TEST(facts_of_members)
{
    static const struct {
        const char *file;
        uint64_t units;
        const char *facts[4];
    } cases[] = {
        {"stored.npz",
         2,
         {"members=2;", "array x.npy{dtype=|u1;shape=(8, 9, 1);order=C;array bytes=72;method=stored;",
          "array y.npy{dtype=<i8;shape=(1,);"}},
        {"fortran.npz", 0, {"order=Fortran;"}},
        {"deflated.npz", 0, {"method=deflated;", "order=C;"}},
        {"scalar.npz", 0, {"shape=();order=C", NULL}},
        {"complex128.npz", 0, {"dtype=<c16;"}},
        {"zip64.npz", 0, {"method=stored;"}},
        {"bzip2.npz", 0, {"method=zip method 12;", "checked=no;"}},
        {"objects.npz", 0, {"not read=pickled objects"}},
        {"records.npz", 0, {"not read=arrays of records"}},
        {"text.npz", 0, {"not read=element type"}},
        {"no_arrays.npz", 0, {"member "}},
        {"nothing.npz", 0, {"members=0;"}},
        {"many.npz", 0, {"members=41;"}},
        {"plain.npy", 1, {"array {dtype=|u1;shape=(8, 9, 1);order=C;array bytes=72;}"}},
        {"fortran.npy", 1, {"order=Fortran;"}},
        {"vector.npy", 1, {"shape=("}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint64_t piece = 0; piece < 200; piece += 67) {
            uint64_t size = 0;
            uint8_t *data = load_file(cases[i].file, &size);
            struct facts *f = calloc(1, sizeof *f);
            struct format_read r;

            explore(cases[i].file, data, size,
                    (struct format_read_args){.verify = true, .piece = piece, .whole = piece == 67, .no_decode = true},
                    f, &r);
            ck_assert_msg(r.status == DLFW_OK, "%s: %s", cases[i].file, r.message);
            if (cases[i].units)
                ck_assert_uint_eq(r.unit_count, cases[i].units);
            for (size_t k = 0; k < 4 && cases[i].facts[k]; k++)
                ck_assert_msg(strstr(f->text, cases[i].facts[k]), "%s: '%s' lacks '%s'", cases[i].file, f->text,
                              cases[i].facts[k]);
            format_read_free(&r);
            free(f);
            free(data);
        }
}
END_TEST

/* Any wrong byte is an error with its place, or one that nothing depends on (a time, an attribute). */
START_TEST(flipped_anywhere)
{
    static const char *const files[] = {"stored.npz", "deflated.npz", "multi.npz", "no_x.npz"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t size = 0;
        uint8_t *data = load_file(files[i], &size);
        struct format_read r;

        for (uint64_t at = 0; at < size; at += 3) {
            data[at] ^= 0x10;
            explore(files[i], data, size, (struct format_read_args){.verify = true, .piece = 1000}, NULL, &r);
            if (r.status < 0)
                ck_assert_msg(strstr(r.message, "offset"), "%s", r.message);
            format_read_free(&r);
            data[at] ^= 0x10;
        }
        free(data);
    }
}
END_TEST

/* Each member is a unit, so damage is found also in one that no training reads. */
START_TEST(damage_in_the_second_member)
{
    uint64_t size = 0, directory = 0;
    uint8_t *data = load_file("stored.npz", &size);
    struct format_read r;

    for (uint64_t at = 0; at + 4 <= size && !directory; at++)
        if (memcmp(data + at, "PK\1\2", 4) == 0)
            directory = at;
    data[directory - 1] ^= 1; /* the last byte of y */
    explore("stored.npz", data, size, (struct format_read_args){.verify = true}, NULL, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    ck_assert_msg(strstr(r.message, "CRC") && strstr(r.message, "y.npy"), "%s", r.message);
    format_read_free(&r);
    explore("stored.npz", data, size, (struct format_read_args){.verify = false}, NULL, &r);
    ck_assert_int_eq(r.status, DLFW_OK);
    format_read_free(&r);
    free(data);
}
END_TEST

START_TEST(truncated_anywhere)
{
    static const char *const files[] = {"stored.npz", "deflated.npz", "comment.npz",
                                        "zip64.npz",  "plain.npy",    "v3.npy"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t size = 0;
        uint8_t *data = load_file(files[i], &size);

        for (uint64_t n = 0; n < size; n++) {
            struct format_read r;

            explore(files[i], data, n, (struct format_read_args){.verify = true, .whole = n % 2}, NULL, &r);
            ck_assert_msg(r.status < 0, "%s: %lu of %lu bytes", files[i], n, size);
            format_read_free(&r);
        }
        free(data);
    }
}
END_TEST

/* Two entries of the directory for the same bytes are how zip bombs are built. */
START_TEST(overlapping_members)
{
    uint64_t size = 0, first = 0, second = 0;
    uint8_t *data = load_file("stored.npz", &size);
    struct format_read r;

    for (uint64_t at = 0; at + 4 <= size; at++)
        if (memcmp(data + at, "PK\1\2", 4) == 0) {
            second = first ? at : 0;
            first = first ? first : at;
        }
    ck_assert(first && second);
    memcpy(data + second + 42, data + first + 42, 4); /* the offset of the local header */
    explore("stored.npz", data, size, (struct format_read_args){.verify = true}, NULL, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    ck_assert_msg(strstr(r.message, "overlap"), "%s", r.message);
    format_read_free(&r);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npz_describe");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, facts_of_members);
    tcase_add_test(tc, flipped_anywhere);
    tcase_add_test(tc, damage_in_the_second_member);
    tcase_add_test(tc, truncated_anywhere);
    tcase_add_test(tc, overlapping_members);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
