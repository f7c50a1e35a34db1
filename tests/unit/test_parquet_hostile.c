/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie (tests/golden/parquet/hostile): an error that says what and where, in little time and memory, in every
 * way a host may hand the bytes over; and files of other programs, cut off and with bits flipped, decoded to rows. */
#include "parquet_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hostile {
    char file[64], decode[8], status[16], word[32];
};

static struct hostile hostile[200];
static size_t hostile_count;

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/hostile.txt", "r");
    char line[256];

    while (f && hostile_count < 200 && fgets(line, sizeof line, f)) {
        struct hostile *h = &hostile[hostile_count++];

        if (sscanf(line, "%63s %7s %15s %31[^\n]", h->file, h->decode, h->status, h->word) < 3)
            break;
    }
    if (!f || !feof(f) || hostile_count < 90) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/hostile.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
}

static const struct format_read_args ways[] = {
    {.verify = true, .whole = true},
    {.verify = true},
    {.verify = true, .piece = 1},
    {.verify = true, .no_consume = true},
};

static void open_decode(struct parquet_instance *p, const char *decode)
{
    const struct format_setting settings[] = {{"decode", decode}, {"page_limit", "64MiB"}, {NULL, NULL}};

    parquet_open(p, NULL, settings);
    ck_assert_msg(p->status == DLFW_OK, "%s", p->message);
}

static void check(const struct hostile *h, const char *decode, const struct format_read *r, size_t way)
{
    const char *status = r->status < 0 ? dlfw_status_name(r->status) : "OK";

    ck_assert_msg(strcmp(status, h->status) == 0, "%s, %s, way %zu: %s (%s)", h->file, decode, way, status, r->message);
    if (r->status >= 0)
        return;
    ck_assert_msg(strstr(r->message, "'train/img_0'") && strstr(r->message, "offset"), "%s: %s", h->file, r->message);
    ck_assert_msg(strstr(r->message, h->word), "%s, %s: '%s' lacks '%s'", h->file, decode, r->message, h->word);
}

START_TEST(lies)
{
    static const char *const decodes[] = {"raw", "columns"};
    const struct hostile *h = &hostile[_i];
    uint64_t size = 0;
    char name[96];
    uint8_t *data;

    snprintf(name, sizeof name, "hostile/%s", h->file);
    data = parquet_golden(name, &size);
    for (size_t d = 0; d < 2; d++) {
        struct parquet_instance p;

        if (strcmp(h->decode, "-") != 0 && strcmp(h->decode, decodes[d]) != 0)
            continue;
        open_decode(&p, decodes[d]);
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            struct format_read_args args = ways[w];
            struct format_read r;

            args.data = data;
            args.size = size;
            format_read(&p.driver, &args, &r);
            check(h, decodes[d], &r, w);
            format_read_free(&r);
        }
        parquet_close(&p);
    }
    free(data);
}
END_TEST

static const char *const victims[] = {"snappy_v1_dictionary.parquet",
                                      "zstd_v2_plain.parquet",
                                      "gzip_v2_dictionary.parquet",
                                      "none_v1_plain.parquet",
                                      "nulls_v1_dictionary.parquet",
                                      "list3_v2.parquet",
                                      "list_pages.parquet",
                                      "delta_int64.parquet",
                                      "split.parquet",
                                      "bool_rle.parquet",
                                      "struct.parquet",
                                      "types.parquet"};
#define VICTIMS (sizeof victims / sizeof victims[0])

START_TEST(cut_off)
{
    struct parquet_instance p;
    uint64_t size = 0;
    uint8_t *data = parquet_golden(victims[_i], &size);

    open_decode(&p, "columns");
    for (uint64_t n = 0; n < size; n += size < 1500 ? 1 : 7) {
        const struct format_read_args args = {.data = data, .size = n, .verify = true};
        struct format_read r;

        format_read(&p.driver, &args, &r);
        ck_assert_msg(r.status < 0, "%s: %lu of %lu bytes are read without complaint", victims[_i], n, size);
        format_read_free(&r);
    }
    parquet_close(&p);
    free(data);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* No promise but to come back; sanitizers watch. */
START_TEST(bits_flipped)
{
    uint64_t size = 0, random = (uint64_t)_i + 1;
    uint8_t *data = parquet_golden(victims[_i], &size), *copy = malloc(size);
    struct parquet_instance p;
    uint32_t refused = 0;

    open_decode(&p, "columns");
    for (int round = 0; round < 400; round++) {
        const struct format_read_args args = {
            .data = copy, .size = size, .verify = round % 2, .whole = round % 3 == 0, .out_limit = 1 << 20};
        struct format_read r;

        memcpy(copy, data, size);
        for (uint64_t i = next_random(&random) % 4 + 1; i; i--)
            copy[next_random(&random) % size] ^= (uint8_t)(1u << next_random(&random) % 8);
        format_read(&p.driver, &args, &r);
        refused += r.status < 0;
        format_read_free(&r);
    }
    ck_assert_uint_gt(refused, 20);
    parquet_close(&p);
    free(copy);
    free(data);
}
END_TEST

/* A page larger than the option allows is refused before any memory is taken for it. */
START_TEST(page_limit)
{
    const struct format_setting settings[] = {{"decode", "columns"}, {"page_limit", "1000"}, {NULL, NULL}};
    struct parquet_instance p;
    struct format_read_args args = {.verify = true};
    struct format_read r;
    uint8_t *data = parquet_golden("constant.parquet", &args.size);

    args.data = data;
    parquet_open(&p, NULL, settings);
    format_read(&p.driver, &args, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message); /* 100000 equal values are a page of few bytes */
    format_read_free(&r);
    free(data);
    data = parquet_golden("pages.parquet", &args.size);
    args.data = data;
    format_read(&p.driver, &args, &r);
    ck_assert_int_eq(r.status, DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(r.message, "page_limit"), "%s", r.message);
    format_read_free(&r);
    parquet_close(&p);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parquet_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_set_timeout(tc, 60); /* of a sanitizer's build */
    tcase_add_loop_test(tc, lies, 0, (int)hostile_count);
    tcase_add_loop_test(tc, cut_off, 0, VICTIMS);
    tcase_add_loop_test(tc, bits_flipped, 0, VICTIMS);
    tcase_add_test(tc, page_limit);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
