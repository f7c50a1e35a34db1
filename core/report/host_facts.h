/* SPDX-License-Identifier: Apache-2.0 */
/* What DLIO's reports say about the machine: /proc/cpuinfo, /proc/meminfo, CPUs, memory, name. */
#ifndef DLFW_CORE_REPORT_HOST_FACTS_H
#define DLFW_CORE_REPORT_HOST_FACTS_H

#include <stdint.h>

#include "base/str.h"

struct fact {
    const char *key;
    const char *value;
};

/* "key : value" lines in their order. Strings live in the arena of the owner. */
struct fact_list {
    struct fact *items;
    uint32_t count;
    uint32_t cap;
};

struct host_facts {
    struct arena arena;
    struct fact_list cpuinfo; /* the last processor's, without "processor" */
    struct fact_list meminfo;
    const char *hostname;
    const char *processor_name; /* "" when the kernel does not say */
    uint32_t cpu_count;         /* logical CPUs online */
    double memory_gib;          /* 0: not known */
};

/* Reads the machine. A /proc that cannot be read leaves its list empty, with a warning. */
void host_facts_read(struct host_facts *ret);
void host_facts_free(struct host_facts *h);

/* The parts, on given text. */
void facts_of_last_processor(struct arena *arena, const char *cpuinfo, struct fact_list *ret);
void facts_of_meminfo(struct arena *arena, const char *meminfo, struct fact_list *ret);
const char *fact_find(const struct fact_list *list, const char *key); /* NULL when absent */

/* The text of /proc/meminfo now; caller frees. NULL when it cannot be read. */
char *host_meminfo_text(void);

#endif
