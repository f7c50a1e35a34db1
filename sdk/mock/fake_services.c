/* SPDX-License-Identifier: Apache-2.0 */
/* Hook services of tests: a writer collects bytes and becomes an object at commit, never before. */
#include "fake_services.h"

#include <stdlib.h>
#include <string.h>

#include "dlfw/backend.h"

struct dlfw_writer {
    struct fake_services *services;
    struct fake_object object;
};

struct dlfw_source {
    struct fake_services *services;
    const struct fake_object *object;
};

static dlfw_status begin_call(struct fake_services *services, dlfw_error *reterr)
{
    if (++services->calls == services->fail_at)
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

static dlfw_status writer_open(void *ctx, const char *uri, uint64_t size_hint, uint32_t flags, dlfw_writer **ret,
                               dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct dlfw_writer *writer;
    dlfw_status st = begin_call(services, reterr);

    (void)size_hint;
    if (st < 0)
        return st;
    if (!uri[0] || strlen(uri) >= sizeof writer->object.uri)
        return dlfw_fail(reterr, DLFW_E_INVALID, "'%s' is no name for an object", uri);
    if ((flags & DLFW_REQ_EXCLUSIVE) && fake_services_object(services, uri))
        return dlfw_fail(reterr, DLFW_E_EXISTS, "'%s' already exists", uri);
    writer = calloc(1, sizeof *writer);
    if (!writer)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a writer");
    writer->services = services;
    memcpy(writer->object.uri, uri, strlen(uri) + 1);
    services->writers_open++;
    *ret = writer;
    return DLFW_OK;
}

static dlfw_status writer_append(dlfw_writer *writer, const void *data, uint64_t len, dlfw_error *reterr)
{
    dlfw_status st = begin_call(writer->services, reterr);
    unsigned char *grown;

    if (st < 0 || len == 0)
        return st;
    grown = realloc(writer->object.data, writer->object.len + len);
    if (!grown)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep '%s'", writer->object.uri);
    memcpy(grown + writer->object.len, data, len);
    writer->object.data = grown;
    writer->object.len += len;
    return DLFW_OK;
}

static void writer_abort(dlfw_writer *writer)
{
    writer->services->writers_open--;
    free(writer->object.data);
    free(writer);
}

static dlfw_status writer_commit(dlfw_writer *writer, dlfw_error *reterr)
{
    struct fake_services *services = writer->services;
    struct fake_object *place = find(services, writer->object.uri);
    dlfw_status st = begin_call(services, reterr);

    if (!place)
        place = find(services, "");
    if (st >= 0 && !place)
        st = dlfw_fail(reterr, DLFW_E_NO_SPACE, "more objects than a test should write");
    if (st < 0) {
        writer_abort(writer); /* commit ends the writer whatever comes of it */
        return st;
    }
    free(place->data);
    *place = writer->object;
    services->writers_open--;
    free(writer);
    return DLFW_OK;
}

static dlfw_status source_open(void *ctx, const char *uri, dlfw_source **ret, uint64_t *ret_size, dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    const struct fake_object *object = fake_services_object(services, uri);
    struct dlfw_source *source;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    if (!object)
        return dlfw_fail(reterr, DLFW_E_NOT_FOUND, "no such object '%s'", uri);
    source = malloc(sizeof *source);
    if (!source)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a source");
    *source = (struct dlfw_source){services, object};
    services->sources_open++;
    *ret = source;
    *ret_size = object->len;
    return DLFW_OK;
}

static dlfw_status source_read(dlfw_source *source, uint64_t offset, void *buf, uint64_t len, uint64_t *ret_bytes,
                               dlfw_error *reterr)
{
    dlfw_status st = begin_call(source->services, reterr);
    uint64_t left = offset < source->object->len ? source->object->len - offset : 0;

    if (st < 0)
        return st;
    *ret_bytes = len < left ? len : left;
    if (*ret_bytes)
        memcpy(buf, source->object->data + offset, *ret_bytes);
    return DLFW_OK;
}

static void source_close(dlfw_source *source)
{
    source->services->sources_open--;
    free(source);
}

static dlfw_status services_remove(void *ctx, const char *uri, dlfw_error *reterr)
{
    struct fake_services *services = ctx;
    struct fake_object *object = uri[0] ? find(services, uri) : NULL;
    dlfw_status st = begin_call(services, reterr);

    if (st < 0)
        return st;
    if (!object)
        return dlfw_fail(reterr, DLFW_E_NOT_FOUND, "no such object '%s'", uri);
    free(object->data);
    *object = (struct fake_object){0};
    return DLFW_OK;
}

static dlfw_status services_barrier(void *ctx, dlfw_error *reterr)
{
    return begin_call(ctx, reterr);
}

static void services_put(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct fake_services *services = ctx;

    (void)name, (void)unit, (void)kind, (void)value;
    services->figures++;
}

void fake_services_init(struct fake_services *services)
{
    memset(services, 0, sizeof *services);
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
    };
}

void fake_services_free(struct fake_services *services)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++)
        free(services->objects[i].data);
    memset(services->objects, 0, sizeof services->objects);
}
