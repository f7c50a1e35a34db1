/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing. Below a container it is List Blobs, page by page. The groups of an account are its containers; everything
 * below an account is one container's blobs after the other's, and the cursor's token says where that walk stands:
 * "container\nmarker in it\nmarker behind the container".
 */
#include "azure.h"

#include <string.h>

struct walk_state {
    const char *container, *inner, *outer;
    size_t container_len, inner_len, outer_len;
};

struct page_parts {
    struct az_page *page;
    struct text name;
    bool encoded;
    bool directory;
    bool failed;
    bool malformed;
    uint64_t size;
    uint64_t mtime_ns;
};

static struct walk_state state_of(const struct text *token)
{
    const char *first = token->len ? memchr(token->data, '\n', token->len) : NULL;
    const char *second = first ? memchr(first + 1, '\n', token->len - (size_t)(first + 1 - token->data)) : NULL;

    if (!second)
        return (struct walk_state){"", "", "", 0, 0, 0};
    return (struct walk_state){token->data,
                               first + 1,
                               second + 1,
                               (size_t)(first - token->data),
                               (size_t)(second - first - 1),
                               token->len - (size_t)(second + 1 - token->data)};
}

static bool is_account(const struct dlfw_backend *be, const struct cloud_list *list)
{
    return !be->settings.container.len && !list->prefix.len;
}

/* The containers of the account: all as groups, or one to walk through. */
static dlfw_status build_containers(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "GET"};
    struct walk_state at = state_of(&call->list->token);

    az_query_str(&m, "comp", "list");
    if (call->list->recursive)
        az_query_str(&m, "maxresults", "1");
    if (call->list->recursive && at.outer_len)
        az_query(&m, "marker", at.outer, at.outer_len);
    if (!call->list->recursive && call->list->token.len)
        az_query(&m, "marker", call->list->token.data, call->list->token.len);
    return az_send(call, &m, NULL, err);
}

static dlfw_status build_blobs(struct cloud_call *call, struct az_place place, const char *marker, size_t marker_len,
                               dlfw_error *err)
{
    struct az_message m = {.method = "GET"};
    dlfw_status st = az_container_name_check(place.container, place.container_len, err);

    if (st < 0)
        return st;
    m.place = (struct az_place){place.container, place.container_len, NULL, 0};
    az_query_str(&m, "restype", "container");
    az_query_str(&m, "comp", "list");
    if (place.blob_len)
        az_query(&m, "prefix", place.blob, place.blob_len);
    if (!call->list->recursive)
        az_query_str(&m, "delimiter", "/");
    if (marker_len)
        az_query(&m, "marker", marker, marker_len);
    return az_send(call, &m, NULL, err);
}

dlfw_status az_build_list(struct cloud_call *call, dlfw_error *err)
{
    const struct dlfw_backend *be = az_backend(call);
    struct cloud_list *list = call->list;
    struct walk_state at = state_of(&list->token);

    if (!is_account(be, list))
        return build_blobs(call,
                           az_place_of(be->settings.container.data, be->settings.container.len,
                                       list->prefix.data ? list->prefix.data : "", list->prefix.len),
                           list->token.data, list->token.len, err);
    call->step = list->recursive && at.container_len ? AZ_BLOBS : AZ_FIRST;
    if (call->step == AZ_BLOBS)
        return build_blobs(call, (struct az_place){at.container, at.container_len, NULL, 0}, at.inner, at.inner_len,
                           err);
    return build_containers(call, err);
}

/* ---- reading a page ---- */

static bool end_of_entry(struct page_parts *p, bool group)
{
    size_t len = p->name.len;

    if (p->name.failed)
        p->failed = true;
    if (p->encoded && !p->failed) {
        len = az_decode(p->name.data, len);
        p->malformed = p->malformed || len == SIZE_MAX;
    }
    if (!p->failed && !p->malformed && !p->directory && len)
        p->failed =
            !p->page->each(p->page->ctx, p->name.data, len, group ? UINT64_MAX : p->size, group ? 0 : p->mtime_ns);
    text_clear(&p->name);
    p->encoded = p->directory = false;
    p->size = UINT64_MAX;
    p->mtime_ns = 0;
    return !p->failed && !p->malformed;
}

static uint64_t number_of(const char *text, size_t len)
{
    uint64_t value = 0;

    if (!len || len > 19)
        return UINT64_MAX;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

/* Below one entry: "Name", "Properties/Content-Length" ... */
static void take_member(struct page_parts *p, const char *member, const char *text, size_t len)
{
    if (strcmp(member, "Name") == 0)
        text_add(&p->name, text, len);
    else if (strcmp(member, "Properties/Content-Length") == 0)
        p->size = number_of(text, len);
    else if (strcmp(member, "Properties/Last-Modified") == 0)
        p->mtime_ns = cloud_time_ns(text, len);
    else if (strcmp(member, "Properties/ResourceType") == 0) /* accounts with real directories list those too */
        p->directory = len == 9 && memcmp(text, "directory", 9) == 0;
}

static bool each_element(void *ctx, const char *path, const char *text, size_t len)
{
    static const struct {
        const char *path;
        bool group;
    } entries[] = {{"EnumerationResults/Blobs/Blob", false},
                   {"EnumerationResults/Blobs/BlobPrefix", true},
                   {"EnumerationResults/Containers/Container", true}};
    struct page_parts *p = ctx;

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        size_t n = strlen(entries[i].path);

        if (strncmp(path, entries[i].path, n) != 0)
            continue;
        if (path[n] == '\0')
            return end_of_entry(p, entries[i].group);
        if (path[n] == '/') {
            take_member(p, path + n + 1, text, len);
            return true;
        }
    }
    if (strcmp(path, "EnumerationResults/NextMarker") == 0)
        text_add(&p->page->next, text, len);
    return true;
}

/* Names with characters that XML cannot hold are percent-encoded, and say so. */
static bool each_attribute(void *ctx, const char *path, const char *name, const char *value)
{
    struct page_parts *p = ctx;
    size_t len = strlen(path);

    if (strcmp(name, "Encoded") == 0 && strcmp(value, "true") == 0 && len > 5 && strcmp(path + len - 5, "/Name") == 0)
        p->encoded = true;
    return true;
}

dlfw_status az_page_parse(const char *xml, size_t len, struct az_page *page, dlfw_error *err)
{
    struct page_parts p = {.page = page, .size = UINT64_MAX};
    struct cloud_xml walk = {.ctx = &p, .each = each_element, .attribute = each_attribute};
    dlfw_status st = cloud_xml_walk(xml ? xml : "", len, &walk, err);

    text_free(&p.name);
    if (st == DLFW_OK && p.malformed)
        st = dlfw_fail(err, DLFW_E_CORRUPT, "a name in the list is encoded wrongly");
    if (st == DLFW_OK && (p.failed || page->next.failed))
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    return st;
}

/* ---- into the cursor ---- */

struct collecting {
    struct cloud_list *list;
    struct text name; /* "container/" and what follows; empty: names are whole already */
    size_t keep;
    bool containers;
};

static bool collect(void *ctx, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    struct collecting *c = ctx;

    if (!c->keep && !c->containers)
        return cloud_list_add(c->list, name, len, size, mtime_ns);
    c->name.len = c->keep;
    text_add(&c->name, name, len);
    if (c->containers)
        text_char(&c->name, '/');
    return !c->name.failed && cloud_list_add(c->list, c->name.data, c->name.len, size, mtime_ns);
}

/* While a whole account is walked: one container to go into next. */
static bool keep_container(void *ctx, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    struct text *to = ctx;

    (void)size;
    (void)mtime_ns;
    text_clear(to);
    text_add(to, name, len);
    return !to->failed;
}

static dlfw_status step_into(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_list *list = call->list;
    struct text container = {0};
    struct az_page page = {.ctx = &container, .each = keep_container};
    dlfw_status st = az_page_parse(call->x.reply.data, call->x.reply.len, &page, err);

    if (st == DLFW_OK) {
        text_clear(&list->token);
        text_add(&list->token, container.data, container.len);
        text_str(&list->token, "\n\n");
        text_add(&list->token, page.next.data, page.next.len);
        list->last = !container.len && !page.next.len;
    }
    if (list->token.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    text_free(&container);
    text_free(&page.next);
    return st; /* a page without names, with another one behind it */
}

/* The end of one container's blobs is the end of all only behind the last container. */
static void advance_walk(struct cloud_list *list, const struct text *next)
{
    struct walk_state at = state_of(&list->token);
    struct text token = {0};

    if (next->len)
        text_add(&token, at.container, at.container_len);
    text_char(&token, '\n');
    text_add(&token, next->data, next->len);
    text_char(&token, '\n');
    text_add(&token, at.outer, at.outer_len);
    list->last = !next->len && !at.outer_len;
    text_free(&list->token);
    list->token = token;
}

dlfw_status az_answered_list(struct cloud_call *call, dlfw_error *err)
{
    const struct dlfw_backend *be = az_backend(call);
    struct cloud_list *list = call->list;
    struct collecting c = {.list = list, .containers = is_account(be, list) && !list->recursive};
    struct az_page page = {.ctx = &c, .each = collect};
    dlfw_status st;

    if (is_account(be, list) && list->recursive && call->step == AZ_FIRST)
        return step_into(call, err);
    if (call->step == AZ_BLOBS) {
        struct walk_state at = state_of(&list->token);

        text_add(&c.name, at.container, at.container_len);
        text_char(&c.name, '/');
    } else if (!be->settings.container.len && !c.containers) {
        struct az_place place = az_place_of(NULL, 0, list->prefix.data, list->prefix.len);

        text_add(&c.name, list->prefix.data, place.container_len + 1);
        list->any = list->any || !place.blob_len; /* the container is there, be it empty */
    }
    c.keep = c.name.len;
    st = az_page_parse(call->x.reply.data, call->x.reply.len, &page, err);
    if (st == DLFW_OK && call->step == AZ_BLOBS) {
        advance_walk(list, &page.next);
    } else if (st == DLFW_OK) {
        text_clear(&list->token);
        text_add(&list->token, page.next.data, page.next.len);
        list->last = !page.next.len;
    }
    if (st == DLFW_OK && (list->token.failed || c.name.failed))
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    text_free(&c.name);
    text_free(&page.next);
    return st;
}
