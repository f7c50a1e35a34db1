/* SPDX-License-Identifier: Apache-2.0 */
/* Files that TensorFlow and others wrote (tests/golden/tfrecord), and generated ones, read in every way a host may hand
 * the bytes over; what is told about them. */
#include <stdio.h>
#include <zlib.h>

#include "test_tfrecord_build.h"

struct golden {
    char kind[8], file[64], options[32];
    uint32_t samples;
    uint64_t bytes;
    uint32_t crc;
    char status[32], word[64];
};

static struct golden golden[64];
static size_t golden_count;

/* Before any test runs, where Check's assertions are not allowed. */
static void load_expected(void)
{
    FILE *f = fopen(GOLDEN_DIR "/expected.txt", "r");
    char line[256];

    while (f && golden_count < 64 && fgets(line, sizeof line, f)) {
        struct golden *g = &golden[golden_count++];
        int n = 0, fields = 0;

        if (sscanf(line, "%7s %63s %31s %u%n", g->kind, g->file, g->options, &g->samples, &n) != 4)
            break;
        if (strcmp(g->kind, "ok") == 0)
            fields = sscanf(line + n, "%lu %x", &g->bytes, &g->crc);
        else
            fields = sscanf(line + n, "%31s %63[^\n]", g->status, g->word);
        if (fields != 2)
            break;
    }
    if (!f || !feof(f) || golden_count < 20) {
        fprintf(stderr, "cannot read %s\n", GOLDEN_DIR "/expected.txt");
        exit(EXIT_FAILURE);
    }
    fclose(f);
}

static void load_file(const char *name, struct file *ret)
{
    char path[512];
    uint8_t data[8192];
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    file_add(ret, data, fread(data, 1, sizeof data, f));
    fclose(f);
}

static void read_golden(const struct golden *g, struct format_read_args args)
{
    char options[32];
    struct format_setting settings[2] = {{NULL, NULL}, {NULL, NULL}};
    struct format_driver d;
    struct format_read r;
    struct file f = {0};

    memcpy(options, g->options, sizeof options);
    if (strchr(options, '=')) {
        settings[0].value = strchr(options, '=') + 1;
        *strchr(options, '=') = '\0';
        settings[0].name = options;
    }
    format_driver_load(&d, TFRECORD, settings);
    load_file(g->file, &f);
    args.data = f.data;
    args.size = f.len;
    args.samples = g->samples;
    format_read(&d, &args, &r);
    if (strcmp(g->kind, "ok") == 0) {
        ck_assert_msg(r.status == DLFW_OK, "%s %s: %s: %s", g->file, g->options, r.stage, r.message);
        ck_assert_uint_eq(r.sample_count, g->samples);
        ck_assert_uint_eq(r.samples_len, g->bytes);
        ck_assert_uint_eq(crc32_z(0, r.samples, r.samples_len), g->crc);
    } else {
        ck_assert_msg(r.status < 0, "%s %s is read", g->file, g->options);
        ck_assert_msg(strcmp(dlfw_status_name(r.status), g->status) == 0 && strstr(r.message, g->word), "%s %s: %s: %s",
                      g->file, g->options, dlfw_status_name(r.status), r.message);
        ck_assert_ptr_nonnull(strstr(r.message, "'train/img_0'"));
        ck_assert_ptr_nonnull(strstr(r.message, "at offset "));
    }
    format_read_free(&r);
    format_driver_close(&d);
    file_free(&f);
}

START_TEST(golden_files)
{
    static const struct format_read_args ways[] = {
        {.verify = true},
        {.verify = true, .whole = true},
        {.verify = true, .whole = true, .unit_samples = 2},
        {.verify = true, .piece = 1},
        {.verify = true, .piece = 61, .unit_samples = 1},
        {.verify = true, .no_consume = true},
        {.verify = false, .piece = 7},
        {.verify = true, .old_object = true},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        read_golden(&golden[_i], ways[i]);
}
END_TEST

/* Three samples as the plugin generates them, with content (1, 2). */
static void generate(const struct format_driver *d, uint64_t sample_bytes, uint64_t samples, struct memory_sink *m)
{
    const uint64_t dims[] = {sample_bytes};
    dlfw_encode_spec spec = {.struct_size = sizeof spec,
                             .dtype = DLFW_DTYPE_UINT8,
                             .dims = dims,
                             .ndim = 1,
                             .samples = samples,
                             .seed = 1,
                             .object = 2};

    memory_sink_init(m);
    memory_sink_sides(m, d);
    ck_assert_int_eq(d->ops->encode(d->fmt, &spec, &m->sink, NULL), DLFW_OK);
}

static const char *const payloads[] = {"example", "raw"};

/* Wherever pieces cut header, Example, sample and footer. */
START_TEST(every_cut)
{
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, TFRECORD, OFFERED({"payload", payloads[_i]}));
    generate(&d, 40, 3, &m);
    for (uint64_t piece = 1; piece <= m.len; piece++) {
        struct format_read_args args = {.data = m.data,
                                        .size = m.len,
                                        .samples = 3,
                                        .verify = true,
                                        .verify_content = true,
                                        .content_seed = 1,
                                        .content_object = 2,
                                        .piece = piece};
        uint8_t expected[120];
        struct format_read r;

        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.compared, 120);
        format_driver_content(1, 2, 0, expected, sizeof expected);
        ck_assert_uint_eq(r.samples_len, sizeof expected);
        ck_assert_mem_eq(r.samples, expected, sizeof expected);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* Content that differs is found although every checksum is right; with another seed the first byte differs. */
START_TEST(other_content)
{
    struct format_driver d;
    struct file f = {0};
    uint8_t data[300];

    format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}));
    add_content_record(&f, 0, 300);
    format_driver_content(1, 2, 300, data, sizeof data);
    data[200] ^= 1;
    add_record(&f, data, sizeof data);
    for (uint64_t piece = 0; piece < 600; piece += 37) {
        struct format_read_args args = {.data = f.data,
                                        .size = f.len,
                                        .samples = 2,
                                        .verify = true,
                                        .verify_content = true,
                                        .content_seed = 1,
                                        .content_object = 2,
                                        .piece = piece};
        struct format_read r;

        format_read(&d, &args, &r);
        check_fails(&r, DLFW_E_CORRUPT, "consume", "record 1: it does not hold the generated content");
        ck_assert_ptr_nonnull(strstr(r.message, "payload byte 500 "));
        ck_assert_ptr_nonnull(strstr(r.message, "(at offset 528)")); /* 316 + 12 + 200 */
        format_read_free(&r);
        args.content_seed = 9;
        format_read(&d, &args, &r);
        check_fails(&r, DLFW_E_CORRUPT, "consume", "payload byte 0 ");
        format_read_free(&r);
    }
    file_free(&f);
    format_driver_close(&d);
}
END_TEST

/* What describe() says, as lines. */
struct told {
    char text[2048];
    uint32_t depth;
};

static void tell(struct told *t, const char *a, const char *b)
{
    size_t n = strlen(t->text);

    snprintf(t->text + n, sizeof t->text - n, "%*s%s: %s\n", (int)(2 * t->depth), "", a, b);
}

static void told_begin(void *ctx, const char *kind, const char *name)
{
    struct told *t = ctx;

    tell(t, kind, name);
    t->depth++;
}

static void told_text(void *ctx, const char *key, const char *value)
{
    tell(ctx, key, value);
}

static void told_number(void *ctx, const char *key, uint64_t value)
{
    char number[24];

    snprintf(number, sizeof number, "%lu", value);
    tell(ctx, key, number);
}

static void told_end(void *ctx)
{
    struct told *t = ctx;

    t->depth--;
}

START_TEST(exploring)
{
    struct told told = {.depth = 0};
    dlfw_describe describe = {.struct_size = sizeof describe,
                              .ctx = &told,
                              .begin = told_begin,
                              .text = told_text,
                              .number = told_number,
                              .end = told_end};
    struct memory_sink index;
    struct format_read_args args = {.verify = true, .explore = true, .no_decode = true, .piece = 100 + (uint64_t)_i};
    struct format_driver d;
    struct file f = {0};
    struct format_read r;

    load_file("tf_many.tfrecord", &f);
    memory_sink_init(&index);
    format_driver_load(&d, TFRECORD, OFFERED({"index", "dali"}));
    args.data = f.data;
    args.size = f.len;
    args.describe = &describe;
    args.write_side = &index;
    format_read(&d, &args, &r);
    check_reads(&r);
    ck_assert_str_eq(told.text, "layout: scanned\n"
                                "records: 3\n"
                                "payload bytes: 1526\n"
                                "smallest record: 501\n"
                                "largest record: 514\n"
                                "checksum: crc-32c of lengths and data\n"
                                "record: 0\n"
                                "  bytes: 501\n"
                                "  feature: a/first\n"
                                "    kind: bytes\n"
                                "    values: 1\n"
                                "    bytes: 1\n"
                                "  feature: image/text\n"
                                "    kind: bytes\n"
                                "    values: 2\n"
                                "    bytes: 8\n"
                                "  feature: image\n"
                                "    kind: bytes\n"
                                "    values: 1\n"
                                "    bytes: 300\n"
                                "  feature: label\n"
                                "    kind: int64\n"
                                "    values: 3\n"
                                "  feature: weights\n"
                                "    kind: float\n"
                                "    values: 2\n"
                                "  feature: z\n"
                                "    kind: bytes\n"
                                "    values: 1\n"
                                "    bytes: 64\n");
    ck_assert_uint_eq(index.len, 23);
    ck_assert_mem_eq(index.data, "0 517\n517 527\n1044 530\n", 23);
    format_read_free(&r);
    format_driver_close(&d);
    memory_sink_free(&index);
    file_free(&f);
}
END_TEST

/* An index written from an object is the one that was generated with it, in both kinds. */
START_TEST(index_written_again)
{
    for (uint32_t side = 0; side < 2; side++) {
        struct memory_sink m, again;
        struct format_read_args args = {.verify = true, .explore = true, .no_decode = true, .written_side = side};
        struct format_driver d;
        struct format_read r;

        memory_sink_init(&again);
        format_driver_load(&d, TFRECORD, OFFERED({"index", "both"}));
        generate(&d, 1000, 1000, &m);
        args.data = m.data;
        args.size = m.len;
        args.write_side = &again;
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(again.len, m.sides[side]->len);
        ck_assert_mem_eq(again.data, m.sides[side]->data, again.len);
        format_read_free(&r);
        memory_sink_free(&again);
        memory_sink_free(&m);
        format_driver_close(&d);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tfrecord_read");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    load_expected();
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, golden_files, 0, (int)golden_count);
    tcase_add_loop_test(tc, every_cut, 0, 2);
    tcase_add_test(tc, other_content);
    tcase_add_loop_test(tc, exploring, 0, 3);
    tcase_add_test(tc, index_written_again);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
