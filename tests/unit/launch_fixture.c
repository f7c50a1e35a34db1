/* SPDX-License-Identifier: Apache-2.0 */
#include "launch_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "ranks/launch.h"

void sleep_ms(uint32_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&ts, NULL);
}

void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
}

static void launcher_main(uint32_t ranks, const char *what, const char *more, const struct setting *setting)
    __attribute__((noreturn));
static void launcher_main(uint32_t ranks, const char *what, const char *more, const struct setting *setting)
{
    char *argv[] = {(char *)"test", (char *)"rank", (char *)what, (char *)more, NULL};
    const struct launch_args args = {.ranks = ranks, .argv = argv, .insert_at = 2};
    struct rlimit limit = {.rlim_cur = setting->files, .rlim_max = setting->files};
    struct error_slot err;
    int status = 0;

    error_slot_init(&err);
    if (setting->files)
        setrlimit(RLIMIT_NOFILE, &limit);
    if (setting->ignores_term)
        signal(SIGTERM, SIG_IGN);
    if (ranks_launch(&args, &status, &err.e) < 0) {
        dprintf(STDERR_FILENO, "failed: %s\n", err.text);
        _exit(LAUNCH_FAILED);
    }
    _exit(status);
}

struct launcher launcher_start(uint32_t ranks, const char *what, const char *more, struct setting setting)
{
    struct launcher l = {.out = -1, .err = -1, .text = {STR_EMPTY, STR_EMPTY}};
    int out[2] = {-1, setting.out}, err[2] = {-1, setting.err};

    if (!setting.in)
        setting.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert(setting.out || pipe2(out, O_CLOEXEC) == 0);
    ck_assert(setting.err || pipe2(err, O_CLOEXEC) == 0);
    l.pid = fork();
    if (l.pid == 0) {
        setpgid(0, 0);
        dup2(setting.in, STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        launcher_main(ranks, what, more, &setting);
    }
    setpgid(l.pid, l.pid);
    close(setting.in);
    if (!setting.out)
        close(out[1]);
    if (!setting.err)
        close(err[1]);
    l.out = out[0];
    l.err = err[0];
    return l;
}

static bool take(int *fd, struct str *text)
{
    char buf[65536];
    ssize_t n = read(*fd, buf, sizeof buf);

    if (n > 0) {
        str_add_len(text, buf, (size_t)n);
        return true;
    }
    close(*fd);
    *fd = -1;
    return false;
}

void launcher_listen(struct launcher *l, const char *until)
{
    uint64_t end = clock_now_ns() + 20000 * MS;

    while ((l->out >= 0 || l->err >= 0) && !(until && strstr(l->text[1].data, until))) {
        struct pollfd fds[2] = {{.fd = l->out, .events = POLLIN}, {.fd = l->err, .events = POLLIN}};

        ck_assert_msg(clock_now_ns() < end, "waited too long");
        poll(fds, 2, 100);
        if (fds[0].revents)
            take(&l->out, &l->text[0]);
        if (fds[1].revents)
            take(&l->err, &l->text[1]);
    }
}

void launcher_finish(struct launcher *l)
{
    int status;

    launcher_listen(l, NULL);
    ck_assert_int_eq(waitpid(l->pid, &status, 0), l->pid);
    l->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void launcher_release(struct launcher *l)
{
    str_free(&l->text[0]);
    str_free(&l->text[1]);
}

struct launcher launcher_run(uint32_t ranks, const char *what, const char *more)
{
    struct launcher l = launcher_start(ranks, what, more, (struct setting){0});

    launcher_finish(&l);
    return l;
}

uint32_t count_of(const char *text, const char *part)
{
    uint32_t n = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

int launch_fixture_main(int argc, char **argv, const struct rank_part *parts, Suite *(*make_suite)(void))
{
    SRunner *runner;
    int failed;

    if (argc > 8 && strcmp(argv[1], "rank") == 0) {
        for (const struct rank_part *part = parts; part->what; part++)
            if (strcmp(part->what, argv[8]) == 0)
                return part->run((uint32_t)strtoul(argv[5], NULL, 10), argc, argv);
        return 77;
    }
    runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
