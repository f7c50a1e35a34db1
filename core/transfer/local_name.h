/* SPDX-License-Identifier: Apache-2.0 */
/* Names from a listing that become paths of this machine. */
#ifndef DLFW_CORE_TRANSFER_LOCAL_NAME_H
#define DLFW_CORE_TRANSFER_LOCAL_NAME_H

#include <stddef.h>

/* Why the name must not be written below a folder; NULL: it may. */
const char *local_name_problem(const char *name, size_t len);

#endif
