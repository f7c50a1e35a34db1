/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints credentials (credential_process). Run without a shell, as Amazon's tools do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"

#define SOURCE "credential_process"
#define OUTPUT_MAX (256u << 10)
#define WORDS_MAX 64u
#define TIMEOUT_NS 60000000000ull

extern char **environ;

/* Splits at blanks; '...' and "..." hold words together, '\' takes the next letter as it is. In place. */
static bool split(char *command, char *words[WORDS_MAX + 1])
{
    uint32_t count = 0;
    char *to = command;

    for (char *at = command; *at;) {
        char quote = '\0';
        char *word;

        at += strspn(at, " \t");
        if (!*at)
            break;
        if (count == WORDS_MAX)
            return false;
        for (word = to; *at && (quote || (*at != ' ' && *at != '\t')); at++) {
            if (quote ? *at == quote : (*at == '"' || *at == '\'')) {
                quote = quote ? '\0' : *at;
                continue;
            }
            if (*at == '\\' && quote != '\'' && at[1])
                at++;
            *to++ = *at;
        }
        if (quote)
            return false;
        at += *at != '\0';
        *to++ = '\0';
        words[count++] = word;
    }
    words[count] = NULL;
    return count > 0;
}

static dlfw_status start(char *const words[], int output, pid_t *ret, dlfw_error *err)
{
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc == 0) {
        rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, output, 1);
        rc = rc ? rc : posix_spawnp(ret, words[0], &actions, NULL, words, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    return rc ? dlfw_fail_errno(err, rc, SOURCE ": cannot run '%.200s'", words[0]) : DLFW_OK;
}

/* What it prints, until it ends or takes too long. */
static dlfw_status collect(const struct s3_chain *chain, int fd, struct text *out, dlfw_error *err)
{
    uint64_t until = chain->host->now_ns() + TIMEOUT_NS;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, 100);
        char *at;
        ssize_t n;

        if (chain->host->cancelled && chain->host->cancelled(chain->host_ctx))
            return dlfw_fail(err, DLFW_E_CANCELLED, SOURCE ": cancelled");
        if (chain->host->now_ns() > until)
            return dlfw_fail(err, DLFW_E_TIMEOUT, SOURCE ": the program did not end within 60 s");
        if (ready <= 0)
            continue;
        at = text_room(out, 4096);
        if (!at)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for credentials");
        n = read(fd, at, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, SOURCE ": cannot read what the program prints");
        if (n == 0)
            return DLFW_OK;
        text_grown(out, (size_t)n);
        if (out->len > OUTPUT_MAX)
            return dlfw_fail(err, DLFW_E_AUTH, SOURCE ": the program prints more than credentials");
    }
}

static dlfw_status wait_for(pid_t pid, dlfw_status st, dlfw_error *err)
{
    int how = 0;

    if (st < 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return st < 0 ? st : dlfw_fail_errno(err, errno, SOURCE ": cannot wait for the program");
    if (st < 0 || (WIFEXITED(how) && WEXITSTATUS(how) == 0))
        return st;
    return dlfw_fail(err, DLFW_E_AUTH, SOURCE ": the program failed with %s %d", WIFEXITED(how) ? "status" : "signal",
                     WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how));
}

static dlfw_status run(const struct s3_chain *chain, char *const words[], struct text *out, dlfw_error *err)
{
    pid_t pid = 0;
    int pipe_fds[2];
    dlfw_status st;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return dlfw_fail_errno(err, errno, SOURCE ": no pipe");
    st = start(words, pipe_fds[1], &pid, err);
    close(pipe_fds[1]);
    if (st == DLFW_OK)
        st = wait_for(pid, collect(chain, pipe_fds[0], out, err), err);
    close(pipe_fds[0]);
    return st;
}

dlfw_status s3_from_process(const struct s3_chain *chain, const char *command, struct s3_found *ret, dlfw_error *err)
{
    char *words[WORDS_MAX + 1];
    char *copy = strdup(command);
    struct text out = {0};
    dlfw_status st;

    if (!copy)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for credentials");
    st = split(copy, words)
             ? run(chain, words, &out, err)
             : dlfw_fail(err, DLFW_E_CONFIG, SOURCE ": the command has an open quote, or too many words");
    if (st == DLFW_OK)
        st = s3_found_json(ret, out.data ? out.data : "", out.len, "SessionToken", SOURCE, err);
    if (out.data)
        explicit_bzero(out.data, out.room);
    text_free(&out);
    free(copy);
    return st;
}
