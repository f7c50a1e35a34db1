/* SPDX-License-Identifier: Apache-2.0 */
/* Globs and regular expressions on keys. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "transfer/matching.h"

static const struct {
    const char *pattern, *key;
    bool accepted;
} globs[] = {
    {"*.npz", "a.npz", true},
    {"*.npz", "train/3/a.npz", true}, /* without '/': the last component */
    {"*.npz", "a.npz.tmp", false},
    {"*.npz", ".npz", true},
    {"train", "train/", true}, /* a folder's name */
    {"train", "train/x", false},
    {"img_??.*", "img_07.jpg", true},
    {"img_??.*", "img_7.jpg", false},
    {"?", "\xc3\xa9", true}, /* one character of two bytes */
    {"??", "\xc3\xa9", false},
    {"?", "\xff", true}, /* no UTF-8 */
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[!a-c]x", "dx", true},
    {"[^a-c]x", "bx", false},
    {"[]x]", "]", true},
    {"[a-]", "-", true},
    {"[\\]]", "]", true},
    {"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true},
    {"\\*", "*", true},
    {"\\*", "x", false},
    {"a\\", "a\\", true},
    {"*a*b*c", "xxaxxbxxbxxc", true},
    {"*a*b*c", "xxaxxbxxbxx", false},
    {"a/*", "a/b", true}, /* with '/': the whole key */
    {"a/*", "x/a/b", false},
    {"a/*", "a/b/c", false},
    {"a/?", "a//", false},
    {"*/b", "a/b", true},
    {"a/**", "a/b/c", true},
    {"a/**", "b/c", false},
    {"**/c", "c", true},
    {"**/c", "a/b/c", true},
    {"**/c", "a/bc", false},
    {"a/**/c", "a/c", true},
    {"a/**/c", "a/x/y/c", true},
    {"a/**/c", "a/xc", false},
    {"a/**/*.npz", "a/x/y/z.npz", true},
    {"a/**/b/*x/c", "a/b/q/b/qx/c", true},
    {"a/**/b/*x/c", "a/b/q/b/qy/c", false},
    {"a**/c", "ab/x/c", true},
    {"**", "x/y", true},
    {"*[/]*", "a/b", false}, /* a bracket never is a '/' */
};

START_TEST(test_globs)
{
    struct matching *m = NULL;

    ck_assert_int_eq(matching_glob(globs[_i].pattern, &m, NULL), DLFW_OK);
    ck_assert_msg(matching_accepts(m, globs[_i].key, strlen(globs[_i].key)) == globs[_i].accepted, "'%s' on '%s'",
                  globs[_i].pattern, globs[_i].key);
    matching_free(m);
}
END_TEST

static const struct {
    const char *pattern, *key;
    bool accepted;
} regexes[] = {
    {"npz", "a/b.npz", true},
    {"^a", "a/b", true},
    {"^b", "a/b", false},
    {"b$", "a/b/", true},
    {"img_[0-9]{3}", "img_12", false},
    {"(x|y)/[0-9]+$", "y/12", true},
};

START_TEST(test_regexes)
{
    struct matching *m = NULL;

    ck_assert_int_eq(matching_regex(regexes[_i].pattern, &m, NULL), DLFW_OK);
    ck_assert_msg(matching_accepts(m, regexes[_i].key, strlen(regexes[_i].key)) == regexes[_i].accepted, "'%s' on '%s'",
                  regexes[_i].pattern, regexes[_i].key);
    matching_free(m);
}
END_TEST

/* The key's length counts, not a NUL behind it. */
START_TEST(test_key_is_a_part_of_a_text)
{
    struct matching *glob = NULL, *regex = NULL;

    ck_assert_int_eq(matching_glob("*b", &glob, NULL), DLFW_OK);
    ck_assert_int_eq(matching_regex("b$", &regex, NULL), DLFW_OK);
    ck_assert(matching_accepts(glob, "abc", 2));
    ck_assert(!matching_accepts(glob, "abc", 3));
    ck_assert(matching_accepts(regex, "abc", 2));
    ck_assert(!matching_accepts(regex, "abc", 3));
    ck_assert(matching_accepts(NULL, "abc", 3));
    matching_free(glob);
    matching_free(regex);
    matching_free(NULL);
}
END_TEST

START_TEST(test_mistakes)
{
    struct matching *m = NULL;
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_int_eq(matching_glob("a[b", &m, &err.e), DLFW_E_INVALID);
    ck_assert_str_eq(err.text, "the glob 'a[b' has a '[' without ']'; '\\[' is the character");
    ck_assert_int_eq(matching_glob("", &m, &err.e), DLFW_E_INVALID);
    ck_assert_int_eq(matching_regex("a(b", &m, &err.e), DLFW_E_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "'a(b' is no regular expression: "));
    ck_assert_ptr_null(m);
}
END_TEST

/* Stars that could be split in many ways do not take forever. */
START_TEST(test_many_stars_end_soon)
{
    struct matching *m = NULL;
    char key[1000];

    memset(key, 'a', sizeof key);
    ck_assert_int_eq(matching_glob("**/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", &m, NULL), DLFW_OK);
    ck_assert(!matching_accepts(m, key, sizeof key));
    matching_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_matching");
    TCase *cases = tcase_create("matching");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, test_globs, 0, sizeof globs / sizeof *globs);
    tcase_add_loop_test(cases, test_regexes, 0, sizeof regexes / sizeof *regexes);
    tcase_add_test(cases, test_key_is_a_part_of_a_text);
    tcase_add_test(cases, test_mistakes);
    tcase_add_test(cases, test_many_stars_end_soon);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
