/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case, one process: forked before anything of the plugin is mapped, killed when it takes too long. Whatever the
 * plugin does to its process (crash, exit, leak, leave threads behind) stays there.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/content.h"
#include "host/crc.h"
#include "report.h"

static struct kit the_kit;                /* one case at a time */
static struct case_result *in_process_to; /* where report_in_process puts its lines */

static void take_line(struct case_result *result, char letter, const char *text, size_t len)
{
    size_t used = strlen(result->notes);

    if (letter == 'N') {
        snprintf(result->notes + used, sizeof result->notes - used, "%.*s\n", (int)len, text);
        return;
    }
    result->outcome = letter == 'F' ? CASE_FAILED : CASE_SKIPPED;
    snprintf(result->text, sizeof result->text, "%.*s", (int)len, text);
}

void report_in_process(char letter, const char *text, size_t len)
{
    take_line(in_process_to, letter, text, len);
}

static void prepare(struct kit *kit, const struct kit_settings *settings, const struct kit_case *test, const char *root)
{
    memset(kit, 0, sizeof *kit);
    kit->settings = settings;
    kit->test = test;
    kit->report_fd = -1;
    kit->main_thread = pthread_self();
    kit->random = content_object(test->name, strlen(test->name)) ^ settings->seed;
    snprintf(kit->root, sizeof kit->root, "%s", root);
    kit->root_is_folder = root[0] == '/';
    pthread_mutex_init(&kit->memory_lock, NULL);
    fake_host_init(&kit->host);
    kit->host.table.crc32 = crc32_update;
    kit->host.table.crc32c = crc32c_update;
    kit->host.table.content_fill = content_fill;
    kit->host.table.content_check = content_check;
}

static void run_backend_case(struct kit *kit)
{
    const dlfw_backend_ops *ops = &kit->iface->ops.backend;

    if ((kit->test->flags & KIT_DATA) && (ops->caps & DLFW_BACKEND_NO_DATA))
        kit_skip(kit, "the backend keeps no data");
    if (kit->test->flags & KIT_QUEUE) {
        if (!ops->queue_create)
            kit_skip(kit, "the backend has no queue of its own");
        kit->use_queue = true;
        kit->test->run(kit);
        return;
    }
    if ((kit->test->flags & KIT_WAYS) && ops->queue_create) {
        kit->use_queue = true;
        kit->test->run(kit);
    }
    if (!(kit->test->flags & KIT_WAYS) || ops->perform) {
        kit->use_queue = false;
        kit->test->run(kit);
    }
}

static void run_body(struct kit *kit, const struct plugin_note *note, uint32_t iface)
{
    if (kit->test->flags & KIT_FILE) {
        kit->test->run(kit);
        return;
    }
    kit_load(kit);
    kit_choose(kit, note->ifaces[iface].kind, note->ifaces[iface].name);
    kit_fill_options(kit);
    if (kit->iface->iface->kind == DLFW_KIND_BACKEND)
        run_backend_case(kit);
    else
        kit->test->run(kit);
}

static void run_here(struct kit *kit, const struct plugin_note *note, uint32_t iface)
{
    if (setjmp(kit->leave) == 0)
        run_body(kit, note, iface);
    for (size_t i = 0; i < kit->memory_count; i++)
        free(kit->memory[i]);
    free(kit->memory);
}

/* Everything the child says, until it has closed the pipe or the time is over. False: time is over. */
static bool listen_to(int fd, uint64_t deadline_ns, struct case_result *result, bool *finished)
{
    char buf[8192];
    size_t used = 0;

    for (;;) {
        uint64_t now = kit_now_ns();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (now >= deadline_ns)
            return false;
        if (poll(&p, 1, (int)((deadline_ns - now) / 1000000u) + 1) <= 0)
            continue;
        n = read(fd, buf + used, sizeof buf - used);
        if (n <= 0)
            return true;
        used += (size_t)n;
        for (;;) {
            char *end = memchr(buf, '\n', used);
            size_t len;

            if (!end)
                break;
            len = (size_t)(end - buf);
            if (buf[0] == 'E')
                *finished = true;
            else if (len > 0)
                take_line(result, buf[0], buf + 1, len - 1);
            used -= len + 1;
            memmove(buf, end + 1, used);
        }
    }
}

static void fail_result(struct case_result *result, const char *text)
{
    result->outcome = CASE_FAILED;
    snprintf(result->text, sizeof result->text, "%s", text);
}

static void judge_exit(struct case_result *result, int status, bool in_time, bool finished, uint32_t timeout_s)
{
    char text[256];

    if (!in_time) {
        snprintf(text, sizeof text, "no result within %u s", timeout_s);
        fail_result(result, text);
    } else if (WIFSIGNALED(status)) {
        snprintf(text, sizeof text, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
        fail_result(result, text);
    } else if (!finished && result->outcome == CASE_PASSED) {
        snprintf(text, sizeof text, "the process ended with code %d before the case did", WEXITSTATUS(status));
        fail_result(result, text);
    }
}

static _Noreturn void child(const struct plugin_note *note, uint32_t iface, int report_fd, int stdout_fd)
{
    the_kit.report_fd = report_fd;
    if (dup2(stdout_fd, STDOUT_FILENO) < 0)
        kit_fail(&the_kit, "cannot redirect the standard output");
    close(stdout_fd);
    signal(SIGPIPE, SIG_IGN);
    run_here(&the_kit, note, iface);
    if (write(report_fd, "E\n", 2) < 0)
        _exit(3);
    _exit(0);
}

static void run_in_child(const struct plugin_note *note, uint32_t iface, struct case_result *ret, uint32_t timeout_s)
{
    bool finished = false, in_time = false;
    int stdout_fd = memfd_create("stdout", MFD_CLOEXEC), pipe_fds[2], status = 0;
    struct stat written;
    pid_t pid;

    fflush(NULL);
    if (stdout_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) != 0) {
        fail_result(ret, "cannot make a pipe");
        return;
    }
    pid = fork();
    if (pid == 0) {
        close(pipe_fds[0]);
        child(note, iface, pipe_fds[1], stdout_fd);
    }
    close(pipe_fds[1]);
    if (pid < 0) {
        fail_result(ret, "cannot fork");
    } else {
        in_time = listen_to(pipe_fds[0], kit_now_ns() + (uint64_t)timeout_s * 1000000000u, ret, &finished);
        if (!in_time)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        judge_exit(ret, status, in_time, finished, timeout_s);
        if (ret->outcome == CASE_PASSED && fstat(stdout_fd, &written) == 0 && written.st_size > 0)
            fail_result(ret, "the plugin wrote to the standard output, which belongs to the host");
    }
    close(pipe_fds[0]);
    close(stdout_fd);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* A fresh root per case: a folder where roots are paths, else a new name below the given one. */
static bool make_root(const struct kit_settings *settings, char *root, size_t cap)
{
    static uint32_t number;
    const char *base = settings->root ? settings->root : getenv("TMPDIR");

    if (!base || !base[0])
        base = "/tmp";
    if (base[0] != '/') {
        snprintf(root, cap, "%s/conform-%ld-%u", base, (long)getpid(), number++);
        return true;
    }
    return snprintf(root, cap, "%s/dlfw-conform-XXXXXX", base) < (int)cap && mkdtemp(root);
}

void case_run(const struct kit_settings *settings, const struct plugin_note *note, const struct kit_case *test,
              uint32_t iface, struct case_result *ret)
{
    uint64_t begin = kit_now_ns();
    char root[PATH_MAX - 512];

    memset(ret, 0, sizeof *ret);
    if (!make_root(settings, root, sizeof root)) {
        fail_result(ret, "cannot make a folder for objects; --option root=PATH names another place");
        return;
    }
    prepare(&the_kit, settings, test, root);
    if (settings->in_process) {
        in_process_to = ret;
        run_here(&the_kit, note, iface);
    } else {
        run_in_child(note, iface, ret, settings->timeout_s);
    }
    if (root[0] == '/')
        nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    ret->wall_ns = kit_now_ns() - begin;
}
