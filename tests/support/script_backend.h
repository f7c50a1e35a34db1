/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend whose behaviour a test writes down: objects in memory, delays, failures by index, short reads, alignment
 * demands, with a native queue or blocking, and counts of everything that was asked of it. Breaches of the ABI by the
 * host end the test.
 */
#ifndef DLFW_TESTS_SUPPORT_SCRIPT_BACKEND_H
#define DLFW_TESTS_SUPPORT_SCRIPT_BACKEND_H

#include <stdbool.h>

#include "io/storage.h"

struct script;

#define SCRIPT_MTIME 1700000000123456789ull

struct script_config {
    bool native;        /* has queue functions */
    bool blocking;      /* has perform() */
    bool no_queue;      /* native, but queue_create answers UNSUPPORTED */
    bool sizes_unknown; /* reads do not tell the object's size */
    bool
        tells_info; /* STAT fills a dlfw_object_info: SCRIPT_MTIME, the CRC-32C, "e-<bytes>" as etag, "t/x", "a: b\n" */
    uint32_t thread_class;
    uint64_t caps;
    uint64_t without; /* operations left out of op_mask, as bits */
    dlfw_limits limits;
    bool root_missing;     /* limits("") is NOT_FOUND until MAKE_ROOT */
    uint64_t delay_ns;     /* of each request */
    uint64_t jitter_ns;    /* up to this much more: completions come out of order */
    uint32_t submit_max;   /* accepts at most that many per submit; 0: all */
    uint32_t page_entries; /* names per LIST page; 0: 100 */
    bool waits_on_fd;      /* native: has a wait_fd */
    uint64_t stream_rate;  /* native: bytes per second of each GET, 0: no limit */
    uint64_t total_rate;   /* native: of all GETs together, 0: no limit */
};

/* What happens to requests number from .. from + count - 1 (counted from 0 among those of op; op 0: among all). */
struct script_rule {
    uint16_t op;
    uint64_t from;
    uint64_t count;
    dlfw_status status; /* < 0: fails; 0: short_by applies */
    uint32_t flags;     /* DLFW_ERR_* */
    uint32_t retry_after_ms;
    uint64_t short_by;  /* bytes that a read or write leaves out */
    bool silent;        /* fails without a message */
    bool after;         /* the operation is done first, then reported as failed */
    bool refuse_submit; /* submit() takes nothing from this request on, count times */
    bool dead;          /* submit() says that the queue is dead */
};

struct script *script_create(const struct script_config *config);
void script_destroy(struct script *s); /* checks that nothing is left open */
void script_rule(struct script *s, struct script_rule rule);
/* From now on every request fails as if nobody listened there, or no longer. [any thread] */
void script_set_down(struct script *s, bool down);

/* A storage on the script. yaml: "retry: {...}" and "wrap: [...]" lines, or NULL. Fails the test when it cannot be
 * opened. */
struct storage *script_storage(struct script *s, const char *yaml);
/* The same on several, as endpoints "script://<number from 0>". yaml may have "options: {...}" too. */
struct storage *script_endpoints(struct script *const *scripts, uint32_t count, const char *yaml);
const dlfw_backend_ops *script_ops(const struct script *s);
dlfw_backend *script_instance(struct script *s);

void script_set(struct script *s, const char *key, const void *data, size_t len);
/* The object's bytes; NULL: no such object. Valid until it is changed. */
const uint8_t *script_get(struct script *s, const char *key, size_t *ret_len);
uint32_t script_objects(struct script *s);

uint64_t script_calls(struct script *s, uint16_t op); /* 0: all */
uint64_t script_submits(struct script *s);            /* calls of submit() */
uint32_t script_max_running(struct script *s);        /* requests at work at once */
uint32_t script_uploads(struct script *s);            /* begun, neither committed nor aborted */
uint32_t script_cursors(struct script *s);
uint64_t script_last_length(struct script *s); /* of the last GET or WRITE_PART */
uint64_t script_last_offset(struct script *s);
uint64_t script_registered(struct script *s); /* bytes registered now */

/* Byte i of the test pattern. */
static inline uint8_t script_byte(uint64_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + 3);
}
void script_fill(uint8_t *data, size_t len, uint64_t from);

#endif
