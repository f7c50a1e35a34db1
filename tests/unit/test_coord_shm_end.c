/* SPDX-License-Identifier: Apache-2.0 */
/* How a run ends early: a peer dies, leaves or aborts, the deadline comes, Ctrl-C. All others hear of it soon, and why.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "test_coord_shm_fixture.h"

static const dlfw_coordinator_ops *const ops = &coordinator_shm;

/* What the ranks of a test tell each other besides the coordinator. */
struct board {
    pid_t pids[FIXTURE_RANKS_MAX];
    _Atomic uint32_t ready;
    _Atomic uint64_t began[FIXTURE_RANKS_MAX]; /* the round that this rank is about to join */
    _Atomic uint64_t timed_out;                /* a round in which the victim was killed before it joined */
};
static struct board *board;

static void make_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(board != MAP_FAILED);
}

static void drop_board(void)
{
    munmap(board, sizeof *board);
}

static void await_ready(uint32_t count)
{
    uint64_t deadline = in_ms(20000);

    while (atomic_load(&board->ready) < count && clock_now_ns() < deadline)
        sleep_ms(1);
    ck_assert_uint_ge(atomic_load(&board->ready), count);
}

/* After an end every call says the same, at once. */
static void all_calls_fail(struct rank_case *r, dlfw_status st)
{
    char first[600];
    uint64_t value = 0, all[FIXTURE_RANKS_MAX], begin = clock_now_ns();
    double number = 0;
    dlfw_error *err = &r->slot.e;

    snprintf(first, sizeof first, "%s", r->slot.text);
    RANK_FAILS(ops->barrier(r->c, 0, err), st, first);
    RANK_FAILS(ops->broadcast(r->c, 0, &value, 8, 0, err), st, first);
    RANK_FAILS(ops->reduce_u64(r->c, DLFW_REDUCE_SUM, &value, 1, 0, err), st, first);
    RANK_FAILS(ops->reduce_f64(r->c, DLFW_REDUCE_SUM, &number, 1, 0, err), st, first);
    RANK_FAILS(ops->gather(r->c, &value, all, 8, 0, err), st, first);
    RANK_FAILS(ops->check(r->c, err), st, first);
    RANK_CHECK(clock_now_ns() - begin < 5 * NS_PER_S);
}

static void wait_for_the_leaver(struct rank_case *r, const void *arg)
{
    char says[64];

    (void)arg;
    board->pids[r->rank] = getpid();
    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    if (r->rank == 1)
        return;
    snprintf(says, sizeof says, "rank 1 (process %d) has left the run", (int)board->pids[1]);
    sleep_ms(r->rank * 20); /* it leaves before some of them wait, and while others do */
    RANK_CHECK(ops->barrier(r->c, 0, &r->slot.e) == DLFW_E_UNAVAILABLE);
    RANK_CHECK(strcmp(r->slot.text, says) == 0);
    all_calls_fail(r, DLFW_E_UNAVAILABLE);
}

START_TEST(a_rank_leaves)
{
    make_board();
    run_ranks(4, run_id_of("left"), wait_for_the_leaver, NULL);
    drop_board();
}
END_TEST

static void finish_one_by_one(struct rank_case *r, const void *arg)
{
    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    sleep_ms(r->rank * *(const uint32_t *)arg);
    RANK_OK(ops->check(r->c, &r->slot.e)); /* those that have finished are well */
}

START_TEST(leaving_at_the_end_is_no_failure)
{
    static const uint32_t pauses_ms[] = {30, 0}; /* 0: some are still in the last barrier while others leave */

    run_ranks(4, run_id_of("finish"), finish_one_by_one, &pauses_ms[0]);
    for (int i = 0; i < 30; i++)
        run_ranks(3, run_id_of("finish"), finish_one_by_one, &pauses_ms[1]);
}
END_TEST

static void time_out(struct rank_case *r, const void *arg)
{
    uint64_t begin = clock_now_ns();

    (void)arg;
    board->pids[r->rank] = getpid();
    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    if (r->rank == 0) {
        char says[160];

        snprintf(says, sizeof says, "timed out waiting for rank 1 (process %d), rank 2 (process %d)",
                 (int)board->pids[1], (int)board->pids[2]);
        RANK_CHECK(ops->barrier(r->c, in_ms(80), &r->slot.e) == DLFW_E_TIMEOUT);
        RANK_CHECK(strcmp(r->slot.text, says) == 0);
        RANK_CHECK(clock_now_ns() - begin < 5 * NS_PER_S);
        all_calls_fail(r, DLFW_E_TIMEOUT);
    } else {
        dlfw_status st;

        sleep_ms(900);                          /* a busy machine may wake rank 0 late */
        st = ops->barrier(r->c, 0, &r->slot.e); /* rank 0 did come to this one, before it gave up */
        if (st == DLFW_OK)
            st = ops->barrier(r->c, 0, &r->slot.e);
        RANK_FAILS(st, DLFW_E_UNAVAILABLE, "rank 0 (process ");
        RANK_CHECK(strstr(r->slot.text, "has left the run"));
    }
}

START_TEST(a_deadline_passes)
{
    make_board();
    run_ranks(3, run_id_of("deadline"), time_out, NULL);
    drop_board();
}
END_TEST

static void on_alarm(int signal_number)
{
    (void)signal_number;
    fixture_cancelled = 1;
}

static void be_cancelled(struct rank_case *r, const void *arg)
{
    const struct itimerval soon = {.it_value.tv_usec = 50000};
    uint64_t begin = clock_now_ns();

    (void)arg;
    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    if (r->rank == 1) {
        sleep_ms(2500);
        return;
    }
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    RANK_FAILS(ops->barrier(r->c, 0, &r->slot.e), DLFW_E_CANCELLED, "stopped while waiting for rank 1 (process ");
    RANK_CHECK(clock_now_ns() - begin < 2 * NS_PER_S);
    all_calls_fail(r, DLFW_E_CANCELLED);
}

START_TEST(ctrl_c)
{
    run_ranks(2, run_id_of("cancel"), be_cancelled, NULL);
}
END_TEST

static void abort_one(struct rank_case *r, const void *arg)
{
    const char *reason = arg;
    char says[SHM_REASON_MAX + 32], text[SHM_REASON_MAX + 64];
    dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    if (r->rank == 1) {
        sleep_ms(20);
        ops->abort(r->c, reason);
        ops->abort(r->c, "a second reason"); /* the first one stays */
    }
    snprintf(says, sizeof says, "rank 1: %.512s", reason);
    if (r->rank == 2)
        while (ops->check(r->c, &err) == DLFW_OK)
            sleep_ms(1);
    RANK_CHECK(ops->barrier(r->c, in_ms(10000), &err) == DLFW_E_UNAVAILABLE);
    RANK_CHECK(strcmp(text, says) == 0);
    RANK_CHECK(ops->check(r->c, &err) == DLFW_E_UNAVAILABLE && strcmp(text, says) == 0);
    snprintf(r->slot.text, sizeof r->slot.text, "%.400s", says);
    all_calls_fail(r, DLFW_E_UNAVAILABLE);
}

START_TEST(an_abort_says_why)
{
    char longest[600];

    run_ranks(3, run_id_of("abort"), abort_one, "cannot open 'train/f_00017.npz': No such file or directory");
    memset(longest, 'x', sizeof longest);
    longest[599] = '\0';
    run_ranks(3, run_id_of("abort"), abort_one, longest);
}
END_TEST

static void abort_in_umlauts(struct rank_case *r, const void *arg)
{
    (void)arg;
    if (r->rank == 0) {
        char reason[701] = "x";

        for (size_t i = 1; i + 1 < sizeof reason; i += 2)
            memcpy(reason + i, "\xc3\xa4", 2); /* byte 512 is the first half of one */
        reason[699] = '\0';
        ops->abort(r->c, reason);
    } else {
        char text[SHM_REASON_MAX + 64];
        dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};

        RANK_CHECK(ops->barrier(r->c, in_ms(10000), &err) == DLFW_E_UNAVAILABLE);
        RANK_CHECK(strlen(text) == strlen("rank 0: ") + 511);
    }
}

START_TEST(a_reason_is_cut_between_characters)
{
    run_ranks(2, run_id_of("cut"), abort_in_umlauts, NULL);
}
END_TEST

static void *abort_soon(void *arg)
{
    sleep_ms(50);
    ops->abort(arg, "storage is gone");
    return NULL;
}

static void abort_from_a_thread(struct rank_case *r, const void *arg)
{
    pthread_t thread;

    (void)arg;
    if (r->rank == 0)
        RANK_CHECK(pthread_create(&thread, NULL, abort_soon, r->c) == 0);
    while (r->rank == 2 && ops->check(r->c, &r->slot.e) == DLFW_OK)
        sleep_ms(1);
    RANK_FAILS(ops->barrier(r->c, 0, &r->slot.e), DLFW_E_UNAVAILABLE, "rank 0: storage is gone");
    if (r->rank == 0)
        pthread_join(thread, NULL);
}

START_TEST(any_thread_may_abort)
{
    run_ranks(3, run_id_of("thread"), abort_from_a_thread, NULL);
}
END_TEST

static void watch_it_die(struct rank_case *r, const void *arg)
{
    uint64_t begin;
    char says[64];

    (void)arg;
    board->pids[r->rank] = getpid();
    RANK_OK(ops->barrier(r->c, 0, &r->slot.e));
    begin = clock_now_ns();
    RANK_OK(ops->check(r->c, &r->slot.e));
    RANK_CHECK(clock_now_ns() - begin < 5 * NS_PER_S);
    atomic_fetch_add(&board->ready, 1);
    if (r->rank == 2)
        sleep_ms(60000);
    begin = clock_now_ns();
    while (r->rank == 0 && ops->check(r->c, &r->slot.e) == DLFW_OK) /* and the others wait */
        RANK_CHECK(clock_now_ns() - begin < 20 * NS_PER_S);
    snprintf(says, sizeof says, "rank 2 (process %d) died", (int)board->pids[2]);
    RANK_CHECK(ops->barrier(r->c, 0, &r->slot.e) == DLFW_E_UNAVAILABLE);
    RANK_CHECK(strcmp(r->slot.text, says) == 0);
    all_calls_fail(r, DLFW_E_UNAVAILABLE);
}

struct joined_case {
    rank_fn *fn;
};

static void join_then(struct rank_case *r, const void *arg)
{
    const struct joined_case *j = arg;

    RANK_OK(join_rank(r, in_ms(20000)));
    j->fn(r, NULL);
    ops->leave(r->c);
}

START_TEST(a_death_is_seen_by_waiting_and_by_asking)
{
    static const struct joined_case dies = {watch_it_die};
    struct rank_group g;
    uint64_t killed;
    int status;

    make_board();
    fork_ranks(&g, 4, run_id_of("watch"), join_then, &dies);
    await_ready(4);
    killed = clock_now_ns();
    kill(g.pids[2], SIGKILL); /* stays a zombie meanwhile: nobody has waited for it */
    for (uint32_t i = 0; i < 4; i++) {
        if (i != 2)
            await_rank(g.pids[i]);
    }
    ck_assert_uint_lt(clock_now_ns() - killed, 2 * NS_PER_S);
    waitpid(g.pids[2], &status, 0);
    drop_board();
}
END_TEST

/* Random collectives until the run ends, which it does by the death of one or two ranks. */
static void work_until_killed(struct rank_case *r, const void *arg)
{
    const uint64_t seed = *(const uint64_t *)arg;
    static uint8_t buf[1 << 16], all[5 << 14];
    bool named = false;
    dlfw_status st;

    atomic_store(&board->began[r->rank], seed + 1);
    st = join_rank(r, in_ms(1000));
    for (uint64_t round = 0; st == DLFW_OK; round++) {
        uint64_t dice = hash_mix(seed * 977 + round), values[64] = {0}, len = (dice >> 8) % 16000;

        if (dice % 4 == 0)
            st = ops->barrier(r->c, 0, &r->slot.e);
        else if (dice % 4 == 1)
            st = ops->broadcast(r->c, (uint32_t)(dice >> 32) % r->world, buf, 4 * len, 0, &r->slot.e);
        else if (dice % 4 == 2)
            st = ops->gather(r->c, buf, all, len, 0, &r->slot.e);
        else
            st = ops->reduce_u64(r->c, DLFW_REDUCE_MAX, values, (uint32_t)len % 64, 0, &r->slot.e);
    }
    /* a victim that had not even begun to join is one that has not come */
    if (st == DLFW_E_TIMEOUT) {
        RANK_CHECK(!r->c && strstr(r->slot.text, "did not join in time"));
        atomic_store(&board->timed_out, seed + 1);
        _exit(0);
    }
    RANK_CHECK(st == DLFW_E_UNAVAILABLE);
    for (uint32_t k = 0; k < 2 && !named; k++) {
        char says[64];

        snprintf(says, sizeof says, "rank %u (process %d) died", k ? r->world - 1 : 0, (int)board->pids[k]);
        named = strcmp(r->slot.text, says) == 0;
    }
    RANK_CHECK(named); /* and ends without leave(): as if it crashed in turn */
}

START_TEST(killed_at_any_moment)
{
    const char *id = run_id_of("kill");
    uint32_t waited = 0;

    make_board();
    for (uint64_t round = 0; round < 60; round++) {
        uint64_t dice = hash_mix(round * 31 + (uint64_t)getpid());
        uint32_t world = 3 + (uint32_t)(dice % 3);
        bool both = dice & 0x100;
        struct rank_group g;
        uint64_t killed;
        int status;

        fork_ranks(&g, world, id, work_until_killed, &round);
        board->pids[0] = g.pids[0];
        board->pids[1] = both ? g.pids[world - 1] : 0;
        while (atomic_load(&board->began[0]) != round + 1 ||
               (both && atomic_load(&board->began[world - 1]) != round + 1))
            sleep_ms(0);
        /* half of the time while they join */
        usleep(dice & 0x200 ? (uint32_t)(dice >> 20) % 3000 : (uint32_t)(dice >> 20) % 25000);
        killed = clock_now_ns();
        kill(g.pids[0], SIGKILL);
        if (both)
            kill(g.pids[world - 1], SIGKILL);
        for (uint32_t i = 1; i < world - both; i++)
            await_rank(g.pids[i]);
        ck_assert_msg(clock_now_ns() - killed < 2 * NS_PER_S || atomic_load(&board->timed_out) == round + 1,
                      "round %d takes %g s", (int)round, (double)(clock_now_ns() - killed) / 1e9);
        waited += atomic_load(&board->timed_out) == round + 1;
        waitpid(g.pids[0], &status, 0);
        if (both)
            waitpid(g.pids[world - 1], &status, 0);
        ck_assert_msg(!segment_exists(id), "round %d leaves the segment", (int)round);
    }
    ck_assert_uint_lt(waited, 30);
    drop_board();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coord_shm_end");
    TCase *tc = tcase_create("end");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, a_rank_leaves);
    tcase_add_test(tc, leaving_at_the_end_is_no_failure);
    tcase_add_test(tc, a_deadline_passes);
    tcase_add_test(tc, ctrl_c);
    tcase_add_test(tc, an_abort_says_why);
    tcase_add_test(tc, a_reason_is_cut_between_characters);
    tcase_add_test(tc, any_thread_may_abort);
    tcase_add_test(tc, a_death_is_seen_by_waiting_and_by_asking);
    tcase_add_test(tc, killed_at_any_moment);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
