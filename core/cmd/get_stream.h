/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw get URI -`: one object to standard output. */
#ifndef DLFW_CORE_CMD_GET_STREAM_H
#define DLFW_CORE_CMD_GET_STREAM_H

#include "cmd/copy_operands.h"

/* The whole command. */
int get_stream(struct copy_request *r, const struct copy_operands *o);

#endif
