/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw clean`: removes what killed runs left. What a leftover is only its writer's side knows: backends know their
 * temporary files, checkpoint hooks their unfinished checkpoints. Nothing that a living writer owns is touched.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/start.h"
#include "dlfw/draft/checkpoint.h"
#include "io/storage.h"
#include "io/uri.h"
#include "report/json_put.h"
#include "report/units.h"
#include "train/checkpoint_hook.h"
#include "train/hook_services.h"

#define STORE_HOOK "checkpoint_store"
/* Of what other machines may still be writing (dlfw_checkpoint_clean.min_age_ns). */
#define FOREIGN_AGE_NS (3600 * NS_PER_S)

struct cleaning {
    struct registry registry;
    struct run_config *cfg; /* NULL: a folder was named */
    struct problem_list problems;
    bool dry_run, json;
    const char *folder; /* the one being cleaned, for messages */
    json_t *list;
    uint64_t count, bytes;
};

static void tell(struct cleaning *c, const char *name, uint32_t name_len, uint64_t bytes, bool removed, const char *why)
{
    char *text = xstrndup(name, name_len);
    bool is_known = bytes != UINT64_MAX;

    c->count++;
    c->bytes += is_known ? bytes : 0;
    if (c->json) {
        json_t *o = json_object();

        put_text(o, "folder", c->folder);
        put_text(o, "name", text);
        if (is_known)
            put_u64(o, "bytes", bytes);
        put_flag(o, "removed", removed);
        put_text(o, "why", why);
        json_array_append_new(c->list, o);
    } else {
        printf("%-13s %10s  %s/%s%s%s\n", removed ? "removed" : "would remove",
               is_known ? unit_bytes((double)bytes).text : "?", c->folder, text, why ? ": " : "", why ? why : "");
    }
    free(text);
}

static int32_t take_leftover(void *ctx, const char *name, uint32_t name_len, uint64_t size)
{
    struct cleaning *c = ctx;

    tell(c, name, name_len, size, !c->dry_run, NULL);
    return c->dry_run ? 0 : 1;
}

static void take_report(void *ctx, const dlfw_checkpoint_report *report)
{
    tell(ctx, report->name, (uint32_t)strlen(report->name), report->stored_bytes, report->done != 0, report->text);
}

static bool same_scheme(const char *one, const char *other)
{
    struct uri a = {0}, b = {0};
    bool same = uri_parse(one, &a, NULL) >= 0 && uri_parse(other, &b, NULL) >= 0 && strcmp(a.scheme, b.scheme) == 0;

    uri_free(&a);
    uri_free(&b);
    return same;
}

/* Options of the run file that hold for this URI too. */
static const dlfw_node *options_for(const struct cleaning *c, const char *uri)
{
    char *root = c->cfg ? storage_root_uri(c->cfg) : NULL;
    char *data = c->cfg ? data_folder_uri(c->cfg) : NULL;
    bool hold = c->cfg && (same_scheme(root, uri) || same_scheme(data, uri));

    free(root);
    free(data);
    return hold ? c->cfg->storage.storage_options : NULL;
}

/* A folder of the run file that is not there yet has no leftovers. */
static dlfw_status clean_storage(struct cleaning *c, const char *uri, dlfw_error *err)
{
    struct storage_args args = {.registry = &c->registry,
                                .uri = uri,
                                .options = options_for(c, uri),
                                .retry = c->cfg ? c->cfg->storage.retry : NULL,
                                .problems = &c->problems};
    struct error_slot why;
    struct storage *storage = NULL;
    dlfw_status st = storage_open(&args, &storage, err);

    error_slot_init(&why);
    if (st < 0)
        return st;
    c->folder = uri;
    st = storage_leftovers(storage, "", take_leftover, c, &why.e);
    storage_close(storage);
    if (st == DLFW_E_NOT_FOUND && c->cfg)
        return DLFW_OK;
    if (st < 0)
        error_copy(err, &why.e);
    return st;
}

/* The tools of a hook's plugin; NULL: there is no such hook, or it leaves nothing unfinished. */
static const dlfw_checkpoint_tools *tools_of(struct cleaning *c, const char *hook)
{
    const struct plugin_iface *iface = NULL;
    const dlfw_plugin *plugin;

    if (registry_find(&c->registry, DLFW_KIND_HOOK, hook, &iface, NULL) < 0)
        return NULL;
    plugin = iface->file->plugin;
    return plugin->extension ? plugin->extension(DLFW_CHECKPOINT_TOOLS) : NULL;
}

static dlfw_status clean_checkpoints(struct cleaning *c, const char *hook, const char *uri, dlfw_error *err)
{
    const dlfw_checkpoint_tools *tools = tools_of(c, hook);
    char *root = c->cfg ? storage_root_uri(c->cfg) : NULL;
    struct service_env env = {.registry = &c->registry,
                              .storage_root = root,
                              .storage_options = options_for(c, uri),
                              .retry = c->cfg ? c->cfg->storage.retry : NULL,
                              .problems = &c->problems};
    struct hook_service_ctx ctx = {.hook_name = hook};
    const dlfw_checkpoint_place place = {
        .struct_size = sizeof place, .services = &hook_services, .services_ctx = &ctx, .uri = uri};
    const dlfw_checkpoint_clean args = {
        .struct_size = sizeof args, .flags = c->dry_run ? DLFW_CHECKPOINT_DRY_RUN : 0, .min_age_ns = FOREIGN_AGE_NS};
    struct error_slot why;
    dlfw_status st;

    if (!tools || !DLFW_HAS(tools, clean) || !tools->clean) {
        free(root);
        return DLFW_OK;
    }
    error_slot_init(&why);
    c->folder = uri;
    ctx.set = services_open(&env);
    services_add_root(ctx.set, uri);
    st = tools->clean(&place, &args, take_report, c, &why.e);
    services_close(ctx.set);
    free(root);
    if (st == DLFW_E_NOT_FOUND)
        return DLFW_OK; /* clean_storage has judged a folder that is not there */
    if (st < 0)
        error_copy(err, &why.e);
    return st;
}

/* uri is folder, or lies below it. */
static bool is_below(const char *uri, const char *folder)
{
    size_t len = strlen(folder);

    while (len && folder[len - 1] == '/')
        len--;
    return strncmp(uri, folder, len) == 0 && (uri[len] == '/' || !uri[len]);
}

static dlfw_status clean_run(struct cleaning *c, dlfw_error *err)
{
    char *data = data_folder_uri(c->cfg);
    char *checkpoints = checkpoint_folder_uri(c->cfg);
    const char *hook = checkpoint_hook_name(c->cfg);
    dlfw_status st = clean_storage(c, data, err);

    /* a temporary file would keep the folder of an unfinished checkpoint */
    if (st >= 0 && hook && !is_below(checkpoints, data))
        st = clean_storage(c, checkpoints, err);
    if (st >= 0 && hook)
        st = clean_checkpoints(c, hook, checkpoints, err);
    free(checkpoints);
    free(data);
    return st;
}

static dlfw_status clean_folder(struct cleaning *c, const char *uri, dlfw_error *err)
{
    dlfw_status st = clean_storage(c, uri, err);

    return st < 0 ? st : clean_checkpoints(c, STORE_HOOK, uri, err);
}

static void print_end(const struct cleaning *c)
{
    json_t *root;
    char *text;

    if (!c->json) {
        if (c->count)
            printf("%lu leftover%s, %s%s\n", c->count, c->count == 1 ? "" : "s", unit_bytes((double)c->bytes).text,
                   c->dry_run ? " would be removed" : " removed");
        else
            puts("nothing to clean");
        return;
    }
    root = json_object();
    put_flag(root, "dry_run", c->dry_run);
    put_u64(root, "count", c->count);
    put_u64(root, "bytes", c->bytes);
    put_value(root, "leftovers", c->list);
    text = json_dumps(root, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(root);
}

static dlfw_status read_config(struct cleaning *c, const struct run_arguments *args)
{
    struct run_config_args config_args = {
        .path = args->config, .config_dir = args->config_dir, .overrides = args->overrides, .strict = args->strict};
    dlfw_status st;

    c->cfg = xcalloc(1, sizeof *c->cfg);
    st = run_config_read(&config_args, c->cfg, &c->problems);
    problems_print(&c->problems);
    return st;
}

/* folder NULL: as the run file of args says. */
static int clean(const struct run_arguments *args, const char *folder, bool json, bool dry_run)
{
    struct cleaning c = {.dry_run = dry_run, .json = json, .problems = {.strict = args->strict}};
    struct error_slot err;
    dlfw_status st = folder ? DLFW_OK : read_config(&c, args);
    uint32_t shown = c.problems.count;

    error_slot_init(&err);
    if (st >= 0) {
        put_begin();
        c.list = json_array();
        st = registry_scan(&c.registry, args->plugin_dir, &err.e);
        if (st >= 0)
            st = folder ? clean_folder(&c, folder, &err.e) : clean_run(&c, &err.e);
        if (st >= 0 || c.count)
            print_end(&c);
        for (uint32_t i = shown; i < c.problems.count; i++)
            log_line(c.problems.items[i].is_error ? DLFW_LOG_ERROR : DLFW_LOG_WARNING, "%s", c.problems.items[i].text);
        if (st < 0)
            log_error("%s", err.text);
        if (!(json && (st >= 0 || c.count)))
            json_decref(c.list);
    }
    registry_free(&c.registry);
    if (c.cfg)
        run_config_free(c.cfg);
    free(c.cfg);
    problem_list_free(&c.problems);
    return st < 0 ? EXIT_FAILED : EXIT_OK;
}

struct flags {
    bool json, dry_run;
    const char *folder; /* an operand that names a folder, not a run file */
};

static bool names_folder(const char *text)
{
    struct stat s;

    return uri_has_scheme(text) || (text[0] != '-' && stat(text, &s) == 0 && S_ISDIR(s.st_mode));
}

/* Takes clean's own flags and a folder out of argv; the others are those of every command that reads a run file. */
static int take_flags(int *argc, char **argv, struct flags *flags)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        bool is_value = strcmp(argv[i - 1], "--plugin-dir") == 0 || strcmp(argv[i - 1], "--config-dir") == 0;

        if (!is_value && strcmp(argv[i], "--json") == 0) {
            flags->json = true;
        } else if (!is_value && strcmp(argv[i], "--dry-run") == 0) {
            flags->dry_run = true;
        } else if (!is_value && names_folder(argv[i])) {
            if (flags->folder)
                return cmd_usage_error(&cmd_clean, "'%s' is a second folder; one is cleaned at a time", argv[i]);
            flags->folder = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return EXIT_OK;
}

/* With a folder there is nothing left but --plugin-dir. */
static int take_plugin_dir(int argc, char **argv, struct run_arguments *args)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--plugin-dir=", 13) == 0)
            args->plugin_dir = argv[i] + 13;
        else if (strcmp(argv[i], "--plugin-dir") == 0 && i + 1 < argc)
            args->plugin_dir = argv[++i];
        else
            return cmd_usage_error(
                &cmd_clean, "'%s' does not go with a folder; only --plugin-dir, --dry-run and --json do", argv[i]);
    }
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct flags flags = {0};
    struct run_arguments args = {0};
    int status = take_flags(&argc, argv, &flags);

    if (status != EXIT_OK)
        return status;
    status = flags.folder ? take_plugin_dir(argc, argv, &args) : run_arguments_parse(&cmd_clean, argc, argv, &args);
    if (status != EXIT_OK)
        return status;
    if (args.check || args.quiet || args.force || args.strict_au)
        status = cmd_usage_error(&cmd_clean,
                                 "'clean' takes --dry-run, --json, --strict, --plugin-dir and --config-dir only");
    else
        status = clean(&args, flags.folder, flags.json, flags.dry_run);
    free(args.overrides);
    return status;
}

const struct command cmd_clean = {
    .name = "clean",
    .summary = "remove what killed runs left",
    .usage =
        "usage: dlfw clean [--dry-run] [--json] [--plugin-dir DIR] URI\n"
        "       dlfw clean [--dry-run] [--json] [--strict] [--plugin-dir DIR] CONFIG [OVERRIDE...]\n"
        "       dlfw clean [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
        "\n"
        "URI is a folder; of a run file the data folder and the checkpoint folder are cleaned. What a living process\n"
        "writes is never touched.\n"
        "\n"
        "  --dry-run         say what would be removed\n"
        "  --json            one JSON object\n"
        "  --plugin-dir DIR  look for plugins here first\n"
        "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n"
        "  --strict          unknown keys are errors\n",
    .run = run,
};
