/* SPDX-License-Identifier: Apache-2.0 */
/* What `dlio_benchmark` prints instead of running: --cfg, --info, --help. All return an exit status. */
#ifndef DLFW_CORE_DROPIN_SHOW_H
#define DLFW_CORE_DROPIN_SHOW_H

#include "dropin/compose.h"

int show_config(const struct dropin_arguments *args, const struct composition *c);
int show_info(const struct dropin_arguments *args, struct composition *c);
int show_help(const char *stock);

#endif
