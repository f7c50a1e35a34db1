/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY: the kernel copies into a temporary file (sharing blocks where the file system can), which takes its name as any
 * written file does. What it cannot copy by itself, such as to another file system, goes through a buffer.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)

static dlfw_status open_source(dlfw_backend *be, const dlfw_req *req, char path[PATH_MAX], int *ret_fd,
                               uint64_t *ret_size)
{
    dlfw_status st = key_path(req->buf, (uint32_t)req->length, KEY_OBJECT, path, req->error);
    struct stat s;
    int root;

    if (st == DLFW_OK)
        st = root_get(be, &root, req->error);
    if (st < 0)
        return st;
    *ret_fd = openat(root, path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0 || fstat(*ret_fd, &s) != 0)
        return dlfw_fail_errno(req->error, errno, "cannot open '%s'", path);
    if (!S_ISREG(s.st_mode))
        return dlfw_fail(req->error, DLFW_E_INVALID, "'%s' is no file that can be copied", path);
    *ret_size = (uint64_t)s.st_size;
    return DLFW_OK;
}

/* From *done to the end of the source. */
static dlfw_status copy_by_hand(int from, const char *source, int to, const char *target, uint64_t *done,
                                dlfw_error *err)
{
    uint8_t *buffer = malloc(BUFFER_BYTES);
    dlfw_status st = DLFW_OK;

    if (!buffer)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to copy '%s'", source);
    while (st == DLFW_OK) {
        ssize_t n = pread(from, buffer, BUFFER_BYTES, (off_t)*done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            st = dlfw_fail_errno(err, errno, "cannot read '%s'", source);
        if (n <= 0)
            break;
        st = write_all(to, buffer, (uint64_t)n, *done, target, err);
        *done += (uint64_t)n;
    }
    free(buffer);
    return st;
}

static dlfw_status copy_bytes(int from, const char *source, int to, const char *target, uint64_t *done, dlfw_error *err)
{
    *done = 0;
    for (;;) {
        loff_t in = (loff_t)*done, out = (loff_t)*done;
        ssize_t n = copy_file_range(from, &in, to, &out, MAX_TRANSFER, 0);

        if (n > 0)
            *done += (uint64_t)n;
        else if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            break;
        else if (n < 0 && errno != EINTR)
            return dlfw_fail_errno(err, errno, "cannot copy '%s' to '%s'", source, target);
        else if (n == 0)
            break; /* the end, or a file system that calls everything the end: the buffer finds out */
    }
    return copy_by_hand(from, source, to, target, done, err);
}

/* The temporary file takes bytes at any offset from here on. */
static dlfw_status through_the_cache(const struct write_handle *h, dlfw_error *err)
{
    int flags = fcntl(h->fd, F_GETFL);

    if (flags < 0 || ((flags & O_DIRECT) && fcntl(h->fd, F_SETFL, flags & ~O_DIRECT) != 0))
        return dlfw_fail_errno(err, errno, "cannot write '%s'", h->key);
    return DLFW_OK;
}

static dlfw_status publish_copy(dlfw_backend *be, const dlfw_req *req, int from, const char *source, uint64_t size,
                                dlfw_comp *comp)
{
    dlfw_req begin = {.op = DLFW_OP_WRITE_BEGIN,
                      .flags = req->flags,
                      .key = req->key,
                      .key_len = req->key_len,
                      .arg = size,
                      .error = req->error};
    dlfw_req end = {.op = DLFW_OP_WRITE_COMMIT, .error = req->error};
    dlfw_comp begun = {.object_size = UINT64_MAX};
    dlfw_status st = write_begin(be, &begin, &begun);
    struct write_handle *h = begun.handle;
    uint64_t done = 0;

    if (st < 0)
        return st;
    if (be->direct) /* what lies in the cache of such files is of no use to anybody */
        h->flags |= DLFW_REQ_DROP_CACHE;
    st = through_the_cache(h, req->error);
    if (st == DLFW_OK)
        st = copy_bytes(from, source, h->fd, h->key, &done, req->error);
    atomic_store(&h->end, done);
    end.handle = h;
    end.arg = done;
    if (st == DLFW_OK)
        st = write_commit(be, &end, comp);
    if (st < 0) {
        end.error = NULL; /* the first failure is the one to tell */
        write_abort(be, &end);
    }
    return st;
}

dlfw_status copy_object(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    char source[PATH_MAX];
    uint64_t size = 0;
    int from = -1;
    dlfw_status st = open_source(be, req, source, &from, &size);

    if (st == DLFW_OK)
        st = publish_copy(be, req, from, source, size, comp);
    if (from >= 0)
        close(from);
    return st;
}
