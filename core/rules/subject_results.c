/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of a finished run, from the files that DLIO and dlfw both leave. A fact that is missing stays unknown (0 or
 * NULL): the rule that needs it says so, and does not pass.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "config/yaml_read.h"
#include "report/result_read.h"
#include "rules/subject.h"

#define GIB 1073741824.0
#define COUNT_MAX 1e9

static void add_error(struct subject *s, uint32_t rule, const char *found, const struct error_slot *err)
{
    struct arena *arena = &s->findings.arena;

    finding_add(&s->findings, LEVEL_INVALID, rule, found, NULL, arena_format(arena, "%s", err->text));
}

static uint64_t count_of(const json_t *summary, const char *key)
{
    double value = result_number(summary, 0, key, NULL);

    return value >= 1 && value <= COUNT_MAX && value == floor(value) ? (uint64_t)value : 0;
}

/* Positions of hosts in the list differ between engines; only the sum is used. */
static uint64_t memory_of(const json_t *summary)
{
    const json_t *list = json_object_get(summary, "host_memory_GB"), *item;
    uint64_t total = 0;
    size_t i;

    json_array_foreach(list, i, item)
    {
        double bytes = json_number_value(item) * GIB;

        if (!(bytes >= 1 && bytes < 1e18))
            return 0;
        total += (uint64_t)(bytes + 0.5);
    }
    return total;
}

/* "2026-01-31T12:00:00.123456" as seconds. Local time without its zone: only differences are used, and those of runs
 * that follow each other. */
static double seconds_of(const char *text)
{
    struct tm tm = {0};
    double seconds = 0;

    if (!text || sscanf(text, "%d-%d-%dT%d:%d:%lf", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
                        &seconds) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (double)timegm(&tm) + seconds;
}

static const char *find_config_folder(struct subject *s)
{
    static const char *const folders[] = {"dlio_config", ".hydra", "configs"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = arena_format(&s->findings.arena, "%s/%s/config.yaml", s->name, folders[i]);

        if (access(path, F_OK) == 0)
            return folders[i];
    }
    return NULL;
}

static const char *const *read_overrides(struct subject *s, struct error_slot *err)
{
    struct arena *arena = &s->findings.arena;
    char *path = arena_format(arena, "%s/%s/overrides.yaml", s->name, s->config_folder);
    struct node_tree tree = {0};
    const char **list = NULL;
    dlfw_status st = yaml_read_file(path, &tree, &err->e);

    if (st >= 0 && !node_is_null(tree.root) && tree.root->kind != DLFW_NODE_LIST)
        st = dlfw_fail(&err->e, DLFW_E_CORRUPT, "'%s' holds no list", path);
    if (st < 0)
        goto out;
    list = arena_alloc(arena, ((node_is_null(tree.root) ? 0 : tree.root->count) + 1) * sizeof *list);
    for (uint32_t i = 0; !node_is_null(tree.root) && i < tree.root->count; i++) {
        const char *text = node_to_str(tree.root->pairs[i].value);

        if (!text || !text[0]) {
            dlfw_fail(&err->e, DLFW_E_CORRUPT, "item %u of '%s' is no text", i + 1, path);
            list = NULL;
            goto out;
        }
        list[i] = arena_strndup(arena, text, strlen(text));
    }
out:
    node_tree_free(&tree);
    return list;
}

static void read_config(struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    struct run_config_args args = {0};
    struct error_slot err;

    error_slot_init(&err);
    s->config_folder = find_config_folder(s);
    if (!s->config_folder) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_FILES, "no stored configuration", "dlio_config/config.yaml",
                    "without it nobody can tell what ran");
        return;
    }
    s->overrides = read_overrides(s, &err);
    if (!s->overrides)
        add_error(s, RULE_FILES, "no readable overrides.yaml", &err);
    args.path = arena_format(arena, "%s/%s/config.yaml", s->name, s->config_folder);
    s->has_config = true;
    if (run_config_read(&args, &s->cfg, &s->problems) >= 0)
        return;
    for (uint32_t i = 0; i < s->problems.count; i++)
        if (s->problems.items[i].is_error)
            finding_add(&s->findings, LEVEL_INVALID, RULE_DEFINITION, "the stored configuration has an error", NULL,
                        arena_format(arena, "%s", s->problems.items[i].text));
}

void subject_read_results(const char *folder, struct subject *ret)
{
    static const char *const no_overrides[] = {NULL};
    struct subject *s = ret;
    struct error_slot err;

    *s = (struct subject){.name = folder, .finished = true, .memory_from = "summary.json"};
    error_slot_init(&err);
    if (result_read_json(folder, "summary.json", &s->summary, &err.e) < 0)
        add_error(s, RULE_FILES, "no readable summary.json", &err);
    read_config(s);
    if (!s->overrides)
        s->overrides = no_overrides;
    s->hosts = count_of(s->summary, "num_hosts");
    s->accelerators = count_of(s->summary, "num_accelerators");
    s->memory_bytes = memory_of(s->summary);
    s->start_seconds = seconds_of(result_text(s->summary, "start", NULL));
    s->end_seconds = seconds_of(result_text(s->summary, "end", NULL));
}
