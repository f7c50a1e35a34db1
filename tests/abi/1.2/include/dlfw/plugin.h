/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/plugin.h - the one object a plugin exports, and what its create() receives.
 *
 * dlfw_plugin_v1 is constant data: the host reads the ELF note without loading the file, then checks magic,
 * sizes and versions of the object before any code of the plugin runs. DLFW_PLUGIN() writes both.
 */
#ifndef DLFW_PLUGIN_H
#define DLFW_PLUGIN_H

#include "dlfw/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What create() of every interface receives; valid during the call unless a field says otherwise. */
typedef struct dlfw_create_args {
    uint32_t struct_size;
    uint32_t flags;          /* DLFW_CREATE_* */
    const dlfw_host *host;   /* for the life of the process */
    void *host_ctx;          /* pass back to host calls; for the life of the instance */
    const char *instance;    /* name for messages; for the life of the instance */
    const dlfw_node *config; /* this instance's mapping, NULL when none; for the life of the instance */
    const void *options;     /* the plugin's options struct, filled from its table; for the life of the instance */
    const char *root;        /* backends: the URI without its scheme ("/data/x", "bucket/prefix"); keys of requests
                                are relative to it. Else NULL. For the life of the instance */
    uint64_t max_memory;     /* budgets for what the plugin itself may use; 0: no limit given */
    uint32_t max_threads;
    uint32_t max_fds;
    int32_t numa_node; /* -1: no preference */
    uint32_t reserved0;
} dlfw_create_args;

/* dlfw_create_args.flags */
enum {
    DLFW_CREATE_CHECK_ONLY = 1u << 0 /* validate the options only; the instance will be destroyed at once */
};

/* One implementation of one interface. May grow: the plugin lists pointers to rows. */
typedef struct dlfw_iface {
    uint32_t struct_size;
    uint32_t kind; /* DLFW_KIND_* */
    const char *name;
    const char *summary;
    const dlfw_option *options; /* NULL when option_count is 0 */
    uint32_t option_count;
    uint32_t options_size; /* sizeof the bound struct */
    const void *ops;       /* const dlfw_backend_ops *, const dlfw_format_ops *, ... by kind */
} dlfw_iface;

typedef struct dlfw_plugin {
    uint32_t magic;
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;  /* of the header it was built with */
    uint16_t need_minor; /* oldest host it can live with */
    uint16_t reserved0;
    const char *id;      /* "org.example.dlfw-s3" */
    const char *version; /* of the plugin */
    const char *license; /* SPDX expression */
    const char *summary;
    const char *url;
    const dlfw_iface *const *ifaces; /* NULL-terminated */
    /* Once, before any thread or instance exists: once-only library set-up, nothing else. [main] may be NULL */
    dlfw_status (*load)(const dlfw_host *host, dlfw_error *reterr);
    /* Only in leak checkers; the code stays mapped. [main] may be NULL */
    void (*unload)(void);
    const void *(*extension)(const char *id); /* [any] may be NULL */
} dlfw_plugin;

/* The ELF note, type 1, owner "dlfw": versions, then text lines "version=1.2.3\n" "backend=file\n" ... */
#define DLFW_NOTE_TYPE 1
#define DLFW_NOTE_OWNER "dlfw"

#ifndef __cplusplus
/* clang's AddressSanitizer pads every global, also in a section of its own, which would break the note. */
#ifdef __clang__
#define DLFW_NOTE_ATTRIBUTES __attribute__((used, section(".note.dlfw"), aligned(4), no_sanitize("address")))
#else
#define DLFW_NOTE_ATTRIBUTES __attribute__((used, section(".note.dlfw"), aligned(4)))
#endif

/*
 * DLFW_PLUGIN("1.0.0", "backend=file\nbackend=direct\n", .id = ..., .license = ..., .summary = ..., .ifaces = ...);
 * The second argument names every interface of ifaces, kind=name, one per line: `dlfw plugins list` reads it
 * without running the plugin, and the host refuses a file whose note and object differ.
 */
#define DLFW_PLUGIN(plugin_version, note_ifaces, ...)                                                 \
    extern DLFW_EXPORT const dlfw_plugin dlfw_plugin_v1;                                              \
    DLFW_EXPORT const dlfw_plugin dlfw_plugin_v1 = {                                                  \
        .magic = DLFW_MAGIC,                                                                          \
        .struct_size = (uint32_t)sizeof(dlfw_plugin),                                                 \
        .abi_major = DLFW_ABI_MAJOR,                                                                  \
        .abi_minor = DLFW_ABI_MINOR,                                                                  \
        .version = plugin_version,                                                                    \
        __VA_ARGS__};                                                                                 \
    static const struct {                                                                             \
        uint32_t owner_size, desc_size, type;                                                         \
        char owner[8];                                                                                \
        uint16_t abi_major, abi_minor;                                                                \
        uint32_t reserved0;                                                                           \
        char text[(sizeof("version=" plugin_version "\n" note_ifaces) + 3u) & ~(size_t)3u];           \
    } dlfw_plugin_note DLFW_NOTE_ATTRIBUTES = {                                                       \
        sizeof(DLFW_NOTE_OWNER),                                                                      \
        8u + (uint32_t)((sizeof("version=" plugin_version "\n" note_ifaces) + 3u) & ~(size_t)3u),     \
        DLFW_NOTE_TYPE,                                                                               \
        DLFW_NOTE_OWNER,                                                                              \
        DLFW_ABI_MAJOR,                                                                               \
        DLFW_ABI_MINOR,                                                                               \
        0,                                                                                            \
        "version=" plugin_version "\n" note_ifaces}
#endif

#ifdef __cplusplus
}
#endif
#endif
