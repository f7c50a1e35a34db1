/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hook may ask its host for, in tests: objects live in memory, every writer and source is counted, and the call
 * of a chosen number fails.
 */
#ifndef DLFW_MOCK_FAKE_SERVICES_H
#define DLFW_MOCK_FAKE_SERVICES_H

#include "dlfw/hook.h"

#define FAKE_OBJECTS 64u

struct fake_object {
    char uri[256];
    unsigned char *data;
    uint64_t len;
};

struct fake_services {
    dlfw_hook_services table;
    struct fake_object objects[FAKE_OBJECTS]; /* committed; uri[0] == 0: free */
    uint32_t writers_open;
    uint32_t sources_open;
    uint32_t figures; /* calls of put() */
    uint64_t calls;
    uint64_t fail_at; /* the call of that number (from 1) fails with NO_SPACE; 0: none */
};

void fake_services_init(struct fake_services *services);
void fake_services_free(struct fake_services *services);
/* NULL: no such object. */
const struct fake_object *fake_services_object(const struct fake_services *services, const char *uri);

#endif
