/* SPDX-License-Identifier: Apache-2.0 */
/* What storage.c shares with the queue: the opened stack of backend and wrappers. Private to core/io. */
#ifndef DLFW_CORE_IO_STORAGE_PARTS_H
#define DLFW_CORE_IO_STORAGE_PARTS_H

#include "io/endpoints/endpoints.h"
#include "io/io_adapter.h"
#include "io/io_retry.h"
#include "io/size_cache.h"
#include "io/split.h"
#include "io/storage.h"
#include "io/storage_options.h"
#include "io/uri.h"
#include "io/wrap/wrap.h"
#include "plugin/host_table.h"

/* What one instance of the plugin borrows as long as it lives. */
struct storage_backing {
    char *uri; /* of its endpoint, for messages */
    struct uri root;
    struct host_instance host; /* its host_ctx */
    char *host_name;
};

struct storage {
    char *uri_text;
    struct uri uri;
    struct backend_layer
        layers[1 + WRAP_MAX]; /* [0]: the backend or the endpoints, then wrappers, the outermost last */
    uint32_t layer_count;
    bool owns_backend;
    struct endpoints *endpoints; /* NULL: one instance, layers[0] */
    struct storage_backing *instances;
    uint32_t instance_count;
    struct engine_options options;
    struct split_control *split;   /* NULL: off */
    struct size_cache *sizes;      /* NULL: off */
    pthread_mutex_t instance_lock; /* for DLFW_THREADS_SERIAL_INSTANCE */
    pthread_mutex_t register_lock;
    struct retry_policy retry;
    struct node_tree own_tree; /* options live here when the caller has no tree */
    _Atomic uint32_t queues;
    _Atomic bool leaked; /* a queue did not drain: its backend must not be destroyed */
};

void storage_backing_free(struct storage_backing *b);

static inline const struct backend_layer *storage_top(const struct storage *st)
{
    return &st->layers[st->layer_count - 1];
}

static inline const struct backend_layer *storage_base(const struct storage *st)
{
    return &st->layers[0];
}

#endif
