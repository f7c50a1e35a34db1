/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "retire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent.h"

#define GROUPS 16u                     /* of the strategies that spread */
#define FOLDERS (1u + GROUPS + GROUPS) /* where shards of one checkpoint may be */

/* Folder i of those that may hold shards of name. */
static void folder_of(const char *name, uint32_t i, char buf[STORE_KEY_MAX])
{
    enum layout_strategy strategy = i == 0 ? LAYOUT_FLAT : i <= GROUPS ? LAYOUT_ROUND_ROBIN : LAYOUT_BINARY;

    layout_shard_key(strategy, name, i == 0 ? 0 : (i - 1) % GROUPS, CODEC_NONE, buf);
    *strrchr(buf, '/') = '\0';
}

struct sweep {
    const struct store *store;
    const char *folder;
    bool dry_run;
    retire_report *report;
    void *ctx;
    dlfw_error *reterr;
    dlfw_status st;
    char (*keys)[STORE_KEY_MAX];
    uint64_t *sizes;
    uint32_t count, cap;
};

/* "rank-12.bin", with or without an end of ours */
static bool is_shard_name(const char *name, uint32_t len)
{
    static const char begin[] = "rank-", end[] = ".bin";
    uint32_t i = sizeof begin - 1;

    if (len < i || memcmp(name, begin, i) != 0)
        return false;
    while (i < len && name[i] >= '0' && name[i] <= '9')
        i++;
    if (i == sizeof begin - 1 || len - i < sizeof end - 1 || memcmp(name + i, end, sizeof end - 1) != 0)
        return false;
    i += (uint32_t)sizeof end - 1;
    return i == len || (len - i == 4 && (memcmp(name + i, ".zst", 4) == 0 || memcmp(name + i, ".dlf", 4) == 0));
}

static int32_t found_shard(void *ctx, const dlfw_listed *item)
{
    struct sweep *w = ctx;

    if (!is_shard_name(item->name, item->name_len) || item->name_len + strlen(w->folder) + 2 > STORE_KEY_MAX)
        return 0;
    if (w->count == w->cap) {
        uint32_t cap = w->cap ? w->cap * 2 : 64;
        void *keys = realloc(w->keys, cap * sizeof *w->keys), *sizes;

        w->keys = keys ? keys : w->keys;
        sizes = keys ? realloc(w->sizes, cap * sizeof *w->sizes) : NULL;
        w->sizes = sizes ? sizes : w->sizes;
        if (!keys || !sizes) {
            w->st = dlfw_fail(w->reterr, DLFW_E_NO_MEMORY, "cannot keep the names of %" PRIu32 " shards", w->count);
            return 1;
        }
        w->cap = cap;
    }
    snprintf(w->keys[w->count], STORE_KEY_MAX, "%s/%.*s", w->folder, (int)item->name_len, item->name);
    w->sizes[w->count++] = item->size;
    return 0;
}

/* Names first, then removals: a listing need not stand removals under it. */
static dlfw_status sweep_folder(struct sweep *w)
{
    dlfw_status st = store_list(w->store, w->folder, false, found_shard, w, w->reterr);

    if (st >= 0)
        st = w->st;
    for (uint32_t i = 0; i < w->count && st >= 0; i++) {
        if (w->report)
            w->report(w->ctx, w->keys[i], w->sizes[i]);
        if (!w->dry_run)
            st = store_remove(w->store, w->keys[i], w->reterr);
    }
    w->count = 0;
    if (!w->dry_run)
        store_remove_folder(w->store, w->folder);
    return st;
}

/* Whether the manifest has a shard in folder. */
static bool names_folder(const struct manifest *m, const char *folder)
{
    const size_t len = strlen(folder);

    for (uint32_t i = 0; i < m->shard_count; i++)
        if (strncmp(m->shards[i].key, folder, len) == 0 && m->shards[i].key[len] == '/')
            return true;
    return false;
}

dlfw_status shards_sweep(const struct store *s, const char *name, const struct manifest *m, bool dry_run,
                         retire_report *report, void *ctx, dlfw_error *reterr)
{
    struct sweep w = {.store = s, .dry_run = dry_run, .report = report, .ctx = ctx, .reterr = reterr};
    dlfw_status st = DLFW_OK;

    for (uint32_t i = 0; i < FOLDERS && st >= 0; i++) {
        char folder[STORE_KEY_MAX];

        folder_of(name, i, folder);
        w.folder = folder;
        if (!m || names_folder(m, folder))
            st = sweep_folder(&w);
    }
    free(w.keys);
    free(w.sizes);
    return st;
}

/* The newest checkpoint that can be loaded, but one. *ret_any: there is one. */
static dlfw_status newest_complete(const struct store *s, const char *but, struct checkpoint_id *ret, bool *ret_any,
                                   dlfw_error *reterr)
{
    struct catalog catalog;
    dlfw_status st = catalog_read(s, &catalog, reterr);

    *ret_any = false;
    for (uint32_t i = catalog.count; i-- > 0 && st >= 0 && !*ret_any;) {
        struct manifest m;

        if (but && strcmp(catalog.ids[i].name, but) == 0)
            continue;
        if (store_read_manifest(s, catalog.ids[i].name, &m, NULL) < 0)
            continue; /* whatever is wrong with it, it is not the one to call latest */
        *ret_any = m.complete;
        *ret = catalog.ids[i];
        manifest_free(&m);
    }
    catalog_free(&catalog);
    return st;
}

dlfw_status latest_repoint(const struct store *s, const char *but, dlfw_error *reterr)
{
    struct checkpoint_id newest = {0};
    bool any = false;
    dlfw_status st = newest_complete(s, but, &newest, &any, reterr);

    if (st < 0)
        return st;
    return any ? store_write_latest(s, &newest, reterr) : store_remove(s, LATEST_KEY, reterr);
}

/* An intent of our own, unless somebody who lives has one. */
static dlfw_status claim(const struct store *s, const char *name, dlfw_error *reterr)
{
    struct intent intent;
    dlfw_status st = intent_read(s, name, &intent, reterr);

    if (st < 0)
        return st;
    if (intent.kind == INTENT_NONE)
        return intent_begin(s, name, INTENT_REMOVE, reterr);
    if (intent.owner == OWNER_ALIVE)
        return dlfw_fail(reterr, DLFW_E_BUSY, "'%s' is being %s by a process on this machine", name,
                         intent.kind == INTENT_SAVE ? "saved" : "removed");
    return intent_take_over(s, name, INTENT_REMOVE, reterr);
}

static dlfw_status remove_claimed(const struct store *s, const struct checkpoint_id *id, retire_report *report,
                                  void *ctx, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX];
    struct checkpoint_id latest;
    struct manifest m;
    bool any = false, known = store_read_manifest(s, id->name, &m, NULL) >= 0;
    dlfw_status st = store_read_latest(s, &latest, &any, reterr);

    if (st == DLFW_E_CORRUPT || (st >= 0 && any && strcmp(latest.name, id->name) == 0))
        st = latest_repoint(s, id->name, reterr);
    layout_manifest_key(id->name, key);
    if (st >= 0)
        st = store_remove(s, key, reterr);
    layout_marker_key(id->name, key);
    if (st >= 0)
        st = store_remove(s, key, reterr);
    if (st >= 0)
        st = shards_sweep(s, id->name, known && m.complete ? &m : NULL, false, report, ctx, reterr);
    manifest_free(&m);
    return st;
}

dlfw_status checkpoint_remove(const struct store *s, const struct checkpoint_id *id, retire_report *report, void *ctx,
                              dlfw_error *reterr)
{
    dlfw_status st = claim(s, id->name, reterr);

    if (st >= 0)
        st = remove_claimed(s, id, report, ctx, reterr);
    return st < 0 ? st : intent_end(s, id->name, reterr);
}

/* newer: how many were saved after it */
static bool is_kept(const struct checkpoint_id *id, const char *saved, uint64_t newer, uint64_t keep_last,
                    uint64_t keep_every)
{
    return newer < keep_last || (keep_every && id->step % keep_every == 0) || strcmp(id->name, saved) == 0;
}

dlfw_status checkpoints_retain(const struct store *s, const char *saved, uint64_t keep_last, uint64_t keep_every,
                               uint32_t *ret_removed, dlfw_error *reterr)
{
    struct catalog catalog;
    dlfw_status st;

    *ret_removed = 0;
    if (!keep_last && !keep_every)
        return DLFW_OK;
    st = catalog_read(s, &catalog, reterr);
    for (uint32_t i = 0; i < catalog.count && st >= 0; i++) {
        if (is_kept(&catalog.ids[i], saved, catalog.count - 1 - i, keep_last, keep_every))
            continue;
        st = checkpoint_remove(s, &catalog.ids[i], NULL, NULL, reterr);
        if (st == DLFW_E_BUSY) /* somebody else is at it */
            st = DLFW_OK;
        else if (st >= 0)
            ++*ret_removed;
    }
    catalog_free(&catalog);
    return st;
}
