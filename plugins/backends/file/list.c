/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST: a walk over directories, one page of names at a time. One directory is open at any time; in a recursive
 * walk the ones found on the way wait as names. Temporary files of writers are not objects and do not appear.
 */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct waiting_dir {
    struct waiting_dir *next;
    char path[]; /* with the closing '/' */
};

struct list_handle {
    struct handle head;
    bool recursive;
    DIR *dir;         /* NULL between two directories */
    size_t dir_len;   /* bytes of name that are the directory's, '/' included */
    bool has_pending; /* name and entry did not fit the page before */
    dlfw_list_entry entry;
    struct waiting_dir *waiting;
    char name[PATH_MAX]; /* of the current entry, relative to the root */
};

/* Where the next record and name go. */
struct page {
    uint8_t *buf;
    uint64_t records_end;
    uint64_t names_begin;
};

void list_close(struct list_handle *h)
{
    if (!h)
        return;
    if (h->dir)
        closedir(h->dir);
    while (h->waiting) {
        struct waiting_dir *w = h->waiting;

        h->waiting = w->next;
        free(w);
    }
    free(h);
}

/* Opens the directory whose path (empty or ending in '/') is in h->name. */
static dlfw_status enter(struct list_handle *h, int root, dlfw_error *err)
{
    int fd = openat(root, h->dir_len ? h->name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        h->dir = fdopendir(fd);
    if (!h->dir) {
        int failed = errno;

        if (fd >= 0)
            close(fd);
        return dlfw_fail_errno(err, failed, "cannot list '%.*s'", (int)h->dir_len, h->name);
    }
    return DLFW_OK;
}

static dlfw_status keep_waiting(struct list_handle *h, dlfw_error *err)
{
    struct waiting_dir *w = malloc(sizeof *w + strlen(h->name) + 1);

    if (!w)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for listing '%s'", h->name);
    memcpy(w->path, h->name, strlen(h->name) + 1);
    w->next = h->waiting;
    h->waiting = w;
    return DLFW_OK;
}

/* Fills h->name and h->entry from e. *ret_skip: it is no object, or it went away meanwhile. */
static dlfw_status describe(struct list_handle *h, const struct dirent *e, bool *ret_skip, dlfw_error *err)
{
    size_t len = strlen(e->d_name);
    struct stat s = {0};
    bool is_dir = e->d_type == DT_DIR;

    *ret_skip = true;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || key_is_temporary(e->d_name, len))
        return DLFW_OK;
    if (h->dir_len + len + 2 > sizeof h->name)
        return dlfw_fail(err, DLFW_E_INVALID, "a name below '%.*s' is too long for a path", (int)h->dir_len, h->name);
    memcpy(h->name + h->dir_len, e->d_name, len + 1);
    if (!is_dir) {
        if (fstatat(dirfd(h->dir), e->d_name, &s, 0) != 0) {
            if (errno == ENOENT) /* deleted since, or a link to nothing */
                return DLFW_OK;
            return dlfw_fail_errno(err, errno, "cannot find the size of '%s'", h->name);
        }
        is_dir = S_ISDIR(s.st_mode);
        if (!is_dir && !S_ISREG(s.st_mode))
            return DLFW_OK;
    }
    if (is_dir)
        memcpy(h->name + h->dir_len + len, "/", 2);
    h->entry.size = is_dir ? UINT64_MAX : (uint64_t)s.st_size;
    h->entry.mtime_ns = is_dir ? 0 : (uint64_t)s.st_mtim.tv_sec * 1000000000u + (uint64_t)s.st_mtim.tv_nsec;
    if (is_dir && h->recursive)
        return keep_waiting(h, err);
    *ret_skip = false;
    return DLFW_OK;
}

/* Steps to the next entry of the walk; DLFW_END after the last. */
static dlfw_status advance(struct list_handle *h, int root, dlfw_error *err)
{
    for (;;) {
        const struct dirent *e;
        bool skip = false;
        dlfw_status st;

        if (!h->dir) {
            struct waiting_dir *w = h->waiting;

            if (!w)
                return DLFW_END;
            h->waiting = w->next;
            h->dir_len = strlen(w->path);
            memcpy(h->name, w->path, h->dir_len + 1);
            free(w);
            st = enter(h, root, err);
            if (st == DLFW_E_NOT_FOUND) /* removed since its name was read */
                continue;
            if (st < 0)
                return st;
        }
        errno = 0;
        e = readdir(h->dir);
        if (!e && errno)
            return dlfw_fail_errno(err, errno, "cannot list '%.*s'", (int)h->dir_len, h->name);
        if (!e) {
            closedir(h->dir);
            h->dir = NULL;
            continue;
        }
        st = describe(h, e, &skip, err);
        if (st < 0 || !skip)
            return st;
    }
}

static bool page_add(struct page *p, const struct list_handle *h)
{
    size_t len = strlen(h->name);
    dlfw_list_entry entry = h->entry;

    if (p->names_begin - p->records_end < sizeof entry + len)
        return false;
    p->names_begin -= len;
    memcpy(p->buf + p->names_begin, h->name, len);
    entry.name_off = (uint32_t)p->names_begin;
    entry.name_len = (uint32_t)len;
    memcpy(p->buf + p->records_end, &entry, sizeof entry);
    p->records_end += sizeof entry;
    return true;
}

static dlfw_status list_open(const dlfw_req *req, int root, struct list_handle **ret)
{
    struct list_handle *h = calloc(1, sizeof *h);
    dlfw_status st;

    if (!h)
        return dlfw_fail(req->error, DLFW_E_NO_MEMORY, "no memory for listing " KEY_FORMAT, KEY_ARGS(req));
    h->head.kind = HANDLE_LIST;
    h->recursive = req->flags & DLFW_REQ_RECURSIVE;
    st = key_path(req->key, req->key_len, KEY_GROUP, h->name, req->error);
    if (st == DLFW_OK && req->key_len > 0) {
        h->dir_len = strlen(h->name);
        if (h->name[h->dir_len - 1] != '/' && h->dir_len + 1 < sizeof h->name)
            memcpy(h->name + h->dir_len++, "/", 2);
    }
    if (st == DLFW_OK)
        st = enter(h, root, req->error);
    if (st < 0) {
        list_close(h);
        return st;
    }
    *ret = h;
    return DLFW_OK;
}

/* Fills the page until it is full (*ret_more) or the walk ends. */
static dlfw_status fill(struct list_handle *h, int root, struct page *page, bool *ret_more, dlfw_error *err)
{
    for (;;) {
        if (!h->has_pending) {
            dlfw_status st = advance(h, root, err);

            if (st == DLFW_END)
                return DLFW_OK;
            if (st < 0)
                return st;
        }
        h->has_pending = !page_add(page, h);
        if (h->has_pending) {
            *ret_more = true;
            return page->records_end > 0
                       ? DLFW_OK
                       : dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "the page has no room for the name '%s'", h->name);
        }
    }
}

dlfw_status list_page(dlfw_backend *be, const dlfw_req *req, dlfw_comp *comp)
{
    uint64_t cap = req->buf_cap < UINT32_MAX ? req->buf_cap : UINT32_MAX;
    struct page page = {.buf = req->buf, .names_begin = cap};
    struct list_handle *h = req->handle;
    bool more = false;
    dlfw_status st;
    int root;

    if (h && h->head.kind != HANDLE_LIST)
        return dlfw_fail(req->error, DLFW_E_INVALID, "the handle of this request does not come from LIST");
    if ((uintptr_t)req->buf % 8 != 0)
        return dlfw_fail(req->error, DLFW_E_ALIGN, "a page of names begins at a multiple of 8 bytes");
    st = root_get(be, &root, req->error);
    if (st == DLFW_OK && !h)
        st = list_open(req, root, &h);
    if (st < 0)
        return st;
    st = fill(h, root, &page, &more, req->error);
    if (st < 0) {
        if (!req->handle) /* the host never saw this cursor */
            list_close(h);
        return st;
    }
    comp->bytes = page.records_end;
    if (more) {
        comp->flags |= DLFW_COMP_MORE;
        comp->handle = h;
    } else {
        list_close(h);
    }
    return DLFW_OK;
}
