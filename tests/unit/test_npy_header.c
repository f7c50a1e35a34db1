/* SPDX-License-Identifier: Apache-2.0 */
#include "common/array_content.h"
#include "common/npy_samples.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A header of the given version around a dictionary; exact allocation, so that a sanitizer sees reads behind it. */
static uint8_t *header(uint8_t version, const char *dict, uint64_t *len)
{
    uint64_t n = strlen(dict), prefix = version == 1 ? 10 : 12;
    uint8_t *buf = malloc(prefix + n);

    ck_assert_ptr_nonnull(buf);
    memcpy(buf, "\x93NUMPY", 6);
    buf[6] = version;
    buf[7] = 0;
    for (uint64_t i = 8; i < prefix; i++)
        buf[i] = (uint8_t)(n >> 8 * (i - 8));
    memcpy(buf + prefix, dict, n);
    *len = prefix + n;
    return buf;
}

static const struct {
    const char *dict;
    uint64_t payload;
    uint32_t ndim, item;
    uint8_t fortran;
} good[] = {
    {"{'descr': '|u1', 'fortran_order': False, 'shape': (64, 64, 1), }   \n", 4096, 3, 1, 0},
    {"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4)}", 48, 2, 4, 1},
    {"{'shape':(),'descr':'>f8','fortran_order':False}\n", 8, 0, 8, 0},
    {" {\t\"shape\" : ( 7 , ) ,\n'fortran_order' : False , \"descr\" : \"=i2\" , } ", 14, 1, 2, 0},
    {"{'descr': 'i8', 'fortran_order': False, 'shape': (5L, 2L), }", 80, 2, 8, 0},
    {"{'descr': '<c16', 'fortran_order': False, 'shape': (2,), }", 32, 1, 16, 0},
    {"{'descr': '|b1', 'fortran_order': False, 'shape': (0, 9223372036854775807), }", 0, 2, 1, 0},
    {"{'descr': '<f2', 'fortran_order': False, 'shape': "
     "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2), }",
     4, 32, 2, 0},
};

START_TEST(reads_what_numpy_writes)
{
    for (uint8_t version = 1; version <= 3; version++) {
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
            struct npy_reason reason = {""};
            struct npy_header h = {0};
            uint64_t len;
            uint8_t *buf = header(version, good[i].dict, &len);
            dlfw_status st = npy_header_parse(buf, len, &h, &reason);

            ck_assert_msg(st == DLFW_OK, "case %zu version %u: %s", i, version, reason.text);
            ck_assert_uint_eq(h.header_bytes, len);
            ck_assert_msg(h.payload_bytes == good[i].payload && h.ndim == good[i].ndim && h.item_size == good[i].item &&
                              h.fortran_order == good[i].fortran,
                          "case %zu", i);
            free(buf);
        }
    }
}
END_TEST

#define REST "'fortran_order': False, 'shape': (2,)"

static const struct {
    const char *dict;
    dlfw_status status;
    const char *word;
} bad[] = {
    {"", DLFW_E_CORRUPT, "no dictionary"},
    {"{", DLFW_E_CORRUPT, "no string"},
    {"{}", DLFW_E_CORRUPT, "missing"},
    {"{'descr': '<f4', 'fortran_order': False}", DLFW_E_CORRUPT, "missing"},
    {"{'descr': '<f4', " REST ", 'extra': 1}", DLFW_E_CORRUPT, "unknown key"},
    {"{'descr': '<f4', 'descr': '<f8', " REST "}", DLFW_E_CORRUPT, "twice"},
    {"{'descr': '<f4' " REST "}", DLFW_E_CORRUPT, "comma"},
    {"{'descr' '<f4', " REST "}", DLFW_E_CORRUPT, "colon"},
    {"{'descr': '<f4', " REST "} import os", DLFW_E_CORRUPT, "after"},
    {"{'descr': '<f4', " REST, DLFW_E_CORRUPT, "comma"},
    {"{'descr': '<f4', " REST ",", DLFW_E_CORRUPT, "no string"},
    {"{'descr': '<f4, " REST "}", DLFW_E_UNSUPPORTED, "'<f4, ' is not read"},
    {"{'shape': (2,), 'fortran_order': False, 'descr': '<f4}", DLFW_E_CORRUPT, "without end"},
    {"{'descr': '<\\x664', " REST "}", DLFW_E_CORRUPT, "unreadable"},
    {"{'descr': <f4, " REST "}", DLFW_E_CORRUPT, "no string"},
    {"{'descr': '|O', " REST "}", DLFW_E_UNSUPPORTED, "pickled objects are not read"},
    {"{'descr': '<U5', " REST "}", DLFW_E_UNSUPPORTED, "'<U5' is not read"},
    {"{'descr': '<M8[ns]', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': '<f0', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': '<c32', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': '<f', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': '', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': '<f99999999999', " REST "}", DLFW_E_UNSUPPORTED, "is not read"},
    {"{'descr': [('a', '<i4')], " REST "}", DLFW_E_UNSUPPORTED, "records"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", DLFW_E_CORRUPT, "True or False"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", DLFW_E_CORRUPT, "not a tuple"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': 2}", DLFW_E_CORRUPT, "tuple"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", DLFW_E_CORRUPT, "no dimension"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", DLFW_E_CORRUPT, "no dimension"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", DLFW_E_CORRUPT, "comma"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,,3)}", DLFW_E_CORRUPT, "no dimension"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (02,)}", DLFW_E_CORRUPT, "leading zeros"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}", DLFW_E_CORRUPT, "too large"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", DLFW_E_CORRUPT, "too large"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", DLFW_E_CORRUPT, "multiply"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", DLFW_E_CORRUPT, "multiply"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': ("
     "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
     "1,1,1,1,"
     "1,1,1,1,1,1)}",
     DLFW_E_CORRUPT, "too many dimensions"},
};

START_TEST(refuses_what_is_no_plain_array)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct npy_reason reason = {""};
        struct npy_header h = {0};
        uint64_t len;
        uint8_t *buf = header(1, bad[i].dict, &len);
        dlfw_status st = npy_header_parse(buf, len, &h, &reason);

        ck_assert_msg(st == bad[i].status, "case %zu '%s': status %d (%s)", i, bad[i].dict, st, reason.text);
        ck_assert_msg(strstr(reason.text, bad[i].word), "case %zu: '%s' lacks '%s'", i, reason.text, bad[i].word);
        free(buf);
    }
}
END_TEST

/* Every prefix of a header asks for more, never for more than there is, and reads nothing behind itself. */
START_TEST(asks_for_the_missing_bytes)
{
    uint64_t len;
    uint8_t *buf = header(2, good[0].dict, &len);

    for (uint64_t n = 0; n < len; n++) {
        struct npy_reason reason;
        struct npy_header h = {0};
        uint8_t *cut = malloc(n ? n : 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, buf, n);
        ck_assert_int_eq(npy_header_parse(cut, n, &h, &reason), DLFW_NEED_IO);
        ck_assert_uint_gt(h.header_bytes, n);
        ck_assert_uint_le(h.header_bytes, len);
        free(cut);
    }
    free(buf);
}
END_TEST

START_TEST(refuses_wrong_prefixes)
{
    static const struct {
        const char *bytes;
        uint64_t len;
        dlfw_status status;
        const char *word;
    } cases[] = {
        {"PK\x03\x04", 4, DLFW_E_CORRUPT, "magic"},
        {"\x93NUMPX", 6, DLFW_E_CORRUPT, "magic"},
        {"\x93NUMPY\x04\x00\x00\x00", 10, DLFW_E_UNSUPPORTED, "version 4.0"},
        {"\x93NUMPY\x01\x01\x00\x00", 10, DLFW_E_UNSUPPORTED, "version 1.1"},
        {"\x93NUMPY\x00\x00\x00\x00", 10, DLFW_E_UNSUPPORTED, "version 0.0"},
        {"\x93NUMPY\x02\x00\x01\x00\x10\x00", 12, DLFW_E_CORRUPT, "at most 1048576"},
        {"\x93NUMPY\x03\x00\xff\xff\xff\xff", 12, DLFW_E_CORRUPT, "4294967295"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct npy_reason reason = {""};
        struct npy_header h = {0};

        ck_assert_msg(npy_header_parse((const uint8_t *)cases[i].bytes, cases[i].len, &h, &reason) == cases[i].status,
                      "case %zu: %s", i, reason.text);
        ck_assert_msg(strstr(reason.text, cases[i].word), "case %zu: %s", i, reason.text);
    }
}
END_TEST

START_TEST(writes_the_documented_header)
{
    const uint64_t dims[] = {64, 64};
    uint8_t buf[NPY_WRITE_CAP], want[128];
    const char *dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 64, 1), }";

    memset(want, ' ', sizeof want);
    memcpy(want, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(want + 10, dict, strlen(dict));
    want[127] = '\n';
    ck_assert_uint_eq(npy_header_write(buf, "|u1", dims, 2, 1), 128);
    ck_assert_mem_eq(buf, want, 128);
    ck_assert_uint_eq(npy_header_write(buf, "<i8", NULL, 0, 4), 128);
    ck_assert_ptr_nonnull(strstr((char *)buf + 10, "'shape': (4,), }"));
}
END_TEST

/* What is written is read back, and grows by whole lines of 64 bytes when the shape is long. */
START_TEST(written_headers_are_read_back)
{
    uint64_t dims[32];

    for (uint32_t ndim = 0; ndim <= 32; ndim++) {
        uint8_t buf[NPY_WRITE_CAP];
        struct npy_reason reason = {""};
        struct npy_header h = {0};
        uint32_t len;

        for (uint32_t i = 0; i < ndim; i++)
            dims[i] = i < 3 ? 123456 + i : 1;
        len = npy_header_write(buf, "<f4", dims, ndim, 17);
        ck_assert_uint_eq(len % 64, 0);
        ck_assert_uint_ge(len, 128);
        ck_assert_msg(npy_header_parse(buf, len, &h, &reason) == DLFW_OK, "%s", reason.text);
        ck_assert_uint_eq(h.header_bytes, len);
        ck_assert_uint_eq(h.ndim, ndim + 1);
        ck_assert_uint_eq(h.dims[ndim], 17);
        if (ndim)
            ck_assert_mem_eq(h.dims, dims, ndim * sizeof dims[0]);
    }
    for (uint32_t i = 0; i < 32; i++)
        dims[i] = UINT64_MAX;
    ck_assert_uint_le(npy_header_write((uint8_t[NPY_WRITE_CAP]){0}, "<f4", dims, 32, UINT64_MAX), NPY_WRITE_CAP);
}
END_TEST

START_TEST(samples_lie_where_the_order_says)
{
    static const struct {
        uint32_t ndim;
        uint64_t dims[3];
        uint8_t fortran;
        uint64_t samples, bytes, stride, step; /* step: from one sample's first item to the next one's */
    } cases[] = {
        {3, {2, 3, 4}, 0, 4, 24, 16, 4}, {3, {2, 3, 4}, 1, 4, 24, 4, 24}, {3, {2, 3, 1}, 0, 1, 24, 4, 24},
        {1, {5}, 0, 5, 4, 20, 4},        {2, {0, 5}, 0, 5, 0, 20, 0},     {2, {7, 9}, 1, 1, 252, 4, 252},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct npy_header h = {
            .ndim = cases[i].ndim, .item_size = 4, .fortran_order = cases[i].fortran, .payload_bytes = 4};
        uint8_t payload[512];
        struct npy_reason reason;
        dlfw_view views[8];

        memcpy(h.dims, cases[i].dims, sizeof cases[i].dims);
        for (uint32_t k = 0; k < h.ndim; k++)
            h.payload_bytes *= h.dims[k];
        ck_assert_int_eq(npy_samples_check(&h, cases[i].samples, &reason), DLFW_OK);
        npy_samples_view(&h, cases[i].samples, payload, views);
        for (uint64_t k = 0; k < cases[i].samples; k++) {
            ck_assert_msg(views[k].bytes == cases[i].bytes && views[k].item_stride == cases[i].stride &&
                              views[k].item_size == 4 && views[k].flags == 0,
                          "case %zu", i);
            ck_assert_ptr_eq(views[k].data, payload + k * cases[i].step);
        }
    }
}
END_TEST

START_TEST(wrong_sample_counts_name_the_shape)
{
    struct npy_header h = {.ndim = 3, .dims = {2, 3, 4}, .item_size = 1, .payload_bytes = 24};
    struct npy_header scalar = {.item_size = 1, .payload_bytes = 1};
    struct npy_header large = {.ndim = 64, .item_size = 1, .payload_bytes = 1};
    struct npy_reason reason;

    ck_assert_int_eq(npy_samples_check(&h, 3, &reason), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(reason.text, "(2, 3, 4)"));
    ck_assert_ptr_nonnull(strstr(reason.text, "must be 3"));
    ck_assert_int_eq(npy_samples_check(&scalar, 2, &reason), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(reason.text, "()"));
    for (uint32_t i = 0; i < 64; i++)
        large.dims[i] = UINT64_MAX;
    ck_assert_int_eq(npy_samples_check(&large, 2, &reason), DLFW_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(reason.text, "...)"));
    ck_assert_uint_eq(npy_sample_count(0), 1);
    ck_assert_uint_eq(npy_sample_count(7), 7);
}
END_TEST

START_TEST(impossible_specs_are_refused)
{
    static const uint64_t dims[] = {UINT64_MAX, 2};
    static const struct {
        dlfw_encode_spec spec;
        const char *word;
    } cases[] = {
        {{.dtype = 99, .dims = dims, .ndim = 1, .samples = 1}, "element type number 99"},
        {{.dtype = DLFW_DTYPE_NONE, .dims = dims, .ndim = 1, .samples = 1}, "element type"},
        {{.dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 0, .samples = 1}, "0 dimensions"},
        {{.dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 33, .samples = 1}, "33 dimensions"},
        {{.dtype = DLFW_DTYPE_UINT8, .dims = dims + 1, .ndim = 1, .samples = 0}, "0 samples"},
        {{.dtype = DLFW_DTYPE_UINT8, .dims = dims + 1, .ndim = 1, .samples = UINT64_MAX}, "samples"},
        {{.dtype = DLFW_DTYPE_UINT8, .dims = dims, .ndim = 2, .samples = 1}, "multiply"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200] = "";
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
        struct array_plan plan;

        ck_assert_int_eq(array_plan(&cases[i].spec, &plan, &err), DLFW_E_INVALID);
        ck_assert_msg(strstr(text, cases[i].word), "case %zu: %s", i, text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy_header");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, reads_what_numpy_writes);
    tcase_add_test(tc, refuses_what_is_no_plain_array);
    tcase_add_test(tc, asks_for_the_missing_bytes);
    tcase_add_test(tc, refuses_wrong_prefixes);
    tcase_add_test(tc, writes_the_documented_header);
    tcase_add_test(tc, written_headers_are_read_back);
    tcase_add_test(tc, samples_lie_where_the_order_says);
    tcase_add_test(tc, wrong_sample_counts_name_the_shape);
    tcase_add_test(tc, impossible_specs_are_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
