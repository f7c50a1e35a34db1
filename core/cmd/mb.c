/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw mb`: makes what objects live in. */
#include "cmd/storage_output.h"
#include "plugin/host_table.h"

static dlfw_status make_one(struct tool *t, const char *uri, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    struct io_queue *queue = NULL;
    dlfw_status st = location_folder(uri, &loc, err);

    if (st >= 0)
        st = tool_open(t, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0 && !(storage_op_mask(storage) & DLFW_OP_BIT(DLFW_OP_MAKE_ROOT)))
        st = dlfw_fail(err, DLFW_E_UNSUPPORTED, "storage '%s' has nothing that could be made", storage_scheme(storage));
    if (st >= 0)
        st = io_queue_create(storage, 1, &queue, err);
    if (st >= 0)
        st = io_make_root(queue, "", err);
    if (st < 0)
        error_prefix(err, "'%s'", uri);
    io_queue_destroy(queue);
    storage_close(storage);
    location_free(&loc);
    return st;
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS_OF_STORAGE, {NULL, 0, NULL, 0}};

static int run(int argc, char **argv)
{
    struct tool t = {.command = &cmd_mb};
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":o:", long_options, NULL)) != -1)
        status = tool_option(&t, c, argv);
    if (status == EXIT_OK && argc == optind)
        status = cmd_usage_error(&cmd_mb, "no URI is given");
    if (status == EXIT_OK)
        status = tool_start(&t);
    for (int i = optind; i < argc && (status == EXIT_OK || status == EXIT_FAILED); i++) {
        struct error_slot err;
        dlfw_status st;

        error_slot_init(&err);
        st = make_one(&t, argv[i], &err.e);
        if (st < 0)
            status = tool_exit(st, &err);
    }
    tool_end(&t);
    return status;
}

const struct command cmd_mb = {
    .name = "mb",
    .summary = "make a bucket, container or folder",
    .usage = "usage: dlfw mb URI...\n"
             "\n"
             "Makes what objects live in: a bucket, a container, a folder with those above it. One that is there\n"
             "already is no failure.\n"
             "\n" TOOL_USAGE_OF_STORAGE,
    .run = run,
};
