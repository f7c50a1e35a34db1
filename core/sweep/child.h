/* SPDX-License-Identifier: Apache-2.0 */
/* This program, run once more as a child, its output in a file, the host's CPUs watched meanwhile. */
#ifndef DLFW_CORE_SWEEP_CHILD_H
#define DLFW_CORE_SWEEP_CHILD_H

#include "dlfw/base.h"

typedef void child_tick(void *ctx, double seconds); /* some ten times a second */

struct child_args {
    char *const *argv;    /* NULL-terminated; argv[0] is only what the child is called */
    const char *program;  /* NULL: this program */
    const char *log_path; /* standard output and error; replaced */
    child_tick *tick;     /* may be NULL */
    void *ctx;
};

struct child_result {
    int exit_status; /* 128 + number for a signal */
    double seconds;
    double cpu_seconds; /* of the child and all that it waited for */
    double cpu_machine; /* percent of the host's CPUs, median; NAN: not known */
};

/*
 * Waits for the child. When the program is to stop (host_cancel_level), the child is sent SIGINT once and waited for,
 * and the call returns CANCELLED. The child has a process group of its own, so that a terminal's Ctrl-C reaches it
 * once and not twice; when this program dies it gets SIGTERM.
 */
dlfw_status child_run(const struct child_args *args, struct child_result *ret, dlfw_error *err);

/* The first error that a child's output names ("dlfw: error: " is taken off), else its last line, else "". Caller
 * frees. */
char *child_first_error(const char *log_path);

#endif
