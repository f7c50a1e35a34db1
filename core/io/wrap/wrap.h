/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrappers: host code that stands on any backend and looks like one, chosen by storage.wrap. They make faults and
 * latency testable without a cluster. A wrapper may fail a request before it reaches the backend, and may hold a
 * completion back until it is due; it never sleeps, so what is in flight stays in flight.
 */
#ifndef DLFW_CORE_IO_WRAP_WRAP_H
#define DLFW_CORE_IO_WRAP_WRAP_H

#include "config/schema.h"
#include "io/io_adapter.h"

#define WRAP_MAX 8u /* wrappers on one storage */

struct wrap_kind {
    const char *name;
    const dlfw_option *rows;
    uint32_t row_count;
    uint32_t options_size;
    uint32_t state_size;
    /* What the rows cannot express: the text of the mistake, NULL when all is well. */
    const char *(*check)(const void *options);
    /* Fills the zeroed state; several queues use it at once afterwards. */
    void (*init)(void *state, const void *options);
    void (*fini)(void *state); /* may be NULL */
    /* Before the request goes down. Negative: it fails here, with flags (DLFW_ERR_*) and err filled. NULL: all pass.
     * [queue] */
    dlfw_status (*enter)(void *state, const dlfw_req *req, uint32_t *flags, dlfw_error *err);
    /* The backend is done with it: when may the caller know? A time up to now_ns: at once. NULL: at once. [queue] */
    uint64_t (*leave)(void *state, const dlfw_req *req, const dlfw_comp *comp, uint64_t now_ns);
};

extern const struct wrap_kind wrap_delay;
extern const struct wrap_kind wrap_error;
extern const struct wrap_kind wrap_throttle;

struct wrap_choice {
    const struct wrap_kind *kind;
    const void *options; /* lives in the tree's arena */
};

/* Reads storage.wrap into choices (WRAP_MAX of them) and returns their number; mistakes become problems. */
uint32_t wrap_parse(const dlfw_node *list, struct node_tree *tree, struct wrap_choice *choices,
                    struct problem_list *problems);

/* *ret stands on under, which must outlive it. */
void wrap_create(const struct wrap_choice *choice, const struct backend_layer *under, struct backend_layer *ret);
void wrap_destroy(struct backend_layer *layer); /* all its queues are gone; a zeroed layer is fine */

/* A wrapper's instance (behind backend_layer.be). */
struct wrap_backend {
    dlfw_backend_ops ops;
    struct backend_layer under;
    const struct wrap_kind *kind;
    void *state;
};

/* wrap_queue.c: the queue functions of every wrapper, and the scratch that they need on top of the level below. */
void wrap_queue_fill_ops(dlfw_backend_ops *ops, uint32_t under_scratch);
const char *wrap_queue_mode(const dlfw_queue *queue);

#endif
