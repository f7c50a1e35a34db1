/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRC... DST of cp, put and get. One rule, which does not depend on what is there: a DST that ends in '/' (or can only
 * be a folder, as "s3://bucket") takes the sources under their own names; any other DST is the name of what one source
 * becomes, with -r the folder's. A source folder that ends in '/' gives what is in it.
 */
#ifndef DLFW_CORE_CMD_COPY_OPERANDS_H
#define DLFW_CORE_CMD_COPY_OPERANDS_H

#include "cmd/copy_session.h"

struct copy_operands {
    char **sources; /* URIs */
    uint32_t count;
    const char *target;      /* NULL: what is read is dropped */
    uint64_t offset, length; /* of the one object; length UINT64_MAX: to its end */
};

/* EXIT_OK or EXIT_USAGE, printed. */
int copy_operands_check(const struct copy_request *r, const struct copy_operands *o);
/* The whole command: begins and ends a session. */
int copy_operands_run(struct copy_request *r, const struct copy_operands *o);

#endif
