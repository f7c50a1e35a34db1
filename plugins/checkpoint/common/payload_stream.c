/* SPDX-License-Identifier: Apache-2.0 */
#include "common/payload_stream.h"

/* Stands on the tensor of s->index when there is one. */
static void look(struct payload_stream *s)
{
    if (s->index < s->file.tensor_count)
        model_plan_tensor(s->plan, &s->file, s->index, &s->tensor);
}

void payload_stream_open(struct payload_stream *s, const struct model_plan *plan, uint64_t file_index,
                         const struct tensor_content *content)
{
    *s = (struct payload_stream){.plan = plan, .content = content};
    model_plan_file(plan, file_index, &s->file);
    look(s);
}

void payload_stream_seek(struct payload_stream *s, uint64_t offset)
{
    s->index = 0;
    look(s);
    while (s->index < s->file.tensor_count && offset >= s->tensor.bytes) {
        offset -= s->tensor.bytes;
        s->index++;
        look(s);
    }
    s->offset = offset;
}

/* Of len, what the current tensor still has; moves to the next tensor behind its end. 0: the file ends. */
static uint64_t within(struct payload_stream *s, uint64_t len)
{
    uint64_t left;

    if (s->index >= s->file.tensor_count)
        return 0;
    if (s->offset == s->tensor.bytes) {
        s->index++;
        s->offset = 0;
        look(s);
        if (s->index >= s->file.tensor_count)
            return 0;
    }
    left = s->tensor.bytes - s->offset;
    return left < len ? left : len;
}

void payload_stream_fill(struct payload_stream *s, void *buf, uint64_t len)
{
    uint8_t *out = buf;
    uint64_t n;

    for (; len && (n = within(s, len)) > 0; len -= n, out += n, s->offset += n)
        tensor_content_fill(s->content, s->tensor.object, s->tensor.type, s->offset, out, n);
}

uint64_t payload_stream_check(struct payload_stream *s, const void *data, uint64_t len)
{
    const uint8_t *p = data;
    uint64_t done = 0, n;

    while (done < len && (n = within(s, len - done)) > 0) {
        uint64_t same = tensor_content_check(s->content, s->tensor.object, s->tensor.type, s->offset, p + done, n);

        done += same;
        s->offset += same;
        if (same < n)
            break;
    }
    return done;
}
