/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever fails, and whenever: an object is at the target whole or not at all, nothing that was begun is left, and the
 * others arrive. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host_table.h"
#include "support/script_backend.h"
#include "transfer/copy.h"

#define PART 8192u
#define SIZE (5 * PART + 100)

static struct script *from, *to;
static struct storage *source, *target;
static struct error_slot err;
static struct copy_totals totals;
static uint8_t data[SIZE];
static uint32_t outcomes[4];
static char told[480];

static const struct script_config reads = {.native = true, .jitter_ns = 100000, .limits = {.max_io = PART}};
static const struct script_config writes = {
    .native = true, .jitter_ns = 100000, .limits = {.preferred_part = PART, .max_part = PART}};

static void open_both(const struct script_config *a, const struct script_config *b)
{
    error_slot_init(&err);
    script_fill(data, sizeof data, 0);
    memset(outcomes, 0, sizeof outcomes);
    told[0] = '\0';
    from = script_create(a);
    to = script_create(b);
    source = script_storage(from, "retry: {max_attempts: 1}");
    target = script_storage(to, "retry: {max_attempts: 1}");
}

static void close_both(void)
{
    ck_assert_uint_eq(script_uploads(to), 0);
    storage_close(source);
    storage_close(target);
    script_destroy(from);
    script_destroy(to);
}

static void count_outcome(void *ctx, const struct copy_item *item, enum copy_outcome outcome, uint64_t bytes,
                          const dlfw_error *why)
{
    (void)ctx;
    (void)item;
    (void)bytes;
    outcomes[outcome]++;
    if (outcome == COPY_FAILED && !told[0])
        snprintf(told, sizeof told, "%s", why->message);
}

static struct copy_args counted(struct storage *a, struct storage *b)
{
    return (struct copy_args){.source = a, .target = b, .jobs = 4, .each = count_outcome};
}

static struct copy *start(const struct copy_args *args)
{
    struct copy *c = NULL;

    ck_assert_msg(copy_start(args, &c, &err.e) == DLFW_OK, "%s", err.text);
    return c;
}

static dlfw_status push(struct copy *c, const char *key, uint64_t size)
{
    const struct copy_item item = {.source_key = key, .target_key = key, .size = size, .length = UINT64_MAX};

    return copy_push(c, &item);
}

/* Three large objects and three small ones. */
static const char *const keys[] = {"a", "b", "c", "d", "e", "f"};

static uint64_t size_of(size_t i)
{
    return i % 2 ? 10 + i : SIZE - i;
}

static void push_all(struct copy *c)
{
    for (size_t i = 0; i < 6; i++)
        script_set(from, keys[i], data, size_of(i));
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(push(c, keys[i], size_of(i)), DLFW_OK);
}

static void check_whole_or_absent(void)
{
    for (size_t i = 0; i < 6; i++) {
        size_t len;
        const uint8_t *object = script_get(to, keys[i], &len);

        ck_assert_msg(!object || (len == size_of(i) && memcmp(object, data, len) == 0), "'%s' is neither", keys[i]);
    }
}

static const struct {
    uint16_t op;
    bool at_source;
    uint64_t count; /* of such requests without failures: 3 large objects of 6 parts, 3 small ones */
} failing[] = {
    {DLFW_OP_OPEN, true, 3},         {DLFW_OP_GET, true, 21},          {DLFW_OP_WRITE_BEGIN, false, 3},
    {DLFW_OP_WRITE_PART, false, 18}, {DLFW_OP_WRITE_COMMIT, false, 3}, {DLFW_OP_PUT, false, 3},
};

START_TEST(one_request_fails)
{
    for (uint64_t nth = 0; nth < failing[_i].count; nth++) {
        struct copy_args args;
        struct copy *c;

        open_both(&reads, &writes);
        script_rule(failing[_i].at_source ? from : to,
                    (struct script_rule){.op = failing[_i].op, .from = nth, .count = 1, .status = DLFW_E_IO});
        args = counted(source, target);
        c = start(&args);
        push_all(c);
        ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
        copy_destroy(c);
        ck_assert_uint_eq(totals.failed, 1);
        ck_assert_uint_eq(totals.copied, 5);
        ck_assert_uint_eq(script_objects(to), 5);
        ck_assert_ptr_nonnull(strstr(told, "scripted failure"));
        check_whole_or_absent();
        close_both();
    }
}
END_TEST

START_TEST(every_request_of_a_kind_fails)
{
    struct copy_args args;
    struct copy *c;

    open_both(&reads, &writes);
    script_rule(failing[_i].at_source ? from : to,
                (struct script_rule){.op = failing[_i].op, .count = UINT64_MAX, .status = DLFW_E_UNAVAILABLE});
    args = counted(source, target);
    c = start(&args);
    push_all(c);
    ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
    copy_destroy(c);
    ck_assert_uint_eq(totals.failed, failing[_i].op == DLFW_OP_GET ? 6 : 3);
    ck_assert_uint_eq(totals.failed + totals.copied, 6);
    ck_assert_uint_eq(script_objects(to), totals.copied);
    check_whole_or_absent();
    close_both();
}
END_TEST

/* Objects that are compressed on their way, through stream writers: the same promises. */
START_TEST(compressed_objects_fail_whole)
{
    for (uint64_t nth = 0; nth < 12; nth++) {
        struct copy_args args;
        struct copy *c;

        open_both(&reads, &writes);
        script_rule(failing[_i].at_source ? from : to,
                    (struct script_rule){.op = failing[_i].op, .from = nth, .count = 1, .status = DLFW_E_IO});
        args = counted(source, target);
        args.compress = 1;
        args.read_back = nth % 2;
        c = start(&args);
        push_all(c);
        ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
        copy_destroy(c);
        ck_assert_uint_eq(totals.failed + totals.copied, 6);
        ck_assert_uint_le(totals.failed, 1);
        ck_assert_uint_eq(script_objects(to), totals.copied);
        ck_assert_uint_eq(totals.verified, nth % 2 ? totals.copied : 0);
        close_both();
    }
}
END_TEST

START_TEST(fail_fast_ends_it)
{
    struct copy_args args;
    struct copy *c;
    uint64_t pushed = 0;

    open_both(&reads, &writes);
    script_rule(from, (struct script_rule){.op = DLFW_OP_GET, .from = 2, .count = 1, .status = DLFW_E_IO});
    args = counted(source, target);
    args.fail_fast = true;
    script_set(from, "o", data, SIZE);
    c = start(&args);
    while (pushed < 100000 && push(c, "o", SIZE) >= 0)
        pushed++;
    ck_assert_uint_lt(pushed, 100000);
    ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
    copy_destroy(c);
    ck_assert_uint_ge(totals.failed, 1);
    ck_assert_uint_eq(totals.failed + totals.copied + totals.stopped, pushed);
    close_both();
}
END_TEST

/* Ctrl-C while objects are in every stage. */
START_TEST(cancelled)
{
    struct copy_args args;
    struct copy *c;
    uint64_t pushed = 0;
    char key[16];
    struct script_config slow = writes;

    slow.delay_ns = 1000000u << _i;
    open_both(&reads, &slow);
    args = counted(source, target);
    c = start(&args);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "o%d", i);
        script_set(from, key, data, size_of((size_t)i));
    }
    for (; pushed < 200; pushed++) {
        snprintf(key, sizeof key, "o%d", (int)pushed);
        ck_assert_int_eq(push(c, key, size_of(pushed)), DLFW_OK);
    }
    while (copy_objects_done(c) < 4)
        ;
    atomic_store(&host_cancel_level, 1);
    ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_E_CANCELLED);
    copy_destroy(c);
    atomic_store(&host_cancel_level, 0);
    ck_assert_uint_ge(totals.copied, 4);
    ck_assert_uint_gt(totals.stopped, 0);
    ck_assert_uint_eq(totals.failed, 0);
    ck_assert_uint_eq(totals.copied + totals.stopped, pushed);
    ck_assert_uint_eq(script_objects(to), totals.copied);
    close_both();
}
END_TEST

START_TEST(given_up_without_finish)
{
    struct copy_args args;
    struct copy *c;

    open_both(&reads, &writes);
    args = counted(source, target);
    c = start(&args);
    push_all(c);
    copy_destroy(c);
    check_whole_or_absent();
    close_both();
}
END_TEST

START_TEST(a_queue_that_cannot_be_had)
{
    struct copy_args args;
    struct copy *c;
    struct io_queue *only = NULL;
    struct script_config one = writes;

    one.limits.max_queues = 1;
    open_both(&reads, &one);
    ck_assert_int_eq(io_queue_create(target, 1, &only, &err.e), DLFW_OK);
    args = counted(source, target);
    c = start(&args);
    for (int i = 0; i < 3; i++)
        push(c, "o", 10);
    ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_E_BUSY);
    ck_assert_uint_eq(totals.copied + totals.failed, 0);
    copy_destroy(c);
    io_queue_destroy(only);
    close_both();
}
END_TEST

/* A backend over the script that tampers with what passes. */
static dlfw_backend_ops tampering;
static void (*untouched)(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp);
static void (*tamper)(dlfw_req *req, dlfw_comp *comp);
static struct script *tampered;
static uint32_t gets;

static void perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    untouched(be, req, comp);
    tamper(req, comp);
}

static void flip(dlfw_req *req, dlfw_comp *comp)
{
    if (req->op == DLFW_OP_GET && comp->status >= 0 && comp->bytes > 5 && gets++ == 3)
        ((uint8_t *)req->buf)[5] ^= 1;
}

static void grow(dlfw_req *req, dlfw_comp *comp)
{
    (void)comp;
    if (req->op == DLFW_OP_GET && gets++ == 2)
        script_set(tampered, "o", data, SIZE);
}

static void shrink(dlfw_req *req, dlfw_comp *comp)
{
    (void)comp;
    if (req->op == DLFW_OP_GET && gets++ == 2)
        script_set(tampered, "o", data, 2 * PART);
}

static struct storage *tampered_storage(struct script *s, void (*with)(dlfw_req *req, dlfw_comp *comp))
{
    const struct storage_args args = {.name = "tampered"};
    struct storage *st = NULL;

    tampering = *script_ops(s);
    untouched = tampering.perform;
    tampering.perform = perform;
    tamper = with;
    tampered = s;
    gets = 0;
    ck_assert_int_eq(storage_open_ops(&tampering, script_instance(s), "script://root", &args, &st, &err.e), DLFW_OK);
    return st;
}

static const struct script_config blocking_reads = {
    .blocking = true, .caps = DLFW_BACKEND_LOCAL, .limits = {.max_io = PART}};
static const struct script_config blocking_writes = {
    .blocking = true, .tells_info = true, .limits = {.preferred_part = PART, .max_part = PART, .max_io = PART}};

/* What is read again is not what was written: the copy is not left under its name. */
START_TEST(a_wrong_copy_is_found_and_removed)
{
    struct storage *flipping;
    struct copy_args args;
    struct copy *c;

    open_both(&reads, &blocking_writes);
    flipping = tampered_storage(to, flip);
    script_set(from, "o", data, SIZE);
    args = counted(source, flipping);
    args.read_back = true;
    c = start(&args);
    push(c, "o", SIZE);
    ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
    copy_destroy(c);
    ck_assert_uint_eq(totals.failed, 1);
    ck_assert_ptr_nonnull(strstr(told, "CRC-32C"));
    ck_assert_uint_eq(script_objects(to), 0);
    storage_close(flipping);
    close_both();
}
END_TEST

/* The source's own checksum says that the bytes were damaged on their way: nothing becomes visible. */
START_TEST(damaged_reads_are_never_published)
{
    struct storage *flipping;
    struct copy_args args;
    struct copy *c;

    for (int small = 0; small < 2; small++) {
        struct script_config damaged = blocking_reads;

        damaged.tells_info = true;
        open_both(&damaged, &writes);
        flipping = tampered_storage(from, flip);
        gets = small ? 3 : 0; /* the first read is damaged, or the fourth */
        script_set(from, "o", data, small ? 100 : SIZE);
        args = counted(flipping, target);
        args.checksum = true;
        c = start(&args);
        push(c, "o", small ? 100 : SIZE);
        ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
        copy_destroy(c);
        ck_assert_uint_eq(totals.failed, 1);
        ck_assert_ptr_nonnull(strstr(told, "its storage says"));
        ck_assert_uint_eq(script_objects(to), 0);
        ck_assert_uint_eq(script_calls(to, DLFW_OP_WRITE_COMMIT) + script_calls(to, DLFW_OP_PUT), 0);
        storage_close(flipping);
        close_both();
    }
}
END_TEST

START_TEST(a_source_that_changes_its_size)
{
    static void (*const ways[])(dlfw_req * req, dlfw_comp * comp) = {grow, shrink};
    struct storage *changing;

    for (int unknown = 0; unknown < 2; unknown++) {
        struct script_config config = blocking_reads;
        struct copy_args args;
        struct copy *c;

        config.sizes_unknown = unknown;
        open_both(&config, &writes);
        changing = tampered_storage(from, ways[_i]);
        script_set(from, "o", data, SIZE - 100);
        args = counted(changing, target);
        c = start(&args);
        push(c, "o", SIZE - 100);
        ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
        copy_destroy(c);
        ck_assert_uint_eq(totals.failed, 1);
        ck_assert_msg(strstr(told, "changed its size") || strstr(told, "short read"), "%s", told);
        ck_assert_uint_eq(script_objects(to), 0);
        storage_close(changing);
        close_both();
    }
}
END_TEST

/* The listing said something else; large and small. */
START_TEST(a_size_that_is_not_as_listed)
{
    static const uint64_t really[] = {0, 1, 9, 11, 4097, 3 * PART};

    for (size_t i = 0; i < sizeof really / sizeof *really; i++) {
        struct copy_args args;
        struct copy *c;

        open_both(&reads, &writes);
        script_set(from, "o", data, really[i]);
        args = counted(source, target);
        c = start(&args);
        push(c, "o", 10);
        push(c, "o", 3 * PART + 1);
        ck_assert_int_eq(copy_finish(c, &totals, &err.e), DLFW_OK);
        copy_destroy(c);
        ck_assert_uint_eq(totals.failed, 2);
        ck_assert_uint_eq(script_objects(to), 0);
        close_both();
    }
}
END_TEST

#define KINDS ((int)(sizeof failing / sizeof *failing))

int main(void)
{
    Suite *suite = suite_create("copy_faults");
    TCase *tc = tcase_create("faults");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, one_request_fails, 0, KINDS);
    tcase_add_loop_test(tc, every_request_of_a_kind_fails, 0, KINDS);
    tcase_add_loop_test(tc, compressed_objects_fail_whole, 0, KINDS);
    tcase_add_test(tc, fail_fast_ends_it);
    tcase_add_loop_test(tc, cancelled, 0, 4);
    tcase_add_test(tc, given_up_without_finish);
    tcase_add_test(tc, a_queue_that_cannot_be_had);
    tcase_add_test(tc, a_wrong_copy_is_found_and_removed);
    tcase_add_test(tc, damaged_reads_are_never_published);
    tcase_add_loop_test(tc, a_source_that_changes_its_size, 0, 2);
    tcase_add_test(tc, a_size_that_is_not_as_listed);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
