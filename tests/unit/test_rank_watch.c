/* SPDX-License-Identifier: Apache-2.0 */
/* A rank notices that a peer has ended while its main thread does something else. */
#include "ranks/watch.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "plugin/host_table.h"

#define MS 1000000ull
#define DIED "rank 2 (process 4711) died"

/* A coordinator whose peers are as the test says. */
struct dlfw_coordinator {
    uint32_t world_size;
    _Atomic dlfw_status says;
    _Atomic uint32_t asked;
};

static uint32_t toy_world_size(dlfw_coordinator *c)
{
    return c->world_size;
}

static dlfw_status toy_check(dlfw_coordinator *c, dlfw_error *err)
{
    dlfw_status says = atomic_load(&c->says);

    atomic_fetch_add(&c->asked, 1);
    return says < 0 ? dlfw_fail(err, says, DIED) : says;
}

static const dlfw_coordinator_ops toy = {.struct_size = sizeof toy, .world_size = toy_world_size, .check = toy_check};
static const dlfw_coordinator_ops without_check = {.struct_size = sizeof toy, .world_size = toy_world_size};

static struct rank_watch *start(dlfw_coordinator *c)
{
    struct rank_watch *w = NULL;

    ck_assert_int_eq(rank_watch_start(&toy, c, &w, NULL), DLFW_OK);
    ck_assert_ptr_nonnull(w);
    return w;
}

static void sleep_ms(uint32_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&ts, NULL);
}

static bool is_stopping_within(uint32_t ms)
{
    uint64_t end = clock_now_ns() + ms * MS;

    while (clock_now_ns() < end && atomic_load(&host_cancel_level) == 0)
        sleep_ms(2);
    return atomic_load(&host_cancel_level) != 0;
}

START_TEST(nothing_to_watch)
{
    dlfw_coordinator alone = {.world_size = 1}, two = {.world_size = 2};
    struct rank_watch *w = (struct rank_watch *)&alone;

    ck_assert_int_eq(rank_watch_start(&toy, &alone, &w, NULL), DLFW_OK);
    ck_assert_ptr_null(w);
    w = (struct rank_watch *)&alone;
    ck_assert_int_eq(rank_watch_start(&without_check, &two, &w, NULL), DLFW_OK);
    ck_assert_ptr_null(w);
    ck_assert(!rank_watch_found(NULL, NULL));
    rank_watch_stop(NULL);
}
END_TEST

START_TEST(all_well)
{
    dlfw_coordinator c = {.world_size = 3};
    struct rank_watch *w = start(&c);
    uint64_t begin = clock_now_ns();

    sleep_ms(300);
    ck_assert_uint_ge(atomic_load(&c.asked), 1);
    ck_assert_uint_le(atomic_load(&c.asked), 1 + (clock_now_ns() - begin) / (200 * MS));
    ck_assert(!rank_watch_found(w, NULL));
    ck_assert_uint_eq(atomic_load(&host_cancel_level), 0);
    begin = clock_now_ns();
    rank_watch_stop(w);
    ck_assert_uint_lt(clock_now_ns() - begin, 5000 * MS);
}
END_TEST

/* What is not a peer's failure stops nothing, and ends nothing by force. */
static const struct {
    const char *name;
    uint32_t level;
    dlfw_status says[2];
    uint32_t ms;
} harmless[] = {
    {"the user stopped this rank, and the others, which were faster", 1, {DLFW_E_CANCELLED, DLFW_E_UNAVAILABLE}, 1300},
    {"the user was impatient", 2, {DLFW_E_CANCELLED, DLFW_E_UNAVAILABLE}, 300},
    {"cancelled by itself", 0, {DLFW_E_CANCELLED, DLFW_E_CANCELLED}, 300},
};

START_TEST(not_the_peers_doing)
{
    dlfw_coordinator c[2];
    struct rank_watch *w[2];

    atomic_store(&host_cancel_level, harmless[_i].level);
    for (uint32_t i = 0; i < 2; i++) {
        c[i] = (dlfw_coordinator){.world_size = 2, .says = harmless[_i].says[i]};
        w[i] = start(&c[i]);
    }
    sleep_ms(harmless[_i].ms);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_msg(!rank_watch_found(w[i], NULL), "%s", harmless[_i].name);
        rank_watch_stop(w[i]);
    }
    ck_assert_msg(atomic_load(&host_cancel_level) == harmless[_i].level, "%s", harmless[_i].name);
}
END_TEST

/* In a process of its own: the main thread is stuck. */
static int stuck_rank(int stderr_fd)
{
    dlfw_coordinator c = {.world_size = 3, .says = DLFW_E_UNAVAILABLE};

    dup2(stderr_fd, STDERR_FILENO);
    start(&c);
    sleep_ms(20000);
    return 0;
}

static void responsive_rank(void)
{
    dlfw_coordinator c = {.world_size = 3};
    struct rank_watch *w = start(&c);
    struct error_slot err;

    error_slot_init(&err);
    atomic_store(&c.says, DLFW_E_UNAVAILABLE);
    ck_assert(is_stopping_within(1000));
    ck_assert_uint_eq(atomic_load(&host_cancel_level), 1);
    ck_assert(rank_watch_found(w, &err.e));
    ck_assert_int_eq(err.e.status, DLFW_E_UNAVAILABLE);
    ck_assert_str_eq(err.text, DIED);
    ck_assert(rank_watch_found(w, NULL));
    rank_watch_stop(w);
    ck_assert_uint_eq(atomic_load(&c.asked), 1); /* what was found stays as it is */
}

START_TEST(a_peer_died)
{
    uint64_t begin = clock_now_ns();
    char text[256] = "";
    size_t len = 0;
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0)
        _exit(stuck_rank(fds[1]));
    close(fds[1]);
    responsive_rank();
    while ((n = read(fds[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    ck_assert_str_eq(text, "dlfw: error: " DIED "\n");
    ck_assert_uint_ge(clock_now_ns() - begin, 1000 * MS);
    ck_assert_uint_lt(clock_now_ns() - begin, 3000 * MS);
    sleep_ms(200); /* nothing has ended this process, whose main thread stopped its watch */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rank_watch");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, nothing_to_watch);
    tcase_add_test(tc, all_well);
    tcase_add_test(tc, a_peer_died);
    tcase_add_loop_test(tc, not_the_peers_doing, 0, sizeof harmless / sizeof *harmless);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
