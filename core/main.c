/* SPDX-License-Identifier: Apache-2.0 */
/* dlfw: dispatches to the sub-commands, nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/start.h"

static void print_help(FILE *out)
{
    fputs("usage: dlfw COMMAND [arguments]\n\nLoads, checkpoints and benchmarks deep-learning data.\n\n", out);
    for (const struct command *const *c = cmd_all; *c; c++)
        fprintf(out, "  %-11s %s\n", (*c)->name, (*c)->summary);
    fputs("\n`dlfw COMMAND --help` says more; so does dlfw(1).\n", out);
}

static void set_log_level(void)
{
    static const struct {
        const char *name;
        uint32_t level;
    } levels[] = {
        {"error", DLFW_LOG_ERROR}, {"warning", DLFW_LOG_WARNING}, {"info", DLFW_LOG_INFO}, {"debug", DLFW_LOG_DEBUG}};
    const char *name = getenv("DLFW_LOG_LEVEL");

    if (!name)
        name = getenv("DLIO_LOG_LEVEL");
    for (size_t i = 0; name && i < sizeof levels / sizeof *levels; i++)
        if (strcasecmp(name, levels[i].name) == 0)
            log_level = levels[i].level;
}

static const struct command *find_command(const char *name)
{
    for (const struct command *const *c = cmd_all; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct command *command;

    program_start_ns = clock_now_ns();
    set_log_level();
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("dlfw %s (plugin ABI %s)\n", DLFW_VERSION, DLFW_ABI);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    command = find_command(argv[1]);
    if (!command) {
        log_error("'%s' is not a dlfw command; see dlfw --help", argv[1]);
        return EXIT_USAGE;
    }
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || (strcmp(argv[2], "-h") == 0 && !command->has_h))) {
        fputs(command->usage, stdout);
        return EXIT_OK;
    }
    return command->run(argc - 1, argv + 1);
}
