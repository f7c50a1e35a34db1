/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a storage: the URI's scheme picks the plugin, its options come from the tree, wrappers are stacked on top.
 * All mistakes of the configuration are collected before anything is opened; when opening fails nothing is left behind.
 */
#include "io/storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "io/io_align.h"
#include "io/storage_parts.h"
#include "plugin/serial_lock.h"

static void enter(const struct backend_layer *layer)
{
    serial_enter(layer->serial);
}

static void leave(const struct backend_layer *layer)
{
    serial_leave(layer->serial);
}

/* What the tree asked for, once read without mistakes. */
struct stack_plan {
    struct wrap_choice wraps[WRAP_MAX];
    uint32_t wrap_count;
};

static struct storage *storage_new(const char *uri)
{
    struct storage *st = xcalloc(1, sizeof *st);

    st->uri_text = xstrdup(uri);
    st->layer_count = 1;
    pthread_mutex_init(&st->instance_lock, NULL);
    pthread_mutex_init(&st->register_lock, NULL);
    return st;
}

static struct node_tree *tree_of(struct storage *st, const struct storage_args *args)
{
    return args->tree ? args->tree : &st->own_tree;
}

/* Fails when the list has more errors than before. The first one is the message when nobody else prints the list. */
static dlfw_status settle_problems(const struct storage_args *args, const struct problem_list *problems,
                                   uint32_t before, dlfw_error *err)
{
    if (problems->errors == before)
        return DLFW_OK;
    for (uint32_t i = 0; !args->problems && i < problems->count; i++) {
        if (problems->items[i].is_error)
            return dlfw_fail(err, DLFW_E_CONFIG, "%s", problems->items[i].text);
    }
    return dlfw_fail(err, DLFW_E_CONFIG, "the options of storage '%s' have mistakes", args->uri);
}

static void read_policies(struct storage *st, const struct storage_args *args, struct stack_plan *plan,
                          struct problem_list *problems)
{
    const dlfw_node *retry = node_is_null(args->retry) ? NULL : args->retry;

    if (retry && retry->kind != DLFW_NODE_MAP)
        problem_add(problems, true, retry, "storage.retry must be a mapping: {max_attempts: 5, timeout: 60s}");
    else
        schema_fill(tree_of(st, args), retry, "storage.retry", retry_rows, retry_row_count, NULL, &st->retry, problems);
    plan->wrap_count = wrap_parse(args->wrap, tree_of(st, args), plan->wraps, problems);
}

static void push_wrappers(struct storage *st, const struct stack_plan *plan)
{
    for (uint32_t i = plan->wrap_count; i-- > 0;) {
        wrap_create(&plan->wraps[i], storage_top(st), &st->layers[st->layer_count]);
        st->layer_count++;
    }
}

static void set_backend(struct storage *st, const dlfw_backend_ops *ops, dlfw_backend *be)
{
    st->layers[0] = (struct backend_layer){
        .ops = ops, .be = be, .name = st->uri.scheme, .serial = serial_lock(ops->thread_class, &st->instance_lock)};
}

dlfw_status storage_open_ops(const dlfw_backend_ops *ops, dlfw_backend *be, const char *uri,
                             const struct storage_args *args, struct storage **ret, dlfw_error *err)
{
    struct storage *st = storage_new(uri);
    struct problem_list own = {0};
    struct problem_list *problems = args->problems ? args->problems : &own;
    uint32_t errors = problems->errors;
    struct stack_plan plan = {0};
    dlfw_status status;

    status = uri_parse(uri, &st->uri, err);
    if (status < 0)
        goto out;
    read_policies(st, args, &plan, problems);
    status = settle_problems(args, problems, errors, err);
    if (status < 0)
        goto out;
    set_backend(st, ops, be);
    push_wrappers(st, &plan);

    *ret = st;
    st = NULL;
out:
    problem_list_free(&own);
    storage_close(st);
    return status;
}

static dlfw_status find_plugin(struct storage *st, const struct storage_args *args, const struct plugin_iface **ret,
                               dlfw_error *err)
{
    struct error_slot why;
    dlfw_status status;

    error_slot_init(&why);
    status = registry_find(args->registry, DLFW_KIND_BACKEND, st->uri.scheme, ret, &why.e);
    if (status >= 0)
        return status;
    if (status == DLFW_E_NOT_FOUND)
        return dlfw_fail(err, status, "cannot open storage '%s': %s; --plugin-dir adds a folder to the search",
                         args->uri, why.text);
    error_copy(err, &why.e);
    error_prefix(err, "cannot open storage '%s'", args->uri);
    return status;
}

static dlfw_status create_backend(struct storage *st, const struct storage_args *args, const struct plugin_iface *iface,
                                  const void *options, dlfw_error *err)
{
    const dlfw_backend_ops *ops = &iface->ops.backend;
    dlfw_create_args create = {.struct_size = sizeof create,
                               .flags = args->check_only ? DLFW_CREATE_CHECK_ONLY : 0,
                               .host = host_table(),
                               .host_ctx = &st->host,
                               .config = st->host.config,
                               .options = options,
                               .root = st->uri.path,
                               .numa_node = -1};
    dlfw_backend *be = NULL;
    dlfw_status status;

    st->host_name =
        args->name ? xformat("%s storage '%s'", args->name, st->uri.scheme) : xformat("storage '%s'", st->uri.scheme);
    st->host.name = st->host_name;
    create.instance = st->host_name;
    set_backend(st, ops, NULL);
    enter(&st->layers[0]);
    status = ops->create(&create, &be, err);
    leave(&st->layers[0]);
    if (status < 0) {
        error_prefix(err, "cannot open storage '%s'", args->uri);
        return status;
    }
    st->layers[0].be = be;
    st->owns_backend = true;
    return DLFW_OK;
}

dlfw_status storage_open(const struct storage_args *args, struct storage **ret, dlfw_error *err)
{
    struct storage *st = storage_new(args->uri);
    struct problem_list own = {0};
    struct problem_list *problems = args->problems ? args->problems : &own;
    uint32_t errors = problems->errors;
    const struct plugin_iface *iface = NULL;
    struct stack_plan plan = {0};
    dlfw_status status;
    const void *options;

    status = uri_parse(args->uri, &st->uri, err);
    if (status < 0)
        goto out;
    status = find_plugin(st, args, &iface, err);
    if (status < 0)
        goto out;
    st->host.config = node_is_null(args->options) ? NULL : args->options;
    options = registry_options(iface, tree_of(st, args), st->host.config, "storage.storage_options", NULL, problems);
    read_policies(st, args, &plan, problems);
    status = settle_problems(args, problems, errors, err);
    if (status < 0)
        goto out;
    status = create_backend(st, args, iface, options, err);
    if (status < 0)
        goto out;
    push_wrappers(st, &plan);

    *ret = NULL;
    if (!args->check_only) {
        *ret = st;
        st = NULL;
    }
out:
    problem_list_free(&own);
    storage_close(st);
    return status;
}

void storage_close(struct storage *st)
{
    if (!st)
        return;
    if (atomic_load(&st->leaked))
        return; /* a request may still be running into its memory; the leak was reported */
    DLFW_BUG_IF(atomic_load(&st->queues));
    while (st->layer_count > 1)
        wrap_destroy(&st->layers[--st->layer_count]);
    if (st->owns_backend && st->layers[0].ops->destroy) {
        enter(&st->layers[0]);
        st->layers[0].ops->destroy(st->layers[0].be);
        leave(&st->layers[0]);
    }
    pthread_mutex_destroy(&st->instance_lock);
    pthread_mutex_destroy(&st->register_lock);
    node_tree_free(&st->own_tree);
    uri_free(&st->uri);
    free(st->host_name);
    free(st->uri_text);
    free(st);
}

const char *storage_uri(const struct storage *st)
{
    return st->uri_text;
}

const char *storage_scheme(const struct storage *st)
{
    return st->uri.scheme;
}

uint64_t storage_caps(const struct storage *st)
{
    return storage_base(st)->ops->caps;
}

uint64_t storage_op_mask(const struct storage *st)
{
    return storage_base(st)->ops->op_mask;
}

dlfw_status storage_limits(struct storage *st, const char *key, size_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_limits limits = {.struct_size = sizeof limits};
    dlfw_status status = DLFW_OK;

    if (base->ops->limits) {
        enter(base);
        status = base->ops->limits(base->be, key, (uint32_t)key_len, &limits, err);
        leave(base);
    }
    if (status >= 0)
        status = align_check_limits(&limits, base->name, err);
    if (status >= 0)
        *ret = limits;
    return status;
}

dlfw_status storage_probe(struct storage *st, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_status status;

    if (!base->ops->check)
        return DLFW_OK;
    enter(base);
    status = base->ops->check(base->be, err);
    leave(base);
    if (status < 0)
        error_prefix(err, "storage '%s'", st->uri_text);
    return status;
}

dlfw_status storage_leftovers(struct storage *st, const char *prefix,
                              int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size),
                              void *ctx, dlfw_error *err)
{
    const struct backend_layer *base = storage_base(st);
    dlfw_status status;

    if (!base->ops->leftovers)
        return DLFW_OK;
    enter(base);
    status = base->ops->leftovers(base->be, prefix, found, ctx, err);
    leave(base);
    if (status < 0)
        error_prefix(err, "storage '%s'", st->uri_text);
    return status;
}

void storage_stats(struct storage *st, const dlfw_stat_sink *sink)
{
    const struct backend_layer *base = storage_base(st);

    if (!base->ops->stats)
        return;
    enter(base);
    base->ops->stats(base->be, sink);
    leave(base);
}

uint64_t storage_register(struct storage *st, void *addr, uint64_t len)
{
    const struct backend_layer *base = storage_base(st);
    struct error_slot why;
    uint64_t handle = 0;

    if (!base->ops->mem_register)
        return 0;
    error_slot_init(&why);
    pthread_mutex_lock(&st->register_lock);
    enter(base);
    if (base->ops->mem_register(base->be, addr, len, 0, &handle, &why.e) < 0) {
        handle = 0;
        log_debug("storage '%s' does not register %llu bytes of memory: %s", st->uri_text, (unsigned long long)len,
                  why.e.message);
    }
    leave(base);
    pthread_mutex_unlock(&st->register_lock);
    return handle;
}

void storage_unregister(struct storage *st, uint64_t handle)
{
    const struct backend_layer *base = storage_base(st);

    if (!handle || !base->ops->mem_unregister)
        return;
    pthread_mutex_lock(&st->register_lock);
    enter(base);
    base->ops->mem_unregister(base->be, handle);
    leave(base);
    pthread_mutex_unlock(&st->register_lock);
}
