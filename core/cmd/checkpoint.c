/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw checkpoint list|verify|restore|rm URI`: what the hook that stored checkpoints can do with them outside of a
 * run. The work is the plugin's (dlfw/draft/checkpoint.h); here are arguments, storage and printing.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/start.h"
#include "dlfw/draft/checkpoint.h"
#include "report/json_put.h"
#include "report/units.h"
#include "train/hook_services.h"

#define DEFAULT_HOOK "checkpoint_store"

enum verb { VERB_LIST, VERB_VERIFY, VERB_RESTORE, VERB_RM, VERB_COUNT };

static const char *const verb_names[VERB_COUNT] = {"list", "verify", "restore", "rm"};

struct arguments {
    enum verb verb;
    const char *uri, *to, *plugin_dir, *hook;
    struct dlfw_checkpoint_select select;
    bool json, help;
};

struct printing {
    const struct arguments *args;
    json_t *items;
    uint64_t count, failed, bytes;
};

static void put_known(json_t *o, const char *key, uint64_t bytes)
{
    if (bytes != UINT64_MAX)
        put_u64(o, key, bytes);
}

static const char *text_of_bytes(uint64_t bytes, struct unit_text *buf)
{
    if (bytes == UINT64_MAX)
        return "?";
    *buf = unit_bytes((double)bytes);
    return buf->text;
}

static void list_json(struct printing *p, const dlfw_checkpoint_info *info)
{
    json_t *o = json_object();

    put_text(o, "name", info->name);
    put_u64(o, "global_step", info->step);
    put_u64(o, "epoch", info->epoch);
    put_u64(o, "world_size", info->world_size);
    put_u64(o, "shards", info->shards);
    put_text(o, "codec", info->codec);
    put_known(o, "raw_bytes", info->raw_bytes);
    put_u64(o, "stored_bytes", info->stored_bytes);
    put_u64(o, "parts", info->parts);
    put_text(o, "framework", info->framework);
    put_text(o, "wall_time", info->wall_time);
    put_flag(o, "latest", (info->flags & DLFW_CHECKPOINT_IS_LATEST) != 0);
    put_flag(o, "complete", !(info->flags & DLFW_CHECKPOINT_INCOMPLETE));
    put_text(o, "problem", info->problem);
    json_array_append_new(p->items, o);
}

static int32_t take_info(void *ctx, const dlfw_checkpoint_info *info)
{
    struct printing *p = ctx;
    struct unit_text raw, stored;

    p->count++;
    if (p->args->json) {
        list_json(p, info);
        return 0;
    }
    if (p->count == 1)
        printf("%-34s %10s %6s %6s %-6s %12s %12s\n", "CHECKPOINT", "STEP", "EPOCH", "RANKS", "CODEC", "RAW", "STORED");
    printf("%-34s %10lu %6u %6u %-6s %12s %12s%s%s%s\n", info->name, info->step, info->epoch, info->world_size,
           info->codec ? info->codec : "?", text_of_bytes(info->raw_bytes, &raw),
           text_of_bytes(info->stored_bytes, &stored), info->flags & DLFW_CHECKPOINT_IS_LATEST ? "  latest" : "",
           info->problem ? "  incomplete: " : "", info->problem ? info->problem : "");
    return 0;
}

static void report_json(struct printing *p, const dlfw_checkpoint_report *r)
{
    json_t *o = json_object();

    put_text(o, "name", r->name);
    if (p->args->verb == VERB_VERIFY)
        put_flag(o, "ok", r->status >= 0);
    if (p->args->verb == VERB_RM)
        put_flag(o, "removed", r->done != 0);
    put_known(o, "raw_bytes", r->raw_bytes);
    put_known(o, "stored_bytes", r->stored_bytes);
    if (p->args->verb != VERB_RM)
        put_u64(o, "checksums", r->checksums);
    put_text(o, "problem", r->text);
    json_array_append_new(p->items, o);
}

static void take_report(void *ctx, const dlfw_checkpoint_report *r)
{
    struct printing *p = ctx;
    struct unit_text raw, stored;

    p->count++;
    p->failed += r->status < 0;
    p->bytes += r->stored_bytes == UINT64_MAX ? 0 : r->stored_bytes;
    if (p->args->json) {
        report_json(p, r);
        return;
    }
    text_of_bytes(r->stored_bytes, &stored);
    switch (p->args->verb) {
    case VERB_VERIFY:
        if (r->status < 0)
            printf("bad  %s: %s\n", r->name, r->text ? r->text : "");
        else
            printf("ok   %s: %s, %u checksums\n", r->name, text_of_bytes(r->raw_bytes, &raw), r->checksums);
        break;
    case VERB_RESTORE:
        printf("%s: %s, %u checksums\n", r->name, text_of_bytes(r->raw_bytes, &raw), r->checksums);
        break;
    case VERB_RM:
        printf("%s %s: %s\n", r->done ? "removed" : "would remove", r->name, text_of_bytes(r->stored_bytes, &stored));
        break;
    case VERB_LIST:
    case VERB_COUNT:
        break;
    }
    fflush(stdout);
}

/* The tools of the hook's plugin. */
static dlfw_status find_tools(struct registry *reg, const char *hook, const dlfw_checkpoint_tools **ret,
                              dlfw_error *err)
{
    const struct plugin_iface *iface = NULL;
    const dlfw_plugin *plugin;
    dlfw_status st = registry_find(reg, DLFW_KIND_HOOK, hook, &iface, err);

    if (st < 0)
        return st;
    plugin = iface->file->plugin;
    *ret = plugin->extension ? plugin->extension(DLFW_CHECKPOINT_TOOLS) : NULL;
    if (!*ret || !DLFW_HAS(*ret, remove))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "hook '%s' of '%s' has no tools for its checkpoints", hook,
                         iface->file->path);
    return DLFW_OK;
}

static dlfw_status use_tools(const dlfw_checkpoint_tools *tools, const dlfw_checkpoint_place *place, struct printing *p,
                             dlfw_error *err)
{
    const struct arguments *args = p->args;

    switch (args->verb) {
    case VERB_LIST:
        return tools->list(place, take_info, p, err);
    case VERB_VERIFY:
        return tools->verify(place, &args->select, take_report, p, err);
    case VERB_RESTORE:
        return tools->restore(place, &args->select, args->to, take_report, p, err);
    case VERB_RM:
        return tools->remove(place, &args->select, take_report, p, err);
    case VERB_COUNT:
        break;
    }
    return dlfw_fail(err, DLFW_E_INTERNAL, "no such verb");
}

static void print_end(struct printing *p)
{
    json_t *root;
    char *text;

    if (!p->args->json) {
        if (p->args->verb == VERB_LIST && !p->count)
            printf("no checkpoints in '%s'\n", p->args->uri);
        json_decref(p->items);
        return;
    }
    root = json_object();
    put_text(root, "folder", p->args->uri);
    put_value(root, p->args->verb == VERB_RESTORE ? "objects" : "checkpoints", p->items);
    text = json_dumps(root, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(root);
}

static int work(const struct arguments *args)
{
    struct problem_list problems = {0};
    struct registry reg = {0};
    struct service_env env = {.registry = &reg, .problems = &problems};
    struct hook_service_ctx ctx = {.hook_name = args->hook};
    const dlfw_checkpoint_place place = {
        .struct_size = sizeof place, .services = &hook_services, .services_ctx = &ctx, .uri = args->uri};
    const dlfw_checkpoint_tools *tools = NULL;
    struct printing p = {.args = args};
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    signals_install();
    put_begin();
    p.items = json_array();
    st = registry_scan(&reg, args->plugin_dir, &err.e);
    if (st >= 0)
        st = find_tools(&reg, args->hook, &tools, &err.e);
    if (st >= 0) {
        ctx.set = services_open(&env);
        services_add_root(ctx.set, args->uri);
        st = use_tools(tools, &place, &p, &err.e);
        services_close(ctx.set);
    }
    problems_print(&problems);
    if (st >= 0 || p.count)
        print_end(&p);
    else
        json_decref(p.items);
    if (st < 0 && !p.failed) /* a bad checkpoint has said so where it was reported */
        log_error("%s", err.text);
    registry_free(&reg);
    problem_list_free(&problems);
    return st == DLFW_E_CANCELLED ? EXIT_INTERRUPTED : st < 0 ? EXIT_FAILED : EXIT_OK;
}

static int take_step(struct arguments *args)
{
    char *end = NULL;

    errno = 0;
    args->select.step = strtoull(optarg, &end, 10);
    if (errno || end == optarg || *end || optarg[0] < '0' || optarg[0] > '9')
        return cmd_usage_error(&cmd_checkpoint, "--step: '%s' is no number", optarg);
    args->select.flags |= DLFW_CHECKPOINT_SELECT_STEP;
    return EXIT_OK;
}

/* One option; EXIT_USAGE after a mistake, which has been printed. */
static int take_option(int letter, char *const *argv, struct arguments *args)
{
    switch (letter) {
    case 's':
        return take_step(args);
    case 'a':
        args->select.flags |= DLFW_CHECKPOINT_SELECT_ALL;
        return EXIT_OK;
    case 'n':
        args->select.flags |= DLFW_CHECKPOINT_DRY_RUN;
        return EXIT_OK;
    case 't':
        args->to = optarg;
        return EXIT_OK;
    case 'd':
        args->plugin_dir = optarg;
        return EXIT_OK;
    case 'k':
        args->hook = optarg;
        return EXIT_OK;
    case 'j':
        args->json = true;
        return EXIT_OK;
    case 'h':
        args->help = true;
        return EXIT_OK;
    default:
        return cmd_usage_error(&cmd_checkpoint, letter == ':' ? "'%s' needs a value" : "'%s' is not an option",
                               argv[optind - 1]);
    }
}

/* What only goes together, or not at all. */
static int check(const struct arguments *args)
{
    const uint32_t flags = args->select.flags;
    const char *verb = verb_names[args->verb];
    int chosen = (args->select.name != NULL) + ((flags & DLFW_CHECKPOINT_SELECT_STEP) != 0) +
                 ((flags & DLFW_CHECKPOINT_SELECT_ALL) != 0);

    if (!args->uri)
        return cmd_usage_error(&cmd_checkpoint, "'checkpoint %s' needs the folder of the checkpoints", verb);
    if (chosen > 1)
        return cmd_usage_error(&cmd_checkpoint, "a name, --step and --all exclude each other");
    if (args->verb == VERB_LIST && chosen)
        return cmd_usage_error(&cmd_checkpoint, "'checkpoint list' lists all checkpoints");
    if (args->verb == VERB_RM && !chosen)
        return cmd_usage_error(&cmd_checkpoint, "say which checkpoint: a name, --step or --all");
    if (args->verb == VERB_RESTORE && (flags & DLFW_CHECKPOINT_SELECT_ALL))
        return cmd_usage_error(&cmd_checkpoint, "'checkpoint restore' restores one checkpoint");
    if ((args->verb == VERB_RESTORE) != (args->to != NULL))
        return cmd_usage_error(&cmd_checkpoint, args->to ? "--to goes with 'checkpoint restore'"
                                                         : "'checkpoint restore' needs --to, where the shards go");
    if ((flags & DLFW_CHECKPOINT_DRY_RUN) && args->verb != VERB_RM)
        return cmd_usage_error(&cmd_checkpoint, "--dry-run goes with 'checkpoint rm'");
    return EXIT_OK;
}

static int parse_verb(const char *text, struct arguments *args)
{
    for (int i = 0; i < VERB_COUNT; i++)
        if (strcmp(text, verb_names[i]) == 0)
            args->verb = (enum verb)i;
    if (args->verb == VERB_COUNT)
        return cmd_usage_error(&cmd_checkpoint, "'%s' is not 'list', 'verify', 'restore' or 'rm'", text);
    return EXIT_OK;
}

static int parse(int argc, char **argv, struct arguments *args)
{
    static const struct option options[] = {
        {"step", required_argument, NULL, 's'},
        {"all", no_argument, NULL, 'a'},
        {"dry-run", no_argument, NULL, 'n'},
        {"to", required_argument, NULL, 't'},
        {"plugin-dir", required_argument, NULL, 'd'},
        {"hook", required_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    optind = 0; /* glibc: begin anew, the program's own options have been read with it */
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        int status = take_option(letter, argv, args);

        if (status != EXIT_OK)
            return status;
    }
    if (args->help)
        return EXIT_OK;
    if (optind >= argc)
        return cmd_usage_error(&cmd_checkpoint, "say 'list', 'verify', 'restore' or 'rm'");
    if (parse_verb(argv[optind++], args) != EXIT_OK)
        return EXIT_USAGE;
    if (optind < argc)
        args->uri = argv[optind++];
    if (optind < argc)
        args->select.name = argv[optind++];
    if (optind < argc)
        return cmd_usage_error(&cmd_checkpoint, "'%s' is one argument too many", argv[optind]);
    return check(args);
}

static int run(int argc, char **argv)
{
    struct arguments args = {
        .verb = VERB_COUNT, .hook = DEFAULT_HOOK, .select = {.struct_size = sizeof(dlfw_checkpoint_select)}};
    int status = parse(argc, argv, &args);

    if (args.help)
        fputs(cmd_checkpoint.usage, stdout);
    return status != EXIT_OK || args.help ? status : work(&args);
}

const struct command cmd_checkpoint = {
    .name = "checkpoint",
    .summary = "list, verify, restore or remove stored checkpoints",
    .usage = "usage: dlfw checkpoint list URI [--json]\n"
             "       dlfw checkpoint verify URI [NAME | --step N | --all] [--json]\n"
             "       dlfw checkpoint restore URI [NAME | --step N] --to URI [--json]\n"
             "       dlfw checkpoint rm URI (NAME | --step N | --all) [--dry-run] [--json]\n"
             "\n"
             "URI is the folder of the checkpoints. Without NAME or --step it is the checkpoint that 'latest' names.\n"
             "\n"
             "list     every checkpoint, oldest first\n"
             "verify   read everything and compare every checksum\n"
             "restore  write the raw shards as rank-N.bin below --to, each when it is verified whole\n"
             "rm       remove checkpoints; 'latest' names another one before\n"
             "\n"
             "  --step N          the newest checkpoint of that step\n"
             "  --all             all checkpoints\n"
             "  --to URI          folder for what is restored\n"
             "  --dry-run         say what would be removed\n"
             "  --hook NAME       the hook that stored them; default: checkpoint_store\n"
             "  --plugin-dir DIR  look for plugins here first\n"
             "  --json            one JSON object\n",
    .run = run,
};
