/* SPDX-License-Identifier: Apache-2.0 */
#include "tools_select.h"

#include <string.h>

#include "load.h"

/* Keeps only id. */
static dlfw_status keep_one(struct catalog *c, const struct checkpoint_id *id, const struct store *s,
                            dlfw_error *reterr)
{
    if (!catalog_find(c, id->name))
        return dlfw_fail(reterr, DLFW_E_NOT_FOUND, "there is no checkpoint '%s' in '%s'", id->name, s->folder);
    c->ids[0] = *id;
    c->count = 1;
    return DLFW_OK;
}

static dlfw_status select_in(const struct store *s, const dlfw_checkpoint_select *select, struct catalog *c,
                             dlfw_error *reterr)
{
    struct checkpoint_id id;
    dlfw_status st;

    if (select->name) {
        if (!checkpoint_id_parse(select->name, strlen(select->name), &id))
            return dlfw_fail(reterr, DLFW_E_INVALID, "'%s' is no name of a checkpoint; 'ckpt-STEP-DATE-TIME' is",
                             select->name);
        return keep_one(c, &id, s, reterr);
    }
    if (select->flags & DLFW_CHECKPOINT_SELECT_STEP)
        st = load_find_step(s, select->step, &id, reterr);
    else if (select->flags & DLFW_CHECKPOINT_SELECT_ALL)
        return c->count ? DLFW_OK : dlfw_fail(reterr, DLFW_E_NOT_FOUND, "there are no checkpoints in '%s'", s->folder);
    else
        st = load_find_latest(s, &id, reterr);
    return st < 0 ? st : keep_one(c, &id, s, reterr);
}

dlfw_status checkpoints_select(const struct store *s, const dlfw_checkpoint_select *select, struct catalog *ret,
                               dlfw_error *reterr)
{
    dlfw_status st = catalog_read(s, ret, reterr);

    if (st >= 0)
        st = select_in(s, select, ret, reterr);
    if (st < 0)
        catalog_free(ret);
    return st;
}
