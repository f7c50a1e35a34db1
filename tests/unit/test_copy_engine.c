/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of every length between backends of every shape; conditions, ranges, copies by the service, memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crc.h"
#include "support/script_backend.h"
#include "transfer/copy.h"
#include "io/crc_join.h"

#define PART 8192u

static struct script *from, *to;
static struct storage *source, *target;
static struct error_slot err;
static struct copy_totals totals;
static uint8_t data[12 * PART];

static void open_both(const struct script_config *a, const struct script_config *b)
{
    error_slot_init(&err);
    script_fill(data, sizeof data, 0);
    from = script_create(a);
    to = script_create(b);
    source = script_storage(from, "retry: {max_attempts: 2, backoff: 1ms}");
    target = script_storage(to, "retry: {max_attempts: 2, backoff: 1ms}");
}

static void close_both(void)
{
    storage_close(source);
    storage_close(target);
    script_destroy(from); /* checks that nothing is left open */
    script_destroy(to);
}

static struct copy_args args_of(struct storage *a, struct storage *b)
{
    return (struct copy_args){.source = a, .target = b, .jobs = 8};
}

static struct copy *start(const struct copy_args *args)
{
    struct copy *c = NULL;

    ck_assert_msg(copy_start(args, &c, &err.e) == DLFW_OK, "%s", err.text);
    return c;
}

static void push(struct copy *c, const char *key, uint64_t size, enum copy_condition condition)
{
    const struct copy_item item = {.source_key = key,
                                   .target_key = key,
                                   .size = size,
                                   .mtime_ns = SCRIPT_MTIME,
                                   .length = UINT64_MAX,
                                   .condition = condition};

    ck_assert_int_eq(copy_push(c, &item), DLFW_OK);
}

static void finish(struct copy *c)
{
    ck_assert_msg(copy_finish(c, &totals, &err.e) == DLFW_OK, "%s", err.text);
    copy_destroy(c);
}

static void check_object(struct script *s, const char *key, uint64_t at, uint64_t len)
{
    size_t there;
    const uint8_t *object = script_get(s, key, &there);

    ck_assert_msg(object != NULL, "'%s' is not there", key);
    ck_assert_uint_eq(there, len);
    ck_assert(len == 0 || memcmp(object, data + at, len) == 0);
}

#define LIMITS                                                                                                         \
    .limits = {.preferred_io = 512,                                                                                    \
               .preferred_part = PART,                                                                                 \
               .write_length_align = 512,                                                                              \
               .write_offset_align = 512,                                                                              \
               .mem_align = 512}
#define READS_ALIGNED                                                                                                  \
    .limits = {.preferred_io = PART, .preferred_part = PART, .read_length_align = 4096, .read_offset_align = 4096}
#define LOCAL .caps = DLFW_BACKEND_LOCAL

static const struct {
    const char *name;
    struct script_config from, to;
} shapes[] = {
    {"native to native", {.native = true, LOCAL, LIMITS}, {.native = true, LOCAL, LIMITS}},
    {"out of order",
     {.native = true, LOCAL, .delay_ns = 20000, .jitter_ns = 300000, LIMITS},
     {.native = true, LOCAL, .delay_ns = 20000, .jitter_ns = 300000, LIMITS}},
    {"both with descriptors",
     {.native = true, LOCAL, .waits_on_fd = true, .jitter_ns = 300000, LIMITS},
     {.native = true, LOCAL, .waits_on_fd = true, .jitter_ns = 300000, LIMITS}},
    {"inline to inline", {.blocking = true, LOCAL, LIMITS}, {.blocking = true, LOCAL, LIMITS}},
    {"inline to native", {.blocking = true, LOCAL, LIMITS}, {.native = true, .delay_ns = 20000, LOCAL, LIMITS}},
    {"pool to pool", {.blocking = true, LIMITS}, {.blocking = true, LIMITS}},
    {"without open", {.native = true, .without = DLFW_OP_BIT(DLFW_OP_OPEN), LOCAL, LIMITS}, {.native = true, LIMITS}},
    {"without put", {.native = true, LOCAL, LIMITS}, {.native = true, .without = DLFW_OP_BIT(DLFW_OP_PUT), LIMITS}},
    {"in one piece only",
     {.native = true, LOCAL, LIMITS},
     {.native = true, .without = DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN), LIMITS}},
    {"aligned reads", {.native = true, LOCAL, READS_ALIGNED}, {.native = true, LOCAL, LIMITS}},
    {"small reads", {.native = true, LOCAL, .limits = {.max_io = 1000}}, {.native = true, LOCAL, LIMITS}},
    {"sizes not told", {.native = true, .sizes_unknown = true, LOCAL, LIMITS}, {.native = true, LOCAL, LIMITS}},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static const uint64_t lengths[] = {0, 1, 511, 512, PART - 1, PART, PART + 1, 2 * PART, 5 * PART + 7, 11 * PART + 100};
#define LENGTHS (sizeof lengths / sizeof *lengths)

/* A local source is read in 256 KiB at least, so parts are that large; these are small enough for many. */
static const char *key_of(size_t i)
{
    static char key[32];

    snprintf(key, sizeof key, "a/o%zu", i);
    return key;
}

START_TEST(every_length_arrives)
{
    struct copy_args args;
    uint64_t bytes = 0;

    open_both(&shapes[_i].from, &shapes[_i].to);
    for (size_t i = 0; i < LENGTHS; i++)
        script_set(from, key_of(i), data + i, lengths[i]);
    for (int checked = 0; checked < 3; checked++) {
        struct copy *c;

        args = args_of(source, target);
        args.checksum = checked == 1;
        args.read_back = checked == 2;
        c = start(&args);
        bytes = 0;
        for (size_t i = 0; i < LENGTHS; i++) {
            push(c, key_of(i), i % 2 ? lengths[i] : UINT64_MAX, COPY_ALWAYS);
            bytes += lengths[i];
        }
        finish(c);
        ck_assert_uint_eq(totals.copied, LENGTHS);
        ck_assert_uint_eq(totals.failed, 0);
        ck_assert_uint_eq(totals.bytes, bytes);
        ck_assert_uint_eq(totals.verified, checked ? LENGTHS : 0);
        for (size_t i = 0; i < LENGTHS; i++)
            check_object(to, key_of(i), i, lengths[i]);
    }
    ck_assert_uint_eq(script_uploads(to), 0);
    close_both();
}
END_TEST

/* Parts of 8 KiB: from a source that is no local file and wants no more. */
static const struct script_config small_reads = {.native = true, .caps = 0, .limits = {.max_io = PART}};
static const struct script_config small_parts = {.native = true,
                                                 .limits = {.preferred_part = PART, .max_part = PART, .max_io = PART}};

START_TEST(large_objects_go_in_parts_side_by_side)
{
    struct script_config slow = small_parts;
    struct copy_args args;
    struct copy *c;

    slow.delay_ns = 3000000;
    open_both(&small_reads, &slow);
    script_set(from, "o", data, sizeof data);
    args = args_of(source, target);
    args.jobs = 4;
    args.checksum = true;
    c = start(&args);
    push(c, "o", sizeof data, COPY_ALWAYS);
    finish(c);
    check_object(to, "o", 0, sizeof data);
    ck_assert_uint_eq(script_calls(to, DLFW_OP_WRITE_PART), 12);
    ck_assert_uint_eq(script_calls(to, DLFW_OP_PUT), 0);
    ck_assert_uint_ge(script_max_running(to), 2);
    ck_assert_uint_le(script_max_running(to), 4);
    ck_assert_uint_eq(totals.verified, 1);
    close_both();
}
END_TEST

/* A checksum that the target keeps saves reading the copy. */
START_TEST(stored_checksums_are_used)
{
    struct script_config tells = small_parts;
    struct copy_args args;
    struct copy *c;

    tells.tells_info = true;
    open_both(&tells, &tells);
    script_set(from, "o", data, 5 * PART + 1);
    args = args_of(source, target);
    args.checksum = true;
    c = start(&args);
    push(c, "o", 5 * PART + 1, COPY_ALWAYS);
    finish(c);
    ck_assert_uint_eq(totals.verified, 1);
    ck_assert_uint_eq(script_calls(to, DLFW_OP_GET), 0);
    check_object(to, "o", 0, 5 * PART + 1);
    close_both();
}
END_TEST

START_TEST(ranges)
{
    static const struct {
        uint64_t offset, length, expected;
    } cases[] = {{0, 10, 10},      {7, UINT64_MAX, 3 * PART - 7}, {4097, 5000, 5000},
                 {3 * PART, 5, 0}, {3 * PART - 1, 9, 1},          {1, 2 * PART + 5, 2 * PART + 5}};
    struct copy_args args;

    for (int shape = 0; shape < 2; shape++) {
        const struct script_config aligned = {.native = true, LOCAL, READS_ALIGNED};

        open_both(shape ? &aligned : &small_reads, &small_parts);
        script_set(from, "o", data, 3 * PART);
        args = args_of(source, target);
        args.read_back = true;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct copy *c = start(&args);
            const struct copy_item item = {.source_key = "o",
                                           .target_key = "part",
                                           .size = UINT64_MAX,
                                           .offset = cases[i].offset,
                                           .length = cases[i].length};

            ck_assert_int_eq(copy_push(c, &item), DLFW_OK);
            finish(c);
            ck_assert_uint_eq(totals.verified, 1);
            check_object(to, "part", cases[i].offset, cases[i].expected);
        }
        close_both();
    }
}
END_TEST

static uint32_t outcomes[4];
static char told[480];

static void count_outcome(void *ctx, const struct copy_item *item, enum copy_outcome outcome, uint64_t bytes,
                          const dlfw_error *why)
{
    (void)ctx;
    (void)item;
    (void)bytes;
    outcomes[outcome]++;
    if (outcome == COPY_FAILED)
        snprintf(told, sizeof told, "%s", why->message);
}

static struct copy_args counted(struct storage *a, struct storage *b)
{
    struct copy_args args = args_of(a, b);

    memset(outcomes, 0, sizeof outcomes);
    told[0] = '\0';
    args.each = count_outcome;
    return args;
}

START_TEST(a_range_behind_the_end_is_an_error)
{
    const struct copy_item item = {
        .source_key = "o", .target_key = "o", .size = UINT64_MAX, .offset = 11, .length = UINT64_MAX};
    struct copy_args args;
    struct copy *c;

    open_both(&small_reads, &small_parts);
    script_set(from, "o", data, 10);
    args = counted(source, target);
    c = start(&args);
    copy_push(c, &item);
    finish(c);
    ck_assert_uint_eq(outcomes[COPY_FAILED], 1);
    ck_assert_str_eq(told, "'o' has 10 bytes; there is nothing at 11");
    ck_assert_uint_eq(script_objects(to), 0);
    close_both();
}
END_TEST

/* What the target has, and whether each condition leaves it. */
START_TEST(conditions)
{
    static const struct {
        enum copy_condition condition;
        bool tells, exclusive, dry_run;
        const char *there; /* NULL: nothing */
        uint64_t mtime_ns; /* of the source */
        enum copy_outcome expected;
    } cases[] = {
        {COPY_ALWAYS, true, false, false, "abcd", SCRIPT_MTIME, COPY_DONE},
        {COPY_ALWAYS, true, true, false, "abcd", SCRIPT_MTIME, COPY_SAME},
        {COPY_ALWAYS, true, true, false, NULL, SCRIPT_MTIME, COPY_DONE},
        {COPY_ALWAYS, true, true, true, "abcd", SCRIPT_MTIME, COPY_SAME},
        {COPY_ALWAYS, true, true, true, NULL, SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_THERE, true, false, false, NULL, SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_THERE, true, false, false, "wxyz", SCRIPT_MTIME, COPY_SAME},
        {COPY_UNLESS_THERE, true, false, false, "wxyz", SCRIPT_MTIME + 1, COPY_DONE},
        {COPY_UNLESS_THERE, true, false, false, "wxy", SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_THERE, true, false, false, "wxyz", 0, COPY_DONE},
        {COPY_UNLESS_THERE, false, false, false, "wxyz", SCRIPT_MTIME, COPY_DONE}, /* no time is told */
        {COPY_UNLESS_THERE, true, false, true, "wxyz", SCRIPT_MTIME, COPY_SAME},
        {COPY_UNLESS_EQUAL, true, false, false, "abcd", SCRIPT_MTIME + 1, COPY_SAME},
        {COPY_UNLESS_EQUAL, true, false, false, "abce", SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_EQUAL, false, false, false, "abcd", SCRIPT_MTIME, COPY_SAME},
        {COPY_UNLESS_EQUAL, false, false, false, "abce", SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_EQUAL, false, false, false, "abc", SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_EQUAL, false, false, false, NULL, SCRIPT_MTIME, COPY_DONE},
        {COPY_UNLESS_EQUAL, false, false, true, "abce", SCRIPT_MTIME, COPY_DONE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct script_config config = {.native = true, .tells_info = cases[i].tells};
        const struct copy_item item = {.source_key = "o",
                                       .target_key = "o",
                                       .size = 4,
                                       .mtime_ns = cases[i].mtime_ns,
                                       .length = UINT64_MAX,
                                       .condition = cases[i].condition};
        bool written = cases[i].expected == COPY_DONE && !cases[i].dry_run;
        const char *expected = written ? "abcd" : cases[i].there;
        struct copy_args args;
        struct copy *c;
        size_t len;

        open_both(&config, &config);
        script_set(from, "o", "abcd", 4);
        if (cases[i].there)
            script_set(to, "o", cases[i].there, strlen(cases[i].there));
        args = counted(source, target);
        args.write_flags = cases[i].exclusive ? DLFW_REQ_EXCLUSIVE : 0;
        args.dry_run = cases[i].dry_run;
        c = start(&args);
        ck_assert_int_eq(copy_push(c, &item), DLFW_OK);
        finish(c);
        ck_assert_msg(outcomes[cases[i].expected] == 1, "case %zu: %s", i, told);
        if (expected)
            ck_assert_int_eq(memcmp(script_get(to, "o", &len), expected, strlen(expected)), 0);
        else
            ck_assert_uint_eq(script_objects(to), 0);
        if (!written)
            ck_assert_uint_eq(script_calls(to, DLFW_OP_WRITE_BEGIN) + script_calls(to, DLFW_OP_WRITE_PART), 0);
        close_both();
    }
}
END_TEST

/* One storage for both sides: its service copies, unless bytes are to be checked or a range is wanted. */
START_TEST(the_service_copies)
{
    const struct copy_item item = {.source_key = "o", .target_key = "p", .size = 3 * PART, .length = UINT64_MAX};
    struct copy_args args;

    for (int way = 0; way < 4; way++) {
        struct script_config config = small_parts;
        struct copy *c;

        config.without = way == 2 ? DLFW_OP_BIT(DLFW_OP_COPY) : 0;
        open_both(&config, &config);
        script_set(from, "o", data, 3 * PART);
        if (way == 3) /* it says only then that it cannot */
            script_rule(from, (struct script_rule){.op = DLFW_OP_COPY, .count = 9, .status = DLFW_E_UNSUPPORTED});
        args = args_of(source, source);
        args.checksum = way == 1;
        c = start(&args);
        ck_assert_int_eq(copy_push(c, &item), DLFW_OK);
        finish(c);
        check_object(from, "p", 0, 3 * PART);
        ck_assert_uint_eq(totals.by_service, way == 0);
        ck_assert_uint_eq(totals.copied, 1);
        ck_assert_uint_eq(totals.bytes, 3 * PART);
        ck_assert_int_eq(script_calls(from, DLFW_OP_GET) == 0, way == 0);
        close_both();
    }
}
END_TEST

/* Many objects, less memory than they would like: it waits and stays below. */
START_TEST(memory_is_bounded)
{
    struct script_config slow = small_parts;
    struct copy_args args;
    struct copy *c;

    slow.jitter_ns = 200000;
    open_both(&small_reads, &slow);
    args = args_of(source, target);
    args.jobs = 64;
    args.memory = 4 * PART;
    c = start(&args);
    for (size_t i = 0; i < 40; i++)
        script_set(from, key_of(i), data + i, (i % 4) * PART + i);
    for (size_t i = 0; i < 40; i++)
        push(c, key_of(i), (i % 4) * PART + i, COPY_ALWAYS);
    finish(c);
    ck_assert_uint_eq(totals.copied, 40);
    for (size_t i = 0; i < 40; i++)
        check_object(to, key_of(i), i, (i % 4) * PART + i);
    close_both();
}
END_TEST

START_TEST(too_little_memory_is_an_error_of_the_object)
{
    struct copy_args args;
    struct copy *c;

    open_both(&small_reads, &small_parts);
    script_set(from, "o", data, 2 * PART);
    script_set(from, "small", data, 10);
    args = counted(source, target);
    args.memory = 4096;
    c = start(&args);
    push(c, "o", 2 * PART, COPY_ALWAYS);
    push(c, "small", 10, COPY_ALWAYS);
    finish(c);
    ck_assert_uint_eq(outcomes[COPY_FAILED], 1);
    ck_assert_uint_eq(outcomes[COPY_DONE], 1);
    ck_assert_ptr_nonnull(strstr(told, "memory limit"));
    ck_assert_uint_eq(script_uploads(to), 0);
    close_both();
}
END_TEST

static void generate(void *ctx, const struct copy_item *item, uint64_t offset, void *buf, uint64_t len)
{
    (void)ctx;
    memcpy(buf, data + item->index + offset, len);
}

START_TEST(generated_objects)
{
    struct copy_args args;
    struct copy *c;

    open_both(&small_reads, &small_parts);
    args = args_of(NULL, target);
    args.generate = generate;
    args.read_back = true;
    c = start(&args);
    for (size_t i = 0; i < LENGTHS; i++) {
        const struct copy_item item = {
            .target_key = key_of(i), .size = lengths[i], .length = UINT64_MAX, .index = 3 * i};

        ck_assert_int_eq(copy_push(c, &item), DLFW_OK);
    }
    finish(c);
    ck_assert_uint_eq(totals.verified, LENGTHS);
    for (size_t i = 0; i < LENGTHS; i++)
        check_object(to, key_of(i), 3 * i, lengths[i]);
    close_both();
}
END_TEST

START_TEST(reading_only)
{
    struct copy_args args;
    struct copy *c;

    open_both(&small_reads, &small_parts);
    script_set(from, "o", data, 7 * PART + 3);
    script_set(from, "p", data, 5);
    args = args_of(source, NULL);
    c = start(&args);
    push(c, "o", 7 * PART + 3, COPY_ALWAYS);
    push(c, "p", UINT64_MAX, COPY_ALWAYS);
    finish(c);
    ck_assert_uint_eq(totals.copied, 2);
    ck_assert_uint_eq(totals.bytes, 7 * PART + 8);
    ck_assert_uint_ge(totals.read_ns.count, 2);
    close_both();
}
END_TEST

START_TEST(checksums_of_pieces_add_up)
{
    uint32_t whole = crc32c_update(0, data, sizeof data), sum = 0;
    static const size_t cuts[] = {0, 1, 100, 4096, 4097, 50000, sizeof data};

    script_fill(data, sizeof data, 5);
    whole = crc32c_update(0, data, sizeof data);
    for (size_t i = 6; i-- > 0;)
        sum ^= crc32c_join(crc32c_update(0, data + cuts[i], cuts[i + 1] - cuts[i]), 0, sizeof data - cuts[i + 1]);
    ck_assert_uint_eq(sum, whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy_engine");
    TCase *tc = tcase_create("engine");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_loop_test(tc, every_length_arrives, 0, SHAPES);
    tcase_add_test(tc, large_objects_go_in_parts_side_by_side);
    tcase_add_test(tc, stored_checksums_are_used);
    tcase_add_test(tc, ranges);
    tcase_add_test(tc, a_range_behind_the_end_is_an_error);
    tcase_add_test(tc, conditions);
    tcase_add_test(tc, the_service_copies);
    tcase_add_test(tc, memory_is_bounded);
    tcase_add_test(tc, too_little_memory_is_an_error_of_the_object);
    tcase_add_test(tc, generated_objects);
    tcase_add_test(tc, reading_only);
    tcase_add_test(tc, checksums_of_pieces_add_up);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
