/* SPDX-License-Identifier: Apache-2.0 */
/* Hook services of tests: a writer collects bytes and becomes an object at commit, never before. */
#include "fake_services.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"

struct dlfw_writer {
    struct fake_services *services;
    struct fake_object object;
    uint64_t cap; /* of object.data */
    uint32_t flags;
};

/* A source keeps what it was opened on, as an open file does. */
struct dlfw_source {
    struct fake_services *services;
    char uri[256];
    unsigned char *data;
    uint64_t len;
};

static dlfw_status begin_call(struct fake_services *services, dlfw_error *reterr)
{
    uint64_t number;

    pthread_mutex_lock(&services->lock);
    number = ++services->calls;
    pthread_mutex_unlock(&services->lock);
    if (number == services->fail_at || (services->fail_after && number > services->fail_after))
        return dlfw_fail(reterr, DLFW_E_NO_SPACE, "the service fails on purpose");
    return DLFW_OK;
}

static struct fake_object *find(struct fake_services *services, const char *uri)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        if (strcmp(services->objects[i].uri, uri) == 0)
            return &services->objects[i];
    return NULL;
}

const struct fake_object *fake_services_object(const struct fake_services *services, const char *uri)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        if (uri[0] && strcmp(services->objects[i].uri, uri) == 0)
            return &services->objects[i];
    return NULL;
}

uint32_t fake_services_count(const struct fake_services *services, const char *prefix)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        count += services->objects[i].uri[0] && strncmp(services->objects[i].uri, prefix, strlen(prefix)) == 0;
    return count;
}

static dlfw_status writer_open(void *ctx, const char *uri, uint64_t size_hint, uint32_t flags, dlfw_writer **ret,
                               dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct dlfw_writer *writer;
    bool exists;
    dlfw_status st = begin_call(services, reterr);

    (void)size_hint;
    if (st < 0)
        return st;
    if (!uri[0] || uri[strlen(uri) - 1] == '/' || strlen(uri) >= sizeof writer->object.uri)
        return dlfw_fail(reterr, DLFW_E_INVALID, "'%s' is no name for an object", uri);
    pthread_mutex_lock(&services->lock);
    exists = fake_services_object(services, uri) != NULL;
    pthread_mutex_unlock(&services->lock);
    if ((flags & DLFW_REQ_EXCLUSIVE) && exists)
        return dlfw_fail(reterr, DLFW_E_EXISTS, "'%s' already exists", uri);
    writer = calloc(1, sizeof *writer);
    if (!writer)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a writer");
    writer->services = services;
    writer->flags = flags;
    memcpy(writer->object.uri, uri, strlen(uri) + 1);
    pthread_mutex_lock(&services->lock);
    services->writers_open++;
    pthread_mutex_unlock(&services->lock);
    *ret = writer;
    return DLFW_OK;
}

/* Room for len more bytes. */
static dlfw_status reserve(dlfw_writer *writer, uint64_t len, dlfw_error *reterr)
{
    uint64_t cap = writer->cap ? writer->cap : 4096;
    unsigned char *grown;

    while (cap < writer->object.len + len)
        cap *= 2;
    if (cap == writer->cap)
        return DLFW_OK;
    grown = realloc(writer->object.data, cap);
    if (!grown)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep '%s'", writer->object.uri);
    writer->object.data = grown;
    writer->cap = cap;
    return DLFW_OK;
}

static dlfw_status writer_append(dlfw_writer *writer, const void *data, uint64_t len, dlfw_error *reterr)
{
    dlfw_status st = begin_call(writer->services, reterr);

    if (st < 0 || len == 0)
        return st;
    st = reserve(writer, len, reterr);
    if (st < 0)
        return st;
    memcpy(writer->object.data + writer->object.len, data, len);
    writer->object.len += len;
    return DLFW_OK;
}

static dlfw_status writer_window(dlfw_writer *writer, void **ret, uint64_t *ret_len, dlfw_error *reterr)
{
    dlfw_status st = begin_call(writer->services, reterr);

    if (st >= 0)
        st = reserve(writer, FAKE_WINDOW, reterr);
    if (st < 0)
        return st;
    *ret = writer->object.data + writer->object.len;
    *ret_len = FAKE_WINDOW;
    return DLFW_OK;
}

static dlfw_status writer_advance(dlfw_writer *writer, uint64_t n, dlfw_error *reterr)
{
    if (n > writer->cap - writer->object.len)
        return dlfw_fail(reterr, DLFW_E_INVALID, "more bytes were appended to '%s' than its window had",
                         writer->object.uri);
    writer->object.len += n;
    return DLFW_OK;
}

static void writer_abort(dlfw_writer *writer)
{
    pthread_mutex_lock(&writer->services->lock);
    writer->services->writers_open--;
    pthread_mutex_unlock(&writer->services->lock);
    free(writer->object.data);
    free(writer);
}

/* Takes the bytes over into the objects. */
static dlfw_status publish(struct fake_services *services, struct fake_object *object, uint32_t flags,
                           dlfw_error *reterr)
{
    struct fake_object *place = find(services, object->uri);

    if (place && (flags & DLFW_REQ_EXCLUSIVE))
        return dlfw_fail(reterr, DLFW_E_EXISTS, "'%s' already exists", object->uri);
    if (!place)
        place = find(services, "");
    if (!place)
        return dlfw_fail(reterr, DLFW_E_NO_SPACE, "more objects than a test should write");
    free(place->data);
    *place = *object;
    place->mtime_ns = ++services->commits;
    object->data = NULL;
    return DLFW_OK;
}

static dlfw_status writer_commit(dlfw_writer *writer, dlfw_error *reterr)
{
    struct fake_services *services = writer->services;
    dlfw_status st = begin_call(services, reterr);

    pthread_mutex_lock(&services->lock);
    if (st >= 0)
        st = publish(services, &writer->object, writer->flags, reterr);
    pthread_mutex_unlock(&services->lock);
    writer_abort(writer); /* commit ends the writer whatever comes of it */
    return st;
}

void fake_services_put(struct fake_services *services, const char *uri, const void *data, uint64_t len)
{
    struct fake_object object = {.data = malloc(len ? len : 1), .len = len};

    if (!object.data)
        return;
    memcpy(object.data, data, len);
    snprintf(object.uri, sizeof object.uri, "%s", uri);
    pthread_mutex_lock(&services->lock);
    publish(services, &object, 0, NULL);
    pthread_mutex_unlock(&services->lock);
    free(object.data);
}

/* A copy of what uri names now. */
static dlfw_status open_copy(struct fake_services *services, const char *uri, struct dlfw_source *source,
                             dlfw_error *reterr)
{
    const struct fake_object *object = fake_services_object(services, uri);

    if (!object)
        return dlfw_fail(reterr, DLFW_E_NOT_FOUND, "no such object '%s'", uri);
    source->data = malloc(object->len ? object->len : 1);
    if (!source->data)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a source");
    if (object->len)
        memcpy(source->data, object->data, object->len);
    source->len = object->len;
    memcpy(source->uri, object->uri, sizeof source->uri);
    services->sources_open++;
    return DLFW_OK;
}

static dlfw_status source_open(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size, dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct dlfw_source *source;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    source = calloc(1, sizeof *source);
    if (!source)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a source");
    source->services = services;
    pthread_mutex_lock(&services->lock);
    st = open_copy(services, uri, source, reterr);
    pthread_mutex_unlock(&services->lock);
    if (st < 0) {
        free(source);
        return st;
    }
    *ret = source;
    *ret_size = source->len;
    return DLFW_OK;
}

static dlfw_status source_read(dlfw_source *source, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                               dlfw_error *reterr)
{
    dlfw_status st = begin_call(source->services, reterr);
    uint64_t left = offset < source->len ? source->len - offset : 0;

    if (st < 0)
        return st;
    *ret_bytes = len < left ? len : left;
    if (*ret_bytes)
        memcpy(buf, source->data + offset, *ret_bytes);
    return DLFW_OK;
}

static dlfw_status source_scan(dlfw_source *source, uint64_t offset, uint64_t length,
                               dlfw_status (*piece)(void *piece_ctx, const void *data, uint64_t len,
                                                    dlfw_error *reterr),
                               void *piece_ctx, dlfw_error *reterr)
{
    dlfw_status st = begin_call(source->services, reterr);

    while (st >= 0 && length) {
        uint64_t left = offset < source->len ? source->len - offset : 0;
        uint64_t n = length < FAKE_WINDOW ? length : FAKE_WINDOW;

        if (n > left)
            return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s' ends at %llu", source->uri, (unsigned long long)source->len);
        st = piece(piece_ctx, source->data + offset, n, reterr);
        offset += n;
        length -= n;
    }
    return st < 0 ? st : DLFW_OK;
}

static void source_close(dlfw_source *source)
{
    pthread_mutex_lock(&source->services->lock);
    source->services->sources_open--;
    pthread_mutex_unlock(&source->services->lock);
    free(source->data);
    free(source);
}

static dlfw_status services_remove(void *ctx, const char *uri, dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct fake_object *object;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    pthread_mutex_lock(&services->lock);
    object = uri[0] ? find(services, uri) : NULL;
    if (object) {
        free(object->data);
        *object = (struct fake_object){0};
    } else {
        st = dlfw_fail(reterr, DLFW_E_NOT_FOUND, "no such object '%s'", uri);
    }
    pthread_mutex_unlock(&services->lock);
    return st;
}

/* Where the name below folder begins; NULL: it does not lie there. */
static const char *below(const char *folder, const char *uri)
{
    size_t len = strlen(folder);

    while (len && folder[len - 1] == '/')
        len--;
    return strncmp(uri, folder, len) == 0 && (!len || uri[len] == '/') ? uri + len + (len ? 1 : 0) : NULL;
}

struct found_name {
    char name[256];
    uint64_t size, mtime_ns;
};

/* The names to list, groups once; returns their number. */
static uint32_t collect(const struct fake_services *services, const char *folder, uint32_t recursive,
                        struct found_name *found)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < FAKE_OBJECTS; i++) {
        const struct fake_object *object = &services->objects[i];
        const char *name = object->uri[0] ? below(folder, object->uri) : NULL;
        const char *slash = name ? strchr(name, '/') : NULL;
        size_t len = name ? slash && !recursive ? (size_t)(slash - name) + 1 : strlen(name) : 0;
        bool is_known = len == 0;

        for (uint32_t k = 0; k < count && !is_known; k++)
            is_known = strlen(found[k].name) == len && memcmp(found[k].name, name, len) == 0;
        if (is_known)
            continue;
        found[count] = (struct found_name){.size = object->len, .mtime_ns = object->mtime_ns};
        if (slash && !recursive)
            found[count] = (struct found_name){.size = UINT64_MAX};
        memcpy(found[count++].name, name, len);
    }
    return count;
}

static dlfw_status services_list(void *ctx, const char *uri, uint32_t recursive,
                                 int32_t (*each)(void *each_ctx, const dlfw_listed *item), void *each_ctx,
                                 dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct found_name *found;
    uint32_t count;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    found = calloc(FAKE_OBJECTS, sizeof *found);
    if (!found)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot list '%s'", uri);
    pthread_mutex_lock(&services->lock);
    count = collect(services, uri, recursive, found);
    pthread_mutex_unlock(&services->lock);
    if (!count)
        st = dlfw_fail(reterr, DLFW_E_NOT_FOUND, "there is no folder '%s'", uri);
    for (uint32_t i = 0; i < count; i++) {
        dlfw_listed item = {.struct_size = sizeof item,
                            .name = found[i].name,
                            .name_len = (uint32_t)strlen(found[i].name),
                            .size = found[i].size,
                            .mtime_ns = found[i].mtime_ns};

        if (each(each_ctx, &item) != 0)
            break;
    }
    free(found);
    return st;
}

/* Folders come and go with what is in them. */
static dlfw_status services_make_root(void *ctx, const char *uri, dlfw_error *reterr)
{
    (void)uri;
    return begin_call(ctx, reterr);
}

static dlfw_status services_remove_root(void *ctx, const char *uri, dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    pthread_mutex_lock(&services->lock);
    for (uint32_t i = 0; i < FAKE_OBJECTS && st >= 0; i++)
        if (services->objects[i].uri[0] && below(uri, services->objects[i].uri))
            st = dlfw_fail(reterr, DLFW_E_BUSY, "the folder '%s' is not empty", uri);
    pthread_mutex_unlock(&services->lock);
    return st;
}

static dlfw_status services_barrier(void *ctx, dlfw_error *reterr)
{
    return begin_call(ctx, reterr);
}

static dlfw_status services_broadcast(void *ctx, uint32_t root, void *buf, uint64_t len, dlfw_error *reterr)
{
    const struct fake_services *services = ctx;
    uint32_t ranks = services->world_size ? services->world_size : 1;

    (void)buf, (void)len;
    if (root >= ranks)
        return dlfw_fail(reterr, DLFW_E_INVALID, "there is no rank %u among %u", root, ranks);
    return begin_call(ctx, reterr);
}

static dlfw_status services_gather(void *ctx, const void *mine, void *all, uint64_t len, dlfw_error *reterr)
{
    const struct fake_services *services = ctx;
    uint32_t ranks = services->world_size ? services->world_size : 1;

    for (uint32_t i = 0; i < ranks; i++)
        memcpy((unsigned char *)all + i * len, mine, len);
    return begin_call(ctx, reterr);
}

static void services_put(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct fake_services *services = ctx;

    (void)name, (void)unit, (void)kind, (void)value;
    services->figures++;
}

static void services_checkpoint(void *ctx, const dlfw_checkpoint_event *event)
{
    struct fake_services *services = ctx;
    uint32_t place = services->event_count++;
    struct fake_event *kept;

    if (place >= FAKE_EVENTS)
        return;
    kept = &services->events[place];
    kept->event = *event;
    snprintf(kept->name, sizeof kept->name, "%s", event->name ? event->name : "");
    kept->event.name = kept->name;
}

void fake_services_init(struct fake_services *services)
{
    memset(services, 0, sizeof *services);
    pthread_mutex_init(&services->lock, NULL);
    services->table = (dlfw_hook_services){
        .struct_size = (uint32_t)sizeof(dlfw_hook_services),
        .writer_open = writer_open,
        .writer_append = writer_append,
        .writer_commit = writer_commit,
        .writer_abort = writer_abort,
        .source_open = source_open,
        .source_read = source_read,
        .source_close = source_close,
        .remove = services_remove,
        .barrier = services_barrier,
        .put = services_put,
        .writer_window = writer_window,
        .writer_advance = writer_advance,
        .source_scan = source_scan,
        .list = services_list,
        .make_root = services_make_root,
        .broadcast = services_broadcast,
        .gather = services_gather,
        .checkpoint = services_checkpoint,
        .remove_root = services_remove_root,
    };
}

void fake_services_free(struct fake_services *services)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        free(services->objects[i].data);
    memset(services->objects, 0, sizeof services->objects);
    pthread_mutex_destroy(&services->lock);
}
