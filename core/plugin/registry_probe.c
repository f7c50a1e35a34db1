/* SPDX-License-Identifier: Apache-2.0 */
/* Whether plugins can really be loaded: tried in child processes, because the answer of a broken one may be a crash. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "plugin/host_table.h"
#include "plugin/registry_entry.h"

enum { PROBE_SECONDS = 10 };

/* In the child. What it writes to fd is the reason for refusal, or a single NUL when there is none. */
static void probe_child(const char *path, int fd) __attribute__((noreturn));
static void probe_child(const char *path, int fd)
{
    struct plugin_file *file = NULL;
    struct error_slot err;
    const char *text = "";
    size_t len;

    /* what a plugin prints while it is loaded must not get into the listing */
    dup2(STDERR_FILENO, STDOUT_FILENO);
    alarm(PROBE_SECONDS);
    error_slot_init(&err);
    if (plugin_file_load(path, host_table(), &file, &err.e) < 0)
        text = err.text;
    len = strlen(text) + 1;
    _exit(write(fd, text, len) == (ssize_t)len ? 0 : 1);
}

static size_t read_all(int fd, char *buf, size_t cap)
{
    size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, buf + len, cap - len);
        if (n > 0)
            len += (size_t)n;
    } while ((n > 0 && len < cap) || (n < 0 && errno == EINTR));
    return len;
}

/* The reason into text, "" when the plugin loads. */
static void judge(int status, const char *answer, size_t answer_len, char *text, size_t cap)
{
    if (answer_len && !answer[answer_len - 1])
        snprintf(text, cap, "%s", answer);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(text, cap, "did not finish loading within %d s", PROBE_SECONDS);
    else if (WIFSIGNALED(status))
        snprintf(text, cap, "crashed while it was loaded (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(text, cap, "ended the process while it was loaded (exit status %d)", WEXITSTATUS(status));
}

static void probe_entry(struct registry_entry *entry)
{
    char answer[512], text[512] = "";
    int fds[2], status = 0;
    size_t len;
    pid_t child;

    if (pipe(fds) < 0) {
        entry->refused = xformat("cannot try to load it: %s", strerror(errno));
        return;
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(fds[0]);
        probe_child(entry->path, fds[1]);
    }
    close(fds[1]);
    if (child < 0) {
        entry->refused = xformat("cannot try to load it: %s", strerror(errno));
        close(fds[0]);
        return;
    }
    len = read_all(fds[0], answer, sizeof answer);
    close(fds[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    judge(status, answer, len, text, sizeof text);
    if (text[0])
        registry_refuse(entry, text);
}

void registry_probe(struct registry *reg)
{
    for (uint32_t i = 0; i < reg->count; i++) {
        if (!reg->entries[i].refused)
            probe_entry(&reg->entries[i]);
    }
}
