/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/host.h - what the host offers a plugin: one table of functions. A plugin has no other way to reach the
 * host and links against nothing of it, so it also loads into the conformance kit and into a test's fake host.
 *
 * The table is valid from load() to the end of the process. ctx is dlfw_create_args.host_ctx of the instance
 * that calls; in load() and unload() it is NULL.
 */
#ifndef DLFW_HOST_H
#define DLFW_HOST_H

#include "dlfw/option.h"

#ifdef __cplusplus
extern "C" {
#endif

/* dlfw_host.node_kind */
enum { DLFW_NODE_NULL = 1, DLFW_NODE_SCALAR = 2, DLFW_NODE_LIST = 3, DLFW_NODE_MAP = 4 };

/* kind of a figure given to dlfw_stat_sink.put */
enum {
    DLFW_STAT_COUNTER = 1, /* only grows */
    DLFW_STAT_GAUGE = 2    /* a level */
};

/* Where stats() puts its figures; valid during that call only. */
typedef struct dlfw_stat_sink {
    uint32_t struct_size;
    uint32_t reserved0;
    void *ctx;
    /* name: "cache_hits"; unit: "bytes", "ns", "requests", "" ; both copied */
    void (*put)(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value);
} dlfw_stat_sink;

typedef struct dlfw_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *version;                /* of the host program, "0.1.0" */
    const volatile uint32_t *log_level; /* DLFW_LOG_*: compare before formatting a line */

    /* text need not end in NUL; len bytes are copied; one line, without newline. [any] */
    void (*log)(void *ctx, uint32_t level, const char *text, uint32_t len);
    /* non-zero once the run is being stopped; blocking code asks between steps. [any] */
    int32_t (*cancelled)(void *ctx);
    /* CLOCK_MONOTONIC in nanoseconds; the clock of every deadline in this ABI. [any] */
    uint64_t (*now_ns)(void);
    /* For semantic errors found in create(): puts the file:line:column of the named option before text.
     * Returns DLFW_E_CONFIG. [main, inside create] */
    dlfw_status (*config_fail)(void *ctx, const char *option, const char *text, dlfw_error *reterr);

    /* Getters for DLFW_TYPE_NODE options. Nodes live as long as the instance. Conversions return DLFW_OK or
     * DLFW_E_CONFIG with a message that carries the node's place. A key of a map that was never asked for by
     * the end of create() is reported to the user as unknown. [main] */
    uint32_t (*node_kind)(const dlfw_node *node);
    uint32_t (*node_count)(const dlfw_node *node); /* list items or map pairs; 0 for scalars */
    const dlfw_node *(*node_at)(const dlfw_node *node, uint32_t index);      /* item or value; NULL past the end */
    const char *(*node_key)(const dlfw_node *node, uint32_t index);          /* key of a map pair; NULL past the end */
    const dlfw_node *(*node_get)(const dlfw_node *node, const char *key);    /* NULL when absent */
    const char *(*node_str)(const dlfw_node *node, uint32_t *ret_len);       /* NUL-terminated; NULL when no scalar */
    dlfw_status (*node_i64)(const dlfw_node *node, int64_t *ret, dlfw_error *reterr);
    dlfw_status (*node_u64)(const dlfw_node *node, uint64_t *ret, dlfw_error *reterr);
    dlfw_status (*node_f64)(const dlfw_node *node, double *ret, dlfw_error *reterr);
    dlfw_status (*node_bool)(const dlfw_node *node, uint8_t *ret, dlfw_error *reterr);
    dlfw_status (*node_size)(const dlfw_node *node, uint64_t *ret_bytes, dlfw_error *reterr);
    dlfw_status (*node_duration)(const dlfw_node *node, uint64_t *ret_ns, dlfw_error *reterr);
    /* writes "run.yaml:41:9" and a NUL into buf */
    void (*node_where)(const dlfw_node *node, char *buf, uint32_t cap);

    /* CRC-32 (zip, zlib: polynomial 0x04C11DB7 reflected) and CRC-32C (Castagnoli) at hardware speed. crc is
     * the value so far, 0 to begin. [any] */
    uint32_t (*crc32)(uint32_t crc, const void *data, uint64_t len);
    uint32_t (*crc32c)(uint32_t crc, const void *data, uint64_t len);

    /* The content of generated objects: bytes [offset, offset + len) of the stream (seed, object), defined in
     * docs/content.md, equal on every CPU. content_check returns len when data holds exactly those bytes, else
     * the index of the first byte that differs. [any] */
    void (*content_fill)(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len);
    uint64_t (*content_check)(uint64_t seed, uint64_t object, uint64_t offset, const void *data, uint64_t len);

    /* A table of functions outside the stable ABI ("org.example.thing/draft-1"); NULL when unknown. [any] */
    const void *(*extension)(const char *id);
} dlfw_host;

/* Formats a line and hands it to host->log; returns at once when the level is off. [any] */
void dlfw_log(const dlfw_host *host, void *ctx, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif
