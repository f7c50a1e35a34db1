/* SPDX-License-Identifier: Apache-2.0 */
/* The root directory: opened when first needed, because MAKE_ROOT may have to create it, and the directories below it.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

dlfw_status root_get(dlfw_backend *be, int *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;
    int fd = atomic_load_explicit(&be->root_fd, memory_order_acquire);

    if (fd < 0) {
        pthread_mutex_lock(&be->lock);
        fd = atomic_load_explicit(&be->root_fd, memory_order_relaxed);
        if (fd < 0) {
            fd = open(be->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (fd < 0)
                st = dlfw_fail_errno(err, errno, "cannot open the root '%s'", be->root);
            else
                atomic_store_explicit(&be->root_fd, fd, memory_order_release);
        }
        pthread_mutex_unlock(&be->lock);
    }
    *ret = fd;
    return st;
}

/* Creates the first len bytes of path, directory by directory. */
static dlfw_status make_dirs(int at, const char *path, size_t len, dlfw_error *err)
{
    char part[PATH_MAX];
    struct stat s;

    if (len >= sizeof part)
        return dlfw_fail(err, DLFW_E_INVALID, "the directory '%.64s...' has a path that is too long", path);
    memcpy(part, path, len);
    part[len] = '\0';
    for (size_t i = 1; i <= len; i++) {
        char c = part[i];

        if (c != '/' && c != '\0')
            continue;
        part[i] = '\0';
        if (mkdirat(at, part, 0755) != 0 && errno != EEXIST)
            return dlfw_fail_errno(err, errno, "cannot create the directory '%s'", part);
        part[i] = c;
    }
    if (fstatat(at, part, &s, 0) != 0)
        return dlfw_fail_errno(err, errno, "cannot create the directory '%s'", part);
    if (!S_ISDIR(s.st_mode))
        return dlfw_fail(err, DLFW_E_EXISTS, "'%s' exists and is not a directory", part);
    return DLFW_OK;
}

dlfw_status root_make(dlfw_backend *be, const char *path, dlfw_error *err)
{
    dlfw_status st;
    int root;

    st = make_dirs(AT_FDCWD, be->root, strlen(be->root), err);
    if (st < 0)
        return st;
    st = root_get(be, &root, err);
    if (st < 0)
        return st;
    return make_dirs(root, path, strlen(path), err);
}

dlfw_status root_make_parents(int root, const char *path, dlfw_error *err)
{
    const char *slash = strrchr(path, '/');

    return slash ? make_dirs(root, path, (size_t)(slash - path), err) : DLFW_OK;
}

dlfw_status root_sync_parents(int root, const char *path, dlfw_error *err)
{
    char dir[PATH_MAX];
    char *slash;

    memcpy(dir, path, strlen(path) + 1);
    do {
        int fd;
        int failed;

        slash = strrchr(dir, '/');
        memcpy(slash ? slash : dir, slash ? "" : ".", slash ? 1 : 2);
        fd = openat(root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        failed = fd < 0 || fsync(fd) != 0;
        if (failed)
            failed = errno;
        if (fd >= 0)
            close(fd);
        /* Some file systems keep directories durable by themselves and answer EINVAL. */
        if (failed && failed != EINVAL)
            return dlfw_fail_errno(err, failed, "cannot make the directory '%s' durable", dir);
    } while (slash);
    return DLFW_OK;
}
