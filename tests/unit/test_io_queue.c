/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's contract, in every mode: exactly one completion per operation, whatever the backend and the caller do. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "support/script_backend.h"

#define MS 1000000ull
#define DEPTH 24u

static const struct {
    const char *name;
    struct script_config config;
    const char *mode;
    const char *yaml;
} modes[] = {
    {"native", {.native = true}, "native", NULL},
    {"native, few at a time", {.native = true, .submit_max = 3}, "native", NULL},
    {"native, serial", {.native = true, .thread_class = DLFW_THREADS_SERIAL_INSTANCE}, "native", NULL},
    {"pool", {.blocking = true}, "pool", NULL},
    {"pool, queue refused", {.native = true, .blocking = true, .no_queue = true}, "pool", NULL},
    {"pool, serial", {.blocking = true, .thread_class = DLFW_THREADS_SERIAL_PROCESS}, "pool", NULL},
    {"delayed native", {.native = true}, "native", "wrap: [{delay: {read: 300us, jitter: 500us}}]"},
    {"delayed pool", {.blocking = true}, "pool", "wrap: [{delay: {read: 300us}}, {throttle: {ops: 20000}}]"},
    {"delayed inline",
     {.blocking = true, .caps = DLFW_BACKEND_LOCAL},
     "inline",
     "wrap: [{delay: {read: 300us, jitter: 500us}}]"},
    {"inline", {.blocking = true, .caps = DLFW_BACKEND_LOCAL}, "inline", NULL},
};
#define MODES ((int)(sizeof modes / sizeof *modes))
#define WAITING_MODES (MODES - 1) /* inline performs and returns */

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;

static void open_config(const struct script_config *config, const char *yaml, uint32_t depth)
{
    uint8_t data[4096];

    script = script_create(config);
    script_fill(data, sizeof data, 0);
    script_set(script, "k", data, sizeof data);
    storage = script_storage(script, yaml);
    ck_assert_int_eq(io_queue_create(storage, depth, &queue, NULL), DLFW_OK);
}

static void close_all(void)
{
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static struct io_op get_at(uint8_t *buf, uint64_t offset)
{
    return (struct io_op){
        .op = DLFW_OP_GET, .key = "k", .key_len = 1, .buf = buf, .buf_cap = 16, .offset = offset, .length = 16};
}

struct load {
    struct io_op ops[DEPTH];
    uint8_t bufs[DEPTH][16];
    bool out[DEPTH];
};

static void check_done(struct load *load, struct io_op *op)
{
    size_t i = (size_t)(op - load->ops);
    uint8_t wanted[16];

    if (i >= DEPTH || !load->out[i])
        ck_abort_msg("operation %zu came back twice", i);
    load->out[i] = false;
    script_fill(wanted, sizeof wanted, op->offset);
    if (op->slot || op->done_ns < op->submit_ns)
        ck_abort_msg("operation %zu: slot %p, %llu ns", i, (void *)op->slot,
                     (unsigned long long)(op->done_ns - op->submit_ns));
    if (op->status != DLFW_E_CANCELLED && (op->status < 0 || op->bytes != 16 || memcmp(op->data, wanted, 16) != 0))
        ck_abort_msg("operation %zu: %u bytes; %s", i, (unsigned)op->bytes, op->err.text);
}

/* Random submits, reaps and cancels; each operation comes back exactly once and with its own bytes. */
START_TEST(exactly_one_completion)
{
    struct load *load = calloc(1, sizeof *load);
    struct script_config config = modes[_i].config;
    const char *seed_text = getenv("DLFW_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 1, draws = 0, submitted = 0, back = 0;

    config.delay_ns = config.native ? 20000 : 0;
    config.jitter_ns = config.native ? 300000 : 0;
    open_config(&config, modes[_i].yaml, DEPTH);
    ck_assert_str_eq(io_queue_mode(queue), modes[_i].mode);
    for (uint32_t round = 0; round < 400; round++) {
        uint64_t what = hash_mix(seed + draws++);
        struct io_op *done[DEPTH];
        uint32_t n;

        for (uint64_t k = what % 9; k > 0; k--) {
            size_t i = hash_mix(seed + draws++) % DEPTH;

            if (load->out[i])
                continue;
            load->ops[i] = get_at(load->bufs[i], hash_mix(draws) % 4000);
            if (!io_queue_submit(queue, &load->ops[i])) {
                ck_assert_uint_eq(io_queue_inflight(queue), io_queue_depth(queue));
                break;
            }
            load->out[i] = true;
            submitted++;
        }
        if (what % 23 == 0)
            io_queue_cancel(queue);
        n = io_queue_reap(queue, done, (uint32_t)(what >> 8) % DEPTH + 1, (uint32_t)(what >> 16) % 5,
                          (what >> 24) % 3 * 200000);
        back += n;
        for (uint32_t i = 0; i < n; i++)
            check_done(load, done[i]);
        ck_assert_uint_eq(io_queue_inflight(queue), submitted - back);
    }
    while (io_queue_inflight(queue)) {
        struct io_op *done[DEPTH];
        uint32_t n = io_queue_reap(queue, done, DEPTH, DEPTH, UINT64_MAX);

        for (uint32_t i = 0; i < n; i++)
            check_done(load, done[i]);
    }
    ck_assert_msg(submitted > 100, "%s: only %u operations", modes[_i].name, (unsigned)submitted);
    for (uint32_t i = 0; i < DEPTH; i++)
        ck_assert(!load->out[i]);
    close_all();
    free(load);
}
END_TEST

START_TEST(destroy_takes_back_what_is_in_flight)
{
    struct load *load = calloc(1, sizeof *load);
    struct script_config config = modes[_i].config;

    config.delay_ns = 2 * MS;
    open_config(&config, modes[_i].yaml, DEPTH);
    for (uint32_t i = 0; i < io_queue_depth(queue); i++) {
        load->ops[i] = get_at(load->bufs[i], 0);
        ck_assert(io_queue_submit(queue, &load->ops[i]));
    }
    ck_assert(!io_queue_submit(queue, &load->ops[DEPTH - 1]) || io_queue_depth(queue) < DEPTH);
    io_queue_reap(queue, &(struct io_op *){NULL}, 1, 0, 0);
    io_queue_destroy(queue);
    queue = NULL;
    close_all();
    free(load);
}
END_TEST

static void *wake_later(void *arg)
{
    struct timespec ts = {.tv_nsec = 30000000};

    nanosleep(&ts, NULL);
    io_queue_wakeup(arg);
    return NULL;
}

/* An operation that stays in flight for a good while. Threads of a pool cannot be cancelled, so there the while is
 * short. */
static uint64_t open_waiting(int mode)
{
    struct script_config config = modes[mode].config;
    bool local = (config.caps & DLFW_BACKEND_LOCAL) != 0, pool = strcmp(modes[mode].mode, "pool") == 0;

    config.delay_ns = local ? 0 : pool ? 2000 * MS : 3000 * MS;
    open_config(&config, local ? "wrap: [{delay: {read: 3s}}]" : modes[mode].yaml, 2);
    return pool ? 2000 * MS : 3000 * MS;
}

START_TEST(a_reap_ends_by_timeout_or_wakeup)
{
    uint8_t buf[16];
    struct io_op op = get_at(buf, 0);
    struct io_op *done;
    uint64_t most = open_waiting(_i) / 5 * 4, start;
    pthread_t thread;

    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, UINT64_MAX), 0); /* nothing in flight: no hang */
    start = clock_now_ns();
    ck_assert(io_queue_submit(queue, &op));
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, 20 * MS), 0);
    ck_assert_uint_ge(clock_now_ns() - start, 20 * MS);
    pthread_create(&thread, NULL, wake_later, queue);
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, UINT64_MAX), 0);
    pthread_join(thread, NULL);
    io_queue_wakeup(queue); /* before the reap: not lost either */
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, UINT64_MAX), 0);
    ck_assert_uint_lt(clock_now_ns() - start, most);
    io_queue_cancel(queue);
    ck_assert_uint_eq(io_queue_reap(queue, &done, 1, 1, UINT64_MAX), 1);
    ck_assert_ptr_eq(done, &op);
    close_all();
}
END_TEST

START_TEST(requests_are_handed_over_in_batches)
{
    struct io_op ops[40];
    struct io_op *done[40];
    static uint8_t bufs[40][16];

    open_config(&(struct script_config){.native = true}, NULL, 40);
    for (uint32_t i = 0; i < 40; i++) {
        ops[i] = get_at(bufs[i], i);
        ck_assert(io_queue_submit(queue, &ops[i]));
        ck_assert_uint_eq(script_submits(script), i >= 31);
    }
    ck_assert_uint_eq(io_queue_reap(queue, done, 40, 40, UINT64_MAX), 40);
    ck_assert_uint_eq(script_submits(script), 2);
    ck_assert(!io_queue_inflight(queue));
    close_all();
}
END_TEST

START_TEST(short_reads_are_errors)
{
    static const struct {
        uint64_t offset, short_by, object;
        bool whole, good;
    } cases[] = {
        {0, 1, 64, false, false}, {40, 5, 64, false, false}, {56, 0, 64, false, true}, {56, 1, 64, false, false},
        {64, 0, 64, false, true}, {0, 0, 16, true, true},    {0, 1, 16, true, false},  {0, 15, 16, true, false},
    };
    uint8_t data[64], buf[16];
    struct io_op op;

    open_config(&(struct script_config){.native = true}, NULL, 2);
    script_fill(data, sizeof data, 0);
    script_set(script, "s", data, cases[_i].object);
    script_rule(script, (struct script_rule){.op = DLFW_OP_GET, .count = 1, .short_by = cases[_i].short_by});
    op = get_at(buf, cases[_i].offset);
    op.key = "s";
    op.flags = cases[_i].whole ? DLFW_REQ_WHOLE : 0;
    ck_assert_int_eq(io_call(queue, &op, NULL), cases[_i].good ? DLFW_OK : DLFW_E_IO);
    if (!cases[_i].good) {
        ck_assert_ptr_nonnull(strstr(op.err.text, "short read"));
        ck_assert_ptr_nonnull(strstr(op.err.text, "'s'"));
        ck_assert_uint_eq(op.bytes, 0);
    }
    close_all();
}
END_TEST

START_TEST(short_writes_are_errors)
{
    uint8_t buf[16] = {0};
    struct error_slot err;

    error_slot_init(&err);
    open_config(&(struct script_config){.native = true}, NULL, 2);
    script_rule(script, (struct script_rule){.op = DLFW_OP_PUT, .count = 1, .short_by = 1});
    ck_assert_int_eq(io_put(queue, "w", buf, sizeof buf, 0, &err.e), DLFW_E_IO);
    ck_assert_str_eq(err.text, "cannot write 'w': short write: 15 of 16 bytes");
    close_all();
}
END_TEST

START_TEST(a_dead_queue_fails_everything)
{
    struct load *load = calloc(1, sizeof *load);
    struct io_op *done[DEPTH];

    open_config(&(struct script_config){.native = true, .delay_ns = 5 * MS}, NULL, DEPTH);
    script_rule(script, (struct script_rule){.dead = true, .from = 1, .count = 1});
    for (uint32_t i = 0; i < 4; i++) {
        load->ops[i] = get_at(load->bufs[i], i);
        ck_assert(io_queue_submit(queue, &load->ops[i]));
        if (i == 1)
            io_queue_reap(queue, done, 1, 0, 0);
    }
    ck_assert_uint_eq(io_queue_reap(queue, done, DEPTH, 4, UINT64_MAX), 4);
    ck_assert_int_eq(load->ops[0].status, DLFW_OK);
    ck_assert_int_eq(load->ops[1].status, DLFW_OK);
    ck_assert_int_eq(load->ops[2].status, DLFW_E_UNAVAILABLE);
    ck_assert_int_eq(load->ops[3].status, DLFW_E_UNAVAILABLE);
    ck_assert_int_eq(io_call(queue, &load->ops[0], NULL), DLFW_E_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(load->ops[0].err.text, "dead"));
    close_all();
    free(load);
}
END_TEST

/* A backend that takes nothing for a while is asked again; one that never takes anything ends in a timeout. */
START_TEST(refused_submits_are_repeated_until_the_deadline)
{
    uint8_t buf[16];
    struct io_op op = get_at(buf, 0);

    open_config(&(struct script_config){.native = true}, "retry: {timeout: 400ms}", 4);
    script_rule(script, (struct script_rule){.refuse_submit = true, .count = 3});
    script_rule(script, (struct script_rule){.refuse_submit = true, .from = 4, .count = UINT64_MAX});
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(op.err.text, "deadline"));
    close_all();
}
END_TEST

START_TEST(operations_out_of_the_mask_fail)
{
    struct io_op op = {.op = DLFW_OP_OPEN, .key = "k", .key_len = 1};

    open_config(&(struct script_config){.native = true, .without = DLFW_OP_BIT(DLFW_OP_OPEN)}, NULL, 4);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_UNSUPPORTED);
    ck_assert_str_eq(op.err.text, "cannot open 'k': backend 'script' cannot open");
    op.op = 200;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_UNSUPPORTED);
    ck_assert_uint_eq(script_calls(script, 0), 0);
    close_all();
}
END_TEST

START_TEST(handles_come_and_go)
{
    uint8_t buf[16];
    struct io_op op = {.op = DLFW_OP_OPEN, .key = "k", .key_len = 1}, read = get_at(buf, 100);

    open_config(&modes[_i].config, NULL, 4);
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_ptr_nonnull(op.handle);
    ck_assert_uint_eq(op.object_size, 4096);
    read.key = NULL;
    read.key_len = 0;
    read.handle = op.handle;
    ck_assert_int_eq(io_call(queue, &read, NULL), DLFW_OK);
    ck_assert_uint_eq(read.data[0], script_byte(100));
    op.op = DLFW_OP_CLOSE;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    close_all();
}
END_TEST

START_TEST(what_was_done_is_counted)
{
    uint8_t buf[16];
    struct io_op op = get_at(buf, 4090);
    const struct io_stats *stats;
    struct io_stats *sum = calloc(1, sizeof *sum);

    open_config(&(struct script_config){.native = true,
                                        .delay_ns = MS,
                                        .limits = {.read_offset_align = 8, .read_length_align = 8}},
                NULL, 4);
    op.buf_cap = 16;
    op.length = 5; /* 4090 .. 4094, widened to 4088 .. 4095 */
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_OK);
    ck_assert_int_eq(io_put(queue, "w", buf, 7, 0, NULL), DLFW_OK);
    op.key = "none";
    op.key_len = 4;
    ck_assert_int_eq(io_call(queue, &op, NULL), DLFW_E_NOT_FOUND);
    stats = io_queue_stats(queue);
    ck_assert_uint_eq(stats->requests[DLFW_OP_GET], 2);
    ck_assert_uint_eq(stats->requests[DLFW_OP_PUT], 1);
    ck_assert_uint_eq(stats->bytes_read, 5);
    ck_assert_uint_eq(stats->bytes_fetched, 8);
    ck_assert_uint_eq(stats->bytes_written, 7);
    ck_assert_uint_eq(stats->errors, 1);
    ck_assert_uint_eq(stats->read_ns.count, 1);
    ck_assert_uint_ge(stats->read_ns.min, MS);
    ck_assert_uint_eq(stats->write_ns.count, 1);
    io_stats_merge(sum, stats);
    io_stats_merge(sum, stats);
    ck_assert_uint_eq(sum->bytes_read, 10);
    ck_assert_uint_eq(sum->requests[DLFW_OP_GET], 4);
    ck_assert_uint_eq(sum->errors, 2);
    ck_assert_uint_eq(sum->read_ns.count, 2);
    free(sum);
    close_all();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("io_queue");
    TCase *tc = tcase_create("io_queue");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, exactly_one_completion, 0, MODES);
    tcase_add_loop_test(tc, destroy_takes_back_what_is_in_flight, 0, MODES);
    tcase_add_loop_test(tc, a_reap_ends_by_timeout_or_wakeup, 0, WAITING_MODES);
    tcase_add_test(tc, requests_are_handed_over_in_batches);
    tcase_add_loop_test(tc, short_reads_are_errors, 0, 8);
    tcase_add_test(tc, short_writes_are_errors);
    tcase_add_test(tc, a_dead_queue_fails_everything);
    tcase_add_test(tc, refused_submits_are_repeated_until_the_deadline);
    tcase_add_test(tc, operations_out_of_the_mask_fail);
    tcase_add_loop_test(tc, handles_come_and_go, 0, MODES);
    tcase_add_test(tc, what_was_done_is_counted);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
