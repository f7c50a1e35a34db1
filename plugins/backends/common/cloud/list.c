/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST: a cursor holds one page of the service and hands it out in pages of the host. Names are kept relative to the
 * instance's root. A place below the root without a single name does not exist; a bucket's root may be empty.
 */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void list_free(struct cloud_list *list)
{
    if (!list)
        return;
    text_free(&list->prefix);
    text_free(&list->token);
    text_free(&list->previous_token);
    text_free(&list->text);
    free(list->names);
    free(list);
}

bool cloud_list_add(struct cloud_list *list, const char *name, size_t len, uint64_t size, uint64_t mtime_ns)
{
    if (len < list->prefix.len || memcmp(name, list->prefix.data ? list->prefix.data : "", list->prefix.len) != 0)
        return true; /* not what was asked for */
    list->any = true;
    if (len == list->strip || (len == list->prefix.len && !list->recursive))
        return true; /* the marker of the place itself */
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 256;
        struct cloud_name *names = room > list->room ? realloc(list->names, room * sizeof *names) : NULL;

        if (!names)
            return false;
        list->names = names;
        list->room = room;
    }
    list->names[list->count++] = (struct cloud_name){
        .size = size, .mtime_ns = mtime_ns, .at = list->text.len, .len = (uint32_t)(len - list->strip)};
    text_add(&list->text, name + list->strip, len - list->strip);
    return !list->text.failed;
}

/* Records from the start of the page, names from its end. Returns bytes of records. */
static uint64_t fill(struct cloud_list *list, uint8_t *buf, uint64_t cap)
{
    uint64_t records = 0;
    uint64_t names = cap;

    for (; list->next < list->count; list->next++) {
        const struct cloud_name *name = &list->names[list->next];
        dlfw_list_entry entry = {.size = name->size, .mtime_ns = name->mtime_ns, .name_len = name->len};

        if (names - records < sizeof entry + name->len)
            break;
        names -= name->len;
        memcpy(buf + names, list->text.data + name->at, name->len);
        entry.name_off = (uint32_t)names;
        memcpy(buf + records, &entry, sizeof entry);
        records += sizeof entry;
    }
    return records;
}

static void list_empty(struct cloud_list *list)
{
    list->count = list->next = 0;
    text_clear(&list->text);
}

/* What is at hand goes into the host's page. DLFW_END: done; DLFW_OK: nothing was at hand and there is more to fetch.
 */
static dlfw_status serve(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_list *list = call->list;
    const dlfw_req *req = call->req;

    call->comp.bytes = fill(list, req->buf, req->buf_cap < UINT32_MAX ? req->buf_cap : UINT32_MAX);
    if (list->next < list->count && call->comp.bytes == 0)
        return dlfw_fail(err, DLFW_E_BUFFER_TOO_SMALL, "the page has no room for a name of %u bytes",
                         list->names[list->next].len);
    if (list->next < list->count || (!list->last && call->comp.bytes)) {
        call->comp.flags |= DLFW_COMP_MORE;
        call->comp.handle = list;
        return DLFW_END;
    }
    if (!list->last) {
        list_empty(list);
        return DLFW_OK;
    }
    if (!list->any && list->prefix.len > list->strip)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "there is nothing below it");
    list_free(list);
    call->list = NULL;
    return DLFW_END;
}

static dlfw_status list_new(struct cloud_call *call, dlfw_error *err)
{
    struct cloud_list *list = calloc(1, sizeof *list);

    if (!list)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    call->list = list;
    list->kind = CLOUD_LIST;
    list->recursive = (call->req->flags & DLFW_REQ_RECURSIVE) != 0;
    list->strip = call->cloud->prefix_len;
    text_add(&list->prefix, call->key.data, call->key.len);
    if (call->req->key_len && list->prefix.len && list->prefix.data[list->prefix.len - 1] != '/')
        text_char(&list->prefix, '/');
    if (list->prefix.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    return DLFW_OK;
}

dlfw_status list_begin(struct cloud_call *call, dlfw_error *err)
{
    const dlfw_req *req = call->req;

    if ((uintptr_t)req->buf % 8 != 0)
        return dlfw_fail(err, DLFW_E_ALIGN, "a page of names begins at a multiple of 8 bytes");
    if (!req->handle)
        return list_new(call, err);
    call->list = req->handle;
    if (call->list->kind != CLOUD_LIST) {
        call->list = NULL;
        return dlfw_fail(err, DLFW_E_INVALID, "the handle of this request does not come from LIST");
    }
    return serve(call, err);
}

/* The service's page is in the list: count, token and last are set. */
void list_answered(struct cloud_call *call)
{
    struct cloud_list *list = call->list;
    dlfw_error err = call_error(call);
    dlfw_status status;

    if (!list->last &&
        (list->token.len == 0 || (list->token.len == list->previous_token.len &&
                                  memcmp(list->token.data, list->previous_token.data, list->token.len) == 0))) {
        call_fail(call, DLFW_E_CORRUPT, 0, "the service says there is another page but not where it begins");
        return;
    }
    text_clear(&list->previous_token);
    text_add(&list->previous_token, list->token.data, list->token.len);
    status = serve(call, &err);
    if (status == DLFW_END)
        call_end(call, DLFW_OK);
    else if (status < 0)
        call_fail(call, status, 0, "%s", call->error);
    else
        call_start(call); /* an empty page with another one behind it */
}

/* The host may ask again for the page of a cursor that it knows; a cursor it never saw goes. */
void list_failed(struct cloud_call *call, dlfw_status status)
{
    struct cloud_list *list = call->list;

    if (!list)
        return;
    call->comp.bytes = 0;
    if (!call->req->handle || call->cancelled) {
        list_free(list);
        call->list = NULL;
        return;
    }
    if (status != DLFW_E_BUFFER_TOO_SMALL) { /* half a page is none: the same one is asked for again */
        list_empty(list);
        list->last = false;
        text_clear(&list->token);
        text_add(&list->token, list->previous_token.data, list->previous_token.len);
    }
    call->comp.flags |= DLFW_COMP_MORE;
    call->comp.handle = list;
}
