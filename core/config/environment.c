/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mistyped DLFW_* variable would silently change nothing, so names are checked against a list.
 */
#include "config/environment.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const known_names[] = {"DLFW_PLUGIN_PATH", "DLFW_LOG_LEVEL", "DLFW_SEED", NULL};

/* main() sets the level; here only a word that is none is told. */
static void check_level(struct problem_list *problems, struct node_place place)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    const char *name = getenv("DLFW_LOG_LEVEL") ? "DLFW_LOG_LEVEL" : "DLIO_LOG_LEVEL";
    const char *text = getenv(name);

    for (size_t i = 0; text && i < sizeof levels / sizeof levels[0]; i++)
        if (strcasecmp(text, levels[i]) == 0)
            return;
    if (text)
        problem_add_at(problems, true, place, "%s: '%s' is not a log level; there are error, warning, info and debug",
                       name, text);
}

void environment_check(struct problem_list *problems)
{
    struct node_place place = {.file = "environment"};

    for (char **variable = environ; variable && *variable; variable++) {
        size_t len = strcspn(*variable, "=");
        bool known = strncmp(*variable, "DLFW_", 5) != 0;
        const char *nearest;
        char *name;

        for (const char *const *k = known_names; *k && !known; k++)
            known = strlen(*k) == len && strncmp(*k, *variable, len) == 0;
        if (known)
            continue;
        name = xstrndup(*variable, len);
        nearest = schema_nearest(name, NULL, 0, known_names);
        problem_add_at(problems, true, place, "'%s' is not a variable of dlfw%s%s%s", name,
                       nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        free(name);
    }
    check_level(problems, place);
}
