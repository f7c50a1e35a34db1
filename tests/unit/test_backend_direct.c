/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `direct`, on the file system of the build folder, with both engines: alignment, tails, and no way around
 * O_DIRECT. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/backend_driver.h"

#define PLUGIN "dlfw-backend-file.so"
#define ALIGN 4096 /* what these tests use; a multiple of what file systems ask for */
#define MIB ((uint64_t)1 << 20)

enum { MODE_PREAD, MODE_URING, MODES };

static const uint64_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, (1 << 20) + 1};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static char *scratch;     /* in the build folder */
static char refusal[512]; /* why that has no direct I/O; empty when it has */

static uint64_t round_up(uint64_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static void open_at(struct driver *d, int mode, const char *root)
{
    static const char *const settings[MODES][2] = {{"engine=pread", NULL}, {"engine=uring", NULL}};
    char message[512] = "";

    ck_assert_msg(driver_open(d, PLUGIN, "direct", root, settings[mode], message) == DLFW_OK, "%s", message);
    if (mode == MODE_URING)
        driver_queue(d, 16);
}

/* False where the build folder has no direct I/O (a tmpfs): then the backend must have said just that. */
static bool open_instance(struct driver *d, int mode)
{
    if (refusal[0]) {
        ck_assert_msg(strstr(refusal, "is on a file system without direct I/O"), "%s", refusal);
        return false;
    }
    open_at(d, mode, scratch);
    return true;
}

static uint8_t *aligned(uint64_t len)
{
    uint8_t *p = NULL;

    ck_assert_int_eq(posix_memalign((void **)&p, ALIGN, len + ALIGN), 0);
    return p;
}

static void check_whole(struct driver *d, const char *key, const uint8_t *data, uint64_t size)
{
    struct call c;

    for (uint64_t room = 0; room < 2; room++) {
        call_init(&c, DLFW_OP_GET, key);
        call_buffer(&c, round_up(size) + room * ALIGN, ALIGN, 0);
        c.req.flags = DLFW_REQ_WHOLE;
        c.req.length = size;
        ck_assert_msg(driver_call(d, &c) == DLFW_OK, "%s", c.message);
        ck_assert_uint_eq(c.comp.bytes, size);
        ck_assert_uint_eq(c.comp.object_size, size);
        ck_assert_int_eq(memcmp(c.req.buf, data, size), 0);
        call_free(&c);
    }
}

START_TEST(put_and_get_any_size)
{
    uint8_t *data = aligned(2 * MIB);
    struct driver d;

    if (open_instance(&d, _i)) {
        fill_pattern(data, 2 * MIB, 1);
        for (int i = 0; i < SIZES; i++) {
            char key[32];

            snprintf(key, sizeof key, "put/%d", i);
            driver_put(&d, key, data, sizes[i]);
            check_whole(&d, key, data, sizes[i]);
        }
        driver_close(&d);
    }
    free(data);
}
END_TEST

START_TEST(parts_with_a_tail)
{
    uint8_t *data = aligned(2 * MIB);
    struct driver d;

    if (open_instance(&d, _i)) {
        fill_pattern(data, 2 * MIB, 2);
        for (int i = 0; i < SIZES; i++) {
            for (uint64_t hint = 0; hint < 3; hint++) { /* none, right, much too large */
                uint64_t cut = sizes[i] / 2 / ALIGN * ALIGN;
                void *h = driver_begin(&d, "parts", hint == 1 ? DLFW_REQ_DURABLE : 0,
                                       hint * sizes[i] + (hint == 2 ? 8 * MIB : 0));

                ck_assert_int_eq(driver_part(&d, h, cut, data + cut, sizes[i] - cut), DLFW_OK); /* the tail first */
                ck_assert_int_eq(driver_part(&d, h, 0, data, cut), DLFW_OK);
                ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, sizes[i]), DLFW_OK);
                check_whole(&d, "parts", data, sizes[i]);
            }
        }
        driver_close(&d);
    }
    free(data);
}
END_TEST

START_TEST(ranges)
{
    static const struct {
        uint64_t offset, length, expected;
    } cases[] = {
        {0, 4096, 4096},     {0, 16384, 10001}, {4096, 4096, 4096}, {8192, 4096, 1809},
        {8192, 65536, 1809}, {12288, 4096, 0},  {0, 0, 0},          {(uint64_t)5 << 30, 4096, 0},
    };
    uint8_t *data = aligned(10001);
    struct call open_call;
    struct driver d;

    if (open_instance(&d, _i)) {
        fill_pattern(data, 10001, 3);
        driver_put(&d, "ranges", data, 10001);
        call_init(&open_call, DLFW_OP_OPEN, "ranges");
        ck_assert_int_eq(driver_call(&d, &open_call), DLFW_OK);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            for (int by_handle = 0; by_handle < 2; by_handle++) {
                struct call c;

                call_init(&c, DLFW_OP_GET, "ranges");
                c.req.handle = by_handle ? open_call.comp.handle : NULL;
                call_buffer(&c, cases[i].length, ALIGN, 0);
                c.req.offset = cases[i].offset;
                c.req.length = cases[i].length;
                ck_assert_msg(driver_call(&d, &c) == DLFW_OK, "%s", c.message);
                ck_assert_uint_eq(c.comp.bytes, cases[i].expected);
                ck_assert(c.comp.bytes == 0 || memcmp(c.req.buf, data + cases[i].offset, c.comp.bytes) == 0);
                call_free(&c);
            }
        }
        ck_assert_int_eq(driver_end(&d, DLFW_OP_CLOSE, open_call.comp.handle, 0), DLFW_OK);
        driver_close(&d);
    }
    free(data);
}
END_TEST

START_TEST(misaligned_requests)
{
    uint8_t *data = aligned(3 * ALIGN);
    struct driver d;
    struct call c;
    void *h;

    if (open_instance(&d, _i)) {
        dlfw_limits limits = {.struct_size = sizeof limits};

        driver_put(&d, "x", data, ALIGN);
        ck_assert_int_eq(d.ops.limits(d.be, "x", 1, &limits, NULL), DLFW_OK);
        ck_assert_uint_ge(limits.read_offset_align, 2);
        ck_assert_uint_le(limits.read_offset_align, ALIGN);
        ck_assert_uint_le(limits.mem_align, ALIGN);
        ck_assert_uint_eq(limits.preferred_part, 4 * MIB);
        for (int wrong = 0; wrong < 3; wrong++) {
            call_init(&c, DLFW_OP_GET, "x");
            call_buffer(&c, 2 * ALIGN, ALIGN, wrong == 0 && limits.mem_align > 1 ? 1 : 0);
            c.req.length = wrong == 1 ? ALIGN - 1 : ALIGN;
            c.req.offset = wrong == 2 ? limits.read_offset_align / 2 : 0;
            if (wrong != 0 || limits.mem_align > 1)
                ck_assert_int_eq(driver_call(&d, &c), DLFW_E_ALIGN);
            call_free(&c);
        }
        call_init(&c, DLFW_OP_GET, "x"); /* room for the bytes, not for the last block */
        call_buffer(&c, ALIGN - 1, ALIGN, 0);
        c.req.flags = DLFW_REQ_WHOLE;
        c.req.length = ALIGN - 1;
        ck_assert_int_eq(driver_call(&d, &c), DLFW_E_ALIGN);
        call_free(&c);
        h = driver_begin(&d, "y", 0, 0);
        ck_assert_int_eq(driver_part(&d, h, 1, data, ALIGN), DLFW_E_ALIGN);
        ck_assert_int_eq(driver_part(&d, h, 0, data, 100), DLFW_OK);
        ck_assert_int_eq(driver_part(&d, h, 100, data, ALIGN), DLFW_E_ALIGN); /* only the last part may be uneven */
        ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_ABORT, h, 0), DLFW_OK);
        driver_close(&d);
    }
    free(data);
}
END_TEST

START_TEST(too_small_a_buffer)
{
    uint8_t *data = aligned(MIB);
    struct driver d;
    struct call c;

    if (open_instance(&d, _i)) {
        driver_put(&d, "x", data, 10000);
        call_init(&c, DLFW_OP_GET, "x");
        call_buffer(&c, 2 * ALIGN, ALIGN, 0);
        c.req.flags = DLFW_REQ_WHOLE;
        c.req.length = 100;
        ck_assert_int_eq(driver_call(&d, &c), DLFW_E_BUFFER_TOO_SMALL);
        ck_assert_uint_eq(c.comp.object_size, 10000);
        call_free(&c);
        driver_close(&d);
    }
    free(data);
}
END_TEST

/* Sixteen parts in flight at once from registered memory, then sixteen reads into it. */
START_TEST(many_in_flight)
{
    enum { PARTS = 16, PART = 64 << 10 };
    static struct call calls[PARTS];
    uint64_t total = (uint64_t)PARTS * PART - 1000;
    dlfw_comp comps[PARTS];
    dlfw_req *reqs[PARTS];
    uint64_t slab = 0;
    struct driver d;
    struct call open_call;

    if (!open_instance(&d, MODE_URING))
        return;
    uint8_t *mem = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *expected = malloc(total);
    void *h = driver_begin(&d, "many", 0, total);

    ck_assert_int_eq(d.ops.mem_register(d.be, mem, 2 * MIB, 0, &slab, NULL), DLFW_OK);
    fill_pattern(expected, total, 9);
    memcpy(mem, expected, total);
    for (int step = 0; step < 2; step++) {
        int left = PARTS;

        if (step == 1) {
            ck_assert_int_eq(driver_end(&d, DLFW_OP_WRITE_COMMIT, h, total), DLFW_OK);
            memset(mem, 0, 2 * MIB);
            call_init(&open_call, DLFW_OP_OPEN, "many");
            ck_assert_int_eq(driver_call(&d, &open_call), DLFW_OK);
            ck_assert_uint_eq(open_call.comp.object_size, total);
        }
        for (int i = 0; i < PARTS; i++) {
            uint64_t offset = (uint64_t)(PARTS - 1 - i) * PART;

            call_init(&calls[i], step ? DLFW_OP_GET : DLFW_OP_WRITE_PART, NULL);
            calls[i].req.handle = step ? open_call.comp.handle : h;
            calls[i].req.buf = mem + offset;
            calls[i].req.offset = offset;
            calls[i].req.buf_cap = PART;
            calls[i].req.length = step || offset + PART < total ? PART : total - offset;
            calls[i].req.mem_handle = slab;
            reqs[i] = &calls[i].req;
        }
        ck_assert_int_eq(d.ops.submit(d.queue, reqs, PARTS), PARTS);
        while (left > 0) {
            int n = d.ops.reap(d.queue, comps, PARTS, 1, UINT64_MAX);

            ck_assert_int_gt(n, 0);
            for (int i = 0; i < n; i++)
                ck_assert_int_eq(comps[i].status, DLFW_OK);
            left -= n;
        }
    }
    ck_assert_int_eq(memcmp(mem, expected, total), 0);
    ck_assert_int_eq(driver_end(&d, DLFW_OP_CLOSE, open_call.comp.handle, 0), DLFW_OK);
    d.ops.mem_unregister(d.be, slab);
    driver_close(&d);
    munmap(mem, 2 * MIB);
    free(expected);
}
END_TEST

START_TEST(limits_without_a_file)
{
    dlfw_limits limits = {.struct_size = sizeof limits};
    char path[4096];
    struct driver d;

    if (!open_instance(&d, _i))
        return;
    driver_close(&d);
    snprintf(path, sizeof path, "%s/not/there/yet", scratch);
    open_at(&d, _i, path);
    ck_assert_int_eq(d.ops.limits(d.be, "", 0, &limits, NULL), DLFW_OK);
    ck_assert_uint_ge(limits.read_offset_align, 2);
    ck_assert_int_eq(d.ops.check(d.be, NULL), DLFW_OK);
    ck_assert_int_ne(access(path, F_OK), 0); /* asking creates nothing */
    driver_close(&d);
}
END_TEST

START_TEST(directories_are_no_objects)
{
    struct driver d;
    struct call c;

    if (!open_instance(&d, _i))
        return;
    ck_assert_int_eq(driver_simple(&d, DLFW_OP_MAKE_ROOT, "dir"), DLFW_OK);
    call_init(&c, DLFW_OP_OPEN, "dir");
    ck_assert_int_eq(driver_call(&d, &c), DLFW_E_INVALID);
    ck_assert_str_eq(c.message, "'dir' is a directory, not an object");
    driver_close(&d);
}
END_TEST

/* /dev/shm takes the flag and ignores it; the backend must not be fooled. */
START_TEST(memory_file_systems_are_refused)
{
    dlfw_limits limits = {.struct_size = sizeof limits};
    char message[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};
    static const uint16_t ops[] = {DLFW_OP_GET, DLFW_OP_OPEN, DLFW_OP_PUT, DLFW_OP_WRITE_BEGIN};
    char *dir = scratch_create("/dev/shm");
    char path[4096];
    struct driver d;
    int fd;

    snprintf(path, sizeof path, "%s/x", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0644);
    ck_assert_int_ge(fd, 0);
    close(fd);
    open_at(&d, _i, dir);
    ck_assert_int_eq(d.ops.limits(d.be, "", 0, &limits, &err), DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(message, "is on a file system without direct I/O (tmpfs?); use file:// or another folder"),
                  "%s", message);
    ck_assert_int_eq(d.ops.check(d.be, &err), DLFW_E_UNSUPPORTED);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        ck_assert_int_eq(driver_simple(&d, ops[i], "x"), DLFW_E_UNSUPPORTED);
    driver_close(&d);
    scratch_remove(dir);
}
END_TEST

/* Fills refusal when the build folder lies where O_DIRECT is impossible. */
static void probe_scratch(void)
{
    char path[4096];
    struct driver d;
    dlfw_limits limits = {.struct_size = sizeof limits};
    char message[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = refusal, .message_cap = sizeof refusal};

    snprintf(path, sizeof path, "%s", scratch);
    if (driver_open(&d, PLUGIN, "direct", path, NULL, message) == DLFW_OK)
        d.ops.limits(d.be, "", 0, &limits, &err);
    driver_close(&d);
}

int main(void)
{
    Suite *suite = suite_create("backend direct");
    TCase *tc = tcase_create("both engines");
    SRunner *runner;
    int failed;

    scratch = scratch_create(DLFW_TEST_WORK_DIR);
    tcase_add_unchecked_fixture(tc, probe_scratch, NULL);
    tcase_add_loop_test(tc, put_and_get_any_size, 0, MODES);
    tcase_add_loop_test(tc, parts_with_a_tail, 0, MODES);
    tcase_add_loop_test(tc, ranges, 0, MODES);
    tcase_add_loop_test(tc, misaligned_requests, 0, MODES);
    tcase_add_loop_test(tc, too_small_a_buffer, 0, MODES);
    tcase_add_test(tc, many_in_flight);
    tcase_add_loop_test(tc, limits_without_a_file, 0, MODES);
    tcase_add_loop_test(tc, directories_are_no_objects, 0, MODES);
    tcase_add_loop_test(tc, memory_file_systems_are_refused, 0, MODES);
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    scratch_remove(scratch);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
