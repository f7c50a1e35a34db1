/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a backend's .so as a host does and lets a test send requests to it, through perform() or through a queue.
 * Buffers handed out by call_buffer() have canaries behind buf_cap that every call checks.
 */
#ifndef DLFW_TESTS_BACKEND_DRIVER_H
#define DLFW_TESTS_BACKEND_DRIVER_H

#include <stdbool.h>

#include "dlfw/backend.h"

struct driver {
    const dlfw_iface *iface;
    dlfw_backend_ops ops;
    dlfw_backend *be;
    dlfw_queue *queue; /* NULL: calls go through perform() */
    void *options;
    char *root;
    char log[1024]; /* the last line logged */
};

/* One request and what came of it. */
struct call {
    dlfw_req req;
    dlfw_comp comp;
    dlfw_error err;
    char message[512];
    uint32_t completions;
};

/* plugin: "dlfw-backend-file.so" in the build's plugin folder; settings: "engine=pread", NULL-terminated, or NULL.
 * Returns what create() returned; anything else that fails ends the test. */
dlfw_status driver_open(struct driver *d, const char *plugin, const char *backend, const char *root,
                        const char *const *settings, char message[512]);
void driver_queue(struct driver *d, uint32_t depth); /* fails the test when there are none */
void driver_close(struct driver *d);
uint64_t driver_stat(struct driver *d, const char *name); /* fails the test when stats() does not give it */

void call_init(struct call *c, uint16_t op, const char *key);
/* cap bytes at an address that is align plus skew; the content before the call is known. */
void call_buffer(struct call *c, uint64_t cap, uint64_t align, uint64_t skew);
void call_free(struct call *c);
/* Sends c and waits; checks canaries and the rules every completion obeys. Returns the status. */
dlfw_status driver_call(struct driver *d, struct call *c);
/* The rules every completion obeys. */
void call_check(const struct call *c);

/* Shorthands; each expects success unless it returns a status. */
void driver_put(struct driver *d, const char *key, const void *data, uint64_t len);
dlfw_status driver_get(struct driver *d, const char *key, uint16_t flags, uint64_t offset, uint64_t length,
                       struct call *ret);
dlfw_status driver_simple(struct driver *d, uint16_t op, const char *key); /* STAT, DELETE, MAKE_ROOT */
void *driver_begin(struct driver *d, const char *key, uint16_t flags, uint64_t size);
dlfw_status driver_part(struct driver *d, void *handle, uint64_t offset, const void *data, uint64_t len);
dlfw_status driver_end(struct driver *d, uint16_t op, void *handle, uint64_t total); /* COMMIT, ABORT, CLOSE */
/* Number of names below key, page by page with pages of page_cap bytes; each name is checked for its bounds. A negative
 * status when a page fails. each may be NULL. */
typedef void driver_list_each(void *ctx, const char *name, uint32_t len, uint64_t size);
int64_t driver_list(struct driver *d, const char *key, uint16_t flags, uint64_t page_cap, driver_list_each *each,
                    void *ctx);

/* Content that differs from place to place. */
void fill_pattern(uint8_t *data, uint64_t len, uint32_t seed);
uint64_t test_now_ns(void);
/* A fresh folder below base; NULL: where files are made fastest. Removed with everything in it by scratch_remove(). */
char *scratch_create(const char *base);
void scratch_remove(char *path);

#endif
