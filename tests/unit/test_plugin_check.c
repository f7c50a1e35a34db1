/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that can be told to misbehave, behind the checking layer. Each fault must end the program with SIGABRT and
 * one line that names it; the same sequence without the fault must pass.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "plugin/plugin_check.h"

enum fault {
    NONE,
    CREATE_POSITIVE,
    CREATE_EMPTY,
    CREATE_LONG_ERROR,
    CREATE_BAD_NUL,
    PERFORM_TOO_MANY_BYTES,
    PERFORM_BAD_STATUS,
    PERFORM_TOUCHES_USER,
    PERFORM_CHANGES_REQ,
    PERFORM_SHORT,
    PERFORM_LONG_ERROR,
    PERFORM_OK_RETRYABLE,
    LIMITS_ODD,
    QUEUE_EMPTY,
    SUBMIT_TOO_MANY,
    TWICE,
    UNKNOWN,
    REAP_TOO_MANY,
    REAP_EARLY,
    DEAD_WITH_LOSS,
    TOUCHES_USER,
    TOO_MANY_BYTES,
    REGISTER_ZERO,
    HOST_SECOND_THREAD,
    HOST_DESTROY_WITH_QUEUE,
    HOST_QUEUE_WITH_FLIGHT,
    HOST_OVER_DEPTH,
    HOST_SAME_TWICE,
    HOST_UNKNOWN_OP,
    HOST_SMALL_CAP,
    HOST_SCRATCH,
    HOST_STALE_COMP,
    HOST_CANCEL_UNKNOWN,
    HOST_SERIAL_INSTANCE,
    HOST_SERIAL_PROCESS,
    FAULTS
};

static enum fault fault;

/* The backend: one instance, one queue of a few slots. */
static struct {
    dlfw_req *slots[8];
    uint32_t count;
} queue;
static char instance;
static const dlfw_backend_ops *inner_reentry; /* for SERIAL faults: call again from inside */
static dlfw_backend *outer, *second;

static dlfw_status be_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *err)
{
    (void)args;
    if (fault == CREATE_LONG_ERROR) {
        memset(err->message, 'x', err->message_cap + 1);
        return DLFW_E_IO;
    }
    if (fault == CREATE_BAD_NUL) {
        dlfw_fail(err, DLFW_E_IO, "short");
        err->message_len = 3;
        return DLFW_E_IO;
    }
    if (fault != CREATE_EMPTY)
        *ret = (dlfw_backend *)(void *)&instance;
    return fault == CREATE_POSITIVE ? DLFW_END : DLFW_OK;
}

static void be_destroy(dlfw_backend *be)
{
    ck_assert_ptr_eq(be, (dlfw_backend *)(void *)&instance);
}

static dlfw_status be_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    (void)be, (void)key, (void)key_len, (void)err;
    ret->mem_align = fault == LIMITS_ODD ? 12 : 4096;
    return DLFW_OK;
}

static void answer(dlfw_req *req, dlfw_comp *comp)
{
    comp->req = req;
    comp->bytes = req->length;
    comp->object_size = req->offset + req->length;
    switch ((int)fault) {
    case PERFORM_TOO_MANY_BYTES:
    case TOO_MANY_BYTES:
        comp->bytes++;
        break;
    case PERFORM_BAD_STATUS:
        comp->status = -77;
        break;
    case PERFORM_TOUCHES_USER:
    case TOUCHES_USER:
        req->user++;
        break;
    case PERFORM_CHANGES_REQ:
        comp->req = NULL;
        break;
    case PERFORM_SHORT:
        comp->bytes--;
        break;
    case PERFORM_LONG_ERROR:
        comp->status = DLFW_E_IO;
        req->error->message_len = req->error->message_cap;
        break;
    case PERFORM_OK_RETRYABLE:
        comp->flags = DLFW_ERR_RETRYABLE;
        break;
    default:
        break;
    }
}

static void be_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    (void)be;
    if (inner_reentry) {
        const dlfw_backend_ops *again = inner_reentry;

        inner_reentry = NULL;
        again->limits(second, "k", 1, &(dlfw_limits){.struct_size = sizeof(dlfw_limits)}, NULL);
    }
    answer(req, comp);
}

static dlfw_status be_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err)
{
    (void)be, (void)args, (void)err;
    queue.count = 0;
    if (fault != QUEUE_EMPTY)
        *ret = (dlfw_queue *)(void *)&queue;
    return DLFW_OK;
}

static void be_queue_destroy(dlfw_queue *q)
{
    ck_assert_ptr_eq(q, (dlfw_queue *)(void *)&queue);
}

/* Takes at most three at a time. */
static int32_t be_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n)
{
    uint32_t take = n < 3 ? n : 3;

    (void)q;
    for (uint32_t i = 0; i < take; i++)
        queue.slots[queue.count++] = reqs[i];
    return (int32_t)(fault == SUBMIT_TOO_MANY ? n + 1 : take);
}

static int32_t be_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns)
{
    static dlfw_req stranger;
    static dlfw_req *last;
    int32_t n = 0;

    (void)q, (void)min, (void)timeout_ns;
    if (fault == DEAD_WITH_LOSS)
        return DLFW_E_IO;
    if (fault == REAP_TOO_MANY)
        return (int32_t)max + 1;
    if (fault == REAP_EARLY)
        return 0;
    if (fault == TWICE && last) {
        answer(last, &comps[n++]);
        return n;
    }
    while (queue.count && (uint32_t)n < max) {
        last = queue.slots[--queue.count];
        answer(fault == UNKNOWN ? &stranger : last, &comps[n++]);
    }
    return n;
}

static void be_cancel(dlfw_queue *q, dlfw_req *req)
{
    (void)q, (void)req;
}

static void be_wakeup(dlfw_queue *q)
{
    (void)q;
}

static dlfw_status be_register(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret,
                               dlfw_error *err)
{
    (void)be, (void)base, (void)len, (void)kind, (void)err;
    *ret = fault == REGISTER_ZERO ? 0 : 7;
    return DLFW_OK;
}

static void be_unregister(dlfw_backend *be, uint64_t handle)
{
    (void)be;
    ck_assert_uint_eq(handle, 7);
}

static dlfw_backend_ops ops = {
    .struct_size = sizeof ops,
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET),
    .req_scratch = 64,
    .create = be_create,
    .destroy = be_destroy,
    .limits = be_limits,
    .perform = be_perform,
    .queue_create = be_queue_create,
    .queue_destroy = be_queue_destroy,
    .submit = be_submit,
    .reap = be_reap,
    .cancel = be_cancel,
    .wakeup = be_wakeup,
    .mem_register = be_register,
    .mem_unregister = be_unregister,
};

static _Alignas(64) char scratch[64];
static char buf[64];
static struct error_slot errors[4];
static dlfw_req reqs[4];
static dlfw_req *const pointers[] = {&reqs[0], &reqs[1], &reqs[2], &reqs[3]};

static void fresh_comps(dlfw_comp *comps)
{
    for (int i = 0; i < 4; i++)
        comps[i] = (dlfw_comp){.object_size = UINT64_MAX, .bytes = fault == HOST_STALE_COMP};
}

static void *reap_elsewhere(void *arg)
{
    const dlfw_backend_ops *checked = ((void **)arg)[0];
    dlfw_comp comps[4];

    fresh_comps(comps);
    checked->reap(((void **)arg)[1], comps, 4, 0, 0);
    return NULL;
}

static void prepare_requests(void)
{
    for (int i = 0; i < 4; i++) {
        error_slot_init(&errors[i]);
        reqs[i] = (dlfw_req){.op = DLFW_OP_GET,
                             .key = "k",
                             .key_len = 1,
                             .buf = buf,
                             .buf_cap = 64,
                             .length = 16,
                             .scratch = scratch,
                             .error = &errors[i].e,
                             .user = 40 + (uint64_t)i};
    }
    if (fault == HOST_UNKNOWN_OP)
        reqs[0].op = DLFW_OP_PUT;
    if (fault == HOST_SMALL_CAP)
        reqs[0].buf_cap = 8;
    if (fault == HOST_SCRATCH)
        reqs[0].scratch = scratch + 1;
}

static void drive_queue(const dlfw_backend_ops *checked)
{
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = 4, .cpu = -1};
    dlfw_queue *q = NULL;
    dlfw_comp comps[4];
    pthread_t thread;

    ck_assert_int_eq(checked->queue_create(outer, &args, &q, NULL), DLFW_OK);
    fresh_comps(comps);
    if (fault != DEAD_WITH_LOSS)
        ck_assert_int_eq(checked->reap(q, comps, 4, 1, UINT64_MAX), 0); /* nothing in flight, so nothing to wait for */
    if (fault == HOST_SAME_TWICE)
        checked->submit(q, (dlfw_req *const[]){&reqs[0], &reqs[0]}, 2);
    ck_assert_int_eq(checked->submit(q, pointers, 4), 3);
    if (fault == HOST_OVER_DEPTH)
        checked->submit(q, &pointers[2], 2);
    ck_assert_int_eq(checked->submit(q, &pointers[3], 1), 1);
    checked->cancel(q, fault == HOST_CANCEL_UNKNOWN ? &(dlfw_req){.op = 0} : &reqs[1]);
    if (fault == HOST_DESTROY_WITH_QUEUE)
        checked->destroy(outer);
    if (fault == HOST_QUEUE_WITH_FLIGHT)
        checked->queue_destroy(q);
    if (fault == HOST_SECOND_THREAD) {
        pthread_create(&thread, NULL, reap_elsewhere, (void *[]){(void *)(uintptr_t)checked, q});
        pthread_join(thread, NULL);
    }
    for (int left = 4; left > 0;) {
        int32_t got;

        fresh_comps(comps);
        got = checked->reap(q, comps, 3, 1, UINT64_MAX);
        ck_assert_int_gt(got, 0);
        for (int32_t i = 0; i < got; i++)
            ck_assert_uint_eq(comps[i].bytes, 16);
        left -= got;
    }
    /* a wakeup excuses one early return */
    fault = fault == NONE ? REAP_EARLY : fault;
    ck_assert_int_eq(checked->submit(q, pointers, 1), 1);
    checked->wakeup(q);
    fresh_comps(comps);
    ck_assert_int_eq(checked->reap(q, comps, 4, 1, UINT64_MAX), 0);
    ck_assert_int_eq(checked->reap(q, comps, 4, 1, 1000), 0);
    fault = fault == REAP_EARLY ? NONE : fault;
    ck_assert_int_eq(checked->reap(q, comps, 4, 1, UINT64_MAX), 1);
    checked->queue_destroy(q);
}

/* Everything a well-behaved host does, with one fault of it or of the backend. */
static void drive(void)
{
    const dlfw_backend_ops *checked;
    dlfw_create_args args = {.struct_size = sizeof args, .instance = "test"};
    dlfw_limits limits = {.struct_size = sizeof limits};
    struct error_slot err;
    dlfw_comp comp = {.req = &reqs[0], .object_size = UINT64_MAX};
    uint64_t handle = 0;

    error_slot_init(&err);
    if (fault == HOST_SERIAL_INSTANCE)
        ops.thread_class = DLFW_THREADS_SERIAL_INSTANCE;
    if (fault == HOST_SERIAL_PROCESS)
        ops.thread_class = DLFW_THREADS_SERIAL_PROCESS;
    checked = plugin_check_backend(&ops, "wild");
    ck_assert_int_eq(checked->create(&args, &outer, &err.e), DLFW_OK);
    ck_assert_int_eq(checked->create(&args, &second, &err.e), DLFW_OK);
    ck_assert_int_eq(checked->limits(outer, "k", 1, &limits, &err.e), DLFW_OK);
    ck_assert_uint_eq(limits.mem_align, 4096);
    ck_assert_int_eq(checked->mem_register(outer, buf, sizeof buf, 0, &handle, &err.e), DLFW_OK);
    checked->mem_unregister(outer, handle);
    prepare_requests();
    if (fault == HOST_SERIAL_INSTANCE || fault == HOST_SERIAL_PROCESS)
        inner_reentry = checked;
    if (fault == HOST_SERIAL_INSTANCE) {
        checked->destroy(second);
        second = outer;
    }
    if (fault < QUEUE_EMPTY || fault >= HOST_SECOND_THREAD)
        checked->perform(outer, &reqs[0], &comp);
    drive_queue(checked);
    checked->destroy(second);
    checked->destroy(outer);
}

/* Runs drive() with a fault in a child; returns its wait status and what it said. */
static int run(enum fault which, char *said, size_t cap)
{
    int fds[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t child;

    ck_assert_int_eq(pipe(fds), 0);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(fds[1], 2);
        close(fds[0]);
        fault = which;
        drive();
        _exit(0);
    }
    close(fds[1]);
    while ((n = read(fds[0], said + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    said[len] = '\0';
    close(fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(good_behaviour_passes)
{
    char said[1024];
    int status = run(NONE, said, sizeof said);

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x: %s", status, said);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(faults_end_the_program_with_their_name)
{
    static const char *const says[FAULTS] = {
        [CREATE_POSITIVE] = "create returned status 3",
        [CREATE_EMPTY] = "create returned DLFW_OK but no instance",
        [CREATE_LONG_ERROR] = "create wrote an error text beyond message_cap",
        [CREATE_BAD_NUL] = "create left an error text whose NUL is not where message_len (3) says",
        [PERFORM_TOO_MANY_BYTES] = "a completion of operation 1 says 17 bytes, at most 16 are possible",
        [PERFORM_BAD_STATUS] = "a completion returned status -77",
        [PERFORM_TOUCHES_USER] = "a request of operation 1 was changed",
        [PERFORM_CHANGES_REQ] = "perform changed the completion's request",
        [PERFORM_SHORT] = "short read in the middle: 15 of 16 bytes at offset 0 of an object of 16",
        [PERFORM_LONG_ERROR] = "a failed completion left an error text of 480 bytes in room for 480",
        [PERFORM_OK_RETRYABLE] = "status 0 and yet error flags 0x1",
        [LIMITS_ODD] = "limits says mem_align 12, which is no power of two",
        [QUEUE_EMPTY] = "queue_create returned DLFW_OK but no queue",
        [SUBMIT_TOO_MANY] = "submit accepted 5 of 4 requests",
        [TWICE] = "a completion for a request that is not in flight",
        [UNKNOWN] = "a completion for a request that is not in flight",
        [REAP_TOO_MANY] = "reap returned 5 completions into room for 4",
        [REAP_EARLY] = "reap without a timeout returned 0 completions of at least 1, and nobody woke it",
        [DEAD_WITH_LOSS] = "reap says that the queue is dead (IO) with 4 requests lost in it",
        [TOUCHES_USER] = "a request of operation 1 was changed",
        [TOO_MANY_BYTES] = "says 17 bytes",
        [REGISTER_ZERO] = "mem_register returned handle 0",
        [HOST_SECOND_THREAD] = "host fault: reap from a second thread",
        [HOST_DESTROY_WITH_QUEUE] = "host fault: destroy with 1 queues alive",
        [HOST_QUEUE_WITH_FLIGHT] = "host fault: queue_destroy with 4 requests in flight",
        [HOST_OVER_DEPTH] = "host fault: submit of 2 requests with 3 of 4 in flight",
        [HOST_SAME_TWICE] = "host fault: a request was submitted while it is in flight",
        [HOST_UNKNOWN_OP] = "host fault: operation 2, which the backend does not offer",
        [HOST_SMALL_CAP] = "host fault: length 16 is above buf_cap 8",
        [HOST_SCRATCH] = "host fault: scratch memory",
        [HOST_STALE_COMP] = "host fault: reap with completions that are not zeroed",
        [HOST_CANCEL_UNKNOWN] = "host fault: cancel of a request that is not in flight",
        [HOST_SERIAL_INSTANCE] = "host fault: limits while another call runs in the instance",
        [HOST_SERIAL_PROCESS] = "host fault: limits while another call runs in the process",
    };
    static const char begin[] = "dlfw: check: backend 'wild': ";
    char said[1024];
    int status = run((enum fault)_i, said, sizeof said);

    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: status 0x%x: %s", says[_i], status, said);
    ck_assert_msg(strncmp(said, begin, sizeof begin - 1) == 0, "%s", said);
    ck_assert_msg(strstr(said, says[_i]), "'%s' lacks '%s'", said, says[_i]);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}
END_TEST

START_TEST(missing_functions_stay_missing)
{
    static const dlfw_backend_ops few = {
        .struct_size = sizeof few, .op_mask = 2, .create = be_create, .destroy = be_destroy, .perform = be_perform};
    const dlfw_backend_ops *checked = plugin_check_backend(&few, "few");

    ck_assert_ptr_null(checked->limits);
    ck_assert_ptr_null(checked->check);
    ck_assert_ptr_null(checked->stats);
    ck_assert_ptr_null(checked->queue_create);
    ck_assert_ptr_null(checked->submit);
    ck_assert_ptr_null(checked->mem_register);
    ck_assert_uint_eq(checked->op_mask, 2);
    for (int i = 0; i < 31; i++)
        ck_assert_ptr_nonnull(plugin_check_backend(&few, "few"));
    ck_assert_ptr_null(plugin_check_backend(&few, "one too many"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin_check");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, good_behaviour_passes);
    tcase_add_loop_test(tc, faults_end_the_program_with_their_name, NONE + 1, FAULTS);
    tcase_add_test(tc, missing_functions_stay_missing);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
