/* SPDX-License-Identifier: Apache-2.0 */
/* Which run file a command line of `dlio_benchmark` means: the primary configuration, its defaults, the search path. */
#ifndef DLFW_CORE_DROPIN_COMPOSE_H
#define DLFW_CORE_DROPIN_COMPOSE_H

#include "config/node.h"
#include "dropin/arguments.h"

enum { COMPOSE_PLACES_MAX = 3 };

/* A folder with workload/NAME.yaml in it. */
struct compose_place {
    const char *provider; /* as Hydra calls it: "primary", "command-line", "main" */
    const char *folder;
};

struct composition {
    struct node_tree tree; /* the primary configuration; owns all texts */
    const char *primary;   /* its file; NULL: the built-in one */
    struct compose_place places[COMPOSE_PLACES_MAX];
    uint32_t place_count;
    const char *workload;   /* the chosen name; NULL: file is the configuration, or the name is not readable */
    const char *folder;     /* FOLDER/workload/NAME.yaml is the run file */
    const char *file;       /* the primary configuration itself is the run file; NULL: folder is */
    const char **overrides; /* as typed, with those of the primary configuration and the environment;
                               NULL-terminated, owned */
};

/* stock: the folder with the installed workloads, NULL: there is none. DLFW_E_CONFIG and DLFW_E_NOT_FOUND say what to
 * give instead. */
dlfw_status composition_make(const struct dropin_arguments *args, const char *stock, struct composition *ret,
                             dlfw_error *err);
void composition_free(struct composition *c); /* safe on a zeroed one; overrides may have been taken (NULL) */

/* The names of the workloads in all places, sorted, each once; NULL-terminated, in the composition's arena. */
const char *const *composition_workloads(struct composition *c);

/* The folder of the stock workloads, relative to this program; NULL: they are not installed. Caller frees. */
char *stock_folder(void);

#endif
