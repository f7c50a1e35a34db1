/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every conformance case sees: the settings of the run, one loaded plugin interface, and the three ways to end
 * early.
 *
 * A case runs in a process of its own that has loaded nothing before. kit_fail and kit_skip therefore do not return:
 * they hand the verdict to the parent and leave, so a case reads as a list of statements about the plugin. Memory from
 * kit_buffer and the like lives until the case ends.
 */
#ifndef DLFW_CONFORM_KIT_H
#define DLFW_CONFORM_KIT_H

#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#include "fake_host.h"
#include "host/plugin_load.h"

struct kit_pair {
    const char *name;
    const char *value;
};

struct kit_pairs {
    struct kit_pair *items;
    uint32_t count;
};

struct kit_settings {
    const char *plugin;       /* path of the .so */
    uint32_t kind;            /* only interfaces of this kind, 0: all */
    const char *name;         /* only the interface of this name, NULL: all */
    const char *root;         /* where backends keep objects, NULL: a temporary folder */
    const char *object;       /* an object that exists, for backends that cannot write */
    struct kit_pairs options; /* name = option */
    struct kit_pairs skips;   /* name = pattern of cases, value = reason */
    struct kit_pairs include; /* name = pattern */
    struct kit_pairs exclude; /* name = pattern */
    bool json;
    bool in_process;
    uint64_t seed;
    uint32_t timeout_s;
};

struct kit;

/* kit_case.flags */
enum {
    KIT_FILE = 1u << 0,  /* about the file: once per plugin, not per interface; the case loads it itself if it wants */
    KIT_WAYS = 1u << 1,  /* backends: once through the plugin's queue and once through perform(), where it has both */
    KIT_QUEUE = 1u << 2, /* backends: only through the plugin's queue */
    KIT_DATA = 1u << 3   /* backends: pointless where payloads are not kept */
};

struct kit_case {
    const char *name; /* "group.case" */
    uint32_t kind;    /* DLFW_KIND_*, 0: any */
    uint32_t flags;
    void (*run)(struct kit *kit);
};

extern const struct kit_case kit_cases_binary[];
extern const struct kit_case kit_cases_options[];
extern const struct kit_case kit_cases_life[];
extern const struct kit_case kit_cases_read[];
extern const struct kit_case kit_cases_key[];
extern const struct kit_case kit_cases_queue[];
extern const struct kit_case kit_cases_write[];
extern const struct kit_case kit_cases_list[];
extern const struct kit_case kit_cases_format[];
extern const struct kit_case kit_cases_side[];
extern const struct kit_case kit_cases_damage[];
extern const struct kit_case kit_cases_hook[];
extern const struct kit_case kit_cases_coordinator[];
extern const struct kit_case kit_cases_threads[];
extern const struct kit_case kit_cases_speed[];

struct kit {
    const struct kit_settings *settings;
    const struct kit_case *test;
    struct fake_host host;
    struct plugin_file *file;         /* NULL for KIT_FILE cases */
    const struct plugin_iface *iface; /* NULL for KIT_FILE cases */
    void *options;                    /* the interface's options struct */
    char root[PATH_MAX];              /* a fresh place for objects */
    bool root_is_folder;              /* and it is a folder of this machine */
    bool use_queue;                   /* which way the case goes now */
    uint64_t random;
    pthread_mutex_t memory_lock;
    void **memory; /* to free when the case ends */
    size_t memory_count;
    int report_fd; /* -1: in process */
    jmp_buf leave; /* in process */
    pthread_t main_thread;
};

/* Ways to end a case; message style as in dlfw_fail. */
_Noreturn void kit_fail(struct kit *kit, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void kit_skip(struct kit *kit, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line for the reader that judges nothing. */
void kit_note(struct kit *kit, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define KIT_CHECK(kit, condition, ...)                                                                                 \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            kit_fail((kit), __VA_ARGS__);                                                                              \
    } while (0)

uint64_t kit_random(struct kit *kit);             /* from --seed and the case's name */
uint64_t kit_below(struct kit *kit, uint64_t n);  /* 0 .. n-1 */
void *kit_alloc(struct kit *kit, uint64_t bytes); /* 4096-aligned, zeroed, never NULL */
char *kit_format(struct kit *kit, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t kit_now_ns(void);

/* The fixture: the plugin, its options, an instance. A step that fails is the failure of the case that is about that
 * step (binary.load, options.table, life.create) and a reason to skip for every other. */
void kit_load(struct kit *kit);
void kit_choose(struct kit *kit, uint32_t kind, const char *name);
void kit_fill_options(struct kit *kit);
dlfw_create_args kit_create_args(struct kit *kit);
dlfw_backend *kit_backend(struct kit *kit);
dlfw_format *kit_format_instance(struct kit *kit);
dlfw_hook *kit_hook(struct kit *kit);

/* Any instance, for cases about all kinds. */
dlfw_status kit_create_any(struct kit *kit, const dlfw_create_args *args, void **ret, dlfw_error *err);
void kit_destroy_any(struct kit *kit, void *instance);

/* A failed call must have said why, in one line that fits. */
void kit_check_error(struct kit *kit, dlfw_status status, const dlfw_error *err, const char *what);

/* What /proc says about this process. */
uint32_t kit_thread_count(struct kit *kit);
uint32_t kit_fd_count(struct kit *kit);

#endif
