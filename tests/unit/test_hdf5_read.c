/* SPDX-License-Identifier: Apache-2.0 */
/* Files that h5py wrote (tests/golden/hdf5) read through the shipped plugin, in every way a host may hand the bytes
 * over. */
#include "unit/hdf5_fixture.h"

#include <zlib.h>

struct golden {
    char file[64], dataset[64];
    bool good, by_library;
    uint32_t samples, item_bytes;
    uint64_t sample_bytes;
    uint32_t crc;
    char status[32], word[64];
};

static struct golden golden[100];
static size_t golden_count;

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/expected.txt", "r");
    char line[256], kind[8], by[16];

    while (f && golden_count < 100 && fgets(line, sizeof line, f)) {
        struct golden *g = &golden[golden_count++];
        int n = 0, fields = 0;

        if (sscanf(line, "%7s %63s %63s %u%n", kind, g->file, g->dataset, &g->samples, &n) != 4)
            break;
        g->good = strcmp(kind, "ok") == 0;
        if (g->good)
            fields = sscanf(line + n, "%15s %u %lu %x", by, &g->item_bytes, &g->sample_bytes, &g->crc) - 2;
        else
            fields = sscanf(line + n, "%31s %63[^\n]", g->status, g->word);
        g->by_library = g->good && strcmp(by, "library") == 0;
        if (fields != 2)
            break;
    }
    if (!f || !feof(f) || golden_count < 60) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/expected.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
}

static void open_golden(struct format_driver *d, const struct golden *g, const char *library)
{
    const struct hdf5_setting settings[] = {
        {"dataset", strcmp(g->dataset, "-") == 0 ? NULL : g->dataset}, {"library", library}, {NULL, NULL}};

    ck_assert_int_eq(hdf5_load(d, settings, NULL), DLFW_OK);
}

static const struct {
    const char *name;
    bool whole, no_consume;
    uint64_t piece;
} ways[] = {
    {"whole object", true, false, 0},    {"whole object, pieces of 7", true, false, 7},
    {"ranges", false, false, 0},         {"pieces of 1", false, false, 1},
    {"pieces of 64", false, false, 64},  {"pieces of 4096", false, false, 4096},
    {"without consume", false, true, 0},
};

static void check_good(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status == DLFW_OK, "%s, %s: %s", g->file, way, r->message);
    ck_assert_msg(r->sample_count == g->samples && r->samples_len == g->samples * g->sample_bytes,
                  "%s, %s: %lu samples, %lu bytes", g->file, way, r->sample_count, r->samples_len);
    ck_assert_uint_eq(r->item_size, g->item_bytes);
    ck_assert_msg((uint32_t)crc32_z(0, r->samples, r->samples_len) == g->crc, "%s, %s: other bytes", g->file, way);
}

static void check_bad(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status < 0 && strcmp(dlfw_status_name(r->status), g->status) == 0, "%s, %s: status %s (%s)",
                  g->file, way, dlfw_status_name(r->status), r->message);
    ck_assert_msg(strstr(r->message, "'train/img_0'") && strstr(r->message, "offset"), "%s: %s", g->file, r->message);
    ck_assert_msg(strstr(r->message, g->word), "%s: '%s' lacks '%s'", g->file, r->message, g->word);
}

START_TEST(h5pys_files)
{
    const struct golden *g = &golden[_i];
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(g->file, &size);

    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
        for (int verify = 0; verify < 2; verify++) {
            struct format_read_args args = {.data = data,
                                            .size = size,
                                            .samples = g->samples,
                                            .verify = verify,
                                            .whole = ways[w].whole,
                                            .no_consume = ways[w].no_consume,
                                            .piece = ways[w].piece};
            struct format_driver d;
            struct format_read r;

            open_golden(&d, g, "auto");
            format_read(&d, &args, &r);
            if (g->good)
                check_good(g, &r, ways[w].name);
            else
                check_bad(g, &r, ways[w].name);
            format_read_free(&r);
            format_driver_close(&d);
        }
    free(data);
}
END_TEST

/* Without the library the same files are read but for those that need it, which say so. */
START_TEST(files_without_the_library)
{
    const struct golden *g = &golden[_i];
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(g->file, &size);
    struct format_read_args args = {.data = data, .size = size, .samples = g->samples, .verify = true};
    struct format_driver d;
    struct format_read r;

    if (!g->good)
        goto out;
    open_golden(&d, g, "never");
    format_read(&d, &args, &r);
    if (g->by_library) {
        ck_assert_msg(r.status == DLFW_E_UNSUPPORTED && strstr(r.message, "only the HDF5 library"), "%s: %s", g->file,
                      r.message);
    } else {
        check_good(g, &r, "without the library");
    }
    format_read_free(&r);
    format_driver_close(&d);
out:
    free(data);
}
END_TEST

/* One request brings the metadata of ordinary files, and none the second time. */
START_TEST(requests_are_few)
{
    const struct golden *g = &golden[_i];
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(g->file, &size);
    struct format_read_args args = {.data = data, .size = size, .samples = g->samples, .verify = true};
    struct format_driver d;

    if (g->good) {
        open_golden(&d, g, "auto");
        for (int again = 0; again < 2; again++) {
            struct format_read r;

            format_read(&d, &args, &r);
            check_good(g, &r, "again");
            ck_assert_msg(r.metadata_rounds <= (again          ? 0
                                                : size > 16384 ? 2
                                                               : 1) ||
                              (size <= 16384 && again),
                          "%s: %u rounds", g->file, r.metadata_rounds);
            format_read_free(&r);
        }
        format_driver_close(&d);
    }
    free(data);
}
END_TEST

static void describe_begin(void *ctx, const char *kind, const char *name)
{
    sprintf((char *)ctx + strlen(ctx), "[%s %s", kind, name);
}

static void describe_text(void *ctx, const char *key, const char *value)
{
    sprintf((char *)ctx + strlen(ctx), "; %s: %s", key, value);
}

static void describe_number(void *ctx, const char *key, uint64_t value)
{
    sprintf((char *)ctx + strlen(ctx), "; %s: %lu", key, value);
}

static void describe_end(void *ctx)
{
    strcat(ctx, "]\n");
}

/* Only metadata, as a program that shows files does. */
static void describe(const char *file, char *text)
{
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(file, &size);
    const dlfw_object object = {
        .struct_size = sizeof object, .flags = DLFW_OBJECT_EXPLORE, .name = "f", .name_len = 1, .size = size};
    const dlfw_span whole = {.data = data, .length = size};
    const dlfw_describe out = {.struct_size = sizeof out,
                               .ctx = text,
                               .begin = describe_begin,
                               .text = describe_text,
                               .number = describe_number,
                               .end = describe_end};
    struct format_driver d;
    dlfw_reader *reader = NULL;
    uint32_t n_want = 0;
    dlfw_range want[64];

    *text = '\0';
    ck_assert_int_eq(hdf5_load(&d, NULL, NULL), DLFW_OK);
    ck_assert_int_eq(posix_memalign((void **)&reader, 64, d.ops->reader_size), 0);
    memset(reader, 0, d.ops->reader_size);
    ck_assert_int_eq(d.ops->reader_open(d.fmt, reader, &object, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->step(reader, DLFW_GOAL_METADATA, &whole, 1, want, 64, &n_want, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->describe(reader, &out, NULL), DLFW_OK);
    d.ops->reader_close(reader);
    free(reader);
    format_driver_close(&d);
    free(data);
}

START_TEST(description)
{
    static const struct {
        const char *file;
        const char *words[6];
    } cases[] = {
        {"default.h5",
         {"superblock version: 0", "rows: 4",
          "[dataset records_0; shape: (4, 3, 5); dtype: uint8; bytes: 60; layout: "
          "contiguous; offset: 2048; samples: yes]",
          "[dataset labels; shape: (4,); dtype: int64; bytes: 32; layout: contiguous; offset: "}},
        {"all_filters.h5",
         {"superblock version: 3", "chunk shape: (3, 9, 4)", "chunk index: fixed array", "chunks: 6",
          "chunks written: 6", "filters: shuffle, deflate (level 4), fletcher32"}},
        {"resized_latest.h5", {"metadata read by: libhdf5", "extensible array", "max shape: (unlimited, 3, 5)"}},
        {"ambiguous.h5", {"[dataset images; ", "[dataset masks; "}},
        {"foreign.h5",
         {"[dataset full; ", "dtype: float32", "samples: yes", "[dataset name; shape: (1,); dtype: string"}},
    };
    char text[8192];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        describe(cases[i].file, text);
        for (size_t k = 0; k < 6 && cases[i].words[k]; k++)
            ck_assert_msg(strstr(text, cases[i].words[k]), "%s: no '%s' in\n%s", cases[i].file, cases[i].words[k],
                          text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf5_read");
    TCase *tc = tcase_create("golden");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_add_loop_test(tc, h5pys_files, 0, (int)golden_count);
    tcase_add_loop_test(tc, files_without_the_library, 0, (int)golden_count);
    tcase_add_loop_test(tc, requests_are_few, 0, (int)golden_count);
    tcase_add_test(tc, description);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
