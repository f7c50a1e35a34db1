/* SPDX-License-Identifier: Apache-2.0 */
/* One file being written: small records and generated tensors are put into the host's windows one behind the other. */
#ifndef DLFW_CHECKPOINT_OUT_STREAM_H
#define DLFW_CHECKPOINT_OUT_STREAM_H

#include "common/tensor_content.h"
#include "dlfw/hook.h"
#include "file_pool.h"

struct out_stream {
    const dlfw_host *host;
    void *host_ctx;
    const dlfw_hook_services *services;
    struct file_pool *pool;
    dlfw_writer *writer;
    uint8_t *window;
    uint64_t window_len, used;
    uint64_t offset; /* in the file */
};

/* host, host_ctx, services and pool are set. */
dlfw_status out_open(struct out_stream *o, void *services_ctx, const char *uri, uint64_t size, uint32_t flags,
                     dlfw_error *reterr);
dlfw_status out_put(struct out_stream *o, const void *data, uint64_t len, dlfw_error *reterr);
/* A whole tensor; *crc, when not NULL, is continued over it. */
dlfw_status out_tensor(struct out_stream *o, const struct tensor_content *content, uint64_t object,
                       enum tensor_type type, uint64_t bytes, uint32_t *crc, dlfw_error *reterr);
/* Both end the stream, whatever they return. */
dlfw_status out_commit(struct out_stream *o, dlfw_error *reterr);
void out_abort(struct out_stream *o); /* not open: fine */

#endif
