/* SPDX-License-Identifier: Apache-2.0 */
/* `dlfw plugins info`: one interface of a loaded plugin in words, as JSON, and as a part of a manual page. */
#ifndef DLFW_CORE_CMD_PLUGINS_DESCRIBE_H
#define DLFW_CORE_CMD_PLUGINS_DESCRIBE_H

#include <jansson.h>

#include "base/str.h"
#include "plugin/registry.h"

void plugin_describe_text(const struct plugin_iface *iface, struct str *out);
json_t *plugin_describe_json(const struct plugin_iface *iface);
/* The options as scdoc, for inclusion below a heading of a manual page. */
void plugin_describe_man(const struct plugin_iface *iface, struct str *out);

#endif
