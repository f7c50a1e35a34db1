/* SPDX-License-Identifier: Apache-2.0 */
/* How a file of a plan is laid out in storage: PyTorch's container or the tensors' bytes alone. */
#ifndef DLFW_CHECKPOINT_FILE_CONTAINER_H
#define DLFW_CHECKPOINT_FILE_CONTAINER_H

#include "common/model_plan.h"
#include "common/tensor_content.h"
#include "dlfw/hook.h"
#include "out_stream.h"

enum { CONTAINER_TORCH = 0, CONTAINER_RAW = 1 };

/* A file being read, for messages and for the check of its content. */
struct file_check {
    const dlfw_host *host;
    void *host_ctx;
    const dlfw_hook_services *services;
    struct file_pool *pool;
    const struct model_plan *plan;
    const struct plan_file *file;
    const struct tensor_content *content; /* NULL: tensors are not compared with it */
    const char *uri;
    dlfw_source *source;
    uint64_t size; /* of the object */
};

/* Everything of the file between open and commit. */
dlfw_status torch_write(struct out_stream *o, const struct model_plan *plan, const struct plan_file *file,
                        const struct tensor_content *content, dlfw_error *reterr);
dlfw_status raw_write(struct out_stream *o, const struct model_plan *plan, const struct plan_file *file,
                      const struct tensor_content *content, dlfw_error *reterr);
/* Reads all bytes once. torch: structure, sizes and every CRC-32; raw: the size. */
dlfw_status torch_check(const struct file_check *c, dlfw_error *reterr);
dlfw_status raw_check(const struct file_check *c, dlfw_error *reterr);

/* The exact size of the file; what torch_write holds in memory while it writes it. */
uint64_t container_file_bytes(uint32_t container, const struct model_plan *plan, const struct plan_file *file);
uint64_t container_write_memory(uint32_t container, const struct plan_file *file);

#endif
