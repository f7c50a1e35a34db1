/* SPDX-License-Identifier: Apache-2.0 */
/* The host table of tests: logs into memory, answers from the struct, never calls anything outside this file and libc.
 */
#ifndef _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L /* clock_gettime under plain -std=c11 */
#endif
#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void host_log(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    static const char *const names[] = {"?", "error", "warning", "info", "debug"};
    struct fake_host *host = ctx;
    const char *name = names[level < 5 ? level : 0];
    size_t need = strlen(name) + 2 + len + 1;

    if (!host) /* load() and unload() have no context */
        return;
    pthread_mutex_lock(&host->lock);
    host->log_lines++;
    if (host->log_len + need < sizeof host->log)
        host->log_len += (uint32_t)snprintf(host->log + host->log_len, sizeof host->log - host->log_len, "%s: %.*s\n",
                                            name, (int)len, text);
    pthread_mutex_unlock(&host->lock);
}

static int32_t host_cancelled(void *ctx)
{
    const struct fake_host *host = ctx;

    return host ? host->cancel : 0;
}

static uint64_t host_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static dlfw_status host_config_fail(void *ctx, const char *option, const char *text, dlfw_error *reterr)
{
    (void)ctx;
    return dlfw_fail(reterr, DLFW_E_CONFIG, "option '%s': %s", option ? option : "", text);
}

static uint32_t node_kind(const dlfw_node *node)
{
    return node->kind;
}

static uint32_t node_count(const dlfw_node *node)
{
    return node->count;
}

static const dlfw_node *node_at(const dlfw_node *node, uint32_t index)
{
    return index < node->count ? &node->items[index] : NULL;
}

static const char *node_key(const dlfw_node *node, uint32_t index)
{
    return index < node->count ? node->items[index].key : NULL;
}

static const dlfw_node *node_get(const dlfw_node *node, const char *key)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (node->items[i].key && strcmp(node->items[i].key, key) == 0)
            return &node->items[i];
    return NULL;
}

static const char *node_str(const dlfw_node *node, uint32_t *ret_len)
{
    if (node->kind != DLFW_NODE_SCALAR)
        return NULL;
    if (ret_len)
        *ret_len = (uint32_t)strlen(node->text);
    return node->text;
}

static dlfw_status node_refuse(const dlfw_node *node, const char *wanted, dlfw_error *reterr)
{
    return dlfw_fail(reterr, DLFW_E_CONFIG, "'%s' is not %s", node->text ? node->text : "", wanted);
}

static dlfw_status node_f64(const dlfw_node *node, double *ret, dlfw_error *reterr)
{
    char *end = NULL;
    double value = node->text ? strtod(node->text, &end) : 0;

    if (!end || end == node->text || *end)
        return node_refuse(node, "a number", reterr);
    *ret = value;
    return DLFW_OK;
}

static dlfw_status node_i64(const dlfw_node *node, int64_t *ret, dlfw_error *reterr)
{
    char *end = NULL;
    long long value;

    errno = 0;
    value = node->text ? strtoll(node->text, &end, 10) : 0;
    if (!end || end == node->text || *end || errno)
        return node_refuse(node, "an integer", reterr);
    *ret = value;
    return DLFW_OK;
}

static dlfw_status node_u64(const dlfw_node *node, uint64_t *ret, dlfw_error *reterr)
{
    int64_t value;
    dlfw_status st = node_i64(node, &value, reterr);

    if (st < 0)
        return st;
    if (value < 0)
        return node_refuse(node, "a positive integer", reterr);
    *ret = (uint64_t)value;
    return DLFW_OK;
}

static dlfw_status node_bool(const dlfw_node *node, uint8_t *ret, dlfw_error *reterr)
{
    if (!node->text || (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0))
        return node_refuse(node, "true or false", reterr);
    *ret = node->text[0] == 't';
    return DLFW_OK;
}

/* Seconds; a test that needs units writes them as a number. */
static dlfw_status node_duration(const dlfw_node *node, uint64_t *ret_ns, dlfw_error *reterr)
{
    double seconds;
    dlfw_status st = node_f64(node, &seconds, reterr);

    if (st < 0)
        return st;
    if (!(seconds >= 0 && seconds < 1e9))
        return node_refuse(node, "a duration in seconds", reterr);
    *ret_ns = (uint64_t)(seconds * 1e9);
    return DLFW_OK;
}

static void node_where(const dlfw_node *node, char *buf, uint32_t cap)
{
    (void)node;
    snprintf(buf, cap, "test:1:1");
}

static uint32_t crc_bitwise(uint32_t crc, const void *data, uint64_t len, uint32_t polynomial)
{
    const unsigned char *p = data;

    crc = ~crc;
    for (uint64_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (polynomial & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t host_crc32(uint32_t crc, const void *data, uint64_t len)
{
    return crc_bitwise(crc, data, len, 0xEDB88320u);
}

static uint32_t host_crc32c(uint32_t crc, const void *data, uint64_t len)
{
    return crc_bitwise(crc, data, len, 0x82F63B78u);
}

/* Any function of (seed, object, offset) does: the finaliser of a 64-bit mixing hash over the three. */
static unsigned char content_byte(uint64_t seed, uint64_t object, uint64_t offset)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u ^ object * 0xC2B2AE3D27D4EB4Fu ^ (offset + 1) * 0x165667B19E3779F9u;

    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (unsigned char)(x >> 56);
}

static void content_fill(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len)
{
    unsigned char *p = buf;

    for (uint64_t i = 0; i < len; i++)
        p[i] = content_byte(seed, object, offset + i);
}

static uint64_t content_check(uint64_t seed, uint64_t object, uint64_t offset, const void *data, uint64_t len)
{
    const unsigned char *p = data;

    for (uint64_t i = 0; i < len; i++)
        if (p[i] != content_byte(seed, object, offset + i))
            return i;
    return len;
}

static const void *host_extension(const char *id)
{
    (void)id;
    return NULL;
}

void fake_host_init(struct fake_host *host)
{
    memset(host, 0, sizeof *host);
    pthread_mutex_init(&host->lock, NULL);
    host->log_level = DLFW_LOG_DEBUG;
    host->table = (dlfw_host){
        .struct_size = (uint32_t)sizeof(dlfw_host),
        .abi_major = DLFW_ABI_MAJOR,
        .abi_minor = DLFW_ABI_MINOR,
        .version = "fake",
        .log_level = &host->log_level,
        .log = host_log,
        .cancelled = host_cancelled,
        .now_ns = host_now_ns,
        .config_fail = host_config_fail,
        .node_kind = node_kind,
        .node_count = node_count,
        .node_at = node_at,
        .node_key = node_key,
        .node_get = node_get,
        .node_str = node_str,
        .node_i64 = node_i64,
        .node_u64 = node_u64,
        .node_f64 = node_f64,
        .node_bool = node_bool,
        .node_size = node_u64,
        .node_duration = node_duration,
        .node_where = node_where,
        .crc32 = host_crc32,
        .crc32c = host_crc32c,
        .content_fill = content_fill,
        .content_check = content_check,
        .extension = host_extension,
    };
}
