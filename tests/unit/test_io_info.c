/* SPDX-License-Identifier: Apache-2.0 */
/* What a storage tells about an object, and copies that it makes itself: by script, and by the backends file and
 * memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/crc.h"
#include "support/script_backend.h"

static struct script *script;
static struct registry registry;
static struct storage *storage;
static struct io_queue *queue;
static struct error_slot err;
static char folder[256];

static void open_script(const struct script_config *config)
{
    error_slot_init(&err);
    script = script_create(config);
    storage = script_storage(script, "retry: {backoff: 1ms}");
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, NULL), DLFW_OK);
}

static void close_script(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

START_TEST(all_that_is_told_arrives)
{
    struct io_object_info info;

    open_script(&(struct script_config){.native = _i, .blocking = !_i, .tells_info = true});
    script_set(script, "k", "hello", 5);
    ck_assert_msg(io_info(queue, "k", &info, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(info.size, 5);
    ck_assert_uint_eq(info.mtime_ns, SCRIPT_MTIME);
    ck_assert(info.has_crc32c && !info.has_md5);
    ck_assert_uint_eq(info.crc32c, crc32c_update(0, "hello", 5));
    ck_assert_str_eq(info.etag, "e-5");
    ck_assert_str_eq(info.content_type, "t/x");
    ck_assert_str_eq(info.metadata, "a: b\n");
    ck_assert_ptr_null(info.version);
    io_object_info_free(&info);
    ck_assert_int_eq(io_info(queue, "none", &info, &err.e), DLFW_E_NOT_FOUND);
    io_object_info_free(&info);
    close_script();
}
END_TEST

START_TEST(a_backend_that_knows_the_size_alone_is_enough)
{
    struct io_object_info info;

    open_script(&(struct script_config){.native = true});
    script_set(script, "k", "hello", 5);
    ck_assert_int_eq(io_info(queue, "k", &info, &err.e), DLFW_OK);
    ck_assert_uint_eq(info.size, 5);
    ck_assert_uint_eq(info.mtime_ns, 0);
    ck_assert_ptr_null(info.etag);
    io_object_info_free(&info);
    close_script();
}
END_TEST

START_TEST(malformed_answers_are_refused)
{
    static const struct {
        uint64_t bytes;
        uint32_t off, len;
    } rows[] = {{1, 0, 0},     {127, 0, 0},    {4097, 0, 0},         {140, 0, 4},
                {140, 100, 4}, {140, 128, 13}, {140, UINT32_MAX, 12}};
    dlfw_object_info told = {.size = 1, .etag_off = rows[_i].off, .etag_len = rows[_i].len};
    uint8_t *buf = calloc(1, 4096);
    struct io_op op = {.key = "k", .key_len = 1, .buf = buf, .buf_cap = 4096, .bytes = rows[_i].bytes};
    struct io_object_info info;

    error_slot_init(&err);
    memcpy(buf, &told, sizeof told);
    ck_assert_int_eq(io_info_take(&op, &info, &err.e), DLFW_E_INTERNAL);
    ck_assert_ptr_nonnull(strstr(err.text, "'k'"));
    io_object_info_free(&info);
    free(buf);
}
END_TEST

START_TEST(a_copy_is_the_backends)
{
    const uint8_t *data;
    size_t len;

    open_script(&(struct script_config){.native = true});
    script_set(script, "from", "hello", 5);
    ck_assert_int_eq(io_copy(queue, "from", "to/here", &err.e), DLFW_OK);
    data = script_get(script, "to/here", &len);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(data, "hello", 5);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_GET), 0);
    ck_assert_uint_eq(io_queue_stats(queue)->requests[DLFW_OP_COPY], 1);
    ck_assert_int_eq(io_copy(queue, "none", "to/there", &err.e), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot copy to 'to/there': no object 'none'");
    close_script();
}
END_TEST

START_TEST(a_backend_without_copies_says_so)
{
    open_script(&(struct script_config){.native = true, .without = DLFW_OP_BIT(DLFW_OP_COPY)});
    script_set(script, "from", "hello", 5);
    ck_assert_int_eq(io_copy(queue, "from", "to", &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_uint_eq(script_calls(script, 0), 0);
    close_script();
}
END_TEST

START_TEST(copies_are_tried_again)
{
    open_script(&(struct script_config){.native = true});
    script_set(script, "from", "hello", 5);
    script_rule(
        script,
        (struct script_rule){
            .op = DLFW_OP_COPY, .count = 2, .status = DLFW_E_UNAVAILABLE, .flags = DLFW_ERR_RETRYABLE, .after = true});
    ck_assert_int_eq(io_copy(queue, "from", "to", &err.e), DLFW_OK);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_COPY), 3);
    close_script();
}
END_TEST

static const char *const schemes[] = {"file", "direct", "memory"};

static void open_plugin(const char *scheme)
{
    struct storage_args args = {.registry = &registry};
    char uri[300];

    error_slot_init(&err);
    ck_assert_msg(registry_scan(&registry, DLFW_TEST_PLUGIN_DIR, &err.e) == DLFW_OK, "%s", err.text);
    registry.check = true;
    snprintf(folder, sizeof folder, "%s/info-XXXXXX", DLFW_TEST_WORK_DIR);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(uri, sizeof uri, "%s://%s", scheme, folder);
    args.uri = uri;
    ck_assert_msg(storage_open(&args, &storage, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_msg(io_queue_create(storage, 4, &queue, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_int_eq(io_make_root(queue, "", &err.e), DLFW_OK);
}

static void close_plugin(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    registry_free(&registry);
    rmdir(folder);
}

START_TEST(local_objects_have_a_time)
{
    struct io_object_info info;
    uint64_t now = (uint64_t)time(NULL);

    open_plugin(schemes[_i]);
    ck_assert_msg(io_put(queue, "a/k", "hello", 5, 0, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_msg(io_info(queue, "a/k", &info, &err.e) == DLFW_OK, "%s", err.text);
    ck_assert_uint_eq(info.size, 5);
    ck_assert_uint_ge(info.mtime_ns / 1000000000u, now - 2);
    ck_assert_uint_le(info.mtime_ns / 1000000000u, now + 60);
    ck_assert_int_eq(io_delete(queue, "a/k", &err.e), DLFW_OK);
    ck_assert_int_eq(io_remove_root(queue, "a", &err.e), DLFW_OK);
    close_plugin();
}
END_TEST

START_TEST(local_copies_hold_the_same_bytes)
{
    static const size_t sizes[] = {0, 1, 511, 4096, 4097, 3000001};
    uint8_t *data = malloc(3000001);
    char *text;
    uint64_t len;

    open_plugin(schemes[_i]);
    script_fill(data, 3000001, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_msg(io_put(queue, "from", data, sizes[i], 0, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_msg(io_copy(queue, "from", "b/to", &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_msg(io_copy(queue, "b/to", "b/to", &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_msg(io_read_all(queue, "b/to", 4000000, &text, &len, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_mem_eq(text, data, len);
        free(text);
    }
    ck_assert_int_eq(io_copy(queue, "none", "b/to", &err.e), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(err.text, "cannot copy to 'b/to'") && strstr(err.text, "'none'"), "%s", err.text);
    ck_assert_int_eq(io_copy(queue, "../x", "b/to", &err.e), DLFW_E_INVALID);
    ck_assert_int_eq(io_copy(queue, "b", "b/to", &err.e), DLFW_E_INVALID);
    ck_assert_int_eq(io_delete(queue, "from", &err.e), DLFW_OK);
    ck_assert_int_eq(io_delete(queue, "b/to", &err.e), DLFW_OK);
    ck_assert_int_eq(io_remove_root(queue, "b", &err.e), DLFW_OK);
    close_plugin();
    free(data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_info");
    TCase *tc = tcase_create("io_info");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, all_that_is_told_arrives, 0, 2);
    tcase_add_test(tc, a_backend_that_knows_the_size_alone_is_enough);
    tcase_add_loop_test(tc, malformed_answers_are_refused, 0, 7);
    tcase_add_test(tc, a_copy_is_the_backends);
    tcase_add_test(tc, a_backend_without_copies_says_so);
    tcase_add_test(tc, copies_are_tried_again);
    tcase_add_loop_test(tc, local_objects_have_a_time, 0, 3);
    tcase_add_loop_test(tc, local_copies_hold_the_same_bytes, 0, 3);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
