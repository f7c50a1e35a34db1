/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with checkpoints outside of a run: dlfw/draft/checkpoint.h. */
#ifndef DLFW_CHECKPOINT_STORE_TOOLS_H
#define DLFW_CHECKPOINT_STORE_TOOLS_H

#include "dlfw/draft/checkpoint.h"

/* host: what load() of the plugin was given. */
void checkpoint_tools_set_host(const dlfw_host *host);
extern const dlfw_checkpoint_tools checkpoint_tools;

#endif
