/* SPDX-License-Identifier: Apache-2.0 */
/* What the png plugin generates: sizes to the byte, images that decode, content that is verified; and what it refuses.
 */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-png.so"
#define SEED 77
#define OBJECT 12345

static const struct format_setting exact[] = {{"size", "exact"}, {NULL, NULL}};

struct shape {
    uint64_t dims[3];
    uint32_t ndim;
};
static const struct shape shapes[] = {
    {{568, 568}, 2}, {{64, 64}, 2}, {{40, 20}, 2}, {{1, 1}, 2},    {{5}, 1},
    {{3, 4}, 2},     {{17, 19}, 2}, {{300}, 1},    {{4000, 3}, 2}, {{513, 257}, 2},
};
#define SHAPE_COUNT (sizeof shapes / sizeof shapes[0])

static dlfw_encode_spec spec_of(const struct shape *s)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = DLFW_DTYPE_UINT8,
                              .dims = s->dims,
                              .ndim = s->ndim,
                              .samples = 1,
                              .seed = SEED,
                              .object = OBJECT};
}

static uint64_t rows_of(const struct shape *s)
{
    return s->ndim == 2 ? s->dims[0] : 1;
}

static uint64_t columns_of(const struct shape *s)
{
    return s->dims[s->ndim - 1];
}

static void encode(const struct format_driver *d, const dlfw_encode_spec *spec, uint64_t window, struct memory_sink *m)
{
    char text[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    memory_sink_init(m);
    m->window_bytes = window;
    ck_assert_msg(d->ops->encode(d->fmt, spec, &m->sink, &err) == DLFW_OK, "%s", text);
}

static uint64_t natural_size(uint64_t rows, uint64_t columns)
{
    uint64_t stream = rows * (columns + 1);

    return 51 + stream + (stream + 65534) / 65535 * 17;
}

static void read_pixels(const struct format_driver *d, const struct memory_sink *m, struct format_read *ret)
{
    format_read(d, &(struct format_read_args){.data = m->data, .size = m->len, .samples = 1, .verify = true}, ret);
    ck_assert_msg(ret->status == DLFW_OK, "%s", ret->message);
}

/* All pixels are the content. */
START_TEST(natural_sizes)
{
    const struct shape *s = &shapes[_i];
    uint64_t size = 0, pixels = rows_of(s) * columns_of(s);
    dlfw_encode_spec spec = spec_of(s);
    uint8_t *content = malloc(pixels);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;

    format_driver_load(&d, PLUGIN, NULL);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    ck_assert_uint_eq(size, natural_size(rows_of(s), columns_of(s)));
    encode(&d, &spec, 1000, &m);
    ck_assert_uint_eq(m.len, size);
    read_pixels(&d, &m, &r);
    format_driver_content(SEED, OBJECT, 0, content, pixels);
    ck_assert_uint_eq(r.samples_len, pixels);
    ck_assert_mem_eq(r.samples, content, pixels);
    format_read_free(&r);
    memory_sink_free(&m);
    format_driver_close(&d);
    free(content);
}
END_TEST

/* rows * columns bytes, unless the image is too small; the first rows are the content, the last ones black. */
START_TEST(exact_sizes)
{
    static const bool possible[SHAPE_COUNT] = {true, true, true, false, false, false, true, false, true, true};
    const struct shape *s = &shapes[_i];
    uint64_t size = 0, pixels = rows_of(s) * columns_of(s), noise = pixels;
    dlfw_encode_spec spec = spec_of(s);
    uint8_t *content = malloc(pixels);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;

    format_driver_load(&d, PLUGIN, exact);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    ck_assert_uint_eq(size, possible[_i] ? pixels : natural_size(rows_of(s), columns_of(s)));
    encode(&d, &spec, 1000, &m);
    ck_assert_uint_eq(m.len, size);
    read_pixels(&d, &m, &r);
    format_driver_content(SEED, OBJECT, 0, content, pixels);
    ck_assert_uint_eq(r.samples_len, pixels);
    for (uint64_t columns = columns_of(s); noise > columns && possible[_i]; noise -= columns) {
        bool is_black = true;

        for (uint64_t i = noise - columns; i < noise; i++)
            is_black = is_black && !r.samples[i];
        if (!is_black)
            break;
    }
    ck_assert_mem_eq(r.samples, content, noise);
    if (pixels > 10000 && columns_of(s) > 100)
        ck_assert_msg(noise > pixels * 98 / 100, "%lu of %lu", noise, pixels);
    format_read_free(&r);
    memory_sink_free(&m);
    format_driver_close(&d);
    free(content);
}
END_TEST

START_TEST(windows_do_not_matter)
{
    static const uint64_t windows[] = {1, 7, 64, 4096, 1 << 20};
    dlfw_encode_spec spec = spec_of(&shapes[9]);
    struct memory_sink first, again;
    struct format_driver d;

    format_driver_load(&d, PLUGIN, _i ? exact : NULL);
    encode(&d, &spec, 100000, &first);
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        encode(&d, &spec, windows[w], &again);
        ck_assert_uint_eq(again.len, first.len);
        ck_assert_mem_eq(again.data, first.data, first.len);
        memory_sink_free(&again);
    }
    memory_sink_free(&first);
    format_driver_close(&d);
}
END_TEST

/* Storage that compresses must not make the benchmark smaller. */
START_TEST(files_differ_and_do_not_compress)
{
    dlfw_encode_spec spec = spec_of(&shapes[0]);
    uLongf packed = compressBound(400000);
    uint8_t *buf = malloc(packed);
    struct memory_sink a, b;
    struct format_driver d;
    uint64_t equal = 0;

    format_driver_load(&d, PLUGIN, NULL);
    encode(&d, &spec, 1 << 20, &a);
    spec.object++;
    encode(&d, &spec, 1 << 20, &b);
    for (uint64_t i = 0; i < a.len; i++)
        equal += a.data[i] == b.data[i];
    ck_assert_msg(equal < a.len / 20, "%lu of %lu bytes are equal", equal, a.len);
    ck_assert_int_eq(compress2(buf, &packed, a.data, a.len, 9), Z_OK);
    ck_assert_msg(packed > a.len * 97 / 100, "%lu bytes compress to %lu", a.len, packed);
    free(buf);
    memory_sink_free(&a);
    memory_sink_free(&b);
    format_driver_close(&d);
}
END_TEST

/* The pixels are noise around the middle, not black, white or one value. */
START_TEST(pixels_are_noise)
{
    dlfw_encode_spec spec = spec_of(&shapes[0]);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;
    double sum = 0, squares = 0;

    format_driver_load(&d, PLUGIN, _i ? exact : NULL);
    encode(&d, &spec, 1 << 20, &m);
    format_read(&d, &(struct format_read_args){.data = m.data, .size = m.len, .samples = 1, .verify = true}, &r);
    ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
    for (uint64_t i = 0; i < r.samples_len; i++) {
        sum += r.samples[i];
        squares += (double)r.samples[i] * r.samples[i];
    }
    sum /= (double)r.samples_len;
    squares = squares / (double)r.samples_len - sum * sum;
    ck_assert_msg(sum > 120 && sum < 136, "mean %g", sum);
    ck_assert_msg(squares > 60 * 60 && squares < 85 * 85, "variance %g", squares);
    format_read_free(&r);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

static void verify(const struct format_driver *d, const uint8_t *data, uint64_t size, uint64_t piece, uint64_t seed,
                   struct format_read *ret)
{
    const struct format_read_args args = {.data = data,
                                          .size = size,
                                          .samples = 1,
                                          .verify = true,
                                          .verify_content = true,
                                          .content_seed = seed,
                                          .content_object = OBJECT,
                                          .piece = piece,
                                          .no_decode = true};

    format_read(d, &args, ret);
}

START_TEST(content_is_verified)
{
    static const uint64_t pieces[] = {0, 1, 61, 4096, 100000};
    dlfw_encode_spec spec = spec_of(&shapes[9]);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;

    format_driver_load(&d, PLUGIN, _i ? exact : NULL);
    encode(&d, &spec, 1 << 20, &m);
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        verify(&d, m.data, m.len, pieces[p], SEED, &r);
        ck_assert_msg(r.status == DLFW_OK, "pieces of %lu: %s", pieces[p], r.message);
        ck_assert_uint_eq(r.compared, m.len);
        format_read_free(&r);
        verify(&d, m.data, m.len, pieces[p], SEED + 1, &r);
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, "content.seed") && strstr(r.message, "offset"), "%s", r.message);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

START_TEST(every_changed_byte_is_found)
{
    dlfw_encode_spec spec = spec_of(&shapes[2]);
    struct format_driver d;
    struct memory_sink m;
    struct format_read r;

    format_driver_load(&d, PLUGIN, _i ? exact : NULL);
    encode(&d, &spec, 1 << 20, &m);
    for (uint64_t i = 0; i < m.len; i++) {
        m.data[i] ^= 1;
        verify(&d, m.data, m.len, 100, SEED, &r);
        ck_assert_msg(r.status < 0, "byte %lu", i);
        format_read_free(&r);
        m.data[i] ^= 1;
    }
    ck_assert_ptr_nonnull(m.data = realloc(m.data, m.len + 1));
    m.data[m.len] = 0;
    verify(&d, m.data, m.len + 1, 100, SEED, &r);
    ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
    format_read_free(&r);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* Of a file that was generated with other options nothing is taken for good. */
START_TEST(other_options_are_noticed)
{
    static const struct format_setting *const readers[] = {NULL, exact};
    dlfw_encode_spec spec = spec_of(&shapes[1]);

    for (int writer = 0; writer < 2; writer++)
        for (int reader = 0; reader < 2; reader++) {
            struct format_driver w, d;
            struct memory_sink m;
            struct format_read r;

            format_driver_load(&w, PLUGIN, readers[writer]);
            format_driver_load(&d, PLUGIN, readers[reader]);
            encode(&w, &spec, 1 << 20, &m);
            verify(&d, m.data, m.len, 0, SEED, &r);
            ck_assert_int_eq(r.status, writer == reader ? DLFW_OK : DLFW_E_CORRUPT);
            format_read_free(&r);
            memory_sink_free(&m);
            format_driver_close(&w);
            format_driver_close(&d);
        }
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        const char *word;
        uint64_t dims[3];
        uint32_t ndim, dtype;
        uint64_t samples;
    } cases[] = {
        {"num_samples_per_file: 1", {8, 8}, 2, DLFW_DTYPE_UINT8, 2},
        {"record_element_type: uint8", {8, 8}, 2, DLFW_DTYPE_FLOAT32, 1},
        {"3 dimensions", {8, 8, 3}, 3, DLFW_DTYPE_UINT8, 1},
        {"from 1 to 2147483647", {0x80000000, 8}, 2, DLFW_DTYPE_UINT8, 1},
        {"from 1 to 2147483647", {8, 0x80000000}, 2, DLFW_DTYPE_UINT8, 1},
        {"from 1 to 2147483647", {8, 0}, 2, DLFW_DTYPE_UINT8, 1},
    };
    struct format_driver d;

    format_driver_load(&d, PLUGIN, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct shape s = {{cases[i].dims[0], cases[i].dims[1], cases[i].dims[2]}, cases[i].ndim};
        dlfw_encode_spec spec = spec_of(&s);
        char text[256] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
        struct memory_sink m;
        uint64_t size = 0;

        spec.dtype = cases[i].dtype;
        spec.samples = cases[i].samples;
        memory_sink_init(&m);
        ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, &err), DLFW_E_UNSUPPORTED);
        ck_assert_msg(strstr(text, cases[i].word), "'%s' lacks '%s'", text, cases[i].word);
        ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), DLFW_E_UNSUPPORTED);
        ck_assert_uint_eq(m.len, 0);
        memory_sink_free(&m);
    }
    format_driver_close(&d);
}
END_TEST

START_TEST(failing_sinks)
{
    dlfw_encode_spec spec = spec_of(&shapes[9]);
    char text[256] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, _i ? exact : NULL);
    memory_sink_init(&m);
    m.fail_after = 70000;
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), DLFW_E_NO_SPACE);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("png_encode");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, natural_sizes, 0, SHAPE_COUNT);
    tcase_add_loop_test(tc, exact_sizes, 0, SHAPE_COUNT);
    tcase_add_loop_test(tc, windows_do_not_matter, 0, 2);
    tcase_add_test(tc, files_differ_and_do_not_compress);
    tcase_add_loop_test(tc, pixels_are_noise, 0, 2);
    tcase_add_loop_test(tc, content_is_verified, 0, 2);
    tcase_add_loop_test(tc, every_changed_byte_is_found, 0, 2);
    tcase_add_test(tc, other_options_are_noticed);
    tcase_add_test(tc, refusals);
    tcase_add_loop_test(tc, failing_sinks, 0, 2);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
