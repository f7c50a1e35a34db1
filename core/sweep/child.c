/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: child_run() returns after the child has ended and was waited for; none is left behind. */
#include "sweep/child.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "sweep/cpu_watch.h"

#define LOOK_NS 10000000 /* how often the child is asked whether it has ended */
#define TICKS_EVERY 10   /* looks */
#define NOT_STARTED 127

/* In the child; only calls that are safe after fork. */
static void become_child(const struct child_args *args, int log, int in, pid_t parent) __attribute__((noreturn));

static void become_child(const struct child_args *args, int log, int in, pid_t parent)
{
    static const char text[] = "dlfw: error: the program cannot be started again\n";

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || setpgid(0, 0) != 0 || dup2(in, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(NOT_STARTED);
    execv(args->program ? args->program : "/proc/self/exe", args->argv);
    if (write(log, text, sizeof text - 1) < 0)
        _exit(NOT_STARTED);
    _exit(NOT_STARTED);
}

static dlfw_status start(const struct child_args *args, pid_t *ret, dlfw_error *err)
{
    pid_t parent = getpid();
    dlfw_status st = DLFW_OK;
    int log = -1, in = -1;

    log = open(args->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
        st = dlfw_fail_errno(err, errno, "cannot create '%s'", args->log_path);
        goto out;
    }
    in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        st = dlfw_fail_errno(err, errno, "cannot open '/dev/null'");
        goto out;
    }
    *ret = fork();
    if (*ret == 0)
        become_child(args, log, in, parent);
    if (*ret < 0)
        st = dlfw_fail_errno(err, errno, "cannot start a process");
out:
    if (log >= 0)
        close(log);
    if (in >= 0)
        close(in);
    return st;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / (double)NS_PER_S;
}

static void pause_a_look(void)
{
    struct timespec ts = {.tv_nsec = LOOK_NS};

    nanosleep(&ts, NULL); /* a signal ends it early, which is as well */
}

/* Until the child has ended. *ret_cancelled: it was asked to stop. */
static void wait_for(pid_t pid, const struct child_args *args, struct child_result *r, bool *ret_cancelled)
{
    struct cpu_watch watch = {0};
    uint64_t start_ns = clock_now_ns();
    struct rusage usage = {0};
    int status = 0;

    for (uint32_t looks = 0; wait4(pid, &status, WNOHANG, &usage) == 0; looks++) {
        if (!*ret_cancelled && atomic_load_explicit(&host_cancel_level, memory_order_relaxed)) {
            *ret_cancelled = true;
            kill(pid, SIGINT);
        }
        if (looks % TICKS_EVERY == 0) {
            cpu_watch_look(&watch);
            if (args->tick)
                args->tick(args->ctx, seconds_since(start_ns));
        }
        pause_a_look();
    }
    r->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    r->seconds = seconds_since(start_ns);
    r->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    r->cpu_machine = cpu_watch_median(&watch);
}

dlfw_status child_run(const struct child_args *args, struct child_result *ret, dlfw_error *err)
{
    struct child_result r = {.cpu_machine = NAN};
    bool cancelled = false;
    pid_t pid = -1;
    dlfw_status st = start(args, &pid, err);

    if (st < 0)
        return st;
    wait_for(pid, args, &r, &cancelled);
    *ret = r;
    return cancelled ? dlfw_fail(err, DLFW_E_CANCELLED, "interrupted") : DLFW_OK;
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

char *child_first_error(const char *log_path)
{
    static const char mark[] = "dlfw: error: ";
    FILE *in = fopen(log_path, "re");
    char *line = NULL, *found = NULL, *last = NULL;
    size_t cap = 0;

    while (in && !found && getline(&line, &cap, in) >= 0) {
        const char *at = strstr(line, mark);

        line[strcspn(line, "\r\n")] = '\0';
        if (at) {
            found = xstrdup(at + strlen(mark));
        } else if (!is_blank(line)) {
            free(last);
            last = xstrdup(line);
        }
    }
    if (in)
        fclose(in);
    free(line);
    if (found) {
        free(last);
        return found;
    }
    return last ? last : xstrdup("");
}
