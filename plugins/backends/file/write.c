/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: parts go into a temporary file beside the object, which takes its name in one step at the commit. Until
 * then nobody sees it under that name; a failed commit leaves the temporary file to WRITE_ABORT.
 *
 * With O_DIRECT a part that ends inside a block writes that block padded with zeros; the commit cuts the file to size.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_NAME_KEEP 180 /* bytes of the object's name in the temporary one, so that the rest fits NAME_MAX */
#define TEMP_NAME_TRIES 1000

dlfw_status write_handle_of(const dlfw_req *req, struct write_handle **ret, dlfw_error *err)
{
    const struct handle *head = req->handle;

    if (!head || head->kind != HANDLE_WRITE)
        return dlfw_fail(err, DLFW_E_INVALID, "the handle of this request does not come from WRITE_BEGIN");
    *ret = req->handle;
    return DLFW_OK;
}

/* Opens a new file of a name that nobody uses; its path is put into h->temp. */
static dlfw_status temp_open(dlfw_backend *be, int root, struct write_handle *h, dlfw_error *err)
{
    const char *slash = strrchr(h->key, '/');
    const char *base = slash ? slash + 1 : h->key;
    size_t cap = strlen(h->key) + 64;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | (be->direct ? O_DIRECT : 0);
    bool made_parents = false;

    h->temp = malloc(cap);
    if (!h->temp)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the handle of '%s'", h->key);
    for (int tries = 0; tries < TEMP_NAME_TRIES; tries++) {
        snprintf(h->temp, cap, "%.*s.%.*s.dlfw-%ld-%llu", (int)(base - h->key), h->key, TEMP_NAME_KEEP, base,
                 (long)getpid(),
                 (unsigned long long)atomic_fetch_add_explicit(&be->temp_counter, 1, memory_order_relaxed));
        h->fd = openat(root, h->temp, flags, 0644);
        if (h->fd >= 0) {
            bool lost = false;
            dlfw_status st = temp_claim(h->fd, &lost, h->temp, err);

            if (st < 0 || !lost)
                return st;
            (void)unlinkat(root, h->temp, 0); /* most likely it is gone already */
            close(h->fd);
            h->fd = -1;
        } else if (errno == ENOENT && !made_parents) {
            dlfw_status st = root_make_parents(root, h->key, err);

            if (st < 0)
                return st;
            made_parents = true;
        } else if (errno == EINVAL && be->direct) {
            return dio_open_fail(be, EINVAL, root, h->key, err);
        } else if (errno != EEXIST) {
            return dlfw_fail_errno(err, errno, "cannot create '%s'", h->key);
        }
    }
    return dlfw_fail(err, DLFW_E_EXISTS, "cannot create '%s': too many temporary files beside it", h->key);
}

/* Blocks taken at once lie together and need no allocation while the parts come. */
static dlfw_status preallocate(struct write_handle *h, uint64_t size, dlfw_error *err)
{
    if (size == 0 || size > INT64_MAX)
        return DLFW_OK;
    if (fallocate(h->fd, 0, 0, (off_t)size) == 0) {
        h->resized = true;
        return DLFW_OK;
    }
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return dlfw_fail_errno(err, errno, "cannot reserve %llu bytes for '%s'", (unsigned long long)size, h->key);
    return DLFW_OK; /* the file system cannot reserve: blocks come as the parts do */
}

static void write_free(struct write_handle *h)
{
    if (h && h->fd >= 0)
        close(h->fd);
    if (h && h->lock_fd >= 0)
        close(h->lock_fd);
    if (h)
        free(h->temp);
    free(h);
}

static dlfw_status discard(dlfw_backend *be, struct write_handle *h, dlfw_error *err)
{
    dlfw_status st;
    int root;

    st = root_get(be, &root, err);
    if (st == DLFW_OK && unlinkat(root, h->temp, 0) != 0 && errno != ENOENT)
        st = dlfw_fail_errno(err, errno, "cannot remove '%s'", h->temp);
    write_free(h);
    return st;
}

static dlfw_status begin(dlfw_backend *be, const dlfw_req *req, uint64_t size, struct write_handle **ret)
{
    struct write_handle *h = NULL;
    char path[PATH_MAX];
    dlfw_status st;
    int root;

    st = key_path(req->key, req->key_len, KEY_PUBLISH, path, req->error);
    if (st == DLFW_OK)
        st = root_get(be, &root, req->error);
    if (st < 0)
        return st;
    if ((req->flags & DLFW_REQ_EXCLUSIVE) && faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return dlfw_fail(req->error, DLFW_E_EXISTS, "'%s' exists", path);
    h = calloc(1, sizeof *h + strlen(path) + 1);
    if (!h)
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for the handle of '%s'", path);
    h->head.kind = HANDLE_WRITE;
    h->flags = req->flags;
    h->fd = -1;
    h->lock_fd = -1;
    memcpy(h->key, path, strlen(path) + 1);
    st = temp_open(be, root, h, req->error);
    if (st < 0 && h->fd < 0) {
        write_free(h);
        return st;
    }
    if (st < 0) {
        discard(be, h, NULL); /* the first failure is the one to tell */
        return st;
    }
    st = dio_align_get(be, h->fd, path, &h->align, req->error);
    if (st == DLFW_OK && (be->direct || (req->flags & DLFW_REQ_DURABLE)))
        st = preallocate(h, size, req->error);
    if (st < 0) {
        discard(be, h, NULL); /* the first failure is the one to tell */
        return st;
    }
    *ret = h;
    return DLFW_OK;
}

dlfw_status write_all(int fd, const void *data, uint64_t len, uint64_t offset, const char *name, dlfw_error *err)
{
    const uint8_t *from = data;

    while (len > 0) {
        ssize_t n = pwrite(fd, from, (size_t)(len < MAX_TRANSFER ? len : MAX_TRANSFER), (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, "cannot write '%s'", name);
        if (n == 0)
            return dlfw_fail(err, DLFW_E_IO, "cannot write '%s': the file takes no more bytes", name);
        from += n;
        len -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return DLFW_OK;
}

dlfw_status write_part_check(const struct write_handle *h, const dlfw_req *req, dlfw_error *err)
{
    if (h->fd < 0)
        return dlfw_fail(err, DLFW_E_INVALID, "the commit of '%s' failed; only an abort may follow", h->key);
    if (req->offset > INT64_MAX || req->length > (uint64_t)INT64_MAX - req->offset)
        return dlfw_fail(err, DLFW_E_INVALID, "the part at offset %llu of '%s' ends beyond any file",
                         (unsigned long long)req->offset, h->key);
    return dio_check(req, req->length - req->length % h->align.write, h->align.mem, h->align.write, h->key, err);
}

dlfw_status write_tail(const struct write_handle *h, const dlfw_req *req, void **ret, uint64_t *ret_len,
                       dlfw_error *err)
{
    uint64_t tail = req->length % h->align.write;
    size_t align = h->align.mem > h->align.write ? h->align.mem : h->align.write;
    uint8_t *block;

    *ret = NULL;
    *ret_len = 0;
    if (tail == 0)
        return DLFW_OK;
    block = aligned_alloc(align, align);
    if (!block)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the last block of '%s'", h->key);
    memcpy(block, (const uint8_t *)req->buf + (req->length - tail), tail);
    memset(block + tail, 0, align - tail);
    *ret = block;
    *ret_len = h->align.write;
    return DLFW_OK;
}

dlfw_status write_part_finish(struct write_handle *h, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t end = req->offset + req->length;
    uint64_t seen = atomic_load_explicit(&h->end, memory_order_relaxed);

    while (seen < end && !atomic_compare_exchange_weak(&h->end, &seen, end))
        ;
    /* Written back while the next part is made, so that the commit has little left to wait for. */
    if ((h->flags & DLFW_REQ_DROP_CACHE) && h->align.write == 1)
        sync_file_range(h->fd, (off_t)req->offset, (off_t)req->length, SYNC_FILE_RANGE_WRITE);
    comp->bytes = req->length;
    return DLFW_OK;
}

static dlfw_status part(struct write_handle *h, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t body = req->length - req->length % h->align.write;
    uint64_t tail_len = 0;
    void *tail = NULL;
    dlfw_status st;

    st = write_part_check(h, req, req->error);
    if (st == DLFW_OK)
        st = write_tail(h, req, &tail, &tail_len, req->error);
    if (st == DLFW_OK)
        st = write_all(h->fd, req->buf, body, req->offset, h->key, req->error);
    if (st == DLFW_OK)
        st = write_all(h->fd, tail, tail_len, req->offset + body, h->key, req->error);
    if (st == DLFW_OK)
        st = write_part_finish(h, req, comp);
    free(tail);
    return st;
}

/* The temporary file gets its final size, is safe where asked, and is closed: some file systems report errors only
 * there. */
static dlfw_status complete(struct write_handle *h, uint64_t total, dlfw_error *err)
{
    bool padded = h->align.write > 1 && total % h->align.write != 0;
    int fd = h->fd;

    if (fd < 0)
        return dlfw_fail(err, DLFW_E_INVALID, "the commit of '%s' failed before; only an abort may follow", h->key);
    if (total != atomic_load(&h->end))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' shall be %llu bytes, its parts make %llu", h->key,
                         (unsigned long long)total, (unsigned long long)atomic_load(&h->end));
    if ((h->resized || padded) && ftruncate(fd, (off_t)total) != 0)
        return dlfw_fail_errno(err, errno, "cannot set the size of '%s'", h->key);
    if ((h->flags & DLFW_REQ_DURABLE) && fsync(fd) != 0)
        return dlfw_fail_errno(err, errno, "cannot make '%s' durable", h->key);
    if (h->flags & DLFW_REQ_DROP_CACHE) {
        if (fdatasync(fd) != 0) /* only clean pages can be dropped */
            return dlfw_fail_errno(err, errno, "cannot write back '%s'", h->key);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    h->lock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (h->lock_fd < 0)
        return dlfw_fail_errno(err, errno, "cannot keep the lock of '%s'", h->key);
    h->fd = -1;
    if (close(fd) != 0)
        return dlfw_fail_errno(err, errno, "cannot close '%s'", h->key);
    return DLFW_OK;
}

/* A rename would put a file where a pipe or a device was. */
static bool is_special(int root, const char *key)
{
    struct stat info;

    return fstatat(root, key, &info, 0) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static dlfw_status publish(int root, const struct write_handle *h, dlfw_error *err)
{
    bool exclusive = h->flags & DLFW_REQ_EXCLUSIVE;
    int rc;

    if (!exclusive && is_special(root, h->key))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' is a pipe, a device or a socket, which no file replaces", h->key);
    rc = renameat2(root, h->temp, root, h->key, exclusive ? RENAME_NOREPLACE : 0);
    if (rc != 0 && exclusive && (errno == EINVAL || errno == ENOSYS)) { /* as NFS does; a link never replaces either */
        rc = linkat(root, h->temp, root, h->key, 0);
        if (rc == 0)
            rc = unlinkat(root, h->temp, 0);
    }
    if (rc == 0)
        return DLFW_OK;
    if (errno == EEXIST)
        return dlfw_fail(err, DLFW_E_EXISTS, "'%s' exists", h->key);
    return dlfw_fail_errno(err, errno, "cannot publish '%s'", h->key);
}

/* h is left to the caller when this fails. */
static dlfw_status commit(dlfw_backend *be, struct write_handle *h, uint64_t total, dlfw_error *err)
{
    dlfw_status st;
    int root;

    st = root_get(be, &root, err);
    if (st == DLFW_OK)
        st = complete(h, total, err);
    if (st == DLFW_OK)
        st = publish(root, h, err);
    if (st == DLFW_OK && (h->flags & DLFW_REQ_DURABLE))
        st = root_sync_parents(be, root, h->key, err);
    if (st == DLFW_OK)
        write_free(h);
    return st;
}

dlfw_status write_begin(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = begin(be, req, req->arg, &h);

    if (st == DLFW_OK)
        comp->handle = h;
    return st;
}

dlfw_status write_part(const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = write_handle_of(req, &h, req->error);

    return st == DLFW_OK ? part(h, req, comp) : st;
}

dlfw_status write_commit(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st = write_handle_of(req, &h, req->error);

    if (st == DLFW_OK)
        st = commit(be, h, req->arg, req->error);
    if (st == DLFW_OK)
        comp->object_size = req->arg;
    return st;
}

dlfw_status write_abort(dlfw_backend *be, const dlfw_req *req)
{
    struct write_handle *h = NULL;
    dlfw_status st = write_handle_of(req, &h, req->error);

    return st == DLFW_OK ? discard(be, h, req->error) : st;
}

dlfw_status write_put(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct write_handle *h = NULL;
    dlfw_status st;

    if (req->offset != 0)
        return dlfw_fail(req->error, DLFW_E_INVALID, "an object is written from offset 0, not %llu",
                         (unsigned long long)req->offset);
    st = begin(be, req, req->length, &h);
    if (st < 0)
        return st;
    st = part(h, req, comp);
    if (st == DLFW_OK)
        st = commit(be, h, req->length, req->error);
    if (st < 0) {
        comp->bytes = 0;
        discard(be, h, NULL); /* the first failure is the one to tell */
        return st;
    }
    comp->object_size = req->length;
    return DLFW_OK;
}
