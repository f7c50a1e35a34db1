/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of overrides as a table, and interpolation. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "config/override.h"
#include "config/yaml_read.h"

static struct node_tree tree;
static struct error_slot err;
static struct problem_list problems;

static void read_tree(const char *text)
{
    node_tree_free(&tree);
    problem_list_free(&problems);
    error_slot_init(&err);
    ck_assert_msg(yaml_read_text("t.yaml", text, strlen(text), &tree, &err.e) == DLFW_OK, "%s", err.text);
}

static char *flow(const dlfw_node *node)
{
    struct str out = STR_EMPTY;

    node_print_flow(node, &out);
    return out.data;
}

static bool known(const char *path)
{
    return strcmp(path, "train.seed") == 0;
}

static const struct {
    const char *text, *shown;
} values[] = {
    {"4", "4"},
    {"1_000", "1_000"},
    {" 1e-3 ", "1e-3"},
    {"True", "true"},
    {"FALSE", "false"},
    {"NULL", "null"},
    {"off", "\"off\""},
    {"on", "\"on\""},
    {"No", "\"No\""},
    {"~", "\"~\""},
    {"", "\"\""},
    {"''", "\"\""},
    {"'null'", "\"null\""},
    {"\"a, b\"", "\"a, b\""},
    {"'it\\'s'", "\"it's\""},
    {"two words", "two words"},
    {"s3://h:9000/b", "\"s3://h:9000/b\""},
    {"a=b", "a=b"},
    {"a\\,b\\=c\\:d", "\"a,b=c:d\""},
    {"a\\ ", "\"a \""},
    {"\\[x\\]", "\"[x]\""},
    {"C\\dir", "C\\dir"},
    {"[]", "[]"},
    {"[1, 2 ,3]", "[1, 2, 3]"},
    {"[[a],{b:c}]", "[[a], {b: c}]"},
    {"{}", "{}"},
    {"{mean:1.0, stdev: 0.1}", "{mean: 1.0, stdev: 0.1}"},
    {"{a:'x,y',b:[1,null]}", "{a: \"x,y\", b: [1, null]}"},
    {"{u:http\\:x}", "{u: \"http:x\"}"},
    {"${model.name}", "\"${model.name}\""},
    {"x_${oc.env:A,b}_y", "\"x_${oc.env:A,b}_y\""},
};

START_TEST(test_values)
{
    struct node_place place = {.file = "v"};
    dlfw_node *node = NULL;
    char *shown;

    read_tree("{}");
    ck_assert_msg(override_value(&tree, values[_i].text, place, &node, &err.e) == DLFW_OK, "%s: %s", values[_i].text,
                  err.text);
    shown = flow(node);
    ck_assert_str_eq(shown, values[_i].shown);
    free(shown);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_values[] = {
    {"1,2", "a comma outside brackets is a sweep"},
    {"'a','b'", "a comma outside brackets is a sweep"},
    {"[1,2],[3]", "a comma outside brackets is a sweep"},
    {"[1,2", "']' is missing at the end"},
    {"{a:1", "'}' is missing at the end"},
    {"[1,,2]", "an item is missing before ','"},
    {"[1,]", "an item is missing before ']'"},
    {"{a}", "a mapping is written {key:value, ...}"},
    {"{:1}", "a mapping needs a key before ':'"},
    {"{a:1,a:2}", "duplicate key 'a'"},
    {"'abc", "the quote ' is not closed"},
    {"'a'b", "text after the value: 'b'"},
    {"[1]x", "text after the value: 'x'"},
    {"[1]\xc3\xa9", "text after the value: '\xc3\xa9'"},
    {"['a'\xc3\xa9]", "expected ',' or ']', not '\xc3\xa9]'"},
    {"a\xff", "byte 2 is not valid UTF-8"},
    {"[x]\x01", "byte 4 is a control character (U+0001), which no override can hold"},
    {"'a\nb'", "byte 3 is a control character (U+000A)"},
    {"x\xc2\x85y", "byte 2 is a control character (U+0085)"},
    {"range(1)", "functions are not supported"},
    {"a]b", "unexpected ']'"},
    {"${a", "'${' is not closed"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "more than 32 levels"},
};

START_TEST(test_bad_values)
{
    struct node_place place = {.file = "v"};
    dlfw_node *node = NULL;

    read_tree("{}");
    ck_assert_int_eq(override_value(&tree, bad_values[_i].text, place, &node, &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strncmp(err.text, bad_values[_i].message, strlen(bad_values[_i].message)) == 0, "%s: got '%s'",
                  bad_values[_i].text, err.text);
    ck_assert_ptr_null(node);
}
END_TEST

#define START "reader: {batch_size: 4, x: null}\ntrain: {computation_time: 1.0}\nhooks: [{m: {p: 1}}, two]\n"

static const struct {
    const char *override, *path, *shown; /* shown NULL: the path is gone */
} changes[] = {
    {"reader.batch_size=8", "reader.batch_size", "8"},
    {"workload.reader.batch_size=8", "reader.batch_size", "8"},
    {"reader.x=8", "reader.x", "8"},
    {"train.seed=5", "train.seed", "5"},
    {"+train.epochs=3", "train.epochs", "3"},
    {"++workload.train.epochs=3", "train.epochs", "3"},
    {"++reader.batch_size=9", "reader.batch_size", "9"},
    {"++train.computation_time.type=normal", "train.computation_time", "{type: normal}"},
    {"++a.b.c=[1]", "a", "{b: {c: [1]}}"},
    {"~reader.batch_size", "reader.batch_size", NULL},
    {"~workload.train", "train", NULL},
    {"++hooks.0.m.p=2", "hooks.0.m.p", "2"},
    {"++hooks.1=three", "hooks.1", "three"},
    {"~hooks.0", "hooks", "[two]"},
};

START_TEST(test_changes)
{
    const dlfw_node *node;
    char *shown;

    read_tree(START);
    ck_assert_msg(override_apply(&tree, changes[_i].override, 1, known, &err.e) == DLFW_OK, "%s: %s",
                  changes[_i].override, err.text);
    node = node_find(tree.root, changes[_i].path);
    if (!changes[_i].shown) {
        ck_assert_ptr_null(node);
        return;
    }
    ck_assert_ptr_nonnull(node);
    shown = flow(node);
    ck_assert_str_eq(shown, changes[_i].shown);
    free(shown);
}
END_TEST

#define TEN_A "a.a.a.a.a.a.a.a.a.a."

static const struct {
    const char *override, *message;
} refused[] = {
    {"reader.batch_siez=4", "override 2 ('reader.batch_siez=4'): there is no key 'reader.batch_siez' to change; write "
                            "'++reader.batch_siez=...' to add it"},
    {"+reader.batch_size=4", "override 2 ('+reader.batch_size=4'): 'reader.batch_size' is set already; write "
                             "'++reader.batch_size=...' to change it"},
    {"~reader.nothing", "override 2 ('~reader.nothing'): nothing to delete: 'reader.nothing' is not set"},
    {"~reader.batch_size=4", "override 2 ('~reader.batch_size=4'): a deletion takes no value"},
    {"++reader.batch_size", "override 2 ('++reader.batch_size'): '=' is missing"},
    {"++=4", "override 2 ('++=4'): the key is missing"},
    {"++a..b=4", "override 2 ('++a..b=4'): an empty name between the dots of the key"},
    {"++.a=4", "override 2 ('++.a=4'): an empty name"},
    {"++a.=4", "override 2 ('++a.=4'): the key ends in a dot"},
    {"++a b=4", "override 2 ('++a b=4'): ' ' cannot be part of a key"},
    {"+++a=4", "override 2 ('+++a=4'): '+' cannot be part of a key"},
    {"++workload={}", "override 2 ('++workload={}'): the workload as a whole is chosen with workload=NAME"},
    {"++reader.batch_size=1,2", "override 2 ('++reader.batch_size=1,2'): a comma outside brackets is a sweep"},
    {"++hooks.5=x", "override 2 ('++hooks.5=x'): 'hooks' is a list of 2 items; '5' is not the number of one"},
    {"++hooks.m.p=x", "override 2 ('++hooks.m.p=x'): 'hooks' is a list of 2 items; 'm' is not the number of one"},
    {"++s.secret_access_key=hush,", "override 2 ('++s.secret_access_key=***'): a comma"},
    {"++s.o={secret_access_key:hush", "override 2 ('++s.o=***'): '}' is missing"},
    {"++\xff=1", "override 2 ('++\\xff=1'): byte 3 is not valid UTF-8"},
    {"++a=\xff", "override 2 ('++a=\\xff'): byte 5 is not valid UTF-8"},
    {"++a\x7f=1", "override 2 ('++a\\x7f=1'): byte 4 is a control character (U+007F)"},
    {"++a=\n", "override 2 ('++a=\\n'): byte 5 is a control character (U+000A)"},
    {"++" TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A "a.a.a.a=1",
     "override 2 ('++" TEN_A TEN_A TEN_A TEN_A TEN_A "a.a.a.a.a.a.a.a.a....'): more than 63 levels"},
    {"++" TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A "a.a=[[]]",
     "override 2 ('++" TEN_A TEN_A TEN_A TEN_A TEN_A "a.a.a.a.a.a.a.a.a....'): more than 63 levels"},
};

START_TEST(test_refused)
{
    char *before, *after;

    read_tree(START);
    before = flow(tree.root);
    ck_assert_int_eq(override_apply(&tree, refused[_i].override, 2, known, &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strncmp(err.text, refused[_i].message, strlen(refused[_i].message)) == 0, "got '%s'", err.text);
    after = flow(tree.root);
    ck_assert_str_eq(after, before);
    ck_assert_ptr_null(strstr(err.text, "hush"));
    free(before);
    free(after);
}
END_TEST

START_TEST(test_hydra)
{
    ck_assert(override_is_hydra("++hydra.run.dir=x"));
    ck_assert(override_is_hydra("hydra.run.dir=x"));
    ck_assert(override_is_hydra("~hydra.x"));
    ck_assert(override_is_hydra("hydra/job_logging=disabled"));
    ck_assert(!override_is_hydra("++workload.hydra.x=1"));
    ck_assert(!override_is_hydra("++hydrant=1"));
}
END_TEST

static const struct {
    const char *text, *path, *shown;
} interpolations[] = {
    {"a: {b: 5}\nc: ${a.b}\n", "c", "5"},
    {"a: {b: x}\nc: pre-${workload.a.b}-post\n", "c", "pre-x-post"},
    {"a: {b: 1}\nc: ${a}\n", "c", "{b: 1}"},
    {"a: ${b}\nb: ${c}\nc: end\n", "a", "end"},
    {"k: b\na: {b: 7}\nc: ${a.${k}}\n", "c", "7"},
    {"c: ${oc.env:DLFWTEST_SET}\n", "c", "from env"},
    {"c: ${oc.env:DLFWTEST_UNSET,fallback}\n", "c", "fallback"},
    {"c: \"${oc.env:DLFWTEST_UNSET, 'a,b'}\"\n", "c", "\"a,b\""},
    {"c: ${oc.env:DLFWTEST_UNSET,null}\n", "c", "null"},
    {"d: dd\nc: ${oc.env:DLFWTEST_UNSET,${d}}\n", "c", "dd"},
    {"c: \\${not.me}\n", "c", "\"\\\\${not.me}\""},
    /* what an environment variable says is text, also when it looks like an interpolation */
    {"s: top\nc: ${oc.env:DLFWTEST_TRICK}\n", "c", "\"\\\\${s}\""},
    {"n: null\nc: ${n}\n", "c", "null"},
    {"c: $notme {x}\n", "c", "\"$notme {x}\""},
};

START_TEST(test_interpolations)
{
    char *shown;

    setenv("DLFWTEST_SET", "from env", 1);
    setenv("DLFWTEST_TRICK", "${s}", 1);
    unsetenv("DLFWTEST_UNSET");
    read_tree(interpolations[_i].text);
    ck_assert_msg(interpolate_tree(&tree, &problems) == DLFW_OK, "%s", problems.items[0].text);
    shown = flow(node_find(tree.root, interpolations[_i].path));
    ck_assert_str_eq(shown, interpolations[_i].shown);
    free(shown);
}
END_TEST

START_TEST(test_interpolation_now)
{
    char year[8], before[8];
    time_t now = time(NULL);
    struct tm tm;

    localtime_r(&now, &tm);
    strftime(before, sizeof before, "%Y", &tm);
    read_tree("c: ${now:%Y}\nd: ${now:%Y-%m-%d}_x\n");
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_OK);
    now = time(NULL);
    localtime_r(&now, &tm);
    strftime(year, sizeof year, "%Y", &tm);
    ck_assert(strcmp(node_find(tree.root, "c")->text, year) == 0 ||
              strcmp(node_find(tree.root, "c")->text, before) == 0);
    ck_assert_uint_eq(node_find(tree.root, "d")->text_len, 12);
}
END_TEST

START_TEST(test_interpolated_node_keeps_place)
{
    read_tree("a: {b: 5}\nc: ${a.b}\nd: ${oc.env:PATH}\n");
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_OK);
    ck_assert_uint_eq(node_find(tree.root, "c")->place.line, 2);
    ck_assert_str_eq(node_find(tree.root, "d")->environment, "PATH");
}
END_TEST

static const struct {
    const char *text, *message;
} bad_interpolations[] = {
    {"a: ${a}\n", "t.yaml:1:4: '${a}' is circular: it needs itself"},
    {"a: ${b}\nb: x${a}\n", "t.yaml:1:4: '${b}' is circular: it needs itself by way of t.yaml:2:4"},
    {"a:\n  b:\n    c: ${a}\n", "t.yaml:3:8: '${a}' is circular"},
    {"x: ${AWS_REGION}\n", "t.yaml:1:4: '${AWS_REGION}': there is no key 'AWS_REGION'; an environment variable is "
                           "${oc.env:AWS_REGION}"},
    {"x: ${train.nothing}\n", "t.yaml:1:4: '${train.nothing}': there is no key 'train.nothing'"},
    {"x: ${oc.env:DLFWTEST_UNSET}\n", "t.yaml:1:4: the environment variable 'DLFWTEST_UNSET' is not set"},
    {"x: ${hydra:run.dir}\n", "t.yaml:1:4: '${hydra:run.dir}': 'hydra' is not known"},
    {"x: ${.y}\n", "t.yaml:1:4: '${.y}': write the whole path"},
    {"x: a ${y\n", "t.yaml:1:4: '${' is not closed"},
    {"m: {}\nx: a ${m}\n", "t.yaml:2:4: '${m}' is a list or mapping and cannot be part of a text"},
    {"m: null\nx: a ${m}\n", "t.yaml:2:4: '${m}' is null and cannot be part of a text"},
    {"x: ${}\n", "t.yaml:1:4: '${}'"},
};

START_TEST(test_bad_interpolations)
{
    unsetenv("DLFWTEST_UNSET");
    read_tree(bad_interpolations[_i].text);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_msg(
        strncmp(problems.items[0].text, bad_interpolations[_i].message, strlen(bad_interpolations[_i].message)) == 0,
        "got '%s'", problems.items[0].text);
}
END_TEST

/* Each line doubles the one before: 2^60 bytes, if nobody stopped it. */
START_TEST(test_interpolation_bomb)
{
    struct str bomb = STR_EMPTY;
    clock_t start = clock();

    str_add(&bomb, "k0: xxxxxxxxxxxxxxxx\n");
    for (int i = 1; i < 60; i++)
        str_add_format(&bomb, "k%d: ${k%d}${k%d}\n", i, i - 1, i - 1);
    read_tree(bomb.data);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, "the text becomes longer than"));
    str_clear(&bomb);
    str_add(&bomb, "k0: [1,1,1,1,1,1,1,1]\n");
    for (int i = 1; i < 60; i++)
        str_add_format(&bomb, "k%d: [\"${k%d}\", \"${k%d}\"]\n", i, i - 1, i - 1);
    read_tree(bomb.data);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, "more than 200000 values"));
    ck_assert_double_lt((double)(clock() - start) / CLOCKS_PER_SEC, 2.0);
    str_free(&bomb);
}
END_TEST

/* The deepest that still fits below 'workload' in a stored configuration; and its fullest. */
START_TEST(test_limits_of_what_is_stored)
{
    struct str text = STR_EMPTY;

    read_tree("{}");
    ck_assert_msg(override_apply(&tree, "++" TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A "a.a.a=1", 1, known, &err.e) >= 0,
                  "%s", err.text);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_OK);
    str_add(&text, "a: [");
    for (uint32_t i = 3; i < STORED_MAX_NODES; i++)
        str_add(&text, "1,");
    str_add(&text, "]\n");
    read_tree(text.data);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_OK);
    ck_assert_int_eq(override_apply(&tree, "++a.7=2", 1, known, &err.e), DLFW_OK);
    ck_assert_int_eq(override_apply(&tree, "++b=2", 1, known, &err.e), DLFW_E_CONFIG);
    ck_assert_str_eq(err.text, "override 1 ('++b=2'): the configuration gets more than 199998 values");
    ck_assert_int_eq(override_apply(&tree, "++a=2", 1, known, &err.e), DLFW_OK);
    ck_assert_int_eq(override_apply(&tree, "++b=2", 1, known, &err.e), DLFW_OK);
    str_free(&text);
}
END_TEST

static void refused_when_interpolated(const char *text, const char *message)
{
    read_tree(text);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_str_eq(problems.items[0].text, message);
}

START_TEST(test_limits_of_interpolation)
{
    struct str text = STR_EMPTY;

    /* 64 levels in a file; 41 + 40 by a reference */
    for (int i = 0; i < 64; i++)
        str_add(&text, "[");
    for (int i = 0; i < 64; i++)
        str_add(&text, "]");
    refused_when_interpolated(text.data, "t.yaml:1:64: more than 63 levels");
    str_clear(&text);
    for (int k = 0; k < 2; k++) {
        str_add(&text, k ? "\nb: " : "a: ");
        for (int i = 0; i < 40; i++)
            str_add(&text, "[");
        str_add(&text, k ? "'${a}'" : "1");
        for (int i = 0; i < 40; i++)
            str_add(&text, "]");
    }
    refused_when_interpolated(text.data, "t.yaml:1:26: more than 63 levels");
    /* one long text, many times */
    str_clear(&text);
    str_add(&text, "a: ");
    for (int i = 0; i < 60000; i++)
        str_add(&text, "x");
    str_add(&text, "\nb: [");
    for (int i = 0; i < 290; i++)
        str_add(&text, "'${a}',");
    str_add(&text, "]\n");
    read_tree(text.data);
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, "the text becomes longer than 16777216 bytes"));
    str_free(&text);
}
END_TEST

/* Aliases may bring 16 MiB of text, but what is stored needs escapes as well. */
START_TEST(test_stored_size)
{
    struct str text = STR_EMPTY;

    str_add(&text, "a: &x \"");
    for (int i = 0; i < 10000; i++)
        str_add(&text, "\\x01");
    str_add(&text, "\"\nb: [");
    for (int i = 0; i < 450; i++)
        str_add(&text, "*x,");
    str_add(&text, "]\n");
    refused_when_interpolated(text.data, "t.yaml:1:1: larger than 16 MiB with all references replaced");
    str_free(&text);
}
END_TEST

START_TEST(test_environment_must_be_text)
{
    setenv("DLFWTEST_BYTES", "ab\xff", 1);
    refused_when_interpolated("c: ${oc.env:DLFWTEST_BYTES}\n",
                              "t.yaml:1:4: DLFWTEST_BYTES: byte 3 of its value is not valid UTF-8");
    unsetenv("DLFWTEST_BYTES");
}
END_TEST

START_TEST(test_every_mistake_is_reported)
{
    read_tree("a: ${x}\nb: ${y}\nc: ${a}\n");
    ck_assert_int_eq(interpolate_tree(&tree, &problems), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 2);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("override");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_values, 0, COUNT(values));
    tcase_add_loop_test(tcase, test_bad_values, 0, COUNT(bad_values));
    tcase_add_loop_test(tcase, test_changes, 0, COUNT(changes));
    tcase_add_loop_test(tcase, test_refused, 0, COUNT(refused));
    tcase_add_test(tcase, test_hydra);
    tcase_add_loop_test(tcase, test_interpolations, 0, COUNT(interpolations));
    tcase_add_test(tcase, test_interpolation_now);
    tcase_add_test(tcase, test_interpolated_node_keeps_place);
    tcase_add_loop_test(tcase, test_bad_interpolations, 0, COUNT(bad_interpolations));
    tcase_add_test(tcase, test_interpolation_bomb);
    tcase_add_test(tcase, test_limits_of_what_is_stored);
    tcase_add_test(tcase, test_limits_of_interpolation);
    tcase_add_test(tcase, test_stored_size);
    tcase_add_test(tcase, test_environment_must_be_text);
    tcase_add_test(tcase, test_every_mistake_is_reported);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    node_tree_free(&tree);
    problem_list_free(&problems);
    return failed ? 1 : 0;
}
