/* SPDX-License-Identifier: Apache-2.0 */
/* Generated indexed files: data and tables to the byte, of any size, in memory that does not grow with it. */
#include "support/format_driver.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-indexed_binary.so"
#define SEED 5
#define OBJECT 99

static dlfw_encode_spec spec_of(const uint64_t *dims, uint32_t ndim, uint32_t dtype, uint64_t samples)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = dims,
                              .ndim = ndim,
                              .samples = samples,
                              .seed = SEED,
                              .object = OBJECT};
}

static uint64_t entry(const struct memory_sink *table, uint64_t index)
{
    uint64_t value = 0;

    ck_assert_uint_lt(index, table->len / 8);
    for (int i = 7; i >= 0; i--)
        value = value << 8 | table->data[index * 8 + (uint64_t)i];
    return value;
}

static const struct {
    uint64_t dims[3];
    uint32_t ndim, dtype;
    uint64_t samples, record;
} shapes[] = {
    {{1}, 1, DLFW_DTYPE_UINT8, 1, 1},
    {{5, 3}, 2, DLFW_DTYPE_UINT8, 7, 15},
    {{3, 4, 2}, 3, DLFW_DTYPE_INT16, 10, 48}, /* the product of the dimensions, not their sum */
    {{100, 10}, 2, DLFW_DTYPE_FLOAT64, 100, 8000},
    {{2}, 1, DLFW_DTYPE_UINT8, 20000, 2}, /* tables larger than the data */
};

START_TEST(data_and_tables)
{
    const dlfw_encode_spec spec = spec_of(shapes[_i].dims, shapes[_i].ndim, shapes[_i].dtype, shapes[_i].samples);
    const uint64_t record = shapes[_i].record, bytes = record * spec.samples;
    struct format_driver d;
    struct memory_sink m;
    uint8_t *content = malloc(bytes);
    uint64_t size = 0;

    format_driver_load(&d, PLUGIN, NULL);
    memory_sink_init(&m);
    m.window_bytes = 1000;
    ck_assert_uint_eq(memory_sink_sides(&m, &d), 2);
    ck_assert_int_eq(d.ops->file_size(d.fmt, &spec, &size, NULL), DLFW_OK);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    ck_assert_uint_eq(size, bytes);
    ck_assert_uint_eq(m.len, bytes);
    format_driver_content(SEED, OBJECT, 0, content, bytes);
    ck_assert_mem_eq(m.data, content, bytes);
    ck_assert_uint_eq(m.sides[0]->len, spec.samples * 8);
    ck_assert_uint_eq(m.sides[1]->len, spec.samples * 8);
    for (uint64_t i = 0; i < spec.samples; i++) {
        ck_assert_uint_eq(entry(m.sides[0], i), i * record);
        ck_assert_uint_eq(entry(m.sides[1], i), record);
    }
    free(content);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

static void no_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    (void)seed, (void)object, (void)offset, (void)buf, (void)len;
}

/* The table of a file beyond 2 and 4 GiB counts on; nothing of the file is kept. */
START_TEST(tables_beyond_2_gib)
{
    static const uint64_t samples[] = {4096, 10000};
    const uint64_t dims[] = {655360}, count = samples[_i];
    const dlfw_encode_spec spec = spec_of(dims, 1, DLFW_DTYPE_UINT8, count);
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, NULL);
    d.host.content_fill = no_content;
    memory_sink_init(&m);
    m.discard = true;
    m.window_bytes = 8 << 20;
    memory_sink_sides(&m, &d);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, NULL), DLFW_OK);
    ck_assert_uint_eq(m.len, count * dims[0]);
    ck_assert_uint_ge(m.len, 5 * (UINT64_C(1) << 29));
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_uint_eq(entry(m.sides[0], i), i * dims[0]);
        ck_assert_uint_eq(entry(m.sides[1], i), dims[0]);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* A full disk under the data, the offsets or the sizes ends the encoding with that failure. */
START_TEST(a_full_sink_ends_the_encoding)
{
    const uint64_t dims[] = {100};
    const dlfw_encode_spec spec = spec_of(dims, 1, DLFW_DTYPE_UINT8, 1000);
    char text[200] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, NULL);
    memory_sink_init(&m);
    memory_sink_sides(&m, &d);
    (_i == 0 ? &m : m.sides[_i - 1])->fail_after = 5000;
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), DLFW_E_NO_SPACE);
    ck_assert_str_eq(text, "the sink is full");
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

START_TEST(impossible_shapes_are_refused)
{
    const uint64_t huge[] = {UINT64_C(1) << 40, UINT64_C(1) << 40}, none[] = {4, 0};
    const dlfw_encode_spec overflow = spec_of(huge, 2, DLFW_DTYPE_UINT8, 2),
                           empty = spec_of(none, 2, DLFW_DTYPE_UINT8, 2);
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, NULL);
    memory_sink_init(&m);
    ck_assert_int_eq(d.ops->encode(d.fmt, &overflow, &m.sink, NULL), DLFW_E_INVALID);
    ck_assert_int_eq(d.ops->encode(d.fmt, &empty, &m.sink, NULL), DLFW_E_UNSUPPORTED);
    ck_assert_uint_eq(m.len, 0);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* Both names stand for the same files. */
START_TEST(the_mapped_name_writes_the_same)
{
    const uint64_t dims[] = {33};
    const dlfw_encode_spec spec = spec_of(dims, 1, DLFW_DTYPE_INT32, 9);
    struct memory_sink m[2];

    for (int i = 0; i < 2; i++) {
        struct format_driver d;

        format_driver_load_iface(&d, PLUGIN, i ? "mmap_indexed_binary" : "indexed_binary", NULL);
        ck_assert_str_eq(d.ops->extension, i ? "mmap_indexed_binary" : "indexed_binary");
        memory_sink_init(&m[i]);
        memory_sink_sides(&m[i], &d);
        ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m[i].sink, NULL), DLFW_OK);
        format_driver_close(&d);
    }
    ck_assert_uint_eq(m[0].len, m[1].len);
    ck_assert_mem_eq(m[0].data, m[1].data, m[0].len);
    for (int i = 0; i < 2; i++)
        ck_assert_mem_eq(m[0].sides[i]->data, m[1].sides[i]->data, 9 * 8);
    memory_sink_free(&m[0]);
    memory_sink_free(&m[1]);
}
END_TEST

START_TEST(units_are_runs_of_4_mib)
{
    static const struct {
        uint64_t record, samples, ordered;
    } rows[] = {{2048, 1000000, 2048}, {4u << 20, 10, 1}, {100u << 20, 10, 1}, {1, 1000000, 65536}, {2048, 100, 100}};
    struct format_driver d;

    format_driver_load(&d, PLUGIN, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dlfw_encode_spec spec = spec_of(&rows[i].record, 1, DLFW_DTYPE_UINT8, rows[i].samples);

        ck_assert_uint_eq(d.ops->unit_samples(d.fmt, &spec, 0), rows[i].ordered);
        ck_assert_uint_eq(d.ops->unit_samples(d.fmt, &spec, 1), 1);
    }
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("indexed_generate");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, data_and_tables, 0, (int)(sizeof shapes / sizeof shapes[0]));
    tcase_add_loop_test(tc, tables_beyond_2_gib, 0, 2);
    tcase_add_loop_test(tc, a_full_sink_ends_the_encoding, 0, 3);
    tcase_add_test(tc, impossible_shapes_are_refused);
    tcase_add_test(tc, the_mapped_name_writes_the_same);
    tcase_add_test(tc, units_are_runs_of_4_mib);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
