/* SPDX-License-Identifier: Apache-2.0 */
/* Files that pyarrow wrote (tests/golden/parquet), decoded to rows and read raw, in every way a host may hand the bytes
 * over. */
#include "parquet_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct golden {
    char kind[8], file[64], select[32];
    uint64_t units, rows, row_bytes;
    uint32_t crc;
    char status[32], word[64];
};

static struct golden golden[150];
static size_t golden_count;

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/expected.txt", "r");
    char line[256];

    while (f && golden_count < 150 && fgets(line, sizeof line, f)) {
        struct golden *g = &golden[golden_count++];
        int n = 0, fields = 4;

        if (sscanf(line, "%7s %63s %31s%n", g->kind, g->file, g->select, &n) != 3)
            break;
        if (strcmp(g->kind, "ok") == 0)
            fields = sscanf(line + n, "%lu %lu %lu %x", &g->units, &g->rows, &g->row_bytes, &g->crc);
        else if (strcmp(g->kind, "fail") == 0)
            fields = 2 + sscanf(line + n, "%31s %63[^\n]", g->status, g->word);
        if (fields != 4)
            break;
    }
    if (!f || !feof(f) || golden_count < 75) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/expected.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
}

static void open_golden(struct parquet_instance *p, const struct golden *g, const char *decode)
{
    const struct format_setting settings[] = {
        {"decode", decode}, {"select", strcmp(g->select, "-") == 0 ? NULL : g->select}, {NULL, NULL}};

    parquet_open(p, NULL, settings);
    ck_assert_msg(p->status == DLFW_OK, "%s", p->message);
}

static const struct {
    const char *name;
    bool whole, no_consume, no_decode;
    uint64_t piece;
} ways[] = {
    {"whole object", true, false, false, 0},     {"whole object, pieces of 7", true, false, false, 7},
    {"ranges", false, false, false, 0},          {"pieces of 1", false, false, false, 1},
    {"pieces of 7", false, false, false, 7},     {"pieces of 64", false, false, false, 64},
    {"pieces of 500", false, false, false, 500}, {"without consume", false, true, false, 0},
};

static void check_good(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status == DLFW_OK, "%s, %s: %s", g->file, way, r->message);
    ck_assert_msg(r->unit_count == g->units && r->sample_count == g->rows, "%s, %s: %lu units, %lu rows", g->file, way,
                  r->unit_count, r->sample_count);
    ck_assert_msg(r->samples_len == g->rows * g->row_bytes, "%s, %s: %lu bytes", g->file, way, r->samples_len);
    ck_assert_msg((uint32_t)crc32_z(0, r->samples, r->samples_len) == g->crc, "%s, %s: other bytes", g->file, way);
}

/* what fails must say so in one line with the object's name and where; UNSUPPORTED and the like by name */
static void check_bad(const struct golden *g, const struct format_read *r, const char *way)
{
    ck_assert_msg(r->status < 0 && strcmp(dlfw_status_name(r->status), g->status) == 0, "%s, %s: status %s (%s)",
                  g->file, way, dlfw_status_name(r->status), r->message);
    ck_assert_msg(strstr(r->message, "'train/img_0'") && strstr(r->message, "offset"), "%s: %s", g->file, r->message);
    ck_assert_msg(strstr(r->message, g->word), "%s: '%s' lacks '%s'", g->file, r->message, g->word);
}

static void read_way(const struct format_driver *d, const uint8_t *data, uint64_t size, size_t way, bool verify,
                     struct format_read *ret)
{
    const struct format_read_args args = {.data = data,
                                          .size = size,
                                          .verify = verify,
                                          .whole = ways[way].whole,
                                          .no_consume = ways[way].no_consume,
                                          .piece = ways[way].piece};

    format_read(d, &args, ret);
}

START_TEST(rows_of_pyarrows_files)
{
    const struct golden *g = &golden[_i];
    struct parquet_instance p;
    uint64_t size = 0;
    uint8_t *data = parquet_golden(g->file, &size);

    open_golden(&p, g, "columns");
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
        for (int verify = 0; verify < 2; verify++) {
            struct format_read r;

            if (size > 20000 && ways[w].piece == 1)
                continue;
            read_way(&p.driver, data, size, w, verify, &r);
            if (strcmp(g->kind, "fail") == 0)
                check_bad(g, &r, ways[w].name);
            else
                check_good(g, &r, ways[w].name);
            format_read_free(&r);
        }
    parquet_close(&p);
    free(data);
}
END_TEST

/* Nothing is decoded, so everything can be read, as many samples as there are rows; all in one range per unit. */
START_TEST(raw_reads_everything)
{
    const struct golden *g = &golden[_i];
    struct parquet_instance p;
    uint64_t size = 0;
    uint8_t *data = parquet_golden(g->file, &size);

    open_golden(&p, g, "raw");
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        struct format_read r;

        if (size > 20000 && ways[w].piece == 1)
            continue;
        read_way(&p.driver, data, size, w, true, &r);
        if (strcmp(g->kind, "fail") == 0 && strcmp(g->status, "NOT_FOUND") == 0)
            check_bad(g, &r, ways[w].name);
        else
            ck_assert_msg(r.status == DLFW_OK, "%s, %s: %s", g->file, ways[w].name, r.message);
        if (strcmp(g->kind, "ok") == 0)
            ck_assert_uint_eq(r.sample_count, g->rows);
        format_read_free(&r);
    }
    parquet_close(&p);
    free(data);
}
END_TEST

/* One column that is stored as it is: raw samples are its rows. Otherwise they are shares of all bytes. */
START_TEST(raw_samples)
{
    static const struct {
        const char *file, *select;
        uint64_t sample_bytes; /* of the first; 0: a share */
    } cases[] = {{"none_v1_plain.parquet", "float32", 4},      {"none_v2_plain.parquet", "int64", 8},
                 {"none_v1_plain.parquet", "float16", 2},      {"list40_v1.parquet", "f", 160},
                 {"none_v1_plain.parquet", "int16", 0},        {"none_v1_plain.parquet", "float32,int64", 0},
                 {"none_v1_dictionary.parquet", "float32", 0}, {"snappy_v1_plain.parquet", "float32", 0},
                 {"nulls_v1_plain.parquet", "float32", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct golden g = {0};
        struct parquet_instance p;
        struct format_read rows, raw;
        uint64_t size = 0;
        uint8_t *data = parquet_golden(cases[i].file, &size);

        snprintf(g.select, sizeof g.select, "%s", cases[i].select);
        open_golden(&p, &g, "columns");
        read_way(&p.driver, data, size, 2, true, &rows);
        parquet_close(&p);
        open_golden(&p, &g, "raw");
        read_way(&p.driver, data, size, 2, true, &raw);
        parquet_close(&p);
        ck_assert_int_eq(rows.status, DLFW_OK);
        ck_assert_int_eq(raw.status, DLFW_OK);
        ck_assert_uint_eq(raw.sample_count, rows.sample_count);
        if (cases[i].sample_bytes) {
            ck_assert_uint_eq(rows.samples_len, rows.sample_count * cases[i].sample_bytes);
            ck_assert_msg(raw.samples_len == rows.samples_len, "%s %s: %lu bytes", g.file, g.select, raw.samples_len);
            ck_assert_mem_eq(raw.samples, rows.samples, rows.samples_len);
        } else {
            ck_assert_uint_eq(raw.item_size, 1);
            ck_assert_uint_ne(raw.samples_len, rows.samples_len);
        }
        format_read_free(&rows);
        format_read_free(&raw);
        free(data);
    }
}
END_TEST

/* The shares of a unit in one run are all of its bytes, in order. */
START_TEST(shares_are_all_bytes)
{
    struct golden g = {.select = "-"};
    struct parquet_instance p;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = parquet_golden("zstd_v1_plain.parquet", &size);

    open_golden(&p, &g, "raw");
    read_way(&p.driver, data, size, 2, true, &r);
    ck_assert_int_eq(r.status, DLFW_OK);
    ck_assert_uint_eq(r.samples_len, r.range.length);
    ck_assert_mem_eq(r.samples, data + r.range.offset, r.range.length);
    format_read_free(&r);
    parquet_close(&p);
    free(data);
}
END_TEST

START_TEST(a_file_without_rows_has_no_units)
{
    struct golden g = {.select = "-"};
    struct parquet_instance p;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = parquet_golden("no_rows.parquet", &size);

    open_golden(&p, &g, "columns");
    read_way(&p.driver, data, size, 2, true, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    ck_assert_uint_eq(r.unit_count, 0);
    format_read_free(&r);
    parquet_close(&p);
    free(data);
}
END_TEST

START_TEST(nulls_are_said_once)
{
    struct golden g = {.select = "-"};
    struct parquet_instance p;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = parquet_golden("nulls_v1_plain.parquet", &size);

    open_golden(&p, &g, "columns");
    for (int i = 0; i < 2; i++) {
        read_way(&p.driver, data, size, 2, true, &r);
        ck_assert_int_eq(r.status, DLFW_OK);
        format_read_free(&r);
    }
    ck_assert_uint_eq(p.host.log_lines, 1);
    ck_assert_msg(strstr(p.host.log, "nulls"), "%s", p.host.log);
    parquet_close(&p);
    free(data);
}
END_TEST

/* Text of describe(), one fact after the other. */
struct told {
    char text[65536];
    size_t len;
    int depth;
};

static void tell(struct told *t, const char *a, const char *b)
{
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s=%s;", a, b ? b : "");
    ck_assert(t->len < sizeof t->text);
}

static void tell_begin(void *ctx, const char *kind, const char *name)
{
    ((struct told *)ctx)->depth++;
    tell(ctx, kind, name);
}

static void tell_text(void *ctx, const char *key, const char *value)
{
    tell(ctx, key, value);
}

static void tell_number(void *ctx, const char *key, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%lu", value);
    tell(ctx, key, text);
}

static void tell_end(void *ctx)
{
    ((struct told *)ctx)->depth--;
}

START_TEST(description)
{
    static const struct {
        const char *file, *texts[8];
    } cases[] = {
        {"zstd_v2_dictionary.parquet",
         {"rows=40;", "row_groups=1;", "created_by=parquet-cpp-arrow", "column=int8;type=INT32;logical=INT8;",
          "column=float16;type=FIXED_LEN_BYTE_ARRAY;type_length=2;logical=FLOAT16;", "codec=ZSTD;", "RLE_DICTIONARY",
          "page_checksums_verified=23;"}},
        {"groups.parquet", {"row_groups=4;", "row_group=0;rows=7;", "row_group=3;rows=4;", "columns=12;"}},
        {"nulls_v1_plain.parquet", {"nulls=60;", "repetition=optional;", "page_checksums_verified=0;"}},
        {"list3_v1.parquet", {"column=f.list.element;", "repetition=list;", "values=90;"}},
        {"text.parquet", {"column=s;type=BYTE_ARRAY;logical=STRING;"}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct told told;
        struct golden g = {.select = "-"};
        struct parquet_instance p;
        uint64_t size = 0;
        uint8_t *data = parquet_golden(cases[i].file, &size);
        dlfw_describe describe = {.struct_size = sizeof describe,
                                  .ctx = &told,
                                  .begin = tell_begin,
                                  .text = tell_text,
                                  .number = tell_number,
                                  .end = tell_end};
        const struct format_read_args args = {
            .data = data, .size = size, .verify = true, .explore = true, .describe = &describe};
        struct format_read r;

        memset(&told, 0, sizeof told);
        open_golden(&p, &g, "raw");
        format_read(&p.driver, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_int_eq(told.depth, 0);
        for (size_t k = 0; k < 8 && cases[i].texts[k]; k++)
            ck_assert_msg(strstr(told.text, cases[i].texts[k]), "%s: no '%s' in '%s'", cases[i].file, cases[i].texts[k],
                          told.text);
        format_read_free(&r);
        parquet_close(&p);
        free(data);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parquet_read");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_add_loop_test(tc, rows_of_pyarrows_files, 0, (int)golden_count);
    tcase_add_loop_test(tc, raw_reads_everything, 0, (int)golden_count);
    tcase_add_test(tc, raw_samples);
    tcase_add_test(tc, shares_are_all_bytes);
    tcase_add_test(tc, a_file_without_rows_has_no_units);
    tcase_add_test(tc, nulls_are_said_once);
    tcase_add_test(tc, description);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
