/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <inttypes.h>

dlfw_status load_find_step(const struct store *s, uint64_t step, struct checkpoint_id *ret, dlfw_error *reterr)
{
    struct catalog catalog;
    bool found = false;
    dlfw_status st = catalog_read(s, &catalog, reterr);

    if (st < 0)
        return st;
    for (uint32_t i = catalog.count; i-- > 0 && !found;) {
        found = catalog.ids[i].step == step;
        *ret = catalog.ids[i];
    }
    catalog_free(&catalog);
    return found ? DLFW_OK
                 : dlfw_fail(reterr, DLFW_E_NOT_FOUND, "there is no checkpoint of step %" PRIu64 " in '%s'", step,
                             s->folder);
}

dlfw_status load_find_latest(const struct store *s, struct checkpoint_id *ret, dlfw_error *reterr)
{
    bool any = false;
    dlfw_status st = store_read_latest(s, ret, &any, reterr);

    if (st >= 0 && !any)
        st = dlfw_fail(reterr, DLFW_E_NOT_FOUND, "there is no latest checkpoint in '%s'", s->folder);
    return st;
}

dlfw_status load_manifest(const struct store *s, const char *name, struct manifest *ret, dlfw_error *reterr)
{
    dlfw_status st = store_read_manifest(s, name, ret, reterr);

    if (st >= 0 && !ret->complete) {
        st = dlfw_fail(reterr, DLFW_E_CORRUPT,
                       "checkpoint '%s' is not complete: %" PRIu32 " shards of %" PRIu32 " ranks", name,
                       ret->shard_count, ret->world_size);
        manifest_free(ret);
    }
    return st;
}
