/* SPDX-License-Identifier: Apache-2.0 */
/* How ranks find each other, and that nothing of it stays in /dev/shm. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "test_coord_shm_fixture.h"

static const dlfw_coordinator_ops *const ops = &coordinator_shm;

static void join_only(struct rank_case *r, const void *arg)
{
    (void)arg;
    join_rank(r, 0);
    sleep_ms(60000);
}

static void meet(struct rank_case *r, const void *arg)
{
    (void)arg;
    RANK_OK(ops->barrier(r->c, in_ms(20000), &r->slot.e));
}

static void kill_rank(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

/* A join of this process that fails; the text is in the result. */
static struct rank_case failed_join(uint32_t rank, uint32_t world, const char *run_id, uint64_t deadline_ns,
                                    dlfw_status expected)
{
    struct rank_case r = {.rank = rank, .world = world, .run_id = run_id};
    dlfw_status st = join_rank(&r, deadline_ns);

    ck_assert_msg(st == expected, "status %d instead of %d: %s", st, expected, r.slot.text);
    ck_assert_ptr_null(r.c);
    return r;
}

START_TEST(places_that_do_not_exist)
{
    static const struct {
        const char *run_id;
        uint32_t rank, world;
        const char *says;
    } cases[] = {
        {NULL, 0, 2, "needs a run id (--run-id)"},
        {"", 0, 2, "needs a run id"},
        {"a/b", 0, 2, "the run id 'a/b' is not"},
        {"a b", 0, 2, "letters, digits, '.', '_' and '-'"},
        {"0123456789012345678901234567890123456789012345678901234567890123", 0, 2, "up to 63"},
        {"x", DLFW_RANK_UNKNOWN, 2, "needs --world-size and --rank"},
        {"x", 0, 0, "needs --world-size and --rank"},
        {"x", 2, 2, "there is no rank 2 in a run with 2 ranks"},
        {"x", 0, 4097, "joins 4096 ranks at most, not 4097"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rank_case r = failed_join(cases[i].rank, cases[i].world, cases[i].run_id, in_ms(1000), DLFW_E_INVALID);

        ck_assert_msg(strstr(r.slot.text, cases[i].says), "'%s' lacks '%s'", r.slot.text, cases[i].says);
    }
}
END_TEST

START_TEST(a_place_that_is_taken)
{
    const char *id = run_id_of("taken");
    pid_t first = fork_rank(1, 3, id, join_only, NULL);
    struct rank_case r;
    char says[160];

    await_joined(id, 1);
    r = failed_join(1, 3, id, in_ms(1000), DLFW_E_EXISTS);
    snprintf(says, sizeof says, "rank 1 of run '%s' is process %d already; use another --run-id", id, (int)first);
    ck_assert_str_eq(r.slot.text, says);
    r = failed_join(0, 5, id, in_ms(1000), DLFW_E_INVALID);
    snprintf(says, sizeof says, "run '%s' has 3 ranks, but this rank was told 5", id);
    ck_assert_msg(strstr(r.slot.text, says), "'%s'", r.slot.text);
    ck_assert(segment_exists(id)); /* neither ended what the first one waits for */
    kill_rank(first);
    run_ranks(3, id, meet, NULL); /* what the killed one left is replaced at once */
}
END_TEST

START_TEST(not_all_come)
{
    const char *id = run_id_of("late");
    uint64_t begin = clock_now_ns();
    struct rank_case r = failed_join(1, 4, id, in_ms(150), DLFW_E_TIMEOUT);

    ck_assert_str_eq(r.slot.text, "ranks 0, 2, 3 of 4 did not join in time");
    ck_assert_uint_lt(clock_now_ns() - begin, 5 * NS_PER_S);
    ck_assert(!segment_exists(id));
    r = failed_join(0, 4096, id, in_ms(30), DLFW_E_TIMEOUT);
    ck_assert_str_eq(r.slot.text, "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 4087 more of 4096 did not join in time");
    r = failed_join(0, 2, id, clock_now_ns() - 1, DLFW_E_TIMEOUT);
    ck_assert_str_eq(r.slot.text, "rank 1 of 2 did not join in time");
    ck_assert(!segment_exists(id));
}
END_TEST

static void give_up_with_the_first(struct rank_case *r, const void *arg)
{
    const uint64_t *deadlines = arg;

    RANK_FAILS(join_rank(r, deadlines[r->rank]), DLFW_E_TIMEOUT, "rank 2 of 3 did not join in time");
}

START_TEST(all_that_wait_hear_who_is_late)
{
    const char *id = run_id_of("both-late");
    const uint64_t deadlines[] = {in_ms(200), in_ms(20000)};
    pid_t pids[2];

    for (uint32_t i = 0; i < 2; i++)
        pids[i] = fork_rank(i, 3, id, give_up_with_the_first, deadlines);
    for (uint32_t i = 0; i < 2; i++)
        await_rank(pids[i]);
    ck_assert(!segment_exists(id));
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
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    RANK_FAILS(join_rank(r, 0), DLFW_E_CANCELLED, "stopped while waiting for the other ranks to join");
    RANK_CHECK(clock_now_ns() - begin < 5 * NS_PER_S);
}

static void see_it_leave(struct rank_case *r, const void *arg)
{
    (void)arg;
    RANK_FAILS(join_rank(r, 0), DLFW_E_UNAVAILABLE, "rank 0 (process ");
    RANK_CHECK(strstr(r->slot.text, "has left the run"));
}

START_TEST(ctrl_c_ends_joining)
{
    const char *id = run_id_of("cancel");
    pid_t other = fork_rank(1, 3, id, see_it_leave, NULL), cancelled;

    await_joined(id, 1);
    cancelled = fork_rank(0, 3, id, be_cancelled, NULL);
    await_rank(cancelled);
    await_rank(other);
    ck_assert(!segment_exists(id));
    run_ranks(3, id, meet, NULL);
}
END_TEST

static void see_it_die(struct rank_case *r, const void *arg)
{
    char says[64];

    snprintf(says, sizeof says, "rank 2 (process %d) died", (int)*(const pid_t *)arg);
    RANK_FAILS(join_rank(r, 0), DLFW_E_UNAVAILABLE, says);
}

START_TEST(a_death_while_joining)
{
    const char *id = run_id_of("dies");
    pid_t victim = fork_rank(2, 4, id, join_only, NULL), others[2];

    await_joined(id, 2);
    for (uint32_t i = 0; i < 2; i++)
        others[i] = fork_rank(i, 4, id, see_it_die, &victim);
    for (uint32_t i = 0; i < 2; i++)
        await_joined(id, i);
    kill(victim, SIGKILL); /* and not waited for: it stays a zombie until the others have seen it */
    for (uint32_t i = 0; i < 2; i++)
        await_rank(others[i]);
    ck_assert(!segment_exists(id));
    kill_rank(victim);
    run_ranks(4, id, meet, NULL);
}
END_TEST

/* The segment of a run of which rank 1 of 2 joined and was killed. The next run that begins on this host sweeps it up,
 * so with other tests beside this one it takes some tries. */
static void leave_stale(const char *id)
{
    for (int tries = 0; tries < 50; tries++) {
        pid_t pid = fork_rank(1, 2, id, join_only, NULL);

        await_joined(id, 1);
        kill_rank(pid);
        if (segment_exists(id))
            return;
    }
    ck_abort_msg("a killed rank left no segment");
}

START_TEST(what_killed_ranks_left)
{
    const char *id = run_id_of("stale");
    struct shm_segment *seg;
    char other[64];
    size_t size;

    leave_stale(id);
    run_ranks(3, id, meet, NULL); /* also with another number of ranks */

    /* the number of the dead process now belongs to one that lives */
    leave_stale(id);
    seg = map_segment(id, &size);
    seg->slots[1].process = (struct shm_process){.pid = (int32_t)getpid(), .started = 1};
    munmap(seg, size);
    run_ranks(2, id, meet, NULL);

    /* any run removes what no run asks for any more */
    leave_stale(id);
    snprintf(other, sizeof other, "%s-other", id);
    run_ranks(2, other, meet, NULL);
    ck_assert(!segment_exists(id));
}
END_TEST

START_TEST(what_is_not_swept)
{
    const char *id = run_id_of("kept");
    char other[64], name[SHM_NAME_CAP];
    pid_t living;
    struct shm_segment *seg;
    struct rank_case r;
    size_t size;

    snprintf(other, sizeof other, "%s-other", id);
    living = fork_rank(1, 2, id, join_only, NULL);
    await_joined(id, 1);
    run_ranks(2, other, meet, NULL);
    ck_assert(segment_exists(id));
    kill_rank(living);
    seg = map_segment(id, &size);
    seg->pid_namespace++; /* in which its processes may well live */
    munmap(seg, size);
    run_ranks(2, other, meet, NULL);
    ck_assert(segment_exists(id));
    r = failed_join(0, 2, id, in_ms(1000), DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(r.slot.text, "another pid namespace"), "%s", r.slot.text);
    seg = map_segment(id, &size);
    atomic_store(&seg->magic, atomic_load(&seg->magic) + 1);
    munmap(seg, size);
    r = failed_join(0, 2, id, in_ms(1000), DLFW_E_EXISTS);
    ck_assert_msg(strstr(r.slot.text, "another version of dlfw; remove it"), "%s", r.slot.text);
    ck_assert_int_eq(shm_name(id, name, NULL), DLFW_OK);
    ck_assert_int_eq(shm_unlink(name), 0);
}
END_TEST

START_TEST(half_made_segments)
{
    static const off_t sizes[] = {0, 100, 4096, 3 << 20};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *id = run_id_of("half");
        char name[SHM_NAME_CAP];
        int fd;

        ck_assert_int_eq(shm_name(id, name, NULL), DLFW_OK);
        fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600); /* its maker was killed */
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, sizes[i]), 0);
        close(fd);
        run_ranks(3, id, meet, NULL);
    }
}
END_TEST

static void many_meetings(struct rank_case *r, const void *arg)
{
    uint64_t sum = r->rank, all[64], mine = r->rank * 3;

    (void)arg;
    for (int i = 0; i < 20; i++)
        RANK_OK(ops->barrier(r->c, in_ms(20000), &r->slot.e));
    RANK_OK(ops->reduce_u64(r->c, DLFW_REDUCE_SUM, &sum, 1, in_ms(20000), &r->slot.e));
    RANK_CHECK(sum == r->world * (r->world - 1) / 2);
    RANK_OK(ops->gather(r->c, &mine, all, sizeof mine, in_ms(20000), &r->slot.e));
    for (uint64_t k = 0; k < r->world; k++)
        RANK_CHECK(all[k] == 3 * k);
    RANK_OK(ops->check(r->c, &r->slot.e));
}

START_TEST(sixty_four_ranks)
{
    run_ranks(64, run_id_of("64"), many_meetings, NULL);
}
END_TEST

static void join_and_meet(struct rank_case *r, const void *arg)
{
    uint64_t which = *(const uint64_t *)arg, got = which;

    RANK_OK(join_rank(r, in_ms(20000)));
    for (int i = 0; i < 50; i++) {
        RANK_OK(ops->broadcast(r->c, 0, &got, sizeof got, in_ms(20000), &r->slot.e));
        RANK_CHECK(got == which);
    }
    ops->leave(r->c);
}

START_TEST(runs_side_by_side)
{
    static const uint64_t numbers[] = {11, 22};
    char ids[2][64];
    struct rank_group g[2];

    for (int i = 0; i < 2; i++) {
        snprintf(ids[i], sizeof ids[i], "%s-%d", run_id_of("beside"), i);
        fork_ranks(&g[i], 4, ids[i], join_and_meet, &numbers[i]);
    }
    for (int i = 0; i < 2; i++) {
        await_ranks(&g[i]);
        ck_assert(!segment_exists(ids[i]));
    }
}
END_TEST

/* One id again and again, each run begun while the ranks of the one before leave. */
START_TEST(one_id_run_after_run)
{
    static const uint64_t number = 5;
    const char *id = run_id_of("again");
    struct rank_group g;

    for (int i = 0; i < 40; i++) {
        fork_ranks(&g, 5, id, join_and_meet, &number);
        await_ranks(&g);
        ck_assert(!segment_exists(id));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coord_shm_join");
    TCase *tc = tcase_create("join");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, places_that_do_not_exist);
    tcase_add_test(tc, a_place_that_is_taken);
    tcase_add_test(tc, not_all_come);
    tcase_add_test(tc, all_that_wait_hear_who_is_late);
    tcase_add_test(tc, ctrl_c_ends_joining);
    tcase_add_test(tc, a_death_while_joining);
    tcase_add_test(tc, what_killed_ranks_left);
    tcase_add_test(tc, what_is_not_swept);
    tcase_add_test(tc, half_made_segments);
    tcase_add_test(tc, sixty_four_ranks);
    tcase_add_test(tc, runs_side_by_side);
    tcase_add_test(tc, one_id_run_after_run);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
