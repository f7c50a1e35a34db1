/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw du`: how many objects and bytes lie below each folder of a prefix. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/storage_output.h"
#include "cmd/storage_safety.h"
#include "cmd/usage_table.h"
#include "host/option_parse.h"
#include "report/units.h"
#include "transfer/listing.h"

#define DEPTH_MAX 64u

struct share {
    struct usage_table table;
    uint64_t objects, bytes;
};

struct du {
    struct tool tool;
    uint64_t depth; /* levels that are told apart */
    bool human;
    const char *uri;
    struct output out;
    struct tool_progress progress;
    _Atomic uint64_t seen; /* names, before the choice by name */
    struct share shares[LISTING_WORKERS_MAX];
};

/* Bytes of the key that name its folder, no deeper than wanted; 0: it lies in none. */
static size_t folder_len(const struct du *du, const char *key, size_t len)
{
    size_t end = 0;

    for (uint64_t level = 0; level < du->depth; level++) {
        const char *slash = memchr(key + end, '/', len - end);

        if (!slash)
            break;
        end = (size_t)(slash + 1 - key);
    }
    return end;
}

static bool take_page(void *ctx, struct listing_worker *w, const struct listing_page *page)
{
    struct du *du = ctx;
    struct share *share = &du->shares[w->index];
    struct usage *row = NULL;
    uint64_t bytes = 0, objects = 0;
    size_t row_len = 0;

    atomic_fetch_add(&du->seen, page->count);
    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *e = &page->entries[i];
        const char *key = page->names + e->name_off;
        uint64_t size = e->size == UINT64_MAX ? 0 : e->size;
        size_t len;

        if (!matching_accepts(du->tool.matching, key, e->name_len))
            continue;
        objects++;
        bytes += size;
        len = folder_len(du, key, e->name_len);
        if (!len)
            continue;
        /* neighbours mostly lie in the same folder: its row is looked up once */
        if (!row || len != row_len || memcmp(row->name, key, len) != 0) {
            row = usage_row(&share->table, key, len);
            row_len = len;
        }
        row->objects++;
        row->bytes += size;
    }
    share->objects += objects;
    share->bytes += bytes;
    atomic_fetch_add(&du->progress.line.done, objects);
    return true;
}

static void tick(void *ctx)
{
    struct du *du = ctx;

    tool_progress_tick(&du->progress);
}

static void add_row(const struct du *du, struct str *line, const char *name, uint64_t objects, uint64_t bytes)
{
    char count[24], size[32];

    if (du->tool.json) {
        str_add(line, "{\"name\":");
        json_add_text(line, name, strlen(name));
        str_add_format(line, ",\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", objects, bytes);
        return;
    }
    snprintf(size, sizeof size, "%" PRIu64, bytes);
    snprintf(count, sizeof count, "%" PRIu64, objects);
    str_add_format(line, "%15s %12s  ", du->human ? unit_bytes((double)bytes).text : size, count);
    name_add(line, *name ? name : du->uri, strlen(*name ? name : du->uri), true);
    str_add(line, "\n");
}

/* The folders by name, then all. */
static void print(struct du *du)
{
    struct share *all = &du->shares[0];
    struct str lines = STR_EMPTY;

    for (uint32_t i = 1; i < LISTING_WORKERS_MAX; i++) {
        usage_merge(&all->table, &du->shares[i].table);
        all->objects += du->shares[i].objects;
        all->bytes += du->shares[i].bytes;
    }
    usage_finish(&all->table);
    for (uint32_t i = 0; i < all->table.count; i++) {
        const struct usage *u = &all->table.items[i];

        add_row(du, &lines, u->name, u->objects, u->bytes);
    }
    add_row(du, &lines, "", all->objects, all->bytes);
    output_write(&du->out, &lines);
    str_free(&lines);
}

static dlfw_status count(struct du *du, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    uint64_t failed = 0;
    dlfw_status st = location_folder(du->uri, &loc, err);

    if (st >= 0)
        st = tool_open(&du->tool, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0) {
        const struct listing_args args = {.storage = storage,
                                          .prefix = "",
                                          .recursive = true,
                                          .workers = du->tool.jobs,
                                          .ctx = du,
                                          .page = take_page,
                                          .tick = tick};

        st = listing_run(&args, &failed, err);
        if (st >= 0 && !atomic_load(&du->seen) && storage_caps(storage) & DLFW_BACKEND_STREAMS &&
            !storage_is_bucket(storage))
            st = dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no object below it");
    }
    if (failed > 1)
        error_prefix(err, "%" PRIu64 " folders of '%s' could not be listed, the first", failed, du->uri);
    else if (st < 0)
        error_prefix(err, "cannot list '%s'", du->uri);
    storage_close(storage);
    location_free(&loc);
    return st;
}

/* The URI names an object and no folder. */
static dlfw_status count_object(struct du *du)
{
    struct io_object_info info = {0};
    dlfw_status st = tool_info(&du->tool, du->uri, &info, NULL);

    if (st >= 0) {
        du->shares[0].objects = 1;
        du->shares[0].bytes = info.size == UINT64_MAX ? 0 : info.size;
    }
    io_object_info_free(&info);
    return st;
}

static int usage_of(struct du *du)
{
    struct error_slot err;
    dlfw_status st;
    int status = tool_start(&du->tool);

    if (status != EXIT_OK)
        return status;
    error_slot_init(&err);
    output_begin(&du->out);
    tool_progress_begin(&du->progress, &du->tool, "counting");
    st = count(du, &err.e);
    tool_progress_end(&du->progress);
    if (st == DLFW_E_NOT_FOUND && !location_is_folder(du->uri) && count_object(du) >= 0)
        st = DLFW_OK;
    if (st >= 0)
        print(du);
    for (uint32_t i = 0; i < LISTING_WORKERS_MAX; i++)
        usage_free(&du->shares[i].table);
    return output_end(&du->out, tool_exit(st, &err));
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS,
                                             TOOL_LONG_OPTIONS_OF_NAMES,
                                             {"max-depth", required_argument, NULL, 'd'},
                                             {"human", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct du *du)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":d:h" TOOL_SHORT_OPTIONS, long_options, NULL)) != -1) {
        if (c == 'h')
            du->human = true;
        else if (c != 'd')
            status = tool_option(&du->tool, c, argv);
        else if (text_u64(optarg, &du->depth, NULL) < 0 || du->depth > DEPTH_MAX)
            return cmd_usage_error(&cmd_du, "'%s' is no number of levels (0 to %u)", optarg, DEPTH_MAX);
    }
    if (status == EXIT_OK && argc - optind != 1)
        status = cmd_usage_error(&cmd_du, argc == optind ? "no URI is given" : "one URI is counted at a time");
    if (status == EXIT_OK)
        du->uri = argv[optind];
    return status;
}

static int run(int argc, char **argv)
{
    struct du *du = xcalloc(1, sizeof *du);
    int status;

    du->tool.command = &cmd_du;
    du->depth = 1;
    status = parse(argc, argv, du);
    if (status == EXIT_OK)
        status = usage_of(du);
    tool_end(&du->tool);
    free(du);
    return status;
}

const struct command cmd_du = {
    .name = "du",
    .summary = "count the bytes and objects of folders",
    .usage = "usage: dlfw du [-d N] [-h] [--glob PATTERN | --regex PATTERN] [--json] URI\n"
             "\n"
             "Prints bytes, objects and name of each folder below URI, then of all together.\n"
             "\n"
             "  -d, --max-depth N        folders of the first N levels (default: 1; 0: all together only)\n"
             "  -h, --human              sizes with units\n"
             "  --json                   one object per line\n" TOOL_USAGE_OF_NAMES TOOL_USAGE,
    .has_h = true,
    .run = run,
};
