/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is, so that a number that was given to another process later is not taken for it. */
#include "ranks/coord_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What /proc/PID/stat says: state, and the start in clock ticks after boot. 0, or an errno. */
static int read_stat(const char *path, int32_t *ret_pid, char *ret_state, uint64_t *ret_started)
{
    char text[1024], *p, *end;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC), saved;

    if (fd < 0)
        return errno;
    n = read(fd, text, sizeof text - 1);
    saved = n < 0 ? errno : 0;
    close(fd);
    if (n <= 0)
        return saved ? saved : ESRCH;
    text[n] = '\0';
    *ret_pid = (int32_t)strtol(text, NULL, 10);
    p = strrchr(text, ')'); /* the name before it may contain anything */
    if (!p || p[1] != ' ' || !p[2])
        return EPROTO;
    *ret_state = p[2];
    p += 3;
    for (int field = 4; field <= 22; field++) {
        errno = 0;
        *ret_started = strtoull(p, &end, 10); /* some fields are negative, the start is not */
        if (end == p || errno)
            return EPROTO;
        p = end;
    }
    return 0;
}

dlfw_status shm_process_self(struct shm_process *ret, uint64_t *ret_namespace, dlfw_error *err)
{
    struct shm_process self = {.pid = (int32_t)getpid()};
    struct stat ns;
    int32_t pid;
    char state;
    int error = read_stat("/proc/self/stat", &pid, &state, &self.started);

    if (error)
        return dlfw_fail_errno(err, error, "cannot read '/proc/self/stat', which tells the ranks who is alive");
    if (pid != self.pid)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "'/proc' is of another pid namespace than this process, the ranks "
                         "cannot tell who is alive");
    if (stat("/proc/self/ns/pid", &ns) != 0)
        return dlfw_fail_errno(err, errno, "cannot look at '/proc/self/ns/pid'");
    *ret = self;
    *ret_namespace = (uint64_t)ns.st_ino;
    return DLFW_OK;
}

bool shm_process_alive(const struct shm_process *p)
{
    char path[48], state;
    uint64_t started;
    int32_t pid;
    int error;

    snprintf(path, sizeof path, "/proc/%" PRId32 "/stat", p->pid);
    error = read_stat(path, &pid, &state, &started);
    if (error == ENOENT || error == ESRCH)
        return false;
    /* without an answer (no file descriptor left) nobody is declared dead */
    return error || (started == p->started && state != 'Z' && state != 'X' && state != 'x');
}
