/* SPDX-License-Identifier: Apache-2.0 */
/* A table of rows against maps, and the list of problems. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/environment.h"
#include "config/yaml_read.h"

struct options {
    uint8_t flag;
    int64_t signed_number;
    uint64_t part_size;
    uint64_t wait;
    double ratio;
    const char *name;
    const char *secret;
    uint32_t mode;
    dlfw_str_list items;
    const dlfw_node *raw;
};

static const char *const modes[] = {"fast", "slow", NULL};

static const dlfw_option rows[] = {
    DLFW_OPT_BOOL(struct options, flag, .def = "true", .help = "a flag"),
    DLFW_OPT_I64(struct options, signed_number, .def = "-3", .min = "-5", .max = "5", .help = "a number"),
    DLFW_OPT_SIZE(struct options, part_size, .def = "8MiB", .min = "1KiB", .help = "bytes per part"),
    DLFW_OPT_DURATION(struct options, wait, .def = "250ms", .help = "a duration"),
    DLFW_OPT_F64(struct options, ratio, .def = "0.5", .help = "a ratio"),
    DLFW_OPT_STR(struct options, name, .help = "a name"),
    DLFW_OPT_SECRET(struct options, secret, .help = "a secret"),
    DLFW_OPT_ENUM(struct options, mode, .def = "fast", .choices = modes, .help = "a choice"),
    DLFW_OPT_LIST(struct options, items, .help = "a list"),
    DLFW_OPT_NODE(struct options, raw, .help = "anything"),
    {.struct_size = sizeof(dlfw_option),
     .type = DLFW_TYPE_BOOL,
     .offset = DLFW_OPT_UNBOUND,
     .name = "dead_flag",
     .def = "false",
     .help = SCHEMA_DEAD "nobody looks at it"},
    {.struct_size = sizeof(dlfw_option),
     .type = DLFW_TYPE_U64,
     .offset = DLFW_OPT_UNBOUND,
     .name = "dead",
     .def = "4",
     .help = SCHEMA_DEAD "nobody reads it"},
    {.struct_size = sizeof(dlfw_option),
     .type = DLFW_TYPE_U64,
     .offset = DLFW_OPT_UNBOUND,
     .name = "old",
     .flags = DLFW_OPT_DEPRECATED,
     .replaced_by = "part_size",
     .help = "an old name"},
    {.struct_size = sizeof(dlfw_option),
     .type = DLFW_TYPE_STR,
     .offset = DLFW_OPT_UNBOUND,
     .name = "must",
     .flags = DLFW_OPT_REQUIRED,
     .help = "needed"},
};
#define ROW_COUNT ((uint32_t)(sizeof rows / sizeof rows[0]))

static struct node_tree tree;
static struct problem_list problems;
static struct options options;

static void fill(const char *text, bool strict)
{
    static const char *const also[] = {"inner", NULL};
    struct error_slot err;

    node_tree_free(&tree);
    problem_list_free(&problems);
    problems.strict = strict;
    error_slot_init(&err);
    ck_assert_msg(yaml_read_text("t.yaml", text, strlen(text), &tree, &err.e) == DLFW_OK, "%s", err.text);
    memset(&options, 0xee, sizeof options);
    schema_fill(&tree, tree.root, "s", rows, ROW_COUNT, also, &options, &problems);
}

START_TEST(test_defaults)
{
    fill("must: x\n", false);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_uint_eq(options.flag, 1);
    ck_assert_int_eq(options.signed_number, -3);
    ck_assert_uint_eq(options.part_size, 8u << 20);
    ck_assert_uint_eq(options.wait, 250000000);
    ck_assert_ptr_null(options.name);
    ck_assert_ptr_null(options.raw);
    ck_assert_uint_eq(options.items.count, 0);
}
END_TEST

START_TEST(test_values)
{
    fill("must: x\nflag: off\nsigned_number: 5\npart_size: 64KiB\nwait: 2\nratio: 1e-2\nname: no\nmode: slow\n"
         "items: [a, b]\nraw: {x: 1}\ninner: {y: 2}\nsecret: env:DLFWTEST_SECRET\n",
         false);
    ck_assert_msg(problems.count == 0, "%s", problems.count ? problems.items[0].text : "");
    ck_assert_uint_eq(options.flag, 0);
    ck_assert_int_eq(options.signed_number, 5);
    ck_assert_uint_eq(options.part_size, 65536);
    ck_assert_uint_eq(options.wait, 2000000000);
    ck_assert_double_eq(options.ratio, 0.01);
    ck_assert_str_eq(options.name, "no"); /* a YAML 1.1 boolean is text where text is wanted */
    ck_assert_uint_eq(options.mode, 1);
    ck_assert_uint_eq(options.items.count, 2);
    ck_assert_str_eq(options.items.items[1], "b");
    ck_assert_uint_eq(options.raw->kind, DLFW_NODE_MAP);
    ck_assert_str_eq(options.secret, "hush");
}
END_TEST

START_TEST(test_null_is_the_default)
{
    fill("must: x\nsigned_number:\npart_size: null\nname: ~\n", false);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_int_eq(options.signed_number, -3);
    ck_assert_uint_eq(options.part_size, 8u << 20);
}
END_TEST

static const struct {
    const char *text, *message;
    bool is_error;
} cases[] = {
    {"must: x\npart_siez: 1MiB\n", "t.yaml:2:1: s.part_siez is not a known key; did you mean 'part_size'?", false},
    {"must: x\niner: {}\n", "t.yaml:2:1: s.iner is not a known key; did you mean 'inner'?", false},
    {"must: x\nquite_different: 1\n", "t.yaml:2:1: s.quite_different is not a known key", false},
    {"must: x\nflag: maybe\n", "t.yaml:2:7: s.flag: 'maybe' is neither true nor false", true},
    {"must: x\nsigned_number: 6\n", "t.yaml:2:16: s.signed_number: '6' is above the maximum 5", true},
    {"must: x\npart_size: 10\n", "t.yaml:2:12: s.part_size: '10' is below the minimum 1KiB", true},
    {"must: x\nsigned_number: [1]\n", "t.yaml:2:16: s.signed_number: a single value is wanted (integer), not a list",
     true},
    {"must: x\nmode: quick\n", "t.yaml:2:7: s.mode: 'quick' is none of fast, slow", true},
    {"must: x\nitems: [[1]]\n", "t.yaml:2:9: s.items: a list of single values is wanted", true},
    {"must: x\ndead_flag: true\n", "t.yaml:2:1: s.dead_flag has no effect: nobody looks at it", false},
    {"must: x\ndead: 5\n", "t.yaml:2:1: s.dead has no effect: nobody reads it", false},
    {"must: x\nold: 5\n", "t.yaml:2:1: s.old is deprecated; use part_size", false},
    {"flag: on\n", "t.yaml:1:1: s.must is required: needed", true},
    {"[]\n", "t.yaml:1:1: s: a mapping of keys is wanted here", true},
};

START_TEST(test_problems)
{
    fill(cases[_i].text, false);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_str_eq(problems.items[0].text, cases[_i].message);
    ck_assert_int_eq(problems.items[0].is_error, cases[_i].is_error);
    ck_assert_str_eq(problems.items[0].place.file, "t.yaml");
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, problems.items[0].what));
    ck_assert(strncmp(problems.items[0].what, "s", 1) == 0);
}
END_TEST

START_TEST(test_a_default_written_down_is_no_news)
{
    fill("must: x\ndead_flag: no\ndead: 4\n", false);
    ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(test_all_at_once_and_strict)
{
    fill("flg: 1\nsigned_number: 99\nmode: x\nwait: soon\n", false);
    ck_assert_uint_eq(problems.count, 5);
    ck_assert_uint_eq(problems.errors, 4);
    fill("flg: 1\nmust: x\n", true);
    ck_assert_uint_eq(problems.errors, 1);
    /* strictness is about unknown keys, not about those without effect */
    fill("must: x\ndead: 5\n", true);
    ck_assert_uint_eq(problems.errors, 0);
}
END_TEST

START_TEST(test_unused_keys)
{
    fill("must: x\nraw: {a: 1, b: {c: 2}}\n", false);
    node_find(tree.root, "raw.a")->used = true;
    schema_report_unused(options.raw, "s.raw", &problems);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_str_eq(problems.items[0].text, "t.yaml:2:13: s.raw.b is not a known key");
}
END_TEST

START_TEST(test_problem_places)
{
    static const struct {
        const char *text, *file, *what;
        uint32_t line, column;
    } places[] = {
        {"a b.yaml:3:5: wrong", "a b.yaml", "wrong", 3, 5},
        {"s3://x:80/a.yaml:3:5: wrong", "s3://x:80/a.yaml", "wrong", 3, 5},
        {"override 2 ('a=b'): wrong", "override 2 ('a=b')", "wrong", 0, 0},
        {"no place: wrong", NULL, "no place: wrong", 0, 0},
        {"12:30: not a place", NULL, "12:30: not a place", 0, 0},
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct error_slot err;

        problem_list_free(&problems);
        error_slot_init(&err);
        dlfw_fail(&err.e, DLFW_E_CONFIG, "%s", places[i].text);
        problem_add_error(&problems, &err.e);
        problem_add_error(&problems, &err.e); /* the same twice is one */
        ck_assert_uint_eq(problems.count, 1);
        ck_assert_str_eq(problems.items[0].text, places[i].text);
        ck_assert_str_eq(problems.items[0].what, places[i].what);
        ck_assert_pstr_eq(problems.items[0].place.file, places[i].file);
        ck_assert_uint_eq(problems.items[0].place.line, places[i].line);
        ck_assert_uint_eq(problems.items[0].place.column, places[i].column);
    }
}
END_TEST

START_TEST(test_environment)
{
    problem_list_free(&problems);
    setenv("DLFW_LOG_LEVEL", "debug", 1);
    environment_check(&problems);
    ck_assert_uint_eq(problems.count, 0);
    setenv("DLFW_PLUGIN_PAHT", "/x", 1);
    setenv("DLFW_LOG_LEVEL", "loud", 1);
    environment_check(&problems);
    ck_assert_uint_eq(problems.errors, 2);
    ck_assert_str_eq(problems.items[0].text,
                     "environment: 'DLFW_PLUGIN_PAHT' is not a variable of dlfw; did you mean 'DLFW_PLUGIN_PATH'?");
    ck_assert_ptr_nonnull(strstr(problems.items[1].text, "'loud' is not a log level"));
    unsetenv("DLFW_PLUGIN_PAHT");
    unsetenv("DLFW_LOG_LEVEL");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    setenv("DLFWTEST_SECRET", "hush", 1);
    tcase_add_test(tcase, test_defaults);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_null_is_the_default);
    tcase_add_loop_test(tcase, test_problems, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, test_a_default_written_down_is_no_news);
    tcase_add_test(tcase, test_all_at_once_and_strict);
    tcase_add_test(tcase, test_unused_keys);
    tcase_add_test(tcase, test_problem_places);
    tcase_add_test(tcase, test_environment);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    node_tree_free(&tree);
    problem_list_free(&problems);
    return failed ? 1 : 0;
}
