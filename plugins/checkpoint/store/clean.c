/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "clean.h"

#include <time.h>

#include "intent.h"
#include "leftovers.h"
#include "retire.h"

struct cleaning {
    const struct store *store;
    const struct clean_args *args;
    uint64_t now_ns; /* since 1970 */
};

static void say(const struct cleaning *c, const char *key, uint64_t size, const char *why)
{
    if (c->args->report)
        c->args->report(c->args->ctx, key, size, why);
}

static void say_shard(void *ctx, const char *key, uint64_t size)
{
    say(ctx, key, size, "a shard without a manifest");
}

/* Whether nobody works on t any more. */
static dlfw_status is_dead(const struct cleaning *c, struct trace *t, bool *ret, dlfw_error *reterr)
{
    struct intent intent;
    dlfw_status st = intent_read(c->store, t->id.name, &intent, reterr);

    *ret = false;
    if (st < 0 || intent.owner == OWNER_ALIVE)
        return st;
    *ret = intent.owner == OWNER_GONE || !c->args->min_age_ns;
    if (*ret)
        return DLFW_OK;
    st = trace_date(c->store, t, reterr);
    *ret = st >= 0 && c->now_ns > t->newest_ns && c->now_ns - t->newest_ns > c->args->min_age_ns;
    return st;
}

/* A folder of shards, a marker or an intent whose checkpoint has no manifest. */
static dlfw_status clean_unfinished(const struct cleaning *c, const struct trace *t, dlfw_error *reterr)
{
    const bool dry_run = c->args->dry_run;
    char key[STORE_KEY_MAX];
    dlfw_status st = DLFW_OK;

    if (t->has_shards)
        st = shards_sweep(c->store, t->id.name, NULL, dry_run, say_shard, (void *)(uintptr_t)c, reterr);
    layout_marker_key(t->id.name, key);
    if (st >= 0 && t->has_marker) {
        say(c, key, UINT64_MAX, "a marker without a checkpoint");
        st = dry_run ? DLFW_OK : store_remove(c->store, key, reterr);
    }
    layout_intent_key(t->id.name, key);
    if (st >= 0 && t->has_intent) { /* last, so that what is left is found again when this stops half way */
        say(c, key, UINT64_MAX, "the intent of a process that is gone");
        st = dry_run ? DLFW_OK : store_remove(c->store, key, reterr);
    }
    return st;
}

/* A save that died between its manifest and its end is finished; a removal that died before it began is forgotten. */
static dlfw_status clean_committed(const struct cleaning *c, struct trace *t, dlfw_error *reterr)
{
    struct checkpoint_id latest = {0};
    char key[STORE_KEY_MAX];
    struct manifest m = {0};
    bool dead = false, any = false;
    dlfw_status st = is_dead(c, t, &dead, reterr);

    if (st < 0 || !dead)
        return st;
    layout_intent_key(t->id.name, key);
    say(c, key, UINT64_MAX, "the intent of a process that is gone; its checkpoint is whole");
    if (c->args->dry_run)
        return DLFW_OK;
    st = store_read_latest(c->store, &latest, &any, reterr);
    if (st >= 0 && (!any || checkpoint_id_order(&latest, &t->id) < 0)) {
        if (store_read_manifest(c->store, t->id.name, &m, NULL) >= 0 && m.complete)
            st = store_write_latest(c->store, &t->id, reterr);
        manifest_free(&m);
    }
    return st < 0 ? st : store_remove(c->store, key, reterr);
}

static dlfw_status clean_trace(const struct cleaning *c, struct trace *t, const struct catalog *catalog,
                               dlfw_error *reterr)
{
    char key[STORE_KEY_MAX];
    bool dead = !t->has_shards && !t->has_intent, committed = false;
    dlfw_status st = DLFW_OK;

    if (catalog_find(catalog, t->id.name))
        return t->has_intent ? clean_committed(c, t, reterr) : DLFW_OK;
    if (!dead)
        st = is_dead(c, t, &dead, reterr);
    if (st < 0 || !dead)
        return st;
    layout_manifest_key(t->id.name, key);
    st = store_exists(c->store, key, &committed, reterr); /* the catalog may be old by now */
    return st < 0 || committed ? st : clean_unfinished(c, t, reterr);
}

/* The catalog is younger than anything that names a checkpoint without a manifest. */
static dlfw_status mend_latest(const struct cleaning *c, const struct catalog *catalog, dlfw_error *reterr)
{
    struct checkpoint_id latest;
    bool any = false;
    dlfw_status st = store_read_latest(c->store, &latest, &any, reterr);

    if (st == DLFW_E_CORRUPT || (st >= 0 && any && !catalog_find(catalog, latest.name))) {
        say(c, LATEST_KEY, UINT64_MAX, "names no checkpoint; it will name the newest");
        st = c->args->dry_run ? DLFW_OK : latest_repoint(c->store, NULL, reterr);
    }
    return st;
}

dlfw_status store_clean(const struct store *s, const struct clean_args *args, dlfw_error *reterr)
{
    struct cleaning c = {.store = s, .args = args};
    struct catalog catalog = {0};
    struct traces traces;
    struct timespec now;
    dlfw_status st =
        traces_read(s, &traces, reterr); /* before the catalog: what is committed meanwhile has a manifest */

    clock_gettime(CLOCK_REALTIME, &now);
    c.now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (st >= 0)
        st = catalog_read(s, &catalog, reterr);
    if (st >= 0)
        st = mend_latest(&c, &catalog, reterr);
    for (uint32_t i = 0; i < traces.count && st >= 0; i++)
        st = clean_trace(&c, &traces.items[i], &catalog, reterr);
    catalog_free(&catalog);
    traces_free(&traces);
    return st;
}
