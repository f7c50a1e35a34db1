/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/base.h - the words every plugin interface shares: ABI numbers, status codes, the error struct.
 *
 * Rules of the whole ABI (docs/abi.md gives the reasons):
 *  - Every struct that may grow begins with struct_size, set by the party that allocated it; members are
 *    only ever appended. DLFW_HAS() tells whether the other party knew a member.
 *  - Structs called "frozen" cross the boundary in arrays and never change size.
 *  - Zero always means "not set, use the default".
 *  - Only fixed-width integers, double and pointers. Constants are stored in fixed integers.
 *  - Nobody frees memory of the other side; each field says how long it lives.
 *
 * Thread tags used in all headers: [main] the host's main thread, never concurrently for one instance;
 * [queue] the one thread that owns the queue or reader; [any] any thread at any time.
 */
#ifndef DLFW_BASE_H
#define DLFW_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DLFW_ABI_MAJOR 1 /* also in the exported symbol name, dlfw_plugin_v1 */
#define DLFW_ABI_MINOR 2
#define DLFW_MAGIC 0x57464c44u /* "DLFW" read as little endian */

#define DLFW_EXPORT __attribute__((visibility("default")))

/* True when the party that allocated *(obj) knew about member. */
#define DLFW_HAS(obj, member) \
    (offsetof(__typeof__(*(obj)), member) + sizeof((obj)->member) <= (obj)->struct_size)

/* 0: good. Negative: failed, one of DLFW_E_*. Positive: good with a remark, one of DLFW_NEED_IO ... */
typedef int32_t dlfw_status;

/* Numbers are never reused or renumbered. X(name, number, text). */
#define DLFW_STATUS_LIST(X)                                                  \
    X(INVALID, -1, "invalid argument")                                       \
    X(CONFIG, -2, "configuration error")                                     \
    X(UNSUPPORTED, -3, "not supported")                                      \
    X(NOT_FOUND, -4, "not found")                                            \
    X(EXISTS, -5, "already exists")                                          \
    X(PERMISSION, -6, "permission denied")                                   \
    X(AUTH, -7, "authentication failed")                                     \
    X(TIMEOUT, -8, "timed out")                                              \
    X(CANCELLED, -9, "cancelled")                                            \
    X(THROTTLED, -10, "throttled by the service")                            \
    X(UNAVAILABLE, -11, "service unavailable")                               \
    X(IO, -12, "input/output error")                                         \
    X(CORRUPT, -13, "corrupt data")                                          \
    X(NO_SPACE, -14, "no space left")                                        \
    X(NO_MEMORY, -15, "out of memory")                                       \
    X(BUFFER_TOO_SMALL, -16, "buffer too small")                             \
    X(ALIGN, -17, "misaligned request")                                      \
    X(BUSY, -18, "busy")                                                     \
    X(ABI, -19, "ABI mismatch")                                              \
    X(INTERNAL, -20, "internal error")

#define DLFW_STATUS_ENUM(name, number, text) DLFW_E_##name = (number),
enum {
    DLFW_OK = 0,
    DLFW_STATUS_LIST(DLFW_STATUS_ENUM)
    DLFW_NEED_IO = 1, /* dlfw_format_ops.step: read the wanted ranges and call again */
    DLFW_STOP = 2,    /* hooks: end the training cleanly after this call */
    DLFW_END = 3      /* nothing more to come */
};

/* dlfw_error.flags and dlfw_comp.flags */
enum {
    DLFW_ERR_RETRYABLE = 1u << 0, /* the same request may succeed later; the host decides whether to retry */
    DLFW_ERR_THROTTLED = 1u << 1, /* the service asked for less; honour retry_after_ms */
    DLFW_ERR_FATAL = 1u << 2      /* the whole instance is dead, not only this request */
};

/*
 * Where a failure is described. The struct and the message storage belong to the caller; message may be NULL.
 * A callee fills it only when it returns a negative status. 48 bytes, may grow.
 */
typedef struct dlfw_error {
    uint32_t struct_size;
    dlfw_status status;
    uint32_t flags; /* DLFW_ERR_* */
    int32_t sys_errno;
    int32_t http_status;
    uint32_t retry_after_ms;
    int64_t vendor_code;
    char *message;        /* NUL-terminated, truncated to message_cap */
    uint32_t message_cap; /* bytes of message including the NUL */
    uint32_t message_len;
} dlfw_error;

/* Thread classes: what the host must promise before it calls an interface. */
enum {
    DLFW_THREADS_PER_QUEUE = 0,       /* default: instance calls from main; a queue or reader in one thread at a time */
    DLFW_THREADS_SERIAL_PROCESS = 1,  /* one call at a time in the whole process */
    DLFW_THREADS_SERIAL_INSTANCE = 2, /* one call at a time per instance */
    DLFW_THREADS_PARALLEL = 3         /* anything at any time */
};

/* Interface kinds. */
enum {
    DLFW_KIND_BACKEND = 1,
    DLFW_KIND_FORMAT = 2,
    DLFW_KIND_HOOK = 3,
    DLFW_KIND_COORDINATOR = 4 /* draft */
};

/* Log levels. */
enum { DLFW_LOG_ERROR = 1, DLFW_LOG_WARNING = 2, DLFW_LOG_INFO = 3, DLFW_LOG_DEBUG = 4 };

/* Plugin side helpers from libdlfw-sdk.a. All [any]; none allocates. */

/* Fills err (which may be NULL) and returns status. Message style: no capital, no full stop, subject in 'quotes'. */
dlfw_status dlfw_fail(dlfw_error *err, dlfw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same; the status comes from sys_errno and ": <strerror text>" is appended. */
dlfw_status dlfw_fail_errno(dlfw_error *err, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "not found" for DLFW_E_NOT_FOUND and so on; never NULL. */
const char *dlfw_status_text(dlfw_status status);
/* "NOT_FOUND" for DLFW_E_NOT_FOUND and so on; never NULL. */
const char *dlfw_status_name(dlfw_status status);
/* The status that stands for an errno value; DLFW_E_IO when none is closer. */
dlfw_status dlfw_status_from_errno(int sys_errno);

#ifdef __cplusplus
}
#endif
#endif
