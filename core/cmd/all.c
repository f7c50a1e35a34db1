/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

#include <stddef.h>

const struct command *const cmd_all[] = {
    &cmd_run,      &cmd_generate, &cmd_validate,   &cmd_plan,        &cmd_sweep,  &cmd_config, &cmd_plugins, &cmd_clean,
    &cmd_index,    &cmd_inspect,  &cmd_checkpoint, &cmd_check_rules, &cmd_report, &cmd_ls,     &cmd_stat,    &cmd_cat,
    &cmd_get,      &cmd_put,      &cmd_cp,         &cmd_sync,        &cmd_rm,     &cmd_mb,     &cmd_rb,      &cmd_du,
    &cmd_complete, NULL};
