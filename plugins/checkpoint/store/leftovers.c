/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "leftovers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 64u /* "rr/00", "bin/0000", ... */
#define GROUP_NAME_MAX 16u

enum found { FOUND_SHARDS, FOUND_MARKER, FOUND_INTENT };

/* A listing under way. */
struct looking {
    struct traces *traces;
    enum found found;
    char groups[GROUPS_MAX][GROUP_NAME_MAX]; /* names of groups that hold no checkpoint themselves */
    uint32_t group_count;
};

static struct trace *trace_of(struct traces *t, const struct checkpoint_id *id)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].id.name, id->name) == 0)
            return &t->items[i];
    if (t->count == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        struct trace *more = realloc(t->items, cap * sizeof *more);

        if (!more)
            return NULL;
        t->items = more;
        t->cap = cap;
    }
    t->items[t->count] = (struct trace){.id = *id};
    if (id->time > 0)
        t->items[t->count].newest_ns = (uint64_t)id->time * 1000000000u;
    return &t->items[t->count++];
}

static bool parse_item(const struct looking *l, const dlfw_listed *item, struct checkpoint_id *ret)
{
    static const char json[] = ".json";
    uint32_t len = item->name_len, end = l->found == FOUND_SHARDS ? 1 : (uint32_t)sizeof json - 1;

    if (len <= end || (l->found == FOUND_SHARDS && item->name[len - 1] != '/') ||
        (l->found != FOUND_SHARDS && memcmp(item->name + len - end, json, end) != 0))
        return false;
    return checkpoint_id_parse(item->name, len - end, ret);
}

static int32_t look_at(void *ctx, const dlfw_listed *item)
{
    struct looking *l = ctx;
    struct checkpoint_id id;
    struct trace *t;

    if (!parse_item(l, item, &id)) {
        if (l->found == FOUND_SHARDS && l->group_count < GROUPS_MAX && item->name_len > 1 &&
            item->name_len <= GROUP_NAME_MAX && item->name[item->name_len - 1] == '/')
            snprintf(l->groups[l->group_count++], GROUP_NAME_MAX, "%.*s", (int)item->name_len - 1, item->name);
        return 0;
    }
    t = trace_of(l->traces, &id);
    if (!t) {
        l->traces->st = DLFW_E_NO_MEMORY;
        return 1;
    }
    t->has_shards |= l->found == FOUND_SHARDS;
    t->has_marker |= l->found == FOUND_MARKER;
    t->has_intent |= l->found == FOUND_INTENT;
    if (item->mtime_ns > t->newest_ns && l->found == FOUND_INTENT)
        t->newest_ns = item->mtime_ns;
    return 0;
}

static dlfw_status look(const struct store *s, const char *key, struct looking *l, dlfw_error *reterr)
{
    dlfw_status st;

    l->group_count = 0;
    st = store_list(s, key, false, look_at, l, reterr);
    if (st >= 0 && l->traces->st < 0)
        st = dlfw_fail(reterr, l->traces->st, "cannot keep what was found in '%s'", key);
    return st;
}

/* "shards" and, two levels below it, the groups of the strategies that spread. */
static dlfw_status look_at_shards(const struct store *s, struct traces *t, dlfw_error *reterr)
{
    struct looking top = {.traces = t, .found = FOUND_SHARDS}, middle = top, bottom = top;
    dlfw_status st = look(s, "shards", &top, reterr);

    for (uint32_t i = 0; i < top.group_count && st >= 0; i++) {
        char key[STORE_KEY_MAX];

        if (strcmp(top.groups[i], "rr") != 0 && strcmp(top.groups[i], "bin") != 0)
            continue;
        snprintf(key, sizeof key, "shards/%s", top.groups[i]);
        st = look(s, key, &middle, reterr);
        for (uint32_t k = 0; k < middle.group_count && st >= 0; k++) {
            snprintf(key, sizeof key, "shards/%s/%s", top.groups[i], middle.groups[k]);
            st = look(s, key, &bottom, reterr);
        }
    }
    return st;
}

dlfw_status traces_read(const struct store *s, struct traces *ret, dlfw_error *reterr)
{
    struct looking markers = {.traces = ret, .found = FOUND_MARKER}, intents = {.traces = ret, .found = FOUND_INTENT};
    dlfw_status st;

    *ret = (struct traces){0};
    st = look_at_shards(s, ret, reterr);
    if (st >= 0)
        st = look(s, "latest", &markers, reterr);
    if (st >= 0)
        st = look(s, "intents", &intents, reterr);
    if (st < 0)
        traces_free(ret);
    return st;
}

void traces_free(struct traces *t)
{
    free(t->items);
    *t = (struct traces){0};
}

struct dating {
    const char *name;
    uint64_t newest_ns;
};

/* A shard of the name, whichever way it was spread. */
static int32_t date_item(void *ctx, const dlfw_listed *item)
{
    struct dating *d = ctx;
    const char *at = memmem(item->name, item->name_len, d->name, strlen(d->name));

    if (at && at[strlen(d->name)] == '/' && item->mtime_ns > d->newest_ns)
        d->newest_ns = item->mtime_ns;
    return 0;
}

dlfw_status trace_date(const struct store *s, struct trace *t, dlfw_error *reterr)
{
    struct dating d = {.name = t->id.name, .newest_ns = t->newest_ns};
    dlfw_status st = store_list(s, "shards", true, date_item, &d, reterr);

    t->newest_ns = d.newest_ns;
    return st;
}
