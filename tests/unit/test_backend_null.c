/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `null`: it answers as storage would, and never touches a byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-null.so"
#define DEPTH 16

static void open_instance(struct driver *d, bool queue, const char *size)
{
    const char *const settings[] = {size, NULL};
    char message[512] = "";

    ck_assert_msg(driver_open(d, PLUGIN, "null", "", settings, message) == DLFW_OK, "%s", message);
    ck_assert_uint_eq(d->ops.caps, DLFW_BACKEND_NO_DATA);
    if (queue)
        driver_queue(d, DEPTH);
}

START_TEST(sizes)
{
    static const struct {
        const char *size;
        uint16_t flags;
        uint64_t offset, length, bytes, object_size;
    } cases[] = {
        {"size=0", 0, 0, 100, 100, UINT64_MAX},
        {"size=0", 0, (uint64_t)1 << 50, 100, 100, UINT64_MAX},
        {"size=0", DLFW_REQ_WHOLE, 0, 100, 100, 100},
        {"size=1KiB", 0, 0, 100, 100, 1024},
        {"size=1KiB", 0, 1000, 100, 24, 1024},
        {"size=1KiB", 0, 1024, 100, 0, 1024},
        {"size=1KiB", DLFW_REQ_WHOLE, 0, 1024, 1024, 1024},
        {"size=1KiB", DLFW_REQ_WHOLE, 0, 3000, 1024, 1024},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver d;
        struct call c;

        open_instance(&d, _i, cases[i].size);
        ck_assert_int_eq(driver_get(&d, "x", cases[i].flags, cases[i].offset, cases[i].length, &c), DLFW_OK);
        ck_assert_uint_eq(c.comp.bytes, cases[i].bytes);
        ck_assert_uint_eq(c.comp.object_size, cases[i].object_size);
        for (uint64_t b = 1; b < cases[i].length; b++)
            ck_assert(((uint8_t *)c.req.buf)[b] == ((uint8_t *)c.req.buf)[0]); /* untouched */
        call_free(&c);
        ck_assert_uint_eq(driver_stat(&d, "bytes_not_moved"), cases[i].bytes);
        driver_close(&d);
    }
}
END_TEST

START_TEST(whole_too_small)
{
    struct driver d;
    struct call c;

    open_instance(&d, _i, "size=1KiB");
    ck_assert_int_eq(driver_get(&d, "x", DLFW_REQ_WHOLE, 0, 1000, &c), DLFW_E_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(c.comp.object_size, 1024);
    call_free(&c);
    driver_close(&d);
}
END_TEST

START_TEST(everything_else)
{
    struct driver d;
    struct call c;
    void *h;

    open_instance(&d, _i, "size=1KiB");
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_MAKE_ROOT, ""), DLFW_OK);
    call_init(&c, DLFW_OP_STAT, "x");
    ck_assert_int_eq(driver_call(&d, &c), DLFW_OK);
    ck_assert_uint_eq(c.comp.object_size, 1024);
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_DELETE, "x"), DLFW_OK);
    driver_put(&d, "x", "12345", 5);
    h = driver_begin(&d, "x", DLFW_REQ_DURABLE, 10);
    ck_assert_int_eq(driver_part(&d, h, 0, "12345", 5), DLFW_OK);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, 5), DLFW_OK);
    ck_assert_int_eq(driver_list(&d, "", 0, 4096, NULL, NULL), 0);
    call_init(&c, DLFW_OP_OPEN, "x");
    ck_assert_int_eq(driver_call(&d, &c), DLFW_OK);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_CLOSE, c.comp.handle, 0), DLFW_OK);
    call_init(&c, 77, "x");
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_UNSUPPORTED);
    call_init(&c, DLFW_OP_STAT, "x");
    c.req.flags = 1u << 15;
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_UNSUPPORTED);
    call_init(&c, DLFW_OP_STAT, "x");
    c.req.deadline_ns = 1;
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_TIMEOUT);
    driver_close(&d);
}
END_TEST

START_TEST(queue_order_and_bounds)
{
    static struct call calls[DEPTH + 3];
    dlfw_req *reqs[DEPTH + 3];
    dlfw_comp comps[DEPTH];
    struct driver d;
    uint32_t next = 0;

    open_instance(&d, true, "size=0");
    for (int i = 0; i < DEPTH + 3; i++) {
        call_init(&calls[i], DLFW_OP_GET, "x");
        calls[i].req.length = calls[i].req.buf_cap = 10;
        reqs[i] = &calls[i].req;
    }
    ck_assert_int_eq(d.ops.reap(d.queue, comps, DEPTH, 5, UINT64_MAX), 0);
    for (int round = 0; round < 5; round++) { /* the ring wraps */
        next = 0;
        ck_assert_int_eq(d.ops.submit(d.queue, reqs, DEPTH + 3), DEPTH);
        ck_assert_int_eq(d.ops.submit(d.queue, reqs, 1), 0);
        d.ops.cancel(d.queue, reqs[3]);
        while (next < DEPTH) {
            int32_t n = d.ops.reap(d.queue, comps, 5, 1, UINT64_MAX);

            ck_assert_int_gt(n, 0);
            for (int32_t i = 0; i < n; i++, next++) {
                ck_assert_ptr_eq(comps[i].req, reqs[next]);
                ck_assert_uint_eq(comps[i].bytes, 10);
            }
        }
        ck_assert_int_eq(d.ops.reap(d.queue, comps, 5, 1, UINT64_MAX), 0);
    }
    d.ops.wakeup(d.queue);
    driver_close(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend null");
    TCase *tc = tcase_create("perform and queue");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, sizes, 0, 2);
    tcase_add_loop_test(tc, whole_too_small, 0, 2);
    tcase_add_loop_test(tc, everything_else, 0, 2);
    tcase_add_test(tc, queue_order_and_bounds);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
