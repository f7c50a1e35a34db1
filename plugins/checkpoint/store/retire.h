/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints that go: one that is removed, those beyond what is kept, the shards of one that never came to be. The
 * order is always: `latest` names another, the manifest goes (from here on the checkpoint does not exist), then its
 * bytes.
 */
#ifndef DLFW_CHECKPOINT_STORE_RETIRE_H
#define DLFW_CHECKPOINT_STORE_RETIRE_H

#include "store.h"

/* What an object was, just before it was removed; size UINT64_MAX: not known. */
typedef void retire_report(void *ctx, const char *key, uint64_t size);

/* Every shard in the folders of name; m: only in the folders it names. dry_run: only reports. report: may be NULL. */
dlfw_status shards_sweep(const struct store *s, const char *name, const struct manifest *m, bool dry_run,
                         retire_report *report, void *ctx, dlfw_error *reterr);
/* `latest` names the newest complete checkpoint that is not `but` (NULL: any), or is removed. */
dlfw_status latest_repoint(const struct store *s, const char *but, dlfw_error *reterr);
/* BUSY: a living process saves or removes it. */
dlfw_status checkpoint_remove(const struct store *s, const struct checkpoint_id *id, retire_report *report, void *ctx,
                              dlfw_error *reterr);
/* Removes all but the keep_last newest, those whose step is a multiple of keep_every, and the one that was just saved.
 * 0: no rule; both 0: everything stays. */
dlfw_status checkpoints_retain(const struct store *s, const char *saved, uint64_t keep_last, uint64_t keep_every,
                               uint32_t *ret_removed, dlfw_error *reterr);

#endif
