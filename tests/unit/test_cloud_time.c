/* SPDX-License-Identifier: Apache-2.0 */
/* Times as services write them, there and back; what is not a time is 0. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/cloud.h"

START_TEST(reads_times)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:01Z", 1000000000ull},
        {"2000-02-29T12:00:00Z", 951825600ull * 1000000000u},
        {"2026-11-21T12:34:56Z", 1795264496ull * 1000000000u},
        {"2026-11-21T12:34:56.789Z", 1795264496789000000ull},
        {"2026-11-21T12:34:56.1234567Z", 1795264496123456700ull},
        {"2026-11-21T12:34:56.123456789123Z", 1795264496123456789ull},
        {"2026-11-21T14:34:56+02:00", 1795264496ull * 1000000000u},
        {"2026-11-21T09:04:56-0330", 1795264496ull * 1000000000u},
        {"2026-11-21T12:34:56", 1795264496ull * 1000000000u},
        {"2026-11-21 12:34:56Z", 1795264496ull * 1000000000u},
        {"Sat, 21 Nov 2026 12:34:56 GMT", 1795264496ull * 1000000000u},
        {"Thu, 01 Jan 1970 00:00:01 GMT", 1000000000ull},
        {"2100-03-01T00:00:00Z", 4107542400ull * 1000000000u},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(cloud_time_ns(rows[i].text, strlen(rows[i].text)) == rows[i].ns, "%s gives %llu", rows[i].text,
                      (unsigned long long)cloud_time_ns(rows[i].text, strlen(rows[i].text)));
}
END_TEST

START_TEST(refuses_what_is_none)
{
    static const char *const rows[] = {"",
                                       "x",
                                       "2026",
                                       "2026-11-21",
                                       "2026-13-21T12:34:56Z",
                                       "2026-02-29T12:34:56Z",
                                       "2100-02-29T00:00:00Z",
                                       "2026-11-00T12:34:56Z",
                                       "2026-11-21T24:34:56Z",
                                       "2026-11-21T12:60:56Z",
                                       "2026-11-21T12:34:61Z",
                                       "2026-11-21T12:34:56.Z",
                                       "2026-11-21T12:34:56Zx",
                                       "2026-11-21T12:34:56+2",
                                       "2026-11-21T12:34:56+24:00",
                                       "1969-12-31T23:59:59Z",
                                       "1970-01-01T00:30:00+01:00",
                                       "9999-12-31T23:59:59Z",
                                       "Sat, 21 Nov 2026 12:34:56 PST",
                                       "Sat, 21 Nov 2026 12:34:56 GMTx",
                                       "Sat, 21 Nov 2026 12:34:56",
                                       "Sat, 21 Nix 2026 12:34:56 GMT",
                                       "Sat, 31 Nov 2026 12:34:56 GMT",
                                       "Sat, 1"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(cloud_time_ns(rows[i], strlen(rows[i])) == 0, "'%s' passes for a time", rows[i]);
}
END_TEST

/* Every prefix, in memory that ends where the text ends. */
START_TEST(reads_nothing_behind_the_text)
{
    static const char *const rows[] = {"2026-11-21T12:34:56.789+02:00", "Sat, 21 Nov 2026 12:34:56 GMT"};

    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 1; len < strlen(rows[i]); len++) {
            char *text = malloc(len);

            memcpy(text, rows[i], len);
            (void)cloud_time_ns(text, len);
            free(text);
        }
    }
}
END_TEST

START_TEST(writes_what_the_c_library_writes)
{
    char iso[17], http[30], expected[64];

    for (uint64_t s = 0; s < 9000000000u; s += 86399 * 37 + 12345) {
        time_t t = (time_t)s;
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(expected, sizeof expected, "%Y%m%dT%H%M%SZ", &tm);
        cloud_time_iso(s, iso);
        ck_assert_str_eq(iso, expected);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        cloud_time_http(s, http);
        ck_assert_str_eq(http, expected);
        ck_assert_uint_eq(cloud_time_ns(http, strlen(http)), s * 1000000000u);
    }
}
END_TEST

START_TEST(now_is_now)
{
    uint64_t before = (uint64_t)time(NULL), now = cloud_now_s(), after = (uint64_t)time(NULL);

    ck_assert_uint_ge(now + 1, before);
    ck_assert_uint_le(now, after + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cloud_time");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, reads_times);
    tcase_add_test(tc, refuses_what_is_none);
    tcase_add_test(tc, reads_nothing_behind_the_text);
    tcase_add_test(tc, writes_what_the_c_library_writes);
    tcase_add_test(tc, now_is_now);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
