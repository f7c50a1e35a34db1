/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop around poll(): signals (through a signalfd, so nothing here runs in a handler), what the ranks print, and
 * the moments at which ranks that do not end are made to. Invariant: it is left only when every rank that was started
 * has been waited for.
 */
#include "ranks/launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "ranks/launch_output.h"
#include "ranks/launch_spawn.h"

#define MS UINT64_C(1000000)
#define STARTING_NS (2000 * MS)       /* a rank that was killed so early may not have joined */
#define STARTING_GRACE_NS (1500 * MS) /* the others end by themselves in 1.4 s: 0.2 to notice, 1 to stop, and some */
#define GRACE_NS (5000 * MS)
#define KILL_NS (3000 * MS)       /* after SIGTERM */
#define KILL_EARLY_NS (1000 * MS) /* when not all ranks could be started: those that were have nothing to lose */
#define INTERRUPTED (128 + SIGINT)

struct launch {
    uint32_t count;
    uint32_t running;
    struct launch_rank *ranks;
    struct launch_output *output;
    struct pollfd *fds; /* [0]: signals */
    int signals;
    uint64_t start_ns;
    int64_t first_bad;   /* rank, -1: none */
    uint64_t stop_ns;    /* when the ranks that still run get stop_signal; UINT64_MAX: never */
    uint64_t kill_ns;    /* after SIGTERM */
    int stop_signal;     /* SIGTERM, then SIGKILL */
    bool is_handed_on;   /* SIGINT or SIGTERM was: the user decides how long ranks may take to end */
    bool is_given_up;    /* it came after the last rank: what is still to be written has no reader */
    bool is_told;        /* a rank ended with a status of its own, so it has said why */
    bool is_interrupted; /* a rank ended with 130 */
};

static bool is_running(const struct launch_rank *r)
{
    return r->pid > 0 && !r->end_ns;
}

static void send_all(struct launch *l, int number)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (is_running(&l->ranks[i]))
            kill(l->ranks[i].pid, number);
}

/* Asks all ranks to end. They are held meanwhile: were one asked and gone before the next is asked, the next would take
 * that for a failure. It also reaches ranks that Ctrl-Z has stopped. */
static void ask_all(struct launch *l, int number)
{
    send_all(l, SIGSTOP);
    send_all(l, number);
    send_all(l, SIGCONT);
}

static void rank_ended(struct launch *l, uint32_t rank, int status)
{
    struct launch_rank *r = &l->ranks[rank];
    bool has_stopped = l->stop_signal == SIGKILL; /* they were sent SIGTERM */

    r->end_ns = clock_now_ns();
    r->status = status;
    l->running--;
    if (status == 0)
        return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == INTERRUPTED)
        l->is_interrupted = true;
    else if (WIFEXITED(status) && !has_stopped)
        l->is_told = true;
    if (l->first_bad >= 0)
        return;
    l->first_bad = rank;
    if (!l->is_handed_on && l->stop_ns == UINT64_MAX)
        l->stop_ns =
            r->end_ns + (WIFSIGNALED(status) && r->end_ns - l->start_ns < STARTING_NS ? STARTING_GRACE_NS : GRACE_NS);
}

static void reap(struct launch *l)
{
    int status;

    for (uint32_t i = 0; i < l->count; i++)
        if (is_running(&l->ranks[i]) && waitpid(l->ranks[i].pid, &status, WNOHANG) > 0)
            rank_ended(l, i, status);
}

/* Ctrl-Z: the ranks stop, then this process does; both go on together. */
static void pause_all(struct launch *l)
{
    send_all(l, SIGTSTP);
    kill(getpid(), SIGSTOP);
    send_all(l, SIGCONT);
}

static void take_signals(struct launch *l)
{
    struct signalfd_siginfo info;

    while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            break;
        case SIGWINCH:
            launch_output_resize(l->output);
            break;
        case SIGTSTP:
            pause_all(l);
            break;
        default: /* SIGINT, SIGTERM */
            l->is_given_up = l->running == 0;
            l->is_handed_on = true;
            l->stop_ns = UINT64_MAX;
            ask_all(l, (int)info.ssi_signo);
        }
    }
    reap(l);
}

static void stop_late_ranks(struct launch *l)
{
    uint64_t now = clock_now_ns();

    if (now < l->stop_ns)
        return;
    ask_all(l, l->stop_signal);
    l->stop_ns = l->stop_signal == SIGTERM ? now + l->kill_ns : UINT64_MAX;
    l->stop_signal = SIGKILL;
}

static int poll_timeout(const struct launch *l)
{
    uint64_t now = clock_now_ns();

    if (l->running == 0)
        return launch_output_is_waiting(l->output) ? -1 : 0;
    if (l->stop_ns == UINT64_MAX)
        return -1;
    return l->stop_ns <= now ? 0 : (int)((l->stop_ns - now) / MS) + 1;
}

/* Whether there may be more to do at once. */
static bool serve_once(struct launch *l)
{
    bool was_running = l->running > 0, moved;

    launch_output_wanted(l->output, l->fds + 1);
    l->fds[0] = (struct pollfd){.fd = l->signals, .events = POLLIN};
    if (poll(l->fds, launch_output_places(l->output) + 1, poll_timeout(l)) < 0)
        return true; /* EINTR */
    moved = launch_output_serve(l->output, l->fds + 1);
    if (l->fds[0].revents)
        take_signals(l);
    if (l->running)
        stop_late_ranks(l);
    return moved || was_running;
}

/* Until all ranks have ended and what they printed is out. */
static void serve(struct launch *l)
{
    bool may_move = true;

    while (may_move || (launch_output_is_waiting(l->output) && !l->is_given_up))
        may_move = serve_once(l);
    launch_output_end(l->output);
    while (launch_output_is_waiting(l->output) && !l->is_given_up)
        serve_once(l);
}

/* A rank that dies says nothing, and perhaps nobody else was there to say it. */
static void tell_who_died(const struct launch *l)
{
    const struct launch_rank *r = &l->ranks[l->first_bad];
    int number = WTERMSIG(r->status);

    if (WIFSIGNALED(r->status) && !l->is_told)
        log_error("rank %ld (process %ld) was ended by signal %d (%s)", (long)l->first_bad, (long)r->pid, number,
                  strsignal(number));
}

static int exit_of(const struct launch *l)
{
    int status;

    if (l->first_bad < 0)
        return 0;
    if (l->is_handed_on && l->is_interrupted)
        return INTERRUPTED;
    status = l->ranks[l->first_bad].status;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The signals of this process while it launches: in `signals` instead of at any moment. */
static dlfw_status begin_signals(struct launch *l, struct launch_signals *before, dlfw_error *err)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
    sigset_t taken;

    sigemptyset(&taken);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGTSTP);
    sigaddset(&taken, SIGWINCH);
    sigprocmask(SIG_BLOCK, &taken, &before->mask);
    sigaction(SIGPIPE, &ignored, &before->pipe); /* a reader that goes away does not end the run */
    sigaction(SIGCHLD, &usual, &before->child);  /* were it ignored, nobody could be waited for */
    l->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return l->signals < 0 ? dlfw_fail_errno(err, errno, "cannot open a descriptor for signals") : DLFW_OK;
}

static void end_signals(struct launch *l, const struct launch_signals *before)
{
    if (l->signals >= 0)
        close(l->signals);
    sigaction(SIGCHLD, &before->child, NULL);
    sigaction(SIGPIPE, &before->pipe, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

dlfw_status ranks_launch(const struct launch_args *args, int *ret_exit, dlfw_error *err)
{
    struct launch l = {.count = args->ranks,
                       .signals = -1,
                       .first_bad = -1,
                       .stop_ns = UINT64_MAX,
                       .stop_signal = SIGTERM,
                       .kill_ns = KILL_NS,
                       .start_ns = clock_now_ns()};
    struct launch_signals before;
    dlfw_status st;

    l.ranks = xcalloc(args->ranks, sizeof *l.ranks);
    l.output = launch_output_create(args->ranks);
    l.fds = xcalloc(3 + 2 * (size_t)args->ranks, sizeof *l.fds);
    st = begin_signals(&l, &before, err);
    if (st >= 0)
        st = launch_spawn(args, &before, l.output, l.ranks, err);
    for (uint32_t i = 0; i < args->ranks; i++)
        l.running += is_running(&l.ranks[i]);
    if (st < 0) {
        l.stop_ns = clock_now_ns();
        l.kill_ns = KILL_EARLY_NS;
    }
    serve(&l);
    end_signals(&l, &before);
    if (st >= 0)
        st = launch_output_status(l.output, err);
    if (st >= 0 && l.first_bad >= 0)
        tell_who_died(&l);
    if (st >= 0)
        *ret_exit = exit_of(&l);
    launch_output_free(l.output);
    free(l.fds);
    free(l.ranks);
    return st;
}
