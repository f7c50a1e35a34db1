/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw ls`: the names in a storage, as they come. Each worker of the listing formats the names that it has found, so
 * that printing them is as parallel as finding them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/storage_output.h"
#include "cmd/storage_safety.h"
#include "report/json_put.h"
#include "report/units.h"
#include "transfer/listing.h"

#define WRITE_BYTES 262144u

struct found {
    struct str text;                        /* not yet written */
    uint64_t seen, objects, folders, bytes; /* seen: before the choice by name */
};

struct ls {
    struct tool tool;
    bool recursive, details, count, uris;
    char end; /* of a line */
    const char *operand;
    const char *uri; /* that names are relative to */
    struct output out;
    struct tool_progress progress;
    struct found found[LISTING_WORKERS_MAX];
};

static void add_json(const struct ls *ls, struct str *line, const dlfw_list_entry *e, const char *name, bool is_folder)
{
    char when[40];

    str_add(line, "{\"name\":");
    json_add_text(line, name, e->name_len);
    if (ls->uris) {
        char *uri = location_join(ls->uri, name, e->name_len);

        str_add(line, ",\"uri\":");
        json_add_text(line, uri, strlen(uri));
        free(uri);
    }
    str_add(line, is_folder ? ",\"type\":\"folder\"" : ",\"type\":\"object\"");
    if (e->size != UINT64_MAX)
        str_add_format(line, ",\"size\":%" PRIu64, e->size);
    if (e->mtime_ns) {
        time_text(e->mtime_ns, true, when, sizeof when);
        str_add_format(line, ",\"mtime\":\"%s\"", when);
    }
    str_add_len(line, "}\n", 2);
}

static void add_line(const struct ls *ls, struct str *line, const dlfw_list_entry *e, const char *name)
{
    bool escape = ls->end && (ls->details || ls->out.terminal);
    char when[40] = "-", size[24] = "-";

    if (ls->details) {
        if (e->size != UINT64_MAX)
            snprintf(size, sizeof size, "%" PRIu64, e->size);
        if (e->mtime_ns)
            time_text(e->mtime_ns, false, when, sizeof when);
        str_add_format(line, "%15s  %-20s  ", size, when);
    }
    if (ls->uris) {
        char *uri = location_join(ls->uri, name, e->name_len);

        name_add(line, uri, strlen(uri), escape);
        free(uri);
    } else {
        name_add(line, name, e->name_len, escape);
    }
    str_add_len(line, &ls->end, 1);
}

static bool take_page(void *ctx, struct listing_worker *w, const struct listing_page *page)
{
    struct ls *ls = ctx;
    struct found *found = &ls->found[w->index];
    uint64_t objects = found->objects;

    found->seen += page->count;
    for (uint32_t i = 0; i < page->count; i++) {
        const dlfw_list_entry *e = &page->entries[i];
        const char *name = page->names + e->name_off;
        bool is_folder = e->size == UINT64_MAX && name[e->name_len - 1] == '/';

        if (!matching_accepts(ls->tool.matching, name, e->name_len))
            continue;
        found->objects += !is_folder;
        found->folders += is_folder;
        found->bytes += e->size == UINT64_MAX ? 0 : e->size;
        if (ls->count)
            continue;
        if (ls->tool.json)
            add_json(ls, &found->text, e, name, is_folder);
        else
            add_line(ls, &found->text, e, name);
    }
    atomic_fetch_add(&ls->progress.line.done, found->objects - objects);
    if (found->text.len < WRITE_BYTES && !ls->out.terminal)
        return true;
    return output_write(&ls->out, &found->text);
}

static void tick(void *ctx)
{
    struct ls *ls = ctx;

    if (ls->count)
        tool_progress_tick(&ls->progress);
}

/* Everything that was found, in one place; the first worker's. */
static struct found *gather(struct ls *ls)
{
    struct found *all = &ls->found[0];

    for (uint32_t i = 0; i < LISTING_WORKERS_MAX; i++) {
        struct found *f = &ls->found[i];

        output_write(&ls->out, &f->text);
        str_free(&f->text);
        f->text = (struct str)STR_EMPTY;
        if (i) {
            all->seen += f->seen;
            all->objects += f->objects;
            all->folders += f->folders;
            all->bytes += f->bytes;
        }
    }
    return all;
}

static void print_count(struct ls *ls, const struct found *all, uint64_t took_ns)
{
    double seconds = (double)took_ns / (double)NS_PER_S;
    double rate = seconds > 0 ? (double)(all->objects + all->folders) / seconds : 0;
    struct str line = STR_EMPTY;

    if (ls->tool.json) {
        str_add_format(&line,
                       "{\"objects\":%" PRIu64 ",\"folders\":%" PRIu64 ",\"bytes\":%" PRIu64
                       ",\"seconds\":%.6f,\"names_per_s\":%.0f}\n",
                       all->objects, all->folders, all->bytes, seconds, rate);
    } else {
        str_add_format(&line, "%" PRIu64 " objects", all->objects);
        if (all->folders)
            str_add_format(&line, ", %" PRIu64 " folders", all->folders);
        str_add_format(&line, ", %" PRIu64 " bytes (%s), %.2f s, %s names/s\n", all->bytes,
                       unit_bytes((double)all->bytes).text, seconds, unit_count(rate).text);
    }
    output_write(&ls->out, &line);
    str_free(&line);
}

/* The URI names an object and no folder: it is listed as if its folder had been. */
static dlfw_status list_object(struct ls *ls, dlfw_error *err)
{
    struct location loc = {0};
    struct io_object_info info = {0};
    dlfw_status st = tool_info(&ls->tool, ls->uri, &info, err);

    if (st >= 0)
        st = location_object(ls->uri, &loc, err);
    if (st >= 0) {
        dlfw_list_entry e = {.size = info.size, .mtime_ns = info.mtime_ns, .name_len = (uint32_t)strlen(loc.key)};
        const struct listing_page page = {.entries = &e, .count = 1, .names = loc.key};
        struct listing_worker w = {0};

        ls->uri = loc.root;
        take_page(ls, &w, &page);
        gather(ls);
    }
    io_object_info_free(&info);
    ls->uri = ls->operand;
    location_free(&loc);
    return st;
}

static bool seen_any(const struct ls *ls)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < LISTING_WORKERS_MAX; i++)
        seen += ls->found[i].seen;
    return seen > 0;
}

static dlfw_status list_folder(struct ls *ls, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    uint64_t failed = 0;
    dlfw_status st = location_folder(ls->uri, &loc, err);

    if (st >= 0)
        st = tool_open(&ls->tool, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0) {
        const struct listing_args args = {.storage = storage,
                                          .prefix = "",
                                          .recursive = ls->recursive,
                                          .workers = ls->tool.jobs,
                                          .ctx = ls,
                                          .page = take_page,
                                          .tick = tick};

        st = listing_run(&args, &failed, err);
        if (st >= 0 && !seen_any(ls) && storage_caps(storage) & DLFW_BACKEND_STREAMS && !storage_is_bucket(storage))
            st = dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no object below it");
    }
    if (failed > 1)
        error_prefix(err, "%" PRIu64 " folders of '%s' could not be listed, the first", failed, ls->uri);
    else if (st < 0)
        error_prefix(err, "cannot list '%s'", ls->uri);
    storage_close(storage);
    location_free(&loc);
    return st;
}

static int list(struct ls *ls)
{
    struct error_slot err, object_err;
    uint64_t begin = clock_now_ns();
    const struct found *all;
    dlfw_status st;
    int status = tool_start(&ls->tool);

    if (status != EXIT_OK)
        return status;
    error_slot_init(&err);
    error_slot_init(&object_err);
    output_begin(&ls->out);
    for (uint32_t i = 0; i < LISTING_WORKERS_MAX; i++)
        ls->found[i].text = (struct str)STR_EMPTY;
    tool_progress_begin(&ls->progress, &ls->tool, "listing");
    st = list_folder(ls, &err.e);
    tool_progress_end(&ls->progress);
    all = gather(ls);
    if (st == DLFW_E_NOT_FOUND && !location_is_folder(ls->uri) && list_object(ls, &object_err.e) >= 0)
        st = DLFW_OK;
    if (ls->count && st >= 0)
        print_count(ls, all, clock_now_ns() - begin);
    return output_end(&ls->out, tool_exit(st, &err));
}

static const struct option long_options[] = {TOOL_LONG_OPTIONS,
                                             TOOL_LONG_OPTIONS_OF_NAMES,
                                             {"recursive", no_argument, NULL, 'r'},
                                             {"long", no_argument, NULL, 'l'},
                                             {"count", no_argument, NULL, 'c'},
                                             {"uri", no_argument, NULL, 'u'},
                                             {"null", no_argument, NULL, '0'},
                                             {NULL, 0, NULL, 0}};

static int parse(int argc, char **argv, struct ls *ls)
{
    int c, status;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":rl0" TOOL_SHORT_OPTIONS, long_options, NULL)) != -1) {
        switch (c) {
        case 'r':
            ls->recursive = true;
            break;
        case 'l':
            ls->details = true;
            break;
        case 'c':
            ls->count = true;
            break;
        case 'u':
            ls->uris = true;
            break;
        case '0':
            ls->end = '\0';
            break;
        default:
            status = tool_option(&ls->tool, c, argv);
            if (status != EXIT_OK)
                return status;
        }
    }
    if (argc - optind != 1)
        return cmd_usage_error(&cmd_ls, argc == optind ? "no URI is given" : "one URI is listed at a time");
    ls->uri = ls->operand = argv[optind];
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct ls *ls = xcalloc(1, sizeof *ls);
    int status;

    ls->tool.command = &cmd_ls;
    ls->end = '\n';
    status = parse(argc, argv, ls);
    if (status == EXIT_OK)
        status = list(ls);
    tool_end(&ls->tool);
    free(ls);
    return status;
}

const struct command cmd_ls = {
    .name = "ls",
    .summary = "list the objects of a storage",
    .usage = "usage: dlfw ls [-r] [-l] [--glob PATTERN | --regex PATTERN] [--count] [--uri] [-0] [--json] URI\n"
             "\n"
             "Prints the names below URI, relative to it, in the order in which the storage gives them; those of\n"
             "folders end in '/'.\n"
             "\n"
             "  -r, --recursive          all objects below, not one level\n"
             "  -l, --long               size and time of the last change (UTC) before each name\n"
             "  --count                  only how many, how large, how fast\n"
             "  --uri                    whole URIs\n"
             "  -0, --null               a NUL byte instead of a newline behind each name\n"
             "  --json                   one object per line\n" TOOL_USAGE_OF_NAMES TOOL_USAGE,
    .run = run,
};
