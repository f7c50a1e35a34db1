/* SPDX-License-Identifier: Apache-2.0 */
/* Which names have something below a folder: shards, a marker, an intent; and how young it is. */
#ifndef DLFW_CHECKPOINT_STORE_LEFTOVERS_H
#define DLFW_CHECKPOINT_STORE_LEFTOVERS_H

#include "store.h"

struct trace {
    struct checkpoint_id id;
    bool has_shards, has_marker, has_intent; /* has_shards: at least the folder */
    uint64_t newest_ns;                      /* since 1970, of anything that was seen; at least the time in the name */
};

struct traces {
    struct trace *items;
    uint32_t count, cap;
    dlfw_status st; /* while it is read */
};

/* The ages of shards are left to trace_date(). */
dlfw_status traces_read(const struct store *s, struct traces *ret, dlfw_error *reterr);
void traces_free(struct traces *t); /* zeroed is fine */
/* Makes newest_ns as young as the youngest shard. */
dlfw_status trace_date(const struct store *s, struct trace *t, dlfw_error *reterr);

#endif
