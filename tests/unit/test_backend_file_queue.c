/* SPDX-License-Identifier: Apache-2.0 */
/* The io_uring queue of the backend `file`: every request completes once, waiting ends when it should. A named pipe
 * without a writer is the object whose reading never ends. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-file.so"
#define DEPTH 64
#define OBJECTS 20
#define MS ((uint64_t)1000000)
#define SLACK (20 * MS)

static char *scratch;

struct fixture {
    struct driver d;
    char root[4096];
};

static uint64_t object_size(int i)
{
    return (uint64_t)i * 3001;
}

static void fixture_open(struct fixture *f, uint32_t depth)
{
    static const char *const settings[] = {"engine=uring", NULL};
    char message[512] = "";
    char *dir = scratch_create(scratch);
    char path[5000];

    snprintf(f->root, sizeof f->root, "%s", dir);
    free(dir);
    ck_assert_msg(driver_open(&f->d, PLUGIN, "file", f->root, settings, message) == DLFW_OK, "%s", message);
    driver_queue(&f->d, depth);
    snprintf(path, sizeof path, "%s/endless", f->root);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void fill_objects(struct fixture *f)
{
    static uint8_t data[OBJECTS * 3001];

    for (int i = 0; i < OBJECTS; i++) {
        char key[32];

        snprintf(key, sizeof key, "o%d", i);
        fill_pattern(data, object_size(i), (uint32_t)i);
        driver_put(&f->d, key, data, object_size(i));
    }
}

static void prepare(struct call *c, uint16_t op, const char *key)
{
    call_init(c, op, key);
    c->err = (dlfw_error){.struct_size = sizeof c->err, .message = c->message, .message_cap = sizeof c->message};
    c->req.error = &c->err;
    c->req.user = (uint64_t)(uintptr_t)c;
}

static void prepare_endless(struct call *c)
{
    prepare(c, DLFW_OP_GET, "endless");
    call_buffer(c, 100, 64, 0);
    c->req.length = 100;
}

static void submit(struct fixture *f, struct call *c)
{
    dlfw_req *one = &c->req;

    ck_assert_int_eq(f->d.ops.submit(f->d.queue, &one, 1), 1);
}

/* Reaps, counts each completion at its call, and returns how many came. */
static int reap(struct fixture *f, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    dlfw_comp comps[DEPTH];
    int n;

    for (int i = 0; i < DEPTH; i++)
        comps[i] = (dlfw_comp){.object_size = UINT64_MAX};
    n = f->d.ops.reap(f->d.queue, comps, max, min, timeout_ns);
    ck_assert_int_ge(n, 0);
    ck_assert_int_le(n, (int)max);
    for (int i = 0; i < n; i++) {
        struct call *c = (struct call *)(uintptr_t)comps[i].req->user;

        c->comp = comps[i];
        c->completions++;
        call_check(c);
    }
    return n;
}

static void cancel_and_drain(struct fixture *f, struct call *c)
{
    f->d.ops.cancel(f->d.queue, &c->req);
    while (c->completions == 0)
        reap(f, DEPTH, 1, UINT64_MAX);
    ck_assert_int_eq(c->comp.status, DLFW_E_CANCELLED);
    call_free(c);
}

static void check_content(const struct call *c, int object, uint64_t offset)
{
    static uint8_t data[OBJECTS * 3001];

    fill_pattern(data, object_size(object), (uint32_t)object);
    ck_assert_msg(memcmp(c->req.buf, data + offset, c->comp.bytes) == 0, "object %d at %llu", object,
                  (unsigned long long)offset);
}

/* Reads of random ranges by key and by handle with failures between them, cancelled at random, many rounds. */
START_TEST(all_complete_once)
{
    bool cancels = _i;
    static struct call calls[DEPTH];
    struct fixture f;
    int object[DEPTH];
    char keys[OBJECTS][32];
    void *handles[OBJECTS];
    uint32_t x = 12345;

    fixture_open(&f, DEPTH);
    fill_objects(&f);
    for (int i = 0; i < OBJECTS; i++) {
        snprintf(keys[i], sizeof keys[i], "o%d", i);
        prepare(&calls[0], DLFW_OP_OPEN, keys[i]);
        ck_assert_int_eq(driver_call(&f.d, &calls[0]), DLFW_OK);
        handles[i] = calls[0].comp.handle;
    }
    for (int round = 0; round < 30; round++) {
        dlfw_req *reqs[DEPTH];
        int left = DEPTH;

        for (int i = 0; i < DEPTH; i++) {
            x = x * 1664525u + 1013904223u;
            object[i] = (int)(x >> 16) % (OBJECTS + 2); /* the last two are missing */
            prepare(&calls[i], DLFW_OP_GET, object[i] < OBJECTS ? keys[object[i]] : "missing");
            if (object[i] < OBJECTS && (x >> 9) % 3 == 0)
                calls[i].req.handle = handles[object[i]];
            calls[i].req.flags = (x >> 11) % 7 == 0 ? DLFW_REQ_DROP_CACHE : 0;
            calls[i].req.offset = (x >> 8) % 5000;
            calls[i].req.length = (x >> 7) % 70000;
            call_buffer(&calls[i], calls[i].req.length, 64, x % 64);
            reqs[i] = &calls[i].req;
        }
        ck_assert_int_eq(f.d.ops.submit(f.d.queue, reqs, DEPTH), DEPTH);
        for (int i = 0; cancels && i < DEPTH; i += 3)
            f.d.ops.cancel(f.d.queue, &calls[i].req);
        while (left > 0)
            left -= reap(&f, 7, 1, UINT64_MAX);
        ck_assert_int_eq(reap(&f, DEPTH, 1, UINT64_MAX), 0); /* nothing in flight: no wait */
        for (int i = 0; i < DEPTH; i++) {
            const struct call *c = &calls[i];
            uint64_t size = object[i] < OBJECTS ? object_size(object[i]) : 0;
            uint64_t there = c->req.offset < size ? size - c->req.offset : 0;

            ck_assert_uint_eq(c->completions, 1);
            if (c->comp.status == DLFW_OK) {
                ck_assert_uint_eq(c->comp.bytes, c->req.length < there ? c->req.length : there);
                check_content(c, object[i], c->req.offset);
            } else if (!(cancels && c->comp.status == DLFW_E_CANCELLED)) {
                ck_assert_int_ge(object[i], OBJECTS);
                ck_assert_int_eq(c->comp.status, DLFW_E_NOT_FOUND);
            }
            call_free(&calls[i]);
        }
    }
    for (int i = 0; i < OBJECTS; i++)
        ck_assert_int_eq(driver_end(&f.d, DLFW_OP_CLOSE, handles[i], 0), DLFW_OK);
    driver_close(&f.d);
}
END_TEST

START_TEST(full_queue)
{
    static struct call calls[6];
    dlfw_req *reqs[6];
    struct fixture f;
    int n;

    fixture_open(&f, 4);
    for (int i = 0; i < 6; i++) {
        prepare_endless(&calls[i]);
        reqs[i] = &calls[i].req;
    }
    n = f.d.ops.submit(f.d.queue, reqs, 6);
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(f.d.ops.submit(f.d.queue, reqs + 4, 2), 0);
    cancel_and_drain(&f, &calls[2]);
    ck_assert_int_eq(f.d.ops.submit(f.d.queue, reqs + 4, 2), 1);
    for (int i = 0; i < 5; i++)
        if (i != 2)
            cancel_and_drain(&f, &calls[i]);
    call_free(&calls[5]);
    driver_close(&f.d);
}
END_TEST

START_TEST(waiting_ends_in_time)
{
    static const uint64_t timeouts[] = {0, 1 * MS, 30 * MS, 100 * MS};
    struct fixture f;
    struct call endless;

    fixture_open(&f, DEPTH);
    prepare_endless(&endless);
    submit(&f, &endless);
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        uint64_t best = UINT64_MAX; /* of some tries: a busy machine may delay any of them */

        for (int tries = 0; tries < 5 && best >= timeouts[i] + SLACK; tries++) {
            uint64_t began = test_now_ns();
            uint64_t took;

            ck_assert_int_eq(reap(&f, DEPTH, 1, timeouts[i]), 0);
            took = test_now_ns() - began;
            ck_assert_uint_ge(took, timeouts[i]);
            best = took < best ? took : best;
        }
        ck_assert_msg(best < timeouts[i] + SLACK, "a wait of %llu ms took %llu us",
                      (unsigned long long)(timeouts[i] / MS), (unsigned long long)(best / 1000));
    }
    ck_assert_int_eq(reap(&f, DEPTH, 0, UINT64_MAX), 0); /* polls */
    cancel_and_drain(&f, &endless);
    driver_close(&f.d);
}
END_TEST

START_TEST(min_is_capped_by_flight)
{
    static struct call calls[3];
    struct fixture f;
    int n = 0;

    fixture_open(&f, DEPTH);
    fill_objects(&f);
    for (int i = 0; i < 3; i++) {
        prepare(&calls[i], DLFW_OP_GET, "o5");
        call_buffer(&calls[i], 100, 64, 0);
        calls[i].req.length = 100;
        submit(&f, &calls[i]);
    }
    n = reap(&f, DEPTH, 50, UINT64_MAX);
    ck_assert_int_eq(n, 3);
    for (int i = 0; i < 3; i++)
        call_free(&calls[i]);
    driver_close(&f.d);
}
END_TEST

static void *wake_later(void *arg)
{
    struct driver *d = arg;

    usleep(30000);
    d->ops.wakeup(d->queue);
    return NULL;
}

START_TEST(wakeup)
{
    struct call endless;
    struct fixture f;

    fixture_open(&f, DEPTH);
    prepare_endless(&endless);
    submit(&f, &endless);
    for (int i = 0; i < 3; i++) { /* it works more than once */
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, &f.d), 0);
        ck_assert_int_eq(reap(&f, DEPTH, 1, UINT64_MAX), 0);
        pthread_join(thread, NULL);
    }
    f.d.ops.wakeup(f.d.queue); /* one that comes before the wait is not lost */
    ck_assert_int_eq(reap(&f, DEPTH, 1, UINT64_MAX), 0);
    ck_assert_int_eq(reap(&f, DEPTH, 1, 10 * MS), 0); /* and is gone then */
    cancel_and_drain(&f, &endless);
    driver_close(&f.d);
}
END_TEST

START_TEST(deadlines)
{
    struct call endless;
    struct call quick;
    struct fixture f;
    uint64_t began;

    fixture_open(&f, DEPTH);
    fill_objects(&f);
    prepare_endless(&endless);
    began = test_now_ns();
    endless.req.deadline_ns = began + 50 * MS;
    submit(&f, &endless);
    prepare(&quick, DLFW_OP_GET, "o1");
    call_buffer(&quick, 100, 64, 0);
    quick.req.length = 100;
    quick.req.deadline_ns = began + 10000 * MS;
    submit(&f, &quick);
    ck_assert_int_eq(reap(&f, DEPTH, 2, UINT64_MAX), 2);
    ck_assert_uint_ge(test_now_ns() - began, 50 * MS);
    ck_assert_uint_lt(test_now_ns() - began, 5000 * MS); /* a busy machine may be late, the other deadline is far */
    ck_assert_int_eq(endless.comp.status, DLFW_E_TIMEOUT);
    ck_assert_int_eq(quick.comp.status, DLFW_OK);
    call_free(&endless);
    call_free(&quick);
    driver_close(&f.d);
}
END_TEST

/* Slabs come and go while the ring works; reads into them and beside them are right. */
START_TEST(registered_memory)
{
    enum { SLAB = 1 << 21 };
    struct fixture f;
    uint64_t before = 0;

    fixture_open(&f, DEPTH);
    fill_objects(&f);
    for (int round = 0; round < 20; round++) {
        uint8_t *slab = mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint64_t handle = 0;
        struct call c;

        ck_assert_ptr_ne(slab, MAP_FAILED);
        ck_assert_int_eq(f.d.ops.mem_register(f.d.be, slab, SLAB, 0, &handle, NULL), DLFW_OK);
        ck_assert_uint_ne(handle, 0);
        ck_assert_uint_ne(handle, before);
        for (int i = 1; i < OBJECTS; i++) {
            char key[32];

            snprintf(key, sizeof key, "o%d", i);
            prepare(&c, DLFW_OP_GET, key);
            c.req.flags = DLFW_REQ_WHOLE;
            c.req.buf =
                i % 5 ? slab + SLAB - object_size(i) - 1 : malloc(object_size(i) + 1); /* a wrong claim does no harm */
            c.req.buf_cap = object_size(i) + 1;
            c.req.length = object_size(i);
            c.req.mem_handle = handle;
            ck_assert_msg(driver_call(&f.d, &c) == DLFW_OK, "%s", c.message);
            ck_assert_uint_eq(c.comp.bytes, object_size(i));
            check_content(&c, i, 0);
            if (i % 5 == 0)
                free(c.req.buf);
        }
        before = handle;
        f.d.ops.mem_unregister(f.d.be, handle);
        munmap(slab, SLAB);
    }
    ck_assert_int_eq(f.d.ops.mem_register(f.d.be, f.root, 4096, 7, &before, NULL), DLFW_E_UNSUPPORTED);
    driver_close(&f.d);
}
END_TEST

/* Without the right to lock memory, reads are right all the same, and the user hears why once. */
START_TEST(locked_memory_limit)
{
    enum { SLAB = 16 << 20 }; /* more than the limit, which rings count against too */
    static const char *const settings[] = {"engine=uring", NULL};
    struct rlimit limit;
    char message[512] = "";
    struct fixture f;
    uint64_t handle = 0;
    struct call c;
    uint8_t *slab = mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    fixture_open(&f, DEPTH);
    fill_objects(&f);
    driver_close(&f.d);
    ck_assert_int_eq(chmod(scratch, 0755), 0);
    ck_assert_int_eq(chmod(f.root, 0755), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 8 << 20 ? limit.rlim_max : 8 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (geteuid() == 0) /* root may lock what it likes */
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
    ck_assert_msg(driver_open(&f.d, PLUGIN, "file", f.root, settings, message) == DLFW_OK, "%s", message);
    driver_queue(&f.d, DEPTH);
    ck_assert_int_eq(f.d.ops.mem_register(f.d.be, slab, SLAB, 0, &handle, NULL), DLFW_OK);
    for (int round = 0; round < 2; round++) {
        prepare(&c, DLFW_OP_GET, "o7");
        c.req.flags = DLFW_REQ_WHOLE;
        c.req.buf = slab;
        c.req.buf_cap = SLAB;
        c.req.length = object_size(7);
        c.req.mem_handle = handle;
        ck_assert_msg(driver_call(&f.d, &c) == DLFW_OK, "%s", c.message);
        ck_assert_uint_eq(c.comp.bytes, object_size(7));
        check_content(&c, 7, 0);
        ck_assert_int_eq(strstr(f.d.log, "buffers cannot be registered") != NULL, round == 0);
        f.d.log[0] = '\0';
    }
    driver_close(&f.d);
    munmap(slab, SLAB);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend file, queue");
    TCase *tc = tcase_create("ring");
    SRunner *runner;
    int failed;

    scratch = scratch_create(NULL);
    tcase_add_loop_test(tc, all_complete_once, 0, 2);
    tcase_add_test(tc, full_queue);
    tcase_add_test(tc, waiting_ends_in_time);
    tcase_add_test(tc, min_is_capped_by_flight);
    tcase_add_test(tc, wakeup);
    tcase_add_test(tc, deadlines);
    tcase_add_test(tc, registered_memory);
    tcase_add_test(tc, locked_memory_limit);
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    scratch_remove(scratch);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
