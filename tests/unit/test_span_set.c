/* SPDX-License-Identifier: Apache-2.0 */
#include "common/byte_carry.h"
#include "common/span_set.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "0123456789abcdefghij";

static dlfw_span part(uint64_t offset, uint64_t length)
{
    return (dlfw_span){.data = text + offset, .offset = offset, .length = length};
}

START_TEST(copy_crosses_adjacent_and_overlapping_spans)
{
    const dlfw_span have[] = {part(2, 3), part(5, 2), part(6, 4), part(12, 5)};
    static const struct {
        uint64_t offset, len;
        const char *want; /* NULL: not all there */
    } cases[] = {
        {2, 3, "234"}, {2, 8, "23456789"}, {4, 2, "45"},  {6, 4, "6789"}, {1, 2, NULL},
        {9, 2, NULL},  {12, 5, "cdefg"},   {16, 2, NULL}, {17, 1, NULL},  {0, 0, ""},
    };
    char got[16];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool ok = span_copy(have, 4, cases[i].offset, got, cases[i].len);

        ck_assert_msg(ok == (cases[i].want != NULL), "case %zu", i);
        if (ok)
            ck_assert_mem_eq(got, cases[i].want, cases[i].len);
    }
}
END_TEST

START_TEST(find_needs_one_span)
{
    const dlfw_span have[] = {part(2, 3), part(5, 2)};

    ck_assert_ptr_eq(span_find(have, 2, 2, 3), text + 2);
    ck_assert_ptr_eq(span_find(have, 2, 5, 2), text + 5);
    ck_assert_ptr_eq(span_find(have, 2, 6, 1), text + 6);
    ck_assert_ptr_null(span_find(have, 2, 4, 2));
    ck_assert_ptr_null(span_find(have, 2, 1, 1));
    ck_assert_ptr_null(span_find(have, 2, 6, UINT64_MAX));
}
END_TEST

START_TEST(missing_lists_the_gaps)
{
    const dlfw_span have[] = {part(2, 3), part(8, 2)};
    static const struct {
        uint64_t begin, end;
        uint32_t n;
        dlfw_range want[3];
    } cases[] = {
        {2, 5, 0, {{0, 0}}},    {0, 20, 3, {{0, 2}, {5, 3}, {10, 10}}},
        {3, 9, 1, {{5, 3}}},    {8, 12, 1, {{10, 2}}},
        {12, 15, 1, {{12, 3}}}, {0, 1, 1, {{0, 1}}},
        {5, 8, 1, {{5, 3}}},    {7, 7, 0, {{0, 0}}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dlfw_range want[8];
        uint32_t n = span_missing(have, 2, cases[i].begin, cases[i].end, want, 8);

        ck_assert_msg(n == cases[i].n, "case %zu: %u ranges", i, n);
        for (uint32_t k = 0; k < n; k++)
            ck_assert_msg(want[k].offset == cases[i].want[k].offset && want[k].length == cases[i].want[k].length,
                          "case %zu range %u", i, k);
    }
    ck_assert_uint_eq(span_missing(have, 2, 0, 20, (dlfw_range[2]){{0, 0}}, 2), 2);
    ck_assert_uint_eq(span_missing(NULL, 0, 3, 9, (dlfw_range[1]){{0, 0}}, 1), 1);
}
END_TEST

START_TEST(carry_collects_across_pieces_and_grows)
{
    struct byte_carry c = {.len = 0};
    uint8_t source[3000];

    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t)(i * 7 % 251);
    for (int round = 0; round < 2; round++) {
        for (uint64_t at = 0; at < sizeof source;) {
            const uint8_t *data = source + at;
            uint64_t len = sizeof source - at < 37 ? sizeof source - at : 37;

            ck_assert_int_eq(byte_carry_take(&c, 2500, &data, &len), DLFW_OK);
            at = at + 37 - len < sizeof source ? at + 37 - len : sizeof source;
            if (c.len == 2500)
                break;
        }
        ck_assert_uint_eq(c.len, 2500);
        ck_assert_mem_eq(byte_carry_data(&c), source, 2500);
        byte_carry_clear(&c);
        ck_assert_uint_eq(c.len, 0);
    }
    byte_carry_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("span_set");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, copy_crosses_adjacent_and_overlapping_spans);
    tcase_add_test(tc, find_needs_one_span);
    tcase_add_test(tc, missing_lists_the_gaps);
    tcase_add_test(tc, carry_collects_across_pieces_and_grows);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
