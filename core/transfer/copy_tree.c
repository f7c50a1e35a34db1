/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/copy_tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "transfer/local_name.h"

struct walk {
    struct copy_tree *tree;
    size_t skip; /* bytes of each key that are the prefix and its slash */
};

static bool take_entry(struct walk *w, const dlfw_list_entry *entry, const char *key)
{
    struct copy_tree *t = w->tree;
    size_t key_len = entry->name_len, len = key_len > w->skip ? key_len - w->skip : 0;
    const char *name = key + w->skip;
    struct copy_item item = {
        .size = entry->size, .mtime_ns = entry->mtime_ns, .length = UINT64_MAX, .condition = t->condition};
    char *source, *target;
    const char *problem;
    bool more = true;

    if (!len || name[len - 1] == '/') { /* "dir/", kept as an object by some tools, says only that there is a group */
        atomic_fetch_add(&t->markers, 1);
        return true;
    }
    if (!matching_accepts(t->only, name, len))
        return true;
    problem = t->to_local ? local_name_problem(name, len) : memchr(name, '\0', len) ? "it has a NUL byte" : NULL;
    source = xstrndup(key, key_len);
    if (problem) {
        t->refuse(t->ctx, source, problem);
        free(source);
        return true;
    }
    target = xformat("%s%.*s", t->to, (int)len, name);
    item.source_key = source;
    item.target_key = target;
    more = t->take(t->ctx, &item, name, len);
    free(source);
    free(target);
    return more;
}

static bool take_page(void *ctx, struct listing_worker *worker, const struct listing_page *page)
{
    struct walk *w = ctx;

    (void)worker;
    for (uint32_t i = 0; i < page->count; i++)
        if (!take_entry(w, &page->entries[i], page->names + page->entries[i].name_off))
            return false;
    return true;
}

static void pass_tick(void *ctx)
{
    const struct walk *w = ctx;

    if (w->tree->tick)
        w->tree->tick(w->tree->ctx);
}

dlfw_status copy_tree_walk(struct copy_tree *tree, dlfw_error *err)
{
    struct walk w = {.tree = tree, .skip = *tree->prefix ? strlen(tree->prefix) + 1 : 0};
    struct listing_args args = {.storage = tree->source,
                                .prefix = tree->prefix,
                                .recursive = true,
                                .ctx = &w,
                                .page = take_page,
                                .tick = pass_tick};
    uint64_t failed = 0;
    dlfw_status st = listing_run(&args, &failed, err);

    if (st < 0 && failed > 1)
        error_prefix(err, "%" PRIu64 " folders could not be listed, the first one", failed);
    return st;
}
