/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hook may ask its host for, in tests: objects live in memory, every writer and source is counted, and the call
 * of a chosen number fails. Streams, listings and removals may come from several threads.
 */
#ifndef DLFW_MOCK_FAKE_SERVICES_H
#define DLFW_MOCK_FAKE_SERVICES_H

#include <pthread.h>

#include "dlfw/hook.h"

#define FAKE_OBJECTS 256u
#define FAKE_EVENTS 64u
#define FAKE_WINDOW 65536u /* bytes of a writer's window; a scan hands over at most as many at once */

struct fake_object {
    char uri[256];
    unsigned char *data;
    uint64_t len;
    uint64_t mtime_ns; /* the count of commits, so that later ones are younger */
};

/* A checkpoint event as it came, its name copied. */
struct fake_event {
    dlfw_checkpoint_event event;
    char name[64];
};

struct fake_services {
    dlfw_hook_services table;
    pthread_mutex_t lock;
    struct fake_object objects[FAKE_OBJECTS]; /* committed; uri[0] == 0: free */
    uint32_t writers_open;
    uint32_t sources_open;
    uint32_t figures; /* calls of put() */
    uint64_t calls;   /* of services that can fail */
    uint64_t commits;
    uint64_t fail_at;    /* the call of that number (from 1) fails with NO_SPACE; 0: none */
    uint64_t fail_after; /* every later one too; 0: none */
    uint32_t world_size; /* of gather(): every rank gives what this one gives; 0 is 1 */
    struct fake_event events[FAKE_EVENTS];
    uint32_t event_count; /* more than FAKE_EVENTS: the first ones are kept */
};

void fake_services_init(struct fake_services *services);
void fake_services_free(struct fake_services *services);
/* NULL: no such object. */
const struct fake_object *fake_services_object(const struct fake_services *services, const char *uri);
/* Puts an object there as if somebody had committed it. */
void fake_services_put(struct fake_services *services, const char *uri, const void *data, uint64_t len);
/* How many objects have a name that begins with prefix. */
uint32_t fake_services_count(const struct fake_services *services, const char *prefix);

#endif
