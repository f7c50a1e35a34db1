/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw validate`: everything that can be known to be wrong before a run, in one go. The file and the options of every
 * plugin in use are checked by the same code that a run uses; only --probe touches the storage.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/start.h"
#include "train/hook_run.h"
#include "workload/dataset_access.h"

struct flags {
    bool json;
    bool probe;
};

/* Takes validate's own flags out of argv; the others are those of every command that reads a run file. */
static struct flags take_flags(int *argc, char **argv)
{
    struct flags flags = {0};
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            flags.json = true;
        else if (strcmp(argv[i], "--probe") == 0)
            flags.probe = true;
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return flags;
}

/*
 * Each plugin gets a list of its own, so that nobody takes another one's mistakes for his. own goes into problems, and
 * with it err's text, at the place of the key that asked for the plugin, unless own tells already what is wrong.
 */
static void add_outcome(struct problem_list *problems, struct problem_list *own, dlfw_status st, struct error_slot *err,
                        const dlfw_node *at)
{
    if (st < 0 && !own->errors) {
        err->e.status = st;
        problem_add_error_at(own, &err->e, at->place);
    }
    problem_list_merge(problems, own);
}

static const dlfw_node *key_or_root(const struct run_config *cfg, const char *path)
{
    const dlfw_node *node = node_find(cfg->tree.root, path);

    return node ? node : cfg->tree.root;
}

/* The format's options, also when its storage cannot be opened. err says why there is no such format. */
static void check_format(struct run_config *cfg, struct registry *registry, struct problem_list *problems,
                         struct error_slot *err)
{
    const struct plugin_iface *format = NULL;
    char path[128];

    error_slot_init(err);
    snprintf(path, sizeof path, "dataset.%s", cfg->dataset.format);
    if (registry_find(registry, DLFW_KIND_FORMAT, cfg->dataset.format, &format, &err->e) < 0)
        problem_add_error_at(problems, &err->e, key_or_root(cfg, "dataset.format")->place);
    else
        registry_options(format, &cfg->tree, cfg->dataset.format_options, path, NULL, problems);
}

static void check_dataset(struct run_config *cfg, struct registry *registry, bool probe, struct problem_list *problems)
{
    uint32_t mode = (cfg->workflow.generate_data ? ACCESS_WRITE : 0) |
                    (cfg->workflow.train || cfg->workflow.evaluation ? ACCESS_READ : 0);
    struct dataset_access *access = xcalloc(1, sizeof *access);
    struct problem_list own = {.strict = problems->strict};
    struct error_slot err, format_err;
    dlfw_status st;

    error_slot_init(&err);
    if (!mode)
        goto out;
    check_format(cfg, registry, problems, &format_err);
    st = dataset_access_open(cfg, registry, mode, 0, !probe, &own, access, &err.e);
    if (st < 0 && err.text[0] && strcmp(err.text, format_err.text) == 0) {
        problem_list_merge(problems, &own); /* err itself was told by check_format */
        goto out;
    }
    if (st >= 0) {
        if (probe)
            st = storage_probe(access->storage, &err.e);
        dataset_access_close(access);
    }
    add_outcome(problems, &own, st, &err, key_or_root(cfg, "dataset.data_folder"));
out:
    free(access);
}

/* One at a time, because a run stops at the first that it cannot create. hooks: a list of one, or NULL with
 * takes_checkpoints for the hook of workflow.checkpoint. */
static void check_hook(struct run_config *cfg, struct registry *registry, const dlfw_node *hooks,
                       bool takes_checkpoints, const dlfw_node *at, struct problem_list *problems)
{
    struct problem_list own = {.strict = problems->strict};
    const dlfw_node *all = cfg->hooks;
    uint8_t checkpoint = cfg->workflow.checkpoint;
    struct job *job = xcalloc(1, sizeof *job);
    struct error_slot err;

    error_slot_init(&err);
    cfg->hooks = hooks;
    cfg->workflow.checkpoint = takes_checkpoints;
    job->cfg = cfg;
    job->registry = registry;
    job->problems = &own;
    add_outcome(problems, &own, hooks_create(job, true, &err.e), &err, at);
    hooks_destroy(job);
    run_record_free(&job->record);
    free(job);
    cfg->hooks = all;
    cfg->workflow.checkpoint = checkpoint;
}

static void check_hooks(struct run_config *cfg, struct registry *registry, struct problem_list *problems)
{
    uint32_t count = cfg->hooks && cfg->hooks->kind == DLFW_NODE_LIST ? cfg->hooks->count : 0;

    if (cfg->workflow.checkpoint)
        check_hook(cfg, registry, NULL, true,
                   key_or_root(cfg, node_find(cfg->tree.root, "checkpoint.plugin") ? "checkpoint.plugin"
                                                                                   : "workflow.checkpoint"),
                   problems);
    for (uint32_t i = 0; i < count; i++) {
        struct node_pair *entry = &cfg->hooks->pairs[i];
        const dlfw_node one = {
            .kind = DLFW_NODE_LIST, .place = entry->value->place, .count = 1, .cap = 1, .pairs = entry};

        check_hook(cfg, registry, &one, false, entry->value, problems);
    }
}

static void check_plugins(struct run_config *cfg, const char *plugin_dir, bool probe, struct problem_list *problems)
{
    struct registry registry = {0};
    struct error_slot err;

    error_slot_init(&err);
    if (registry_scan(&registry, plugin_dir, &err.e) < 0) {
        problem_add_error(problems, &err.e);
    } else {
        check_dataset(cfg, &registry, probe, problems);
        check_hooks(cfg, &registry, problems);
    }
    registry_free(&registry);
}

static void print_text(const struct problem_list *problems, const char *path)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];

        printf("%.*s%s: %s\n", (int)(p->what - p->text), p->text, p->is_error ? "error" : "warning", p->what);
    }
    if (!problems->count)
        printf("%s: no problems\n", path);
}

static void print_json(const struct problem_list *problems)
{
    json_t *all = json_object(), *list = json_array();
    char *text;

    for (uint32_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        json_t *item = json_object();

        json_object_set_new(item, "severity", json_string(p->is_error ? "error" : "warning"));
        json_object_set_new(item, "file", p->place.file ? json_string(p->place.file) : json_null());
        json_object_set_new(item, "line", json_integer(p->place.line));
        json_object_set_new(item, "column", json_integer(p->place.column));
        json_object_set_new(item, "message", json_string(p->what));
        json_array_append_new(list, item);
    }
    json_object_set_new(all, "ok", json_boolean(!problems->errors));
    json_object_set_new(all, "problems", list);
    text = json_dumps(all, JSON_INDENT(2));
    puts(text ? text : "{\"ok\": false, \"problems\": []}");
    free(text);
    json_decref(all);
}

static int check(const struct run_arguments *args, struct flags flags)
{
    struct run_config_args config_args = {
        .path = args->config, .config_dir = args->config_dir, .overrides = args->overrides, .strict = args->strict};
    struct problem_list problems = {.strict = args->strict};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    int status;

    /* With mistakes in some keys the plugins' options can still be checked; without any key there is nothing to check.
     */
    run_config_read(&config_args, cfg, &problems);
    if (cfg->tree.root->count)
        check_plugins(cfg, args->plugin_dir, flags.probe, &problems);
    if (flags.json)
        print_json(&problems);
    else
        print_text(&problems, cfg->config_path);
    status = problems.errors ? EXIT_FAILED : EXIT_OK;
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    return status;
}

static int validate(int argc, char **argv)
{
    struct flags flags = take_flags(&argc, argv);
    struct run_arguments args;
    int status = run_arguments_parse(&cmd_validate, argc, argv, &args);

    if (status == EXIT_OK && (args.check || args.quiet || args.force || args.strict_au))
        status = cmd_usage_error(&cmd_validate,
                                 "'validate' takes --strict, --json, --probe, --plugin-dir and --config-dir only");
    if (status == EXIT_OK)
        status = check(&args, flags);
    free(args.overrides);
    return status;
}

const struct command cmd_validate = {
    .name = "validate",
    .summary = "check a run file and the options of its plugins",
    .usage = "usage: dlfw validate [--strict] [--json] [--probe] [--plugin-dir DIR] CONFIG [OVERRIDE...]\n"
             "       dlfw validate [options] --config-dir DIR workload=NAME [OVERRIDE...]\n"
             "\n"
             "Prints every problem as 'file:line:column: error|warning: text'; exit status 1 when one is an error.\n"
             "\n"
             "  --strict          unknown keys are errors\n"
             "  --json            one JSON object: {\"ok\": ..., \"problems\": [...]}\n"
             "  --probe           ask the storage too: reachable, allowed, direct I/O possible\n"
             "  --plugin-dir DIR  look for plugins here first\n"
             "  --config-dir DIR  DIR/workload/NAME.yaml is the run file\n",
    .run = validate,
};
