/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over names: each is told once, whatever the storage and the number of workers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "transfer/listing.h"
#include "transfer_tree.h"

struct taker {
    struct tree *tree;
    pthread_mutex_t lock;
    uint32_t names, groups, pages;
    uint32_t page_limit; /* 0: none */
    char order[2000];    /* of leave() */
    const char *unwanted, *spoiled;
};

static struct tree tree;
static struct taker taker;
static struct error_slot err;
static uint64_t failed;

static bool take_page(void *ctx, struct listing_worker *w, const struct listing_page *page)
{
    struct taker *t = ctx;
    bool more;

    ck_assert_uint_lt(w->index, LISTING_WORKERS_MAX);
    ck_assert_uint_gt(page->count, 0);
    pthread_mutex_lock(&t->lock);
    t->pages++;
    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *e = &page->entries[i];
        const char *name = page->names + e->name_off;
        struct tree_key *k = t->tree ? tree_find(t->tree, name, e->name_len) : NULL;

        t->groups += e->size == UINT64_MAX;
        t->names += e->size != UINT64_MAX;
        if (t->tree && e->size != UINT64_MAX)
            ck_assert_msg(k && !k->seen++, "'%.*s' is no key or came twice", (int)e->name_len, name);
        if (t->spoiled && strncmp(name, t->spoiled, strlen(t->spoiled)) == 0)
            listing_spoil(page->folder);
    }
    more = !t->page_limit || t->pages < t->page_limit;
    pthread_mutex_unlock(&t->lock);
    return more;
}

static void setup(void)
{
    error_slot_init(&err);
    taker = (struct taker){0};
    pthread_mutex_init(&taker.lock, NULL);
    failed = 0;
}

static void teardown(void)
{
    pthread_mutex_destroy(&taker.lock);
}

static dlfw_status walk_tree(const char *prefix, bool recursive, uint32_t workers, bool slow)
{
    struct storage *st = tree_open(&tree);
    const struct listing_args args = {.storage = st,
                                      .prefix = prefix,
                                      .recursive = recursive,
                                      .slow_pages = slow,
                                      .workers = workers,
                                      .ctx = &taker,
                                      .page = take_page};
    dlfw_status status = listing_run(&args, &failed, &err.e);

    taker.tree = NULL;
    storage_close(st);
    return status;
}

/* 1000 keys, in folders of very different sizes. */
static void plant(uint64_t caps, uint32_t page)
{
    tree_init(&tree, caps, page);
    for (int i = 0; i < 400; i++)
        tree_add(&tree, "big/%03d", i);
    for (int i = 0; i < 400; i++)
        tree_add(&tree, "many/%d/%d/%d", i % 10, i % 20, i);
    for (int i = 0; i < 150; i++)
        tree_add(&tree, "deep/a/b/c/d/e/%d", i);
    for (int i = 0; i < 50; i++)
        tree_add(&tree, "top %d", i);
    taker.tree = &tree;
}

START_TEST(test_every_name_once)
{
    static const uint64_t caps[] = {0, DLFW_BACKEND_STREAMS};
    static const uint32_t workers[] = {0, 1, 3}, pages[] = {1, 7, 2000};

    plant(caps[_i % 2], pages[_i / 2 % 3]);
    ck_assert_msg(walk_tree("", true, workers[_i / 6 % 3], _i / 18) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(taker.names, 1000);
    ck_assert_uint_eq(taker.groups, 0);
    ck_assert_uint_eq(failed, 0);
    tree_free(&tree);
}
END_TEST

START_TEST(test_one_level)
{
    plant(_i ? DLFW_BACKEND_STREAMS : 0, 7);
    ck_assert_int_eq(walk_tree("", false, 0, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 50);
    ck_assert_uint_eq(taker.groups, 3);
    tree_free(&tree);
}
END_TEST

START_TEST(test_below_a_prefix)
{
    plant(_i % 2 ? DLFW_BACKEND_STREAMS : 0, 7);
    ck_assert_int_eq(walk_tree(_i / 2 ? "many/" : "many", true, 0, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 400);
    tree_free(&tree);
}
END_TEST

/* What fits one page costs one request, folders or not. */
START_TEST(test_small_listing_is_one_request)
{
    plant(DLFW_BACKEND_STREAMS, 2000);
    ck_assert_int_eq(walk_tree("", true, 0, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 1000);
    ck_assert_uint_eq(tree.lists, 1);
    tree_free(&tree);
}
END_TEST

START_TEST(test_streams_list_in_parallel)
{
    plant(DLFW_BACKEND_STREAMS, 20);
    tree.delay_ns = 2000000;
    ck_assert_int_eq(walk_tree("", true, 8, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 1000);
    ck_assert_uint_gt(tree.peak[DLFW_OP_LIST], 2);
    ck_assert_uint_le(tree.peak[DLFW_OP_LIST], 8);
    tree_free(&tree);
}
END_TEST

START_TEST(test_taker_has_enough)
{
    plant(_i ? DLFW_BACKEND_STREAMS : 0, 7);
    taker.page_limit = 3;
    ck_assert_int_eq(walk_tree("", true, 4, _i), DLFW_OK);
    ck_assert_uint_ge(taker.pages, 3);
    ck_assert_uint_lt(taker.names, 200);
    tree_free(&tree); /* no cursor is left */
}
END_TEST

START_TEST(test_a_folder_cannot_be_listed)
{
    plant(DLFW_BACKEND_STREAMS, 20);
    tree.bad_prefix = "big/";
    tree.bad_status = DLFW_E_PERMISSION;
    ck_assert_int_eq(walk_tree("", true, 2, false), DLFW_E_PERMISSION);
    ck_assert_uint_eq(failed, 1);
    ck_assert_ptr_nonnull(strstr(err.text, "big/"));
    ck_assert_uint_eq(taker.names, 600);
    tree_free(&tree);
}
END_TEST

START_TEST(test_a_folder_has_gone)
{
    plant(DLFW_BACKEND_STREAMS, 20);
    tree.bad_prefix = "big/";
    tree.bad_status = DLFW_E_NOT_FOUND;
    ck_assert_int_eq(walk_tree("", true, 2, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 600);
    tree_free(&tree);
}
END_TEST

START_TEST(test_no_such_prefix)
{
    plant(_i ? DLFW_BACKEND_STREAMS : 0, 20);
    ck_assert_int_eq(walk_tree("none", true, 0, false), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "there is no 'none/'"));
    ck_assert_uint_eq(failed, 1);
    tree_free(&tree);
}
END_TEST

/* Objects whose names end in '/', as consoles make them, are objects, and no reason to walk in circles. */
START_TEST(test_folder_markers)
{
    tree_init(&tree, DLFW_BACKEND_STREAMS, 2);
    for (int i = 0; i < 5; i++) {
        tree_add(&tree, "f%d/", i);
        tree_add(&tree, "f%d/x", i);
        tree_add(&tree, "f%d/g/", i);
    }
    taker.tree = &tree;
    ck_assert_int_eq(walk_tree("", true, 3, false), DLFW_OK);
    ck_assert_uint_eq(taker.names, 15);
    tree_free(&tree);
}
END_TEST

START_TEST(test_interrupted)
{
    plant(DLFW_BACKEND_STREAMS, 20);
    atomic_store(&host_cancel_level, 1);
    ck_assert_int_eq(walk_tree("", true, 0, false), DLFW_E_CANCELLED);
    atomic_store(&host_cancel_level, 0);
    tree_free(&tree);
}
END_TEST

/* --- folders of local files --- */

static struct registry registry;
static char folder[256];

static void make(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void make(const char *format, ...)
{
    char name[300], path[600];
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (name[strlen(name) - 1] == '/') {
        ck_assert_int_eq(mkdir(path, 0700), 0);
    } else {
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        fclose(f);
    }
}

static void setup_files(void)
{
    setup();
    ck_assert_msg(registry_scan(&registry, DLFW_TEST_PLUGIN_DIR, &err.e) == DLFW_OK, "%s", err.text);
    snprintf(folder, sizeof folder, "%s/listing-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        make("d%d/", i);
        make("d%d/e/", i);
        for (int k = 0; k < 4; k++)
            make("d%d/e/%d", i, k);
    }
    make("empty/");
    make("x");
}

static void teardown_files(void)
{
    char path[400];

    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++) {
            snprintf(path, sizeof path, "%s/d%d/e/%d", folder, i, k);
            unlink(path);
        }
        snprintf(path, sizeof path, "%s/d%d/e", folder, i);
        rmdir(path);
        snprintf(path, sizeof path, "%s/d%d", folder, i);
        rmdir(path);
    }
    snprintf(path, sizeof path, "%s/empty", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/x", folder);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
    registry_free(&registry);
    teardown();
}

static bool enter(void *ctx, struct listing_worker *w, struct listing_folder *in, const char *name, uint32_t name_len)
{
    const struct taker *t = ctx;

    ck_assert_ptr_nonnull(w->queue);
    ck_assert_ptr_nonnull(in);
    return !t->unwanted || strlen(t->unwanted) != name_len || memcmp(t->unwanted, name, name_len) != 0;
}

static bool leave(void *ctx, struct listing_worker *w, const char *name, uint32_t name_len)
{
    struct taker *t = ctx;
    size_t len = strlen(t->order);

    (void)w;
    pthread_mutex_lock(&t->lock);
    snprintf(t->order + len, sizeof t->order - len, "[%.*s]", (int)name_len, name);
    pthread_mutex_unlock(&t->lock);
    return true;
}

static dlfw_status walk_files(void)
{
    const struct storage_args how = {.registry = &registry, .uri = folder};
    struct storage *st = NULL;
    struct listing_args args = {
        .recursive = true, .prefix = "", .ctx = &taker, .page = take_page, .enter = enter, .leave = leave};
    dlfw_status status;

    ck_assert_msg(storage_open(&how, &st, &err.e) == DLFW_OK, "%s", err.text);
    args.storage = st;
    status = listing_run(&args, &failed, &err.e);
    storage_close(st);
    return status;
}

static size_t left_at(const char *name)
{
    const char *at = strstr(taker.order, name);

    ck_assert_msg(at != NULL, "%s was not left: %s", name, taker.order);
    return (size_t)(at - taker.order);
}

START_TEST(test_folders_are_left_from_below)
{
    ck_assert_msg(walk_files() == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(taker.names, 13);
    for (char i = '0'; i < '3'; i++) {
        char inner[] = {'[', 'd', i, '/', 'e', '/', ']', 0}, outer[] = {'[', 'd', i, '/', ']', 0};

        ck_assert_uint_lt(left_at(inner), left_at(outer));
    }
    left_at("[empty/]");
    ck_assert_str_eq(taker.order + strlen(taker.order) - 2, "[]"); /* the root is the last */
}
END_TEST

START_TEST(test_folder_left_out)
{
    taker.unwanted = "d1/e/";
    ck_assert_int_eq(walk_files(), DLFW_OK);
    ck_assert_uint_eq(taker.names, 9);
    ck_assert_ptr_null(strstr(taker.order, "d1/e"));
    left_at("[d1/]");
}
END_TEST

START_TEST(test_spoiled_folder)
{
    taker.spoiled = "d1/e/";
    ck_assert_int_eq(walk_files(), DLFW_OK);
    ck_assert_uint_eq(taker.names, 13);
    ck_assert_ptr_null(strstr(taker.order, "d1"));
    ck_assert_ptr_null(strstr(taker.order, "[]"));
    left_at("[d2/]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_listing");
    TCase *names = tcase_create("names"), *files = tcase_create("files");
    SRunner *runner;
    int bad;

    tcase_add_checked_fixture(names, setup, teardown);
    tcase_add_loop_test(names, test_every_name_once, 0, 36);
    tcase_add_loop_test(names, test_one_level, 0, 2);
    tcase_add_loop_test(names, test_below_a_prefix, 0, 4);
    tcase_add_test(names, test_small_listing_is_one_request);
    tcase_add_test(names, test_streams_list_in_parallel);
    tcase_add_loop_test(names, test_taker_has_enough, 0, 2);
    tcase_add_test(names, test_a_folder_cannot_be_listed);
    tcase_add_test(names, test_a_folder_has_gone);
    tcase_add_loop_test(names, test_no_such_prefix, 0, 2);
    tcase_add_test(names, test_folder_markers);
    tcase_add_test(names, test_interrupted);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(files, setup_files, teardown_files);
    tcase_add_test(files, test_folders_are_left_from_below);
    tcase_add_test(files, test_folder_left_out);
    tcase_add_test(files, test_spoiled_folder);
    suite_add_tcase(suite, files);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    bad = srunner_ntests_failed(runner);
    srunner_free(runner);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
