/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hydra's command line as its users type it: long options also shortened or with '=', short ones of two letters (-cd),
 * overrides before, between and behind them. getopt knows no short options of two letters, so the words are taken
 * apart here.
 */
#include "dropin/arguments.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

enum option_id {
    OPTION_HELP,
    OPTION_HYDRA_HELP,
    OPTION_VERSION,
    OPTION_CFG,
    OPTION_RESOLVE,
    OPTION_PACKAGE,
    OPTION_RUN,
    OPTION_MULTIRUN,
    OPTION_COMPLETION,
    OPTION_CONFIG_PATH,
    OPTION_CONFIG_NAME,
    OPTION_CONFIG_DIR,
    OPTION_RERUN,
    OPTION_INFO,
};

enum option_value { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct option_row {
    const char *name, *letters;
    enum option_id id;
    enum option_value value;
};

static const struct option_row options[] = {
    {"--help", "-h", OPTION_HELP, VALUE_NONE},
    {"--hydra-help", "", OPTION_HYDRA_HELP, VALUE_NONE},
    {"--version", "", OPTION_VERSION, VALUE_NONE},
    {"--cfg", "-c", OPTION_CFG, VALUE_NEEDED},
    {"--resolve", "", OPTION_RESOLVE, VALUE_NONE},
    {"--package", "-p", OPTION_PACKAGE, VALUE_NEEDED},
    {"--run", "-r", OPTION_RUN, VALUE_NONE},
    {"--multirun", "-m", OPTION_MULTIRUN, VALUE_NONE},
    {"--shell-completion", "-sc", OPTION_COMPLETION, VALUE_NONE},
    {"--config-path", "-cp", OPTION_CONFIG_PATH, VALUE_NEEDED},
    {"--config-name", "-cn", OPTION_CONFIG_NAME, VALUE_NEEDED},
    {"--config-dir", "-cd", OPTION_CONFIG_DIR, VALUE_NEEDED},
    {"--experimental-rerun", "", OPTION_RERUN, VALUE_NEEDED},
    {"--info", "-i", OPTION_INFO, VALUE_OPTIONAL},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

static const char *const cfg_words[] = {"job", "hydra", "all", NULL};
static const char *const info_words[] = {"all", "config", "defaults", "defaults-tree", "plugins", "searchpath", NULL};

/* An option in argv and its value, if it has one. */
struct found {
    const struct option_row *row;
    const char *value;
};

static bool is_word(const char *const *words, const char *text)
{
    for (; *words; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return false;
}

/* The row that name[0..len) is the beginning of, as long as it is that of one only; NULL: of none or of several. */
static const struct option_row *find_long(const char *name, size_t len)
{
    const struct option_row *found = NULL;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(options[i].name, name, len) != 0)
            continue;
        if (!options[i].name[len])
            return &options[i];
        if (found)
            return NULL;
        found = &options[i];
    }
    return found;
}

/* "-cd", "-cd=DIR", "-cjob": the longest letters that fit. */
static const struct option_row *find_short(const char *text, size_t *used)
{
    const struct option_row *found = NULL;

    *used = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        size_t len = strlen(options[i].letters);

        if (len > *used && strncmp(options[i].letters, text, len) == 0) {
            found = &options[i];
            *used = len;
        }
    }
    return found;
}

/* The option at argv[*at]; *at is moved on to the last word that belongs to it. */
static int find_option(char *const *argv, int *at, struct found *ret)
{
    const char *text = argv[*at], *rest;
    size_t len = strcspn(text, "=");

    *ret = (struct found){0};
    ret->row = text[1] == '-' ? find_long(text, len) : find_short(text, &len);
    if (!ret->row)
        return cmd_usage_error(&dropin_command, "'%s' is not an option of dlio_benchmark", text);
    rest = text + len;
    if (*rest)
        ret->value = rest + (*rest == '=');
    if (ret->value && ret->row->value == VALUE_NONE)
        return cmd_usage_error(&dropin_command, "'%s' takes no value", ret->row->name);
    if (ret->value || ret->row->value == VALUE_NONE)
        return EXIT_OK;
    rest = argv[*at + 1];
    if (ret->row->value == VALUE_OPTIONAL) {
        ret->value = rest && is_word(info_words, rest) ? rest : "all";
        *at += ret->value == rest;
        return EXIT_OK;
    }
    if (!rest)
        return cmd_usage_error(&dropin_command, "'%s' needs a value", ret->row->name);
    ret->value = rest;
    (*at)++;
    return EXIT_OK;
}

static int take_words(const struct found *f, const char *const *words, enum dropin_action action,
                      struct dropin_arguments *ret)
{
    if (!is_word(words, f->value))
        return cmd_usage_error(&dropin_command, "%s: '%s' is not a choice", f->row->name, f->value);
    ret->action = action;
    ret->what = f->value;
    return EXIT_OK;
}

static int refuse(const char *text)
{
    log_error("%s", text);
    return EXIT_USAGE;
}

static int take_option(const struct found *f, struct dropin_arguments *ret)
{
    switch (f->row->id) {
    case OPTION_HELP:
        ret->action = DROPIN_HELP;
        break;
    case OPTION_HYDRA_HELP:
        ret->action = DROPIN_HYDRA_HELP;
        break;
    case OPTION_VERSION:
        ret->action = DROPIN_VERSION;
        break;
    case OPTION_CFG:
        return take_words(f, cfg_words, DROPIN_CFG, ret);
    case OPTION_INFO:
        return take_words(f, info_words, DROPIN_INFO, ret);
    case OPTION_PACKAGE:
        ret->package = f->value;
        break;
    case OPTION_CONFIG_PATH:
        ret->config_path = f->value;
        break;
    case OPTION_CONFIG_NAME:
        ret->config_name = f->value;
        break;
    case OPTION_CONFIG_DIR:
        ret->config_dir = f->value;
        break;
    case OPTION_RUN:     /* what happens anyway */
    case OPTION_RESOLVE: /* what is printed is always resolved */
        break;
    case OPTION_MULTIRUN:
        return refuse(
            "--multirun: sweeps are not run here; call dlio_benchmark once for each value, or use dlfw sweep");
    case OPTION_COMPLETION:
        return refuse("--shell-completion: there is none for dlio_benchmark; dlfw's is installed with it");
    case OPTION_RERUN:
        return refuse("--experimental-rerun: give the stored configuration instead, as in --config-path RUN/.hydra "
                      "--config-name config");
    }
    return EXIT_OK;
}

int dropin_arguments_parse(int argc, char **argv, struct dropin_arguments *ret)
{
    bool options_end = false;
    struct found found;

    *ret = (struct dropin_arguments){.action = DROPIN_RUN};
    ret->overrides = xcalloc((size_t)argc + 1, sizeof *ret->overrides);
    for (int i = 1; i < argc; i++) {
        int status;

        if (options_end || argv[i][0] != '-' || !argv[i][1]) {
            ret->overrides[ret->override_count++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            options_end = true;
            continue;
        }
        status = find_option(argv, &i, &found);
        if (status == EXIT_OK)
            status = take_option(&found, ret);
        if (status != EXIT_OK) {
            free(ret->overrides);
            *ret = (struct dropin_arguments){0};
            return status;
        }
    }
    return EXIT_OK;
}

const struct command dropin_command = {
    .name = "dlio_benchmark",
    .summary = "run a DLIO workload with dlfw",
    .usage = "usage: dlio_benchmark [OPTION...] [workload=NAME] [OVERRIDE...]\n"
             "\n"
             "  -cd, --config-dir DIR    DIR/workload/NAME.yaml comes before the stock workloads\n"
             "  -cn, --config-name NAME  DIR/NAME.yaml says which workload and which results folder are the default\n"
             "  -cp, --config-path DIR   look for the configuration of --config-name here; a run's stored one, say\n"
             "  -c, --cfg WHAT           print the composed configuration and stop: job, hydra or all\n"
             "  -p, --package KEY        of it only what is below KEY\n"
             "      --resolve            accepted; interpolations are always resolved\n"
             "  -i, --info [WHAT]        print where the configuration comes from and stop: all, config, defaults,\n"
             "                           defaults-tree, plugins or searchpath\n"
             "  -r, --run                accepted; it is what happens\n"
             "  -h, --help               print how to use it, and the stock workloads\n"
             "      --hydra-help         print this\n"
             "      --version\n"
             "\n"
             "An OVERRIDE is key=value, +key=value, ++key=value or ~key, as in ++workload.train.epochs=2;\n"
             "++hydra.run.dir=DIR is the results folder.\n",
};
