/* SPDX-License-Identifier: Apache-2.0 */
/* A quirks file is one flat YAML mapping of scalars; "skip" may come several times. Read as events, so no tree is
 * needed. */
#include "quirks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

void pairs_add(struct kit_pairs *pairs, const char *name, const char *value)
{
    struct kit_pair *grown = realloc(pairs->items, (pairs->count + 1) * sizeof *grown);

    if (!grown) {
        fprintf(stderr, "dlfw-conform: out of memory\n");
        exit(2);
    }
    pairs->items = grown;
    pairs->items[pairs->count++] = (struct kit_pair){name, value};
}

static int complain(const char *path, const yaml_mark_t *mark, const char *text)
{
    fprintf(stderr, "dlfw-conform: %s:%zu:%zu: %s\n", path, mark->line + 1, mark->column + 1, text);
    return -1;
}

/* "case reason": splits at the first space. */
static int add_skip(struct kit_settings *settings, char *value)
{
    char *reason = strchr(value, ' ');

    if (!reason)
        return -1;
    *reason = '\0';
    pairs_add(&settings->skips, value, reason + 1 + strspn(reason + 1, " "));
    return 0;
}

static int take_pair(struct kit_settings *settings, const char *path, const yaml_mark_t *mark, const char *key,
                     char *value)
{
    if (strncmp(key, "option.", 7) == 0 && key[7]) {
        pairs_add(&settings->options, strdup(key + 7), value);
    } else if (strcmp(key, "root") == 0) {
        if (!settings->root) /* the command line goes first */
            settings->root = value;
    } else if (strcmp(key, "object") == 0) {
        settings->object = value;
    } else if (strcmp(key, "skip") == 0) {
        if (add_skip(settings, value) < 0)
            return complain(path, mark, "a skip needs a reason: 'skip: group.case reason'");
    } else {
        return complain(path, mark, "unknown key; known are option.NAME, root, object and skip");
    }
    return 0;
}

/* Keys and values alternate between the start and the end of the one mapping. */
static int take_event(const yaml_event_t *event, struct kit_settings *settings, const char *path, char **key)
{
    char *text;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        text = strdup((const char *)event->data.scalar.value);
        if (!*key) {
            *key = text;
            return 0;
        }
        if (take_pair(settings, path, &event->start_mark, *key, text) < 0)
            return -1;
        free(*key);
        *key = NULL;
        return 0;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_ALIAS_EVENT:
        return complain(path, &event->start_mark, "a quirks file holds only lines of 'key: value'");
    case YAML_MAPPING_START_EVENT:
        if (*key)
            return complain(path, &event->start_mark, "a quirks file holds only lines of 'key: value'");
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
    default:
        return 0;
    }
}

int quirks_read(const char *path, struct kit_settings *settings)
{
    FILE *file = fopen(path, "re");
    yaml_parser_t parser;
    char *key = NULL;
    bool done = false;
    int rc = 0;

    if (!file) {
        fprintf(stderr, "dlfw-conform: cannot open '%s': %s\n", path, strerror(errno));
        return -1;
    }
    if (!yaml_parser_initialize(&parser)) {
        fclose(file);
        return -1;
    }
    yaml_parser_set_input_file(&parser, file);
    while (!done && rc == 0) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            rc = complain(path, &parser.problem_mark, parser.problem ? parser.problem : "not YAML");
            break;
        }
        rc = take_event(&event, settings, path, &key);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    free(key);
    yaml_parser_delete(&parser);
    fclose(file);
    return rc;
}
