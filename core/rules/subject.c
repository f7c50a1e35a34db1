/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/subject.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/option_parse.h"
#include "report/host_facts.h"

#define GIB 1073741824.0

void rule_book_open(const struct rule_version *version, struct rule_book *ret)
{
    struct run_config_args nothing = {.path = "/dev/null"};
    struct problem_list problems = {0};
    struct run_config *cfg = xcalloc(1, sizeof *cfg);
    struct str text = STR_EMPTY;

    *ret = (struct rule_book){.version = version};
    run_config_read(&nothing, cfg, &problems); /* that the file is empty is no mistake here */
    run_config_show(cfg, true, &text);
    ret->defaults = json_loads(text.data, 0, NULL);
    DLFW_BUG_IF(!ret->defaults);
    str_free(&text);
    run_config_free(cfg);
    free(cfg);
    problem_list_free(&problems);
}

void rule_book_close(struct rule_book *book)
{
    json_decref(book->defaults);
    *book = (struct rule_book){0};
}

dlfw_status subject_read_config(const struct run_config_args *args, const struct run_size *size, const char *name,
                                struct subject *ret)
{
    struct host_facts facts = {0};
    uint64_t per_host = size->memory_per_host;
    dlfw_status st;

    *ret = (struct subject){.name = name, .has_config = true};
    st = run_config_read(args, &ret->cfg, &ret->problems);
    ret->overrides = ret->cfg.overrides;
    ret->hosts = size->hosts ? size->hosts : 1;
    ret->accelerators = size->accelerators;
    ret->memory_from = "--memory-per-host";
    if (!per_host) {
        host_facts_read(&facts);
        per_host = (uint64_t)(facts.memory_gib * GIB + 0.5);
        ret->memory_from = "this machine's memory";
        host_facts_free(&facts);
    }
    if (__builtin_mul_overflow(per_host, ret->hosts, &ret->memory_bytes))
        ret->memory_bytes = UINT64_MAX; /* too much for the arithmetic, which says so */
    return st;
}

void subject_free(struct subject *s)
{
    json_decref(s->summary);
    run_config_free(&s->cfg);
    problem_list_free(&s->problems);
    findings_free(&s->findings);
    *s = (struct subject){0};
}

/* A default as the text that a file would have; NULL: there is none. */
static const char *default_text(const struct rule_book *book, struct arena *arena, const char *key)
{
    const json_t *value = json_object_get(json_object_get(book->defaults, key), "value");

    switch (json_typeof(value ? value : json_null())) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_INTEGER:
        return arena_format(arena, "%lld", json_integer_value(value));
    case JSON_REAL:
        return arena_format(arena, "%.17g", json_real_value(value));
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return NULL;
}

/* data_reader stands for reader when it is there; a time may be written {mean: x}. */
const dlfw_node *subject_node(const struct subject *s, const char *key)
{
    const dlfw_node *root = s->cfg.tree.root, *node;
    char path[256];

    if (strncmp(key, "reader.", 7) == 0 && node_get(root, "data_reader")) {
        snprintf(path, sizeof path, "data_%s", key);
        key = path;
    }
    node = root ? node_find(root, key) : NULL;
    if (node && node->kind == DLFW_NODE_MAP && node->count == 1 && node_get(node, "mean"))
        return node_get(node, "mean");
    return node;
}

const char *subject_value(const struct rule_book *book, struct subject *s, const char *key)
{
    const dlfw_node *node = subject_node(s, key);
    struct str text = STR_EMPTY;
    const char *copy;

    if (node_is_null(node)) {
        if (strcmp(key, "reader.data_loader") == 0)
            return s->cfg.reader.data_loader; /* follows the framework */
        return default_text(book, &s->findings.arena, key);
    }
    if (node->kind == DLFW_NODE_SCALAR)
        return node->text;
    node_print_flow(node, &text);
    copy = arena_strndup(&s->findings.arena, text.data, text.len);
    str_free(&text);
    return copy;
}

uint64_t subject_number(const struct rule_book *book, struct subject *s, const char *key)
{
    const char *text = subject_value(book, s, key);
    struct error_slot err;
    int64_t number = 0;

    error_slot_init(&err);
    if (!text || text_i64(text, &number, &err.e) < 0 || number < 0)
        return 0;
    return (uint64_t)number;
}

bool subject_flag(const struct rule_book *book, struct subject *s, const char *key)
{
    const char *text = subject_value(book, s, key);
    struct error_slot err;
    uint8_t flag = 0;

    error_slot_init(&err);
    return text && text_bool(text, &flag, &err.e) >= 0 && flag;
}
