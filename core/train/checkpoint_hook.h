/* SPDX-License-Identifier: Apache-2.0 */
/* The hook that workflow.checkpoint stands for: which one, and its options out of the run file's sections. */
#ifndef DLFW_CORE_TRAIN_CHECKPOINT_HOOK_H
#define DLFW_CORE_TRAIN_CHECKPOINT_HOOK_H

#include "plugin/registry.h"
#include "workload/run_config.h"

/* The hook's name: checkpoint.plugin. NULL: the run takes no checkpoints. */
const char *checkpoint_hook_name(const struct run_config *cfg);
/* Its options: the section `checkpoint`, with the sections `model` and `framework` for those that know them. Keys of
 * DLIO's that the plugin does not know are warnings; all other strange keys are left to the options' own check. */
const dlfw_node *checkpoint_hook_options(struct run_config *cfg, const struct plugin_iface *iface,
                                         struct problem_list *problems);
/* Where checkpoints go, as a URI. Caller frees. */
char *checkpoint_folder_uri(const struct run_config *cfg);
/* storage.storage_root with the scheme of storage.storage_type when it names none. Caller frees. */
char *storage_root_uri(const struct run_config *cfg);
/* dataset.data_folder below it. Caller frees. */
char *data_folder_uri(const struct run_config *cfg);

#endif
