/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments that all storage tools take. Options are kept as a tree like that of storage.storage_options, so that a
 * value given by hand is read, checked and refused as one in a run file is. */
#include "cmd/storage_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/storage_output.h"
#include "config/override.h"
#include "io/uri.h"
#include "plugin/host_table.h"
#include "report/json_put.h"
#include "train/checkpoint_hook.h"

#define JOBS_MAX 65536u
#define PLACE_OF_OPTION "option '"

/* The part behind '=': a list, a mapping or a quoted text as in an override; anything else stands for itself. */
static dlfw_status read_value(struct node_tree *tree, const char *text, struct node_place place, dlfw_node **ret,
                              dlfw_error *err)
{
    if (*text && strchr("[{'\"", *text))
        return override_value(tree, text, place, ret, err);
    *ret = node_new_scalar(tree, text, strlen(text), place);
    return DLFW_OK;
}

static int take_storage_option(struct tool *t, enum tool_side side, const char *text)
{
    static const struct node_place nowhere = {.file = "command line"};
    struct node_tree *tree = &t->options[side];
    const char *equals = strchr(text, '=');
    struct node_place place;
    struct error_slot err;
    dlfw_node *value = NULL;
    char *name;

    if (!equals || equals == text)
        return cmd_usage_error(t->command, "'%.*s' is no option of a storage; they are written NAME=VALUE",
                               (int)(equals ? equals - text : (ptrdiff_t)strlen(text)), text);
    error_slot_init(&err);
    if (!tree->root)
        tree->root = node_new(tree, DLFW_NODE_MAP, nowhere);
    place = (struct node_place){
        .file = arena_format(&tree->arena, PLACE_OF_OPTION "%s'", override_shown(&tree->arena, text))};
    if (override_check_text(text, &err.e) < 0 || read_value(tree, equals + 1, place, &value, &err.e) < 0)
        return cmd_usage_error(t->command, "%s: %s", place.file, err.text);
    name = xstrndup(text, (size_t)(equals - text));
    node_set(tree, name, value);
    free(name);
    return EXIT_OK;
}

static int take_jobs(struct tool *t, const char *text)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value == 0 || value > JOBS_MAX)
        return cmd_usage_error(t->command, "'%s' is no number of operations (1 to %u)", text, JOBS_MAX);
    t->jobs = (uint32_t)value;
    return EXIT_OK;
}

static int take_matching(struct tool *t, bool glob, const char *pattern)
{
    struct error_slot err;

    if (t->matching)
        return cmd_usage_error(t->command, "one of --glob and --regex can be given, once");
    error_slot_init(&err);
    if ((glob ? matching_glob : matching_regex)(pattern, &t->matching, &err.e) < 0)
        return cmd_usage_error(t->command, "%s", err.text);
    return EXIT_OK;
}

int tool_option(struct tool *t, int c, char **argv)
{
    switch (c) {
    case TOOL_OPT_PLUGIN_DIR:
        t->plugin_dir = optarg;
        return EXIT_OK;
    case TOOL_OPT_CONFIG:
        t->config = optarg;
        return EXIT_OK;
    case TOOL_OPT_JSON:
        t->json = true;
        return EXIT_OK;
    case TOOL_OPT_NO_PROGRESS:
        t->no_progress = true;
        return EXIT_OK;
    case 'q':
        t->quiet = true;
        return EXIT_OK;
    case 'j':
        return take_jobs(t, optarg);
    case 'o':
        return take_storage_option(t, TOOL_SIDE_ONLY, optarg);
    case TOOL_OPT_SOURCE_OPTION:
        return take_storage_option(t, TOOL_SIDE_SOURCE, optarg);
    case TOOL_OPT_TARGET_OPTION:
        return take_storage_option(t, TOOL_SIDE_TARGET, optarg);
    case TOOL_OPT_GLOB:
    case TOOL_OPT_REGEX:
        return take_matching(t, c == TOOL_OPT_GLOB, optarg);
    case ':':
        return cmd_usage_error(t->command, "'%s' needs a value", argv[optind - 1]);
    case '?':
        if (optopt > 0 && optopt < 128)
            return cmd_usage_error(t->command, "'-%c' is not an option", optopt);
        return cmd_usage_error(t->command, "'%s' is not an option", argv[optind - 1]);
    default:
        return TOOL_OPTION_FOREIGN;
    }
}

static dlfw_status read_config(struct tool *t)
{
    static const char *const none[] = {NULL};
    struct run_config_args args = {.path = t->config, .overrides = none};
    dlfw_status st;

    t->cfg = xcalloc(1, sizeof *t->cfg);
    st = run_config_read(&args, t->cfg, &t->problems);
    problems_print(&t->problems);
    problem_list_free(&t->problems);
    t->problems = (struct problem_list){0};
    return st;
}

int tool_start(struct tool *t)
{
    struct error_slot err;

    error_slot_init(&err);
    signals_install();
    put_begin();
    if (t->config && read_config(t) < 0)
        return EXIT_FAILED;
    if (registry_scan(&t->registry, t->plugin_dir, &err.e) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

void tool_end(struct tool *t)
{
    registry_free(&t->registry);
    if (t->cfg)
        run_config_free(t->cfg);
    free(t->cfg);
    t->cfg = NULL;
    problem_list_free(&t->problems);
    for (int side = 0; side < TOOL_SIDE_COUNT; side++)
        node_tree_free(&t->options[side]);
    node_tree_free(&t->merged);
    matching_free(t->matching);
    t->matching = NULL;
}

/* What the run file says of its own storage is meant for this URI too. */
static bool config_fits(const struct tool *t, const char *uri)
{
    struct uri a = {0}, b = {0};
    char *root = t->cfg ? storage_root_uri(t->cfg) : NULL;
    bool fits =
        root && uri_parse(root, &a, NULL) >= 0 && uri_parse(uri, &b, NULL) >= 0 && strcmp(a.scheme, b.scheme) == 0;

    uri_free(&a);
    uri_free(&b);
    free(root);
    return fits;
}

/* Later ones win. */
static void add_options(struct tool *t, const dlfw_node *more)
{
    for (uint32_t i = 0; more && more->kind == DLFW_NODE_MAP && i < more->count; i++) {
        node_remove(t->merged.root, more->pairs[i].key);
        node_append(&t->merged, t->merged.root, more->pairs[i].key, more->pairs[i].key_place,
                    node_copy(&t->merged, more->pairs[i].value));
    }
}

static dlfw_node *options_of(struct tool *t, enum tool_side side, const char *uri)
{
    static const struct node_place nowhere = {.file = "command line"};
    bool common = side == TOOL_SIDE_ONLY || uri_has_scheme(uri) || t->plain_sides;

    t->merged.root = node_new(&t->merged, DLFW_NODE_MAP, nowhere);
    if (config_fits(t, uri))
        add_options(t, t->cfg->storage.storage_options);
    if (common)
        add_options(t, t->options[TOOL_SIDE_ONLY].root);
    if (side != TOOL_SIDE_ONLY)
        add_options(t, t->options[side].root);
    return t->merged.root;
}

/* A run file may have keys for another program; what was typed for this one is meant for it. */
static bool is_typed(const struct problem *p)
{
    return p->place.file && strncmp(p->place.file, PLACE_OF_OPTION, sizeof PLACE_OF_OPTION - 1) == 0;
}

dlfw_status tool_open(struct tool *t, enum tool_side side, struct location *loc, struct storage **ret, dlfw_error *err)
{
    bool fits = config_fits(t, loc->uri);
    struct problem_list problems = {0};
    const struct storage_args args = {.registry = &t->registry,
                                      .tree = &t->merged,
                                      .options = options_of(t, side, loc->uri),
                                      .wrap = fits ? t->cfg->storage.wrap : NULL,
                                      .retry = t->cfg ? t->cfg->storage.retry : NULL,
                                      .problems = &problems};
    dlfw_status st = location_open(loc, &args, ret, err);

    for (uint32_t i = 0; i < problems.count; i++) {
        const struct problem *p = &problems.items[i];

        if (st >= 0 && is_typed(p)) {
            storage_close(*ret);
            *ret = NULL;
            st = DLFW_E_CONFIG;
        } else if (!p->is_error) {
            log_warning("%s", p->text);
            continue;
        }
        dlfw_fail(err, st, "cannot open '%s': %s", loc->uri, p->text);
    }
    problem_list_free(&problems);
    return st;
}

dlfw_status tool_info(struct tool *t, const char *uri, struct io_object_info *ret, dlfw_error *err)
{
    struct location loc = {0};
    struct storage *storage = NULL;
    struct io_queue *queue = NULL;
    dlfw_status st = location_object(uri, &loc, err);

    *ret = (struct io_object_info){0};
    if (st >= 0)
        st = tool_open(t, TOOL_SIDE_ONLY, &loc, &storage, err);
    if (st >= 0)
        st = io_queue_create(storage, 1, &queue, err);
    if (st >= 0)
        st = io_info(queue, loc.key, ret, err);
    if (st < 0)
        error_prefix(err, "'%s'", uri);
    io_queue_destroy(queue);
    storage_close(storage);
    location_free(&loc);
    return st;
}

/* errno of the first write that failed */
static int stdout_failed;

void tool_print(const char *text)
{
    if (fputs(text, stdout) == EOF && !stdout_failed)
        stdout_failed = errno;
}

void tool_print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

    tool_print(text);
    tool_print("\n");
    free(text);
    json_decref(object);
}

int tool_finish_output(int status)
{
    if (fflush(stdout) != 0 && !stdout_failed)
        stdout_failed = errno;
    if (!stdout_failed || stdout_failed == EPIPE)
        return status;
    log_error("cannot write to standard output: %s", strerror(stdout_failed));
    return EXIT_FAILED;
}

int tool_exit(dlfw_status st, const struct error_slot *err)
{
    if (atomic_load(&host_cancel_level) || st == DLFW_E_CANCELLED)
        return EXIT_INTERRUPTED;
    if (st >= 0)
        return EXIT_OK;
    tool_log_error(err->text);
    return EXIT_FAILED;
}
