/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events with their marks. This file knows libyaml, yaml_build.c knows the tree.
 */
#include "config/yaml_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "config/yaml_build.h"

struct reading {
    struct yaml_builder builder;
    yaml_parser_t parser;
    const char *name; /* in the tree's arena */
    const char *text;
    size_t len;
    bool had_document, done;
};

static struct node_place place_of(const struct reading *r, yaml_mark_t mark)
{
    return (struct node_place){.file = r->name, .line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

/* Column of a tab in the indentation of a line, from 1; 0: none. */
static uint32_t indent_tab(const struct reading *r, size_t line)
{
    const char *at = r->text, *end = r->text + r->len;

    for (; line && at < end; line--) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        at = newline ? newline + 1 : end;
    }
    for (uint32_t column = 1; at < end && (*at == ' ' || *at == '\t'); at++, column++)
        if (*at == '\t')
            return column;
    return 0;
}

static dlfw_status parser_fail(const struct reading *r, dlfw_error *err)
{
    const yaml_parser_t *p = &r->parser;
    struct node_place place = place_of(r, p->problem_mark);
    uint32_t tab = indent_tab(r, p->problem_mark.line);

    if (p->error == YAML_MEMORY_ERROR)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "%s: out of memory", r->name);
    if (p->error == YAML_READER_ERROR)
        return dlfw_fail(err, DLFW_E_CONFIG, "%s: byte %zu: %s", r->name, p->problem_offset, p->problem);
    if (tab) {
        place.column = tab;
        return place_fail(place, err, "a tab cannot indent; use spaces");
    }
    if (p->context)
        return place_fail(place, err, "%s (%s at line %zu)", p->problem, p->context, p->context_mark.line + 1);
    return place_fail(place, err, "%s", p->problem ? p->problem : "not valid YAML");
}

static const char *keep_anchor(struct reading *r, const yaml_char_t *anchor)
{
    return anchor ? arena_strndup(&r->builder.tree->arena, (const char *)anchor, strlen((const char *)anchor)) : NULL;
}

/* Tags of YAML's own types are fine (and change nothing but !!str); any other asks for an object of some program. */
static dlfw_status check_tag(const struct reading *r, const yaml_char_t *tag, yaml_mark_t mark, dlfw_error *err)
{
    static const char *const known[] = {"!",           YAML_STR_TAG,  YAML_INT_TAG, YAML_FLOAT_TAG,
                                        YAML_BOOL_TAG, YAML_NULL_TAG, YAML_SEQ_TAG, YAML_MAP_TAG};

    if (!tag)
        return DLFW_OK;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp((const char *)tag, known[i]) == 0)
            return DLFW_OK;
    return place_fail(place_of(r, mark), err, "the tag '%s' is not supported", (const char *)tag);
}

static dlfw_status on_scalar(struct reading *r, const yaml_event_t *event, dlfw_error *err)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    const yaml_char_t *tag = event->data.scalar.tag;
    struct node_place place = place_of(r, event->start_mark);
    dlfw_status st = check_tag(r, tag, event->start_mark, err);
    dlfw_node *node;

    if (st < 0)
        return st;
    if (memchr(text, '\0', len))
        return place_fail(place, err, "text with a NUL character");
    node = node_new_scalar(r->builder.tree, text, len, place);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
                   (tag && (strcmp((const char *)tag, YAML_STR_TAG) == 0 || strcmp((const char *)tag, "!") == 0));
    return yaml_build_scalar(&r->builder, node, keep_anchor(r, event->data.scalar.anchor), err);
}

static dlfw_status on_document(struct reading *r, const yaml_event_t *event, dlfw_error *err)
{
    if (r->had_document)
        return place_fail(place_of(r, event->start_mark), err, "a second document; one file holds one configuration");
    r->had_document = true;
    return DLFW_OK;
}

static dlfw_status on_event(struct reading *r, const yaml_event_t *event, dlfw_error *err)
{
    struct node_place place = place_of(r, event->start_mark);
    dlfw_status st;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event, err);
    case YAML_ALIAS_EVENT:
        return yaml_build_alias(&r->builder, (const char *)event->data.alias.anchor, place, err);
    case YAML_SEQUENCE_START_EVENT:
        st = check_tag(r, event->data.sequence_start.tag, event->start_mark, err);
        return st < 0 ? st
                      : yaml_build_open(&r->builder, DLFW_NODE_LIST, keep_anchor(r, event->data.sequence_start.anchor),
                                        place, err);
    case YAML_MAPPING_START_EVENT:
        st = check_tag(r, event->data.mapping_start.tag, event->start_mark, err);
        return st < 0 ? st
                      : yaml_build_open(&r->builder, DLFW_NODE_MAP, keep_anchor(r, event->data.mapping_start.anchor),
                                        place, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return yaml_build_close(&r->builder, err);
    case YAML_DOCUMENT_START_EVENT:
        return on_document(r, event, err);
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return DLFW_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return DLFW_OK;
    }
    return DLFW_OK;
}

dlfw_status yaml_read_text(const char *name, const char *text, size_t len, struct node_tree *tree, dlfw_error *err)
{
    struct reading *r;
    dlfw_status st = DLFW_OK;

    if (len > YAML_MAX_BYTES)
        return dlfw_fail(err, DLFW_E_CONFIG, "%s: larger than %u MiB", name, YAML_MAX_BYTES >> 20);
    r = xcalloc(1, sizeof *r);
    r->builder.tree = tree;
    r->name = arena_strndup(&tree->arena, name, strlen(name));
    r->text = text;
    r->len = len;
    if (!yaml_parser_initialize(&r->parser)) {
        free(r);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "%s: out of memory", name);
    }
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, len);
    while (!r->done && st >= 0) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event)) {
            st = parser_fail(r, err);
            break;
        }
        st = on_event(r, &event, err);
        yaml_event_delete(&event);
    }
    if (st >= 0 && !r->builder.root)
        r->builder.root = node_new(tree, DLFW_NODE_NULL, (struct node_place){r->name, 1, 1});
    if (st >= 0)
        tree->root = r->builder.root;
    yaml_parser_delete(&r->parser);
    free(r);
    return st;
}

/* All bytes of fd, at most one more than the limit (which the caller's length check then refuses). */
static dlfw_status read_all(int fd, const char *path, struct str *out, dlfw_error *err)
{
    char chunk[16384];

    while (out->len <= YAML_MAX_BYTES) {
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, "cannot read '%s'", path);
        if (n == 0)
            break;
        str_add_len(out, chunk, (size_t)n);
    }
    return DLFW_OK;
}

dlfw_status yaml_read_file(const char *path, struct node_tree *tree, dlfw_error *err)
{
    struct str text = STR_EMPTY;
    struct stat info;
    dlfw_status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        st = dlfw_fail(err, DLFW_E_CONFIG, "'%s' is a directory, not a configuration file", path);
    else
        st = read_all(fd, path, &text, err);
    if (st >= 0)
        st = yaml_read_text(path, text.data, text.len, tree, err);
    str_free(&text);
    close(fd);
    return st;
}
