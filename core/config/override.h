/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overrides as DLIO's users type them (Hydra's grammar, docs/configuration.md): a.b=1 (must exist), +a.b=1 (must not),
 * ++a.b=1 (either), ~a.b (delete), values true|false|null|numbers|[lists]|{maps}|'quoted'. A leading "workload." is
 * taken off.
 */
#ifndef DLFW_CORE_CONFIG_OVERRIDE_H
#define DLFW_CORE_CONFIG_OVERRIDE_H

#include "config/schema.h"

/* Applies one override to the tree (root = the workload sections). number: its position on the command line from 1, for
 * messages: "override 2 ('++reader.batch_siez=4')". hydra.* overrides are the caller's; see override_is_hydra.
 * known(path) says whether a key is in the schema: a plain a.b=1 is accepted when the key is in the tree or in the
 * schema. */
typedef bool override_known(const char *path);
dlfw_status override_apply(struct node_tree *tree, const char *text, uint32_t number, override_known *known,
                           dlfw_error *err);
/* Refuses text that is not UTF-8 or holds control characters (a tab is a blank); the others here do it themselves. */
dlfw_status override_check_text(const char *text, dlfw_error *err);
bool override_is_hydra(const char *text); /* "++hydra.run.dir=..." or "hydra.x=..." */
/* The value part of an override as a node (exposed for tests and for hydra.* values). */
dlfw_status override_value(struct node_tree *tree, const char *text, struct node_place place, dlfw_node **ret,
                           dlfw_error *err);
/* "override 2 ('++reader.batch_size=4')" as a place; a secret value is shown as ***. */
struct node_place override_place(struct arena *arena, const char *text, uint32_t number);
/* The override as it may be printed or stored: text itself, or a copy with the secret value as ***. */
const char *override_shown(struct arena *arena, const char *text);

/* ${a.b}, ${oc.env:NAME,default}, ${now:%Y} in every string of the tree; unknown or circular ones are problems with
 * their place.
 * ${workload.a.b} is the same as ${a.b}; \${ stays text. DLFW_E_CONFIG when there was a problem. */
dlfw_status interpolate_tree(struct node_tree *tree, struct problem_list *problems);
/* The same for one node that is not (yet) in the tree. */
dlfw_status interpolate_node(struct node_tree *tree, dlfw_node *node, struct problem_list *problems);

#endif
