/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests: everything a plugin may reach, in one struct, without the dlfw program. Compile fake_host.c (and
 * fake_sink.c for formats, fake_services.c for hooks) into the test of a plugin; dlfw-conform uses the same files.
 *
 *     struct fake_host host;
 *     fake_host_init(&host);
 *     args = (dlfw_create_args){.struct_size = sizeof args, .host = &host.table, .host_ctx = &host, .options =
 * &options, ...};
 *
 * Every member of table may be replaced. crc32, crc32c and content_fill are right in what they promise a plugin, but
 * slow, and the content is not the product's.
 */
#ifndef DLFW_MOCK_FAKE_HOST_H
#define DLFW_MOCK_FAKE_HOST_H

#include <pthread.h>

#include "dlfw/plugin.h"

/* A configuration node for options of type NODE; build them as static data. */
struct dlfw_node {
    uint32_t kind;   /* DLFW_NODE_* */
    uint32_t count;  /* of items */
    const char *key; /* when it is the value of a map pair */
    const char *text;
    const struct dlfw_node *items; /* of a list or a map */
};

#define FAKE_LOG_CAP 65536u

struct fake_host {
    dlfw_host table;
    volatile uint32_t log_level;
    volatile int32_t cancel; /* what cancelled() answers */
    pthread_mutex_t lock;    /* of the log: plugins may log from any thread */
    uint32_t log_lines;
    uint32_t log_len;       /* of log; what does not fit is counted in log_lines only */
    char log[FAKE_LOG_CAP]; /* "error: text\n" per line, NUL-terminated */
};

void fake_host_init(struct fake_host *host);

/* An empty dlfw_error with room for its message: dlfw_error err = FAKE_ERROR(text). */
#define FAKE_ERROR(array)                                                                                              \
    {                                                                                                                  \
        .struct_size = (uint32_t)sizeof(dlfw_error), .message = (array), .message_cap = (uint32_t)sizeof(array)        \
    }

#endif
