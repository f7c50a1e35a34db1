/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what a walk finds: everything that is meant goes, nothing else does, and failures are told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "transfer/removal.h"
#include "transfer/removal_gate.h"
#include "transfer_tree.h"

#define MS 1000000ull

static struct tree tree;
static struct error_slot err;
static struct removal_result result;
static _Atomic uint64_t done, bytes;
static _Atomic uint32_t found_count;

static void setup(void)
{
    error_slot_init(&err);
    result = (struct removal_result){0};
    done = bytes = 0;
    found_count = 0;
}

static void plant(uint64_t caps)
{
    tree_init(&tree, caps, 100);
    for (int i = 0; i < 700; i++)
        tree_add(&tree, "a/%d/%d", i % 7, i);
    for (int i = 0; i < 300; i++)
        tree_add(&tree, "b/%d.tmp", i);
}

static void found(void *ctx, uint32_t worker, const char *name, uint32_t name_len)
{
    (void)ctx;
    (void)worker;
    ck_assert_ptr_nonnull(tree_find(&tree, name, name_len));
    atomic_fetch_add(&found_count, 1);
}

static dlfw_status remove_tree(struct removal_args args)
{
    struct storage *st = tree_open(&tree);
    dlfw_status status;

    args.storage = st;
    args.prefix = "";
    args.recursive = true;
    args.done = &done;
    args.bytes = &bytes;
    args.found = found;
    status = removal_run(&args, &result, &err.e);
    storage_close(st);
    return status;
}

static const uint64_t all_caps[] = {0, DLFW_BACKEND_STREAMS};

START_TEST(test_all_goes)
{
    uint64_t sum = 0;

    plant(all_caps[_i]);
    for (uint32_t i = 0; i < tree.count; i++)
        sum += strlen(tree.keys[i].key); /* the fixture's sizes */
    ck_assert_msg(remove_tree((struct removal_args){.jobs = 8}) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(tree_left(&tree), 0);
    ck_assert_uint_eq(result.objects, 1000);
    ck_assert_uint_eq(result.failed, 0);
    ck_assert_uint_eq(done, 1000);
    ck_assert_uint_eq(bytes, sum);
    tree_free(&tree);
}
END_TEST

START_TEST(test_only_what_matches)
{
    struct matching *m = NULL;

    plant(all_caps[_i]);
    ck_assert_int_eq(matching_glob("*.tmp", &m, NULL), DLFW_OK);
    ck_assert_int_eq(remove_tree((struct removal_args){.matching = m}), DLFW_OK);
    ck_assert_uint_eq(tree_left(&tree), 700);
    ck_assert_uint_eq(result.objects, 300);
    ck_assert_uint_eq(tree.deletes, 300);
    matching_free(m);
    tree_free(&tree);
}
END_TEST

START_TEST(test_dry_run)
{
    plant(all_caps[_i]);
    ck_assert_int_eq(remove_tree((struct removal_args){.dry_run = true}), DLFW_OK);
    ck_assert_uint_eq(tree_left(&tree), 1000);
    ck_assert_uint_eq(tree.deletes, 0);
    ck_assert_uint_eq(found_count, 1000);
    ck_assert_uint_eq(result.objects, 1000);
    tree_free(&tree);
}
END_TEST

START_TEST(test_one_object_stays)
{
    plant(all_caps[_i]);
    tree.bad_key = "b/77.tmp";
    tree.bad_status = DLFW_E_PERMISSION;
    ck_assert_int_eq(remove_tree((struct removal_args){.jobs = 8}), DLFW_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(err.text, "'b/77.tmp' stays"));
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_uint_eq(result.objects, 999);
    ck_assert_uint_eq(tree_left(&tree), 1);
    tree_free(&tree);
}
END_TEST

/* Somebody else removes, too. */
START_TEST(test_one_object_has_gone)
{
    plant(all_caps[_i]);
    tree.bad_key = "b/77.tmp";
    tree.bad_status = DLFW_E_NOT_FOUND;
    ck_assert_int_eq(remove_tree((struct removal_args){.jobs = 8}), DLFW_OK);
    ck_assert_uint_eq(result.failed, 0);
    ck_assert_uint_eq(result.objects, 999);
    tree_free(&tree);
}
END_TEST

START_TEST(test_throttled)
{
    plant(DLFW_BACKEND_STREAMS);
    tree.throttle = 4; /* fewer than a request is tried */
    ck_assert_msg(remove_tree((struct removal_args){.jobs = 8}) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(tree_left(&tree), 0);
    ck_assert_uint_eq(tree.deletes, 1004);
    tree_free(&tree);
}
END_TEST

START_TEST(test_jobs_bound_what_is_in_flight)
{
    plant(DLFW_BACKEND_STREAMS);
    tree.delay_ns = 20000;
    ck_assert_int_eq(remove_tree((struct removal_args){.jobs = 5}), DLFW_OK);
    ck_assert_uint_eq(tree_left(&tree), 0);
    ck_assert_uint_le(tree.peak[DLFW_OP_DELETE], 5);
    tree_free(&tree);
}
END_TEST

START_TEST(test_listing_and_deleting_overlap)
{
    plant(DLFW_BACKEND_STREAMS);
    tree.delay_ns = 100000;
    ck_assert_int_eq(remove_tree((struct removal_args){0}), DLFW_OK);
    ck_assert_uint_gt(tree.peak[DLFW_OP_DELETE], 8);
    tree_free(&tree);
}
END_TEST

/* --- keys that are given --- */

struct tally {
    uint32_t good, missing;
};

static void each(void *ctx, const struct removal_key *key, const struct io_op *op)
{
    struct tally *t = ctx;

    ck_assert_uint_eq(key->size, 42);
    t->good += op->status == DLFW_OK;
    t->missing += op->status == DLFW_E_NOT_FOUND;
}

START_TEST(test_given_keys)
{
    static const uint32_t depths[] = {1, 2, 7, 1000};
    struct removal_key keys[300];
    struct tally tally = {0};
    struct io_queue *queue = NULL;
    struct storage *st;

    plant(DLFW_BACKEND_STREAMS);
    for (uint32_t i = 0; i < 300; i++) {
        const char *name = i % 3 ? tree.keys[i].key : "no such key";

        keys[i] = (struct removal_key){name, (uint32_t)strlen(name), 42};
    }
    st = tree_open(&tree);
    ck_assert_int_eq(io_queue_create(st, depths[_i], &queue, NULL), DLFW_OK);
    removal_keys(queue, DLFW_OP_DELETE, keys, 300, NULL, each, &tally);
    removal_keys(queue, DLFW_OP_DELETE, keys, 0, NULL, each, &tally);
    ck_assert_uint_eq(tally.good, 200);
    ck_assert_uint_eq(tally.missing, 100);
    ck_assert_uint_eq(tree_left(&tree), 800);
    io_queue_destroy(queue);
    storage_close(st);
    tree_free(&tree);
}
END_TEST

/* --- local files --- */

static struct registry registry;
static char folder[256];

static char *path_of(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name)
{
    FILE *f = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(f);
    fputs("four", f);
    fclose(f);
}

static bool is_there(const char *name)
{
    struct stat s;

    return lstat(path_of(name), &s) == 0;
}

/* tree/{x,a/{1,2,e/{3}},none/,link -> outside}, outside/y */
static void setup_files(void)
{
    static const char *const folders[] = {"tree", "tree/a", "tree/a/e", "tree/none", "outside"};
    static const char *const files[] = {"tree/x", "tree/a/1", "tree/a/2.tmp", "tree/a/e/3.tmp", "outside/y"};

    setup();
    ck_assert_msg(registry_scan(&registry, DLFW_TEST_PLUGIN_DIR, &err.e) == DLFW_OK, "%s", err.text);
    snprintf(folder, sizeof folder, "%s/removal-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        ck_assert_int_eq(mkdir(path_of(folders[i]), 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        make_file(files[i]);
    ck_assert_int_eq(symlink("../outside", path_of("tree/link")), 0);
}

static void teardown_files(void)
{
    static const char *const rest[] = {"tree/link",      "tree/x",     "tree/a/1",  "tree/a/2.tmp",
                                       "tree/a/e/3.tmp", "tree/a/bad", "outside/y", "tree/a/e",
                                       "tree/a",         "tree/none",  "tree",      "outside"};

    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        (void)remove(path_of(rest[i]));
    ck_assert_int_eq(rmdir(folder), 0);
    registry_free(&registry);
}

static void ignore_found(void *ctx, uint32_t worker, const char *name, uint32_t name_len)
{
    (void)ctx;
    (void)worker;
    (void)name;
    (void)name_len;
    atomic_fetch_add(&found_count, 1);
}

static dlfw_status remove_files(struct removal_args args)
{
    const struct storage_args how = {.registry = &registry, .uri = path_of("tree")};
    struct storage *st = NULL;
    dlfw_status status;

    ck_assert_msg(storage_open(&how, &st, &err.e) == DLFW_OK, "%s", err.text);
    args.storage = st;
    args.prefix = "";
    args.done = &done;
    args.bytes = &bytes;
    args.found = ignore_found;
    status = removal_run(&args, &result, &err.e);
    storage_close(st);
    return status;
}

START_TEST(test_folders_go_and_links_are_not_followed)
{
    ck_assert_msg(remove_files((struct removal_args){.recursive = true, .jobs = (uint32_t)_i}) == DLFW_OK, "%s",
                  err.text);
    ck_assert(!is_there("tree"));
    ck_assert(is_there("outside/y"));
    ck_assert_uint_eq(result.objects, 5); /* the link is one */
    ck_assert_uint_eq(result.folders, 4);
    ck_assert_uint_eq(bytes, 16);
}
END_TEST

START_TEST(test_what_matches_goes_and_folders_stay)
{
    struct matching *m = NULL;

    ck_assert_int_eq(matching_regex("tmp$|y$", &m, NULL), DLFW_OK);
    ck_assert_int_eq(remove_files((struct removal_args){.recursive = true, .matching = m}), DLFW_OK);
    matching_free(m);
    ck_assert(is_there("tree/x") && is_there("tree/a/1") && is_there("tree/a/e") && is_there("tree/link"));
    ck_assert(is_there("outside/y"));
    ck_assert(!is_there("tree/a/2.tmp") && !is_there("tree/a/e/3.tmp"));
    ck_assert_uint_eq(result.objects, 2);
    ck_assert_uint_eq(result.folders, 0);
}
END_TEST

START_TEST(test_one_level)
{
    struct matching *m = NULL;

    ck_assert_int_eq(matching_glob("*", &m, NULL), DLFW_OK);
    ck_assert_int_eq(remove_files((struct removal_args){.matching = m}), DLFW_OK);
    matching_free(m);
    ck_assert(!is_there("tree/x"));
    ck_assert(is_there("tree/a/1") && is_there("tree/link"));
    ck_assert_uint_eq(result.objects, 1);
}
END_TEST

START_TEST(test_dry_run_of_files)
{
    ck_assert_int_eq(remove_files((struct removal_args){.recursive = true, .dry_run = true}), DLFW_OK);
    ck_assert(is_there("tree/x") && is_there("tree/a/e/3.tmp") && is_there("tree/none") && is_there("tree/link"));
    ck_assert_uint_eq(found_count, 9);
    ck_assert_uint_eq(result.objects, 5);
    ck_assert_uint_eq(result.folders, 4);
}
END_TEST

/* A link to nothing is no object, so its folder stays, and those above it: one failure, not three. */
START_TEST(test_a_folder_stays)
{
    ck_assert_int_eq(symlink("nowhere", path_of("tree/a/bad")), 0);
    ck_assert_int_eq(remove_files((struct removal_args){.recursive = true}), DLFW_E_BUSY);
    ck_assert_ptr_nonnull(strstr(err.text, "the folder 'a/' cannot be removed"));
    ck_assert_uint_eq(result.failed, 1);
    ck_assert(is_there("tree/a/bad"));
    ck_assert(!is_there("tree/a/e") && !is_there("tree/none") && !is_there("tree/x"));
}
END_TEST

/* --- the gate, in its own time --- */

static struct removal_gate gate;
static uint64_t now;

/* ms milliseconds in which deletes end per_ms at a time, as many as possible in flight. */
static void run_for(uint32_t ms, uint32_t per_ms, bool throttled)
{
    for (uint32_t i = 0; i < ms; i++) {
        uint32_t n = gate_enter(&gate, per_ms, false);

        (void)gate_enter(&gate, 0, false); /* nobody is turned away who wants nothing */
        now += MS;
        gate_leave(&gate, n, throttled && i == 0, now);
    }
}

START_TEST(test_gate_grows_while_it_is_faster)
{
    now = 1;
    gate_init(&gate, 10, 1000, now);
    run_for(2000, 100000, false); /* whatever is let in ends within a millisecond */
    ck_assert_uint_eq(gate.limit, 1000);
    gate_destroy(&gate);
}
END_TEST

START_TEST(test_gate_stays_where_more_is_no_faster)
{
    now = 1;
    gate_init(&gate, 16, 1000, now);
    /* the service ends 16 in a millisecond, however many there are */
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t in = gate_enter(&gate, 100000, false);

        ck_assert_uint_le(in, 64);
        now += MS * (in > 16 ? in / 16 : 1);
        gate_leave(&gate, in, false, now);
    }
    ck_assert_uint_le(gate.limit, 32);
    ck_assert_uint_ge(gate.limit, 16);
    gate_destroy(&gate);
}
END_TEST

START_TEST(test_gate_backs_off)
{
    now = 1;
    gate_init(&gate, 64, 64, now);
    run_for(1, 100000, true);
    ck_assert_uint_eq(gate.limit, 32);
    run_for(100, 100000, true); /* at once again: held against nobody */
    ck_assert_uint_eq(gate.limit, 32);
    for (int i = 0; i < 20; i++)
        run_for(1001, 1, true);
    ck_assert_uint_eq(gate.limit, 1); /* never none */
    run_for(5000, 100000, false);
    ck_assert_uint_eq(gate.limit, 64);
    gate_destroy(&gate);
}
END_TEST

START_TEST(test_gate_lets_in_no_more_than_its_limit)
{
    gate_init(&gate, 10, 20, 1);
    ck_assert_uint_eq(gate_enter(&gate, 7, true), 7);
    ck_assert_uint_eq(gate_enter(&gate, 7, true), 3);
    ck_assert_uint_eq(gate_enter(&gate, 7, false), 0);
    gate_leave(&gate, 5, false, 2);
    ck_assert_uint_eq(gate_enter(&gate, 7, true), 5);
    gate_destroy(&gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_removal");
    TCase *names = tcase_create("names"), *files = tcase_create("files"), *gates = tcase_create("gate");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(names, setup, NULL);
    tcase_add_loop_test(names, test_all_goes, 0, 2);
    tcase_add_loop_test(names, test_only_what_matches, 0, 2);
    tcase_add_loop_test(names, test_dry_run, 0, 2);
    tcase_add_loop_test(names, test_one_object_stays, 0, 2);
    tcase_add_loop_test(names, test_one_object_has_gone, 0, 2);
    tcase_add_test(names, test_throttled);
    tcase_add_test(names, test_jobs_bound_what_is_in_flight);
    tcase_add_test(names, test_listing_and_deleting_overlap);
    tcase_add_loop_test(names, test_given_keys, 0, 4);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(files, setup_files, teardown_files);
    tcase_add_loop_test(files, test_folders_go_and_links_are_not_followed, 0, 3);
    tcase_add_test(files, test_what_matches_goes_and_folders_stay);
    tcase_add_test(files, test_one_level);
    tcase_add_test(files, test_dry_run_of_files);
    tcase_add_test(files, test_a_folder_stays);
    suite_add_tcase(suite, files);
    tcase_add_test(gates, test_gate_grows_while_it_is_faster);
    tcase_add_test(gates, test_gate_stays_where_more_is_no_faster);
    tcase_add_test(gates, test_gate_backs_off);
    tcase_add_test(gates, test_gate_lets_in_no_more_than_its_limit);
    suite_add_tcase(suite, gates);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
