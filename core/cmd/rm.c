/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw rm`: removes objects, or everything below a prefix. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/storage_output.h"
#include "cmd/storage_safety.h"
#include "plugin/host_table.h"
#include "report/json_put.h"
#include "report/units.h"
#include "transfer/removal.h"

struct rm {
    struct tool tool;
    bool recursive, dry_run, missing_is_fine, force;
    char **uris;
    int uri_count;
    struct output out;
    struct tool_progress progress;
    const char *root; /* of what is being removed */
    uint64_t failed;  /* objects named one by one */
};

/* What would go, at once: dry runs are read by people. */
static void would_remove(struct rm *rm, const char *key, size_t key_len)
{
    char *uri = location_join(rm->root, key, key_len);
    struct str line = STR_EMPTY;

    if (rm->tool.json) {
        str_add(&line, "{\"would_remove\":");
        json_add_text(&line, uri, strlen(uri));
        str_add(&line, "}\n");
    } else {
        str_add(&line, "would remove ");
        name_add(&line, uri, strlen(uri), true);
        str_add(&line, "\n");
    }
    output_write(&rm->out, &line);
    str_free(&line);
    free(uri);
}

static void found(void *ctx, uint32_t worker, const char *name, uint32_t name_len)
{
    (void)worker;
    would_remove(ctx, name, name_len);
}

static void tick(void *ctx)
{
    struct rm *rm = ctx;

    tool_progress_tick(&rm->progress);
}

static void report(struct rm *rm, const struct removal_result *result, uint64_t bytes, uint64_t took_ns)
{
    double seconds = (double)took_ns / (double)NS_PER_S;
    struct str line = STR_EMPTY;

    if (rm->tool.json) {
        str_add(&line, "{\"uri\":");
        json_add_text(&line, rm->root, strlen(rm->root));
        str_add_format(&line,
                       ",\"dry_run\":%s,\"objects\":%" PRIu64 ",\"folders\":%" PRIu64 ",\"bytes\":%" PRIu64
                       ",\"failed\":%" PRIu64 ",\"seconds\":%.6f}\n",
                       rm->dry_run ? "true" : "false", result->objects, result->folders, bytes,
                       result->failed + result->unlisted, seconds);
    } else {
        str_add_format(&line, "%" PRIu64 " objects", result->objects);
        if (result->folders)
            str_add_format(&line, " and %" PRIu64 " folders", result->folders);
        str_add_format(&line, rm->dry_run ? " would be removed (%s)\n" : " removed (%s)",
                       unit_bytes((double)bytes).text);
        if (!rm->dry_run)
            str_add_format(&line, ", %.2f s, %s/s\n", seconds,
                           unit_count(seconds > 0 ? (double)result->objects / seconds : 0).text);
    }
    if (rm->tool.json || !rm->tool.quiet)
        output_write(&rm->out, &line);
    str_free(&line);
}

static dlfw_status remove_below(struct rm *rm, struct storage *storage, dlfw_error *err)
{
    struct removal_result result = {0};
    uint64_t begin = clock_now_ns();
    _Atomic uint64_t bytes = 0;
    struct removal_args args = {.storage = storage,
                                .prefix = "",
                                .matching = rm->tool.matching,
                                .recursive = rm->recursive,
                                .dry_run = rm->dry_run,
                                .jobs = rm->tool.jobs,
                                .ctx = rm,
                                .found = found,
                                .tick = tick};
    dlfw_status st;

    tool_progress_begin(&rm->progress, &rm->tool, rm->dry_run ? "looking" : "removing");
    args.done = &rm->progress.line.done;
    args.bytes = &bytes;
    st = removal_run(&args, &result, err);
    tool_progress_end(&rm->progress);
    if (result.failed + result.unlisted > 1)
        error_prefix(err, "%" PRIu64 " objects or folders below '%s' are still there, the first",
                     result.failed + result.unlisted, rm->root);
    else if (st < 0 && st != DLFW_E_NOT_FOUND)
        error_prefix(err, "'%s'", rm->root);
    if (st >= 0 && !result.objects && !result.folders && storage_caps(storage) & DLFW_BACKEND_STREAMS &&
        !storage_is_bucket(storage) && !rm->tool.matching)
        st = dlfw_fail(err, DLFW_E_NOT_FOUND, "'%s': there is no object below it", rm->root);
    if (st >= 0 || result.objects || result.folders)
        report(rm, &result, atomic_load(&bytes), clock_now_ns() - begin);
    return st;
}

/* NOT_FOUND: there is no such folder. */
static dlfw_status remove_folder(struct rm *rm, const char *uri, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    dlfw_status st = location_folder(uri, &loc, err);

    if (st >= 0)
        st = tool_open(&rm->tool, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0 && !rm->dry_run)
        st = storage_may_go(storage, rm->force, err);
    rm->root = loc.root;
    if (st >= 0)
        st = remove_below(rm, storage, err);
    storage_close(storage);
    location_free(&loc);
    return st;
}

static void object_gone(void *ctx, const struct removal_key *key, const struct io_op *op)
{
    struct rm *rm = ctx;
    struct error_slot err = op->err;
    char *uri;

    err.e.message = err.text;
    if (op->status >= 0) {
        if (rm->dry_run)
            would_remove(rm, key->key, key->len);
        return;
    }
    if (op->status == DLFW_E_NOT_FOUND && rm->missing_is_fine)
        return;
    rm->failed++;
    uri = location_join(rm->root, key->key, key->len);
    error_prefix(&err.e, "'%s'", uri);
    tool_log_error(err.text);
    free(uri);
}

struct there {
    struct rm *rm;
    struct removal_key *keys;
    uint32_t count;
};

static void object_there(void *ctx, const struct removal_key *key, const struct io_op *op)
{
    struct there *t = ctx;

    if (op->status >= 0)
        t->keys[t->count++] = *key;
    else
        object_gone(t->rm, key, op);
}

/* Objects of one storage. A service may not tell that a key was not there, so it is asked before. */
static dlfw_status remove_keys(struct rm *rm, struct storage *storage, const struct removal_key *keys, uint32_t count,
                               dlfw_error *err)
{
    bool ask = (storage_caps(storage) & DLFW_BACKEND_STREAMS) && !rm->missing_is_fine && !rm->dry_run;
    struct there there = {.rm = rm};
    struct io_queue *queue = NULL;
    uint32_t depth = removal_depth(storage);
    dlfw_status st =
        io_queue_create(storage, rm->tool.jobs && rm->tool.jobs < depth ? rm->tool.jobs : depth, &queue, err);

    if (st < 0)
        return st;
    if (ask) {
        there.keys = xcalloc(count, sizeof *there.keys);
        removal_keys(queue, DLFW_OP_STAT, keys, count, NULL, object_there, &there);
        keys = there.keys;
        count = there.count;
    }
    removal_keys(queue, rm->dry_run ? DLFW_OP_STAT : DLFW_OP_DELETE, keys, count, NULL, object_gone, rm);
    free(there.keys);
    io_queue_destroy(queue);
    return DLFW_OK;
}

/* The first URIs of a list, as many as have the same root. Returns how many. */
static uint32_t take_same_root(char **uris, int count, struct location *locs, dlfw_status *ret, dlfw_error *err)
{
    uint32_t n = 0;

    while (n < (uint32_t)count) {
        *ret = location_object(uris[n], &locs[n], err);
        if (*ret < 0)
            break;
        if (n && strcmp(locs[n].root, locs[0].root) != 0) {
            location_free(&locs[n]);
            break;
        }
        n++;
    }
    return n;
}

/* Removes the first objects of uris; *ret_count: how many. */
static dlfw_status remove_objects(struct rm *rm, char **uris, int count, uint32_t *ret_count, dlfw_error *err)
{
    struct location *locs = xcalloc((size_t)count, sizeof *locs);
    struct removal_key *keys = xcalloc((size_t)count, sizeof *keys);
    struct storage *storage = NULL;
    dlfw_status st = DLFW_OK;
    uint32_t n = take_same_root(uris, count, locs, &st, err);

    *ret_count = n ? n : 1;
    if (n)
        st = DLFW_OK; /* what is wrong with the next one is told when it is the first */
    for (uint32_t i = 0; i < n && st >= 0; i++) {
        if (!storage)
            st = tool_open(&rm->tool, TOOL_SIDE_ONLY, &locs[i], &storage, err);
        else if (storage_caps(storage) & DLFW_BACKEND_LOCAL)
            location_join_slashes(&locs[i]);
        keys[i] = (struct removal_key){locs[i].key, (uint32_t)strlen(locs[i].key), UINT64_MAX};
    }
    if (st >= 0) {
        rm->root = locs[0].root;
        st = remove_keys(rm, storage, keys, n, err);
    }
    storage_close(storage);
    for (uint32_t i = 0; i < n; i++)
        location_free(&locs[i]);
    free(locs);
    free(keys);
    return st;
}

/* Everything that the command line names. Each failure is told; the first is no reason to stop. */
static int remove_all(struct rm *rm)
{
    bool folders = rm->recursive || rm->tool.matching;
    int status = EXIT_OK;
    uint32_t n = 1;

    for (int i = 0; i < rm->uri_count && !atomic_load(&host_cancel_level); i += (int)n) {
        struct error_slot err;
        dlfw_status st;

        error_slot_init(&err);
        n = 1;
        st = folders ? remove_folder(rm, rm->uris[i], &err.e) : DLFW_E_NOT_FOUND;
        if (st == DLFW_E_NOT_FOUND && !rm->tool.matching && !(folders && location_is_folder(rm->uris[i])))
            st = remove_objects(rm, rm->uris + i, folders ? 1 : rm->uri_count - i, &n, &err.e);
        if (st == DLFW_E_NOT_FOUND && rm->missing_is_fine)
            st = DLFW_OK;
        if (st < 0)
            status = tool_exit(st, &err);
    }
    if (atomic_load(&host_cancel_level))
        return EXIT_INTERRUPTED;
    return rm->failed ? EXIT_FAILED : status;
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS,
                                             TOOL_LONG_OPTIONS_OF_NAMES,
                                             {"recursive", no_argument, NULL, 'r'},
                                             {"dry-run", no_argument, NULL, 'n'},
                                             {"ignore-missing", no_argument, NULL, 'f'},
                                             {"force", no_argument, NULL, 'F'},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct rm *rm)
{
    int c, status;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":rfn" TOOL_SHORT_OPTIONS, long_options, NULL)) != -1) {
        switch (c) {
        case 'r':
            rm->recursive = true;
            break;
        case 'n':
            rm->dry_run = true;
            break;
        case 'f':
            rm->missing_is_fine = true;
            break;
        case 'F':
            rm->force = true;
            break;
        default:
            status = tool_option(&rm->tool, c, argv);
            if (status != EXIT_OK)
                return status;
        }
    }
    if (argc == optind)
        return cmd_usage_error(&cmd_rm, "no URI is given");
    rm->uris = argv + optind;
    rm->uri_count = argc - optind;
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct rm *rm = xcalloc(1, sizeof *rm);
    int status;

    rm->tool.command = &cmd_rm;
    status = parse(argc, argv, rm);
    if (status == EXIT_OK)
        status = tool_start(&rm->tool);
    if (status == EXIT_OK) {
        output_begin(&rm->out);
        status = output_end(&rm->out, remove_all(rm));
    }
    tool_end(&rm->tool);
    free(rm);
    return status;
}

const struct command cmd_rm = {
    .name = "rm",
    .summary = "remove objects of a storage",
    .usage = "usage: dlfw rm [-r] [--glob PATTERN | --regex PATTERN] [-n] [-f] [--force] [--json] URI...\n"
             "\n"
             "Removes objects. With -r everything below each URI, of local files the folders too; with --glob or\n"
             "--regex the objects that match, in one level or, with -r, in all.\n"
             "\n"
             "  -r, --recursive          all objects below\n"
             "  -n, --dry-run            say what would be removed\n"
             "  -f, --ignore-missing     what is not there is no failure\n"
             "  --force                  whole buckets, the working directory and the home directory, too\n"
             "  --json                   what was done, one object per line\n" TOOL_USAGE_OF_NAMES TOOL_USAGE,
    .run = run,
};
