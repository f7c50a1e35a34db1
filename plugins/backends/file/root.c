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

/* Creates the first len bytes of path, directory by directory. *ret_made: how many were not there. */
static dlfw_status make_dirs(int at, const char *path, size_t len, uint32_t *ret_made, dlfw_error *err)
{
    char part[PATH_MAX];
    struct stat s;

    if (len >= sizeof part)
        return dlfw_fail(err, DLFW_E_INVALID, "the directory '%.64s...' has a path that is too long", path);
    *ret_made = 0;
    memcpy(part, path, len);
    part[len] = '\0';
    for (size_t i = 1; i <= len; i++) {
        char c = part[i];

        if (c != '/' && c != '\0')
            continue;
        part[i] = '\0';
        if (mkdirat(at, part, 0755) == 0)
            ++*ret_made;
        else if (errno != EEXIST)
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
    uint32_t made;
    int root;

    st = make_dirs(AT_FDCWD, be->root, strlen(be->root), &made, err);
    if (st < 0)
        return st;
    atomic_fetch_add(&be->made_above, made);
    st = root_get(be, &root, err);
    if (st < 0)
        return st;
    return make_dirs(root, path, strlen(path), &made, err);
}

dlfw_status root_remove(dlfw_backend *be, const char *path, dlfw_error *err)
{
    bool is_root = strcmp(path, ".") == 0;
    const char *name = is_root ? be->root : path;
    int root = AT_FDCWD;
    dlfw_status st = is_root ? DLFW_OK : root_get(be, &root, err);

    if (st < 0)
        return st;
    if (unlinkat(root, name, AT_REMOVEDIR) == 0)
        return DLFW_OK;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return dlfw_fail(err, DLFW_E_BUSY, "cannot remove the directory '%s': it is not empty", name);
    return dlfw_fail_errno(err, errno, "cannot remove the directory '%s'", name);
}

dlfw_status root_make_parents(int root, const char *path, dlfw_error *err)
{
    const char *slash = strrchr(path, '/');
    uint32_t made;

    return slash ? make_dirs(root, path, (size_t)(slash - path), &made, err) : DLFW_OK;
}

static dlfw_status sync_dir(int root, const char *dir, dlfw_error *err)
{
    int fd = openat(root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    /* Some file systems keep directories durable by themselves and answer EINVAL. */
    if (failed && failed != EINVAL)
        return dlfw_fail_errno(err, failed, "cannot make the directory '%s' durable", dir);
    return DLFW_OK;
}

/* A root that this instance made is safe once the directories above know of it. */
static dlfw_status sync_above(dlfw_backend *be, int root, dlfw_error *err)
{
    uint32_t levels = atomic_exchange(&be->made_above, 0);
    char dir[PATH_MAX] = "..";
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < levels && st == DLFW_OK && 3 * (i + 2) < sizeof dir; i++) {
        st = sync_dir(root, dir, err);
        memcpy(dir + 2 + 3 * i, "/..", 4);
    }
    if (st < 0)
        atomic_fetch_add(&be->made_above, levels);
    return st;
}

dlfw_status root_sync_parents(dlfw_backend *be, int root, const char *path, dlfw_error *err)
{
    char dir[PATH_MAX];
    dlfw_status st;
    char *slash;

    memcpy(dir, path, strlen(path) + 1);
    do {
        slash = strrchr(dir, '/');
        memcpy(slash ? slash : dir, slash ? "" : ".", slash ? 1 : 2);
        st = sync_dir(root, dir, err);
    } while (slash && st == DLFW_OK);
    return st == DLFW_OK ? sync_above(be, root, err) : st;
}
