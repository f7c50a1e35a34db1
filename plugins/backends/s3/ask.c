/* SPDX-License-Identifier: Apache-2.0 */
/* One small HTTP exchange with a service that hands out credentials. */
#include "credentials.h"

#include <string.h>

#define REPLY_MAX (256u << 10)

static void compose(struct text *head, const struct s3_ask *ask, const struct http_origin *origin, const char *path)
{
    char host[280];

    http_origin_host(origin, host, sizeof host);
    text_str(head, ask->method);
    text_char(head, ' ');
    if (*path != '/')
        text_char(head, '/');
    text_str(head, path);
    text_str(head, " HTTP/1.1\r\nhost: ");
    text_str(head, host);
    text_str(head, "\r\n");
    text_str(head, ask->headers ? ask->headers : "");
    if (ask->body || strcmp(ask->method, "GET") != 0) {
        text_str(head, "content-length: ");
        text_u64(head, ask->body ? strlen(ask->body) : 0);
        text_str(head, "\r\n");
    }
    text_str(head, "accept: */*\r\n\r\n");
}

dlfw_status s3_ask(const struct s3_chain *chain, const struct s3_ask *ask, struct text *reply, int32_t *ret_code,
                   dlfw_error *err)
{
    struct http_client_args args = chain->client;
    struct http_client *client = NULL;
    struct http_exchange x = {.reply_max = REPLY_MAX};
    struct iovec body = {0};
    const char *path = "";
    dlfw_status st;

    *ret_code = 0;
    st = http_origin_parse(ask->url, &x.origin, &path, err);
    if (st < 0)
        return st;
    if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/%?&=+:,@!$()*;'")])
        return dlfw_fail(err, DLFW_E_CONFIG, "the address of a service of credentials has letters that need encoding");
    if (ask->direct)
        args.proxy = "";
    if (args.connect_timeout > ask->timeout_ns)
        args.connect_timeout = ask->timeout_ns;
    compose(&x.head, ask, &x.origin, path);
    if (ask->body) {
        body = (struct iovec){(void *)(uintptr_t)ask->body, strlen(ask->body)};
        x.body = &body;
        x.body_count = 1;
    }
    x.deadline_ns = chain->host->now_ns() + ask->timeout_ns;
    if (x.head.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request");
    if (st == DLFW_OK)
        st = http_client_create(&args, &client, err);
    if (st == DLFW_OK)
        st = http_fetch(client, &x, err);
    if (st == DLFW_OK) {
        *ret_code = x.code;
        text_clear(reply);
        text_add(reply, x.reply.data, x.reply.len);
        if (reply->failed)
            st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an answer");
    }
    if (x.head.data)
        explicit_bzero(x.head.data, x.head.room);
    if (x.reply.data)
        explicit_bzero(x.reply.data, x.reply.room);
    http_exchange_free(&x);
    http_client_destroy(client);
    return st;
}
