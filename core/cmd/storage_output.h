/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the storage tools print: lines on stdout from several threads, times, names, how far the work is.
 *
 * Names are printed as they are, so that other programs get what the storage has, but escaped on a terminal and
 * wherever a line has more than the name.
 */
#ifndef DLFW_CORE_CMD_STORAGE_OUTPUT_H
#define DLFW_CORE_CMD_STORAGE_OUTPUT_H

#include <pthread.h>

#include "cmd/storage_args.h"
#include "report/progress.h"

/* Standard output, written in large pieces. */
struct output {
    pthread_mutex_t lock;
    bool terminal;
    bool gone;  /* the reader has closed its end, which is no failure */
    int failed; /* errno */
};

void output_begin(struct output *out);
/* False: nobody takes more. [any thread] */
bool output_write_bytes(struct output *out, const void *data, size_t len);
/* The same with text, which is empty then. */
bool output_write(struct output *out, struct str *text);
/* status, or EXIT_FAILED with the reason printed. */
int output_end(struct output *out, int status);

/* RFC 3339 in UTC; with the fraction of the second if wanted and there is one. buf of at least 40. */
void time_text(uint64_t ns_since_epoch, bool fraction, char *buf, uint32_t cap);
/* A JSON string with its quotes; bytes that are no UTF-8 become \xNN. */
void json_add_text(struct str *line, const char *text, size_t len);
/* The name as one line of text. */
void name_add(struct str *line, const char *name, size_t len, bool escape);

/* How far the work is: a line that changes on a terminal, else a line every ten seconds; nothing with -q or
 * --no-progress. */
struct tool_progress {
    struct progress line; /* done, and bytes where they are moved, are the caller's to count, total its to set */
    bool lines;
    uint64_t told_ns;
};
void tool_progress_begin(struct tool_progress *p, const struct tool *t, const char *what);
void tool_progress_tick(struct tool_progress *p); /* as often as one likes [one thread] */
void tool_progress_end(struct tool_progress *p);

/* An error about one of many things; control characters are escaped. */
void tool_log_error(const char *text);

#endif
