/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *text;
    size_t valid; /* bytes */
    const char *escaped;
} texts[] = {
    {"", 0, ""},
    {"plain", 5, "plain"},
    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 11, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\nb\tc\x1b\x7f", 7, "a\\nb\\tc\\x1b\\x7f"},
    {"C:\\dir", 6, "C:\\dir"},
    {"\xc2\x80\xc2\x85\xc2\xa0", 6, "\\x80\\x85\xc2\xa0"},
    {"\xe2\x80\xa8\xef\xbb\xbf\xef\xbf\xbe\xef\xb7\x90", 12, "\\u2028\\ufeff\\ufffe\\ufdd0"},
    {"\xf0\x9f\xbf\xbf", 4, "\\U0001ffff"},
    {"a\xff", 1, "a\\xff"},
    {"a\xc3", 1, "a\\xc3"},                 /* cut */
    {"\xc0\xaf", 0, "\\xc0\\xaf"},           /* longer than needed */
    {"\xe0\x80\x80", 0, "\\xe0\\x80\\x80"},  /* the same */
    {"\xed\xa0\x80", 0, "\\xed\\xa0\\x80"},  /* a surrogate */
    {"\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
    {"\x80x", 0, "\\x80x"},
};

START_TEST(test_texts)
{
    struct str out = STR_EMPTY;
    size_t len = strlen(texts[_i].text);

    ck_assert_uint_eq(utf8_valid(texts[_i].text, len), texts[_i].valid);
    utf8_add_escaped(&out, texts[_i].text, len);
    ck_assert_str_eq(out.data, texts[_i].escaped);
    ck_assert_uint_eq(utf8_valid(out.data, out.len), out.len);
    str_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, test_texts, 0, (int)(sizeof texts / sizeof texts[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
