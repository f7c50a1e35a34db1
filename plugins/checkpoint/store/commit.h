/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rank 0's part of a save: the name and the intent before any shard, the manifest after all of them. With the manifest
 * the checkpoint exists; what fails before leaves none, what fails behind it leaves a whole one.
 */
#ifndef DLFW_CHECKPOINT_STORE_COMMIT_H
#define DLFW_CHECKPOINT_STORE_COMMIT_H

#include "store.h"

/* How a commit ended. */
enum commit_state {
    COMMIT_UNDONE = 0, /* there is no manifest: shards may go */
    COMMIT_UNKNOWN,    /* a manifest may be there and could not be removed: shards must stay */
    COMMIT_DONE        /* the checkpoint is there, and latest */
};

/* Finds a name that nobody uses and that is younger than all others, from the present second on, and puts the intent
 * there. */
dlfw_status commit_begin(const struct store *s, uint64_t step, struct checkpoint_id *ret, dlfw_error *reterr);
/* Manifest, latest, marker. A failure is undone as far as possible; *ret_state says how far. */
dlfw_status commit_manifest(const struct store *s, const struct checkpoint_id *id, const struct manifest *m,
                            enum commit_state *ret_state, dlfw_error *reterr);

#endif
