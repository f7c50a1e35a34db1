/* SPDX-License-Identifier: Apache-2.0 */
/* The dlfw_host that plugins see: log, clock, cancellation, configuration nodes, checksums, content. */
#ifndef DLFW_CORE_PLUGIN_HOST_TABLE_H
#define DLFW_CORE_PLUGIN_HOST_TABLE_H

#include <stdatomic.h>

#include "config/node.h"
#include "dlfw/plugin.h"

/* One per instance; its address is the host_ctx that the plugin passes back. */
struct host_instance {
    const char *name;        /* "storage 's3'" for log lines and messages */
    const dlfw_node *config; /* the instance's mapping, NULL when none */
};

const dlfw_host *host_table(void);

/* 0: running; 1: stop asked for (first Ctrl-C, or the run failed); 2: leave at once (second Ctrl-C). Written by signal
 * handlers. */
extern _Atomic uint32_t host_cancel_level;

#endif
