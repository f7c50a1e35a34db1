/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the machine are a courtesy to the reader of a report: one that cannot be had is left out, said once, and
 * never fails a run. */
#include "report/host_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define KIB_PER_GIB 1048576.0

static void fact_add(struct arena *arena, struct fact_list *list, const char *key, size_t key_len, const char *value,
                     size_t value_len)
{
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 32;
        struct fact *items = arena_alloc(arena, cap * sizeof *items);

        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count].key = arena_strndup(arena, key, key_len);
    list->items[list->count].value = arena_strndup(arena, value, value_len);
    list->count++;
}

static size_t without_blanks_at_end(const char *text, size_t len)
{
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
        len--;
    return len;
}

/* One line "key : value"; lines without a colon are no facts. */
static void fact_add_line(struct arena *arena, struct fact_list *list, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    const char *value;
    size_t value_len;

    if (!colon)
        return;
    value = colon + 1;
    value_len = len - (size_t)(value - line);
    while (value_len && (*value == ' ' || *value == '\t')) {
        value++;
        value_len--;
    }
    fact_add(arena, list, line, without_blanks_at_end(line, (size_t)(colon - line)), value,
             without_blanks_at_end(value, value_len));
}

static void facts_of_lines(struct arena *arena, const char *text, const char *end, struct fact_list *ret)
{
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t len = newline ? (size_t)(newline - text) : (size_t)(end - text);

        fact_add_line(arena, ret, text, len);
        text += len + 1;
    }
}

const char *fact_find(const struct fact_list *list, const char *key)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].key, key) == 0)
            return list->items[i].value;
    return NULL;
}

/* Blocks are separated by empty lines; some machines add a last block that describes no processor. */
void facts_of_last_processor(struct arena *arena, const char *cpuinfo, struct fact_list *ret)
{
    static const char key[] = "processor";
    const char *begin = NULL, *end;
    uint32_t kept = 0;

    for (const char *block = cpuinfo; block && *block; block = strstr(block, "\n\n"), block = block ? block + 2 : NULL)
        if (strncmp(block, key, sizeof key - 1) == 0)
            begin = block;
    if (!begin)
        return;
    end = strstr(begin, "\n\n");
    facts_of_lines(arena, begin, end ? end : begin + strlen(begin), ret);
    for (uint32_t i = 0; i < ret->count; i++)
        if (strcmp(ret->items[i].key, key) != 0)
            ret->items[kept++] = ret->items[i];
    ret->count = kept;
}

void facts_of_meminfo(struct arena *arena, const char *meminfo, struct fact_list *ret)
{
    facts_of_lines(arena, meminfo, meminfo + strlen(meminfo), ret);
}

/* Files of /proc have no size: read until they end. NULL with a warning when that fails. */
static char *read_proc(const char *path)
{
    FILE *f = fopen(path, "re");
    struct str text = STR_EMPTY;
    char piece[8192];
    char *copy = NULL;
    size_t n;

    if (!f)
        goto out;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        str_add_len(&text, piece, n);
    if (!ferror(f))
        copy = xstrndup(text.data, text.len);
out:
    if (!copy)
        log_warning("cannot read '%s': %s; reports say less about this machine", path, strerror(errno));
    if (f)
        fclose(f);
    str_free(&text);
    return copy;
}

char *host_meminfo_text(void)
{
    return read_proc("/proc/meminfo");
}

void host_facts_read(struct host_facts *ret)
{
    char *cpuinfo = read_proc("/proc/cpuinfo");
    char *meminfo = read_proc("/proc/meminfo");
    const char *total, *name;
    char host[256] = "";
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    *ret = (struct host_facts){0};
    if (cpuinfo)
        facts_of_last_processor(&ret->arena, cpuinfo, &ret->cpuinfo);
    if (meminfo)
        facts_of_meminfo(&ret->arena, meminfo, &ret->meminfo);
    if (gethostname(host, sizeof host - 1) != 0)
        log_warning("cannot read this machine's name: %s", strerror(errno));
    ret->hostname = arena_strndup(&ret->arena, host, strlen(host));
    name = fact_find(&ret->cpuinfo, "model name");
    ret->processor_name = name ? name : "";
    ret->cpu_count = cpus > 0 ? (uint32_t)cpus : 0;
    total = fact_find(&ret->meminfo, "MemTotal");
    ret->memory_gib = total ? (double)strtoull(total, NULL, 10) / KIB_PER_GIB : 0.0;
    free(cpuinfo);
    free(meminfo);
}

void host_facts_free(struct host_facts *h)
{
    arena_free(&h->arena);
    *h = (struct host_facts){0};
}
