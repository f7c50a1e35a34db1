/* SPDX-License-Identifier: Apache-2.0 */
/* Opens one plugin file: note, dlopen, symbol, the object's checks, host copies of the ops tables, load(). */
#ifndef DLFW_SDK_HOST_PLUGIN_LOAD_H
#define DLFW_SDK_HOST_PLUGIN_LOAD_H

#include "dlfw/backend.h"
#include "dlfw/draft/coordinator.h"
#include "dlfw/format.h"
#include "dlfw/hook.h"
#include "plugin_note.h"

/* One interface of a loaded plugin; ops is a full-size copy, zero where the plugin's was shorter. */
struct plugin_iface {
    const dlfw_iface *iface; /* in the plugin; read rows through option_row() */
    const struct plugin_file *file;
    union {
        dlfw_backend_ops backend;
        dlfw_format_ops format;
        dlfw_hook_ops hook;
        dlfw_coordinator_ops coordinator;
    } ops;
};

struct plugin_file {
    char *path;
    void *dl;
    const dlfw_plugin *plugin;
    struct plugin_note note;
    uint32_t iface_count;
    struct plugin_iface *ifaces;
};

/* Every refusal names file, expected and found. Loaded files stay mapped for the life of the process. [main] */
dlfw_status plugin_file_load(const char *path, const dlfw_host *host, struct plugin_file **ret, dlfw_error *err);
/* Calls unload() and frees the host side; the code stays mapped. NULL is fine. [main] */
void plugin_file_unload(struct plugin_file *file);

/* The smallest struct_size the host accepts: the size at ABI 1.0. Also checks required functions against what the
 * interface declares and names the contradiction. Exposed for tests. */
dlfw_status plugin_iface_check(const dlfw_iface *iface, const char *path, dlfw_error *err);

#endif
