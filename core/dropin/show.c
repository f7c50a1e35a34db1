/* SPDX-License-Identifier: Apache-2.0 */
/* The composed configuration and where it comes from, as YAML and as lists. Nothing is run and nothing is written. */
#include "dropin/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/start.h"
#include "report/results.h"
#include "report/stored_config.h"

static void print_yaml(const dlfw_node *node)
{
    struct str text = STR_EMPTY;

    node_print_yaml(node, &text);
    fputs(text.data, stdout);
    str_free(&text);
}

/* Only what is below a dotted key, with a line that names it. */
static int print_package(const dlfw_node *root, const char *package)
{
    const dlfw_node *node = node_find(root, package);

    if (!node) {
        log_error("--package: the configuration has no '%s'; write the whole key, as in workload.reader", package);
        return EXIT_FAILED;
    }
    printf("# @package %s\n", package);
    print_yaml(node);
    return EXIT_OK;
}

/* The tree of --cfg: its top keys are `workload` and `hydra`. */
static dlfw_node *wanted_tree(struct run_config *cfg, const char *what)
{
    const struct node_place place = {.file = "dlio_benchmark"};
    dlfw_node *root = node_new(&cfg->tree, DLFW_NODE_MAP, place);

    if (strcmp(what, "hydra") != 0)
        node_append(&cfg->tree, root, "workload", place, cfg->tree.root);
    if (strcmp(what, "job") != 0) {
        char *folder = results_choose_folder(cfg);

        node_append(&cfg->tree, root, "hydra", place, stored_config_hydra(cfg, &cfg->tree, folder));
        free(folder);
    }
    return root;
}

static int print_config(const struct dropin_arguments *args, const struct composition *c, const char *what)
{
    struct run_config_args config_args = {.path = c->file, .config_dir = c->folder, .overrides = c->overrides};
    struct problem_list problems = {0};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    int status = EXIT_FAILED;

    if (run_config_read(&config_args, cfg, &problems) >= 0) {
        const dlfw_node *root = wanted_tree(cfg, what);

        status = EXIT_OK;
        if (args->package)
            status = print_package(root, args->package);
        else
            print_yaml(root);
    }
    problems_print(&problems);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    return status;
}

int show_config(const struct dropin_arguments *args, const struct composition *c)
{
    return print_config(args, c, args->what);
}

static void print_title(const char *title)
{
    printf("%s\n", title);
    for (size_t i = strlen(title); i; i--)
        putchar('*');
    putchar('\n');
}

static int print_plugins(void)
{
    struct registry registry = {0};
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    st = registry_scan(&registry, NULL, &err.e);
    if (st < 0)
        log_error("%s", err.text);
    print_title("Plugins");
    for (uint32_t i = 0; st >= 0 && i < registry.count; i++)
        printf("%s%s%s\n", registry.entries[i].path, registry.entries[i].refused ? ": " : "",
               registry.entries[i].refused ? registry.entries[i].refused : "");
    putchar('\n');
    registry_free(&registry);
    return st < 0 ? EXIT_FAILED : EXIT_OK;
}

static void print_search_path(const struct composition *c)
{
    print_title("Config search path");
    for (uint32_t i = 0; i < c->place_count; i++)
        printf("%-12s %s\n", c->places[i].provider, c->places[i].folder);
    putchar('\n');
}

static void print_defaults(const struct composition *c, bool tree)
{
    const char *primary = c->primary ? c->primary : "config (built-in)";

    print_title(tree ? "Defaults Tree" : "Defaults List");
    printf(tree ? "%s:\n  _self_\n" : "%s\n", primary);
    if (!c->file && c->workload)
        printf(tree ? "  workload: %s\n" : "workload/%s\n", c->workload);
    putchar('\n');
}

int show_info(const struct dropin_arguments *args, struct composition *c)
{
    bool all = strcmp(args->what, "all") == 0, config = all || strcmp(args->what, "config") == 0;
    int status = EXIT_OK;

    if (all || strcmp(args->what, "plugins") == 0)
        status = print_plugins();
    if (config || strcmp(args->what, "searchpath") == 0)
        print_search_path(c);
    if (config || strcmp(args->what, "defaults-tree") == 0)
        print_defaults(c, true);
    if (config || strcmp(args->what, "defaults") == 0)
        print_defaults(c, false);
    if (!config || status != EXIT_OK)
        return status;
    print_title("Config");
    return print_config(args, c, "job");
}

int show_help(const char *stock)
{
    struct composition c = {.place_count = stock ? 1 : 0, .places = {{"main", stock}}};
    const char *const *names = composition_workloads(&c);

    fputs("dlio_benchmark: runs DLIO's workloads with dlfw.\n"
          "\n"
          "A workload is chosen with workload=NAME: the file workload/NAME.yaml of --config-dir DIR, or one of\n",
          stdout);
    for (; *names; names++)
        printf("  %s\n", *names);
    fputs("\n"
          "Everything in it can be overridden, for instance\n"
          "  dlio_benchmark workload=unet3d_h100 ++workload.workflow.generate_data=True "
          "++workload.dataset.num_files_train=56\n"
          "  mpirun -n 8 dlio_benchmark workload=unet3d_h100 ++hydra.run.dir=results\n"
          "\n"
          "Results go to hydra.run.dir, by default ./hydra_log/MODEL/DATE-TIME.\n"
          "--hydra-help lists the options; dlio_benchmark(1) and dlfw.yaml(5) say more.\n",
          stdout);
    composition_free(&c);
    return EXIT_OK;
}
