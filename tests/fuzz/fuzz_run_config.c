/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes up to the first NUL are a run file, what follows are overrides, each ended by a NUL. Whatever they say, the
 * status agrees with the problems, and what is left can be shown: in one line per key, and as JSON that has them all.
 * A configuration without errors, printed as a finished run stores it, means the same when it is read again.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "finding.h"
#include "workload/run_config.h"

enum { OVERRIDES_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file in memory, its text replaced each time. */
static void write_file(const void *data, size_t size, char *path, size_t cap)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("run_config", MFD_CLOEXEC);
    DLFW_BUG_IF(fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size);
    snprintf(path, cap, "/proc/self/fd/%d", fd);
}

/* The overrides behind the file; list points into the text that is returned. */
static char *take_overrides(const char *data, size_t size, const char **list)
{
    char *texts = xstrndup(data, size);
    uint32_t count = 0;

    for (const char *text = texts; text < texts + size && count < OVERRIDES_MAX; text += strlen(text) + 1)
        list[count++] = text;
    list[count] = NULL;
    return texts;
}

/* One line per key. */
static size_t show_text(const struct run_config *cfg)
{
    struct str out = STR_EMPTY;
    size_t lines = 0;

    run_config_show(cfg, false, &out);
    for (const char *c = out.data; *c; c++) {
        lines += *c == '\n';
        DLFW_BUG_IF(((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f);
    }
    str_free(&out);
    return lines;
}

static json_t *show_json(const struct run_config *cfg)
{
    struct str out = STR_EMPTY;
    json_t *all, *item;
    const char *key;

    run_config_show(cfg, true, &out);
    all = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
    DLFW_BUG_IF(!json_is_object(all));
    json_object_foreach(all, key, item)
    {
        if (!json_object_get(item, "value") || !json_string_value(json_object_get(item, "source")))
            finding("%s is shown without its value or its source", key);
    }
    str_free(&out);
    return all;
}

/* Hydra's settings come from the command line alone and are not stored with the rest. */
static void compare(const json_t *before, json_t *after, const char *stored)
{
    const char *key;
    json_t *item;

    json_object_foreach((json_t *)(uintptr_t)before, key, item)
    {
        if (strncmp(key, "hydra.", 6) != 0 &&
            !json_equal(json_object_get(item, "value"), json_object_get(json_object_get(after, key), "value")))
            finding("%s is another value when it is read again from\n%s", key, stored);
    }
}

/* Stored as dlfw run does it: below one key. */
static void read_again(const struct run_config *cfg, const json_t *before)
{
    struct node_pair pair = {.key = "workload", .value = cfg->tree.root};
    struct dlfw_node root = {.kind = DLFW_NODE_MAP, .count = 1, .cap = 1, .pairs = &pair};
    struct problem_list problems = {.items = NULL};
    struct run_config *again = xcalloc(1, sizeof *again);
    struct str stored = STR_EMPTY;
    char path[64];
    struct run_config_args args = {.path = path};
    json_t *after;

    node_print_yaml(&root, &stored);
    write_file(stored.data, stored.len, path, sizeof path);
    if (run_config_read(&args, again, &problems) < 0)
        finding("%s, when it is read again from\n%s", problems.items[0].text, stored.data);
    after = show_json(again);
    compare(before, after, stored.data);
    json_decref(after);
    run_config_free(again);
    free(again);
    problem_list_free(&problems);
    str_free(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    size_t file = end ? (size_t)(end - data) : size;
    const char *overrides[OVERRIDES_MAX + 1];
    char path[64], *texts;
    struct run_config_args args = {.path = path, .overrides = overrides};
    struct problem_list problems = {.items = NULL};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    json_t *shown;
    dlfw_status st;

    write_file(data, file, path, sizeof path);
    texts = take_overrides(end ? (const char *)end + 1 : "", end ? size - file - 1 : 0, overrides);
    st = run_config_read(&args, cfg, &problems);
    DLFW_BUG_IF((st < 0) != (problems.errors > 0) || (st < 0 && st != DLFW_E_CONFIG));
    for (uint32_t i = 0; i < problems.count; i++)
        message_is_one_line(problems.items[i].text);
    shown = show_json(cfg);
    DLFW_BUG_IF(show_text(cfg) != json_object_size(shown));
    if (st >= 0)
        read_again(cfg, shown);
    json_decref(shown);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
    free(texts);
    return 0;
}
