/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a checkpoint file in PyTorch's container, read back for a small model: good, or refused with a message.
 * Pieces come in several sizes, and the host sees no read outside the object.
 */
#include <stdlib.h>
#include <string.h>

#include "file_container.h"
#include "file_pool.h"
#include "finding.h"
#include "host/content.h"
#include "host/crc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct dlfw_source {
    const uint8_t *data;
    uint64_t size;
    uint64_t piece;
};

static dlfw_status source_read(dlfw_source *s, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes, dlfw_error *err)
{
    uint64_t n = offset < s->size ? s->size - offset : 0;

    (void)err;
    *ret_bytes = n < len ? n : len;
    memcpy(buf, s->data + (n ? offset : 0), *ret_bytes);
    return DLFW_OK;
}

/* Every piece in an allocation of exactly its size. */
static dlfw_status source_scan(dlfw_source *s, uint64_t offset, uint64_t length,
                               dlfw_status (*piece)(void *ctx, const void *data, uint64_t len, dlfw_error *err), void *ctx,
                               dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (offset > s->size || length > s->size - offset)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the object is shorter than that");
    while (length && st >= 0) {
        uint64_t n = length < s->piece ? length : s->piece;
        void *copy = malloc(n);

        DLFW_BUG_IF(!copy);
        memcpy(copy, s->data + offset, n);
        st = piece(ctx, copy, n, err);
        free(copy);
        offset += n;
        length -= n;
    }
    return st;
}

static int32_t not_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static dlfw_status read_back(void *ctx, struct file_pool *pool, uint64_t index, dlfw_error *err)
{
    static const dlfw_host host = {.struct_size = sizeof host,
                                   .cancelled = not_cancelled,
                                   .crc32 = crc32_update,
                                   .crc32c = crc32c_update,
                                   .content_fill = content_fill,
                                   .content_check = content_check};
    static const dlfw_hook_services services = {
        .struct_size = sizeof services, .source_read = source_read, .source_scan = source_scan};
    const struct model_config config = {.vocab = 3,
                                        .hidden = 4,
                                        .ffn = 2,
                                        .heads = 1,
                                        .kv_heads = 1,
                                        .layers = 1,
                                        .tensor_parallel = 1,
                                        .pipeline_parallel = 1,
                                        .model_type = TENSOR_FP16,
                                        .optimizer_type = TENSOR_FP32};
    const struct tensor_content content = {.host = &host, .seed = 4, .random = true};
    struct dlfw_source *source = ctx;
    struct model_plan plan = {0};
    struct plan_file file;
    struct file_check check = {.host = &host,
                               .services = &services,
                               .pool = pool,
                               .plan = &plan,
                               .file = &file,
                               .content = index % 2 ? &content : NULL,
                               .uri = "x/file.pt",
                               .source = source,
                               .size = source->size};
    dlfw_status st = model_plan_init(&plan, &config, 0, 1, err);

    DLFW_BUG_IF(st < 0);
    model_plan_file(&plan, 0, &file);
    st = torch_check(&check, err);
    model_plan_free(&plan);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t pieces[] = {1, 61, 1 << 20};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct dlfw_source source = {.data = data, .size = size, .piece = pieces[i]};
        struct error_slot slot;
        dlfw_status st;

        error_slot_init(&slot);
        st = file_pool_run(1 + i % 2, 1, read_back, &source, &slot.e);
        if (st < 0)
            message_is_one_line(slot.text);
    }
    return 0;
}
