/* SPDX-License-Identifier: Apache-2.0 */
/* One rank's shard of a checkpoint that is there, found by step or as the latest, read and checked. */
#ifndef DLFW_CHECKPOINT_STORE_LOAD_H
#define DLFW_CHECKPOINT_STORE_LOAD_H

#include "shard_read.h"

/* The newest checkpoint of step. NOT_FOUND: none. */
dlfw_status load_find_step(const struct store *s, uint64_t step, struct checkpoint_id *ret, dlfw_error *reterr);
/* What `latest` names. NOT_FOUND: nothing. */
dlfw_status load_find_latest(const struct store *s, struct checkpoint_id *ret, dlfw_error *reterr);
/* Opens its manifest; CORRUPT when it is not complete. */
dlfw_status load_manifest(const struct store *s, const char *name, struct manifest *ret, dlfw_error *reterr);

#endif
