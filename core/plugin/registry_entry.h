/* SPDX-License-Identifier: Apache-2.0 */
/* Inside core/plugin: the steps that scanning and finding share. */
#ifndef DLFW_CORE_PLUGIN_REGISTRY_ENTRY_H
#define DLFW_CORE_PLUGIN_REGISTRY_ENTRY_H

#include "plugin/registry.h"

/* Appends an entry; pointers to earlier ones may move. */
struct registry_entry *registry_add(struct registry *reg, const char *path);
/* Fills entry from its file's note, or says why it is refused. entry is the last one of reg. */
void registry_read_note(struct registry *reg, struct registry_entry *entry);
/* Refuses entry for the loader's message, whose "plugin 'path': " is left out. */
void registry_refuse(struct registry_entry *entry, const char *message);
/* The first entry that offers kind and name, among the refused ones or among the others; NULL: none. */
const struct registry_entry *registry_offer(const struct registry *reg, uint32_t kind, const char *name, bool refused);

#endif
