/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw rb`: removes what objects live in, once it is empty, or with --force together with all that is in it. */
#include <inttypes.h>

#include "cmd/storage_output.h"
#include "cmd/storage_safety.h"
#include "plugin/host_table.h"
#include "transfer/removal.h"

struct rb {
    struct tool tool;
    bool force;
    struct tool_progress progress;
};

static void tick(void *ctx)
{
    struct rb *rb = ctx;

    tool_progress_tick(&rb->progress);
}

/* *ret_gone: the root has gone with what was in it, as folders do. */
static dlfw_status empty(struct rb *rb, struct storage *storage, bool *ret_gone, dlfw_error *err)
{
    struct removal_result result = {0};
    _Atomic uint64_t bytes = 0; /* nobody asks */
    struct removal_args args = {
        .storage = storage, .prefix = "", .recursive = true, .jobs = rb->tool.jobs, .ctx = rb, .tick = tick};
    dlfw_status st = storage_may_go(storage, true, err);

    if (st < 0)
        return st;
    tool_progress_begin(&rb->progress, &rb->tool, "removing");
    args.done = &rb->progress.line.done;
    args.bytes = &bytes;
    st = removal_run(&args, &result, err);
    tool_progress_end(&rb->progress);
    if (result.failed + result.unlisted > 1)
        error_prefix(err, "%" PRIu64 " objects or folders are still there, the first", result.failed + result.unlisted);
    *ret_gone = result.folders > 0 && st >= 0;
    return st;
}

static dlfw_status remove_root(struct storage *storage, dlfw_error *err)
{
    struct io_queue *queue = NULL;
    struct error_slot why;
    dlfw_status st = io_queue_create(storage, 1, &queue, err);

    if (st < 0)
        return st;
    error_slot_init(&why);
    st = io_remove_root(queue, "", &why.e);
    if (st == DLFW_E_BUSY)
        dlfw_fail(err, st, "%s; --force removes what is in it, too", why.text);
    else if (st < 0)
        error_copy(err, &why.e);
    io_queue_destroy(queue);
    return st;
}

static dlfw_status remove_one(struct rb *rb, const char *uri, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    bool gone = false;
    dlfw_status st = location_folder(uri, &loc, err);

    if (st >= 0)
        st = tool_open(&rb->tool, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0 && !(storage_op_mask(storage) & DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT)))
        st = dlfw_fail(err, DLFW_E_UNSUPPORTED, "storage '%s' has nothing that could be removed",
                       storage_scheme(storage));
    if (st >= 0 && rb->force)
        st = empty(rb, storage, &gone, err);
    if (st >= 0 && !gone)
        st = remove_root(storage, err);
    if (st < 0)
        error_prefix(err, "'%s'", uri);
    storage_close(storage);
    location_free(&loc);
    return st;
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS_OF_STORAGE,
                                             TOOL_LONG_OPTION_JOBS,
                                             TOOL_LONG_OPTIONS_OF_PROGRESS,
                                             {"force", no_argument, NULL, 'F'},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct rb *rb)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":" TOOL_SHORT_OPTIONS, long_options, NULL)) != -1) {
        if (c == 'F')
            rb->force = true;
        else
            status = tool_option(&rb->tool, c, argv);
    }
    if (status == EXIT_OK && argc == optind)
        status = cmd_usage_error(&cmd_rb, "no URI is given");
    return status;
}

static int run(int argc, char **argv)
{
    struct rb rb = {.tool.command = &cmd_rb};
    int status = parse(argc, argv, &rb);

    if (status == EXIT_OK)
        status = tool_start(&rb.tool);
    for (int i = optind; i < argc && (status == EXIT_OK || status == EXIT_FAILED); i++) {
        struct error_slot err;
        dlfw_status st;

        error_slot_init(&err);
        st = remove_one(&rb, argv[i], &err.e);
        if (st < 0)
            status = tool_exit(st, &err);
    }
    tool_end(&rb.tool);
    return status;
}

const struct command cmd_rb = {
    .name = "rb",
    .summary = "remove a bucket, container or folder",
    .usage = "usage: dlfw rb [--force] URI...\n"
             "\n"
             "Removes a bucket, a container or a folder that is empty.\n"
             "\n"
             "  --force                  what is in it goes, too\n" TOOL_USAGE,
    .run = run,
};
