/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iostat as a child. It has a process group of its own, so that Ctrl-C reaches it through profiler_stop only and its
 * JSON is closed; it dies with the thread that started it, so that a killed run leaves none behind.
 */
#include "train/profiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define FILE_NAME "iostat.json"
#define STOP_NS (3ull * NS_PER_S)
#define LOOK_NS 5000000l

extern char **environ;

/* DLIO's command line. */
static char **arguments(const struct run_config *cfg)
{
    static const char *const first[] = {"iostat", "-mdxtcy", "-o", "JSON"};
    const dlfw_str_list *devices = &cfg->profiling.iostat_devices;
    uint32_t count = sizeof first / sizeof first[0], n = 0;
    char **argv = xcalloc(count + devices->count + 2, sizeof *argv);

    for (uint32_t i = 0; i < count; i++)
        argv[n++] = (char *)(uintptr_t)first[i];
    for (uint32_t i = 0; i < devices->count; i++)
        argv[n++] = (char *)(uintptr_t)devices->items[i];
    argv[n] = (char *)(uintptr_t) "1"; /* a report each second */
    return argv;
}

/* Ours, in the C locale: some others write numbers with a comma, which is no JSON. */
static char **environment(void)
{
    static char locale[] = "LC_ALL=C";
    uint32_t count = 0, n = 0;
    char **env;

    while (environ[count])
        count++;
    env = xcalloc(count + 2, sizeof *env);
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LC_ALL=", 7) != 0)
            env[n++] = environ[i];
    env[n] = locale;
    return env;
}

/* Between fork and exec: system calls only. */
static _Noreturn void become_iostat(char **argv, char **env, int out, int tell, pid_t parent)
{
    sigset_t none;
    int why;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent && dup2(out, STDOUT_FILENO) >= 0)
        execvpe(argv[0], argv, env);
    why = errno;
    if (write(tell, &why, sizeof why) < 0)
        _exit(126);
    _exit(127);
}

/* The child's errno when it could not become iostat; 0 when it did. */
static int exec_errno(int fd)
{
    int why = 0;
    ssize_t n;

    do
        n = read(fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof why ? why : 0;
}

static dlfw_status spawn(struct profiler *p, char **argv, char **env, int out, dlfw_error *err)
{
    int tell[2], why;
    pid_t parent = getpid();

    if (pipe2(tell, O_CLOEXEC))
        return dlfw_fail_errno(err, errno, "cannot start the profiler 'iostat'");
    p->pid = fork();
    if (p->pid == 0)
        become_iostat(argv, env, out, tell[1], parent);
    why = p->pid < 0 ? errno : 0;
    close(tell[1]);
    if (p->pid > 0)
        why = exec_errno(tell[0]);
    close(tell[0]);
    if (!why)
        return DLFW_OK;
    if (p->pid > 0)
        waitpid(p->pid, NULL, 0);
    p->pid = 0;
    if (why == ENOENT)
        return dlfw_fail(err, DLFW_E_NOT_FOUND,
                         "the profiler 'iostat' is not installed; install the package sysstat, or set "
                         "workflow.profiling: false");
    return dlfw_fail_errno(err, why, "cannot start the profiler 'iostat'");
}

dlfw_status profiler_start(const struct run_config *cfg, const char *folder, struct profiler *ret, dlfw_error *err)
{
    char **argv = NULL, **env = NULL;
    dlfw_status st;
    int out;

    *ret = (struct profiler){0};
    if (!cfg->workflow.profiling || cfg->profiling.profiler != PROFILER_IOSTAT)
        return DLFW_OK;
    ret->file = xformat("%s/" FILE_NAME, folder);
    out = open(ret->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) {
        st = dlfw_fail_errno(err, errno, "cannot create '%s'", ret->file);
        goto out;
    }
    argv = arguments(cfg);
    env = environment();
    st = spawn(ret, argv, env, out, err);
    close(out);
    if (st < 0)
        unlink(ret->file);
out:
    free(argv);
    free(env);
    if (st < 0) {
        free(ret->file);
        ret->file = NULL;
    }
    return st;
}

/* True when the child is gone and its status is known. */
static bool is_over(pid_t pid, int *status)
{
    pid_t got;

    do
        got = waitpid(pid, status, WNOHANG);
    while (got < 0 && errno == EINTR);
    return got != 0;
}

static bool wait_until_over(pid_t pid, int *status)
{
    uint64_t end = clock_now_ns() + STOP_NS;
    const struct timespec nap = {.tv_nsec = LOOK_NS};

    while (!is_over(pid, status)) {
        if (clock_now_ns() > end)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

static dlfw_status stop_child(const struct profiler *p, dlfw_error *err)
{
    int status = 0;

    if (is_over(p->pid, &status))
        return dlfw_fail(err, DLFW_E_IO,
                         "the profiler 'iostat' ended before the run did, with %s %d; '%s' is not complete",
                         WIFSIGNALED(status) ? "signal" : "status",
                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), p->file);
    kill(p->pid, SIGINT);
    if (!wait_until_over(p->pid, &status)) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
        return dlfw_fail(err, DLFW_E_TIMEOUT,
                         "the profiler 'iostat' did not end when it was told to; '%s' is not "
                         "complete",
                         p->file);
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) { /* it had not yet begun to listen */
        unlink(p->file);
        log_warning("the run was over before the profiler 'iostat' had begun; there is no " FILE_NAME);
        return DLFW_OK;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return dlfw_fail(err, DLFW_E_IO, "the profiler 'iostat' failed with status %d; '%s' is not complete",
                         WIFEXITED(status) ? WEXITSTATUS(status) : -1, p->file);
    return DLFW_OK;
}

dlfw_status profiler_stop(struct profiler *p, dlfw_error *err)
{
    dlfw_status st = p->pid ? stop_child(p, err) : DLFW_OK;

    free(p->file);
    *p = (struct profiler){0};
    return st;
}
