/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "commit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "intent.h"
#include "retire.h"

#define NAME_TRIES 60 /* seconds that may be taken by others */

/* The intent comes first: who has it owns the name, and looks then whether a checkpoint has it already. */
static dlfw_status try_name(const struct store *s, const char *name, bool *ret_taken, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX];
    bool exists = false;
    dlfw_status st = intent_begin(s, name, INTENT_SAVE, reterr);

    *ret_taken = st == DLFW_E_EXISTS;
    if (st < 0)
        return *ret_taken ? DLFW_OK : st;
    layout_manifest_key(name, key);
    st = store_exists(s, key, &exists, reterr);
    if (st >= 0 && !exists)
        return DLFW_OK;
    *ret_taken = st >= 0;
    if (st < 0)
        (void)intent_end(s, name, NULL); /* the first failure is the one to tell */
    else
        st = intent_end(s, name, reterr);
    return st;
}

/* The present second, or the one after the newest checkpoint's when that was saved a moment ago: names are in the order
 * of saving. A clock that once ran far ahead is not followed. */
static dlfw_status first_second(const struct store *s, uint64_t step, int64_t *ret, dlfw_error *reterr)
{
    struct checkpoint_id mine = {.step = step};
    struct catalog catalog;
    struct timespec now;
    dlfw_status st = catalog_read(s, &catalog, reterr);

    clock_gettime(CLOCK_REALTIME, &now);
    mine.time = (int64_t)now.tv_sec;
    if (st >= 0 && catalog.count) {
        const struct checkpoint_id *newest = &catalog.ids[catalog.count - 1];

        if (checkpoint_id_order(&mine, newest) <= 0 && newest->time - mine.time < NAME_TRIES)
            mine.time = newest->time + 1;
    }
    catalog_free(&catalog);
    *ret = mine.time;
    return st;
}

dlfw_status commit_begin(const struct store *s, uint64_t step, struct checkpoint_id *ret, dlfw_error *reterr)
{
    bool taken = true;
    int64_t second = 0;
    dlfw_status st = first_second(s, step, &second, reterr);

    for (int64_t i = 0; i < NAME_TRIES && taken && st >= 0; i++) {
        checkpoint_id_make(step, second + i, ret);
        st = try_name(s, ret->name, &taken, reterr);
    }
    if (st >= 0 && taken)
        st = dlfw_fail(reterr, DLFW_E_EXISTS, "'%s': %d names from '%s' on are taken; is another run writing here?",
                       s->folder, NAME_TRIES, ret->name);
    return st;
}

/* Not one of the steps may be left out: a manifest that may be there needs its shards, a latest that may name it too.
 */
static dlfw_status undo(const struct store *s, const struct checkpoint_id *id)
{
    char key[STORE_KEY_MAX];
    struct checkpoint_id latest;
    bool any = false;
    dlfw_status st = store_read_latest(s, &latest, &any, NULL);

    if (st >= 0 && any && strcmp(latest.name, id->name) == 0)
        st = latest_repoint(s, id->name, NULL);
    layout_manifest_key(id->name, key);
    if (st >= 0)
        st = store_remove(s, key, NULL);
    layout_marker_key(id->name, key);
    return st < 0 ? st : store_remove(s, key, NULL);
}

dlfw_status commit_manifest(const struct store *s, const struct checkpoint_id *id, const struct manifest *m,
                            enum commit_state *ret_state, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX], *text = NULL;
    uint64_t len = 0;
    dlfw_status st = manifest_print(m, &text, &len, reterr);

    *ret_state = COMMIT_UNDONE;
    if (st < 0)
        return st;
    layout_manifest_key(id->name, key);
    st = store_put(s, key, text, len, 0, reterr);
    free(text);
    if (st >= 0)
        st = store_write_latest(s, id, reterr);
    if (st >= 0)
        *ret_state = COMMIT_DONE;
    else if (undo(s, id) < 0) /* also when the put failed: it may have come through */
        *ret_state = COMMIT_UNKNOWN;
    return st;
}
