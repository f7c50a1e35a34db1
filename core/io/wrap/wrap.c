/* SPDX-License-Identifier: Apache-2.0 */
/* Which wrappers there are, their options from the YAML list, and their place in the stack. The list's first one is the
 * outermost. */
#include "io/wrap/wrap.h"

#include <stdlib.h>
#include <string.h>

static const struct wrap_kind *const kinds[] = {&wrap_delay, &wrap_error, &wrap_throttle};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static const struct wrap_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

static void report_unknown(const dlfw_node *at, const char *name, struct problem_list *problems)
{
    const char *names[KIND_COUNT + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = kinds[i]->name;
    nearest = schema_nearest(name, NULL, 0, names);
    if (nearest)
        problem_add(problems, true, at, "unknown storage wrapper '%s', did you mean '%s'?", name, nearest);
    else
        problem_add(problems, true, at, "unknown storage wrapper '%s'; there are delay, error and throttle", name);
}

/* One {name: {options}} of the list. False: it was reported. */
static bool parse_one(const struct node_pair *pair, uint32_t index, struct node_tree *tree, struct wrap_choice *ret,
                      struct problem_list *problems)
{
    const struct wrap_kind *kind = find_kind(pair->key);
    const dlfw_node *map = node_is_null(pair->value) ? NULL : pair->value;
    uint32_t errors = problems->errors;
    const char *mistake;
    char *path;
    void *options;

    if (!kind) {
        report_unknown(pair->value, pair->key, problems);
        return false;
    }
    if (map && map->kind != DLFW_NODE_MAP) {
        problem_add(problems, true, map, "storage wrapper '%s' needs a mapping of its options", kind->name);
        return false;
    }
    path = arena_format(&tree->arena, "storage.wrap[%u].%s", index, kind->name);
    options = arena_alloc(&tree->arena, kind->options_size);
    schema_fill(tree, map, path, kind->rows, kind->row_count, NULL, options, problems);
    if (problems->errors != errors)
        return false;
    mistake = kind->check(options);
    if (mistake) {
        problem_add(problems, true, pair->value, "%s: %s", path, mistake);
        return false;
    }
    *ret = (struct wrap_choice){.kind = kind, .options = options};
    return true;
}

uint32_t wrap_parse(const dlfw_node *list, struct node_tree *tree, struct wrap_choice *choices,
                    struct problem_list *problems)
{
    uint32_t n = 0;

    if (!list || node_is_null(list))
        return 0;
    if (list->kind != DLFW_NODE_LIST) {
        problem_add(problems, true, list, "storage.wrap must be a list such as [ {delay: {read: 5ms}} ]");
        return 0;
    }
    if (list->count > WRAP_MAX) {
        problem_add(problems, true, list, "storage.wrap has %u wrappers; at most %u fit", list->count, WRAP_MAX);
        return 0;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        dlfw_node *item = list->pairs[i].value;

        if (item->kind != DLFW_NODE_MAP || item->count != 1) {
            problem_add(problems, true, item,
                        "each entry of storage.wrap is one wrapper with its options: {delay: {read: 5ms}}");
            continue;
        }
        item->used = true;
        item->pairs[0].value->used = true;
        if (parse_one(&item->pairs[0], i, tree, &choices[n], problems))
            n++;
    }
    return n;
}

void wrap_create(const struct wrap_choice *choice, const struct backend_layer *under, struct backend_layer *ret)
{
    struct wrap_backend *w = xcalloc(1, sizeof *w);

    w->under = *under;
    w->kind = choice->kind;
    w->state = xcalloc(1, choice->kind->state_size);
    w->kind->init(w->state, choice->options);
    w->ops = (dlfw_backend_ops){.struct_size = sizeof w->ops,
                                .thread_class = DLFW_THREADS_PARALLEL,
                                .caps = under->ops->caps,
                                .op_mask = under->ops->op_mask};
    wrap_queue_fill_ops(&w->ops, under->ops->req_scratch);
    *ret = (struct backend_layer){
        .ops = &w->ops, .be = (dlfw_backend *)w, .name = choice->kind->name, .queue_mode = wrap_queue_mode};
}

void wrap_destroy(struct backend_layer *layer)
{
    struct wrap_backend *w = (struct wrap_backend *)layer->be;

    if (!w)
        return;
    if (w->kind->fini)
        w->kind->fini(w->state);
    free(w->state);
    free(w);
    *layer = (struct backend_layer){0};
}
