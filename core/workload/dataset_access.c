/* SPDX-License-Identifier: Apache-2.0 */
#include "workload/dataset_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/option_parse.h"
#include "io/uri.h"
#include "plugin/serial_lock.h"

static const char *scheme_of_type(const char *storage_type)
{
    return strcmp(storage_type, "local_fs") == 0 || strcmp(storage_type, "parallel_fs") == 0 ? "file" : storage_type;
}

/* Files written for a client library of Python name it where DLIO has the kind of storage. */
static dlfw_status check_type(const char *storage_type, dlfw_error *err)
{
    static const char *const libraries[] = {"s3dlio", "s3torchconnector", "minio"};

    for (uint32_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (strcmp(storage_type, libraries[i]) == 0)
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "storage.storage_type '%s' is a Python client library, no storage; write local_fs, s3, az "
                             "or gs, or give data_folder a scheme (s3://bucket/folder)",
                             storage_type);
    return DLFW_OK;
}

static dlfw_status dataset_uri(const struct run_config *cfg, uint32_t mode, char **ret, dlfw_error *err)
{
    char *joined = uri_join(cfg->storage.storage_root, cfg->dataset.data_folder);
    struct uri uri = {0};
    dlfw_status st = DLFW_OK;

    if (!uri_has_scheme(joined)) {
        char *text = xformat("%s://%s", scheme_of_type(cfg->storage.storage_type), joined);

        st = check_type(cfg->storage.storage_type, err);
        free(joined);
        joined = text;
    }
    if (st >= 0)
        st = uri_parse(joined, &uri, err);
    free(joined);
    if (st < 0)
        return st;
    if (cfg->reader.odirect && (mode & ACCESS_READ) && strcmp(uri.scheme, "file") == 0) {
        free(uri.scheme);
        uri.scheme = xstrdup("direct");
    }
    *ret = uri_text(&uri);
    uri_free(&uri);
    return DLFW_OK;
}

static void add_option(struct run_config *cfg, dlfw_node *map, const struct plugin_iface *iface, const char *name,
                       dlfw_node *value)
{
    if (value && option_find(iface->iface->options, iface->iface->option_count, name) && !node_get(map, name))
        node_append(&cfg->tree, map, name, value->place, value);
}

/* What compat.* makes of the run file stands in cfg, not in its tree. */
static void add_changed(struct run_config *cfg, dlfw_node *map, const struct plugin_iface *iface)
{
    const char *codec = cfg->dataset.compression;
    dlfw_node *compression = node_find(cfg->tree.root, "dataset.compression");

    if (compression)
        compression = node_new_scalar(&cfg->tree, codec, strlen(codec), compression->place);
    add_option(cfg, map, iface, "compression", compression);
    if (cfg->compat.mmap_no_touch)
        add_option(cfg, map, iface, "no_touch", node_new_scalar(&cfg->tree, "true", 4, map->place));
}

/* dataset.<format> plus dataset.compression and dataset.compression_level, which DLIO keeps one level up. */
static const dlfw_node *format_options(struct run_config *cfg, const struct plugin_iface *iface,
                                       struct problem_list *problems)
{
    const dlfw_node *given = cfg->dataset.format_options;
    struct node_place place = {.file = cfg->config_path ? cfg->config_path : "run file"};
    dlfw_node *map = node_new(&cfg->tree, DLFW_NODE_MAP, given ? given->place : place);
    bool compresses = option_find(iface->iface->options, iface->iface->option_count, "compression");

    for (uint32_t i = 0; given && i < given->count; i++)
        node_append(&cfg->tree, map, given->pairs[i].key, given->pairs[i].key_place, given->pairs[i].value);
    add_changed(cfg, map, iface);
    add_option(cfg, map, iface, "compression_level", node_find(cfg->tree.root, "dataset.compression_level"));
    if (!compresses && strcmp(cfg->dataset.compression, "none") != 0)
        problem_add(problems, true, node_find(cfg->tree.root, "dataset.compression"),
                    "format '%s' has no compression '%s'; set dataset.compression: none", iface->iface->name,
                    cfg->dataset.compression);
    return map;
}

static dlfw_status open_format(struct run_config *cfg, struct registry *reg, bool check_only,
                               struct problem_list *problems, struct dataset_access *a, dlfw_error *err)
{
    uint32_t errors = problems->errors;
    dlfw_create_args args = {.struct_size = sizeof args, .numa_node = -1};
    char path[64];
    dlfw_status st;

    st = registry_find(reg, DLFW_KIND_FORMAT, cfg->dataset.format, &a->format_iface, err);
    if (st < 0)
        return st;
    a->format_serial = serial_lock(a->format_iface->ops.format.thread_class, &a->format_lock);
    snprintf(path, sizeof path, "dataset.%s", cfg->dataset.format);
    args.config = format_options(cfg, a->format_iface, problems);
    args.options = registry_options(a->format_iface, &cfg->tree, args.config, path, NULL, problems);
    if (problems->errors > errors)
        return dlfw_fail(err, DLFW_E_CONFIG, "the options of format '%s' have mistakes", cfg->dataset.format);
    a->format_instance = (struct host_instance){.name = cfg->dataset.format, .config = args.config};
    args.flags = check_only ? DLFW_CREATE_CHECK_ONLY : 0;
    args.host = host_table();
    args.host_ctx = &a->format_instance;
    args.instance = cfg->dataset.format;
    return a->format_iface->ops.format.create(&args, &a->format, err);
}

dlfw_status dataset_access_open(struct run_config *cfg, struct registry *reg, uint32_t mode, uint32_t rank,
                                bool check_only, struct problem_list *problems, struct dataset_access *ret,
                                dlfw_error *err)
{
    struct storage_args args = {.registry = reg,
                                .tree = &cfg->tree,
                                .options = cfg->storage.storage_options,
                                .wrap = cfg->storage.wrap,
                                .retry = cfg->storage.retry,
                                .name = "dataset",
                                .rank = rank,
                                .needs_endpoints = true,
                                .problems = problems,
                                .check_only = check_only};
    dlfw_status st;

    *ret = (struct dataset_access){.format_lock = PTHREAD_MUTEX_INITIALIZER};
    st = dataset_uri(cfg, mode, &ret->uri, err);
    if (st < 0)
        goto out;
    args.uri = ret->uri;
    st = storage_open(&args, &ret->storage, err);
    if (st < 0)
        goto out;
    st = open_format(cfg, reg, check_only, problems, ret, err);
out:
    if (st < 0)
        dataset_access_close(ret);
    return st;
}

dlfw_status dataset_access_open_format(struct run_config *cfg, struct registry *reg, struct problem_list *problems,
                                       struct dataset_access *ret, dlfw_error *err)
{
    dlfw_status st;

    *ret = (struct dataset_access){.format_lock = PTHREAD_MUTEX_INITIALIZER};
    st = dataset_uri(cfg, ACCESS_READ, &ret->uri, err);
    if (st >= 0)
        st = open_format(cfg, reg, false, problems, ret, err);
    if (st < 0)
        dataset_access_close(ret);
    return st;
}

void dataset_access_close(struct dataset_access *access)
{
    if (access->format)
        access->format_iface->ops.format.destroy(access->format);
    storage_close(access->storage);
    free(access->uri);
    *access = (struct dataset_access){0};
}
