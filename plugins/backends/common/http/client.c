/* SPDX-License-Identifier: Apache-2.0 */
/* What all loops of an instance share, and the blocking exchange. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define FETCH_STEP 100000000ull /* ns between two looks at whether the host is cancelled */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void curl_begin(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t lock_index(curl_lock_data data)
{
    size_t i = (size_t)data;

    return i < HTTP_LOCKS ? i : 0;
}

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *user)
{
    struct http_client *client = user;

    (void)easy;
    (void)access;
    (void)pthread_mutex_lock(&client->share_locks[lock_index(data)]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *user)
{
    struct http_client *client = user;

    (void)easy;
    (void)pthread_mutex_unlock(&client->share_locks[lock_index(data)]);
}

dlfw_status http_client_create(const struct http_client_args *args, struct http_client **ret, dlfw_error *err)
{
    struct http_client *client;

    (void)pthread_once(&curl_once, curl_begin);
    if (curl_ready != CURLE_OK)
        return dlfw_fail(err, DLFW_E_INTERNAL, "libcurl does not start: %s", curl_easy_strerror(curl_ready));
    client = calloc(1, sizeof *client);
    if (!client)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an HTTP client");
    for (size_t i = 0; i < HTTP_LOCKS; i++)
        (void)pthread_mutex_init(&client->share_locks[i], NULL);
    client->args = *args;
    client->ca_bundle = args->ca_bundle ? strdup(args->ca_bundle) : NULL;
    client->proxy = args->proxy ? strdup(args->proxy) : NULL;
    client->args.ca_bundle = client->ca_bundle;
    client->args.proxy = client->proxy;
    client->share = curl_share_init();
    if ((args->ca_bundle && !client->ca_bundle) || (args->proxy && !client->proxy) || !client->share ||
        curl_share_setopt(client->share, CURLSHOPT_LOCKFUNC, share_lock) ||
        curl_share_setopt(client->share, CURLSHOPT_UNLOCKFUNC, share_unlock) ||
        curl_share_setopt(client->share, CURLSHOPT_USERDATA, client) ||
        curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
        http_client_destroy(client);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an HTTP client");
    }
    *ret = client;
    return DLFW_OK;
}

void http_client_destroy(struct http_client *client)
{
    if (!client)
        return;
    (void)curl_share_cleanup(client->share);
    for (size_t i = 0; i < HTTP_LOCKS; i++)
        (void)pthread_mutex_destroy(&client->share_locks[i]);
    free(client->ca_bundle);
    free(client->proxy);
    free(client);
}

static void fetched(struct http_exchange *x)
{
    *(bool *)x->owner = true;
}

static void copy_error(const struct http_exchange *x, dlfw_error *err)
{
    (void)dlfw_fail(err, x->status, "%s", x->error);
    if (!err)
        return;
    err->flags = x->error_flags;
    err->http_status = x->code;
}

dlfw_status http_fetch(struct http_client *client, struct http_exchange *x, dlfw_error *err)
{
    const dlfw_host *host = client->args.host;
    void (*done)(struct http_exchange *) = x->done;
    void *owner = x->owner;
    struct http_loop *loop = NULL;
    bool is_done = false;
    dlfw_status st = http_loop_create(client, 1, &loop, err);

    if (st < 0)
        return st;
    x->done = fetched;
    x->owner = &is_done;
    http_loop_send(loop, x);
    while (!is_done) {
        (void)http_loop_run(loop, FETCH_STEP);
        if (!is_done && host && host->cancelled && host->cancelled(client->args.host_ctx))
            http_loop_cancel(loop, x);
    }
    x->done = done;
    x->owner = owner;
    http_loop_destroy(loop);
    if (x->status < 0)
        copy_error(x, err);
    return x->status;
}
