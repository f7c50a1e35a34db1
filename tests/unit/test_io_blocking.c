/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/script_backend.h"

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct error_slot err;

static void open_config(const struct script_config *config)
{
    error_slot_init(&err);
    script = script_create(config);
    storage = script_storage(script, "retry: {backoff: 1ms}");
    ck_assert_int_eq(io_queue_create(storage, 4, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static const struct script_config kinds[] = {
    {.native = true},
    {.blocking = true},
    {.native = true,
     .limits = {.mem_align = 512, .read_offset_align = 512, .read_length_align = 512, .write_length_align = 512}},
};

START_TEST(put_stat_read_delete)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 65535, 65536, 65537, 300000};
    uint8_t *data = malloc(300001);
    uint64_t size, len;
    char *text;

    open_config(&kinds[_i]);
    script_fill(data, 300001, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(io_put(queue, "a/b", data + 1, sizes[i], 0, &err.e), DLFW_OK);
        ck_assert_int_eq(io_stat(queue, "a/b", &size, &err.e), DLFW_OK);
        ck_assert_uint_eq(size, sizes[i]);
        ck_assert_msg(io_read_all(queue, "a/b", 1 << 20, &text, &len, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_mem_eq(text, data + 1, len);
        ck_assert_int_eq(text[len], 0);
        free(text);
    }
    ck_assert_int_eq(io_delete(queue, "a/b", &err.e), DLFW_OK);
    ck_assert_int_eq(io_delete(queue, "a/b", &err.e), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot delete 'a/b': no such object");
    ck_assert_int_eq(io_stat(queue, "a/b", &size, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(io_read_all(queue, "a/b", 100, &text, &len, &err.e), DLFW_E_NOT_FOUND);
    free(data);
    close_all();
}
END_TEST

START_TEST(reading_too_much_is_refused)
{
    static const struct {
        size_t size;
        uint64_t max;
        bool good;
    } cases[] = {{100, 99, false}, {100, 100, true}, {70000, 69999, false}, {70000, 70000, true}, {1, 0, false}};
    char data[70000] = {0};
    uint64_t len;
    char *text;

    open_config(&(struct script_config){.native = true});
    script_set(script, "k", data, cases[_i].size);
    ck_assert_int_eq(io_read_all(queue, "k", cases[_i].max, &text, &len, &err.e),
                     cases[_i].good ? DLFW_OK : DLFW_E_BUFFER_TOO_SMALL);
    if (cases[_i].good)
        free(text);
    else
        ck_assert_ptr_nonnull(strstr(err.text, "'k' is larger"));
    close_all();
}
END_TEST

START_TEST(put_flags_arrive)
{
    open_config(&(struct script_config){.native = true});
    ck_assert_int_eq(io_put(queue, "k", "x", 1, DLFW_REQ_EXCLUSIVE, &err.e), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "k", "x", 1, DLFW_REQ_EXCLUSIVE, &err.e), DLFW_E_EXISTS);
    ck_assert_int_eq(io_put(queue, "k", "x", 1, 0, &err.e), DLFW_OK);
    close_all();
}
END_TEST

START_TEST(a_backend_without_roots_needs_none)
{
    open_config(&(struct script_config){.native = true, .without = DLFW_OP_BIT(DLFW_OP_MAKE_ROOT)});
    ck_assert_int_eq(io_make_root(queue, "train", &err.e), DLFW_OK);
    ck_assert_uint_eq(script_calls(script, 0), 0);
    close_all();
}
END_TEST

struct seen {
    uint32_t count, stop_at;
    uint64_t bytes;
    bool names[512];
};

static bool see(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    struct seen *seen = ctx;
    char text[64];
    unsigned i;

    ck_assert_uint_lt(name_len, sizeof text);
    memcpy(text, name, name_len);
    text[name_len] = '\0';
    ck_assert_int_eq(sscanf(text, "d/%u", &i), 1);
    ck_assert(!seen->names[i]);
    seen->names[i] = true;
    seen->bytes += size;
    return ++seen->count != seen->stop_at;
}

/* names around the page of 10, listed to the end and stopped at every place. */
START_TEST(listing_gives_every_name_once)
{
    static const uint32_t counts[] = {0, 1, 9, 10, 11, 20, 95};
    uint32_t count = counts[_i];
    char key[32];

    open_config(&(struct script_config){.native = true, .page_entries = 10});
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "d/%u", i);
        script_set(script, key, "abc", 3);
    }
    script_set(script, "other", "abc", 3);
    for (uint32_t stop = 0; stop <= count; stop += stop < 25 ? 1 : 7) {
        struct seen seen = {.stop_at = stop};

        ck_assert_msg(io_list(queue, "d/", true, see, &seen, &err.e) == DLFW_OK, "%s", err.text);
        ck_assert_uint_eq(seen.count, stop ? stop : count);
        ck_assert_uint_eq(seen.bytes, seen.count * 3);
        ck_assert_uint_eq(script_cursors(script), 0);
    }
    close_all();
}
END_TEST

/* A page that fails is an error, at every page; a first page may be tried again. */
START_TEST(a_failing_page_is_an_error)
{
    struct seen seen = {0};
    char key[32];

    open_config(&(struct script_config){.native = true, .page_entries = 10});
    for (uint32_t i = 0; i < 35; i++) {
        snprintf(key, sizeof key, "d/%u", i);
        script_set(script, key, "abc", 3);
    }
    /* The later pages keep their cursor (MORE), so that it has to be closed. */
    script_rule(script, (struct script_rule){.op = DLFW_OP_LIST,
                                             .from = (uint64_t)_i,
                                             .count = 1,
                                             .status = DLFW_E_UNAVAILABLE,
                                             .after = true,
                                             .flags = _i ? DLFW_COMP_MORE : 0});
    ck_assert_int_eq(io_list(queue, "d/", true, see, &seen, &err.e), DLFW_E_UNAVAILABLE);
    ck_assert_str_eq(err.text, "cannot list 'd/': scripted failure");
    ck_assert_uint_eq(seen.count, (uint32_t)_i * 10);
    ck_assert_uint_eq(script_cursors(script), 0);
    close_all();
}
END_TEST

START_TEST(a_missing_prefix_is_an_error)
{
    struct seen seen = {0};

    open_config(&(struct script_config){.native = true});
    script_rule(script, (struct script_rule){.op = DLFW_OP_LIST, .count = 1, .status = DLFW_E_NOT_FOUND});
    ck_assert_int_eq(io_list(queue, "none", false, see, &seen, &err.e), DLFW_E_NOT_FOUND);
    ck_assert_uint_eq(seen.count, 0);
    close_all();
}
END_TEST

START_TEST(errors_may_be_left_out)
{
    char *text;
    uint64_t len;

    open_config(&(struct script_config){.native = true});
    ck_assert_int_eq(io_stat(queue, "k", &len, NULL), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(io_read_all(queue, "k", 10, &text, &len, NULL), DLFW_E_NOT_FOUND);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_blocking");
    TCase *tc = tcase_create("io_blocking");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, put_stat_read_delete, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_loop_test(tc, reading_too_much_is_refused, 0, 5);
    tcase_add_test(tc, put_flags_arrive);
    tcase_add_test(tc, a_backend_without_roots_needs_none);
    tcase_add_loop_test(tc, listing_gives_every_name_once, 0, 7);
    tcase_add_loop_test(tc, a_failing_page_is_an_error, 1, 3);
    tcase_add_test(tc, a_missing_prefix_is_an_error);
    tcase_add_test(tc, errors_may_be_left_out);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
