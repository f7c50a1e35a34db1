/* SPDX-License-Identifier: Apache-2.0 */
/* What the shells' completion asks: the candidates for one word, one per line. The scripts in scripts/completion only pass words on. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/cmd.h"
#include "plugin/registry.h"

static void offer(const char *candidate, const char *prefix)
{
    if (strncmp(candidate, prefix, strlen(prefix)) == 0)
        puts(candidate);
}

static void offer_all(const char *const *candidates, const char *prefix)
{
    for (; *candidates; candidates++)
        offer(*candidates, prefix);
}

static void offer_plugins(const char *prefix)
{
    struct registry reg = {0};
    struct error_slot err;

    error_slot_init(&err);
    if (registry_scan(&reg, NULL, &err.e) >= 0)
        for (uint32_t i = 0; i < reg.count; i++)
            for (uint32_t k = 0; !reg.entries[i].refused && k < reg.entries[i].note.iface_count; k++)
                offer(reg.entries[i].note.ifaces[k].name, prefix);
    registry_free(&reg);
}

/* argv: complete COMMAND [WORDS...] PREFIX; COMMAND alone (or empty) completes the command. */
static int complete(int argc, char **argv)
{
    static const char *const run_options[] = {"--plugin-dir", "--config-dir", "--strict", "--strict-au", "--check", "--quiet", NULL};
    static const char *const generate_options[] = {"--plugin-dir", "--config-dir", "--strict", "--force", "--check", "--quiet", NULL};
    static const char *const plugins_words[] = {"list", "info", "--plugin-dir", "--json", "--man", "--load", "--kind", NULL};
    static const char *const validate_options[] = {"--strict", "--json", "--probe", "--plugin-dir", "--config-dir", NULL};
    static const char *const config_words[] = {"show", "--json", "--config-dir", NULL};
    const char *prefix = argc > 1 ? argv[argc - 1] : "";
    const char *command = argc > 2 ? argv[1] : "";

    if (argc <= 2) {
        for (const struct command *const *c = cmd_all; *c; c++)
            offer((*c)->name, prefix);
        return EXIT_OK;
    }
    if (strcmp(command, "run") == 0)
        offer_all(run_options, prefix);
    else if (strcmp(command, "generate") == 0)
        offer_all(generate_options, prefix);
    else if (strcmp(command, "validate") == 0)
        offer_all(validate_options, prefix);
    else if (strcmp(command, "config") == 0)
        offer_all(config_words, prefix);
    else if (strcmp(command, "plugins") == 0 && argc > 3 && strcmp(argv[2], "info") == 0 && prefix[0] != '-')
        offer_plugins(prefix);
    else if (strcmp(command, "plugins") == 0)
        offer_all(plugins_words, prefix);
    return EXIT_OK;
}

const struct command cmd_complete = {
    .name = "complete",
    .summary = "print candidates for shell completion",
    .usage = "usage: dlfw complete [COMMAND] [WORD...] PREFIX\n",
    .run = complete,
};
