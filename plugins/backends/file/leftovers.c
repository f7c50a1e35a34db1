/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Temporary files of writers that were killed. A writer holds a lock on its temporary file from just after its creation
 * until it has its name; the kernel drops the lock with the process, whatever ends it. So who gets the lock of a
 * temporary file knows that nobody writes it, and process numbers, which repeat, are not asked. A writer that finds its
 * new file taken away before it had the lock makes another one.
 */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CLAIM_TRIES 200
#define CLAIM_PAUSE_NS 5000000L /* a cleaner holds a lock no longer than it takes to print a line */

static bool no_locks_here(int sys_errno)
{
    return sys_errno == ENOSYS || sys_errno == ENOLCK || sys_errno == EOPNOTSUPP || sys_errno == EINVAL;
}

dlfw_status temp_claim(int fd, bool *ret_lost, const char *name, dlfw_error *err)
{
    const struct timespec pause = {.tv_nsec = CLAIM_PAUSE_NS};
    struct stat s;

    *ret_lost = false;
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (no_locks_here(errno))
            return DLFW_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return dlfw_fail_errno(err, errno, "cannot lock '%s'", name);
        if (tries == CLAIM_TRIES) {
            *ret_lost = true;
            return DLFW_OK;
        }
        nanosleep(&pause, NULL);
    }
    if (fstat(fd, &s) != 0)
        return dlfw_fail_errno(err, errno, "cannot look at '%s'", name);
    *ret_lost = s.st_nlink == 0;
    return DLFW_OK;
}

struct pending_dir {
    struct pending_dir *next;
    char path[]; /* "" or with the closing '/' */
};

struct search {
    int root;
    struct pending_dir *pending;
    int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size);
    void *ctx;
};

static dlfw_status push(struct search *s, const char *path, dlfw_error *err)
{
    struct pending_dir *d = malloc(sizeof *d + strlen(path) + 1);

    if (!d)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for looking through '%s'", path);
    memcpy(d->path, path, strlen(path) + 1);
    d->next = s->pending;
    s->pending = d;
    return DLFW_OK;
}

/* fd: of the file, and its lock is ours. */
static dlfw_status offer(const struct search *s, int fd, const char *path, dlfw_error *err)
{
    struct stat locked, named;

    if (fstat(fd, &locked) != 0)
        return dlfw_fail_errno(err, errno, "cannot look at '%s'", path);
    /* It may have got its name, or have been removed, between the opening and the lock. */
    if (fstatat(s->root, path, &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != locked.st_ino ||
        named.st_dev != locked.st_dev)
        return DLFW_OK;
    if (s->found(s->ctx, path, (uint32_t)strlen(path), (uint64_t)locked.st_size) != 1)
        return DLFW_OK;
    if (unlinkat(s->root, path, 0) != 0 && errno != ENOENT)
        return dlfw_fail_errno(err, errno, "cannot remove '%s'", path);
    return DLFW_OK;
}

static dlfw_status look_at(const struct search *s, const char *path, dlfw_error *err)
{
    int fd = openat(s->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    dlfw_status st = DLFW_OK;

    if (fd < 0 && errno == ENOENT)
        return DLFW_OK;
    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot tell whether the writer of '%s' lives", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        st = offer(s, fd, path, err);
    else if (no_locks_here(errno))
        st = dlfw_fail(err, DLFW_E_UNSUPPORTED,
                       "cannot tell whether the writer of '%s' lives: the file system has no locks; remove it by hand",
                       path);
    else if (errno != EWOULDBLOCK)
        st = dlfw_fail_errno(err, errno, "cannot lock '%s'", path);
    close(fd);
    return st;
}

/* Links are not followed: what lies behind one belongs to another folder. */
static dlfw_status visit(struct search *s, const char *dir, const struct dirent *e, dlfw_error *err)
{
    char path[PATH_MAX];
    size_t dir_len = strlen(dir), len = strlen(e->d_name);
    unsigned char type = e->d_type;
    struct stat info;

    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
        return DLFW_OK;
    if (dir_len + len + 2 > sizeof path)
        return dlfw_fail(err, DLFW_E_INVALID, "a name below '%s' is too long for a path", dir);
    memcpy(path, dir, dir_len);
    memcpy(path + dir_len, e->d_name, len + 1);
    if (type == DT_UNKNOWN && fstatat(s->root, path, &info, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
    if (type == DT_DIR) {
        memcpy(path + dir_len + len, "/", 2);
        return push(s, path, err);
    }
    return type == DT_REG && key_is_temporary(e->d_name, len) ? look_at(s, path, err) : DLFW_OK;
}

static dlfw_status search_dir(struct search *s, const char *path, bool is_first, dlfw_error *err)
{
    int fd = openat(s->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    dlfw_status st = DLFW_OK;
    struct dirent *e;

    if (!dir) {
        int failed = errno;

        if (fd >= 0)
            close(fd);
        if (failed == ENOENT && !is_first) /* removed since its name was read */
            return DLFW_OK;
        return dlfw_fail_errno(err, failed, "cannot look through '%s'", path);
    }
    errno = 0;
    while (st >= 0 && (e = readdir(dir))) {
        st = visit(s, path, e, err);
        errno = 0;
    }
    if (st >= 0 && errno)
        st = dlfw_fail_errno(err, errno, "cannot look through '%s'", path);
    closedir(dir);
    return st;
}

dlfw_status leftovers_find(dlfw_backend *be, const char *prefix,
                           int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                           dlfw_error *err)
{
    struct search s = {.found = found, .ctx = ctx};
    size_t len = strlen(prefix);
    char path[PATH_MAX];
    bool is_first = true;
    dlfw_status st = key_path(prefix, (uint32_t)len, KEY_GROUP, path, err);

    if (st >= 0)
        st = root_get(be, &s.root, err);
    if (st < 0)
        return st;
    if (!len)
        path[0] = '\0';
    else if (path[len - 1] != '/' && len + 1 < sizeof path)
        memcpy(path + len, "/", 2);
    st = push(&s, path, err);
    while (s.pending) {
        struct pending_dir *d = s.pending;

        s.pending = d->next;
        if (st >= 0)
            st = search_dir(&s, d->path, is_first, err);
        is_first = false;
        free(d);
    }
    return st;
}
