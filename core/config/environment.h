/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables that the program itself reads (docs/configuration.md lists them). */
#ifndef DLFW_CORE_CONFIG_ENVIRONMENT_H
#define DLFW_CORE_CONFIG_ENVIRONMENT_H

#include "config/schema.h"

/* An unknown DLFW_* name is a mistake, never ignored; so is a log level that does not exist. */
void environment_check(struct problem_list *problems);

#endif
