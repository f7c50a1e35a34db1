/* SPDX-License-Identifier: Apache-2.0 */
/* Reading lists of endpoints. Every item passes add(), which refuses what would make a storage that nobody meant: too
 * many, the same one twice, servers and locations in one list. */
#include "io/endpoints/endpoint_list.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/str.h"

#define ITEM_CAP 1024u             /* bytes of one item, ranges written out */
#define FILE_MAX ((size_t)1 << 20) /* bytes of a list's file */

static bool is_url(const char *item)
{
    return strncasecmp(item, "http://", 7) == 0 || strncasecmp(item, "https://", 8) == 0;
}

static bool has_user(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

void endpoint_list_free(struct endpoint_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct endpoint_list){0};
}

static dlfw_status add(struct endpoint_list *list, const char *item, dlfw_error *err)
{
    size_t len = strlen(item);
    bool url = is_url(item);

    if (url && has_user(item)) /* the text may hold a password: not to be shown */
        return dlfw_fail(err, DLFW_E_CONFIG, "an endpoint holds a user's name; credentials are options of the storage");
    while (len > 1 && item[len - 1] == '/')
        len--;
    for (uint32_t i = 0; i < list->count; i++) {
        if (strlen(list->items[i]) == len && memcmp(list->items[i], item, len) == 0)
            return dlfw_fail(err, DLFW_E_CONFIG, "endpoint '%s' is named twice", list->items[i]);
    }
    if (list->count && url != list->are_urls)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "endpoints are either servers (http://host:port) or locations, not both: '%s' and '%s'",
                         list->items[0], item);
    if (list->count == ENDPOINTS_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG, "there are more than %u endpoints", ENDPOINTS_MAX);
    list->are_urls = url;
    list->items[list->count++] = xstrndup(item, len);
    return DLFW_OK;
}

struct range {
    uint64_t first, last;
    int width;       /* digits, zeros in front; 0: as many as there are */
    const char *end; /* behind the closing brace */
};

/* "{01...10}" at text. */
static bool range_at(const char *text, struct range *ret)
{
    int first_digits = 0, last_digits = 0, end = 0;

    if (sscanf(text, "{%*9[0-9]%n...%*9[0-9]%n}%n", &first_digits, &last_digits, &end) < 0 || !end)
        return false;
    ret->first = strtoull(text + 1, NULL, 10);
    ret->last = strtoull(text + first_digits + 3, NULL, 10);
    ret->width = text[1] == '0' && first_digits > 2 ? first_digits - 1 : 0;
    ret->end = text + end;
    return ret->first <= ret->last;
}

/* Writes out the first range of the item, and the others of each result. depth bounds the nesting. */
static dlfw_status expand(struct endpoint_list *list, const char *item, uint32_t depth, dlfw_error *err)
{
    const char *brace = strchr(item, '{');
    struct range r;
    dlfw_status st = DLFW_OK;

    if (strlen(item) >= ITEM_CAP)
        return dlfw_fail(err, DLFW_E_CONFIG, "an endpoint of more than %u characters", ITEM_CAP - 1);
    if (!brace)
        return add(list, item, err);
    if (depth == ENDPOINTS_MAX || !range_at(brace, &r))
        return dlfw_fail(err, DLFW_E_CONFIG, "'%s' has a brace that begins no range such as {1...4} or {01...10}",
                         item);
    for (uint64_t i = r.first; i <= r.last && st >= 0; i++) {
        char *one = xformat("%.*s%0*" PRIu64 "%s", (int)(brace - item), item, r.width, i, r.end);

        st = expand(list, one, depth + 1, err);
        free(one);
    }
    return st;
}

/* One item of len bytes, blanks around it not counted; empty ones are left out. */
static dlfw_status add_text(struct endpoint_list *list, const char *text, size_t len, dlfw_error *err)
{
    dlfw_status st;
    char *item;

    while (len && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (!len)
        return DLFW_OK;
    item = xstrndup(text, len);
    st = expand(list, item, 0, err);
    free(item);
    return st;
}

static dlfw_status add_commas(struct endpoint_list *list, const char *text, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    while (st >= 0 && *text) {
        size_t len = strcspn(text, ",");

        st = add_text(list, text, len, err);
        text += len + (text[len] == ',');
    }
    return st;
}

/* A comment begins with '#' at the start of the line or behind a blank. */
static size_t without_comment(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '#' && (i == 0 || isspace((unsigned char)line[i - 1])))
            return i;
    }
    return len;
}

static dlfw_status add_lines(struct endpoint_list *list, const char *text, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    while (st >= 0 && *text) {
        size_t len = strcspn(text, "\n");

        st = add_text(list, text, without_comment(text, len), err);
        text += len + (text[len] == '\n');
    }
    return st;
}

static dlfw_status add_file(struct endpoint_list *list, const char *path, dlfw_error *err)
{
    FILE *file = fopen(path, "re");
    dlfw_status st = DLFW_OK;
    char *text = NULL;
    size_t len;

    if (!file)
        return dlfw_fail_errno(
            err, errno, "cannot read the list of endpoints '%s' (a single endpoint is a list too: [%s])", path, path);
    text = xcalloc(FILE_MAX + 1, 1);
    len = fread(text, 1, FILE_MAX, file);
    if (ferror(file))
        st = dlfw_fail_errno(err, errno, "cannot read the list of endpoints '%s'", path);
    else if (len == FILE_MAX)
        st = dlfw_fail(err, DLFW_E_CONFIG, "the list of endpoints '%s' is larger than 1 MiB", path);
    else
        st = add_lines(list, text, err);
    fclose(file);
    free(text);
    return st;
}

static dlfw_status read_node(const dlfw_node *node, struct endpoint_list *ret, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    if (node->kind == DLFW_NODE_SCALAR && !strstr(node->text, "://") && !strpbrk(node->text, ",{"))
        return add_file(ret, node->text, err);
    if (node->kind == DLFW_NODE_SCALAR)
        return add_commas(ret, node->text, err);
    for (uint32_t i = 0; i < node->count && st >= 0; i++) {
        const dlfw_node *item = node->pairs[i].value;

        if (node->kind != DLFW_NODE_LIST || item->kind != DLFW_NODE_SCALAR)
            return dlfw_fail(err, DLFW_E_CONFIG, "a list of URIs is wanted, or one text of them with commas between");
        st = add_text(ret, item->text, item->text_len, err);
    }
    return st;
}

static bool settle(dlfw_status st, struct endpoint_list *list, dlfw_error *err)
{
    if (st >= 0 && !list->count)
        st = dlfw_fail(err, DLFW_E_CONFIG, "no endpoint is named");
    if (st < 0)
        endpoint_list_free(list);
    return st >= 0;
}

bool endpoint_list_read(const dlfw_node *node, struct endpoint_list *ret, struct problem_list *problems)
{
    struct error_slot why;

    error_slot_init(&why);
    *ret = (struct endpoint_list){0};
    if (settle(read_node(node, ret, &why.e), ret, &why.e))
        return true;
    problem_add(problems, true, node, "storage.endpoint_uris: %s", why.text);
    return false;
}

bool endpoint_list_of_environment(const char *variable, const char *text, struct endpoint_list *ret,
                                  struct problem_list *problems)
{
    struct error_slot why;

    error_slot_init(&why);
    *ret = (struct endpoint_list){0};
    if (settle(add_commas(ret, text, &why.e), ret, &why.e))
        return true;
    problem_add_at(problems, true, (struct node_place){.file = "environment"}, "%s: %s", variable, why.text);
    return false;
}
