/* SPDX-License-Identifier: Apache-2.0 */
/* Bare samples: their bytes are the content, their length is what the file's size and number of samples say. */
#include "support/format_driver.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-raw.so"

START_TEST(samples_are_the_content)
{
    static const struct {
        bool whole, no_consume;
        uint64_t piece, unit_samples;
    } ways[] = {
        {true, false, 0, 0}, {true, false, 7, 0}, {false, false, 0, 1}, {false, true, 0, 3}, {false, false, 100, 50}};
    const uint64_t dims[] = {7, 3, 5};
    const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                   .dtype = DLFW_DTYPE_INT16,
                                   .dims = dims,
                                   .ndim = 3,
                                   .samples = 20,
                                   .seed = 3,
                                   .object = 4};
    uint8_t content[20 * 210];
    struct format_driver d;
    struct memory_sink m;
    uint64_t size = 0;

    format_driver_load(&d, PLUGIN, NULL);
    memory_sink_init(&m);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    ck_assert_uint_eq(size, sizeof content);
    ck_assert_uint_eq(m.len, sizeof content);
    format_driver_content(3, 4, 0, content, sizeof content);
    ck_assert_mem_eq(m.data, content, sizeof content);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct format_read_args args = {.data = m.data,
                                              .size = m.len,
                                              .samples = 20,
                                              .whole = ways[i].whole,
                                              .no_consume = ways[i].no_consume,
                                              .piece = ways[i].piece,
                                              .unit_samples = ways[i].unit_samples};
        struct format_read r;

        format_read(&d, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.sample_count, 20);
        ck_assert_uint_eq(r.samples_len, sizeof content);
        ck_assert_mem_eq(r.samples, content, sizeof content);
        if (!ways[i].no_consume)
            ck_assert_uint_eq(r.payload_len, sizeof content);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* size, samples of the run file, option, then what is read or refused. */
static const struct {
    uint64_t size;
    uint32_t samples;
    const char *sample_bytes;
    uint64_t ret_samples, ret_bytes;
    const char *message;
} rows[] = {
    {1000, 10, "0", 10, 100, NULL},
    {1000, 0, "0", 1, 1000, NULL},
    {1000, 0, "250", 4, 250, NULL},
    {1000, 10, "100", 10, 100, NULL},
    {1000, 1, "1000", 1, 1000, NULL},
    {1000, 3, "0", 0, 0, "1000 bytes are not 3 equally long samples"},
    {1000, 1001, "0", 0, 0, "1000 bytes are not 1001 equally long samples"},
    {900, 10, "100", 0, 0, "900 bytes are not 10 samples of 100 bytes"},
    {1000, 0, "300", 0, 0, "1000 bytes are not 3 samples of 300 bytes"},
    {1000, 0, "2000", 0, 0, "1000 bytes are not 1 samples of 2000 bytes"},
    {0, 1, "0", 0, 0, "truncated: it is empty"},
};

START_TEST(lengths)
{
    const struct format_setting settings[] = {{"sample_bytes", rows[_i].sample_bytes}, {NULL, NULL}};
    static const uint8_t data[1000];
    const struct format_read_args args = {.data = data, .size = rows[_i].size, .samples = rows[_i].samples};
    struct format_driver d;
    struct format_read r;

    format_driver_load(&d, PLUGIN, settings);
    format_read(&d, &args, &r);
    if (rows[_i].message) {
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, rows[_i].message), "%s", r.message);
    } else {
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.sample_count, rows[_i].ret_samples);
        ck_assert_uint_eq(r.samples_len, rows[_i].ret_samples * rows[_i].ret_bytes);
    }
    format_read_free(&r);
    format_driver_close(&d);
}
END_TEST

START_TEST(generated_samples_have_the_stated_length)
{
    const struct format_setting settings[] = {{"sample_bytes", "16"}, {NULL, NULL}};
    const uint64_t right[] = {4, 4}, wrong[] = {4, 5};
    dlfw_encode_spec spec = {
        .struct_size = sizeof spec, .dtype = DLFW_DTYPE_UINT8, .dims = right, .ndim = 2, .samples = 2};
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, settings);
    memory_sink_init(&m);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    spec.dims = wrong;
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_E_CONFIG);
    ck_assert_uint_eq(m.len, 32);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raw_records");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, samples_are_the_content);
    tcase_add_loop_test(tc, lengths, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(tc, generated_samples_have_the_stated_length);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
