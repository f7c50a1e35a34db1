/* SPDX-License-Identifier: Apache-2.0 */
/* Text to number, and how far apart two names are. */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/option_parse.h"

static char text[480];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

enum { BAD = 0x7ad };

struct number_case {
    const char *text;
    uint64_t want;
    const char *says; /* part of the message; NULL: accepted */
};

static void check_numbers(dlfw_status (*parse)(const char *, uint64_t *, dlfw_error *), const struct number_case *cases,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t got = BAD;
        dlfw_status st = parse(cases[i].text, &got, &err);

        if (cases[i].says) {
            ck_assert_msg(st == DLFW_E_INVALID, "'%s' was accepted as %" PRIu64, cases[i].text, got);
            ck_assert_msg(strstr(text, cases[i].says), "'%s': message '%s' lacks '%s'", cases[i].text, text,
                          cases[i].says);
            ck_assert_msg(!strchr(text, '\n'), "'%s': message of two lines", cases[i].text);
            ck_assert_msg(got == BAD, "'%s': result touched", cases[i].text);
        } else {
            ck_assert_msg(st == DLFW_OK, "'%s' was refused: %s", cases[i].text, text);
            ck_assert_msg(got == cases[i].want, "'%s': got %" PRIu64 ", want %" PRIu64, cases[i].text, got,
                          cases[i].want);
        }
    }
}
#define CHECK_NUMBERS(parse, cases) check_numbers(parse, cases, sizeof(cases) / sizeof *(cases))

START_TEST(sizes)
{
    static const struct number_case cases[] = {
        {"0", 0, NULL},
        {"4096", 4096, NULL},
        {"4096B", 4096, NULL},
        {"1_000", 1000, NULL},
        {"64KiB", 65536, NULL},
        {"64Ki", 65536, NULL},
        {"8MiB", 8388608, NULL},
        {"8 MiB", 8388608, NULL},
        {"2GiB", 2147483648, NULL},
        {"3TiB", 3298534883328, NULL},
        {"1kB", 1000, NULL},
        {"1KB", 1000, NULL},
        {"5MB", 5000000, NULL},
        {"5M", 5000000, NULL},
        {"1GB", 1000000000, NULL},
        {"1TB", 1000000000000, NULL},
        {"1.5GiB", 1610612736, NULL},
        {"0.5KiB", 512, NULL},
        {"1.0000", 1, NULL},
        {"0.0009765625KiB", 1, NULL},
        {"1.001kB", 1001, NULL},
        {"16777215TiB", 16777215ull << 40, NULL},
        {"18446744073709551614", UINT64_MAX - 1, NULL},
        {"18446744073709551615", 0, "64 bits"},
        {"18446744073709551616", 0, "64 bits"},
        {"16777216TiB", 0, "64 bits"},
        {"1.5", 0, "whole number of bytes"},
        {"1.0001KiB", 0, "whole number of bytes"},
        {"0.1KiB", 0, "whole number of bytes"},
        {"0777", 0, "not a size"},
        {"-1", 0, "not a size"},
        {"nan", 0, "not a size"},
        {"inf", 0, "not a size"},
        {"", 0, "not a size"},
        {"MiB", 0, "not a size"},
        {"8mib", 0, "not a size"},
        {"8MiBs", 0, "not a size"},
        {"8Mb", 0, "not a size"},
        {"8 MiB ", 0, "not a size"},
        {" 8MiB", 0, "not a size"},
        {"1e6", 0, "not a size"},
        {"0x10", 0, "not a size"},
        {"1__0", 0, "not a size"},
        {"_1", 0, "not a size"},
        {"1_", 0, "not a size"},
        {"1.", 0, "not a size"},
        {"8\nMiB", 0, "8?MiB"},
    };

    CHECK_NUMBERS(text_size, cases);
}
END_TEST

START_TEST(rates)
{
    static const struct number_case cases[] = {
        {"100MiB/s", 104857600, NULL},
        {"1GB/s", 1000000000, NULL},
        {"1.5 GB/s", 1500000000, NULL},
        {"4096B/s", 4096, NULL},
        {"0", 0, NULL},
        {"4096", 4096, NULL},
        {"100MiB", 0, "not a rate"},
        {"100MiB/min", 0, "not a rate"},
        {"100Mbit/s", 0, "not a rate"},
        {"/s", 0, "not a rate"},
    };

    CHECK_NUMBERS(text_rate, cases);
}
END_TEST

START_TEST(durations)
{
    static const struct number_case cases[] = {
        {"0", 0, NULL},
        {"0s", 0, NULL},
        {"1", 1000000000, NULL},
        {"0.323", 323000000, NULL},
        {"1e-3", 1000000, NULL},
        {"1.5e1", 15000000000, NULL},
        {".5", 500000000, NULL},
        {"250ms", 250000000, NULL},
        {"10us", 10000, NULL},
        {"7ns", 7, NULL},
        {"1.5s", 1500000000, NULL},
        {"2min", 120000000000, NULL},
        {"1h", 3600000000000, NULL},
        {"1.5 h", 5400000000000, NULL},
        {"0.3333333333333333", 333333333, NULL},
        {"0.00000000000000000000001h", 0, "shorter than a nanosecond"},
        {"9007199254740993ns", 9007199254740993, NULL}, /* no detour through a double */
        {"0.1ns", 0, "shorter than a nanosecond"},
        {"1e-12", 0, "shorter than a nanosecond"},
        {"584y", 0, "not a duration"},
        {"1e300", 0, "584 years"},
        {"5124096h", 0, "584 years"},
        {"-1s", 0, "not a duration"},
        {"+1s", 0, "not a duration"},
        {"1m", 0, "not a duration"},
        {"010", 0, "not a duration"},
        {"1s2", 0, "not a duration"},
        {"1e", 0, "not a duration"},
        {"", 0, "not a duration"},
        {"nan", 0, "not a duration"},
    };

    CHECK_NUMBERS(text_duration, cases);
}
END_TEST

START_TEST(unsigned_integers)
{
    static const struct number_case cases[] = {
        {"0", 0, NULL},
        {"42", 42, NULL},
        {"1_000_000", 1000000, NULL},
        {"18446744073709551615", UINT64_MAX, NULL},
        {"18446744073709551616", 0, "64 bits"},
        {"99999999999999999999999999", 0, "64 bits"},
        {"0777", 0, "octal"},
        {"00", 0, "octal"},
        {"-1", 0, "negative"},
        {"12abc", 0, "whole number"},
        {"1.5", 0, "whole number"},
        {"1e3", 0, "whole number"},
        {"0x10", 0, "whole number"},
        {"", 0, "whole number"},
        {" 1", 0, "whole number"},
        {"1 ", 0, "whole number"},
    };

    CHECK_NUMBERS(text_u64, cases);
}
END_TEST

START_TEST(signed_integers)
{
    static const struct {
        const char *text;
        int64_t want;
        bool good;
    } cases[] = {
        {"0", 0, true},
        {"-0", 0, true},
        {"+5", 5, true},
        {"-1_000", -1000, true},
        {"9223372036854775807", INT64_MAX, true},
        {"-9223372036854775808", INT64_MIN, true},
        {"9223372036854775808", 0, false},
        {"-9223372036854775809", 0, false},
        {"-0777", 0, false},
        {"--1", 0, false},
        {"-", 0, false},
        {"", 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = BAD;
        dlfw_status st = text_i64(cases[i].text, &got, &err);

        ck_assert_msg((st == DLFW_OK) == cases[i].good, "'%s': status %d", cases[i].text, st);
        ck_assert_msg(got == (cases[i].good ? cases[i].want : BAD), "'%s': got %" PRId64, cases[i].text, got);
    }
}
END_TEST

START_TEST(floating_point)
{
    static const struct {
        const char *text;
        double want;
        bool good;
    } cases[] = {
        {"1.5", 1.5, true},  {"1e-3", 1e-3, true}, {"-2", -2, true},
        {"+.5", .5, true},   {"5.", 5, true},      {"1_000.25", 1000.25, true},
        {"1E+2", 100, true}, {"0.000", 0, true},   {"1e400", 0, false},
        {"nan", 0, false},   {"inf", 0, false},    {".inf", 0, false},
        {"0x1p3", 0, false}, {"1,5", 0, false},    {"1.5.2", 0, false},
        {"010", 0, false},   {"", 0, false},       {".", 0, false},
        {"e5", 0, false},    {"1.5 ", 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double got = BAD;
        dlfw_status st = text_f64(cases[i].text, &got, &err);

        ck_assert_msg((st == DLFW_OK) == cases[i].good, "'%s': status %d", cases[i].text, st);
        ck_assert_msg(got == (cases[i].good ? cases[i].want : BAD), "'%s': got %g", cases[i].text, got);
    }
}
END_TEST

START_TEST(very_long_numbers_are_refused_not_overrun)
{
    char digits[4096];
    uint64_t u = BAD;
    double f;

    memset(digits, '9', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    ck_assert_int_eq(text_u64(digits, &u, &err), DLFW_E_INVALID);
    ck_assert_int_eq(text_size(digits, &u, &err), DLFW_E_INVALID);
    ck_assert_int_eq(text_duration(digits, &u, &err), DLFW_E_INVALID);
    ck_assert_int_eq(text_f64(digits, &f, &err), DLFW_E_INVALID);
    digits[1] = 'e';
    ck_assert_int_eq(text_f64(digits, &f, &err), DLFW_E_INVALID);
    ck_assert_int_eq(text_duration(digits, &u, &err), DLFW_E_INVALID);
    digits[1] = '.';
    ck_assert_int_eq(text_size(digits, &u, &err), DLFW_E_INVALID);
    ck_assert_uint_eq(u, BAD);
    ck_assert_uint_lt(strlen(text), 200);
}
END_TEST

START_TEST(booleans)
{
    static const char *const yes[] = {"true", "yes", "on", "True", "YES", "On"};
    static const char *const no[] = {"false", "no", "off", "False", "NO", "Off"};
    static const char *const neither[] = {"1", "0", "y", "n", "", "truee", "null"};
    uint8_t got;

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        ck_assert_int_eq(text_bool(yes[i], &got, &err), DLFW_OK);
        ck_assert_uint_eq(got, 1);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        ck_assert_int_eq(text_bool(no[i], &got, &err), DLFW_OK);
        ck_assert_uint_eq(got, 0);
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
        ck_assert_int_eq(text_bool(neither[i], &got, &err), DLFW_E_INVALID);
}
END_TEST

START_TEST(distances)
{
    static const struct {
        const char *a, *b;
        uint32_t cap, want;
    } cases[] = {
        {"", "", 9, 0},
        {"part_size", "part_size", 9, 0},
        {"part_size", "part_siez", 9, 1},
        {"part_size", "partsize", 9, 1},
        {"abc", "", 9, 3},
        {"kitten", "sitting", 9, 3},
        {"ca", "abc", 9, 3},
        {"abcdef", "ghijkl", 3, 3},
        {"a", "abcdefgh", 3, 3},
        {"ab", "ba", 9, 1},
        {"read_threads", "raed_threds", 9, 2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(text_distance(cases[i].a, cases[i].b, cases[i].cap) == cases[i].want, "%s, %s", cases[i].a,
                      cases[i].b);
        ck_assert_msg(text_distance(cases[i].b, cases[i].a, cases[i].cap) == cases[i].want, "%s, %s", cases[i].b,
                      cases[i].a);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option_value");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, sizes);
    tcase_add_test(tc, rates);
    tcase_add_test(tc, durations);
    tcase_add_test(tc, unsigned_integers);
    tcase_add_test(tc, signed_integers);
    tcase_add_test(tc, floating_point);
    tcase_add_test(tc, very_long_numbers_are_refused_not_overrun);
    tcase_add_test(tc, booleans);
    tcase_add_test(tc, distances);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
