/* SPDX-License-Identifier: Apache-2.0 */
/* The text that is generated, and text of every kind parsed in pieces of every size. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-csv.so"
#define SEED 21
#define OBJECT 1234567

static const struct format_setting gzip[] = {{"compression", "gzip"}, {NULL, NULL}};

struct dtype {
    uint32_t number, bytes;
    const char *name;
};
#define DTYPE_ROW(name, number, bytes, text, descr) {(number), (bytes), (text)},
static const struct dtype dtypes[] = {DLFW_DTYPE_LIST(DTYPE_ROW)};
#define DTYPE_COUNT (sizeof dtypes / sizeof dtypes[0])

static dlfw_encode_spec spec_of(const uint64_t *dims, uint32_t dtype, uint64_t samples)
{
    return (dlfw_encode_spec){.struct_size = sizeof(dlfw_encode_spec),
                              .dtype = dtype,
                              .dims = dims,
                              .ndim = 2,
                              .samples = samples,
                              .seed = SEED,
                              .object = OBJECT};
}

static void encode(struct format_driver *d, const dlfw_encode_spec *spec, struct memory_sink *m)
{
    char text[300] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    memory_sink_init(m);
    ck_assert_msg(d->ops->encode(d->fmt, spec, &m->sink, &err) == DLFW_OK, "%s", text);
}

/* The definition of a value's text, written once more: integers in decimal, booleans as their lowest bit. */
static int expected_integer(char *out, uint32_t dtype, const uint8_t *item)
{
    uint64_t u = 0;

    for (uint32_t i = dtypes[dtype - 1].bytes; i-- > 0;)
        u = u << 8 | item[i];
    switch (dtype) {
    case DLFW_DTYPE_INT8:
        return snprintf(out, 22, "%d", (int8_t)u);
    case DLFW_DTYPE_INT16:
        return snprintf(out, 22, "%d", (int16_t)u);
    case DLFW_DTYPE_INT32:
        return snprintf(out, 22, "%d", (int32_t)u);
    case DLFW_DTYPE_INT64:
        return snprintf(out, 22, "%ld", (int64_t)u);
    case DLFW_DTYPE_BOOL:
        return snprintf(out, 22, "%u", (unsigned)(u & 1));
    default:
        return snprintf(out, 22, "%lu", u);
    }
}

START_TEST(integers_to_the_byte)
{
    const uint32_t dtype = dtypes[_i].number, bytes = dtypes[_i].bytes;
    const uint64_t dims[] = {53, 17}, count = 53 * 17 * 5;
    const dlfw_encode_spec spec = spec_of(dims, dtype, 5);
    uint8_t *content = malloc(count * bytes);
    char *text = malloc(count * 22), *end = text;
    struct format_driver d;
    struct memory_sink m;

    if (strncmp(dtypes[_i].name, "float", 5) != 0) {
        format_driver_load(&d, PLUGIN, NULL);
        encode(&d, &spec, &m);
        format_driver_content(SEED, OBJECT, 0, content, count * bytes);
        for (uint64_t i = 0; i < count; i++) {
            end += expected_integer(end, dtype, content + i * bytes);
            *end++ = (i + 1) % (53 * 17) ? ',' : '\n';
        }
        ck_assert_uint_eq(m.len, (uint64_t)(end - text));
        ck_assert_mem_eq(m.data, text, m.len);
        memory_sink_free(&m);
        format_driver_close(&d);
    }
    free(content);
    free(text);
}
END_TEST

/* What is read is what the content stream has, but for the lost bits of booleans, infinities and NaN. */
static bool is_same_item(uint32_t dtype, const uint8_t *content, const uint8_t *item)
{
    const uint32_t bytes = dtypes[dtype - 1].bytes;
    uint8_t wanted[8];

    memcpy(wanted, content, bytes);
    if (dtype == DLFW_DTYPE_BOOL)
        wanted[0] &= 1;
    if ((dtype == DLFW_DTYPE_FLOAT16 && (wanted[1] & 0x7c) == 0x7c) ||
        (dtype == DLFW_DTYPE_FLOAT32 && (wanted[3] & 0x7f) == 0x7f && wanted[2] >> 7) ||
        (dtype == DLFW_DTYPE_FLOAT64 && (wanted[7] & 0x7f) == 0x7f && wanted[6] >> 4 == 15))
        wanted[bytes - 1] &= 0xbf;
    return memcmp(wanted, item, bytes) == 0;
}

/* Small pieces of a small file, and files of more values than are compared at once. */
static const struct {
    uint64_t columns, pieces[4];
} cuts[] = {{53, {1, 2, 3, 17}}, {4141, {0, 1000, 4096, 65536}}};

static void read_generated(uint32_t dtype, uint64_t columns, const uint64_t pieces[4])
{
    const uint32_t bytes = dtypes[dtype - 1].bytes;
    const uint64_t dims[] = {columns, 1}, count = columns * 3;
    const dlfw_encode_spec spec = spec_of(dims, dtype, 3);
    uint8_t *content = malloc(count * bytes);

    format_driver_content(SEED, OBJECT, 0, content, count * bytes);
    for (int packed = 0; packed < 2; packed++) {
        struct format_driver d;
        struct memory_sink m;
        struct format_read r;

        format_driver_load(&d, PLUGIN, packed ? gzip : NULL);
        encode(&d, &spec, &m);
        for (int i = 0; i < 4; i++) {
            const struct format_read_args args = {.data = m.data,
                                                  .size = m.len,
                                                  .samples = 3,
                                                  .verify = true,
                                                  .piece = pieces[i],
                                                  .verify_content = true,
                                                  .content_seed = SEED,
                                                  .content_object = OBJECT};

            format_read(&d, &args, &r);
            ck_assert_msg(r.status == DLFW_OK, "%s: %s", dtypes[dtype - 1].name, r.message);
            ck_assert_uint_eq(r.samples_len, count * bytes);
            ck_assert_uint_eq(r.compared, count * bytes);
            for (uint64_t k = 0; k < count; k++)
                ck_assert_msg(is_same_item(dtype, content + k * bytes, r.samples + k * bytes), "%s: item %lu",
                              dtypes[dtype - 1].name, k);
            format_read_free(&r);
        }
        memory_sink_free(&m);
        format_driver_close(&d);
    }
    free(content);
}

START_TEST(every_type_reads_as_it_was_generated)
{
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        read_generated(dtypes[_i].number, cuts[i].columns, cuts[i].pieces);
}
END_TEST

/* One changed digit is found, with the line, the column and the offset of its value. */
START_TEST(other_content_is_named)
{
    const uint64_t dims[] = {3000, 1};
    const dlfw_encode_spec spec = spec_of(dims, DLFW_DTYPE_UINT8, 4);
    struct format_driver d;
    struct memory_sink m;
    uint64_t at = 0, line = 1, begin = 0;
    char word[100];

    format_driver_load(&d, PLUGIN, NULL);
    encode(&d, &spec, &m);
    for (uint64_t commas = 0; commas < 2500 || line < 3; at++) { /* a value of the third row */
        if (m.data[at] == '\n') {
            line++;
            begin = at + 1;
            commas = 0;
        }
        commas += m.data[at] == ',';
    }
    m.data[at] = m.data[at] == '1' ? '2' : '1';
    snprintf(word, sizeof word, "'train/img_0':3:%lu: value 8500 is not what was generated (uint8) (at offset %lu)",
             at - begin + 1, at);
    for (uint64_t piece = 0; piece < 3000; piece = piece * 7 + 19) {
        const struct format_read_args args = {.data = m.data,
                                              .size = m.len,
                                              .samples = 4,
                                              .piece = piece,
                                              .verify_content = true,
                                              .content_seed = SEED,
                                              .content_object = OBJECT};
        struct format_read r;

        format_read(&d, &args, &r);
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_str_eq(r.stage, "consume");
        ck_assert_msg(strstr(r.message, word), "%s, not %s", r.message, word);
        format_read_free(&r);
    }
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

/* gzip holds the very text, at any level, and takes its own option. */
START_TEST(gzip_is_the_same_text)
{
    const uint64_t dims[] = {200, 100};
    const dlfw_encode_spec spec = spec_of(dims, DLFW_DTYPE_INT32, 3);
    const struct format_setting fast[] = {{"compression", "gzip"}, {"compression_level", "1"}, {NULL, NULL}};
    struct format_driver d[3];
    struct memory_sink m[3];
    uint8_t *text;

    format_driver_load(&d[0], PLUGIN, NULL);
    format_driver_load(&d[1], PLUGIN, gzip);
    format_driver_load(&d[2], PLUGIN, fast);
    for (int i = 0; i < 3; i++)
        encode(&d[i], &spec, &m[i]);
    text = malloc(m[0].len + 1);
    for (int i = 1; i < 3; i++) {
        z_stream z = {
            .next_in = m[i].data, .avail_in = (uInt)m[i].len, .next_out = text, .avail_out = (uInt)m[0].len + 1};

        ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
        ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
        ck_assert_uint_eq(z.total_out, m[0].len);
        ck_assert_mem_eq(text, m[0].data, m[0].len);
        inflateEnd(&z);
    }
    ck_assert_uint_lt(m[1].len, m[2].len);
    for (int i = 0; i < 3; i++) {
        memory_sink_free(&m[i]);
        format_driver_close(&d[i]);
    }
    free(text);
}
END_TEST

/* text, type, samples: the items in hexadecimal, or what the message says. */
static const struct {
    const char *text;
    uint32_t dtype, samples;
    const char *items, *message;
} texts[] = {
    {"7\n", DLFW_DTYPE_UINT8, 1, "07", NULL},
    {"0,00,000,255\n", DLFW_DTYPE_UINT8, 1, "000000ff", NULL},
    {"1,2\n3,4\n", DLFW_DTYPE_UINT8, 0, "01020304", NULL},
    {"256\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:1: '256' is more than the type can hold (uint8) (at offset 0)"},
    {"1,2,3,4,5,6,7,8,9,1000,1\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:19: '1000' is more"},
    {"1,2,3,4,5,6,7,8,9,300,10,11,12,13\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:19: '300' is more"},
    {"1,2,3,4,5,6,7,8\n1,2,3,x,5,6,7,8\n", DLFW_DTYPE_UINT8, 2, NULL, ":2:7: 'x' is no integer (uint8) (at offset 22)"},
    {"-0,-1\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:4: '-1' is negative, which the type cannot hold"},
    {"127,-128,-0,+5\n", DLFW_DTYPE_INT8, 1, "7f800005", NULL},
    {"128\n", DLFW_DTYPE_INT8, 1, NULL, "'128' is more than the type can hold (int8)"},
    {"-129,1,1,1,1,1,1,1,1,1\n", DLFW_DTYPE_INT8, 1, NULL, "'-129' is more"},
    {"18446744073709551615\n", DLFW_DTYPE_UINT64, 1, "ffffffffffffffff", NULL},
    {"18446744073709551616\n", DLFW_DTYPE_UINT64, 1, NULL, "is more than the type can hold (uint64)"},
    {"-9223372036854775808,9223372036854775807\n", DLFW_DTYPE_INT64, 1, "0000000000000080ffffffffffffff7f", NULL},
    {"123456789012345,1234567890123456,12345678\n", DLFW_DTYPE_UINT64, 1,
     "79df0d8648700000c0ba8a3cd56204004e61bc0000000000", NULL},
    {"-,1\n", DLFW_DTYPE_INT16, 1, NULL, ":1:1: '-' is no number"},
    {",1\n", DLFW_DTYPE_INT16, 1, NULL, ":1:1: '' is no value"},
    {"1,\n", DLFW_DTYPE_INT16, 1, NULL, ":1:3: '' is no value"},
    {"1.0\n", DLFW_DTYPE_INT16, 1, NULL, "'1.0' is no integer"},
    {"0,1,2\n", DLFW_DTYPE_BOOL, 1, NULL, ":1:5: '2' is more than the type can hold (bool)"},
    {"0,1,True,False\n", DLFW_DTYPE_BOOL, 1, "00010100", NULL},
    {"1,1.5,.5,2.,1e3,-1E-3,0.1\n", DLFW_DTYPE_FLOAT32, 1, "0000803f0000c03f0000003f0000004000007a446f1283bacdcccc3d",
     NULL},
    {"1.00000005960464478,1.00000005960464477539062500001\n", DLFW_DTYPE_FLOAT32, 1, "0100803f0100803f", NULL},
    {"3.4028235e38,1e-45\n", DLFW_DTYPE_FLOAT32, 1, "ffff7f7f01000000", NULL},
    {"3.5e38\n", DLFW_DTYPE_FLOAT32, 1, NULL, "'3.5e38' is more than the type can hold (float32)"},
    {"inf,-inf\n", DLFW_DTYPE_FLOAT32, 1, "0000807f000080ff", NULL},
    {"65504,65519.99,6e-8,-0,1e-9\n", DLFW_DTYPE_FLOAT16, 1, "ff7bff7b010000800000", NULL},
    {"65520\n", DLFW_DTYPE_FLOAT16, 1, NULL, "'65520' is more"},
    {"1e400\n", DLFW_DTYPE_FLOAT64, 1, NULL, "'1e400' is more"},
    {"0x10\n", DLFW_DTYPE_FLOAT64, 1, NULL, "'0x10' is no number"},
    {".\n", DLFW_DTYPE_FLOAT64, 1, NULL, "'.' is no number"},
    {"1e\n", DLFW_DTYPE_FLOAT64, 1, NULL, "'1e' is no number"},
    {"1,2;3\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:3: '2;3' is no integer"},
    {"\n", DLFW_DTYPE_UINT8, 1, NULL, ":1:1: an empty line"},
    {"1,2\n3\n", DLFW_DTYPE_UINT8, 2, NULL, ":2:2: a row of 1 values where the first has 2"},
    {"1\n2,3\n", DLFW_DTYPE_UINT8, 2, NULL, ":2:4: a row of 2 values where the first has 1"},
    {"1,2", DLFW_DTYPE_UINT8, 1, NULL, "the last line has no end"},
    {"1,\x80\xff\n", DLFW_DTYPE_UINT8, 1, NULL,
     ":1:3: '?"
     "?' is no integer"},
};

START_TEST(texts_and_their_values)
{
    const struct format_setting settings[] = {{"dtype", dtypes[texts[_i].dtype - 1].name}, {NULL, NULL}};
    const uint64_t size = strlen(texts[_i].text);
    struct format_driver d;

    format_driver_load(&d, PLUGIN, settings);
    for (int explore = 0; explore < 2; explore++)
        for (uint64_t piece = 0; piece <= size; piece++) {
            const struct format_read_args args = {.data = texts[_i].text,
                                                  .size = size,
                                                  .samples = explore ? 0 : texts[_i].samples,
                                                  .explore = explore,
                                                  .piece = piece};
            struct format_read r;
            char items[200] = "";

            format_read(&d, &args, &r);
            for (uint64_t i = 0; r.status >= 0 && i < r.samples_len && i < 99; i++)
                snprintf(items + 2 * i, 3, "%02x", r.samples[i]);
            if (texts[_i].items) {
                ck_assert_msg(r.status == DLFW_OK, "%s", r.message);
                ck_assert_str_eq(items, texts[_i].items);
            } else {
                ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
                ck_assert_msg(strstr(r.message, texts[_i].message), "%s, not %s", r.message, texts[_i].message);
            }
            format_read_free(&r);
        }
    format_driver_close(&d);
}
END_TEST

/* Values longer than any number end, in one piece and in many. */
START_TEST(endless_values_are_refused)
{
    char text[2000];
    struct format_driver d;

    memset(text, '1', sizeof text);
    text[1999] = '\n';
    format_driver_load(&d, PLUGIN, NULL);
    for (uint64_t piece = 0; piece < 300; piece += 100) {
        const struct format_read_args args = {
            .data = text, .size = 2000, .samples = 1, .explore = true, .piece = piece};
        struct format_read r;

        format_read(&d, &args, &r);
        ck_assert_int_eq(r.status, DLFW_E_CORRUPT);
        ck_assert_msg(strstr(r.message, "':1:1: '111111111111111111111111...' is longer than any number"), "%s",
                      r.message);
        format_read_free(&r);
    }
    format_driver_close(&d);
}
END_TEST

START_TEST(another_type_than_the_option_is_refused)
{
    const struct format_setting settings[] = {{"dtype", "uint8"}, {NULL, NULL}};
    const uint64_t dims[] = {2, 2};
    const dlfw_encode_spec spec = spec_of(dims, DLFW_DTYPE_FLOAT32, 1);
    char text[300] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
    struct format_driver d;
    struct memory_sink m;

    format_driver_load(&d, PLUGIN, settings);
    memory_sink_init(&m);
    ck_assert_int_eq(d.ops->encode(d.fmt, &spec, &m.sink, &err), DLFW_E_CONFIG);
    ck_assert_msg(strstr(text, "type float32") && strstr(text, "csv.dtype says uint8"), "%s", text);
    memory_sink_free(&m);
    format_driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv_text");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, integers_to_the_byte, 0, (int)DTYPE_COUNT);
    tcase_add_loop_test(tc, every_type_reads_as_it_was_generated, 0, (int)DTYPE_COUNT);
    tcase_add_test(tc, other_content_is_named);
    tcase_add_test(tc, gzip_is_the_same_text);
    tcase_add_loop_test(tc, texts_and_their_values, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(tc, endless_values_are_refused);
    tcase_add_test(tc, another_type_than_the_option_is_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
