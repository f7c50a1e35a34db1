/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shells' completion asks: the candidates for one word, one per line. The scripts in scripts/completion only
 * pass words on. Nothing printed means that the shell's own candidates, files and folders, are right. Never complains:
 * a half-typed line is not a mistake.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cmd/cmd.h"
#include "host/plugin_note.h"
#include "plugin/registry.h"
#include "workload/run_config.h"

/* The words after each command or sub-command, as getopt_long knows them. */
struct offer {
    const char *command;
    const char *sub; /* NULL: the word after the command itself */
    const char *words[8];
};

static const struct offer offers[] = {
    {"run", NULL, {"--plugin-dir", "--config-dir", "--strict", "--strict-au", "--check", "--quiet", "--help"}},
    {"run", NULL, {"--legacy-keys", "--ranks", "--world-size", "--rank", "--run-id", "--coordinator"}},
    {"generate", NULL, {"--plugin-dir", "--config-dir", "--strict", "--force", "--check", "--quiet", "--help"}},
    {"generate", NULL, {"--legacy-keys", "--ranks", "--world-size", "--rank", "--run-id", "--coordinator"}},
    {"validate", NULL, {"--strict", "--json", "--probe", "--plugin-dir", "--config-dir", "--help"}},
    {"plan", NULL, {"--ranks", "--files", "--json", "--strict", "--plugin-dir", "--config-dir", "--help"}},
    {"sweep", NULL, {"--accelerators", "--au", "--all", "--repeat", "--epochs", "--steps", "--plan"}},
    {"sweep", NULL, {"--force", "--ascii", "--json", "--quiet", "--check", "--strict", "--plugin-dir"}},
    {"sweep", NULL, {"--config-dir", "--help"}},
    {"clean", NULL, {"--dry-run", "--json", "--strict", "--plugin-dir", "--config-dir", "--help"}},
    {"config", NULL, {"show", "--help"}},
    {"config", "show", {"--json", "--strict", "--config-dir"}},
    {"plugins", NULL, {"list", "info", "--help"}},
    {"index", NULL, {"--kind", "--check", "--output", "--suffix", "--json", "--plugin-dir", "--help"}},
    {"inspect", NULL, {"--format", "--no-verify", "--json", "--units", "--plugin-dir", "--help"}},
    {"checkpoint", NULL, {"list", "verify", "restore", "rm", "--help"}},
    {"checkpoint", "list", {"--json", "--hook", "--plugin-dir"}},
    {"checkpoint", "verify", {"--step", "--all", "--json", "--hook", "--plugin-dir"}},
    {"checkpoint", "restore", {"--step", "--to", "--json", "--hook", "--plugin-dir"}},
    {"checkpoint", "rm", {"--step", "--all", "--dry-run", "--json", "--hook", "--plugin-dir"}},
    {"check-rules", NULL, {"--version", "--division", "--hosts", "--accelerators", "--memory-per-host", "--json"}},
    {"check-rules", NULL, {"--strict", "--config-dir", "--help"}},
    {"report", NULL, {"--html", "--compare", "--prometheus", "--json", "--help"}},
    {"ls", NULL, {"--recursive", "--long", "--count", "--uri", "--null"}},
    {"stat", NULL, {"--json"}},
    {"cat", NULL, {"--range", "--jobs"}},
    {"get", NULL, {"--discard", "--keylist", "--offset", "--length"}},
    {"put", NULL, {"--size", "--count", "--name-template", "--dedup", "--compress", "--seed", "--zstd"}},
    {"sync", NULL, {"--delete"}},
    {"rm", NULL, {"--recursive", "--dry-run", "--ignore-missing", "--force"}},
    {"rb", NULL, {"--force", "--jobs", "--quiet", "--no-progress"}},
    {"du", NULL, {"--max-depth", "--human"}},
    {"plugins", "list", {"--plugin-dir", "--json", "--load"}},
    {"plugins", "info", {"--plugin-dir", "--kind", "--json", "--man"}},
};

/* What the words before the one to complete say. */
struct line {
    const char *command;
    const char *sub;        /* of config and plugins */
    const char *previous;   /* the word before, NULL at the command's first */
    const char *plugin_dir; /* value of the option, NULL when it is not there */
    const char *config_dir;
    const char *kind;
    bool has_operand; /* the run file or the plugin's name is there already */
};

static void offer(const char *candidate, const char *prefix)
{
    if (strncmp(candidate, prefix, strlen(prefix)) == 0)
        puts(candidate);
}

static bool has_sub_commands(const char *command)
{
    return strcmp(command, "config") == 0 || strcmp(command, "plugins") == 0 || strcmp(command, "checkpoint") == 0;
}

/* Options that several storage tools take, and which. */
static const struct {
    const char *commands; /* a list, see is_among */
    const char *words[9];
} tool_offers[] = {
    {" get put cp ", {"--recursive", "--no-clobber", "--resume"}},
    {" get put cp sync ", {"--dry-run", "--checksum", "--verify", "--fail-fast", "--durable", "--memory"}},
    {" ls get put cp sync rm du ", {"--glob", "--regex", "--json", "--jobs", "--quiet", "--no-progress"}},
    {" ls stat cat get put cp sync rm mb rb du ", {"--option", "--config", "--plugin-dir"}},
    {" get put cp sync ", {"--source-option", "--target-option"}},
    {" ls stat cat get put cp sync rm mb rb du ", {"--help"}},
};

/* list has a blank on either side of each of its words. */
static bool is_among(const char *list, const char *word)
{
    char *padded = xformat(" %s ", word);
    bool found = strstr(list, padded) != NULL;

    free(padded);
    return found;
}

static bool is_tool(const char *command)
{
    return is_among(tool_offers[3].commands, command);
}

static bool takes_value(const char *command, const char *word)
{
    static const char options[] =
        " --plugin-dir --config-dir --kind --output --suffix --ranks --format --units --step --to "
        "--hook --option -o --config --jobs -j --glob --regex --source-option --target-option "
        "--memory --size --compress --dedup --seed --name-template --keylist --offset "
        "--length --range --max-depth -d --zstd --html --compare --prometheus --accelerators --au --repeat --epochs "
        "--steps "
        "--division --hosts --memory-per-host --version ";

    return is_among(options, word) || (strcmp(word, "--count") == 0 && strcmp(command, "put") == 0);
}

static struct line read_line(int argc, char **argv)
{
    struct line line = {.command = argv[1]};

    for (int i = 2; i < argc - 1; i++) {
        line.previous = argv[i];
        if (takes_value(line.command, argv[i]) && i + 1 < argc - 1) {
            if (strcmp(argv[i], "--plugin-dir") == 0)
                line.plugin_dir = argv[i + 1];
            else if (strcmp(argv[i], "--config-dir") == 0)
                line.config_dir = argv[i + 1];
            else
                line.kind = argv[i + 1];
            line.previous = argv[++i];
        } else if (argv[i][0] == '-' || argv[i][0] == '+' || argv[i][0] == '~') {
            continue;
        } else if (has_sub_commands(line.command) && !line.sub) {
            line.sub = argv[i];
        } else {
            line.has_operand = true;
        }
    }
    return line;
}

static void offer_words(const struct line *line, const char *prefix)
{
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        const char *sub = offers[i].sub;

        if (strcmp(offers[i].command, line->command) != 0 || !sub != !line->sub || (sub && strcmp(sub, line->sub) != 0))
            continue;
        for (const char *const *word = offers[i].words; *word; word++)
            offer(*word, prefix);
    }
    for (size_t i = 0; i < sizeof tool_offers / sizeof tool_offers[0]; i++)
        if (is_among(tool_offers[i].commands, line->command))
            for (const char *const *word = tool_offers[i].words; *word; word++)
                offer(*word, prefix);
}

static void offer_entry(const struct registry_entry *entry, const char *kind, const char *prefix)
{
    for (uint32_t i = 0; !entry->refused && i < entry->note.iface_count; i++)
        if (!kind || strcmp(kind, plugin_kind_name(entry->note.ifaces[i].kind)) == 0)
            offer(entry->note.ifaces[i].name, prefix);
}

static void offer_plugins(const struct line *line, const char *prefix)
{
    struct registry reg = {0};
    struct error_slot err;

    error_slot_init(&err);
    if (registry_scan(&reg, line->plugin_dir, &err.e) >= 0)
        for (uint32_t i = 0; i < reg.count; i++)
            offer_entry(&reg.entries[i], line->kind, prefix);
    registry_free(&reg);
}

/* Cuts key behind the first dot that the user has not typed yet, so that sections come before their keys. */
static char *next_part(const char *key, size_t typed)
{
    const char *dot = strlen(key) >= typed ? strchr(key + typed, '.') : NULL;

    return dot ? xstrndup(key, (size_t)(dot - key) + 1) : xstrdup(key);
}

/* Keys of the run file, one section at a time: "++tr" gives "++train.", "++train.ep" gives "++train.epochs=". */
static void offer_keys(const char *prefix)
{
    size_t signs = strspn(prefix, "+~"), typed = strlen(prefix) - signs;
    struct run_config_args args = {.path = "/dev/null"}; /* no file: every key with its default */
    struct problem_list problems = {0};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    struct str text = STR_EMPTY;
    char *last = NULL, *rest = NULL;

    run_config_read(&args, cfg, &problems);
    run_config_show(cfg, false, &text);
    for (char *row = strtok_r(text.data, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
        char *part;

        row[strcspn(row, " ")] = '\0';
        part = next_part(row, typed);
        if (strncmp(part, prefix + signs, typed) == 0 && (!last || strcmp(last, part) != 0))
            printf("%.*s%s%s\n", (int)signs, prefix, part,
                   prefix[0] == '~' || part[strlen(part) - 1] == '.' ? "" : "=");
        free(last);
        last = part;
    }
    free(last);
    str_free(&text);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
}

static int is_yaml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

/* workload=NAME for each DIR/workload/NAME.yaml. */
static void offer_workloads(const char *config_dir, const char *prefix)
{
    char *dir = xformat("%s/workload", config_dir);
    struct dirent **names = NULL;
    int count = scandir(dir, &names, is_yaml, alphasort);

    for (int i = 0; i < count; i++) {
        char *candidate = xformat("workload=%.*s", (int)strlen(names[i]->d_name) - 5, names[i]->d_name);

        offer(candidate, prefix);
        free(candidate);
        free(names[i]);
    }
    free(names);
    free(dir);
}

static void offer_value(const struct line *line, const char *option, const char *prefix)
{
    static const char *const kinds[] = {"backend", "format", "hook", "coordinator", NULL};
    static const char *const indexes[] = {"dali", "binary", NULL};

    if (strcmp(option, "--format") == 0) {
        const struct line formats = {.plugin_dir = line->plugin_dir, .kind = "format"};

        offer_plugins(&formats, prefix);
    }
    if (strcmp(option, "--kind") != 0)
        return;
    for (const char *const *kind = strcmp(line->command, "index") == 0 ? indexes : kinds; *kind; kind++)
        offer(*kind, prefix);
}

/* The run file, then overrides. Before the file is there, files come first and only signs say that a key is meant. */
static void offer_operands(const struct line *line, const char *prefix)
{
    bool has_file = line->has_operand || line->config_dir;

    if (line->config_dir && *prefix && strncmp(prefix, "workload=", strlen(prefix) < 9 ? strlen(prefix) : 9) == 0)
        offer_workloads(line->config_dir, prefix);
    if (prefix[0] == '+' || prefix[0] == '~' || has_file)
        offer_keys(prefix);
}

static int complete(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[argc - 1] : "";
    struct line line;

    if (argc <= 2) {
        for (const struct command *const *c = cmd_all; *c; c++)
            offer((*c)->name, prefix);
        offer("--help", prefix);
        offer("--version", prefix);
        return EXIT_OK;
    }
    line = read_line(argc, argv);
    if (line.previous && takes_value(line.command, line.previous) && line.previous == argv[argc - 2])
        offer_value(&line, line.previous, prefix);
    else if (prefix[0] == '-' || (has_sub_commands(line.command) && !line.sub))
        offer_words(&line, prefix);
    else if (is_among(" index inspect checkpoint report ", line.command) || is_tool(line.command))
        return EXIT_OK; /* files */
    else if (strcmp(line.command, "plugins") != 0)
        offer_operands(&line, prefix);
    else if (strcmp(line.sub, "info") == 0 && !line.has_operand)
        offer_plugins(&line, prefix);
    return EXIT_OK;
}

const struct command cmd_complete = {
    .name = "complete",
    .summary = "print candidates for shell completion",
    .usage = "usage: dlfw complete [COMMAND] [WORD...] PREFIX\n"
             "\n"
             "Prints what may stand instead of PREFIX, one per line; nothing where the shell's own candidates fit.\n",
    .run = complete,
};
