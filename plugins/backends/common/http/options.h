/* SPDX-License-Identifier: Apache-2.0 */
/* The options that every backend over HTTP has: the first members of its options struct and the first rows of its
 * table. */
#ifndef DLFW_PLUGIN_HTTP_OPTIONS_H
#define DLFW_PLUGIN_HTTP_OPTIONS_H

#include "dlfw/option.h"

#define HTTP_OPTION_MEMBERS                                                                                            \
    uint64_t connect_timeout;                                                                                          \
    uint64_t first_byte_timeout;                                                                                       \
    uint64_t idle_timeout;                                                                                             \
    uint64_t connections;                                                                                              \
    uint64_t max_redirects;                                                                                            \
    const char *ca_bundle;                                                                                             \
    const char *proxy;                                                                                                 \
    uint8_t verify_tls;                                                                                                \
    uint8_t verify_writes;                                                                                             \
    uint8_t anonymous;

/* clang-format off */
#define HTTP_OPTION_ROWS(s)                                                                                                   \
    DLFW_OPT_DURATION(s, connect_timeout, .def = "10s", .min = "1ms", .help = "name lookup, TCP, proxy and TLS handshake together"),   \
    DLFW_OPT_DURATION(s, first_byte_timeout, .def = "60s", .min = "1ms", .help = "end of a request to first byte of its answer"), \
    DLFW_OPT_DURATION(s, idle_timeout, .def = "30s", .min = "1ms", .help = "longest silence inside a message"),                \
    DLFW_OPT_U64(s, connections, .def = "64", .min = "1", .max = "4096", .help = "open connections of one queue at most"),     \
    DLFW_OPT_U64(s, max_redirects, .def = "5", .max = "20", .help = "redirects followed for one request"),            \
    DLFW_OPT_PATH(s, ca_bundle, .help = "PEM file of certificate authorities instead of the system's"),         \
    DLFW_OPT_STR(s, proxy, .help = "http://host:port of a proxy; unset: the environment decides"),         \
    DLFW_OPT_BOOL(s, verify_tls, .def = "true", .help = "check certificates and names"),                                       \
    DLFW_OPT_BOOL(s, verify_writes, .def = "false", .help = "ask for each object written and compare its size and checksum"), \
    DLFW_OPT_BOOL(s, anonymous, .def = "false", .help = "sign nothing, look for no credentials")
/* clang-format on */

/* Client arguments from an options struct that begins with HTTP_OPTION_MEMBERS. */
#define HTTP_CLIENT_ARGS(args, o)                                                                                      \
    (struct http_client_args)                                                                                          \
    {                                                                                                                  \
        .host = (args)->host, .host_ctx = (args)->host_ctx, .connect_timeout = (o)->connect_timeout,                   \
        .first_byte_timeout = (o)->first_byte_timeout, .idle_timeout = (o)->idle_timeout, .ca_bundle = (o)->ca_bundle, \
        .verify_tls = (o)->verify_tls != 0, .proxy = (o)->proxy                                                        \
    }

#endif
