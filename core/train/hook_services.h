/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hooks, and commands that work on checkpoints, may ask for: streams to and from any storage, listings, figures,
 * ranks.
 *
 * Storages are opened once per root and shared by all streams; every stream has a queue of its own while it lives. So
 * all calls but those that talk to other ranks or write the report may come from any thread, one thread at a time per
 * writer or source. Nothing here needs a job: a command fills a service_env itself.
 */
#ifndef DLFW_CORE_TRAIN_HOOK_SERVICES_H
#define DLFW_CORE_TRAIN_HOOK_SERVICES_H

#include "config/schema.h"
#include "dlfw/draft/coordinator.h"
#include "dlfw/hook.h"
#include "plugin/registry.h"

/* Everything pointed to outlives the services. */
struct service_env {
    struct registry *registry;
    const char *storage_root;              /* what URIs without a scheme lie below; NULL or "": the working directory */
    const char *data_uri;                  /* of the dataset; may be NULL */
    const dlfw_node *storage_options;      /* for URIs of the scheme of either, as wrap is; may be NULL */
    const dlfw_node *wrap;                 /* may be NULL */
    const dlfw_node *retry;                /* of all storages; may be NULL */
    struct problem_list *problems;         /* mistakes in storage_options go here; may be NULL */
    const dlfw_coordinator_ops *ranks_ops; /* NULL: one rank */
    dlfw_coordinator *ranks;
    /* Where figures and checkpoint events go; each may be NULL. hook: name of the instance that reports. */
    void (*put)(void *report, const char *hook, const char *name, const char *unit, uint32_t kind, uint64_t value);
    void (*checkpoint)(void *report, const char *hook, const dlfw_checkpoint_event *event);
    void *report;
};

struct service_set; /* the storages that are open */

struct service_set *services_open(const struct service_env *env);
/* All writers and sources have ended. NULL is fine. */
void services_close(struct service_set *set);
/* All objects whose URI lies below this one share one storage with this root. Without it an object's folder is its
 * root. [main] */
void services_add_root(struct service_set *set, const char *uri);

/* ctx of the functions below: one per hook instance or command. */
struct hook_service_ctx {
    struct service_set *set;
    const char *hook_name; /* owner of its figures */
};

extern const dlfw_hook_services hook_services; /* ctx of its functions: struct hook_service_ctx * */

#endif
