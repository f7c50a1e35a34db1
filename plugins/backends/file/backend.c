/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin with the backends `file` and `direct`: instances, limits, figures and the tables the host reads. Both
 * share all code; `direct` differs in the O_DIRECT flag and in what it says about alignment.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const engine_choices[] = {"auto", "uring", "pread", NULL};

static const dlfw_option file_option_rows[] = {
    DLFW_OPT_ENUM(
        struct file_options, engine, .def = "auto", .choices = engine_choices,
        .help = "how files are read: uring (io_uring), pread (system calls), auto (uring where the kernel allows)"),
};

static void engine_choose(dlfw_backend *be, uint32_t engine, dlfw_status tried, const char *why)
{
    be->uring = engine != ENGINE_PREAD && tried == DLFW_OK;
    be->forced = engine == ENGINE_URING;
    if (be->uring)
        dlfw_log(be->host, be->host_ctx, DLFW_LOG_INFO, "engine uring");
    else if (engine == ENGINE_PREAD)
        dlfw_log(be->host, be->host_ctx, DLFW_LOG_INFO, "engine pread");
    else
        dlfw_log(be->host, be->host_ctx, DLFW_LOG_INFO, "engine pread, because %s", why);
}

static void file_destroy(dlfw_backend *be)
{
    int fd = atomic_load(&be->root_fd);

    if (fd >= 0)
        close(fd);
    pthread_mutex_destroy(&be->lock);
    free(be);
}

static dlfw_status instance_create(const dlfw_create_args *args, bool direct, dlfw_backend **ret, dlfw_error *reterr)
{
    const struct file_options *options = args->options;
    char why[256] = "";
    dlfw_error tried = {.struct_size = sizeof tried, .message = why, .message_cap = sizeof why};
    dlfw_backend *be = NULL;
    dlfw_status st = DLFW_OK;

    if (!args->root || !args->root[0])
        return dlfw_fail(reterr, DLFW_E_CONFIG, "this backend needs a directory, such as %s://data/train",
                         direct ? "direct" : "file");
    if (options->engine != ENGINE_PREAD)
        st = ring_try(&tried);
    if (st < 0 && options->engine == ENGINE_URING)
        return dlfw_fail(reterr, st, "engine uring is not possible here: %s; use engine: auto", why);
    be = calloc(1, sizeof *be);
    if (!be)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "no memory for an instance");
    be->host = args->host;
    be->host_ctx = args->host_ctx;
    be->root = args->root;
    be->direct = direct;
    atomic_init(&be->root_fd, -1);
    pthread_mutex_init(&be->lock, NULL);
    if (!(args->flags & DLFW_CREATE_CHECK_ONLY))
        engine_choose(be, options->engine, st, why);
    *ret = be;
    return DLFW_OK;
}

static dlfw_status file_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    return instance_create(args, false, ret, reterr);
}

static dlfw_status direct_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    return instance_create(args, true, ret, reterr);
}

static dlfw_status file_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret,
                               dlfw_error *reterr)
{
    char path[PATH_MAX];
    dlfw_status st = key_path(key, key_len, KEY_GROUP, path, reterr);

    if (st < 0)
        return st;
    ret->mem_align = 1;
    ret->read_offset_align = 1;
    ret->read_length_align = 1;
    ret->write_offset_align = 1;
    ret->write_length_align = 1;
    ret->max_inflight = be->uring ? RING_DEPTH_MAX : 0;
    ret->preferred_io = 256 << 10;
    ret->preferred_part = 256 << 10;
    return DLFW_OK;
}

/* Alignment of the file system behind key; of the root's when there is no such file yet. */
static dlfw_status align_of_key(dlfw_backend *be, const char *path, struct dio_align *ret, dlfw_error *err)
{
    dlfw_status st;
    int root = atomic_load(&be->root_fd);
    int fd = -1;

    if (root < 0 && root_get(be, &root, NULL) < 0)
        return dio_align_of_root(be, ret, err);
    fd = openat(root, path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd >= 0) {
        st = dio_align_of_fd(fd, path, ret, err);
        close(fd);
        return st;
    }
    if (errno == ENOENT || errno == ENOTDIR ||
        errno == EINVAL) /* the last: a directory, or no direct I/O, which comes out there */
        return dio_align_of_root(be, ret, err);
    return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
}

static dlfw_status direct_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret,
                                 dlfw_error *reterr)
{
    struct dio_align align = {0};
    char path[PATH_MAX];
    dlfw_status st = key_path(key, key_len, KEY_GROUP, path, reterr);

    if (st == DLFW_OK)
        st = align_of_key(be, path, &align, reterr);
    if (st < 0)
        return st;
    ret->mem_align = align.mem;
    ret->read_offset_align = align.read;
    ret->read_length_align = align.read;
    ret->write_offset_align = align.write;
    ret->write_length_align = align.write;
    ret->max_inflight = be->uring ? RING_DEPTH_MAX : 0;
    ret->preferred_io = 1 << 20;
    ret->preferred_part = 4 << 20;
    return DLFW_OK;
}

/* A root that does not exist yet is no mistake: MAKE_ROOT creates it. */
static dlfw_status file_check(dlfw_backend *be, dlfw_error *reterr)
{
    struct dio_align align;
    int root;
    dlfw_status st = be->direct ? dio_align_of_root(be, &align, reterr) : DLFW_OK;

    if (st == DLFW_OK && access(be->root, F_OK) == 0)
        st = root_get(be, &root, reterr);
    return st;
}

static void file_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    sink->put(sink->ctx, "requests", "requests", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->requests, memory_order_relaxed));
    sink->put(sink->ctx, "bytes_read", "bytes", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->bytes_read, memory_order_relaxed));
    sink->put(sink->ctx, "bytes_written", "bytes", DLFW_STAT_COUNTER,
              atomic_load_explicit(&be->bytes_written, memory_order_relaxed));
    sink->put(sink->ctx, "engine_uring", "", DLFW_STAT_GAUGE, be->uring);
}

static void file_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    struct file_counters one = {0};
    dlfw_status st = request_check(be, req);

    if (st == DLFW_OK)
        request_perform(be, req, comp);
    else
        comp_fail(comp, req, st);
    counters_add(&one, req, comp);
    request_count(be, &one);
}

static dlfw_status file_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret,
                                     dlfw_error *reterr)
{
    dlfw_status st;

    if (!be->uring)
        return dlfw_fail(reterr, DLFW_E_UNSUPPORTED, "engine pread has no queues of its own");
    st = ring_create(be, args, ret, reterr);
    if (st < 0 && !be->forced) {
        dlfw_log(be->host, be->host_ctx, DLFW_LOG_WARNING, "engine pread for this queue: %s",
                 reterr && reterr->message ? reterr->message : dlfw_status_text(st));
        return DLFW_E_UNSUPPORTED;
    }
    return st;
}

#define ALL_OPS                                                                                                        \
    (DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) | DLFW_OP_BIT(DLFW_OP_DELETE) |   \
     DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_OPEN) | DLFW_OP_BIT(DLFW_OP_CLOSE) |                              \
     DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) | DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) |          \
     DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) | DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) | DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT) |            \
     DLFW_OP_BIT(DLFW_OP_COPY))

#define SHARED_OPS                                                                                                     \
    .struct_size = sizeof(dlfw_backend_ops), .thread_class = DLFW_THREADS_PARALLEL, .op_mask = ALL_OPS,                \
    .destroy = file_destroy, .check = file_check, .stats = file_stats, .perform = file_perform,                        \
    .queue_create = file_queue_create, .queue_destroy = ring_destroy, .submit = ring_submit, .reap = ring_reap,        \
    .cancel = ring_cancel, .wakeup = ring_wakeup, .wait_fd = ring_wait_fd, .mem_register = region_add,                 \
    .mem_unregister = region_remove, .leftovers = leftovers_find

static const dlfw_backend_ops file_ops = {SHARED_OPS, .caps = DLFW_BACKEND_LOCAL, .create = file_create,
                                          .limits = file_limits};

static const dlfw_backend_ops direct_ops = {SHARED_OPS, .caps = DLFW_BACKEND_LOCAL | DLFW_BACKEND_DIRECT,
                                            .create = direct_create, .limits = direct_limits};

static const dlfw_iface file_iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "file",
    .summary = "local files through the page cache",
    .options = file_option_rows,
    .option_count = 1,
    .options_size = sizeof(struct file_options),
    .ops = &file_ops,
};

static const dlfw_iface direct_iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "direct",
    .summary = "local files past the page cache (O_DIRECT)",
    .options = file_option_rows,
    .option_count = 1,
    .options_size = sizeof(struct file_options),
    .ops = &direct_ops,
};

static const dlfw_iface *const ifaces[] = {&file_iface, &direct_iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=file\nbackend=direct\n", .id = "org.dlfw.backend-file", .license = "Apache-2.0",
            .summary = "objects as files of a local directory", .url = "", .ifaces = ifaces);
