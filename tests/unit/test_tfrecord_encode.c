/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin generates: to the byte as TensorFlow writes it, whatever the sink's windows; its indexes; its units.
 */
#include <stdio.h>

#include "test_tfrecord_build.h"

/* TFRecordWriter.write(b"123456789"), and the same bytes as an Example with features image and size. */
static const uint8_t raw_record[] = {0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x37, 0xf9, 0x71, 0x39, 0x31,
                                     0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xe5, 0xb0, 0x8a, 0xc7};
static const uint8_t example_record[] = {
    0x29, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x37, 0xff, 0x5f, 0x00, 0x0a, 0x27, 0x0a, 0x16, 0x0a, 0x05, 0x69,
    0x6d, 0x61, 0x67, 0x65, 0x12, 0x0d, 0x0a, 0x0b, 0x0a, 0x09, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
    0x0a, 0x0d, 0x0a, 0x04, 0x73, 0x69, 0x7a, 0x65, 0x12, 0x05, 0x1a, 0x03, 0x0a, 0x01, 0x09, 0x44, 0x70, 0xcd, 0xda};

static void digits(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    uint8_t *p = buf;

    (void)seed;
    (void)object;
    for (uint64_t i = 0; i < len; i++)
        p[i] = (uint8_t)('1' + (offset + i) % 9);
}

static dlfw_encode_spec spec_of(const uint64_t *dims, uint32_t ndim, uint32_t dtype, uint64_t samples)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = dims,
                              .ndim = ndim,
                              .samples = samples,
                              .seed = 1,
                              .object = 2};
}

static void encode(const struct format_driver *d, const dlfw_encode_spec *spec, uint64_t window, struct memory_sink *m)
{
    char text[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
    uint64_t size = 0;

    memory_sink_init(m);
    if (window)
        m->window_bytes = window;
    memory_sink_sides(m, d);
    ck_assert_msg(d->ops->encode(d->fmt, spec, &m->sink, &err) == DLFW_OK, "%s", text);
    ck_assert_int_eq(d->ops->file_size(d->fmt, spec, &size, &err), DLFW_OK);
    ck_assert_uint_eq(size, m->len);
}

START_TEST(documented_bytes)
{
    const uint64_t dims[] = {3, 3};
    const dlfw_encode_spec spec = spec_of(dims, 2, DLFW_DTYPE_UINT8, 2);
    const uint8_t *expected = _i ? raw_record : example_record;
    const uint64_t len = _i ? sizeof raw_record : sizeof example_record;
    struct format_driver d;
    struct memory_sink m;

    ck_assert_uint_eq(bitwise_crc32c((const uint8_t *)"123456789", 9), 0xe3069283u);
    format_driver_load(&d, TFRECORD, OFFERED({"payload", _i ? "raw" : "example"}));
    d.host.content_fill = digits;
    for (uint64_t window = 1; window < 2 * len + 2; window++) {
        encode(&d, &spec, window, &m);
        ck_assert_uint_eq(m.len, 2 * len);
        ck_assert_mem_eq(m.data, expected, len);
        ck_assert_mem_eq(m.data + len, expected, len);
        memory_sink_free(&m);
    }
    format_driver_close(&d);
}
END_TEST

static const struct {
    uint64_t dims[4];
    uint32_t ndim, dtype;
    uint64_t samples, sample_bytes;
} shapes[] = {{{1}, 1, DLFW_DTYPE_UINT8, 1, 1},           {{338, 338}, 2, DLFW_DTYPE_UINT8, 5, 114244},
              {{100}, 1, DLFW_DTYPE_FLOAT64, 7, 800},     {{16, 1}, 2, DLFW_DTYPE_FLOAT64, 3, 128},
              {{127}, 1, DLFW_DTYPE_INT8, 2, 127},        {{16384}, 1, DLFW_DTYPE_UINT8, 2, 16384},
              {{3, 0, 5}, 3, DLFW_DTYPE_FLOAT32, 4, 0},   {{1024, 1031}, 2, DLFW_DTYPE_FLOAT16, 2, 2111488},
              {{2, 3, 4, 5}, 4, DLFW_DTYPE_INT16, 1, 240}};

/* What was generated is read back, through any windows, with its content compared. */
START_TEST(read_back)
{
    static const uint64_t windows[] = {0, 4096, 1000};
    const uint64_t bytes = shapes[_i].sample_bytes * shapes[_i].samples;
    const dlfw_encode_spec spec = spec_of(shapes[_i].dims, shapes[_i].ndim, shapes[_i].dtype, shapes[_i].samples);
    uint8_t *expected = malloc(bytes + 1);
    struct format_driver d;

    ck_assert_ptr_nonnull(expected);
    format_driver_content(1, 2, 0, expected, bytes);
    format_driver_load(&d, TFRECORD, OFFERED({"feature", _i % 2 ? "pixels/of/a/picture" : "image"}));
    for (size_t w = 0; w < 3; w++) {
        struct format_read_args args = {.samples = (uint32_t)spec.samples,
                                        .unit_samples = 1 + w,
                                        .verify = true,
                                        .verify_content = true,
                                        .content_seed = 1,
                                        .content_object = 2};
        struct format_read r;
        struct memory_sink m;

        encode(&d, &spec, windows[w], &m);
        memory_sink_to_read(&m, &args);
        format_read(&d, &args, &r);
        check_reads(&r);
        ck_assert_uint_eq(r.sample_count, spec.samples);
        ck_assert_uint_eq(r.samples_len, bytes);
        ck_assert_uint_eq(r.compared, bytes);
        ck_assert_int_eq(memcmp(r.samples, expected, bytes), 0);
        format_read_free(&r);
        memory_sink_free(&m);
    }
    format_driver_close(&d);
    free(expected);
}
END_TEST

START_TEST(indexes)
{
    static const struct {
        const char *index;
        const char *suffixes[2], *folders[2];
        uint32_t count;
    } cases[] = {{"dali", {".idx", NULL}, {"index", NULL}, 1},
                 {"binary", {".bin", NULL}, {NULL, NULL}, 1},
                 {"both", {".idx", ".bin"}, {"index", NULL}, 2},
                 {"none", {NULL, NULL}, {NULL, NULL}, 0}};
    const uint64_t dims[] = {100}, framed[] = {116, 116, 116, 0};
    const dlfw_encode_spec spec = spec_of(dims, 1, DLFW_DTYPE_UINT8, 3);
    const dlfw_side *const *rows = NULL;
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, TFRECORD,
                       OFFERED({"payload", "raw"}, {"index", cases[_i].index}, {"binary_suffix", ".bin"}));
    encode(&d, &spec, 0, &m);
    ck_assert_uint_eq(d.ops->sides(d.fmt, &rows), cases[_i].count);
    for (uint32_t i = 0; i < cases[_i].count; i++) {
        const bool binary = strcmp(cases[_i].suffixes[i], ".bin") == 0;
        struct file expected = {0};

        add_index(&expected, framed, binary);
        ck_assert_str_eq(rows[i]->suffix, cases[_i].suffixes[i]);
        ck_assert_uint_eq(rows[i]->flags, 0);
        if (cases[_i].folders[i])
            ck_assert_str_eq(rows[i]->folder, cases[_i].folders[i]);
        else
            ck_assert_ptr_null(rows[i]->folder);
        ck_assert_uint_eq(m.sides[i]->len, expected.len);
        ck_assert_mem_eq(m.sides[i]->data, expected.data, expected.len);
        file_free(&expected);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* A full disk in the object or in its index. */
START_TEST(sink_failures)
{
    const uint64_t dims[] = {100};
    const dlfw_encode_spec spec = spec_of(dims, 1, DLFW_DTYPE_UINT8, 1000);
    struct format_driver d;

    format_driver_load(&d, TFRECORD, NULL);
    for (int in_index = 0; in_index < 2; in_index++)
        for (uint64_t after = 1; after < 10000; after += 1111) {
            struct memory_sink m;

            memory_sink_init(&m);
            m.window_bytes = 333;
            memory_sink_sides(&m, &d);
            (in_index ? m.sides[0] : &m)->fail_after = after;
            ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_E_NO_SPACE);
            memory_sink_free(&m);
        }
    format_driver_close(&d);
}
END_TEST

START_TEST(what_cannot_be_written)
{
    static const struct {
        const char *payload, *feature;
        uint64_t dims[2], samples;
        uint32_t ndim, dtype;
        dlfw_status status;
        const char *word;
    } cases[] = {
        {"example", "image", {65536, 65536}, 1, 2, DLFW_DTYPE_UINT8, DLFW_E_UNSUPPORTED, "tfrecord.payload: raw"},
        {"example", "image", {1u << 31, 1}, 1, 2, DLFW_DTYPE_UINT8, DLFW_E_UNSUPPORTED, "tfrecord.payload: raw"},
        {"example", "size", {4, 4}, 1, 2, DLFW_DTYPE_UINT8, DLFW_E_INVALID, "tfrecord.feature"},
        {"raw", "image", {UINT64_MAX, 2}, 1, 2, DLFW_DTYPE_UINT8, DLFW_E_INVALID, "multiply"},
        {"raw", "image", {1u << 31, 1u << 31}, 2, 2, DLFW_DTYPE_FLOAT64, DLFW_E_INVALID, "multiply"},
        {"raw", "image", {1u << 31, 1u << 20}, 1u << 31, 2, DLFW_DTYPE_UINT8, DLFW_E_INVALID, "samples"},
        {"raw", "image", {4, 4}, 0, 2, DLFW_DTYPE_UINT8, DLFW_E_INVALID, "samples"},
        {"raw", "image", {4, 4}, 1, 0, DLFW_DTYPE_UINT8, DLFW_E_INVALID, "dimensions"},
        {"raw", "image", {4, 4}, 1, 2, 99, DLFW_E_INVALID, "element type"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const dlfw_encode_spec spec = spec_of(cases[i].dims, cases[i].ndim, cases[i].dtype, cases[i].samples);
        char text[256] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
        struct format_driver d;
        struct memory_sink m;
        uint64_t size;

        memory_sink_init(&m);
        format_driver_load(&d, TFRECORD, OFFERED({"payload", cases[i].payload}, {"feature", cases[i].feature}));
        ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, &err), cases[i].status);
        ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), cases[i].status);
        ck_assert_msg(strstr(text, cases[i].word) != NULL, "%s", text);
        ck_assert_uint_eq(m.len, 0);
        memory_sink_free(&m);
        format_driver_close(&d);
    }
}
END_TEST

/* About 4 MiB, except where records can be read at random, or cannot be found without the whole file. */
START_TEST(units)
{
    static const struct {
        const char *layout;
        uint64_t sample_bytes, samples, in_order, shuffled;
    } cases[] = {
        {"auto", 114244, 1251, 36, 36}, {"auto", 1000, 100000, 4128, 4128}, {"auto", 1000, 10, 10, 10},
        {"auto", 9 << 20, 4, 1, 1},     {"uniform", 114244, 1251, 36, 36},  {"indexed", 114244, 1251, 36, 1},
        {"scan", 114244, 1251, 0, 0},   {"indexed", 9 << 20, 4, 1, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const dlfw_encode_spec spec = spec_of(&cases[i].sample_bytes, 1, DLFW_DTYPE_UINT8, cases[i].samples);
        struct format_driver d;

        format_driver_load(&d, TFRECORD, OFFERED({"payload", "raw"}, {"layout", cases[i].layout}));
        ck_assert_uint_eq(d.ops->unit_samples(d.fmt, &spec, 0), cases[i].in_order);
        ck_assert_uint_eq(d.ops->unit_samples(d.fmt, &spec, 1), cases[i].shuffled);
        format_driver_close(&d);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tfrecord_encode");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, documented_bytes, 0, 2);
    tcase_add_loop_test(tc, read_back, 0, sizeof shapes / sizeof shapes[0]);
    tcase_add_loop_test(tc, indexes, 0, 4);
    tcase_add_test(tc, sink_failures);
    tcase_add_test(tc, what_cannot_be_written);
    tcase_add_test(tc, units);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
