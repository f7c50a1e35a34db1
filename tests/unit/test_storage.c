/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from a URI and a tree to a backend plugin, with the checking layer between, and back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/yaml_read.h"
#include "io/stream_writer.h"
#include "support/script_backend.h"

static struct registry registry;
static struct node_tree tree;
static struct problem_list problems;
static struct error_slot err;
static char folder[256];

static void setup(void)
{
    error_slot_init(&err);
    ck_assert_msg(registry_scan(&registry, DLFW_TEST_PLUGIN_DIR, &err.e) == DLFW_OK, "%s", err.text);
    registry.check = true;
    snprintf(folder, sizeof folder, "%s/storage-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
    problem_list_free(&problems);
    node_tree_free(&tree);
    registry_free(&registry);
}

static struct storage_args args_for(const char *uri, const char *yaml)
{
    struct storage_args args = {
        .registry = &registry, .uri = uri, .tree = &tree, .problems = &problems, .name = "dataset"};

    if (yaml) {
        ck_assert_msg(yaml_read_text("run.yaml", yaml, strlen(yaml), &tree, &err.e) == DLFW_OK, "%s", err.text);
        args.options = node_get(tree.root, "storage_options");
        args.wrap = node_get(tree.root, "wrap");
        args.retry = node_get(tree.root, "retry");
    }
    return args;
}

static struct storage *open_good(const char *uri, const char *yaml)
{
    struct storage_args args = args_for(uri, yaml);
    struct storage *st = NULL;

    if (storage_open(&args, &st, &err.e) < 0)
        ck_abort_msg("%s: %s", err.text, problems.count ? problems.items[0].text : "");
    return st;
}

START_TEST(a_missing_plugin_is_named_with_a_remedy)
{
    struct storage_args args = args_for("s9://bucket/x", NULL);
    struct storage *st = NULL;

    ck_assert_int_eq(storage_open(&args, &st, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_ptr_null(st);
    ck_assert_msg(strstr(err.text, "cannot open storage 's9://bucket/x'") == err.text, "%s", err.text);
    ck_assert_msg(strstr(err.text, "'s9'") && strstr(err.text, DLFW_TEST_PLUGIN_DIR) &&
                      strstr(err.text, "--plugin-dir"),
                  "%s", err.text);
}
END_TEST

START_TEST(options_reach_the_backend)
{
    struct storage *st = open_good("null://x", "storage_options: {size: 1MiB}");
    struct io_queue *queue;
    uint64_t size = 0;

    ck_assert_str_eq(storage_uri(st), "null://x");
    ck_assert_str_eq(storage_scheme(st), "null");
    ck_assert(storage_caps(st) & DLFW_BACKEND_NO_DATA);
    ck_assert_int_eq(io_queue_create(st, 4, &queue, &err.e), DLFW_OK);
    ck_assert_int_eq(io_stat(queue, "anything", &size, &err.e), DLFW_OK);
    ck_assert_uint_eq(size, 1 << 20);
    io_queue_destroy(queue);
    storage_close(st);
}
END_TEST

START_TEST(unknown_options_are_problems)
{
    struct storage_args args = args_for("null://x", "storage_options: {sizee: 1MiB}");
    struct storage *st = NULL;

    problems.strict = true;
    ck_assert_int_eq(storage_open(&args, &st, &err.e), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 1);
    ck_assert_msg(strstr(problems.items[0].text, "sizee") && strstr(problems.items[0].text, "run.yaml:1:"), "%s",
                  problems.items[0].text);
}
END_TEST

START_TEST(all_mistakes_come_at_once)
{
    struct storage_args args =
        args_for("null://x", "storage_options: {size: many}\nretry: {timeout: never}\nwrap: [{delya: {}}]");
    struct storage *st = NULL;

    ck_assert_int_eq(storage_open(&args, &st, &err.e), DLFW_E_CONFIG);
    ck_assert_uint_eq(problems.errors, 3);
    ck_assert_ptr_nonnull(strstr(err.text, "null://x"));
}
END_TEST

START_TEST(check_only_opens_nothing)
{
    struct storage_args args = args_for("null://x", "storage_options: {size: 1MiB}\nwrap: [{delay: {read: 1ms}}]");
    struct storage *st = (struct storage *)&args;

    args.check_only = true;
    ck_assert_msg(storage_open(&args, &st, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_ptr_null(st);
}
END_TEST

START_TEST(bad_uris_are_refused)
{
    struct storage_args args = args_for("", NULL);
    struct storage *st = NULL;

    ck_assert_int_eq(storage_open(&args, &st, &err.e), DLFW_E_INVALID);
    ck_assert_ptr_null(st);
}
END_TEST

struct names {
    uint32_t count;
    uint64_t bytes;
};

static bool count_name(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    struct names *names = ctx;

    ck_assert(name_len > 6 && memcmp(name, "train/", 6) == 0);
    names->count++;
    names->bytes += size;
    return true;
}

/* Writes two objects (one PUT, one in parts), reads them back in pieces, lists and deletes them. */
static void round_trip(struct storage *st, uint32_t depth)
{
    static const uint64_t sizes[] = {1000, 1000001};
    uint8_t *data = malloc(sizes[1]);
    struct buffer_pool *pool;
    struct io_queue *queue;
    struct names names = {0};
    dlfw_limits limits;

    script_fill(data, sizes[1], 0);
    ck_assert_msg(io_queue_create(st, depth, &queue, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_int_eq(pool_create(st, 64 << 20, &pool, &err.e), DLFW_OK);
    ck_assert_msg(io_make_root(queue, "train", &err.e) == DLFW_OK, "%s", err.text);
    for (int i = 0; i < 2; i++) {
        struct stream_writer_args args = {
            .queue = queue, .pool = pool, .key = i ? "train/b" : "train/a", .keep_head = true};
        struct stream_writer *w;
        struct buffer b;
        struct io_op op = {.op = DLFW_OP_GET, .key = args.key, .key_len = 7};

        ck_assert_msg(writer_open(st, &args, &w, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_msg(writer_append(w, data, sizes[i], &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_msg(writer_commit(w, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_int_eq(storage_limits(st, op.key, op.key_len, &limits, &err.e), DLFW_OK);
        ck_assert_int_eq(pool_take(pool, io_read_cap(&limits, 100, 300000), true, &b, &err.e), DLFW_OK);
        for (uint64_t at = 100; at < sizes[i] + 300000; at += 300000) {
            uint64_t there = at < sizes[i] ? sizes[i] - at : 0;

            op.buf = b.data;
            op.buf_cap = b.cap;
            op.mem_handle = b.mem_handle;
            op.offset = at;
            op.length = 300000;
            ck_assert_msg(io_call(queue, &op, &err.e) == DLFW_OK, "%s", err.text);
            ck_assert_uint_eq(op.bytes, there < 300000 ? there : 300000);
            ck_assert(op.bytes == 0 || memcmp(op.data, data + at, op.bytes) == 0);
        }
        pool_give(pool, &b);
    }
    ck_assert_msg(io_list(queue, "train", true, count_name, &names, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(names.count, 2);
    ck_assert_uint_eq(names.bytes, sizes[0] + sizes[1]);
    ck_assert_int_eq(io_delete(queue, "train/a", &err.e), DLFW_OK);
    ck_assert_int_eq(io_delete(queue, "train/b", &err.e), DLFW_OK);
    ck_assert_int_eq(io_delete(queue, "train/b", &err.e), DLFW_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "train/b"));
    pool_destroy(pool);
    io_queue_destroy(queue);
    free(data);
}

static const struct {
    const char *scheme, *yaml;
    uint32_t depth;
} ways[] = {
    {"", NULL, 1},
    {"file://", NULL, 16},
    {"file://", "storage_options: {engine: pread}", 16},
    {"file://", "wrap: [{delay: {read: 1ms}}, {throttle: {rate: 10GB/s}}]", 16},
    {"direct://", NULL, 16},
    {"direct://", "storage_options: {engine: pread}", 1},
};

START_TEST(files_make_the_round_trip)
{
    char path[300], uri[300];
    struct storage *st;

    snprintf(uri, sizeof uri, "%s%s", ways[_i].scheme, folder);
    st = open_good(uri, ways[_i].yaml);
    ck_assert(storage_caps(st) & DLFW_BACKEND_LOCAL);
    ck_assert_int_eq(storage_probe(st, &err.e), DLFW_OK);
    round_trip(st, ways[_i].depth);
    storage_close(st);
    snprintf(path, sizeof path, "%s/train", folder);
    ck_assert_int_eq(rmdir(path), 0); /* and nothing else is in it */
}
END_TEST

START_TEST(memory_makes_the_round_trip)
{
    struct storage *st = open_good("memory://x", _i ? "wrap: [{delay: {read: 1ms, write: 100us}}]" : NULL);

    round_trip(st, 8);
    storage_close(st);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("storage");
    TCase *tc = tcase_create("storage");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_missing_plugin_is_named_with_a_remedy);
    tcase_add_test(tc, options_reach_the_backend);
    tcase_add_test(tc, unknown_options_are_problems);
    tcase_add_test(tc, all_mistakes_come_at_once);
    tcase_add_test(tc, check_only_opens_nothing);
    tcase_add_test(tc, bad_uris_are_refused);
    tcase_add_loop_test(tc, files_make_the_round_trip, 0, (int)(sizeof ways / sizeof *ways));
    tcase_add_loop_test(tc, memory_makes_the_round_trip, 0, 2);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
