/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork and exec, about half a millisecond per rank; the ranks come up while the next ones are forked. Whether each exec
 * went well is known from one pipe that all of them share: it closes by exec, and a rank that fails writes why.
 */
#include "ranks/launch_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "ranks/identity.h"

#define SELF "/proc/self/exe"
#define NOT_STARTED 127

struct exec_failure {
    uint32_t rank;
    int why; /* errno */
};

struct spawn {
    const struct launch_args *args;
    const struct launch_signals *signals;
    pid_t launcher;
    char program[PATH_MAX];
    char run_id[RUN_ID_CAP];
    char count[12], rank[12]; /* as text */
    char **argv;              /* points into the texts above */
    int nowhere;              /* /dev/null */
    int failures[2];          /* struct exec_failure each */
};

/* By its name where that still leads to it, so that the process list shows the name; a program that has been replaced
 * or removed since it started is found by its link. */
static void find_program(char *buf, size_t cap)
{
    ssize_t len = readlink(SELF, buf, cap - 1);
    struct stat named, self;

    buf[len > 0 ? len : 0] = '\0';
    if (len <= 0 || stat(buf, &named) != 0 || stat(SELF, &self) != 0 || named.st_ino != self.st_ino ||
        named.st_dev != self.st_dev)
        snprintf(buf, cap, "%s", SELF);
}

/* No other launch has the same: not at the same time (the process), not before with the same number (the time), not on
 * another host with both (random). */
static dlfw_status make_run_id(char *buf, dlfw_error *err)
{
    uint64_t random = 0;

    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return dlfw_fail_errno(err, errno, "cannot get random bytes for the run id");
    snprintf(buf, RUN_ID_CAP, "%ld-%lx-%016lx", (long)getpid(), clock_now_ns(), random);
    return DLFW_OK;
}

static void make_argv(struct spawn *s)
{
    static const char *const names[] = {"--world-size", "--rank", "--run-id"};
    char *const values[] = {s->count, s->rank, s->run_id};
    char *const *argv = s->args->argv;
    uint32_t given = 0, n = 0;

    while (argv[given])
        given++;
    DLFW_BUG_IF(s->args->insert_at == 0 || s->args->insert_at > given);
    s->argv = xcalloc(given + 7, sizeof *s->argv);
    for (uint32_t i = 0; i < given; i++) {
        s->argv[n++] = i == 0 ? s->program : argv[i];
        for (uint32_t k = 0; i + 1 == s->args->insert_at && k < 3; k++) {
            s->argv[n++] = (char *)names[k];
            s->argv[n++] = values[k];
        }
    }
}

/* A handler is the launcher's; between here and exec() it must not run in the rank. */
static void forget_handlers(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction now;

    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(numbers[i], &usual, NULL);
}

/* In the new process. Its parent may have ended before prctl() took effect: then nobody would end it. */
static void become_rank(struct spawn *s, uint32_t rank, const int output[2]) __attribute__((noreturn));
static void become_rank(struct spawn *s, uint32_t rank, const int output[2])
{
    struct exec_failure failure = {.rank = rank};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != s->launcher)
        _exit(NOT_STARTED);
    setpgid(0, 0);
    if ((rank == 0 || dup2(s->nowhere, STDIN_FILENO) >= 0) && dup2(output[0], STDOUT_FILENO) >= 0 &&
        dup2(output[1], STDERR_FILENO) >= 0) {
        forget_handlers();
        sigaction(SIGPIPE, &s->signals->pipe, NULL);
        sigprocmask(SIG_SETMASK, &s->signals->mask, NULL);
        execv(s->program, s->argv);
    }
    failure.why = errno;
    while (write(s->failures[1], &failure, sizeof failure) < 0 && errno == EINTR)
        ;
    _exit(NOT_STARTED);
}

static dlfw_status start_rank(struct spawn *s, uint32_t rank, struct launch_output *o, pid_t *ret, dlfw_error *err)
{
    int output[2];
    dlfw_status st;
    pid_t pid;

    st = launch_output_open(o, rank, output, err);
    if (st < 0)
        return st;
    snprintf(s->rank, sizeof s->rank, "%u", rank);
    pid = fork();
    if (pid == 0)
        become_rank(s, rank, output);
    if (pid < 0)
        st = dlfw_fail_errno(err, errno, "cannot start rank %u of %u", rank, s->args->ranks);
    else
        *ret = pid;
    close(output[0]);
    close(output[1]);
    return st;
}

/* Waits until every rank is the program, or has said why it is not. */
static dlfw_status wait_for_exec(struct spawn *s, dlfw_error *err)
{
    struct exec_failure failure;
    ssize_t n;

    close(s->failures[1]);
    s->failures[1] = -1;
    while ((n = read(s->failures[0], &failure, sizeof failure)) < 0 && errno == EINTR)
        ;
    if (n == 0)
        return DLFW_OK;
    if (n != (ssize_t)sizeof failure)
        return dlfw_fail_errno(err, n < 0 ? errno : EIO, "cannot tell whether the ranks were started");
    return dlfw_fail_errno(err, failure.why, "cannot start rank %u: '%s'", failure.rank, s->program);
}

/* 0, 1 and 2 are in use, whatever this process was started with; else the pipes could get their numbers. */
static dlfw_status fill_standard_fds(int *ret_nowhere, dlfw_error *err)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return dlfw_fail_errno(err, errno, "cannot open '/dev/null'");
    } while (fd <= STDERR_FILENO);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    *ret_nowhere = fd;
    return DLFW_OK;
}

dlfw_status launch_spawn(const struct launch_args *args, const struct launch_signals *signals, struct launch_output *o,
                         struct launch_rank *ranks, dlfw_error *err)
{
    struct spawn *s = xcalloc(1, sizeof *s);
    dlfw_status st;

    *s = (struct spawn){.args = args, .signals = signals, .launcher = getpid(), .nowhere = -1, .failures = {-1, -1}};
    find_program(s->program, sizeof s->program);
    snprintf(s->count, sizeof s->count, "%u", args->ranks);
    make_argv(s);
    st = make_run_id(s->run_id, err);
    if (st >= 0)
        st = fill_standard_fds(&s->nowhere, err);
    if (st >= 0 && pipe2(s->failures, O_CLOEXEC) != 0)
        st = dlfw_fail_errno(err, errno, "cannot open a pipe to the ranks");
    for (uint32_t i = 0; st >= 0 && i < args->ranks; i++)
        st = start_rank(s, i, o, &ranks[i].pid, err);
    if (st >= 0)
        st = wait_for_exec(s, err);
    for (uint32_t i = 0; i < 2; i++)
        if (s->failures[i] >= 0)
            close(s->failures[i]);
    if (s->nowhere >= 0)
        close(s->nowhere);
    free(s->argv);
    free(s);
    return st;
}
