/* SPDX-License-Identifier: Apache-2.0 */
/* What `dlfw config show` prints: every key, the effective value, the source; and that a stored configuration reads
 * back. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload/run_config_parts.h"

static char path[] = "/tmp/dlfw-show-XXXXXX";
static struct run_config cfg;
static struct problem_list problems;

static void read_text(const char *text, const char *const *overrides)
{
    struct run_config_args args = {.path = path, .overrides = overrides};
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    run_config_free(&cfg);
    problem_list_free(&problems);
    run_config_read(&args, &cfg, &problems);
}

static json_t *show(void)
{
    struct str out = STR_EMPTY;
    json_t *all;

    run_config_show(&cfg, true, &out);
    all = json_loads(out.data, 0, NULL);
    ck_assert_ptr_nonnull(all);
    str_free(&out);
    return all;
}

START_TEST(test_json)
{
    static const char *const overrides[] = {"++train.epochs=7", "++hydra.run.dir=out", NULL};
    json_t *all, *value;
    char source[128];

    setenv("DLFWTEST_REGION", "eu", 1);
    read_text("framework: pytorch\nreader: {batch_size: 4, sample_shuffle: on, memory_budget: 1MiB}\ntrain: "
              "{computation_time: {mean: 0.5}}\n"
              "model: {name: '${oc.env:DLFWTEST_REGION}'}\n"
              "storage: {storage_options: {region: x, secret_access_key: hush, password: env:PW}}\n"
              "dataset: {format: jpeg, record_element_type: float32, record_dims: [3, 4]}\n",
              overrides);
    all = show();
#define VALUE(key) json_object_get(json_object_get(all, key), "value")
#define SOURCE(key) json_string_value(json_object_get(json_object_get(all, key), "source"))
    ck_assert_int_eq(json_integer_value(VALUE("reader.batch_size")), 4);
    snprintf(source, sizeof source, "%s:2:22", path);
    ck_assert_str_eq(SOURCE("reader.batch_size"), source);
    ck_assert_int_eq(json_integer_value(VALUE("train.epochs")), 7);
    ck_assert_str_eq(SOURCE("train.epochs"), "override 1");
    ck_assert_str_eq(json_string_value(VALUE("reader.sample_shuffle")), "seed");
    ck_assert_str_eq(json_string_value(VALUE("reader.file_shuffle")), "off");
    ck_assert_str_eq(SOURCE("reader.file_shuffle"), "default");
    ck_assert_int_eq(json_integer_value(VALUE("reader.memory_budget")), 1 << 20);
    ck_assert_str_eq(json_string_value(VALUE("reader.data_loader")), "pytorch");
    ck_assert(json_is_null(VALUE("output.folder")));
    ck_assert(json_is_null(VALUE("reader.transfer_size")));
    ck_assert(json_is_true(VALUE("workflow.train")));
    ck_assert_double_eq(json_real_value(VALUE("metric.au")), 0.9);
    ck_assert_str_eq(json_string_value(json_object_get(VALUE("train.computation_time"), "mean")), "0.5");
    ck_assert_str_eq(json_string_value(VALUE("model.name")), "eu");
    snprintf(source, sizeof source, "environment DLFWTEST_REGION (%s:4:15)", path);
    ck_assert_str_eq(SOURCE("model.name"), source);
    value = VALUE("storage.storage_options");
    ck_assert_str_eq(json_string_value(json_object_get(value, "secret_access_key")), "***");
    ck_assert_str_eq(json_string_value(json_object_get(value, "password")), "env:PW");
    ck_assert_str_eq(json_string_value(VALUE("dataset.record_element_type")), "uint8"); /* images force it */
    ck_assert_uint_eq(json_array_size(VALUE("dataset.record_dims")), 2);
    ck_assert_str_eq(json_string_value(VALUE("hydra.run.dir")), "out");
    json_decref(all);
}
END_TEST

START_TEST(test_every_key_is_shown)
{
    struct str out = STR_EMPTY;
    json_t *all;

    read_text("storage: {storage_options: {secret_access_key: hush}}\n", NULL);
    all = show();
    run_config_show(&cfg, false, &out);
    ck_assert_ptr_null(strstr(out.data, "hush"));
    for (uint32_t i = 0; i < run_section_count; i++)
        for (uint32_t k = 0; k < run_sections[i].rows->count; k++) {
            char key[128];

            snprintf(key, sizeof key, "%s%s%s", run_sections[i].path, *run_sections[i].path ? "." : "",
                     run_sections[i].rows->rows[k].name);
            ck_assert_msg(json_object_get(all, key) != NULL, "%s", key);
            ck_assert_msg(strstr(out.data, key) != NULL, "%s", key);
        }
    json_decref(all);
    str_free(&out);
}
END_TEST

START_TEST(test_shown_after_mistakes)
{
    json_t *all;

    read_text("reader: {batch_size: x, verify: nonsense}\ntrain: 5\n", NULL);
    ck_assert_uint_eq(problems.errors, 3);
    all = show();
    ck_assert_int_eq(json_integer_value(VALUE("reader.batch_size")), 1);
    json_decref(all);
    read_text("[", NULL);
    ck_assert_uint_eq(problems.errors, 1);
    all = show();
    ck_assert_int_eq(json_integer_value(VALUE("train.epochs")), 1);
    json_decref(all);
}
END_TEST

/* The line of a key, its blanks pressed to one. */
static const char *line_of(const char *text, const char *key)
{
    static char line[256];
    const char *at = strstr(text, key);
    size_t n = 0;

    ck_assert_ptr_nonnull(at);
    for (; *at && *at != '\n' && n + 1 < sizeof line; at++)
        if (*at != ' ' || at[1] != ' ')
            line[n++] = *at;
    line[n] = '\0';
    return line;
}

START_TEST(test_controls_are_escaped)
{
    static const char *const overrides[] = {"++model.name=\xff", NULL};
    struct str out = STR_EMPTY;
    json_t *all;

    read_text("model: {name: \"x\\ny\\e\\N\", type: 'null'}\nworkflow: {query: \"\\t\"}\n", NULL);
    ck_assert_uint_eq(problems.errors, 0);
    run_config_show(&cfg, false, &out);
    ck_assert_ptr_nonnull(strstr(line_of(out.data, "model.name"), "model.name x\\ny\\x1b\\x85 # "));
    ck_assert_ptr_nonnull(strstr(line_of(out.data, "workflow.query"), "workflow.query \\t # "));
    for (const char *c = out.data; *c; c++)
        ck_assert((unsigned char)*c >= ' ' || *c == '\n');
    all = show();
    ck_assert_str_eq(json_string_value(VALUE("model.name")), "x\ny\x1b\xc2\x85");
    ck_assert_str_eq(json_string_value(VALUE("model.type")), "null");
    ck_assert_str_eq(json_string_value(VALUE("workflow.query")), "\t");
    json_decref(all);
    read_text("model: {name: x}\n", overrides);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_str_eq(problems.items[0].text, "override 1 ('++model.name=\\xff'): byte 14 is not valid UTF-8");
    read_text("\"a\\nb\": 1\n", NULL);
    ck_assert_ptr_nonnull(strstr(problems.items[0].text, "a\\nb"));
    ck_assert_ptr_null(strchr(problems.items[0].text, '\n'));
    str_free(&out);
}
END_TEST

/* Also values longer than any buffer, and cut nowhere. */
START_TEST(test_long_values_are_whole)
{
    struct str text = STR_EMPTY, value = STR_EMPTY;
    json_t *all;

    str_add(&value, "x");
    for (int i = 0; i < 10000; i++)
        str_add(&value, "\xc3\xa9");
    str_add_format(&text, "dataset: {data_folder: %s}\n", value.data);
    read_text(text.data, NULL);
    all = show();
    ck_assert_str_eq(json_string_value(VALUE("dataset.data_folder")), value.data);
    json_decref(all);
    str_free(&text);
    str_free(&value);
}
END_TEST

static char *shown_values(void)
{
    json_t *all = show(), *item;
    const char *key;
    char *text;

    json_object_foreach(all, key, item) json_object_del(item, "source");
    text = json_dumps(all, JSON_SORT_KEYS);
    json_decref(all);
    return text;
}

/* The composed tree, printed and read again, is the same configuration. */
START_TEST(test_stored_configuration_reads_back)
{
    static const char *const names[] = {"default", "unet3d_h100",    "resnet50_h100", "cosmoflow_h100",
                                        "bert",    "retinanet_b200", "llama_8b_zero3"};
    static const char *const overrides[] = {"++workload.output.folder='a, \"b\" # c'", "++workload.model.type=off",
                                            NULL};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct run_config_args args = {.overrides = overrides};
        struct str text = STR_EMPTY;
        char file[512], *before, *after;

        snprintf(file, sizeof file, "%s/%s.yaml", GOLDEN_DIR, names[i]);
        args.path = file;
        run_config_free(&cfg);
        ck_assert_int_eq(run_config_read(&args, &cfg, &problems), DLFW_OK);
        before = shown_values();
        node_print_yaml(cfg.tree.root, &text);
        read_text(text.data, NULL);
        after = shown_values();
        ck_assert_str_eq(after, before);
        free(before);
        free(after);
        str_free(&text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_config_show");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed, fd = mkstemp(path);

    if (fd < 0)
        return 1;
    close(fd);
    tcase_add_test(tcase, test_json);
    tcase_add_test(tcase, test_every_key_is_shown);
    tcase_add_test(tcase, test_shown_after_mistakes);
    tcase_add_test(tcase, test_controls_are_escaped);
    tcase_add_test(tcase, test_long_values_are_whole);
    tcase_add_test(tcase, test_stored_configuration_reads_back);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    run_config_free(&cfg);
    problem_list_free(&problems);
    unlink(path);
    return failed ? 1 : 0;
}
