/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader takes and what it refuses, with the place; and that printing a tree reads back to the same tree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "config/yaml_read.h"

static struct node_tree tree;
static struct error_slot err;

static dlfw_status read_text(const char *text)
{
    node_tree_free(&tree);
    error_slot_init(&err);
    return yaml_read_text("t.yaml", text, strlen(text), &tree, &err.e);
}

static const char *flow(const dlfw_node *node)
{
    static struct str out;

    if (!out.data)
        out = (struct str)STR_EMPTY;
    str_clear(&out);
    node_print_flow(node, &out);
    return out.data;
}

START_TEST(test_scalars_and_places)
{
    dlfw_node *node;
    char where[64];
    uint8_t flag = 0;

    ck_assert_int_eq(read_text("train:\n  epochs: 5\n  seed_change_epoch: off\nmodel:\n  name: 'no'\n  type: ~\n"),
                     DLFW_OK);
    node = node_find(tree.root, "train.epochs");
    ck_assert_ptr_nonnull(node);
    ck_assert_str_eq(node_to_str(node), "5");
    node_where(node, where, sizeof where);
    ck_assert_str_eq(where, "t.yaml:2:11");
    node = node_find(tree.root, "train");
    ck_assert_uint_eq(node->pairs[1].key_place.line, 3);
    ck_assert_uint_eq(node->pairs[1].key_place.column, 3);
    /* YAML 1.1 words stay text until somebody asks for a boolean */
    node = node_find(tree.root, "train.seed_change_epoch");
    ck_assert_str_eq(node->text, "off");
    ck_assert_int_eq(node_to_bool(node, &flag, &err.e), DLFW_OK);
    ck_assert_uint_eq(flag, 0);
    ck_assert(node_find(tree.root, "model.name")->quoted);
    ck_assert(node_is_null(node_find(tree.root, "model.type")));
    ck_assert(node_is_null(node_find(tree.root, "model.absent")));
}
END_TEST

static const struct {
    const char *text, *shown;
} trees[] = {
    {"a: &x {b: 1, c: [1, 2]}\nd: *x\n", "{a: {b: 1, c: [1, 2]}, d: {b: 1, c: [1, 2]}}"},
    {"base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "{base: {x: 1, y: 2}, use: {y: 3, x: 1}}"},
    {"use:\n  <<: [{x: 1}, {x: 2, z: 3}]\n", "{use: {x: 1, z: 3}}"},
    {"'<<': 1\n", "{\"<<\": 1}"},
    {"a:\nb: ''\nc: null\nd: 'null'\n", "{a: null, b: \"\", c: null, d: \"null\"}"},
    {"a: !!str 5\nb: !!int 5\n", "{a: \"5\", b: 5}"},
    {"- 1\n- [x, 'y']\n- {}\n- []\n", "[1, [x, \"y\"], {}, []]"},
    {"a: one\n  two\n", "{a: one two}"},
    {"", "null"},
    {"# only a comment\n", "null"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     "{a: 1}"},
    {"a:\t1\n", "{a: 1}"},
    {"a: |\n  x\n  y\n", "{a: \"x\\ny\\n\"}"},
    /* what would be a document's begin or end in column 1 */
    {" --- a\n", "\"--- a\""},
    {"{--- a: 1, ... b: 2}\n", "{\"--- a\": 1, \"... b\": 2}"},
    /* line breaks of YAML 1.1, and what a file holds only as an escape */
    {"a: \"x\\Ny\\Lz\\P\"\n", "{a: \"x\\x85y\\u2028z\\u2029\"}"},
    {"\"\\uFEFFb\": 1\n", "{\"\\ufeffb\": 1}"},
    {"a: \"\\x01\\e\\x7f\\x80\\x9f\"\n", "{a: \"\\x01\\x1b\\x7f\\x80\\x9f\"}"},
    {"a: \"\\uFFFE\\uFDD0\\U0001FFFF\"\n", "{a: \"\\ufffe\\ufdd0\\U0001ffff\"}"},
    {"a: \xc3\xa9\xe2\x82\xac\n", "{a: \"\xc3\xa9\xe2\x82\xac\"}"},
};

START_TEST(test_trees)
{
    ck_assert_msg(read_text(trees[_i].text) == DLFW_OK, "%s: %s", trees[_i].text, err.text);
    ck_assert_str_eq(flow(tree.root), trees[_i].shown);
}
END_TEST

START_TEST(test_print_reads_back)
{
    struct str block = STR_EMPTY, again = STR_EMPTY;
    char *before;

    ck_assert_int_eq(read_text(trees[_i].text), DLFW_OK);
    before = xstrdup(flow(tree.root));
    node_print_yaml(tree.root, &block);
    ck_assert_msg(read_text(block.data) == DLFW_OK, "%s: %s", block.data, err.text);
    ck_assert_str_eq(flow(tree.root), before);
    node_print_yaml(tree.root, &again);
    ck_assert_str_eq(again.data, block.data);
    free(before);
    str_free(&block);
    str_free(&again);
}
END_TEST

static const struct {
    const char *text, *message;
} mistakes[] = {
    {"\"a\\nb\": 1\n\"a\\nb\": 2\n", "t.yaml:2:1: duplicate key 'a\\nb', first in line 1"},
    {"\"\\x7f\": 1\n\"\\x7f\": 2\n", "t.yaml:2:1: duplicate key '\\x7f', first in line 1"},
    {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: duplicate key 'a', first in line 1"},
    {"r:\n  x: 1\n  x: 2\n", "t.yaml:3:3: duplicate key 'x', first in line 2"},
    {"a:\n\tb: 1\n", "t.yaml:2:1: a tab cannot indent; use spaces"},
    {"a:\n  b: 1\n \tc: 1\n", "t.yaml:3:2: a tab cannot indent; use spaces"},
    {"a: *x\n", "t.yaml:1:4: alias '*x' has no anchor '&x' before it"},
    {"a: &x [1, *x]\n", "t.yaml:1:11: alias '*x' lies inside its own anchor"},
    {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document; one file holds one configuration"},
    {"? [1]\n: 2\n", "t.yaml:1:3: a key must be a single value"},
    {"a: &x 1\n? *x\n: 2\n", "t.yaml:2:3: an alias cannot be a key"},
    {"a: !!python/object:os.system ls\n",
     "t.yaml:1:4: the tag 'tag:yaml.org,2002:python/object:os.system' is not supported"},
    {"a:\n  <<: 5\n", "t.yaml:2:7: '<<' wants a mapping or a list of mappings"},
    {"a:\n  <<: [5]\n", "t.yaml:2:8: '<<' wants mappings only"},
    {"a: \"x\\0y\"\n", "t.yaml:1:4: text with a NUL character"},
    {"a: [1, 2\nb: 3\n", "t.yaml:2:"},
    {"a: b: c\n", "t.yaml:1:5: mapping values are not allowed in this context"},
    {"a: \xff\xfe\n", "t.yaml: byte 3: "},
};

START_TEST(test_mistakes)
{
    ck_assert_int_lt(read_text(mistakes[_i].text), 0);
    ck_assert_msg(strncmp(err.text, mistakes[_i].message, strlen(mistakes[_i].message)) == 0, "got '%s', want '%s'",
                  err.text, mistakes[_i].message);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

/* Keys longer than those that need no mark, wherever a key can stand. */
START_TEST(test_long_keys_read_back)
{
    static const char *const forms[] = {"? %s\n: 1\nb: 2\n", "? %s\n: {a: 1}\n", "? %s\n: [1, 2]\nb: 1\n",
                                        "- ? %s\n  : 1\n- [{? %s : {}}]\n", "a: {b: {? %s : x}}\n"};
    static const size_t lengths[] = {998, 999, 1000, 1001, 1022, 1023, 1024, 1025, 5000};
    struct str print = STR_EMPTY;
    char key[5001], text[16384], *before;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(key, 'k', lengths[i]);
        key[lengths[i]] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, forms[_i], key, key);
#pragma GCC diagnostic pop
        ck_assert_msg(read_text(text) == DLFW_OK, "%s", err.text);
        before = xstrdup(flow(tree.root));
        str_clear(&print);
        node_print_yaml(tree.root, &print);
        ck_assert_msg(read_text(print.data) == DLFW_OK, "%s: %s", err.text, print.data);
        ck_assert_str_eq(flow(tree.root), before);
        ck_assert_msg(read_text(before) == DLFW_OK, "%s: %s", err.text, before);
        ck_assert_str_eq(flow(tree.root), before);
        free(before);
    }
    str_free(&print);
}
END_TEST

/* Few values, but each of them long. */
START_TEST(test_alias_text)
{
    struct str text = STR_EMPTY;

    str_add(&text, "a: &x ");
    for (int i = 0; i < 40000; i++)
        str_add(&text, "y");
    str_add(&text, "\nb: [");
    for (int i = 0; i < 410; i++)
        str_add(&text, "*x,");
    str_add(&text, "]\n");
    ck_assert_msg(read_text(text.data) == DLFW_OK, "%s", err.text); /* 411 * 40000 < 16 MiB */
    str_add(&text, "c: [*x,*x,*x,*x,*x,*x,*x,*x,*x,*x]\n");
    ck_assert_int_eq(read_text(text.data), DLFW_E_CONFIG);
    ck_assert_str_eq(err.text,
                     "t.yaml:3:29: more than 16 MiB of text (aliases count as often as they are used)");
    str_free(&text);
}
END_TEST

/* An alias counts as what it prints, so the print has no more values than the file. */
START_TEST(test_alias_keys_count)
{
    struct str text = STR_EMPTY, print = STR_EMPTY;

    str_add(&text, "a: &x {");
    for (int i = 0; i < 1000; i++)
        str_add_format(&text, "k%d: 1,", i);
    str_add(&text, "}\nb: [");
    for (int i = 0; i < 98; i++)
        str_add(&text, "*x,");
    ck_assert_int_eq(read_text(text.data), DLFW_E_CONFIG); /* not closed */
    str_add(&text, "]\n");
    ck_assert_msg(read_text(text.data) == DLFW_OK, "%s", err.text);
    node_print_yaml(tree.root, &print);
    ck_assert_uint_eq(node_count_all(tree.root), 5 + 99 * 2001 - 1);
    ck_assert_msg(read_text(print.data) == DLFW_OK, "%s", err.text);
    text.len -= 2;
    str_add(&text, "*x,*x]\n");
    ck_assert_int_eq(read_text(text.data), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 200000 values"));
    str_free(&text);
    str_free(&print);
}
END_TEST

/* Nine levels of ten aliases each would be 10^9 nodes. */
START_TEST(test_alias_bomb)
{
    struct str bomb = STR_EMPTY;
    clock_t start = clock();

    str_add(&bomb, "l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        str_add_format(&bomb, "l%d: &l%d [", i, i);
        for (int k = 0; k < 10; k++)
            str_add_format(&bomb, "%s*l%d", k ? "," : "", i - 1);
        str_add(&bomb, "]\n");
    }
    ck_assert_int_lt(read_text(bomb.data), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 200000 values"));
    ck_assert_double_lt((double)(clock() - start) / CLOCKS_PER_SEC, 2.0);
    str_free(&bomb);
}
END_TEST

START_TEST(test_depth)
{
    struct str deep = STR_EMPTY;

    for (int i = 0; i < 5000; i++)
        str_add(&deep, "[");
    ck_assert_int_lt(read_text(deep.data), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 64 levels"));
    str_clear(&deep);
    /* aliases must not get deeper than what can be written: 60 levels and 10 more */
    str_add(&deep, "a: &a ");
    for (int i = 0; i < 10; i++)
        str_add(&deep, "[");
    for (int i = 0; i < 10; i++)
        str_add(&deep, "]");
    str_add(&deep, "\nb: ");
    for (int i = 0; i < 60; i++)
        str_add(&deep, "[");
    str_add(&deep, "*a");
    for (int i = 0; i < 60; i++)
        str_add(&deep, "]");
    str_add(&deep, "\n");
    ck_assert_int_lt(read_text(deep.data), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 64 levels"));
    str_free(&deep);
}
END_TEST

/* Keys of one huge map, merged into another: must not take quadratic time. */
START_TEST(test_many_keys)
{
    struct str text = STR_EMPTY;
    clock_t start = clock();

    str_add(&text, "a: &a\n");
    for (int i = 0; i < 45000; i++)
        str_add_format(&text, "  k%d: 1\n", i);
    str_add(&text, "b:\n  <<: *a\n  k5: 2\n");
    ck_assert_msg(read_text(text.data) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(node_find(tree.root, "b")->count, 45000);
    ck_assert_str_eq(node_find(tree.root, "b.k5")->text, "2");
    ck_assert_double_lt((double)(clock() - start) / CLOCKS_PER_SEC, 3.0);
    str_free(&text);
}
END_TEST

START_TEST(test_secrets_are_not_printed)
{
    struct str out = STR_EMPTY;

    ck_assert_int_eq(read_text("storage_options: {secret_access_key: hush, password: env:PW, region: eu}\n"), DLFW_OK);
    node_print_yaml(tree.root, &out);
    ck_assert_ptr_null(strstr(out.data, "hush"));
    ck_assert_ptr_nonnull(strstr(out.data, "secret_access_key: \"***\""));
    ck_assert_ptr_nonnull(strstr(out.data, "password: env:PW"));
    ck_assert_ptr_nonnull(strstr(out.data, "region: eu"));
    str_free(&out);
}
END_TEST

START_TEST(test_files)
{
    char folder[] = "/tmp/dlfw-yaml-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    error_slot_init(&err);
    ck_assert_int_eq(yaml_read_file(folder, &tree, &err.e), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "is a directory"));
    rmdir(folder);
    error_slot_init(&err);
    ck_assert_int_eq(yaml_read_file(folder, &tree, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, folder));
}
END_TEST

START_TEST(test_typed_reading)
{
    uint64_t u = 7;
    double f = 0;

    ck_assert_int_eq(read_text("n: abc\nsize: 8MiB\nwait: 250ms\nf: 1e-3\nm: {}\nneg: -1\n"), DLFW_OK);
    ck_assert_int_eq(node_to_u64(node_get(tree.root, "n"), &u, &err.e), DLFW_E_CONFIG);
    ck_assert_str_eq(err.text, "t.yaml:1:4: 'abc' is not a whole number");
    ck_assert_uint_eq(u, 7);
    ck_assert_int_eq(node_to_size(node_get(tree.root, "size"), &u, &err.e), DLFW_OK);
    ck_assert_uint_eq(u, 8u << 20);
    ck_assert_int_eq(node_to_duration(node_get(tree.root, "wait"), &u, &err.e), DLFW_OK);
    ck_assert_uint_eq(u, 250000000);
    ck_assert_int_eq(node_to_f64(node_get(tree.root, "f"), &f, &err.e), DLFW_OK);
    ck_assert_double_eq(f, 1e-3);
    ck_assert_int_eq(node_to_u64(node_get(tree.root, "m"), &u, &err.e), DLFW_E_CONFIG);
    ck_assert_str_eq(err.text, "t.yaml:5:4: a single value is wanted here, not a mapping");
    ck_assert_int_eq(node_to_u64(node_get(tree.root, "neg"), &u, &err.e), DLFW_E_CONFIG);
    ck_assert_int_eq(node_to_u64(NULL, &u, &err.e), DLFW_E_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml_read");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_scalars_and_places);
    tcase_add_loop_test(tcase, test_trees, 0, (int)(sizeof trees / sizeof trees[0]));
    tcase_add_loop_test(tcase, test_print_reads_back, 0, (int)(sizeof trees / sizeof trees[0]));
    tcase_add_loop_test(tcase, test_mistakes, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_loop_test(tcase, test_long_keys_read_back, 0, 5);
    tcase_add_test(tcase, test_alias_text);
    tcase_add_test(tcase, test_alias_keys_count);
    tcase_add_test(tcase, test_alias_bomb);
    tcase_add_test(tcase, test_depth);
    tcase_add_test(tcase, test_many_keys);
    tcase_add_test(tcase, test_secrets_are_not_printed);
    tcase_add_test(tcase, test_files);
    tcase_add_test(tcase, test_typed_reading);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    node_tree_free(&tree);
    return failed ? 1 : 0;
}
