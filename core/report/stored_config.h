/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as Hydra stores it beside the results; checkers read it, and `dlfw run <folder>/.hydra/config.yaml`
 * repeats the run. */
#ifndef DLFW_CORE_REPORT_STORED_CONFIG_H
#define DLFW_CORE_REPORT_STORED_CONFIG_H

#include "workload/run_config.h"

/* config.yaml, overrides.yaml and hydra.yaml below <folder>/<cfg->hydra_output_subdir>; none of them when that is "".
 */
dlfw_status stored_config_write(const struct run_config *cfg, const char *folder, dlfw_error *err);
/* What hydra.yaml holds below its key `hydra`, in tree's arena; run_dir: the results folder. */
dlfw_node *stored_config_hydra(const struct run_config *cfg, struct node_tree *tree, const char *run_dir);

#endif
