/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `dlio_benchmark`: Hydra's flags and overrides, in any order. */
#ifndef DLFW_CORE_DROPIN_ARGUMENTS_H
#define DLFW_CORE_DROPIN_ARGUMENTS_H

#include <stdint.h>

#include "cmd/cmd.h"

enum dropin_action { DROPIN_RUN, DROPIN_CFG, DROPIN_INFO, DROPIN_HELP, DROPIN_HYDRA_HELP, DROPIN_VERSION };

struct dropin_arguments {
    enum dropin_action action;
    const char *what;        /* of --cfg: job, hydra, all; of --info: all, config, defaults, ... */
    const char *package;     /* --package: the part of the configuration that --cfg prints; NULL: all of it */
    const char *config_dir;  /* --config-dir, NULL: not given */
    const char *config_path; /* --config-path */
    const char *config_name; /* --config-name */
    const char **overrides;  /* in their order, NULL-terminated; owned, its texts are argv's */
    uint32_t override_count;
};

/* EXIT_OK, or the status to exit with; the mistake has been printed, and ret needs no free then. */
int dropin_arguments_parse(int argc, char **argv, struct dropin_arguments *ret);

/* Name and usage; not one of dlfw's sub-commands. */
extern const struct command dropin_command;

#endif
