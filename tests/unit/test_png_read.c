/* SPDX-License-Identifier: Apache-2.0 */
/* Images that Pillow can read and mostly wrote (tests/golden/png), read through the shipped plugin in every way a host
 * may hand the bytes over: the pixels are Pillow's, or the sample is the file. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-png.so"
#define FILE_CAP (1u << 20)

struct golden {
    char file[64];
    bool good;
    uint64_t width, height, channels;
    uint32_t crc;
    char depth[24], interlace[24];
    char status[24], word[40];
};

static struct golden golden[60];
static size_t golden_count;

static bool parse_line(const char *line, struct golden *g)
{
    char kind[8];

    if (sscanf(line, "%7s", kind) == 1 && strcmp(kind, "ok") == 0) {
        g->good = true;
        return sscanf(line, "%*s %63s %lu %lu %lu %x %23s %23s", g->file, &g->width, &g->height, &g->channels, &g->crc,
                      g->depth, g->interlace) == 7;
    }
    return sscanf(line, "%*s %63s %23s %39[^\n]", g->file, g->status, g->word) == 3;
}

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/expected.txt", "r");
    char line[256];

    while (f && golden_count < 60 && fgets(line, sizeof line, f))
        if (!parse_line(line, &golden[golden_count++]))
            break;
    if (!f || !feof(f) || golden_count < 25) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/expected.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
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

static const struct {
    const char *name;
    bool whole, no_consume;
    uint64_t piece;
} ways[] = {
    {"whole object", true, false, 0},    {"whole object, pieces of 7", true, false, 7},
    {"ranges", false, false, 0},         {"pieces of 1", false, false, 1},
    {"pieces of 61", false, false, 61},  {"pieces of 4096", false, false, 4096},
    {"without consume", false, true, 0},
};

static void check_good(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status == DLFW_OK, "%s, %s: %s", g->file, way, r->message);
    ck_assert_msg(r->sample_count == 1 && r->item_size == 1 && r->samples_len == g->width * g->height * g->channels,
                  "%s, %s: %lu samples, %lu bytes", g->file, way, r->sample_count, r->samples_len);
    ck_assert_msg((uint32_t)crc32_z(0, r->samples, r->samples_len) == g->crc, "%s, %s: other pixels", g->file, way);
}

/* One line with the object's name and a place in it. */
static void check_bad(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status < 0 && strcmp(dlfw_status_name(r->status), g->status) == 0, "%s, %s: status %s (%s)",
                  g->file, way, dlfw_status_name(r->status), r->message);
    ck_assert_msg(strstr(r->message, "'train/img_0'") && strstr(r->message, "offset"), "%s: %s", g->file, r->message);
    ck_assert_msg(strstr(r->message, g->word), "%s: '%s' lacks '%s'", g->file, r->message, g->word);
}

START_TEST(pixels)
{
    const struct golden *g = &golden[_i];
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file(g->file, &size);

    format_driver_load(&d, PLUGIN, NULL);
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        for (int verify = 0; verify < 2; verify++) {
            struct format_read_args args = {.data = data,
                                            .size = size,
                                            .samples = 1,
                                            .verify = verify,
                                            .whole = ways[w].whole,
                                            .no_consume = ways[w].no_consume,
                                            .piece = ways[w].piece};
            struct format_read r;

            format_read(&d, &args, &r);
            if (g->good)
                check_good(g, &r, ways[w].name);
            else if (verify || strcmp(g->file, "flipped.png") != 0)
                check_bad(g, &r, ways[w].name);
            format_read_free(&r);
        }
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

/* decode: bytes gives the file itself, and looks at its structure only. */
START_TEST(bytes)
{
    static const struct format_setting settings[] = {{"decode", "bytes"}, {NULL, NULL}};
    const struct golden *g = &golden[_i];
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file(g->file, &size);
    static const char *const broken[] = {"truncated.png", "flipped.png", "no_data.png", "no_palette.png",
                                         "critical.png",  "depth.png",   "no_image.png"};
    bool is_broken = false;

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        is_broken = is_broken || strcmp(g->file, broken[i]) == 0;
    format_driver_load(&d, PLUGIN, settings);
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        struct format_read_args args = {.data = data,
                                        .size = size,
                                        .verify = true,
                                        .whole = ways[w].whole,
                                        .no_consume = ways[w].no_consume,
                                        .piece = ways[w].piece};
        struct format_read r;

        format_read(&d, &args, &r);
        ck_assert_uint_eq(r.metadata_rounds, 0);
        if (is_broken) {
            check_bad(g, &r, ways[w].name);
        } else {
            ck_assert_msg(r.status == DLFW_OK, "%s: %s", g->file, r.message);
            ck_assert_uint_eq(r.samples_len, size);
            ck_assert_mem_eq(r.samples, data, size);
            ck_assert_uint_eq(r.unit.out_bytes, 0);
        }
        format_read_free(&r);
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

struct facts {
    char text[2048];
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
    add(f, ";");
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
}

static struct facts describe(const char *file, const struct format_setting *settings)
{
    struct facts f = {.depth = 0};
    dlfw_describe describe = {.struct_size = sizeof describe,
                              .ctx = &f,
                              .begin = on_begin,
                              .text = on_text,
                              .number = on_number,
                              .end = on_end};
    uint64_t size = 0;
    uint8_t *data = load_file(file, &size);
    struct format_read_args args = {
        .data = data, .size = size, .verify = true, .explore = true, .piece = 100, .describe = &describe};
    struct format_driver d;
    struct format_read r;

    format_driver_load(&d, PLUGIN, settings);
    format_read(&d, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s: %s", file, r.message);
    ck_assert_int_eq(f.depth, 0);
    format_read_free(&r);
    format_driver_close(&d);
    free(data);
    return f;
}

static void check_fact(const struct golden *g, const struct facts *f, const char *key, const char *value)
{
    char text[80];

    snprintf(text, sizeof text, ";%s=%s;", key, value);
    ck_assert_msg(strstr(f->text, text), "%s: '%s' lacks '%s'", g->file, f->text, text);
}

START_TEST(descriptions)
{
    static const struct format_setting bytes_too[] = {{"decode", "bytes"}, {NULL, NULL}};
    const struct golden *g = &golden[_i];

    if (!g->good)
        return;
    for (int i = 0; i < 2; i++) {
        struct facts f = describe(g->file, i ? bytes_too : NULL);
        char number[24];

        ck_assert(strncmp(f.text, "image png;", 10) == 0);
        snprintf(number, sizeof number, "%lu", g->width);
        check_fact(g, &f, "width", number);
        snprintf(number, sizeof number, "%lu", g->height);
        check_fact(g, &f, "height", number);
        check_fact(g, &f, "bit depth", g->depth);
        check_fact(g, &f, "interlace", g->interlace);
    }
}
END_TEST

START_TEST(details)
{
    static const struct {
        const char *file, *key, *value;
    } cases[] = {
        {"gray.png", "color", "gray"},
        {"rgba.png", "color", "RGB and alpha"},
        {"rgba.png", "channels", "4"},
        {"palette.png", "color", "palette"},
        {"palette_transparent.png", "ancillary", "tRNS"},
        {"gray_alpha16.png", "color", "gray and alpha"},
        {"text.png", "ancillary", "tEXt zTXt iTXt pHYs"},
        {"many_chunks.png", "image data chunks", "158"},
        {"trailing.png", "trailing bytes", "36"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct golden g = {.good = true};
        struct facts f = describe(cases[i].file, NULL);

        snprintf(g.file, sizeof g.file, "%s", cases[i].file);
        check_fact(&g, &f, cases[i].key, cases[i].value);
    }
}
END_TEST

/* The header is all that must be read beforehand. */
START_TEST(requests_are_few)
{
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file("profile.png", &size);
    struct format_read_args args = {.data = data, .size = size, .samples = 1, .verify = true};
    struct format_read r;

    format_driver_load(&d, PLUGIN, NULL);
    format_read(&d, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_eq(r.metadata_rounds, 1);
    ck_assert_uint_eq(r.unit.stored_bytes, size);
    format_read_free(&r);
    free(data);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("png_read");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_add_loop_test(tc, pixels, 0, (int)golden_count);
    tcase_add_loop_test(tc, bytes, 0, (int)golden_count);
    tcase_add_loop_test(tc, descriptions, 0, (int)golden_count);
    tcase_add_test(tc, details);
    tcase_add_test(tc, requests_are_few);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
