/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking storage backend: one function, perform(), that does one request and returns. The host calls it from as many threads as
 * the user asked for and makes queues, retries, alignment and timing around it. Copy this folder, rename "myfiles", and replace
 * the bodies of do_get, do_put, do_stat and do_delete by calls of your storage client.
 *
 * This one keeps each object in a file below args->root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dlfw/backend.h"

/* The host fills this struct from the user's configuration before create(); see the table below. */
struct options {
    uint64_t slow_down; /* ns */
};

static const dlfw_option option_rows[] = {
    DLFW_OPT_DURATION(struct options, slow_down, .def = "0s", .max = "10s", .help = "waiting time added to every request"),
};

struct dlfw_backend {
    const dlfw_host *host; /* the only way to reach the host; lives as long as the process */
    const struct options *options;
    const char *root; /* lives as long as the instance */
};

/* Returns an instance, or fails with nothing left behind: destroy() is not called after a failed create(). */
static dlfw_status my_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    struct dlfw_backend *be = calloc(1, sizeof *be);

    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate an instance");
    be->host = args->host;
    be->options = args->options;
    be->root = args->root;
    *ret = be;
    return DLFW_OK;
}

static void my_destroy(dlfw_backend *be)
{
    free(be);
}

/* A key is any string of bytes. What this storage cannot hold is refused; it is never stored under another name. */
static dlfw_status key_path(const dlfw_backend *be, const dlfw_req *req, char path[PATH_MAX])
{
    const char *part;
    int n;

    if (memchr(req->key, '\0', req->key_len) || (req->key_len && (req->key[0] == '/' || req->key[req->key_len - 1] == '/')))
        return dlfw_fail(req->error, DLFW_E_INVALID, "a key cannot begin or end in '/' or hold a NUL byte");
    if ((n = snprintf(path, PATH_MAX, "%s/%.*s/", be->root, (int)req->key_len, req->key)) >= PATH_MAX)
        return dlfw_fail(req->error, DLFW_E_INVALID, "a key of %u bytes is too long", req->key_len);
    part = path + strlen(be->root);
    if (strstr(part, "/../") || strstr(part, "/./")) /* ".." would leave the root */
        return dlfw_fail(req->error, DLFW_E_INVALID, "'%.*s' is no key for this storage", (int)req->key_len, req->key);
    path[n - 1] = '\0';
    return DLFW_OK;
}

/* The status comes from errno, the text names the key: "cannot open 'train/1': No such file or directory". */
static dlfw_status fail(const dlfw_req *req, const char *what)
{
    return dlfw_fail_errno(req->error, errno, "cannot %s '%.*s'", what, (int)req->key_len, req->key);
}

/* bytes < length only at the end of the object: a short read in the middle is read on. */
static dlfw_status do_get(const dlfw_req *req, dlfw_comp *comp, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dlfw_status st = DLFW_OK;
    struct stat info;

    if (fd < 0)
        return fail(req, "open");
    if (fstat(fd, &info) != 0)
        st = fail(req, "stat");
    else if ((req->flags & DLFW_REQ_WHOLE) && (uint64_t)info.st_size > req->buf_cap)
        st = dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' has %lld bytes", (int)req->key_len, req->key,
                       (long long)info.st_size);
    else
        for (ssize_t n = 1; st >= 0 && n != 0 && comp->bytes < req->length; comp->bytes += n > 0 ? (uint64_t)n : 0) {
            n = pread(fd, (char *)req->buf + comp->bytes, req->length - comp->bytes, (off_t)(req->offset + comp->bytes));
            if (n < 0 && errno != EINTR)
                st = fail(req, "read");
        }
    if (st >= 0 || st == DLFW_E_BUFFER_TOO_SMALL)
        comp->object_size = (uint64_t)info.st_size;
    close(fd);
    return st;
}

/* Under its own name an object is complete or not there: write beside it, then rename. */
static dlfw_status do_put(const dlfw_req *req, dlfw_comp *comp, const char *path)
{
    char temporary[PATH_MAX + 16];
    dlfw_status st = DLFW_OK;
    int fd;

    if (req->key_len == 0)
        return dlfw_fail(req->error, DLFW_E_INVALID, "an object needs a key");
    snprintf(temporary, sizeof temporary, "%s.tmp-XXXXXX", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail(req, "create");
    while (st >= 0 && comp->bytes < req->length) {
        ssize_t n = write(fd, (const char *)req->buf + comp->bytes, req->length - comp->bytes);

        if (n < 0 && errno != EINTR)
            st = fail(req, "write");
        comp->bytes += n > 0 ? (uint64_t)n : 0;
    }
    if (st >= 0 && (req->flags & DLFW_REQ_DURABLE) && fsync(fd) != 0)
        st = fail(req, "sync");
    close(fd);
    if (st >= 0 && rename(temporary, path) != 0)
        st = fail(req, "rename");
    if (st < 0)
        unlink(temporary);
    return st;
}

static dlfw_status do_make_root(const dlfw_req *req, char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return fail(req, "create");
        *slash = '/';
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST ? DLFW_OK : fail(req, "create");
}

#define KNOWN_FLAGS (DLFW_REQ_WHOLE | DLFW_REQ_DURABLE) /* any other must fail: the host would not get what it asked for */

static void perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    char path[PATH_MAX];
    struct stat info;

    if (be->options->slow_down)
        usleep((useconds_t)(be->options->slow_down / 1000));
    if (req->flags & ~KNOWN_FLAGS)
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "request flags 0x%x are not supported", req->flags);
    else if (req->deadline_ns && be->host->now_ns() >= req->deadline_ns)
        comp->status = dlfw_fail(req->error, DLFW_E_TIMEOUT, "the deadline of '%.*s' has passed", (int)req->key_len, req->key);
    else
        comp->status = key_path(be, req, path);
    if (comp->status < 0)
        return;
    switch (req->op) {
    case DLFW_OP_GET:
        comp->status = do_get(req, comp, path);
        break;
    case DLFW_OP_PUT:
        comp->status = do_put(req, comp, path);
        break;
    case DLFW_OP_STAT:
        comp->status = stat(path, &info) == 0 ? DLFW_OK : fail(req, "stat");
        comp->object_size = comp->status == DLFW_OK ? (uint64_t)info.st_size : UINT64_MAX;
        break;
    case DLFW_OP_DELETE:
        comp->status = unlink(path) == 0 ? DLFW_OK : fail(req, "delete");
        break;
    case DLFW_OP_MAKE_ROOT:
        comp->status = do_make_root(req, path);
        break;
    default:
        comp->status = dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u is not supported", req->op);
    }
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof ops,
    .thread_class = DLFW_THREADS_PARALLEL, /* perform() may run in many threads at once */
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) | DLFW_OP_BIT(DLFW_OP_DELETE) |
               DLFW_OP_BIT(DLFW_OP_MAKE_ROOT),
    .create = my_create, .destroy = my_destroy, .perform = perform,
};

static const dlfw_iface iface = {.struct_size = sizeof iface, .kind = DLFW_KIND_BACKEND, .name = "myfiles",
                                 .summary = "one file per object (template)", .options = option_rows,
                                 .option_count = sizeof option_rows / sizeof *option_rows,
                                 .options_size = sizeof(struct options), .ops = &ops};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("1.0.0", "backend=myfiles\n", .id = "org.example.dlfw-myfiles", .license = "Apache-2.0",
            .summary = "template of a blocking backend", .url = "https://example.org", .ifaces = ifaces);
