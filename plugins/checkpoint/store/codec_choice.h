/* SPDX-License-Identifier: Apache-2.0 */
/* compress: auto - the codec for a rank's tensors, by trying them on samples. */
#ifndef DLFW_CHECKPOINT_STORE_CODEC_CHOICE_H
#define DLFW_CHECKPOINT_STORE_CODEC_CHOICE_H

#include "shard_parts.h"
#include "part_codec.h"

/* The smallest; none where nothing saves at least 3 %. part_bytes: as in the shard. */
dlfw_status codec_choose(const dlfw_host *host, const struct model_plan *plan, const struct tensor_content *content,
                         int32_t level, uint64_t part_bytes, enum codec *ret, dlfw_error *reterr);

#endif
