/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/yaml_read.h"
#include "io/endpoints/endpoint_list.h"

static struct node_tree tree;
static struct problem_list problems;
static struct endpoint_list list;

static void teardown(void)
{
    endpoint_list_free(&list);
    problem_list_free(&problems);
    node_tree_free(&tree);
}

static bool read_yaml(const char *yaml)
{
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_msg(yaml_read_text("run.yaml", yaml, strlen(yaml), &tree, &err.e) == DLFW_OK, "%s", err.text);
    return endpoint_list_read(node_get(tree.root, "e"), &list, &problems);
}

static void joined(char *to, size_t cap)
{
    size_t len = 0;

    to[0] = '\0';
    for (uint32_t i = 0; i < list.count; i++)
        len += (size_t)snprintf(to + len, cap - len, "%s%s", i ? " " : "", list.items[i]);
}

static const struct {
    const char *yaml, *items;
    bool urls;
} good[] = {
    {"e: [http://a:9000]", "http://a:9000", true},
    {"e: http://a:9000", "http://a:9000", true},
    {"e: [http://a:9000/, 'https://b']", "http://a:9000 https://b", true},
    {"e: 'http://a, http://b ,http://c'", "http://a http://b http://c", true},
    {"e: ['http://10.0.0.{1...3}:9000']", "http://10.0.0.1:9000 http://10.0.0.2:9000 http://10.0.0.3:9000", true},
    {"e: 'http://n{08...11}'", "http://n08 http://n09 http://n10 http://n11", true},
    {"e: 'http://n{8...11}'", "http://n8 http://n9 http://n10 http://n11", true},
    {"e: 'http://n{098...101}'", "http://n098 http://n099 http://n100 http://n101", true},
    {"e: 'http://{1...2}:90{1...2}'", "http://1:901 http://1:902 http://2:901 http://2:902", true},
    {"e: 'http://n{1...2}x{1...2}'", "http://n1x1 http://n1x2 http://n2x1 http://n2x2", true},
    {"e: 'http://n{0...0}'", "http://n0", true},
    {"e: ['file:///mnt/{1...2}']", "file:///mnt/1 file:///mnt/2", false},
    {"e: [/mnt/a, /mnt/b/]", "/mnt/a /mnt/b", false},
    {"e: ['s3://h1:9000/b', 's3://h2:9000/b']", "s3://h1:9000/b s3://h2:9000/b", false},
};

START_TEST(lists_are_read)
{
    char text[2000];

    ck_assert_msg(read_yaml(good[_i].yaml), "%s", problems.count ? problems.items[0].text : "");
    joined(text, sizeof text);
    ck_assert_str_eq(text, good[_i].items);
    ck_assert(list.are_urls == good[_i].urls);
}
END_TEST

static const struct {
    const char *yaml, *says;
} bad[] = {
    {"e: []", "no endpoint"},
    {"e: ['']", "no endpoint"},
    {"e: ','", "no endpoint"},
    {"e: [http://a, http://a/]", "twice"},
    {"e: [http://a, file:///b]", "not both"},
    {"e: 'http://n{1...33}'", "more than 32"},
    {"e: 'http://n{1...999999999}'", "more than 32"},
    {"e: 'http://n{1...6}x{1...6}'", "more than 32"},
    {"e: 'http://n{4...1}'", "no range"},
    {"e: 'http://n{a...c}'", "no range"},
    {"e: 'http://n{1..3}'", "no range"},
    {"e: 'http://n{1...3'", "no range"},
    {"e: 'http://n{}'", "no range"},
    {"e: 'http://n{-1...3}'", "no range"},
    {"e: {a: b}", "list of URIs"},
    {"e: [[a]]", "list of URIs"},
    {"e: ['http://user:hunter2@a']", "credentials"},
    {"e: /no/such/list", "/no/such/list"},
    {"e: /", "cannot read"},
};

START_TEST(mistakes_are_named)
{
    ck_assert(!read_yaml(bad[_i].yaml));
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_msg(strstr(problems.items[0].text, bad[_i].says) != NULL, "%s", problems.items[0].text);
    ck_assert_msg(strstr(problems.items[0].text, "run.yaml:1:") != NULL, "%s", problems.items[0].text);
    ck_assert_ptr_null(strstr(problems.items[0].text, "hunter2"));
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(a_file_has_one_per_line)
{
    char path[] = "/tmp/endpoints-XXXXXX", yaml[100], text[2000];
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    fputs("# two racks\n\nhttp://a:9000   # the first\r\n  http://b{1...2}\nhttp://c#d", file);
    fclose(file);
    snprintf(yaml, sizeof yaml, "e: %s", path);
    ck_assert_msg(read_yaml(yaml), "%s", problems.count ? problems.items[0].text : "");
    joined(text, sizeof text);
    ck_assert_str_eq(text, "http://a:9000 http://b1 http://b2 http://c#d");
    unlink(path);
}
END_TEST

START_TEST(a_variable_is_a_list_with_commas)
{
    char text[2000];

    ck_assert(endpoint_list_of_environment("X_URIS", "http://a,http://b{1...2}", &list, &problems));
    joined(text, sizeof text);
    ck_assert_str_eq(text, "http://a http://b1 http://b2");
    endpoint_list_free(&list);
    ck_assert(!endpoint_list_of_environment("X_URIS", "http://a,http://a", &list, &problems));
    ck_assert_msg(strstr(problems.items[0].text, "X_URIS") != NULL, "%s", problems.items[0].text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("endpoint_list");
    TCase *tc = tcase_create("endpoint_list");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_loop_test(tc, lists_are_read, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tc, mistakes_are_named, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tc, a_file_has_one_per_line);
    tcase_add_test(tc, a_variable_is_a_list_with_commas);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
