/* SPDX-License-Identifier: Apache-2.0 */
/* Files of numpy, of Python's csv module and by hand (tests/golden/csv): read to the item, or refused with the place.
 */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-csv.so"

struct golden {
    char file[64], option[64], dtype[16];
    bool good;
    uint32_t samples;
    uint64_t sample_bytes;
    uint32_t crc;
    char status[32], word[128];
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

        if (sscanf(line, "%7s %63s %63s %15s %u%n", kind, g->file, g->option, g->dtype, &g->samples, &n) != 5)
            break;
        g->good = strcmp(kind, "ok") == 0;
        if (g->good)
            fields = sscanf(line + n, "%lu %x", &g->sample_bytes, &g->crc);
        else
            fields = sscanf(line + n, "%31s %127[^\n]", g->status, g->word);
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
    char name[64];
    struct format_setting settings[] = {{"dtype", g->dtype}, {NULL, NULL}, {NULL, NULL}};
    char *value;

    snprintf(name, sizeof name, "%s", g->option);
    value = strchr(name, '=');
    if (value) {
        *value = '\0';
        settings[1] = (struct format_setting){name, strchr(g->option, '=') + 1};
    }
    format_driver_load(d, PLUGIN, settings);
}

static const struct {
    bool whole, no_consume, verify;
    uint64_t piece;
} ways[] = {
    {true, false, true, 0},  {true, false, false, 7}, {false, false, true, 0},
    {false, false, true, 1}, {false, true, true, 0},
};

START_TEST(golden_files)
{
    const struct golden *g = &golden[_i];
    uint64_t size = 0;
    uint8_t *data = load_file(g->file, &size);
    struct format_driver d;

    open_driver(&d, g);
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        const struct format_read_args args = {.data = data,
                                              .size = size,
                                              .samples = g->samples,
                                              .verify = ways[way].verify,
                                              .whole = ways[way].whole,
                                              .no_consume = ways[way].no_consume,
                                              .piece = ways[way].piece};
        struct format_read r;

        format_read(&d, &args, &r);
        if (g->good) {
            ck_assert_msg(r.status == DLFW_OK, "%s: %s", g->file, r.message);
            ck_assert_uint_eq(r.sample_count, g->samples);
            ck_assert_uint_eq(r.samples_len, g->samples * g->sample_bytes);
            ck_assert_msg((uint32_t)crc32_z(0, r.samples, r.samples_len) == g->crc, "%s: other values", g->file);
        } else {
            ck_assert_msg(strcmp(dlfw_status_name(r.status), g->status) == 0, "%s: %s %s", g->file,
                          dlfw_status_name(r.status), r.message);
            ck_assert_msg(strstr(r.message, g->word), "%s: '%s' is not in: %s", g->file, g->word, r.message);
            ck_assert_msg(strstr(r.message, "'train/img_0'"), "%s", r.message);
        }
        format_read_free(&r);
    }
    free(data);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv_files");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, golden_files, 0, (int)golden_count);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
