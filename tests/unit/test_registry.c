/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "config/schema.h"
#include "config/yaml_read.h"
#include "plugin/host_table.h"
#include "plugin/registry.h"

#define FIRST TEST_PLUGIN_DIR "/first"
#define SECOND TEST_PLUGIN_DIR "/second"

static struct registry reg;
static struct error_slot err;

static void setup(void)
{
    error_slot_init(&err);
    unsetenv("DLFW_PLUGIN_PATH");
    unsetenv("DLFW_TEST_CODE_RAN");
}

static void teardown(void)
{
    registry_free(&reg);
}

static const struct registry_entry *entry_of(const char *path)
{
    for (uint32_t i = 0; i < reg.count; i++) {
        if (strcmp(reg.entries[i].path, path) == 0)
            return &reg.entries[i];
    }
    ck_abort_msg("'%s' is not listed", path);
    return NULL;
}

static void scan(const char *dir)
{
    ck_assert_msg(registry_scan(&reg, dir, &err.e) == DLFW_OK, "%s", err.text);
}

START_TEST(a_given_directory_is_listed_whole_in_order)
{
    static const struct {
        const char *path, *refused;
    } want[] = {
        {FIRST "/dlfw-backend-alpha.so", NULL},
        {FIRST "/dlfw-backend-beta.so", NULL},
        {FIRST "/dlfw-backend-crash.so", NULL},
        {FIRST "/dlfw-backend-lost.so", NULL},
        {FIRST "/dlfw-backend-old.so", "built for plugin ABI 2.2, this dlfw has 1.2"},
        {FIRST "/dlfw-backend-picky.so", NULL},
        {FIRST "/dlfw-hook-counter.so", NULL},
        {FIRST "/libother.so", "no dlfw note: not a plugin of dlfw"},
    };

    scan(FIRST);
    ck_assert_uint_ge(reg.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        ck_assert_str_eq(reg.entries[i].path, want[i].path);
        ck_assert_msg(!reg.entries[i].refused == !want[i].refused, "%s: %s", want[i].path, reg.entries[i].refused);
        if (want[i].refused)
            ck_assert_str_eq(reg.entries[i].refused, want[i].refused);
        ck_assert_ptr_null(reg.entries[i].file);
    }
    ck_assert_ptr_null(getenv("DLFW_TEST_CODE_RAN"));
    ck_assert_ptr_nonnull(strstr(reg.searched, FIRST));
}
END_TEST

START_TEST(the_environment_comes_first_and_the_winner_is_named)
{
    setenv("DLFW_PLUGIN_PATH", "/nowhere::" SECOND, 1);
    scan(FIRST);
    ck_assert_str_eq(reg.entries[0].path, SECOND "/dlfw-backend-alpha.so");
    ck_assert_ptr_null(reg.entries[0].refused);
    ck_assert_str_eq(entry_of(FIRST "/dlfw-backend-alpha.so")->refused,
                     "duplicate name: backend 'alpha' is offered by '" SECOND "/dlfw-backend-alpha.so' already");
    ck_assert_ptr_null(entry_of(FIRST "/dlfw-backend-beta.so")->refused);
    ck_assert_ptr_null(entry_of(SECOND "/dlfw-backend-gamma.so")->refused);
}
END_TEST

START_TEST(one_directory_under_two_names_is_read_once)
{
    setenv("DLFW_PLUGIN_PATH", FIRST "/../first", 1);
    scan(FIRST);
    ck_assert_ptr_null(entry_of(FIRST "/../first/dlfw-backend-alpha.so")->refused);
    for (uint32_t i = 0; i < reg.count; i++)
        ck_assert_msg(!reg.entries[i].refused || !strstr(reg.entries[i].refused, "duplicate"), "%s",
                      reg.entries[i].path);
}
END_TEST

START_TEST(a_given_directory_must_be_there)
{
    ck_assert_int_eq(registry_scan(&reg, "/no/such/dir", &err.e), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot read plugin directory '/no/such/dir': No such file or directory");
    ck_assert_int_lt(registry_scan(&reg, FIRST "/libother.so", &err.e), 0);
}
END_TEST

START_TEST(finding_loads_once)
{
    const struct plugin_iface *a = NULL, *again = NULL;

    scan(FIRST);
    ck_assert_msg(registry_find(&reg, DLFW_KIND_BACKEND, "alpha", &a, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_str_eq(a->iface->name, "alpha");
    ck_assert_str_eq(getenv("DLFW_TEST_CODE_RAN"), "alpha");
    ck_assert_int_eq(registry_find(&reg, DLFW_KIND_BACKEND, "alpha", &again, &err.e), DLFW_OK);
    ck_assert_ptr_eq(a, again);
    ck_assert_ptr_null(entry_of(FIRST "/dlfw-backend-beta.so")->file);
}
END_TEST

START_TEST(what_is_not_found_is_explained)
{
    static const struct {
        uint32_t kind;
        const char *name;
        dlfw_status status;
        const char *says;
    } cases[] = {
        {DLFW_KIND_BACKEND, "aplha", DLFW_E_NOT_FOUND, "no backend 'aplha'; did you mean 'alpha'?; searched " FIRST},
        {DLFW_KIND_FORMAT, "alpha", DLFW_E_NOT_FOUND, "no format 'alpha'; searched " FIRST},
        {DLFW_KIND_BACKEND, "zzz", DLFW_E_NOT_FOUND, "no backend 'zzz'; searched " FIRST},
        {DLFW_KIND_BACKEND, "old", DLFW_E_NOT_FOUND,
         "cannot use backend 'old': plugin '" FIRST "/dlfw-backend-old.so': built for plugin ABI 2.2"},
        {DLFW_KIND_BACKEND, "picky", DLFW_E_ABI, "plugin '" FIRST "/dlfw-backend-picky.so': needs plugin ABI 1.9"},
        {DLFW_KIND_BACKEND, "picky", DLFW_E_NOT_FOUND,
         "cannot use backend 'picky': plugin '" FIRST "/dlfw-backend-picky.so': needs plugin ABI 1.9"},
        {DLFW_KIND_BACKEND, "/no/such.so", DLFW_E_NOT_FOUND, "plugin '/no/such.so': cannot open: No such file"},
        {DLFW_KIND_BACKEND, FIRST "/dlfw-hook-counter.so", DLFW_E_NOT_FOUND, "offers no backend"},
    };

    scan(FIRST);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct plugin_iface *iface = NULL;

        ck_assert_msg(registry_find(&reg, cases[i].kind, cases[i].name, &iface, &err.e) == cases[i].status, "%s: %s",
                      cases[i].name, err.text);
        ck_assert_msg(strstr(err.text, cases[i].says), "message '%s' lacks '%s'", err.text, cases[i].says);
        ck_assert_ptr_null(iface);
    }
}
END_TEST

START_TEST(a_path_names_a_file)
{
    const struct plugin_iface *by_name = NULL, *by_path = NULL, *other = NULL;

    setenv("DLFW_PLUGIN_PATH", SECOND, 1);
    scan(FIRST);
    /* known under another spelling: the same plugin, not a second copy */
    ck_assert_int_eq(registry_find(&reg, DLFW_KIND_BACKEND, "beta", &by_name, &err.e), DLFW_OK);
    ck_assert_int_eq(registry_find(&reg, DLFW_KIND_BACKEND, FIRST "/../first/dlfw-backend-beta.so", &by_path, &err.e),
                     DLFW_OK);
    ck_assert_ptr_eq(by_name, by_path);
    /* a duplicate by name is usable by path */
    ck_assert_msg(registry_find(&reg, DLFW_KIND_BACKEND, FIRST "/dlfw-backend-alpha.so", &other, &err.e) == DLFW_OK,
                  "%s", err.text);
    ck_assert_str_eq(other->file->path, FIRST "/dlfw-backend-alpha.so");
    /* and one that no scan saw */
    ck_assert_msg(registry_find(&reg, DLFW_KIND_BACKEND, TEST_PLUGIN_DIR "/load/good.so", &other, &err.e) == DLFW_OK,
                  "%s", err.text);
    ck_assert_str_eq(other->iface->name, "tiny");
}
END_TEST

START_TEST(checking_puts_a_layer_between)
{
    const struct plugin_iface *iface = NULL;
    const dlfw_backend_ops *under;

    reg.check = true;
    scan(FIRST);
    ck_assert_int_eq(registry_find(&reg, DLFW_KIND_BACKEND, "alpha", &iface, &err.e), DLFW_OK);
    under = iface->iface->ops;
    ck_assert(iface->ops.backend.perform != under->perform);
    ck_assert(iface->ops.backend.create != under->create);
    ck_assert_ptr_null(iface->ops.backend.submit);
    ck_assert_uint_eq(iface->ops.backend.op_mask, under->op_mask);
}
END_TEST

START_TEST(options_are_filled_from_a_mapping)
{
    static const char yaml[] = "size: 8KiB\nsise: 3\nuri_scheme: x\n";
    static const char *const extra[] = {"uri_scheme", NULL};
    struct problem_list problems = {.count = 0};
    const struct plugin_iface *iface = NULL;
    struct node_tree tree = {.root = NULL};
    struct {
        uint64_t size;
        const char *token;
    } * options;

    scan(FIRST);
    ck_assert_int_eq(registry_find(&reg, DLFW_KIND_BACKEND, "alpha", &iface, &err.e), DLFW_OK);
    ck_assert_msg(yaml_read_text("t.yaml", yaml, sizeof yaml - 1, &tree, &err.e) == DLFW_OK, "%s", err.text);
    options = registry_options(iface, &tree, NULL, "storage", NULL, &problems);
    ck_assert_uint_eq(options->size, 1u << 20);
    ck_assert_uint_eq(problems.count, 0);
    options = registry_options(iface, &tree, tree.root, "storage", extra, &problems);
    ck_assert_uint_eq(options->size, 8192);
    ck_assert_ptr_null(options->token);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_msg(strstr(problems.items[0].text, "t.yaml:2:1") && strstr(problems.items[0].text, "sise"), "%s",
                  problems.items[0].text);
    problem_list_free(&problems);
    node_tree_free(&tree);
}
END_TEST

START_TEST(twenty_plugins_are_listed_in_no_time)
{
    char dir[] = "/tmp/dlfw-registry-XXXXXX", path[64];
    uint64_t best = UINT64_MAX;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "%s/dlfw-backend-p%d.so", dir, i);
        ck_assert_int_eq(symlink(FIRST "/dlfw-backend-alpha.so", path), 0);
    }
    for (int run = 0; run < 5; run++) {
        uint64_t begin = clock_now_ns();

        scan(dir);
        if (clock_now_ns() - begin < best)
            best = clock_now_ns() - begin;
        ck_assert_uint_ge(reg.count, 20);
        registry_free(&reg);
    }
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "%s/dlfw-backend-p%d.so", dir, i);
        unlink(path);
    }
    rmdir(dir);
    printf("20 notes: %llu us\n", (unsigned long long)best / 1000);
    ck_assert_uint_lt(best, 20000000);
}
END_TEST

START_TEST(host_table_is_complete)
{
    const dlfw_host *host = host_table();
    const char *const *functions = (const char *const *)&host->log;
    unsigned char a[64], b[64];
    struct error_slot slot;

    ck_assert_uint_eq(host->struct_size, sizeof *host);
    ck_assert_str_eq(host->version, DLFW_TEST_VERSION);
    for (size_t i = 0; i < (sizeof *host - offsetof(dlfw_host, log)) / sizeof(void *); i++)
        ck_assert_msg(functions[i] != NULL, "host function %zu is missing", i);
    ck_assert_uint_eq(host->crc32(0, "123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(host->crc32c(0, "123456789", 9), 0xe3069283);
    host->content_fill(1, 2, 0, a, sizeof a);
    host->content_fill(1, 2, 32, b, sizeof b);
    ck_assert_mem_eq(a + 32, b, 32);
    ck_assert_uint_eq(host->content_check(1, 2, 0, a, sizeof a), sizeof a);
    ck_assert_ptr_null(host->extension("org.example.x/draft-1"));
    ck_assert_int_eq(host->cancelled(NULL), 0);
    host_cancel_level = 1;
    ck_assert_int_ne(host->cancelled(NULL), 0);
    host_cancel_level = 0;
    error_slot_init(&slot);
    ck_assert_int_eq(host->config_fail(NULL, "size", "too odd", &slot.e), DLFW_E_CONFIG);
    ck_assert_str_eq(slot.text, "size: too odd");
}
END_TEST

START_TEST(host_nodes_and_config_fail_carry_the_place)
{
    static const char yaml[] = "size: 8KiB\nlist: [a, 7, yes]\nmap: {x: 1.5, wait: 250ms}\n";
    const dlfw_host *host = host_table();
    struct node_tree tree = {.root = NULL};
    struct host_instance instance = {.name = "storage 'alpha'"};
    const dlfw_node *list, *map;
    char where[32];
    uint64_t u = 0;
    int64_t i = 0;
    double f = 0;
    uint8_t b = 0;
    uint32_t len = 0;

    ck_assert_msg(yaml_read_text("t.yaml", yaml, sizeof yaml - 1, &tree, &err.e) == DLFW_OK, "%s", err.text);
    instance.config = tree.root;
    ck_assert_uint_eq(host->node_kind(tree.root), DLFW_NODE_MAP);
    ck_assert_uint_eq(host->node_count(tree.root), 3);
    ck_assert_str_eq(host->node_key(tree.root, 1), "list");
    ck_assert_ptr_null(host->node_key(tree.root, 3));
    list = host->node_get(tree.root, "list");
    map = host->node_at(tree.root, 2);
    ck_assert_ptr_null(host->node_get(tree.root, "absent"));
    ck_assert_ptr_null(host->node_at(tree.root, 3));
    ck_assert(list->used && map->used && !node_get(tree.root, "size")->used);
    ck_assert_str_eq(host->node_str(host->node_at(list, 0), &len), "a");
    ck_assert_uint_eq(len, 1);
    ck_assert_ptr_null(host->node_str(map, &len));
    ck_assert_int_eq(host->node_i64(host->node_at(list, 1), &i, &err.e), DLFW_OK);
    ck_assert_int_eq(i, 7);
    ck_assert_int_eq(host->node_bool(host->node_at(list, 2), &b, &err.e), DLFW_OK);
    ck_assert_uint_eq(b, 1);
    ck_assert_int_eq(host->node_f64(host->node_get(map, "x"), &f, &err.e), DLFW_OK);
    ck_assert_double_eq(f, 1.5);
    ck_assert_int_eq(host->node_duration(host->node_get(map, "wait"), &u, &err.e), DLFW_OK);
    ck_assert_uint_eq(u, 250000000);
    ck_assert_int_eq(host->node_size(host->node_get(tree.root, "size"), &u, &err.e), DLFW_OK);
    ck_assert_uint_eq(u, 8192);
    ck_assert_int_eq(host->node_u64(host->node_at(list, 0), &u, &err.e), DLFW_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "t.yaml:2:8"));
    host->node_where(host->node_at(list, 1), where, sizeof where);
    ck_assert_str_eq(where, "t.yaml:2:11");
    ck_assert_int_eq(host->config_fail(&instance, "size", "must be odd", &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, "t.yaml:1:7: ") && strstr(err.text, "size: must be odd"), "%s", err.text);
    ck_assert_int_eq(host->config_fail(&instance, "token", "is needed", &err.e), DLFW_E_CONFIG);
    ck_assert_msg(strstr(err.text, "t.yaml:1:1: ") && strstr(err.text, "token: is needed"), "%s", err.text);
    node_tree_free(&tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_given_directory_is_listed_whole_in_order);
    tcase_add_test(tc, the_environment_comes_first_and_the_winner_is_named);
    tcase_add_test(tc, one_directory_under_two_names_is_read_once);
    tcase_add_test(tc, a_given_directory_must_be_there);
    tcase_add_test(tc, finding_loads_once);
    tcase_add_test(tc, what_is_not_found_is_explained);
    tcase_add_test(tc, a_path_names_a_file);
    tcase_add_test(tc, checking_puts_a_layer_between);
    tcase_add_test(tc, options_are_filled_from_a_mapping);
    tcase_add_test(tc, twenty_plugins_are_listed_in_no_time);
    tcase_add_test(tc, host_table_is_complete);
    tcase_add_test(tc, host_nodes_and_config_fail_carry_the_place);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
