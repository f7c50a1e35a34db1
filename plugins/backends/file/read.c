/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: GET by key and by handle, OPEN, STAT. A transfer is complete when it has all bytes asked for or when the
 * end of the object is proven; a short read alone proves nothing.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEQUENTIAL_FROM ((uint64_t)1 << 20) /* below, the first read already covers what a hint would read ahead */

dlfw_status read_open(dlfw_backend *be, const dlfw_req *req, char path[PATH_MAX], int *ret_fd, dlfw_error *err)
{
    dlfw_status st = key_path(req->key, req->key_len, KEY_OBJECT, path, err);
    int root;

    if (st == DLFW_OK)
        st = root_get(be, &root, err);
    if (st < 0)
        return st;
    *ret_fd = openat(root, path, O_RDONLY | O_CLOEXEC | (be->direct ? O_DIRECT : 0));
    return *ret_fd < 0 ? dio_open_fail(be, errno, root, path, err) : DLFW_OK;
}

dlfw_status read_want(const dlfw_req *req, const struct dio_align *align, const char *name, uint64_t *ret,
                      dlfw_error *err)
{
    uint64_t want = req->length;

    if (req->flags & DLFW_REQ_WHOLE) {
        if (req->offset != 0)
            return dlfw_fail(err, DLFW_E_INVALID, "reading all of '%s' begins at offset 0, not %llu", name,
                             (unsigned long long)req->offset);
        want = req->buf_cap - req->buf_cap % align->read;
        if (want < req->length)
            return dlfw_fail(err, DLFW_E_ALIGN, "the buffer for '%s' has no room for its last block of %u bytes", name,
                             align->read);
    }
    if (want > (uint64_t)INT64_MAX - req->offset || req->offset > INT64_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "the range at offset %llu of '%s' ends beyond any file",
                         (unsigned long long)req->offset, name);
    *ret = want;
    return dio_check(req, want, align->mem, align->read, name, err);
}

bool read_is_end(const dlfw_req *req, const struct dio_align *align, uint64_t got)
{
    /* Only the last block of a file is partial; and a whole object of just the size the host expects has no more. */
    return got % align->read != 0 || ((req->flags & DLFW_REQ_WHOLE) && got == req->length && got > 0);
}

dlfw_status read_rest(int fd, const dlfw_req *req, const struct dio_align *align, uint64_t size, uint64_t want,
                      uint64_t *got, const char *name, dlfw_error *err)
{
    while (*got < want && req->offset + *got < size) {
        size_t ask = (size_t)(want - *got < MAX_TRANSFER ? want - *got : MAX_TRANSFER);
        ssize_t n = pread(fd, (uint8_t *)req->buf + *got, ask, (off_t)(req->offset + *got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, "cannot read '%s'", name);
        if (n == 0)
            break;
        *got += (uint64_t)n;
        if ((size_t)n < ask && read_is_end(req, align, *got))
            break;
    }
    return DLFW_OK;
}

dlfw_status read_finish(int fd, const dlfw_req *req, uint64_t want, uint64_t got, dlfw_comp *comp, const char *name)
{
    struct stat s;

    if (got < want && (got > 0 || req->offset == 0)) {
        comp->object_size = req->offset + got;
    } else if (req->flags & DLFW_REQ_WHOLE) { /* the buffer came back full: is there more? */
        if (fstat(fd, &s) != 0)
            return dlfw_fail_errno(req->error, errno, "cannot find the size of '%s'", name);
        comp->object_size = (uint64_t)s.st_size;
        if (comp->object_size > got)
            return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%s' has %llu bytes, the buffer takes %llu", name,
                             (unsigned long long)comp->object_size, (unsigned long long)want);
    }
    /* The request was served; that the kernel keeps some pages is no failure of it. */
    if (req->flags & DLFW_REQ_DROP_CACHE)
        posix_fadvise(fd, (off_t)req->offset, (off_t)got, POSIX_FADV_DONTNEED);
    comp->bytes = got;
    return DLFW_OK;
}

dlfw_status read_handle_of(const dlfw_req *req, struct read_handle **ret, dlfw_error *err)
{
    const struct handle *head = req->handle;

    if (!head || head->kind != HANDLE_READ)
        return dlfw_fail(err, DLFW_E_INVALID, "the handle of this request does not come from OPEN");
    *ret = req->handle;
    return DLFW_OK;
}

static dlfw_status get_by_handle(const dlfw_req *req, dlfw_comp *comp)
{
    struct read_handle *h = NULL;
    dlfw_status st = read_handle_of(req, &h, req->error);
    uint64_t want = 0;
    uint64_t got = 0;

    if (st == DLFW_OK)
        st = read_want(req, &h->align, h->key, &want, req->error);
    if (st == DLFW_OK)
        st = read_rest(h->fd, req, &h->align, h->size, want, &got, h->key, req->error);
    if (st == DLFW_OK) {
        comp->object_size = h->size;
        st = read_finish(h->fd, req, want, got, comp, h->key);
    }
    return st;
}

dlfw_status read_get(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct dio_align align = {0};
    char path[PATH_MAX];
    uint64_t want = 0;
    uint64_t got = 0;
    dlfw_status st;
    int fd = -1;

    if (req->handle)
        return get_by_handle(req, comp);
    st = read_open(be, req, path, &fd, req->error);
    if (st == DLFW_OK)
        st = dio_align_get(be, fd, path, &align, req->error);
    if (st == DLFW_OK)
        st = read_want(req, &align, path, &want, req->error);
    if (st == DLFW_OK && want >= SEQUENTIAL_FROM && !be->direct)
        posix_fadvise(fd, (off_t)req->offset, (off_t)want, POSIX_FADV_SEQUENTIAL);
    if (st == DLFW_OK)
        st = read_rest(fd, req, &align, UINT64_MAX, want, &got, path, req->error);
    if (st == DLFW_OK)
        st = read_finish(fd, req, want, got, comp, path);
    if (fd >= 0)
        close(fd);
    return st;
}

dlfw_status read_open_handle(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    struct read_handle *h = NULL;
    char path[PATH_MAX];
    struct stat s;
    dlfw_status st;
    int fd = -1;

    st = read_open(be, req, path, &fd, req->error);
    if (st < 0)
        return st;
    if (fstat(fd, &s) != 0) {
        st = dlfw_fail_errno(req->error, errno, "cannot find the size of '%s'", path);
        goto out;
    }
    if (S_ISDIR(s.st_mode)) {
        st = dlfw_fail(req->error, DLFW_E_INVALID, "'%s' is a directory, not an object", path);
        goto out;
    }
    h = malloc(sizeof *h + strlen(path) + 1);
    if (!h) {
        st = dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for the handle of '%s'", path);
        goto out;
    }
    h->head.kind = HANDLE_READ;
    h->size = (uint64_t)s.st_size;
    memcpy(h->key, path, strlen(path) + 1);
    st = dio_align_get(be, fd, path, &h->align, req->error);
    if (st < 0)
        goto out;
    h->fd = fd;
    comp->handle = h;
    comp->object_size = h->size;
    h = NULL;
    fd = -1;
out:
    free(h);
    if (fd >= 0)
        close(fd);
    return st;
}

void read_close(struct read_handle *h)
{
    close(h->fd);
    free(h);
}

dlfw_status read_stat(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    char path[PATH_MAX];
    struct stat s;
    dlfw_status st;
    int root;

    st = key_path(req->key, req->key_len, KEY_OBJECT, path, req->error);
    if (st == DLFW_OK)
        st = root_get(be, &root, req->error);
    if (st < 0)
        return st;
    if (fstatat(root, path, &s, 0) != 0)
        return dlfw_fail_errno(req->error, errno, "cannot find '%s'", path);
    if (S_ISDIR(s.st_mode))
        return dlfw_fail(req->error, DLFW_E_INVALID, "'%s' is a directory, not an object", path);
    comp->object_size = (uint64_t)s.st_size;
    if (req->buf && req->buf_cap >= sizeof(dlfw_object_info)) {
        dlfw_object_info info = {.size = comp->object_size,
                                 .mtime_ns = (uint64_t)s.st_mtim.tv_sec * 1000000000u + (uint64_t)s.st_mtim.tv_nsec};

        memcpy(req->buf, &info, sizeof info);
        comp->bytes = sizeof info;
    }
    return DLFW_OK;
}
