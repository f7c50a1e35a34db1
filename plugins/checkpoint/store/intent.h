/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object intents/NAME.json stands while shards of checkpoint NAME are written or removed. It names the process, so
 * that afterwards others on the machine can tell work that goes on from work that died. Whoever cannot tell goes by
 * age.
 */
#ifndef DLFW_CHECKPOINT_STORE_INTENT_H
#define DLFW_CHECKPOINT_STORE_INTENT_H

#include "store.h"

enum intent_kind { INTENT_NONE = 0, INTENT_SAVE, INTENT_REMOVE };
enum intent_owner { OWNER_UNKNOWN = 0, OWNER_ALIVE, OWNER_GONE };

struct intent {
    enum intent_kind kind;
    enum intent_owner owner;
};

/* DLFW_E_EXISTS: somebody is at it already. */
dlfw_status intent_begin(const struct store *s, const char *name, enum intent_kind kind, dlfw_error *reterr);
/* The same for one that may have been left by a process that died. */
dlfw_status intent_take_over(const struct store *s, const char *name, enum intent_kind kind, dlfw_error *reterr);
dlfw_status intent_end(const struct store *s, const char *name, dlfw_error *reterr);
/* .kind is INTENT_NONE when there is none. One that cannot be understood is a save of an unknown owner. */
dlfw_status intent_read(const struct store *s, const char *name, struct intent *ret, dlfw_error *reterr);

#endif
