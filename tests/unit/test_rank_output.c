/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks print comes through their launcher: lines whole, nothing lost, nothing said twice, and on a terminal no
 * line ends up in the progress line. */
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "launch_fixture.h"

#define LONG_LINE 200000

/* ---- what a rank does ---- */

/* Numbered lines in pieces, and one that is longer than the launcher keeps. */
static int rank_lines(uint32_t rank, int argc, char **argv)
{
    char *line = xmalloc(LONG_LINE + 1);
    struct str all = STR_EMPTY;

    (void)argc;
    (void)argv;
    for (uint32_t i = 0; i < 300; i++)
        str_add_format(&all, "line %u of rank %u\n", i, rank);
    for (size_t at = 0; at < all.len; at += 7)
        (void)!write(STDERR_FILENO, all.data + at, all.len - at < 7 ? all.len - at : 7);
    memset(line, 'a' + (char)rank, LONG_LINE);
    line[LONG_LINE] = '\n';
    for (size_t at = 0; at <= LONG_LINE; at += 40000)
        (void)!write(STDERR_FILENO, line + at, LONG_LINE + 1 - at < 40000 ? LONG_LINE + 1 - at : 40000);
    put(STDERR_FILENO, "no newline");
    str_free(&all);
    free(line);
    return 0;
}

static int rank_repeats(uint32_t rank, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    put(STDOUT_FILENO, "result\n");
    sleep_ms(10 * rank);
    put(STDERR_FILENO, "said by all\n\n");
    if (rank == 2)
        put(STDERR_FILENO, "again\nagain\n");
    put(STDERR_FILENO, rank == 3 ? "dlfw: error: no memory\n" : "dlfw: error: rank 3: no memory\n");
    put(STDERR_FILENO, rank == 3 ? "dlfw: error: rank x: y\n" : "dlfw: error: y\n");
    return 0;
}

/* Rank 0 draws progress, on which the line of rank 1 comes; then both say the same. */
static int rank_progress(uint32_t rank, int argc, char **argv)
{
    struct winsize size = {0};

    (void)argv;
    if (rank == 1) {
        sleep_ms(200);
        put(STDERR_FILENO, "of rank 1\n");
        sleep_ms(100);
        put(STDERR_FILENO, "of both\n");
        return isatty(STDERR_FILENO) || isatty(STDOUT_FILENO);
    }
    put(STDERR_FILENO, "\r50 %\033[K");
    sleep_ms(700);
    put(STDERR_FILENO, "\r60 %\033[K");
    put(STDERR_FILENO, "\r\033[K");
    sleep_ms(argc > 9 ? 50 : 0); /* what comes in pieces is as good as what comes at once */
    put(STDERR_FILENO, "of both\n");
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    printf("%u columns\n", size.ws_col);
    return !isatty(STDERR_FILENO) || !isatty(STDOUT_FILENO);
}

static const struct rank_part parts[] = {
    {"lines", rank_lines}, {"repeats", rank_repeats}, {"progress", rank_progress}, {NULL, NULL}};

/* ---- the tests ---- */

/* Takes the line at *at: its rank and where its text begins. */
static char *next_line(char **at, uint32_t *ret_rank)
{
    char *line = *at, *newline = strchr(line, '\n');

    ck_assert_ptr_nonnull(newline);
    *newline = '\0';
    *at = newline + 1;
    *ret_rank = 0;
    if (strncmp(line, "rank ", 5) == 0) {
        *ret_rank = (uint32_t)strtoul(line + 5, &line, 10);
        ck_assert_uint_lt(*ret_rank, 4);
        ck_assert_int_eq(strncmp(line, ": ", 2), 0);
        line += 2;
    }
    return line;
}

START_TEST(lines_come_whole_and_none_is_lost)
{
    struct launcher l = launcher_run(4, "lines", NULL);
    uint32_t seen[4] = {0}, of;
    size_t letters[4] = {0};
    char want[64], *at = l.text[1].data;

    ck_assert_int_eq(l.status, 0);
    ck_assert_uint_eq(count_of(at, "no newline"), 1); /* all say it */
    while (strchr(at, '\n')) {
        char *line = next_line(&at, &of);

        if (strcmp(line, "no newline") == 0)
            continue;
        if (strncmp(line, "line ", 5) == 0) {
            snprintf(want, sizeof want, "line %u of rank %u", seen[of]++, of);
            ck_assert_str_eq(line, want);
            continue;
        }
        ck_assert_uint_le(strlen(line), of ? 65536 : LONG_LINE);
        for (; *line == 'a' + (char)of; line++)
            letters[of]++;
        ck_assert_str_eq(line, "");
    }
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(seen[i], 300);
        ck_assert_uint_eq(letters[i], LONG_LINE);
    }
    launcher_release(&l);
}
END_TEST

START_TEST(said_once)
{
    struct launcher l = launcher_run(4, "repeats", NULL);

    ck_assert_int_eq(l.status, 0);
    ck_assert_uint_eq(count_of(l.text[1].data, "said by all"), 1);
    ck_assert_uint_eq(count_of(l.text[1].data, "rank 2: again\n"), 2);
    ck_assert_uint_eq(count_of(l.text[1].data, "no memory\n"), 1);
    ck_assert_uint_eq(count_of(l.text[1].data, "y\n") - count_of(l.text[1].data, "memory\n"), 2);
    ck_assert_uint_eq(count_of(l.text[0].data, "result\n"), 4);
    launcher_release(&l);
}
END_TEST

START_TEST(readers_that_go_away)
{
    struct launcher l;
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    l = launcher_start(3, "repeats", NULL, (struct setting){.out = fds[1]});
    launcher_finish(&l);
    close(fds[1]);
    ck_assert_int_eq(l.status, 0);
    ck_assert_uint_eq(count_of(l.text[1].data, "said by all"), 1);
    launcher_release(&l);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct launcher l = launcher_start(2, "repeats", NULL, (struct setting){.out = full});

    launcher_finish(&l);
    close(full);
    ck_assert_int_eq(l.status, LAUNCH_FAILED);
    ck_assert_msg(strstr(l.text[1].data, "failed: cannot write what the ranks printed to stdout: No space left") !=
                      NULL,
                  "%s", l.text[1].data);
    launcher_release(&l);
}
END_TEST

START_TEST(on_a_terminal)
{
    struct winsize size = {.ws_row = 24, .ws_col = 97};
    struct launcher l;
    int ours, theirs;

    ck_assert_int_eq(openpty(&ours, &theirs, NULL, NULL, &size), 0);
    fcntl(ours, F_SETFD, FD_CLOEXEC);
    fcntl(theirs, F_SETFD, FD_CLOEXEC);
    l = launcher_start(2, "progress", _i ? "in pieces" : NULL, (struct setting){.out = theirs, .err = theirs});
    close(theirs);
    l.out = ours; /* EIO when the launcher has ended */
    launcher_finish(&l);
    ck_assert_int_eq(l.status, 0);
    ck_assert_str_eq(l.text[0].data, "\r50 %\033[K"
                                     "\r\033[Krank 1: of rank 1\r\n"
                                     "rank 1: of both\r\n"
                                     "\r60 %\033[K\r\033[K"
                                     "97 columns\r\n");
    launcher_release(&l);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("rank_output");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, lines_come_whole_and_none_is_lost);
    tcase_add_test(tc, said_once);
    tcase_add_test(tc, readers_that_go_away);
    tcase_add_test(tc, what_cannot_be_written_is_an_error);
    tcase_add_loop_test(tc, on_a_terminal, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(int argc, char **argv)
{
    return launch_fixture_main(argc, argv, parts, make_suite);
}
