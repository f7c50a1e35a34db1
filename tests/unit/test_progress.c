/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: what it says, and that it leaves a terminal clean and everything else alone. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "report/progress.h"
#include "report/units.h"

struct text_case {
    const char *text;
    uint64_t total, done, bytes, au_permille, ms;
    uint32_t cap;
    uint64_t bytes_total;
};

static const struct text_case texts[] = {
    {"epoch 1/5    0 %  0/200", 200, 0, 0, 0, 0, 256, 0},
    {"epoch 1/5   25 %  50/200  25/s  0:06 left", 200, 50, 0, 0, 2000, 256, 0},
    {"epoch 1/5   25 %  50/200  25/s  512 MiB/s  AU 98.7 %  0:06 left", 200, 50, 1ull << 30, 987, 2000, 256, 0},
    {"epoch 1/5  100 %  200/200  100/s", 200, 200, 0, 0, 2000, 256, 0},
    {"epoch 1/5  2000  1.00k/s", 0, 2000, 0, 0, 2000, 256, 0},
    {"epoch 1/5    1 %  200/20000  20/s  16:30 left", 20000, 200, 0, 0, 10000, 256, 0},
    {"epoch 1/5   25", 200, 50, 0, 0, 2000, 15, 0},
    {"epoch 1/5   25 %  3/4  2/s  128 MiB/s  0:06 left", 4, 3, 1ull << 28, 0, 2000, 256, 1ull << 30},
    {"epoch 1/5  100 %  4/4  2/s  512 MiB/s", 4, 4, 1ull << 30, 0, 2000, 256, 1ull << 30},
};

START_TEST(line_says_how_far)
{
    const struct text_case *c = &texts[_i];
    struct progress p = {.what = "epoch 1/5", .total = c->total, .bytes_total = c->bytes_total, .start_ns = 77};
    char buf[256];

    atomic_store(&p.done, c->done);
    atomic_store(&p.bytes, c->bytes);
    atomic_store(&p.au_permille, c->au_permille);
    progress_text(&p, 77 + c->ms * 1000000, buf, c->cap);
    ck_assert_str_eq(buf, c->text);
}
END_TEST

/* Makes fd 2 the given one for the rest of the (forked) case. */
static void stderr_to(int fd)
{
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

/* A terminal hands over what was written a little later, so this reads until nothing has come for a while. */
static size_t read_now(int fd, char *buf, size_t cap)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    ssize_t n;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (len < cap - 1 && poll(&ready, 1, 100) > 0) {
        n = read(fd, buf + len, cap - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    buf[len] = '\0';
    return len;
}

static void begins(const char *text, const char *begin)
{
    ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "got '%s'", text);
}

static int terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int slave;

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    stderr_to(slave);
    return master;
}

START_TEST(nothing_when_stderr_is_no_terminal)
{
    struct progress p = {0};
    char buf[64];
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    stderr_to(ends[1]);
    progress_begin(&p, "generating", 10);
    ck_assert(!p.enabled);
    p.drawn_ns = 0;
    progress_draw(&p);
    progress_hide();
    progress_end(&p);
    ck_assert_uint_eq(read_now(ends[0], buf, sizeof buf), 0);
}
END_TEST

START_TEST(nothing_on_a_dumb_terminal)
{
    struct progress p = {0};

    setenv("TERM", "dumb", 1);
    terminal();
    progress_begin(&p, "generating", 10);
    ck_assert(!p.enabled);
    progress_end(&p);
}
END_TEST

START_TEST(draws_and_clears_on_a_terminal)
{
    struct progress p = {0};
    char buf[512];
    int master;

    setenv("TERM", "xterm", 1);
    master = terminal();
    progress_begin(&p, "generating", 10);
    ck_assert(p.enabled);
    atomic_store(&p.done, 5);
    progress_draw(&p);
    ck_assert_msg(read_now(master, buf, sizeof buf) == 0, "drawn again within a tenth of a second");
    p.drawn_ns = 0;
    progress_draw(&p);
    read_now(master, buf, sizeof buf);
    begins(buf, "\rgenerating   50 %  5/10");
    ck_assert_msg(strcmp(buf + strlen(buf) - 3, "\033[K") == 0, "drew '%s'", buf);
    log_warning("a line");
    read_now(master, buf, sizeof buf);
    begins(buf, "\r\033[Kdlfw: warning: a line\r\n");
    progress_hide();
    ck_assert_msg(read_now(master, buf, sizeof buf) == 0, "hid a line that was hidden already");
    p.drawn_ns = 0;
    progress_draw(&p);
    read_now(master, buf, sizeof buf);
    progress_end(&p);
    read_now(master, buf, sizeof buf);
    ck_assert_str_eq(buf, "\r\033[K");
    log_warning("another line");
    read_now(master, buf, sizeof buf);
    begins(buf, "dlfw: warning: another line\r\n");
}
END_TEST

struct unit_case {
    struct unit_text (*format)(double);
    double value;
    const char *text;
};

static const struct unit_case units[] = {
    {unit_bytes, 0, "0 B"},
    {unit_bytes, 1023, "1023 B"},
    {unit_bytes, 1024, "1.00 KiB"},
    {unit_bytes, 1536.0 * 1024, "1.50 MiB"},
    {unit_bytes, 100.0 * (1 << 30), "100 GiB"},
    {unit_bytes, 1048575, "1.00 MiB"},
    {unit_duration, 850, "850 ns"},
    {unit_duration, 1500, "1.50 us"},
    {unit_duration, 12.34e6, "12.3 ms"},
    {unit_duration, 2.25e9, "2.25 s"},
    {unit_duration, 4000e9, "4000 s"},
    {unit_count, 950, "950"},
    {unit_count, 12345, "12.3k"},
    {unit_count, 4.56e6, "4.56M"},
};

START_TEST(units_for_people)
{
    ck_assert_str_eq(units[_i].format(units[_i].value).text, units[_i].text);
}
END_TEST

START_TEST(clock_for_people)
{
    ck_assert_str_eq(unit_clock(7).text, "0:07");
    ck_assert_str_eq(unit_clock(125).text, "2:05");
    ck_assert_str_eq(unit_clock(3600).text, "1:00:00");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *cases = tcase_create("progress");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, line_says_how_far, 0, sizeof texts / sizeof *texts);
    tcase_add_test(cases, nothing_when_stderr_is_no_terminal);
    tcase_add_test(cases, nothing_on_a_dumb_terminal);
    tcase_add_test(cases, draws_and_clears_on_a_terminal);
    tcase_add_loop_test(cases, units_for_people, 0, sizeof units / sizeof *units);
    tcase_add_test(cases, clock_for_people);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
