/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dlfw plugins list` and `dlfw plugins info NAME`. Listing reads notes only, so it is quick and safe with any file;
 * --load tries each plugin in a process of its own.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd.h"
#include "host/option_parse.h"
#include "plugins_describe.h"

enum { NAME_COLUMN, KIND_COLUMN, VERSION_COLUMN, ABI_COLUMN, COLUMNS };

struct arguments {
    const char *plugin_dir;
    const char *name; /* info */
    uint32_t kind;    /* info: 0 for any */
    bool json;
    bool man;
    bool load;
    bool help;
};

static void cells_of(const struct plugin_note *note, uint32_t iface, char cells[COLUMNS][64])
{
    snprintf(cells[NAME_COLUMN], 64, "%s", note->ifaces[iface].name);
    snprintf(cells[KIND_COLUMN], 64, "%s", plugin_kind_name(note->ifaces[iface].kind));
    snprintf(cells[VERSION_COLUMN], 64, "%s", note->version);
    snprintf(cells[ABI_COLUMN], 64, "%u.%u", note->abi_major, note->abi_minor);
}

static void print_row(const char *const cells[COLUMNS], const size_t widths[COLUMNS], const char *path)
{
    for (int column = 0; column < COLUMNS; column++)
        printf("%-*s  ", (int)widths[column], cells[column]);
    printf("%s\n", path);
}

/* Two passes over the same rows: widths, then text. */
static void print_table(const struct registry *reg)
{
    static const char *const heads[COLUMNS] = {"NAME", "KIND", "VERSION", "ABI"};
    size_t widths[COLUMNS];
    char cells[COLUMNS][64];

    for (int column = 0; column < COLUMNS; column++)
        widths[column] = strlen(heads[column]);
    for (int print = 0; print < 2; print++) {
        if (print)
            print_row(heads, widths, "FILE");
        for (uint32_t i = 0; i < reg->count; i++) {
            const struct registry_entry *entry = &reg->entries[i];

            for (uint32_t j = 0; j < entry->note.iface_count && !entry->refused; j++) {
                cells_of(&entry->note, j, cells);
                if (print)
                    print_row((const char *const[COLUMNS]){cells[0], cells[1], cells[2], cells[3]}, widths,
                              entry->path);
                for (int column = 0; column < COLUMNS; column++) {
                    if (strlen(cells[column]) > widths[column])
                        widths[column] = strlen(cells[column]);
                }
            }
        }
    }
}

static void print_refused(const struct registry *reg)
{
    bool any = false;

    for (uint32_t i = 0; i < reg->count; i++) {
        if (!reg->entries[i].refused)
            continue;
        printf("%s%s: %s\n", any ? "" : "\nrefused:\n", reg->entries[i].path, reg->entries[i].refused);
        any = true;
    }
}

static int print_json(json_t *object)
{
    int failed = json_dumpf(object, stdout, JSON_INDENT(2));

    json_decref(object);
    if (failed) {
        log_error("cannot write JSON");
        return EXIT_FAILED;
    }
    printf("\n");
    return EXIT_OK;
}

static json_t *list_as_json(const struct registry *reg)
{
    json_t *plugins = json_array(), *refused = json_array();
    char cells[COLUMNS][64];

    for (uint32_t i = 0; i < reg->count; i++) {
        const struct registry_entry *entry = &reg->entries[i];

        if (entry->refused)
            json_array_append_new(refused, json_pack("{ss ss}", "file", entry->path, "reason", entry->refused));
        for (uint32_t j = 0; j < entry->note.iface_count && !entry->refused; j++) {
            cells_of(&entry->note, j, cells);
            json_array_append_new(plugins, json_pack("{ss ss ss ss ss}", "name", cells[NAME_COLUMN], "kind",
                                                     cells[KIND_COLUMN], "version", cells[VERSION_COLUMN], "abi",
                                                     cells[ABI_COLUMN], "file", entry->path));
        }
    }
    return json_pack("{so so ss}", "plugins", plugins, "refused", refused, "searched", reg->searched);
}

static int list(struct registry *reg, const struct arguments *args)
{
    if (args->load)
        registry_probe(reg);
    if (args->json)
        return print_json(list_as_json(reg));
    print_table(reg);
    print_refused(reg);
    return EXIT_OK;
}

/* Whether any file offers kind and name, usable or not. Collects the nearest other name. */
static bool is_offered(const struct registry *reg, uint32_t kind, const char *name, const char **nearest,
                       uint32_t *least)
{
    for (uint32_t i = 0; i < reg->count; i++) {
        const struct plugin_note *note = &reg->entries[i].note;

        for (uint32_t j = 0; j < note->iface_count; j++) {
            uint32_t distance = text_distance(name, note->ifaces[j].name, *least);

            if (note->ifaces[j].kind != kind)
                continue;
            if (strcmp(note->ifaces[j].name, name) == 0)
                return true;
            if (distance < *least && distance < strlen(note->ifaces[j].name)) {
                *least = distance;
                *nearest = note->ifaces[j].name;
            }
        }
    }
    return false;
}

/* Every interface of that name; the same name may stand for a backend and a format. Returns how many, -1 after an
 * error. */
static int find_all(struct registry *reg, const struct arguments *args, const struct plugin_iface *found[], int cap)
{
    const char *nearest = NULL;
    uint32_t least = 3;
    int count = 0;

    for (uint32_t kind = DLFW_KIND_BACKEND; kind <= DLFW_KIND_COORDINATOR && count < cap; kind++) {
        struct error_slot err;

        error_slot_init(&err);
        if (args->kind && args->kind != kind)
            continue;
        if (!is_offered(reg, kind, args->name, &nearest, &least))
            continue;
        if (registry_find(reg, kind, args->name, &found[count], &err.e) < 0) {
            log_error("%s", err.text);
            return -1;
        }
        count++;
    }
    if (!count)
        log_error("no %s '%s'%s%s%s; searched %s", args->kind ? plugin_kind_name(args->kind) : "plugin", args->name,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", reg->searched);
    return count ? count : -1;
}

static int info(struct registry *reg, const struct arguments *args)
{
    const struct plugin_iface *found[DLFW_KIND_COORDINATOR];
    int count = find_all(reg, args, found, DLFW_KIND_COORDINATOR);
    json_t *all = args->json ? json_array() : NULL;
    struct str out = STR_EMPTY;

    for (int i = 0; i < count; i++) {
        if (args->json)
            json_array_append_new(all, plugin_describe_json(found[i]));
        else if (args->man)
            plugin_describe_man(found[i], &out);
        else
            plugin_describe_text(found[i], &out);
    }
    if (count < 0) {
        json_decref(all);
        return EXIT_FAILED;
    }
    fputs(out.data, stdout);
    str_free(&out);
    return args->json ? print_json(json_pack("{so}", "plugins", all)) : EXIT_OK;
}

/* One option as getopt_long() returned it; false: there is no such option here. */
static bool take_option(int letter, bool is_info, struct arguments *args)
{
    switch (letter) {
    case 'd':
        args->plugin_dir = optarg;
        return true;
    case 'j':
        args->json = true;
        return true;
    case 'h':
        args->help = true;
        return true;
    case 'l':
        args->load = true;
        return !is_info;
    case 'm':
        args->man = true;
        return is_info;
    case 'k':
        args->kind = plugin_kind_from_name(optarg, strlen(optarg));
        return is_info;
    default:
        return false;
    }
}

/* Returns 0, or the status to exit with. argv[0] is "list" or "info". */
static int parse(int argc, char **argv, bool is_info, struct arguments *args)
{
    static const struct option options[] = {
        {"plugin-dir", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"load", no_argument, NULL, 'l'},
        {"man", no_argument, NULL, 'm'},
        {"kind", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    optind = 0; /* glibc: begin anew, the program's own options have been read with it */
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (letter == ':')
            return cmd_usage_error(&cmd_plugins, "'%s' needs a value", argv[optind - 1]);
        if (!take_option(letter, is_info, args))
            return cmd_usage_error(&cmd_plugins, "'plugins %s' has no option '%s'", argv[0], argv[optind - 1]);
        if (letter == 'k' && !args->kind)
            return cmd_usage_error(
                &cmd_plugins, "'%s' is no kind of plugin; there are backend, format, hook and coordinator", optarg);
    }
    if (args->help)
        return EXIT_OK;
    if (args->json && args->man)
        return cmd_usage_error(&cmd_plugins, "--json and --man exclude each other");
    if (is_info && optind < argc)
        args->name = argv[optind++];
    if (is_info && !args->name)
        return cmd_usage_error(&cmd_plugins, "'plugins info' needs the name of a plugin");
    if (optind < argc)
        return cmd_usage_error(&cmd_plugins, "'%s' is one argument too many", argv[optind]);
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct arguments args = {.plugin_dir = NULL};
    struct registry reg = {.count = 0};
    struct error_slot err;
    bool is_info;
    int status;

    if (argc < 2)
        return cmd_usage_error(&cmd_plugins, "say 'list' or 'info NAME'");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(cmd_plugins.usage, stdout);
        return EXIT_OK;
    }
    is_info = strcmp(argv[1], "info") == 0;
    if (!is_info && strcmp(argv[1], "list") != 0)
        return cmd_usage_error(&cmd_plugins, "'%s' is neither 'list' nor 'info'", argv[1]);
    status = parse(argc - 1, argv + 1, is_info, &args);
    if (args.help)
        fputs(cmd_plugins.usage, stdout);
    if (status != EXIT_OK || args.help)
        return status;
    error_slot_init(&err);
    if (registry_scan(&reg, args.plugin_dir, &err.e) < 0) {
        log_error("%s", err.text);
        status = EXIT_FAILED;
    } else {
        status = is_info ? info(&reg, &args) : list(&reg, &args);
    }
    registry_free(&reg);
    return status;
}

const struct command cmd_plugins = {
    .name = "plugins",
    .summary = "list plugins, or describe one with its options",
    .usage = "usage: dlfw plugins list [--plugin-dir DIR] [--json] [--load]\n"
             "       dlfw plugins info NAME [--plugin-dir DIR] [--kind KIND] [--json | --man]\n"
             "\n"
             "list   Every plugin found, then every file that cannot be used, with the reason.\n"
             "       Only reads notes; no code of a plugin runs.\n"
             "  --load            also try to load each plugin, in a process of its own\n"
             "info   What a plugin says about itself: version, licence, abilities, options.\n"
             "  --kind KIND       backend, format, hook or coordinator; default: each that has the name\n"
             "  --man             the options as a part of a manual page (scdoc)\n"
             "both\n"
             "  --plugin-dir DIR  look here too, before the directories beside the program\n"
             "  --json            as JSON\n",
    .run = run,
};
