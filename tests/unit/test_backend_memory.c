/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `memory`: objects of one root are shared by all instances of the process, from any thread. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-memory.so"

static void open_root(struct driver *d, const char *root, const char *const *settings)
{
    char message[512] = "";

    ck_assert_msg(driver_open(d, PLUGIN, "memory", root, settings, message) == DLFW_OK, "%s", message);
    ck_assert_ptr_null(d->ops.queue_create);
    ck_assert_uint_eq(d->ops.thread_class, DLFW_THREADS_PARALLEL);
}

static void expect(struct driver *d, const char *key, const void *data, uint64_t size)
{
    struct call c;

    ck_assert_int_eq(driver_get(d, key, DLFW_REQ_WHOLE, 0, size + 10, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.bytes, size);
    ck_assert_uint_eq(c.comp.object_size, size);
    ck_assert_int_eq(memcmp(c.req.buf, data, size), 0);
    call_free(&c);
}

START_TEST(shared_by_root)
{
    struct driver a;
    struct driver b;
    struct driver other;

    open_root(&a, "run", NULL);
    driver_put(&a, "train/f_0.npz", "content", 7);
    open_root(&b, "run", NULL);
    open_root(&other, "another", NULL);
    expect(&b, "train/f_0.npz", "content", 7);
    ck_assert_int_eq(driver_simple(&other, DLFW_OP_STAT, "train/f_0.npz"), DLFW_E_NOT_FOUND);
    driver_close(&a);
    expect(&b, "train/f_0.npz", "content", 7);
    driver_close(&b);
    open_root(&b, "run", NULL); /* also after nobody used it for a while */
    expect(&b, "train/f_0.npz", "content", 7);
    ck_assert_uint_eq(driver_stat(&b, "objects"), 1);
    ck_assert_uint_eq(driver_stat(&b, "bytes_stored"), 7);
    ck_assert_int_eq(driver_simple(&b, DLFW_OP_DELETE, "train/f_0.npz"), DLFW_OK);
    ck_assert_uint_eq(driver_stat(&b, "bytes_stored"), 0);
    driver_close(&b);
    driver_close(&other);
}
END_TEST

START_TEST(ranges)
{
    enum { SIZE = 1000 };
    static const struct {
        uint64_t offset, length, expected;
    } cases[] = {{0, 1000, 1000}, {0, 1, 1},    {999, 1, 1}, {0, 1001, 1000},          {900, 200, 100},
                 {1000, 5, 0},    {5000, 5, 0}, {3, 0, 0},   {(uint64_t)1 << 40, 9, 0}};
    uint8_t data[SIZE];
    struct call open_call;
    struct driver d;

    open_root(&d, "ranges", NULL);
    fill_pattern(data, SIZE, 1);
    driver_put(&d, "x", data, SIZE);
    call_init(&open_call, DLFW_OP_OPEN, "x");
    ck_assert_int_eq(driver_call(&d, &open_call), DLFW_OK);
    for (int by_handle = 0; by_handle < 2; by_handle++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct call c;

            call_init(&c, DLFW_OP_GET, "x");
            c.req.handle = by_handle ? open_call.comp.handle : NULL;
            call_buffer(&c, cases[i].length, 64, 0);
            c.req.offset = cases[i].offset;
            c.req.length = cases[i].length;
            ck_assert_int_eq(driver_call(&d, &c), DLFW_OK);
            ck_assert_uint_eq(c.comp.bytes, cases[i].expected);
            ck_assert_uint_eq(c.comp.object_size, SIZE);
            ck_assert(c.comp.bytes == 0 || memcmp(c.req.buf, data + cases[i].offset, c.comp.bytes) == 0);
            call_free(&c);
        }
        ck_assert_int_eq(driver_simple(&d, DLFW_OP_DELETE, "x"), by_handle ? DLFW_E_NOT_FOUND : DLFW_OK);
        driver_put(&d, "y", data, 3);
        driver_put(&d, "x", data, SIZE);
        ck_assert_int_eq(driver_simple(&d, DLFW_OP_DELETE, "x"), DLFW_OK); /* the handle keeps what it opened */
    }
    ck_assert_int_eq(driver_end(&d, DLFW_OP_CLOSE, open_call.comp.handle, 0), DLFW_OK);
    driver_close(&d);
}
END_TEST

START_TEST(whole_too_small)
{
    struct driver d;
    struct call c;

    open_root(&d, "small", NULL);
    driver_put(&d, "x", "12345", 5);
    ck_assert_int_eq(driver_get(&d, "x", DLFW_REQ_WHOLE, 0, 4, &c), DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(c.comp.object_size, 5);
    call_free(&c);
    driver_put(&d, "empty", NULL, 0);
    expect(&d, "empty", "", 0);
    driver_close(&d);
}
END_TEST

START_TEST(names)
{
    static const char *const good[] = {"with space", "\xc3\xa4", "100%20.npz", ".hidden", "...", "a..b/c"};
    static const char *const bad[] = {"", "/x", "..", "a/../x", "a/..", "dir/", "."};
    static const uint16_t ops[] = {DLFW_OP_STAT, DLFW_OP_GET, DLFW_OP_DELETE,
                                   DLFW_OP_OPEN, DLFW_OP_PUT, DLFW_OP_WRITE_BEGIN};
    struct driver d;

    open_root(&d, "names", NULL);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        driver_put(&d, good[i], good[i], strlen(good[i]));
        expect(&d, good[i], good[i], strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++)
            ck_assert_msg(driver_simple(&d, ops[o], bad[i]) == DLFW_E_INVALID, "'%s' passed operation %u", bad[i],
                          ops[o]);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_STAT, "a..b"), DLFW_E_INVALID);    /* a directory */
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_PUT, ".hidden/x"), DLFW_E_EXISTS); /* an object is no directory */
    driver_close(&d);
}
END_TEST

START_TEST(writers)
{
    uint8_t data[9000];
    struct driver d;
    void *h;

    open_root(&d, "writers", NULL);
    fill_pattern(data, sizeof data, 3);
    for (uint64_t hint = 0; hint <= 20000; hint += 10000) {
        h = driver_begin(&d, "new/x", 0, hint);
        ck_assert_int_eq(driver_part(&d, h, 8000, data + 8000, 1000), DLFW_OK);
        ck_assert_int_eq(driver_part(&d, h, 0, data, 4000), DLFW_OK);
        ck_assert_int_eq(driver_simple(&d, DLFW_OP_STAT, "new/x"), DLFW_E_NOT_FOUND);
        ck_assert_int_eq(driver_part(&d, h, 4000, data + 4000, 4000), DLFW_OK);
        ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, sizeof data), DLFW_OK);
        expect(&d, "new/x", data, sizeof data);
        ck_assert_int_eq(driver_simple(&d, DLFW_OP_DELETE, "new/x"), DLFW_OK);
    }
    h = driver_begin(&d, "x", 0, 0);
    ck_assert_int_eq(driver_part(&d, h, 0, data, 10), DLFW_OK);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, 11), DLFW_E_INVALID);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    h = driver_begin(&d, "x", DLFW_REQ_EXCLUSIVE, 0);
    driver_put(&d, "x", "first", 5);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, 0), DLFW_E_EXISTS);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
    expect(&d, "x", "first", 5);
    driver_close(&d);
}
END_TEST

START_TEST(capacity)
{
    static const char *const settings[] = {"capacity=1KiB", NULL};
    uint8_t data[1025] = {0};
    struct driver d;
    struct call c;

    open_root(&d, "capacity", settings);
    driver_put(&d, "x", data, 1024);
    driver_put(&d, "x", data, 1000); /* what it replaces is given back */
    call_init(&c, DLFW_OP_PUT, "y");
    c.req.buf = data;
    c.req.length = c.req.buf_cap = 25;
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_NO_SPACE);
    ck_assert_msg(strstr(c.message, "'y'"), "%s", c.message);
    c.req.length = c.req.buf_cap = 1025;
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_NO_SPACE);
    driver_put(&d, "y", data, 24);
    driver_close(&d);
}
END_TEST

START_TEST(listing)
{
    enum { NAME = 9, PER_PAGE = 50, PAGE = PER_PAGE * ((int)sizeof(dlfw_list_entry) + NAME) };
    static const int counts[] = {0, 1, PER_PAGE - 1, PER_PAGE, PER_PAGE + 1, 5000};
    struct driver d;
    int made = 0;

    open_root(&d, "listing", NULL);
    ck_assert_int_eq(driver_list(&d, "", 0, PAGE, NULL, NULL), DLFW_E_NOT_FOUND);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_MAKE_ROOT, "d/"), DLFW_OK);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (; made < counts[i]; made++) {
            struct call c;
            char key[32];

            snprintf(key, sizeof key, "d/n%06d", made);
            call_init(&c, DLFW_OP_PUT, key);
            d.ops.perform(d.be, &c.req, &c.comp);
        }
        ck_assert_int_eq(driver_list(&d, "d", 0, PAGE, NULL, NULL), counts[i]);
        ck_assert_int_eq(driver_list(&d, "", DLFW_REQ_RECURSIVE, PAGE, NULL, NULL), counts[i]);
        ck_assert_int_eq(driver_list(&d, "", 0, PAGE, NULL, NULL), 1); /* "d/" */
    }
    driver_put(&d, "dx/y", "1", 1); /* shares a beginning, not a directory */
    ck_assert_int_eq(driver_list(&d, "d", DLFW_REQ_RECURSIVE, PAGE, NULL, NULL), 5000);
    ck_assert_int_eq(driver_list(&d, "d", 0, 16, NULL, NULL), DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_int_eq(driver_list(&d, "nowhere", 0, PAGE, NULL, NULL), DLFW_E_NOT_FOUND);
    driver_close(&d);
}
END_TEST

struct worker {
    struct driver *d;
    uint32_t seed;
    int wrong;
};

/* Objects are all of one byte each time they are written; a mixture would be a torn object. */
static void *work(void *arg)
{
    struct worker *w = arg;
    uint32_t x = w->seed;
    uint8_t data[3000];

    for (int i = 0; i < 2000; i++) {
        char key[16];
        struct call c;

        x = x * 1664525u + 1013904223u;
        snprintf(key, sizeof key, "o%u", (x >> 20) % 8);
        call_init(&c, (x >> 16) % 4 == 0 ? DLFW_OP_PUT : (x >> 16) % 16 == 1 ? DLFW_OP_DELETE : DLFW_OP_GET, key);
        c.comp = (dlfw_comp){.req = &c.req};
        c.req.buf = data;
        c.req.buf_cap = sizeof data;
        c.req.length = 1000 + (x >> 8) % 2000;
        c.req.flags = c.req.op == DLFW_OP_GET ? DLFW_REQ_WHOLE : 0;
        if (c.req.op == DLFW_OP_PUT)
            memset(data, (int)(x >> 24), c.req.length);
        w->d->ops.perform(w->d->be, &c.req, &c.comp);
        if (c.comp.status < 0 && c.comp.status != DLFW_E_NOT_FOUND)
            w->wrong++;
        for (uint64_t b = 1; c.req.op == DLFW_OP_GET && b < c.comp.bytes; b++)
            w->wrong += data[b] != data[0];
    }
    return NULL;
}

START_TEST(many_threads)
{
    enum { THREADS = 4 };
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct driver d;

    open_root(&d, "threads", NULL);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.d = &d, .seed = i + 1};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].wrong, 0);
    }
    driver_close(&d);
}
END_TEST

struct part_worker {
    struct driver *d;
    void *writer;
    const uint8_t *data;
    uint64_t offset;
    dlfw_status status;
};

static void *write_part(void *arg)
{
    struct part_worker *w = arg;

    for (uint64_t at = 0; at < 50000; at += 1000) {
        struct call c;

        call_init(&c, DLFW_OP_WRITE_PART, NULL);
        c.req.handle = w->writer;
        c.req.offset = w->offset + at;
        c.req.buf = (void *)(uintptr_t)(w->data + w->offset + at);
        c.req.length = c.req.buf_cap = 1000;
        c.comp = (dlfw_comp){.req = &c.req};
        w->d->ops.perform(w->d->be, &c.req, &c.comp);
        if (c.comp.status < 0)
            w->status = c.comp.status;
    }
    return NULL;
}

START_TEST(parts_from_many_threads)
{
    enum { THREADS = 4, SHARE = 50000 };
    uint8_t *data = malloc(THREADS * SHARE);
    struct part_worker workers[THREADS];
    pthread_t threads[THREADS];
    struct driver d;
    void *h;

    open_root(&d, "parts", NULL);
    fill_pattern(data, THREADS * SHARE, 5);
    h = driver_begin(&d, "x", 0, 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct part_worker){.d = &d, .writer = h, .data = data, .offset = i * SHARE};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_part, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].status, DLFW_OK);
    }
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, THREADS * SHARE), DLFW_OK);
    expect(&d, "x", data, THREADS * SHARE);
    driver_close(&d);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend memory");
    TCase *tc = tcase_create("memory");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, shared_by_root);
    tcase_add_test(tc, ranges);
    tcase_add_test(tc, whole_too_small);
    tcase_add_test(tc, names);
    tcase_add_test(tc, writers);
    tcase_add_test(tc, capacity);
    tcase_add_test(tc, listing);
    tcase_add_test(tc, many_threads);
    tcase_add_test(tc, parts_from_many_threads);
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
