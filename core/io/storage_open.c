/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a storage: the URI's scheme picks the plugin, its options come from the tree, wrappers are stacked on top.
 * With endpoints there is one instance of the plugin for each of them below one level that chooses. All mistakes of the
 * configuration are collected before anything is opened; when opening fails nothing is left behind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "host/option_parse.h"
#include "io/endpoints/endpoint_list.h"
#include "io/storage_parts.h"
#include "plugin/serial_lock.h"

#define URL_OPTION "endpoint_url"
#define OPTIONS_PATH "storage.storage_options"
#define SIZES_BELIEVED_NS (60 * NS_PER_S) /* where a question costs a round trip */

/* What the tree asked for, once read without mistakes. */
struct stack_plan {
    struct wrap_choice wraps[WRAP_MAX];
    uint32_t wrap_count;
    struct endpoint_list endpoints;     /* none: count 0 */
    const dlfw_node *options;           /* the plugin's */
    const void *structs[ENDPOINTS_MAX]; /* the same, filled, per instance */
    const dlfw_node *configs[ENDPOINTS_MAX];
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
    const dlfw_node *options = node_is_null(args->options) ? NULL : args->options;

    if (retry && retry->kind != DLFW_NODE_MAP)
        problem_add(problems, true, retry, "storage.retry must be a mapping: {max_attempts: 5, timeout: 60s}");
    else
        schema_fill(tree_of(st, args), retry, "storage.retry", retry_rows, retry_row_count, NULL, &st->retry, problems);
    plan->wrap_count = wrap_parse(args->wrap, tree_of(st, args), plan->wraps, problems);
    engine_options_read(tree_of(st, args), options, &st->options, &plan->options, problems);
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

/* All instances are there. */
static void finish(struct storage *st, const struct stack_plan *plan)
{
    enum split_mode split = st->options.split_mode;

    if (st->endpoints)
        endpoints_layer(st->endpoints, &st->layers[0]);
    if (split == SPLIT_AUTO && !(storage_caps(st) & DLFW_BACKEND_STREAMS))
        split = SPLIT_OFF;
    if (st->options.sizes_by_default && storage_caps(st) & DLFW_BACKEND_STREAMS)
        st->options.size_cache_ns = SIZES_BELIEVED_NS;
    if (st->options.size_cache_ns)
        st->sizes = size_cache_create(st->options.size_cache_ns, SIZE_CACHE_ENTRIES);
    if (split != SPLIT_OFF) {
        st->split = xcalloc(1, sizeof *st->split);
        split_init(st->split, split, st->options.split_bytes);
    }
    push_wrappers(st, plan);
}

dlfw_status storage_open_instances(const struct storage_instance *instances, uint32_t count, const char *uri,
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
    if (count == 1) {
        set_backend(st, instances->ops, instances->be);
    } else {
        st->endpoints = endpoints_create(st->options.endpoint_strategy);
        for (uint32_t i = 0; i < count; i++)
            endpoints_add(st->endpoints, st->uri.scheme, instances[i].ops, instances[i].be, instances[i].name, false);
    }
    finish(st, &plan);

    *ret = st;
    st = NULL;
out:
    problem_list_free(&own);
    storage_close(st);
    return status;
}

dlfw_status storage_open_ops(const dlfw_backend_ops *ops, dlfw_backend *be, const char *uri,
                             const struct storage_args *args, struct storage **ret, dlfw_error *err)
{
    const struct storage_instance one = {.ops = ops, .be = be, .name = uri};

    return storage_open_instances(&one, 1, uri, args, ret, err);
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

/* Which endpoints there are: those of the options; for s3 without any endpoint those of the environment. False:
 * mistakes were reported. */
static bool list_endpoints(const struct storage *st, struct stack_plan *plan, struct problem_list *problems)
{
    const char *variable = "S3_ENDPOINT_URIS";
    const char *text = getenv(variable);

    if (st->options.endpoint_uris)
        return endpoint_list_read(st->options.endpoint_uris, &plan->endpoints, problems);
    if (strcmp(st->uri.scheme, "s3") != 0 || !text || !*text || node_get(plan->options, URL_OPTION))
        return true;
    return endpoint_list_of_environment(variable, text, &plan->endpoints, problems);
}

/* Of servers that differ in one option only. */
static void plan_servers(struct storage *st, const struct storage_args *args, const struct plugin_iface *iface,
                         struct stack_plan *plan, struct problem_list *problems)
{
    if (!option_find(iface->iface->options, iface->iface->option_count, URL_OPTION)) {
        problem_add(problems, true, st->options.endpoint_uris,
                    "storage.endpoint_uris: backend '%s' has no servers; give locations, such as '%s:///mnt/a'",
                    st->uri.scheme, st->uri.scheme);
        return;
    }
    if (node_get(plan->options, URL_OPTION))
        problem_add(problems, true, node_get(plan->options, URL_OPTION),
                    OPTIONS_PATH "." URL_OPTION ": storage.endpoint_uris names the endpoints already");
    for (uint32_t i = 0; i < plan->endpoints.count; i++) {
        st->instances[i].uri = xstrdup(plan->endpoints.items[i]);
        st->instances[i].root = (struct uri){.scheme = xstrdup(st->uri.scheme), .path = xstrdup(st->uri.path)};
        plan->configs[i] = options_with(tree_of(st, args), plan->options, URL_OPTION, plan->endpoints.items[i]);
    }
}

/* The scheme direct reads what file writes. */
static bool same_kind(const char *a, const char *b)
{
    bool files =
        (strcmp(a, "file") == 0 || strcmp(a, "direct") == 0) && (strcmp(b, "file") == 0 || strcmp(b, "direct") == 0);

    return files || strcmp(a, b) == 0;
}

/* What path has behind root; NULL: it does not lie below. */
static const char *path_below(const struct uri *root, const struct uri *uri)
{
    size_t len = strlen(root->path);

    if (!same_kind(root->scheme, uri->scheme) || strncmp(uri->path, root->path, len) != 0)
        return NULL;
    if (len && root->path[len - 1] != '/' && uri->path[len] && uri->path[len] != '/')
        return NULL;
    return uri->path + len + strspn(uri->path + len, "/");
}

static const char *below_any(const struct uri *roots, uint32_t count, const struct uri *uri)
{
    const char *rest = NULL;

    for (uint32_t i = 0; i < count && !rest; i++)
        rest = path_below(&roots[i], uri);
    return rest;
}

/* Of locations: the storage lies below one of them, and at the same place below the others. One that lies below none
 * has nothing to do with them. */
static void plan_locations(struct storage *st, const struct storage_args *args, struct stack_plan *plan,
                           struct problem_list *problems)
{
    struct uri roots[ENDPOINTS_MAX] = {{0}};
    const char *rest = NULL;
    struct error_slot why;
    bool good = true;

    error_slot_init(&why);
    for (uint32_t i = 0; i < plan->endpoints.count && good; i++) {
        good = uri_parse(plan->endpoints.items[i], &roots[i], &why.e) >= 0;
        if (good && !same_kind(roots[i].scheme, roots[0].scheme))
            good = dlfw_fail(&why.e, DLFW_E_CONFIG, "'%s' and '%s' have different schemes", plan->endpoints.items[0],
                             plan->endpoints.items[i]) >= 0;
    }
    if (!good)
        problem_add(problems, true, st->options.endpoint_uris, "storage.endpoint_uris: %s", why.text);
    else
        rest = below_any(roots, plan->endpoints.count, &st->uri);
    for (uint32_t i = 0; i < plan->endpoints.count; i++) {
        struct storage_backing *b = &st->instances[i];

        if (rest) {
            b->root = (struct uri){.scheme = xstrdup(st->uri.scheme), .path = uri_join(roots[i].path, rest)};
            b->uri = uri_text(&b->root);
            plan->configs[i] = plan->options;
        }
        uri_free(&roots[i]);
    }
    if (good && !rest && args->needs_endpoints)
        problem_add(problems, true, st->options.endpoint_uris,
                    "storage.endpoint_uris: '%s' lies below none of them; make storage.storage_root one of them",
                    st->uri_text);
    else if (good && !rest)
        log_info("storage '%s' lies below none of storage.endpoint_uris and has one endpoint", st->uri_text);
    if (!rest)
        endpoint_list_free(&plan->endpoints);
}

void storage_backing_free(struct storage_backing *b)
{
    free(b->uri);
    uri_free(&b->root);
    free(b->host_name);
    *b = (struct storage_backing){0};
}

/* Each rank has its own. */
static void pin_instance(struct storage *st, const struct storage_args *args, struct stack_plan *plan)
{
    uint32_t chosen = args->rank % st->instance_count;
    struct storage_backing mine = st->instances[chosen];

    st->instances[chosen] = (struct storage_backing){0};
    for (uint32_t i = 0; i < st->instance_count; i++)
        storage_backing_free(&st->instances[i]);
    st->instances[0] = mine;
    plan->configs[0] = plan->configs[chosen];
    st->instance_count = 1;
}

static void plan_instances(struct storage *st, const struct storage_args *args, const struct plugin_iface *iface,
                           struct stack_plan *plan, struct problem_list *problems)
{
    st->instances = xcalloc(ENDPOINTS_MAX, sizeof *st->instances);
    if (list_endpoints(st, plan, problems) && plan->endpoints.count) {
        if (plan->endpoints.are_urls)
            plan_servers(st, args, iface, plan, problems);
        else
            plan_locations(st, args, plan, problems);
    }
    st->instance_count = plan->endpoints.count;
    if (!st->instance_count) {
        st->instance_count = 1;
        st->instances[0].uri = xstrdup(st->uri_text);
        st->instances[0].root = (struct uri){.scheme = xstrdup(st->uri.scheme), .path = xstrdup(st->uri.path)};
        plan->configs[0] = plan->options;
    }
    if (st->options.use_mpi_endpoint_distribution)
        pin_instance(st, args, plan);
    for (uint32_t i = 0; i < st->instance_count; i++)
        plan->structs[i] = registry_options(iface, tree_of(st, args), plan->configs[i], OPTIONS_PATH, NULL, problems);
}

static dlfw_status create_instance(struct storage *st, const struct storage_args *args,
                                   const struct plugin_iface *iface, const struct stack_plan *plan, uint32_t i,
                                   dlfw_error *err)
{
    const dlfw_backend_ops *ops = &iface->ops.backend;
    struct storage_backing *b = &st->instances[i];
    dlfw_create_args create = {.struct_size = sizeof create,
                               .flags = args->check_only ? DLFW_CREATE_CHECK_ONLY : 0,
                               .host = host_table(),
                               .host_ctx = &b->host,
                               .config = plan->configs[i],
                               .options = plan->structs[i],
                               .root = b->root.path,
                               .numa_node = -1};
    pthread_mutex_t *serial = serial_lock(ops->thread_class, &st->instance_lock);
    dlfw_backend *be = NULL;
    dlfw_status status;

    b->host_name =
        args->name ? xformat("%s storage '%s'", args->name, st->uri.scheme) : xformat("storage '%s'", st->uri.scheme);
    b->host = (struct host_instance){.name = b->host_name, .config = plan->configs[i]};
    create.instance = b->host_name;
    serial_enter(serial);
    status = ops->create(&create, &be, err);
    serial_leave(serial);
    if (status < 0) {
        if (st->endpoints)
            error_prefix(err, "endpoint %u", i + 1);
        error_prefix(err, "cannot open storage '%s'", args->uri);
        return status;
    }
    if (st->endpoints) {
        endpoints_add(st->endpoints, st->uri.scheme, ops, be, b->uri, true);
    } else {
        set_backend(st, ops, be);
        st->owns_backend = true;
    }
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

    status = uri_parse(args->uri, &st->uri, err);
    if (status < 0)
        goto out;
    status = find_plugin(st, args, &iface, err);
    if (status < 0)
        goto out;
    read_policies(st, args, &plan, problems);
    plan_instances(st, args, iface, &plan, problems);
    status = settle_problems(args, problems, errors, err);
    if (status < 0)
        goto out;
    if (st->instance_count > 1)
        st->endpoints = endpoints_create(st->options.endpoint_strategy);
    for (uint32_t i = 0; i < st->instance_count && status >= 0; i++)
        status = create_instance(st, args, iface, &plan, i, err);
    if (status < 0)
        goto out;
    finish(st, &plan);

    *ret = NULL;
    if (!args->check_only) {
        *ret = st;
        st = NULL;
    }
out:
    endpoint_list_free(&plan.endpoints);
    problem_list_free(&own);
    storage_close(st);
    return status;
}
