/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an instance that all services share. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

dlfw_status cloud_init(struct cloud *c, const struct cloud_service *service, const dlfw_create_args *args,
                       const char *uri, const char *prefix, const struct http_client_args *client, dlfw_error *err)
{
    c->service = service;
    c->host = args->host;
    c->host_ctx = args->host_ctx;
    c->uri = strdup(uri);
    c->prefix = strdup(prefix);
    c->prefix_len = strlen(prefix);
    pthread_mutex_init(&c->uploads_lock, NULL);
    if (!c->uri || !c->prefix)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for '%s'", uri);
    return http_client_create(client, &c->client, err);
}

void cloud_fini(struct cloud *c)
{
    while (c->uploads) {
        struct cloud_upload *up = c->uploads;

        c->uploads = up->older;
        upload_free(up);
    }
    http_client_destroy(c->client);
    pthread_mutex_destroy(&c->uploads_lock);
    free(c->uri);
    free(c->prefix);
}

void cloud_stats(struct cloud *c, const dlfw_stat_sink *sink)
{
    sink->put(sink->ctx, "http_exchanges", "requests", DLFW_STAT_COUNTER, atomic_load(&c->exchanges));
    sink->put(sink->ctx, "stale_connections", "connections", DLFW_STAT_COUNTER, atomic_load(&c->reconnects));
    sink->put(sink->ctx, "redirects", "requests", DLFW_STAT_COUNTER, atomic_load(&c->redirects));
    sink->put(sink->ctx, "throttled", "requests", DLFW_STAT_COUNTER, atomic_load(&c->throttled));
}

dlfw_status cloud_perform(struct cloud *c, dlfw_req *req, dlfw_comp *comp)
{
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = 1, .cpu = -1};
    dlfw_queue *q = NULL;
    dlfw_status status = cloud_queue_create((dlfw_backend *)c, &args, &q, req->error);
    bool asked = false;

    if (status < 0)
        return status;
    cloud_submit(q, &req, 1);
    while (cloud_reap(q, comp, 1, 1, 100000000) < 1) {
        if (!asked && c->host->cancelled(c->host_ctx)) {
            cloud_cancel(q, req);
            asked = true;
        }
    }
    cloud_queue_destroy(q);
    return comp->status;
}
