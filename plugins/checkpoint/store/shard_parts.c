/* SPDX-License-Identifier: Apache-2.0 */
#include "shard_parts.h"

/* To the first tensor from here on; tensors are never empty. */
static void settle(struct shard_cursor *c)
{
    while (c->tensor_index >= c->file.tensor_count) {
        if (++c->file_index >= c->plan->file_count) {
            c->at_end = true;
            return;
        }
        model_plan_file(c->plan, c->file_index, &c->file);
        c->tensor_index = 0;
    }
    model_plan_tensor(c->plan, &c->file, c->tensor_index, &c->tensor);
}

void shard_cursor_init(struct shard_cursor *c, const struct model_plan *plan)
{
    *c = (struct shard_cursor){.plan = plan, .at_end = !plan->writes || !plan->file_count};
    if (c->at_end)
        return;
    model_plan_file(plan, 0, &c->file);
    settle(c);
}

/* Passes n bytes of the tensor. */
static void pass(struct shard_cursor *c, uint64_t n)
{
    c->offset += n;
    if (c->offset < c->tensor.bytes)
        return;
    c->offset = 0;
    c->tensor_index++;
    settle(c);
}

static uint64_t within(const struct shard_cursor *c, uint64_t len)
{
    uint64_t left = c->tensor.bytes - c->offset;

    return left < len ? left : len;
}

bool shard_next_part(struct shard_cursor *c, uint64_t part_bytes, struct shard_part *ret)
{
    if (c->at_end)
        return false;
    ret->from = *c;
    ret->type = c->tensor.type;
    ret->bytes = 0;
    while (!c->at_end && c->tensor.type == ret->type && ret->bytes < part_bytes) {
        uint64_t n = within(c, part_bytes - ret->bytes);

        ret->bytes += n;
        pass(c, n);
    }
    return true;
}

void shard_skip(struct shard_cursor *c, uint64_t len)
{
    while (len && !c->at_end) {
        uint64_t n = within(c, len);

        pass(c, n);
        len -= n;
    }
}

void shard_fill(struct shard_cursor *c, const struct tensor_content *content, void *buf, uint64_t len)
{
    uint8_t *to = buf;

    while (len && !c->at_end) {
        uint64_t n = within(c, len);

        tensor_content_fill(content, c->tensor.object, c->tensor.type, c->offset, to, n);
        pass(c, n);
        to += n;
        len -= n;
    }
}

uint64_t shard_check(struct shard_cursor *c, const struct tensor_content *content, const void *data, uint64_t len)
{
    const uint8_t *from = data;
    uint64_t done = 0;

    while (done < len && !c->at_end) {
        uint64_t n = within(c, len - done);
        uint64_t same = tensor_content_check(content, c->tensor.object, c->tensor.type, c->offset, from + done, n);

        if (same < n)
            return done + same;
        pass(c, n);
        done += n;
    }
    return done;
}
