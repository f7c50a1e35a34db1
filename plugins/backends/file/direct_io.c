/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What O_DIRECT wants of memory, offsets and lengths, asked from the file system. Where it offers no direct I/O the
 * answer is an error: a benchmark that was told to bypass the page cache must not go through it unnoticed.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ASSUMED_ALIGN 4096u /* holds everywhere; used where the file system does not tell */
#define PROBED_ALIGN 512u

/* Newer than the headers of the oldest supported system: a mask bit and where its field lies in struct statx. */
#define MASK_DIO_READ_ALIGN 0x00020000u
#define OFFSET_DIO_READ_ALIGN 0xb4u

static dlfw_status no_direct_io(const char *name, dlfw_error *err)
{
    return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                     "'%s' is on a file system without direct I/O (tmpfs?); use file:// or another folder", name);
}

dlfw_status dio_open_fail(const dlfw_backend *be, int sys_errno, int root, const char *name, dlfw_error *err)
{
    struct stat s;

    /* Directories refuse O_DIRECT on every file system. */
    if (be->direct && sys_errno == EINVAL && fstatat(root, name, &s, 0) == 0 && S_ISDIR(s.st_mode))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is a directory, not an object", name);
    if (be->direct && sys_errno == EINVAL)
        return no_direct_io(name, err);
    return dlfw_fail_errno(err, sys_errno, "cannot open '%s'", name);
}

/* tmpfs accepts the O_DIRECT flag since Linux 6.6 and ignores it. */
static bool is_memory_only(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0)
        return false;
    return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC;
}

/* The smallest alignment that a read accepts, tried on the file itself. */
static uint32_t probe(int fd)
{
    uint32_t found = ASSUMED_ALIGN;
    uint8_t *block = aligned_alloc(ASSUMED_ALIGN, 2 * ASSUMED_ALIGN);

    if (!block)
        return found;
    /* An offset and an address that are multiples of 512 and of nothing larger. */
    if (pread(fd, block + PROBED_ALIGN, PROBED_ALIGN, PROBED_ALIGN) == (ssize_t)PROBED_ALIGN)
        found = PROBED_ALIGN;
    free(block);
    return found;
}

dlfw_status dio_align_of_fd(int fd, const char *name, struct dio_align *ret, dlfw_error *err)
{
    struct statx sx;
    uint32_t read_align = 0;

    if (is_memory_only(fd))
        return no_direct_io(name, err);
    memset(&sx, 0, sizeof sx);
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN | MASK_DIO_READ_ALIGN, &sx) != 0 ||
        !(sx.stx_mask & STATX_DIOALIGN)) {
        uint32_t align = probe(fd);

        *ret = (struct dio_align){.mem = align, .read = align, .write = align};
        return DLFW_OK;
    }
    if (sx.stx_dio_offset_align == 0)
        return no_direct_io(name, err);
    if (sx.stx_mask & MASK_DIO_READ_ALIGN)
        memcpy(&read_align, (const char *)&sx + OFFSET_DIO_READ_ALIGN, sizeof read_align);
    ret->mem = sx.stx_dio_mem_align ? sx.stx_dio_mem_align : 1;
    ret->write = sx.stx_dio_offset_align;
    ret->read = read_align ? read_align : sx.stx_dio_offset_align;
    return DLFW_OK;
}

dlfw_status dio_align_get(dlfw_backend *be, int fd, const char *name, struct dio_align *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (!be->direct) {
        *ret = (struct dio_align){.mem = 1, .read = 1, .write = 1};
        return DLFW_OK;
    }
    if (!atomic_load_explicit(&be->align_known, memory_order_acquire)) {
        pthread_mutex_lock(&be->lock);
        if (!atomic_load_explicit(&be->align_known, memory_order_relaxed)) {
            st = dio_align_of_fd(fd, name, &be->align, err);
            if (st == DLFW_OK)
                atomic_store_explicit(&be->align_known, true, memory_order_release);
        }
        pthread_mutex_unlock(&be->lock);
    }
    if (st == DLFW_OK)
        *ret = be->align;
    return st;
}

/* Opens the root, or the nearest directory above it that exists. */
static int open_existing(const char *root)
{
    char path[PATH_MAX];
    size_t len = strlen(root);
    int fd;

    if (len >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, root, len + 1);
    while ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');

        if (slash == path)
            path[1] = '\0';
        else if (slash)
            *slash = '\0';
        else
            memcpy(path, ".", 2);
    }
    return fd;
}

dlfw_status dio_align_of_root(dlfw_backend *be, struct dio_align *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;
    int dir = open_existing(be->root);
    int fd;

    if (dir < 0)
        return dlfw_fail_errno(err, errno, "cannot open the root '%s'", be->root);
    if (is_memory_only(dir)) {
        close(dir);
        return no_direct_io(be->root, err);
    }
    /* Only files know their alignment; a nameless one leaves nothing behind. */
    fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
    if (fd >= 0)
        st = dio_align_of_fd(fd, be->root, ret, err);
    else if (errno == EINVAL)
        st = no_direct_io(be->root, err);
    else /* not writable, or no nameless files here: the safe answer; opening a file for direct I/O still tells the
            truth */
        *ret = (struct dio_align){.mem = ASSUMED_ALIGN, .read = ASSUMED_ALIGN, .write = ASSUMED_ALIGN};
    if (fd >= 0)
        close(fd);
    close(dir);
    return st;
}

dlfw_status dio_check(const dlfw_req *req, uint64_t length, uint32_t mem, uint32_t range, const char *name,
                      dlfw_error *err)
{
    if ((uintptr_t)req->buf % mem != 0)
        return dlfw_fail(err, DLFW_E_ALIGN, "the buffer for '%s' is not aligned to %u bytes", name, mem);
    if (req->offset % range != 0 || length % range != 0)
        return dlfw_fail(err, DLFW_E_ALIGN, "offset %llu and length %llu for '%s' are not multiples of %u",
                         (unsigned long long)req->offset, (unsigned long long)length, name, range);
    return DLFW_OK;
}
