/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the storage tools share: their common arguments, and opening storages as these say.
 *
 * A command adds TOOL_LONG_OPTIONS and TOOL_SHORT_OPTIONS to its own, hands every option that it does not know to
 * tool_option, then calls tool_start, and tool_end at last.
 */
#ifndef DLFW_CORE_CMD_STORAGE_ARGS_H
#define DLFW_CORE_CMD_STORAGE_ARGS_H

#include <getopt.h>
#include <jansson.h>

#include "cmd/start.h"
#include "transfer/location.h"
#include "transfer/matching.h"

enum {
    TOOL_OPT_PLUGIN_DIR = 512,
    TOOL_OPT_CONFIG,
    TOOL_OPT_JSON,
    TOOL_OPT_NO_PROGRESS,
    TOOL_OPT_SOURCE_OPTION,
    TOOL_OPT_TARGET_OPTION,
    TOOL_OPT_GLOB,
    TOOL_OPT_REGEX
};

/* clang-format off */
/* What opens a storage; "o:". */
#define TOOL_LONG_OPTIONS_OF_STORAGE                                                                                   \
    {"plugin-dir", required_argument, NULL, TOOL_OPT_PLUGIN_DIR}, {"config", required_argument, NULL, TOOL_OPT_CONFIG}, \
    {"option", required_argument, NULL, 'o'}
/* How it works; "j:" and "q". */
#define TOOL_LONG_OPTION_JOBS {"jobs", required_argument, NULL, 'j'}
#define TOOL_LONG_OPTIONS_OF_PROGRESS                                                                                  \
    {"quiet", no_argument, NULL, 'q'}, {"no-progress", no_argument, NULL, TOOL_OPT_NO_PROGRESS}
#define TOOL_LONG_OPTION_JSON {"json", no_argument, NULL, TOOL_OPT_JSON}
/* All of these. */
#define TOOL_SHORT_OPTIONS "o:j:q"
#define TOOL_LONG_OPTIONS                                                                                              \
    TOOL_LONG_OPTIONS_OF_STORAGE, TOOL_LONG_OPTION_JOBS, TOOL_LONG_OPTIONS_OF_PROGRESS, TOOL_LONG_OPTION_JSON
/* Beside them, of commands that have a source and a target. */
#define TOOL_LONG_OPTIONS_OF_SIDES                                                                                     \
    {"source-option", required_argument, NULL, TOOL_OPT_SOURCE_OPTION},                                                \
    {"target-option", required_argument, NULL, TOOL_OPT_TARGET_OPTION}
/* Beside them, of commands that choose objects by name. */
#define TOOL_LONG_OPTIONS_OF_NAMES                                                                                     \
    {"glob", required_argument, NULL, TOOL_OPT_GLOB}, {"regex", required_argument, NULL, TOOL_OPT_REGEX}
#define TOOL_USAGE_OF_STORAGE                                                                                          \
    "  -o, --option NAME=VALUE  an option of the storage, as in storage.storage_options; may be repeated\n"            \
    "  --config FILE            options, retries and wrappers from the section storage of a run file\n"                \
    "  --plugin-dir DIR         look for plugins here first\n"
#define TOOL_USAGE_JOBS                                                                                                \
    "  -j, --jobs N             operations in flight at most\n"
#define TOOL_USAGE_OF_PROGRESS                                                                                         \
    "  -q, --quiet              nothing but results and errors\n"                                                      \
    "  --no-progress            no progress line\n"
#define TOOL_USAGE TOOL_USAGE_OF_STORAGE TOOL_USAGE_JOBS TOOL_USAGE_OF_PROGRESS
#define TOOL_USAGE_OF_NAMES                                                                                            \
    "  --glob PATTERN           names that match: '*.npz' by their last component, 'a/*.npz' by the whole key\n"         \
    "  --regex PATTERN          keys that an extended regular expression is found in\n"
#define TOOL_USAGE_OF_SIDES                                                                                            \
    "  --source-option NAME=VALUE, --target-option NAME=VALUE\n"                                                       \
    "                           an option of one side only\n"
/* clang-format on */

/* ONLY: a command with one storage, or the storage of both sides. */
enum tool_side { TOOL_SIDE_ONLY, TOOL_SIDE_SOURCE, TOOL_SIDE_TARGET, TOOL_SIDE_COUNT };

struct tool {
    const struct command *command;
    const char *plugin_dir;
    const char *config;
    bool json, quiet, no_progress;
    bool plain_sides; /* set by a command with two sides none of whose operands has a scheme */
    uint32_t jobs;    /* 0: the command's own choice */

    /* -o and its like; the map is the root of a tree of its own */
    struct node_tree options[TOOL_SIDE_COUNT];
    struct matching *matching; /* of --glob or --regex; NULL: every name */

    /* after tool_start */
    struct registry registry;
    struct run_config *cfg; /* NULL: no --config */
    struct problem_list problems;
    struct node_tree merged; /* options of the storages that were opened */
};

#define TOOL_OPTION_FOREIGN (-1)
/* c as getopt_long returned it. EXIT_OK: taken; EXIT_USAGE: a mistake, printed, also for what nobody knows ('?', ':');
 * TOOL_OPTION_FOREIGN: the command's own. */
int tool_option(struct tool *t, int c, char **argv);

/* Reads the run file, finds the plugins, installs the signals. EXIT_OK, or the status to exit with (printed). */
int tool_start(struct tool *t);
void tool_end(struct tool *t); /* all storages are closed; safe on a zeroed one */

/* Opens the storage of loc, as location_open does. In a command with two sides -o is for URIs with a scheme; plain
 * paths get it only with plain_sides. What --config says holds for its own scheme, its retries for all. Warnings are
 * printed; the error is one line that names the URI. */
dlfw_status tool_open(struct tool *t, enum tool_side side, struct location *loc, struct storage **ret, dlfw_error *err);

/* What is told about the object that uri names; *ret is to be freed, whatever this returns. */
dlfw_status tool_info(struct tool *t, const char *uri, struct io_object_info *ret, dlfw_error *err);

/* Text on stdout, of commands that print little; tool_finish_output says what became of it. */
void tool_print(const char *text);
/* One line of JSON on stdout; takes over object. */
void tool_print_json(json_t *object);
/* Flushes stdout. A reader who has gone (EPIPE) is no failure. Returns status, or EXIT_FAILED after telling why. */
int tool_finish_output(int status);
/* EXIT_INTERRUPTED, EXIT_FAILED or EXIT_OK; prints the error. */
int tool_exit(dlfw_status st, const struct error_slot *err);

#endif
