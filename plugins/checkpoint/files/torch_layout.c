/* SPDX-License-Identifier: Apache-2.0 */
#include "torch_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pickle_stream.h"

#define BEFORE_TENSORS 2u /* data.pkl, byteorder */
#define AFTER_TENSORS 1u  /* version */

uint64_t torch_member_count(const struct plan_file *file)
{
    return BEFORE_TENSORS + file->tensor_count + AFTER_TENSORS;
}

static void set_text(struct torch_member *ret, const char *name, const char *text)
{
    ret->kind = TORCH_TEXT;
    ret->text = text;
    ret->bytes = strlen(text);
    snprintf(ret->name, sizeof ret->name, "archive/%s", name);
}

void torch_member_at(const struct model_plan *plan, const struct plan_file *file, uint64_t pickle_bytes, uint64_t index,
                     struct torch_member *ret)
{
    struct plan_tensor t;

    *ret = (struct torch_member){0};
    if (index == 0) {
        ret->kind = TORCH_PICKLE;
        ret->bytes = pickle_bytes;
        snprintf(ret->name, sizeof ret->name, "archive/data.pkl");
    } else if (index < BEFORE_TENSORS) {
        set_text(ret, "byteorder", "little");
    } else if (index - BEFORE_TENSORS < file->tensor_count) {
        ret->kind = TORCH_TENSOR;
        ret->tensor = index - BEFORE_TENSORS;
        model_plan_tensor(plan, file, ret->tensor, &t);
        ret->bytes = t.bytes;
        snprintf(ret->name, sizeof ret->name, "archive/data/%" PRIu64, ret->tensor);
    } else {
        set_text(ret, "version", "3\n");
    }
}

uint64_t torch_file_bytes(const struct model_plan *plan, const struct plan_file *file)
{
    const uint64_t pickle_bytes = pickle_size(plan, file), count = torch_member_count(file);
    uint64_t offset = 0, dir_bytes = 0;
    uint8_t record[ZIP_RECORD_MAX];

    for (uint64_t i = 0; i < count; i++) {
        struct torch_member m;
        struct zip_member z;

        torch_member_at(plan, file, pickle_bytes, i, &m);
        z = (struct zip_member){.name = m.name, .offset = offset, .bytes = m.bytes};
        dir_bytes += zip_put_dir(record, &z);
        offset += zip_put_local(record, &z) + m.bytes + zip_put_descriptor(record, &z);
    }
    return offset + dir_bytes + zip_put_end(record, count, offset, dir_bytes);
}
