/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw sync`: makes one folder like another, with as few bytes moved as the listings, or checksums, allow. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/copy_session.h"
#include "io/uri.h"
#include "transfer/sync.h"

enum { OPT_DELETE = COPY_OPT_OWN };

static const struct option long_options[] = {
    COPY_LONG_OPTIONS, {"delete", no_argument, NULL, OPT_DELETE}, {NULL, 0, NULL, 0}};

struct syncing {
    struct copy_request request;
    bool deletes, by_checksum;
    const char *source, *target;
    struct copy_session *session;
    struct sync *sync;
};

static bool take(void *ctx, const struct copy_item *item)
{
    struct syncing *y = ctx;

    return session_push(y->session, item) >= 0;
}

static void refuse(void *ctx, const char *key, const char *why)
{
    struct syncing *y = ctx;

    session_refuse(y->session, key, why);
}

static void tell_removed(void *ctx, const char *key, const dlfw_error *err)
{
    struct syncing *y = ctx;
    struct copy_session *s = y->session;
    char *uri = location_join(s->target_root, key + strlen(s->to), strlen(key) - strlen(s->to));
    struct str line = STR_EMPTY;

    if (err) {
        str_add_format(&line, "cannot remove '%s': %s", uri, err->message);
        session_tell(s, line.data);
    } else if (y->request.dry_run && y->request.tool.json) {
        str_add(&line, "{\"would\":\"remove\",\"target\":");
        json_add_text(&line, uri, strlen(uri));
        str_add(&line, "}\n");
        output_write(&s->out, &line);
    } else if (y->request.dry_run) {
        str_add(&line, "would remove ");
        name_add(&line, uri, strlen(uri), true);
        str_add(&line, "\n");
        output_write(&s->out, &line);
    }
    str_free(&line);
    free(uri);
}

static void tick(void *ctx)
{
    struct syncing *y = ctx;

    y->session->looked_at = sync_same(y->sync);
    session_tick(y->session);
}

/* A key in front of which the session's prefix stands, as a folder for listings. */
static char *folder_of(const char *prefix)
{
    size_t len = strlen(prefix);

    return xstrndup(prefix, len ? len - 1 : 0);
}

/* Deleting comes last, and only when the target really has all that the source has. */
static dlfw_status remove_extra(struct syncing *y, struct sync *sync, dlfw_error *err)
{
    struct copy_session *s = y->session;
    struct copy_totals now = {0};
    dlfw_status st = session_drain(s, &now, err);

    if (st < 0 || !y->deletes)
        return st;
    if (now.failed || now.stopped || s->refused)
        return dlfw_fail(err, DLFW_E_IO, "nothing is deleted, because not everything could be copied");
    return sync_remove(sync, err);
}

static dlfw_status run_sync(struct syncing *y, dlfw_error *err)
{
    struct copy_session *s = y->session;
    char *from = folder_of(s->from), *to = folder_of(s->to);
    const struct sync_args args = {.source = s->source,
                                   .target = s->target,
                                   .from = from,
                                   .to = to,
                                   .only = y->request.tool.matching,
                                   .to_local = (storage_caps(s->target) & DLFW_BACKEND_LOCAL) != 0,
                                   .by_checksum = y->by_checksum,
                                   .table_bytes = y->request.memory / 4,
                                   .ctx = y,
                                   .take = take,
                                   .refuse = refuse,
                                   .removed = tell_removed,
                                   .tick = tick,
                                   .dry_run = y->request.dry_run};
    struct sync *sync = NULL;
    struct sync_counts counts;
    dlfw_status st;

    sync_create(&args, &sync);
    y->sync = sync;
    st = sync_compare(sync, err);
    if (st >= 0)
        st = remove_extra(y, sync, err);
    counts = sync_counted(sync);
    s->totals.same += counts.same;
    s->markers += counts.markers;
    s->removed += counts.removed;
    s->not_removed += counts.not_removed;
    sync_destroy(sync);
    free(from);
    free(to);
    return st;
}

static dlfw_status run(struct syncing *y, dlfw_error *err)
{
    struct copy_session *s = y->session;
    const struct copy_args args = {0};
    struct location source = {0}, target = {0};
    dlfw_status st = location_folder(y->source, &source, err);

    if (st >= 0)
        st = location_folder(y->target, &target, err);
    if (st >= 0)
        st = session_open(s, &source, &target, &args, err);
    if (st >= 0)
        st = session_check(s, "", "", true, err);
    if (st >= 0 && place_contains(&s->target_place, "", &s->source_place, "") && y->deletes)
        st = dlfw_fail(err, DLFW_E_INVALID, "the source lies in the target: --delete would remove it");
    if (st >= 0)
        st = run_sync(y, err);
    st = session_settle(s, st, err);
    location_free(&source);
    location_free(&target);
    return st;
}

static int parse(int argc, char **argv, struct syncing *y)
{
    int c, status = EXIT_OK;

    opterr = 0;
    while (status == EXIT_OK && (c = getopt_long(argc, argv, ":" COPY_SHORT_OPTIONS, long_options, NULL)) != -1) {
        if (c == OPT_DELETE)
            y->deletes = true;
        else if (c == COPY_OPT_CHECKSUM)
            y->by_checksum = true;
        else
            status = copy_request_option(&y->request, c, argv);
    }
    if (status != EXIT_OK)
        return status;
    if (argc - optind != 2)
        return cmd_usage_error(&cmd_sync, "a source folder and a target folder are needed");
    y->source = argv[optind];
    y->target = argv[optind + 1];
    y->request.recursive = true;
    y->request.tool.plain_sides = !uri_has_scheme(y->source) && !uri_has_scheme(y->target);
    return copy_request_check(&y->request);
}

static int sync_command(int argc, char **argv)
{
    struct syncing y = {.request = {.tool = {.command = &cmd_sync}, .doing = "syncing", .done = "copied"}};
    struct error_slot err;
    int status = parse(argc, argv, &y);

    error_slot_init(&err);
    if (status == EXIT_OK) {
        y.session = xcalloc(1, sizeof *y.session);
        status = session_begin(y.session, &y.request);
        if (status == EXIT_OK)
            status = session_end(y.session, run(&y, &err.e), &err);
        free(y.session);
    }
    tool_end(&y.request.tool);
    return status;
}

const struct command cmd_sync = {
    .name = "sync",
    .summary = "make one folder like another",
    .usage =
        "usage: dlfw sync [options] SRC DST\n"
        "\n"
        "Copies what DST lacks, what has another size there and what is newer in SRC.\n"
        "\n"
        "  --delete                 remove what SRC does not have, once all is copied\n"
        "  --checksum               objects of equal size: compare CRC-32C instead of times\n" COPY_USAGE
            TOOL_USAGE_OF_NAMES "  --json                   one JSON line at the end\n" TOOL_USAGE TOOL_USAGE_OF_SIDES,
    .run = sync_command,
};
