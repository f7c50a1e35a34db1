/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks that a launcher starts: what they are given, how they end, and how the launcher's end ends them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "launch_fixture.h"
#include "ranks/identity.h"

/* ---- what a rank does ---- */

static int rank_arguments(uint32_t rank, int argc, char **argv)
{
    (void)rank;
    for (int i = 1; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
    return 0;
}

static int rank_stdin(uint32_t rank, int argc, char **argv)
{
    char buf[16];
    ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

    (void)rank;
    (void)argc;
    (void)argv;
    printf("%zd bytes\n", n);
    return 0;
}

/* Ends a while after it was stopped and says how often that was. */
static int rank_stopped(uint32_t rank, int argc, char **argv)
{
    struct timespec patience = {.tv_sec = 10};
    char text[64];
    uint32_t stops = 0;
    sigset_t set;

    (void)argc;
    (void)argv;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    snprintf(text, sizeof text, "rank %u waits\n", rank);
    put(STDERR_FILENO, text);
    for (;;) {
        if (sigtimedwait(&set, NULL, &patience) > 0) {
            stops++;
            patience = (struct timespec){.tv_nsec = 150000000};
        } else if (errno != EINTR) { /* the launcher holds its ranks while it asks them to end */
            break;
        }
    }
    snprintf(text, sizeof text, "rank %u stopped %u times\n", rank, stops);
    put(STDERR_FILENO, text);
    return stops ? 130 : 0;
}

static int rank_exit(uint32_t rank, int argc, char **argv)
{
    int status = argv[9][rank] - '0';

    (void)argc;
    sleep_ms(status ? 100 : 0);
    return status;
}

/* Rank 1 dies; the others wait to be ended. */
static int rank_dies(uint32_t rank, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (rank == 1) {
        sleep_ms(50);
        kill(getpid(), SIGKILL);
    }
    sleep_ms(20000);
    return 0;
}

static const struct rank_part parts[] = {{"arguments", rank_arguments}, {"stdin", rank_stdin},
                                         {"stopped", rank_stopped},     {"exit", rank_exit},
                                         {"dies", rank_dies},           {NULL, NULL}};

/* ---- the tests ---- */

START_TEST(arguments)
{
    struct launcher l = launcher_run(3, "arguments", "--last");
    char id[2][RUN_ID_CAP + 1] = {"", ""};
    struct str want = STR_EMPTY;
    const char *at;

    ck_assert_int_eq(l.status, 0);
    at = strstr(l.text[0].data, "--run-id ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "--run-id %64s", id[0]), 1);
    ck_assert_uint_lt(strlen(id[0]), RUN_ID_CAP);
    for (uint32_t i = 0; i < 3; i++) {
        str_clear(&want);
        if (i)
            str_add_format(&want, "rank %u: ", i);
        str_add_format(&want, "rank --world-size 3 --rank %u --run-id %s arguments --last\n", i, id[0]);
        ck_assert_msg(strstr(l.text[0].data, want.data) != NULL, "'%s' in '%s'", want.data, l.text[0].data);
    }
    ck_assert_str_eq(l.text[1].data, "");
    launcher_release(&l);

    l = launcher_run(1, "arguments", NULL);
    ck_assert_int_eq(sscanf(strstr(l.text[0].data, "--run-id "), "--run-id %64s", id[1]), 1);
    ck_assert_str_ne(id[0], id[1]);
    launcher_release(&l);
    str_free(&want);
}
END_TEST

static const struct {
    const char *statuses;
    uint32_t ranks;
    int want;
} exits[] = {{"0", 1, 0}, {"000", 3, 0}, {"070", 3, 7}, {"300", 3, 3}, {"0002", 4, 2}};

START_TEST(exit_status)
{
    struct launcher l = launcher_run(exits[_i].ranks, "exit", exits[_i].statuses);

    ck_assert_int_eq(l.status, exits[_i].want);
    ck_assert_str_eq(l.text[1].data, "");
    launcher_release(&l);
}
END_TEST

START_TEST(only_rank_0_reads)
{
    struct launcher l;
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    put(fds[1], "hello");
    close(fds[1]);
    l = launcher_start(3, "stdin", NULL, (struct setting){.in = fds[0]});
    launcher_finish(&l);
    ck_assert_uint_eq(count_of(l.text[0].data, "5 bytes\n"), 1);
    ck_assert_uint_eq(count_of(l.text[0].data, "rank 1: 0 bytes\n"), 1);
    ck_assert_uint_eq(count_of(l.text[0].data, "rank 2: 0 bytes\n"), 1);
    launcher_release(&l);
}
END_TEST

static const struct {
    int number;
    bool to_group;
    uint32_t times;
} stopping[] = {{SIGINT, false, 1}, {SIGTERM, false, 1}, {SIGINT, true, 1}, {SIGTERM, true, 1}, {SIGINT, false, 2}};

START_TEST(signals_are_handed_on_once_each)
{
    struct launcher l = launcher_start(3, "stopped", NULL, (struct setting){0});
    char want[64];

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(want, sizeof want, "rank %u waits\n", i);
        launcher_listen(&l, want);
    }
    for (uint32_t i = 0; i < stopping[_i].times; i++) {
        kill(stopping[_i].to_group ? -l.pid : l.pid, stopping[_i].number);
        sleep_ms(50);
    }
    launcher_finish(&l);
    ck_assert_int_eq(l.status, 130);
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(want, sizeof want, "rank %u stopped %u times\n", i, stopping[_i].times);
        ck_assert_msg(strstr(l.text[1].data, want) != NULL, "no '%s' in '%s'", want, l.text[1].data);
    }
    launcher_release(&l);
}
END_TEST

/* Side by side, because they wait: a dead rank whose peers do not notice; ranks that cannot be started next to some
 * that do not mind SIGTERM. */
START_TEST(ranks_that_do_not_end_are_ended)
{
    struct launcher dead = launcher_start(3, "dies", NULL, (struct setting){0});
    struct launcher stubborn = launcher_start(8, "dies", NULL, (struct setting){.files = 32, .ignores_term = true});
    uint64_t begin = clock_now_ns();

    launcher_finish(&dead);
    ck_assert_uint_lt(clock_now_ns() - begin, 3000 * MS);
    ck_assert_int_eq(dead.status, 128 + SIGKILL);
    ck_assert_msg(strstr(dead.text[1].data, "dlfw: error: rank 1 (process ") != NULL, "%s", dead.text[1].data);
    ck_assert_msg(strstr(dead.text[1].data, "was ended by signal 9 (Killed)\n") != NULL, "%s", dead.text[1].data);
    launcher_release(&dead);

    launcher_finish(&stubborn);
    ck_assert_uint_lt(clock_now_ns() - begin, 3000 * MS);
    ck_assert_int_eq(stubborn.status, LAUNCH_FAILED);
    ck_assert_msg(strstr(stubborn.text[1].data, "failed: cannot open a pipe for the output of rank ") != NULL, "%s",
                  stubborn.text[1].data);
    launcher_release(&stubborn);
}
END_TEST

START_TEST(a_program_that_cannot_be_started)
{
    char *big = xmalloc(200000);
    struct launcher l;

    memset(big, 'x', 199999); /* one argument may have 128 KiB */
    big[199999] = '\0';
    l = launcher_run(3, "arguments", big);
    ck_assert_int_eq(l.status, LAUNCH_FAILED);
    ck_assert_msg(strstr(l.text[1].data, "failed: cannot start rank ") != NULL, "%s", l.text[1].data);
    ck_assert_msg(strstr(l.text[1].data, "Argument list too long") != NULL, "%s", l.text[1].data);
    launcher_release(&l);
    free(big);
}
END_TEST

START_TEST(no_rank_outlives_the_launcher)
{
    struct launcher l = launcher_start(3, "stopped", NULL, (struct setting){0});
    uint64_t begin;

    launcher_listen(&l, "rank 0 waits");
    launcher_listen(&l, "rank 1 waits");
    launcher_listen(&l, "rank 2 waits");
    kill(l.pid, SIGKILL);
    begin = clock_now_ns();
    launcher_finish(&l); /* its pipes are closed by the last one that has them: the launcher; ranks have others */
    ck_assert_int_eq(l.status, 128 + SIGKILL);
    ck_assert_uint_eq(count_of(l.text[1].data, "stopped"), 0);
    ck_assert_uint_lt(clock_now_ns() - begin, 3000 * MS);
    launcher_release(&l);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("rank_launch");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, arguments);
    tcase_add_loop_test(tc, exit_status, 0, sizeof exits / sizeof *exits);
    tcase_add_test(tc, only_rank_0_reads);
    tcase_add_loop_test(tc, signals_are_handed_on_once_each, 0, sizeof stopping / sizeof *stopping);
    tcase_add_test(tc, ranks_that_do_not_end_are_ended);
    tcase_add_test(tc, a_program_that_cannot_be_started);
    tcase_add_test(tc, no_rank_outlives_the_launcher);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(int argc, char **argv)
{
    return launch_fixture_main(argc, argv, parts, make_suite);
}
