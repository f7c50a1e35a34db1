/* SPDX-License-Identifier: Apache-2.0 */
/* Takes sweep's own options out of argv and leaves the others to run_arguments_parse(). Every mistake is told before
 * anything is read or run. */
#include "cmd/sweep_flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define REPEAT_MAX 99u
#define COUNT_MAX 1000000000u

/* Values as typed; NULL: not given. */
struct texts {
    const char *accelerators, *au, *repeat, *epochs, *steps;
};

/* The value of --name VALUE or --name=VALUE at argv[*i], which moves on to it; NULL: it is not that option. */
static const char *option_value(int argc, char **argv, int *i, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(argv[*i], name, len) == 0 && argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (strcmp(argv[*i], name) != 0)
        return NULL;
    return *i + 1 < argc ? argv[++*i] : "";
}

static void take_own(int *argc, char **argv, struct texts *texts, struct sweep_flags *flags)
{
    const struct {
        const char *name;
        const char **value;
        bool *flag;
    } options[] = {{"--accelerators", &texts->accelerators, NULL},
                   {"--au", &texts->au, NULL},
                   {"--repeat", &texts->repeat, NULL},
                   {"--epochs", &texts->epochs, NULL},
                   {"--steps", &texts->steps, NULL},
                   {"--all", NULL, &flags->all},
                   {"--plan", NULL, &flags->plan},
                   {"--ascii", NULL, &flags->ascii},
                   {"--json", NULL, &flags->json}};
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        bool taken = false;

        for (size_t k = 0; k < sizeof options / sizeof options[0] && !taken; k++) {
            const char *value = options[k].value ? option_value(*argc, argv, &i, options[k].name) : NULL;

            if (value)
                *options[k].value = value;
            if (options[k].flag && strcmp(argv[i], options[k].name) == 0)
                *options[k].flag = taken = true;
            taken = taken || value;
        }
        if (!taken)
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
}

/* text NULL is fine: *ret stays. */
static bool take_count(const char *text, uint32_t most, uint32_t *ret)
{
    unsigned long value;
    char *end = NULL;

    if (!text)
        return true;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > most)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool take_share(const char *text, double *ret)
{
    char *end = NULL;

    if (!text)
        return true;
    *ret = strtod(text, &end);
    return end != text && *end == '\0' && *ret > 0 && *ret <= 1;
}

static int check_shared(const struct sweep_flags *flags, const struct run_arguments *args)
{
    if (args->quiet && flags->plan)
        return cmd_usage_error(&cmd_sweep, "--plan prints; it does not go with --quiet");
    if (args->strict_au)
        return cmd_usage_error(&cmd_sweep, "--strict-au is of 'run'; what a sweep asks of the AU is --au");
    if (args->local_ranks || args->rank.world_size || args->rank.rank != DLFW_RANK_UNKNOWN || args->rank.run_id ||
        args->rank.coordinator)
        return cmd_usage_error(&cmd_sweep, "'sweep' chooses the ranks of its runs by itself; see --accelerators");
    return EXIT_OK;
}

static int check_own(const struct texts *texts, struct sweep_flags *flags)
{
    struct error_slot err;

    error_slot_init(&err);
    flags->repeat = 1;
    if (!texts->accelerators)
        return cmd_usage_error(&cmd_sweep, "--accelerators says which numbers may be tried, such as 1..64");
    if (!take_count(texts->repeat, REPEAT_MAX, &flags->repeat))
        return cmd_usage_error(&cmd_sweep, "--repeat takes a number from 1 to %u", REPEAT_MAX);
    if (!take_count(texts->epochs, COUNT_MAX, &flags->epochs) || !take_count(texts->steps, COUNT_MAX, &flags->steps))
        return cmd_usage_error(&cmd_sweep, "--epochs and --steps take a number from 1");
    if (!take_share(texts->au, &flags->au))
        return cmd_usage_error(&cmd_sweep, "--au takes a share above 0 and up to 1, such as 0.9");
    if (sweep_range_parse(texts->accelerators, &flags->range, &err.e) < 0)
        return cmd_usage_error(&cmd_sweep, "--accelerators: %s", err.text);
    return EXIT_OK;
}

int sweep_flags_parse(int argc, char **argv, struct sweep_flags *flags, struct run_arguments *args)
{
    struct texts texts = {0};
    int status;

    *flags = (struct sweep_flags){0};
    take_own(&argc, argv, &texts, flags);
    status = run_arguments_parse(&cmd_sweep, argc, argv, args);
    if (status != EXIT_OK) {
        *args = (struct run_arguments){0};
        return status;
    }
    status = check_shared(flags, args);
    return status == EXIT_OK ? check_own(&texts, flags) : status;
}
