/* SPDX-License-Identifier: Apache-2.0 */
/* One line of text stands for samples of zeros. */
#include "support/format_driver.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-synthetic.so"

START_TEST(the_line_and_its_zeros)
{
    const uint64_t dims[] = {3, 50};
    const dlfw_encode_spec spec = {.struct_size = sizeof spec,
                                   .dtype = DLFW_DTYPE_FLOAT32,
                                   .dims = dims,
                                   .ndim = 2,
                                   .samples = 4,
                                   .seed = 3,
                                   .object = 18446744073709551615u};
    static const char line[] = "18446744073709551615 4 600\n";
    struct format_driver d;
    struct memory_sink m;
    uint64_t size = 0;

    format_driver_load(&d, PLUGIN, NULL);
    memory_sink_init(&m);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    ck_assert_uint_eq(size, strlen(line));
    ck_assert_uint_eq(m.len, strlen(line));
    ck_assert_mem_eq(m.data, line, strlen(line));
    for (int whole = 0; whole < 2; whole++) {
        const struct format_read_args args = {.data = m.data, .size = m.len, .samples = 4, .whole = whole};
        struct format_read r;

        format_read(&d, &args, &r);
        ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
        ck_assert_uint_eq(r.sample_count, 4);
        ck_assert_uint_eq(r.samples_len, 2400);
        for (int i = 0; i < 2400; i++)
            ck_assert_uint_eq(r.samples[i], 0);
        ck_assert_uint_eq(r.unit.out_bytes, 2400);
        ck_assert_uint_eq(r.payload_len, 0);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

static const struct {
    const char *text, *sample_bytes;
    uint32_t samples;
    uint64_t ret_samples, ret_bytes;
    const char *message;
} rows[] = {
    {"7 2 10\n", "0", 2, 2, 10, NULL},
    {"7 2 10\n", "0", 0, 2, 10, NULL},
    {"7 2 10\n", "99", 2, 2, 10, NULL}, /* the file knows better */
    {"17", "64", 3, 3, 64, NULL},       /* as the reference writes it */
    {"17", "0", 3, 0, 0, "the length of samples is missing: truncated, or written by another program"},
    {"7 2 10\n", "0", 3, 0, 0, "holds 2 samples, the run file says 3"},
    {"7 2 10", "0", 2, 0, 0, "not of the form"},
    {"7 2 \n", "0", 2, 0, 0, "not of the form"},
    {"7 2\n", "0", 2, 0, 0, "not of the form"},
    {"7\n", "0", 2, 0, 0, "not of the form"},
    {"7 2 10\n ", "0", 2, 0, 0, "not of the form"},
    {"7 02 10\n", "0", 2, 0, 0, "not of the form"},
    {"7 0 10\n", "0", 0, 0, 0, "not of the form"},
    {"7 2 0\n", "0", 2, 0, 0, "not of the form"},
    {"7 2 18446744073709551616\n", "0", 2, 0, 0, "not of the form"},
    {"7 2 18446744073709551615\n", "0", 2, 0, 0, "more samples than any memory"},
    {"7 4294967296 1\n", "0", 0, 0, 0, "more samples than any memory"},
    {"-7 2 10\n", "0", 2, 0, 0, "no number"},
    {"img", "0", 2, 0, 0, "no number"},
    {"", "0", 2, 0, 0, "0 bytes are no synthetic file"},
    {"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111", "0", 2, 0, 0,
     "90 bytes are no synthetic file"},
};

START_TEST(lines)
{
    const struct format_setting settings[] = {{"sample_bytes", rows[_i].sample_bytes}, {NULL, NULL}};
    const struct format_read_args args = {
        .data = rows[_i].text, .size = strlen(rows[_i].text), .samples = rows[_i].samples};
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

int main(void)
{
    Suite *suite = suite_create("synthetic_files");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_line_and_its_zeros);
    tcase_add_loop_test(tc, lines, 0, (int)(sizeof rows / sizeof rows[0]));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
