/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a file in PyTorch's container, in file order: the pickle, the byte order, the tensors, the version. */
#ifndef DLFW_CHECKPOINT_TORCH_LAYOUT_H
#define DLFW_CHECKPOINT_TORCH_LAYOUT_H

#include "common/model_plan.h"
#include "zip_records.h"

enum torch_member_kind { TORCH_PICKLE = 1, TORCH_TEXT, TORCH_TENSOR };

struct torch_member {
    enum torch_member_kind kind;
    const char *text; /* TEXT: its bytes */
    uint64_t tensor;  /* TENSOR */
    uint64_t bytes;
    char name[ZIP_NAME_MAX];
};

uint64_t torch_member_count(const struct plan_file *file);
/* index < count. pickle_bytes: pickle_size() of the file. */
void torch_member_at(const struct model_plan *plan, const struct plan_file *file, uint64_t pickle_bytes, uint64_t index,
                     struct torch_member *ret);
/* The exact size of the whole file. */
uint64_t torch_file_bytes(const struct model_plan *plan, const struct plan_file *file);

#endif
