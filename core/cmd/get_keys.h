/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw get --keylist`: the objects that a file names, without any listing of the storage. */
#ifndef DLFW_CORE_CMD_GET_KEYS_H
#define DLFW_CORE_CMD_GET_KEYS_H

#include "cmd/copy_operands.h"

/* path "-": standard input. The whole command. */
int get_keys(struct copy_request *r, const struct copy_operands *o, const char *path);

#endif
