/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw put --size`: objects that are made up. */
#ifndef DLFW_CORE_CMD_PUT_GENERATED_H
#define DLFW_CORE_CMD_PUT_GENERATED_H

#include "cmd/copy_session.h"
#include "transfer/generated.h"

/* The whole command. */
int put_generated(struct copy_request *r, const char *target, struct generated *g);

#endif
