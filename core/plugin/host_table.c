/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as plugins see it. Thin: each function translates between the ABI and core and decides nothing, except that
 * asking a node for something marks it used, so that what nobody asked for is reported as unknown.
 */
#include "plugin/host_table.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/content.h"
#include "host/crc.h"

_Atomic uint32_t host_cancel_level;

static void table_log(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    const struct host_instance *instance = ctx;
    const char *newline = memchr(text, '\n', len);

    /* a line is a line: what follows a newline could pass for a message of the program */
    if (newline)
        len = (uint32_t)(newline - text);
    if (level <= log_level)
        log_from(level, instance && instance->name ? instance->name : "plugin", text, len);
}

static int32_t table_cancelled(void *ctx)
{
    (void)ctx;
    return atomic_load_explicit(&host_cancel_level, memory_order_relaxed) != 0;
}

static dlfw_status table_config_fail(void *ctx, const char *option, const char *text, dlfw_error *reterr)
{
    const struct host_instance *instance = ctx;
    const dlfw_node *map = instance ? instance->config : NULL;
    const dlfw_node *node = map && option ? node_get(map, option) : NULL;

    if (node)
        return node_fail(node, reterr, DLFW_E_CONFIG, "%s: %s", option, text);
    /* left at its default: the mapping is where the user would add it */
    if (map)
        return node_fail(map, reterr, DLFW_E_CONFIG, "%s%s%s", option ? option : "", option ? ": " : "", text);
    return dlfw_fail(reterr, DLFW_E_CONFIG, "%s%s%s%s%s", instance && instance->name ? instance->name : "",
                     instance && instance->name ? ": " : "", option ? option : "", option ? ": " : "", text);
}

static const dlfw_node *asked(dlfw_node *node)
{
    if (node)
        node->used = true;
    return node;
}

static uint32_t table_node_kind(const dlfw_node *node)
{
    return node->kind;
}

static uint32_t table_node_count(const dlfw_node *node)
{
    return node->kind == DLFW_NODE_LIST || node->kind == DLFW_NODE_MAP ? node->count : 0;
}

static const dlfw_node *table_node_at(const dlfw_node *node, uint32_t index)
{
    return index < table_node_count(node) ? asked(node->pairs[index].value) : NULL;
}

static const char *table_node_key(const dlfw_node *node, uint32_t index)
{
    return node->kind == DLFW_NODE_MAP && index < node->count ? node->pairs[index].key : NULL;
}

static const dlfw_node *table_node_get(const dlfw_node *node, const char *key)
{
    return asked(node_get(node, key));
}

static const char *table_node_str(const dlfw_node *node, uint32_t *ret_len)
{
    const char *text = node_to_str(node);

    if (ret_len)
        *ret_len = text ? (uint32_t)strlen(text) : 0;
    return text;
}

static void table_node_where(const dlfw_node *node, char *buf, uint32_t cap)
{
    node_where(node, buf, cap);
}

static const void *table_extension(const char *id)
{
    (void)id;
    return NULL;
}

const dlfw_host *host_table(void)
{
    static const dlfw_host table = {
        .struct_size = sizeof table,
        .abi_major = DLFW_ABI_MAJOR,
        .abi_minor = DLFW_ABI_MINOR,
        .version = DLFW_VERSION,
        .log_level = &log_level,
        .log = table_log,
        .cancelled = table_cancelled,
        .now_ns = clock_now_ns,
        .config_fail = table_config_fail,
        .node_kind = table_node_kind,
        .node_count = table_node_count,
        .node_at = table_node_at,
        .node_key = table_node_key,
        .node_get = table_node_get,
        .node_str = table_node_str,
        .node_i64 = node_to_i64,
        .node_u64 = node_to_u64,
        .node_f64 = node_to_f64,
        .node_bool = node_to_bool,
        .node_size = node_to_size,
        .node_duration = node_to_duration,
        .node_where = table_node_where,
        .crc32 = crc32_update,
        .crc32c = crc32c_update,
        .content_fill = content_fill,
        .content_check = content_check,
        .extension = table_extension,
    };

    return &table;
}
