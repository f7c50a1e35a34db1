/* SPDX-License-Identifier: Apache-2.0 */
/* Which checkpoints a tool works on. */
#ifndef DLFW_CHECKPOINT_STORE_TOOLS_SELECT_H
#define DLFW_CHECKPOINT_STORE_TOOLS_SELECT_H

#include "dlfw/draft/checkpoint.h"
#include "store.h"

/* NOT_FOUND: none fits. */
dlfw_status checkpoints_select(const struct store *s, const dlfw_checkpoint_select *select, struct catalog *ret,
                               dlfw_error *reterr);

#endif
