/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers tell a size, what makes it doubtful, and how many questions are left. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "io/stream_writer.h"
#include "support/script_backend.h"

#define MS 1000000u

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct error_slot err;

static void open_config(const struct script_config *config, const char *yaml)
{
    error_slot_init(&err);
    script = script_create(config);
    script_set(script, "k", "hello", 5);
    storage = script_storage(script, yaml);
    ck_assert_int_eq(io_queue_create(storage, 8, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static bool knows(const char *key, uint64_t size)
{
    uint64_t told = 0;

    return storage_known_size(storage, key, strlen(key), &told) && told == size;
}

static bool see(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    (void)ctx;
    (void)name;
    (void)name_len;
    (void)size;
    return true;
}

START_TEST(answers_tell_sizes)
{
    struct buffer_pool *pool;
    struct stream_writer *w;
    uint64_t size, len;
    char *text;

    open_config(&(struct script_config){.native = true, .limits = {.preferred_part = 10000}},
                "options: {size_cache: 10s}");
    ck_assert(!knows("k", 5));
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK);
    ck_assert(knows("k", 5));
    ck_assert_int_eq(io_size(queue, "k", &size, &err.e), DLFW_OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 1);
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK); /* who asks for the truth gets it */
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 2);

    ck_assert_int_eq(io_put(queue, "put", "abc", 3, 0, &err.e), DLFW_OK);
    ck_assert(knows("put", 3));
    ck_assert_int_eq(io_copy(queue, "put", "copy", &err.e), DLFW_OK);
    ck_assert(knows("copy", 3));
    ck_assert_int_eq(io_delete(queue, "put", &err.e), DLFW_OK);
    ck_assert(!knows("put", 3));

    script_set(script, "read", "hello there", 11);
    ck_assert_int_eq(io_read_all(queue, "read", 100, &text, &len, &err.e), DLFW_OK);
    free(text);
    ck_assert(knows("read", 11));
    script_set(script, "listed", "x", 1);
    ck_assert_int_eq(io_list(queue, "l", true, see, NULL, &err.e), DLFW_OK);
    ck_assert(knows("listed", 1));

    ck_assert_int_eq(pool_create(storage, 64 << 20, &pool, &err.e), DLFW_OK);
    ck_assert_int_eq(
        writer_open(storage, &(struct stream_writer_args){.queue = queue, .pool = pool, .key = "up"}, &w, &err.e),
        DLFW_OK);
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert_int_eq(writer_append(w, "12345678", 8, &err.e), DLFW_OK);
    ck_assert_int_eq(writer_commit(w, &err.e), DLFW_OK);
    ck_assert_uint_gt(script_calls(script, DLFW_OP_WRITE_PART), 1);
    ck_assert(knows("up", 40000));
    pool_destroy(pool);
    close_all();
}
END_TEST

START_TEST(a_failed_write_makes_it_doubtful)
{
    uint64_t size;

    open_config(&(struct script_config){.native = true}, "options: {size_cache: 10s}\nretry: {max_attempts: 1}");
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK);
    script_rule(script,
                (struct script_rule){
                    .op = _i ? DLFW_OP_DELETE : DLFW_OP_PUT, .count = 1, .status = DLFW_E_TIMEOUT, .after = true});
    ck_assert_int_eq(_i ? io_delete(queue, "k", &err.e) : io_put(queue, "k", "x", 1, 0, &err.e), DLFW_E_TIMEOUT);
    ck_assert(!knows("k", 5));
    ck_assert(!knows("k", 1));
    close_all();
}
END_TEST

START_TEST(a_missing_object_is_forgotten)
{
    uint64_t size;

    open_config(&(struct script_config){.native = true}, "options: {size_cache: 10s}");
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK);
    script_rule(script, (struct script_rule){.op = DLFW_OP_STAT, .from = 1, .count = 1, .status = DLFW_E_NOT_FOUND});
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_E_NOT_FOUND);
    ck_assert(!knows("k", 5));
    close_all();
}
END_TEST

static const struct {
    uint64_t caps;
    const char *yaml;
    bool remembers;
} defaults[] = {
    {0, NULL, false},
    {DLFW_BACKEND_LOCAL, NULL, false},
    {DLFW_BACKEND_STREAMS, NULL, true},
    {DLFW_BACKEND_STREAMS, "options: {size_cache: off}", false},
    {DLFW_BACKEND_LOCAL, "options: {size_cache: 1s}", true},
};

START_TEST(the_default_follows_the_backend)
{
    uint64_t size;

    open_config(&(struct script_config){.native = true, .caps = defaults[_i].caps}, defaults[_i].yaml);
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK);
    ck_assert(knows("k", 5) == defaults[_i].remembers);
    close_all();
}
END_TEST

START_TEST(it_is_believed_for_its_time_only)
{
    uint64_t size;

    open_config(&(struct script_config){.native = true}, "options: {size_cache: 20ms}");
    ck_assert_int_eq(io_stat(queue, "k", &size, &err.e), DLFW_OK);
    nanosleep(&(struct timespec){.tv_nsec = 25 * MS}, NULL);
    ck_assert(!knows("k", 5));
    close_all();
}
END_TEST

#define MANY 200u

struct many {
    uint64_t sizes[MANY];
    dlfw_status statuses[MANY];
    uint32_t got;
};

static uint32_t key_of(void *ctx, uint64_t index, char *buf, uint32_t cap)
{
    (void)ctx;
    return index % 10 == 9 ? 0 : (uint32_t)snprintf(buf, cap, "m%llu", (unsigned long long)index);
}

static void got(void *ctx, uint64_t index, dlfw_status status, uint64_t size)
{
    struct many *m = ctx;

    ck_assert_int_eq(m->statuses[index], 99);
    m->statuses[index] = status;
    m->sizes[index] = size;
    m->got++;
}

START_TEST(many_are_asked_at_once)
{
    struct many m = {.got = 0};
    struct io_many many = {.count = MANY, .key = key_of, .got = got, .ctx = &m};
    static uint8_t data[MANY];
    uint64_t start;

    open_config(&(struct script_config){.native = true, .delay_ns = 10 * MS}, "options: {size_cache: 10s}");
    for (uint32_t i = 0; i < MANY; i++) {
        char key[16];

        m.statuses[i] = 99;
        snprintf(key, sizeof key, "m%u", i);
        if (i % 10 != 8)
            script_set(script, key, data, i);
    }
    start = clock_now_ns();
    io_size_many(queue, &many);
    ck_assert_uint_lt(clock_now_ns() - start, 180 * 10 * MS);
    ck_assert_uint_eq(script_max_running(script), 8);
    ck_assert_uint_eq(m.got, 180);
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(m.statuses[i], i % 10 == 9 ? 99 : i % 10 == 8 ? DLFW_E_NOT_FOUND : DLFW_OK);
        if (i % 10 < 8)
            ck_assert_uint_eq(m.sizes[i], i);
        m.statuses[i] = 99;
    }
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 180);
    io_size_many(queue, &many); /* only what is not known */
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), 200);
    ck_assert_uint_eq(m.got, 360);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_sizes");
    TCase *tc = tcase_create("io_sizes");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, answers_tell_sizes);
    tcase_add_loop_test(tc, a_failed_write_makes_it_doubtful, 0, 2);
    tcase_add_test(tc, a_missing_object_is_forgotten);
    tcase_add_loop_test(tc, the_default_follows_the_backend, 0, (int)(sizeof defaults / sizeof *defaults));
    tcase_add_test(tc, it_is_believed_for_its_time_only);
    tcase_add_test(tc, many_are_asked_at_once);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
