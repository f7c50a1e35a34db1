/* SPDX-License-Identifier: Apache-2.0 */
/* A launcher in a process of its own. The ranks it starts are the test program again, which finds in argv what to do:
 * `PROGRAM rank --world-size N --rank R --run-id ID WHAT [MORE]`. */
#ifndef DLFW_TESTS_UNIT_LAUNCH_FIXTURE_H
#define DLFW_TESTS_UNIT_LAUNCH_FIXTURE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/str.h"

#define MS 1000000ull
#define LAUNCH_FAILED 99

struct launcher {
    pid_t pid;
    int out, err; /* -1: nobody reads */
    struct str text[2];
    int status; /* exit status; 128 + number when it was killed */
};

struct setting {
    int in, out, err; /* 0: /dev/null, a pipe, a pipe */
    rlim_t files;     /* RLIMIT_NOFILE, 0: as it is */
    bool ignores_term;
};

struct launcher launcher_start(uint32_t ranks, const char *what, const char *more, struct setting setting);
/* Reads until stderr holds this text, or to the end (NULL). */
void launcher_listen(struct launcher *l, const char *until);
void launcher_finish(struct launcher *l);
void launcher_release(struct launcher *l);
/* From start to finish. */
struct launcher launcher_run(uint32_t ranks, const char *what, const char *more);

/* How often part is in text. */
uint32_t count_of(const char *text, const char *part);
void sleep_ms(uint32_t ms);
/* In one write. */
void put(int fd, const char *text);

struct rank_part {
    const char *what;
    int (*run)(uint32_t rank, int argc, char **argv);
};

/* The program's main: a rank, which plays its part, or the suite. */
int launch_fixture_main(int argc, char **argv, const struct rank_part *parts, Suite *(*make_suite)(void));

#endif
