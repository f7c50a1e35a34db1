/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints that a user names: a YAML list, "a,b,c", a file with one per line ('#' begins a comment), or the value
 * of an environment variable. An item may hold ranges: "http://10.0.0.{1...4}:900{0...1}" are eight, "{01...10}" keeps
 * its zeros.
 */
#ifndef DLFW_CORE_IO_ENDPOINT_LIST_H
#define DLFW_CORE_IO_ENDPOINT_LIST_H

#include <stdbool.h>

#include "config/schema.h"
#include "io/endpoints/endpoint_health.h"

struct endpoint_list {
    char *items[ENDPOINTS_MAX];
    uint32_t count;
    bool are_urls; /* http:// or https://: servers; else locations, as URIs or paths */
};

/* The value of storage.endpoint_uris; mistakes become problems. False: there were some. */
bool endpoint_list_read(const dlfw_node *node, struct endpoint_list *ret, struct problem_list *problems);
/* "a,b,c" of a variable. */
bool endpoint_list_of_environment(const char *variable, const char *text, struct endpoint_list *ret,
                                  struct problem_list *problems);
void endpoint_list_free(struct endpoint_list *list); /* a zeroed one is fine */

#endif
