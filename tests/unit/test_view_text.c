/* SPDX-License-Identifier: Apache-2.0 */
/* What text from files becomes in a page and in a Prometheus label, and how figures are written. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "view/figures.h"
#include "view/html_text.h"
#include "view/prometheus.h"

static const struct {
    const char *text, *html, *label;
} texts[] = {
    {"plain", "plain", "plain"},
    {"", "", ""},
    {"<b> & \"x\" 'y'", "&lt;b&gt; &amp; &quot;x&quot; &#39;y&#39;", "<b> & \\\"x\\\" 'y'"},
    {"a\\b", "a\\b", "a\\\\b"},
    {"a\nb", "a\\nb", "a\\\\nb"},
    {"\x1b[31m", "\\x1b[31m", "\\\\x1b[31m"},
    {"\xff", "\\xff", "\\\\xff"},
    {"\xc3\xa9", "\xc3\xa9", "\xc3\xa9"},
};

START_TEST(text_is_escaped)
{
    struct str out = STR_EMPTY;

    html_text(&out, texts[_i].text);
    ck_assert_str_eq(out.data, texts[_i].html);
    str_clear(&out);
    prometheus_label(&out, texts[_i].text);
    ck_assert_str_eq(out.data, texts[_i].label);
    str_free(&out);
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
    struct str out = STR_EMPTY;

    html_text_cut(&out, "ab\xc3\xa9z", 3);
    ck_assert_str_eq(out.data, "ab...");
    str_clear(&out);
    html_text_cut(&out, "ab<", 3);
    ck_assert_str_eq(out.data, "ab&lt;");
    str_clear(&out);
    html_text(&out, NULL);
    ck_assert_str_eq(out.data, "");
    str_free(&out);
}
END_TEST

START_TEST(tables_have_heads)
{
    struct str out = STR_EMPTY;

    html_table_begin(&out, "a<b", "Name|#Value");
    html_row_head(&out, "x<y");
    html_number(&out, "1");
    html_table_end(&out);
    ck_assert_ptr_nonnull(strstr(out.data, "<caption>a&lt;b</caption>"));
    ck_assert_ptr_nonnull(strstr(out.data, "<th scope=\"col\">Name</th><th scope=\"col\" class=\"n\">Value</th>"));
    ck_assert_ptr_nonnull(strstr(out.data, "<th scope=\"row\">x&lt;y</th>"));
    str_free(&out);
}
END_TEST

static const struct {
    enum figure_unit unit;
    double value;
    const char *text;
    double base;
} figures[] = {
    {FIGURE_PERCENT, 99.804, "99.80 %", 0.99804},
    {FIGURE_RATE, 797.4421, "797.44 /s", 797.4421},
    {FIGURE_RATE, 1234567, "1234567 /s", 1234567},
    {FIGURE_BYTES, 1536, "1.50 KiB", 1536},
    {FIGURE_BYTES, -1536, "-1.50 KiB", -1536},
    {FIGURE_BYTES_RATE, 1048576, "1.00 MiB/s", 1048576},
    {FIGURE_NS, 1500000, "1.50 ms", 0.0015},
    {FIGURE_SECONDS, 2.25, "2.25 s", 2.25},
    {FIGURE_COUNT, 42, "42", 42},
    {FIGURE_PERCENT, 1e300, "1e+300", 1e298},
};

START_TEST(figures_have_units)
{
    ck_assert_str_eq(figure_text(figures[_i].unit, figures[_i].value).text, figures[_i].text);
    ck_assert_double_eq_tol(figure_base(figures[_i].unit, figures[_i].value), figures[_i].base,
                            fabs(figures[_i].base) * 1e-9);
}
END_TEST

START_TEST(unknown_figures_are_a_dash)
{
    ck_assert_str_eq(figure_text(FIGURE_BYTES, VIEW_UNKNOWN).text, "-");
    ck_assert_str_eq(figure_text(FIGURE_NS, (double)INFINITY).text, "-");
}
END_TEST

/* Names that Prometheus refuses would make it drop the whole file. */
START_TEST(metric_names_are_valid_and_used_once)
{
    for (uint32_t i = 0; i < run_figure_count; i++) {
        const char *name = run_figures[i].metric;

        if (!name)
            continue;
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        ck_assert_ptr_nonnull(run_figures[i].help);
        for (uint32_t k = 0; k < i; k++)
            ck_assert(!run_figures[k].metric || strcmp(run_figures[k].metric, name) != 0);
    }
    for (uint32_t i = 0; i < RANK_MEASURES; i++)
        ck_assert_uint_eq(strspn(rank_measures[i].metric, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                          strlen(rank_measures[i].metric));
}
END_TEST

static const struct {
    const char *text, *shown;
} uris[] = {
    {"s3://bucket/a", "s3://bucket/a"},       {"s3://user:secret@host/a", "s3://user:***@host/a"},
    {"http://user@host", "http://user@host"}, {"no uri: a@b", "no uri: a@b"},
    {"x://h/p:q@r", "x://h/p:q@r"},           {"see http://u:p@x:80/y", "see http://u:***@x:80/y"},
};

START_TEST(passwords_of_uris_are_not_shown)
{
    struct arena arena = {0};

    ck_assert_str_eq(without_uri_password(&arena, uris[_i].text), uris[_i].shown);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_text");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, text_is_escaped, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(tcase, long_text_is_cut_between_characters);
    tcase_add_test(tcase, tables_have_heads);
    tcase_add_loop_test(tcase, figures_have_units, 0, (int)(sizeof figures / sizeof figures[0]));
    tcase_add_test(tcase, unknown_figures_are_a_dash);
    tcase_add_test(tcase, metric_names_are_valid_and_used_once);
    tcase_add_loop_test(tcase, passwords_of_uris_are_not_shown, 0, (int)(sizeof uris / sizeof uris[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
