/* SPDX-License-Identifier: Apache-2.0 */
/* See backend_driver.h. The host given to the plugin is a minimal one: a clock and a log that keeps its last line. */
#include "support/backend_driver.h"

#include <check.h>
#include <dlfcn.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CANARY 64u
#define CANARY_BYTE 0xc5
#define UNTOUCHED 0xa7

uint64_t test_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void host_log(void *ctx, uint32_t level, const char *text, uint32_t len)
{
    struct driver *d = ctx;

    (void)level;
    snprintf(d->log, sizeof d->log, "%.*s", (int)len, text);
}

static int32_t host_cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static const uint32_t log_level = DLFW_LOG_DEBUG;

static const dlfw_host host = {
    .struct_size = sizeof(dlfw_host),
    .abi_major = DLFW_ABI_MAJOR,
    .abi_minor = DLFW_ABI_MINOR,
    .version = "test",
    .log_level = &log_level,
    .log = host_log,
    .cancelled = host_cancelled,
    .now_ns = test_now_ns,
};

static uint64_t size_of_text(const char *text)
{
    char *unit;
    uint64_t n = strtoull(text, &unit, 10);

    if (strcmp(unit, "KiB") == 0)
        return n << 10;
    if (strcmp(unit, "MiB") == 0)
        return n << 20;
    ck_assert_msg(*unit == '\0', "the test's option parser does not know '%s'", text);
    return n;
}

static void store(const dlfw_option *row, const char *text, char *options)
{
    uint32_t choice = 0;
    uint64_t size;

    switch (row->type) {
    case DLFW_TYPE_ENUM:
        while (row->choices[choice] && strcmp(row->choices[choice], text) != 0)
            choice++;
        ck_assert_msg(row->choices[choice], "'%s' is no choice of %s", text, row->name);
        memcpy(options + row->offset, &choice, sizeof choice);
        break;
    case DLFW_TYPE_SIZE:
        size = size_of_text(text);
        memcpy(options + row->offset, &size, sizeof size);
        break;
    default:
        ck_abort_msg("the test's option parser does not know type %u", row->type);
    }
}

static void fill_options(struct driver *d, const char *const *settings)
{
    d->options = calloc(1, d->iface->options_size + 1);
    for (uint32_t i = 0; i < d->iface->option_count; i++) {
        const dlfw_option *row = &d->iface->options[i];
        const char *text = row->def;

        for (const char *const *s = settings; s && *s; s++)
            if (strncmp(*s, row->name, strlen(row->name)) == 0 && (*s)[strlen(row->name)] == '=')
                text = *s + strlen(row->name) + 1;
        if (text)
            store(row, text, d->options);
    }
}

dlfw_status driver_open(struct driver *d, const char *plugin, const char *backend, const char *root,
                        const char *const *settings, char message[512])
{
    dlfw_create_args args = {
        .struct_size = sizeof args, .host = &host, .host_ctx = d, .instance = "test", .numa_node = -1};
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = 512};
    const dlfw_plugin *object;
    char path[4096];
    dlfw_status st;
    void *dl;

    *d = (struct driver){0};
    snprintf(path, sizeof path, "%s/%s", DLFW_TEST_PLUGIN_DIR, plugin);
    dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(dl, "%s", dlerror());
    object = dlsym(dl, "dlfw_plugin_v1");
    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(object->magic, DLFW_MAGIC);
    for (const dlfw_iface *const *i = object->ifaces; *i; i++)
        if (strcmp((*i)->name, backend) == 0)
            d->iface = *i;
    ck_assert_ptr_nonnull(d->iface);
    memcpy(&d->ops, d->iface->ops, sizeof d->ops);
    fill_options(d, settings);
    d->root = strdup(root);
    args.options = d->options;
    args.root = d->root;
    st = d->ops.create(&args, &d->be, &err);
    if (st < 0) {
        ck_assert_uint_gt(err.message_len, 0);
        ck_assert_ptr_null(d->be);
    }
    return st;
}

void driver_queue(struct driver *d, uint32_t depth)
{
    dlfw_queue_args args = {.struct_size = sizeof args, .depth = depth, .cpu = -1};
    char message[512] = "";
    dlfw_error err = {.struct_size = sizeof err, .message = message, .message_cap = sizeof message};

    ck_assert_ptr_nonnull(d->ops.queue_create);
    ck_assert_msg(d->ops.queue_create(d->be, &args, &d->queue, &err) == DLFW_OK, "%s", message);
}

void driver_close(struct driver *d)
{
    if (d->queue)
        d->ops.queue_destroy(d->queue);
    if (d->be)
        d->ops.destroy(d->be);
    free(d->options);
    free(d->root);
    *d = (struct driver){0};
}

struct stat_wanted {
    const char *name;
    bool found;
    uint64_t value;
};

static void stat_put(void *ctx, const char *name, const char *unit, uint32_t kind, uint64_t value)
{
    struct stat_wanted *wanted = ctx;

    ck_assert_ptr_nonnull(unit);
    ck_assert(kind == DLFW_STAT_COUNTER || kind == DLFW_STAT_GAUGE);
    if (strcmp(name, wanted->name) == 0) {
        wanted->found = true;
        wanted->value = value;
    }
}

uint64_t driver_stat(struct driver *d, const char *name)
{
    struct stat_wanted wanted = {.name = name};
    dlfw_stat_sink sink = {.struct_size = sizeof sink, .ctx = &wanted, .put = stat_put};

    d->ops.stats(d->be, &sink);
    ck_assert_msg(wanted.found, "stats() gives no '%s'", name);
    return wanted.value;
}

void call_init(struct call *c, uint16_t op, const char *key)
{
    memset(c, 0, sizeof *c);
    c->req.op = op;
    c->req.key = key;
    c->req.key_len = key ? (uint32_t)strlen(key) : 0;
}

void call_buffer(struct call *c, uint64_t cap, uint64_t align, uint64_t skew)
{
    uint8_t *base = NULL;

    ck_assert_int_eq(posix_memalign((void **)&base, align < 64 ? 64 : align, cap + skew + CANARY), 0);
    memset(base, UNTOUCHED, cap + skew);
    memset(base + skew + cap, CANARY_BYTE, CANARY);
    c->req.buf = base + skew;
    c->req.buf_cap = cap;
    c->req.scratch = base; /* what call_free() gives back; these backends ask for no scratch */
}

void call_free(struct call *c)
{
    free(c->req.scratch);
    c->req.buf = NULL;
    c->req.scratch = NULL;
}

void call_check(const struct call *c)
{
    ck_assert_ptr_eq(c->comp.req, &c->req);
    for (uint32_t i = 0; c->req.scratch && i < CANARY; i++)
        if (((const uint8_t *)c->req.buf)[c->req.buf_cap + i] != CANARY_BYTE)
            ck_abort_msg("byte %u beyond the buffer was overwritten", i);
    if (c->comp.status < 0) {
        ck_assert_int_eq(c->err.status, c->comp.status);
        ck_assert_msg(c->err.message_len > 0, "a failed request without a message");
        ck_assert_ptr_null(strchr(c->message, '\n'));
        ck_assert_uint_eq(c->comp.bytes, 0);
        ck_assert_ptr_null(c->comp.handle);
    } else if (c->req.op == DLFW_OP_GET) {
        ck_assert_uint_le(c->comp.bytes, c->req.buf_cap);
        if (!(c->req.flags & DLFW_REQ_WHOLE))
            ck_assert_uint_le(c->comp.bytes, c->req.length);
    }
}

dlfw_status driver_call(struct driver *d, struct call *c)
{
    c->err = (dlfw_error){.struct_size = sizeof c->err, .message = c->message, .message_cap = sizeof c->message};
    c->message[0] = '\0';
    c->comp = (dlfw_comp){.req = &c->req, .object_size = UINT64_MAX};
    c->req.error = &c->err;
    ck_assert_uint_eq(d->ops.req_scratch, 0);
    if (d->queue) {
        dlfw_req *one = &c->req;

        ck_assert_int_eq(d->ops.submit(d->queue, &one, 1), 1);
        ck_assert_int_eq(d->ops.reap(d->queue, &c->comp, 1, 1, UINT64_MAX), 1);
    } else {
        d->ops.perform(d->be, &c->req, &c->comp);
    }
    call_check(c);
    return c->comp.status;
}

void driver_put(struct driver *d, const char *key, const void *data, uint64_t len)
{
    struct call c;

    call_init(&c, DLFW_OP_PUT, key);
    c.req.buf = (void *)(uintptr_t)data;
    c.req.buf_cap = len;
    c.req.length = len;
    ck_assert_msg(driver_call(d, &c) == DLFW_OK, "%s", c.message);
    ck_assert_uint_eq(c.comp.bytes, len);
}

dlfw_status driver_get(struct driver *d, const char *key, uint16_t flags, uint64_t offset, uint64_t length,
                       struct call *ret)
{
    call_init(ret, DLFW_OP_GET, key);
    call_buffer(ret, length, 64, 0);
    ret->req.flags = flags;
    ret->req.offset = offset;
    ret->req.length = length;
    return driver_call(d, ret);
}

dlfw_status driver_simple(struct driver *d, uint16_t op, const char *key)
{
    struct call c;

    call_init(&c, op, key);
    return driver_call(d, &c);
}

void *driver_begin(struct driver *d, const char *key, uint16_t flags, uint64_t size)
{
    struct call c;

    call_init(&c, DLFW_OP_WRITE_BEGIN, key);
    c.req.flags = flags;
    c.req.arg = size;
    ck_assert_msg(driver_call(d, &c) == DLFW_OK, "%s", c.message);
    ck_assert_ptr_nonnull(c.comp.handle);
    return c.comp.handle;
}

dlfw_status driver_part(struct driver *d, void *handle, uint64_t offset, const void *data, uint64_t len)
{
    struct call c;

    call_init(&c, DLFW_OP_WRITE_PART, NULL);
    c.req.handle = handle;
    c.req.offset = offset;
    c.req.buf = (void *)(uintptr_t)data;
    c.req.buf_cap = len;
    c.req.length = len;
    return driver_call(d, &c);
}

dlfw_status driver_end(struct driver *d, uint16_t op, void *handle, uint64_t total)
{
    struct call c;

    call_init(&c, op, NULL);
    c.req.handle = handle;
    c.req.arg = total;
    return driver_call(d, &c);
}

int64_t driver_list(struct driver *d, const char *key, uint16_t flags, uint64_t page_cap, driver_list_each *each,
                    void *ctx)
{
    void *cursor = NULL;
    int64_t names = 0;
    bool more = true;

    while (more) {
        struct call c;
        uint64_t count;

        call_init(&c, DLFW_OP_LIST, key);
        call_buffer(&c, page_cap, 64, 0);
        c.req.flags = flags;
        c.req.length = page_cap;
        c.req.handle = cursor;
        if (driver_call(d, &c) < 0) {
            call_free(&c);
            return c.comp.status;
        }
        more = c.comp.flags & DLFW_COMP_MORE;
        cursor = c.comp.handle;
        ck_assert_int_eq(more, cursor != NULL);
        ck_assert_uint_eq(c.comp.bytes % sizeof(dlfw_list_entry), 0);
        count = c.comp.bytes / sizeof(dlfw_list_entry);
        ck_assert_msg(count > 0 || !more, "an empty page that is not the last");
        for (uint64_t i = 0; i < count; i++) {
            dlfw_list_entry e;

            memcpy(&e, (uint8_t *)c.req.buf + i * sizeof e, sizeof e);
            if (e.name_off < c.comp.bytes ||
                (uint64_t)e.name_off + e.name_len > page_cap) /* Check is slow per assertion */
                ck_abort_msg("name %llu of a page lies outside it", (unsigned long long)i);
            if (each)
                each(ctx, (const char *)c.req.buf + e.name_off, e.name_len, e.size);
        }
        names += (int64_t)count;
        call_free(&c);
    }
    return names;
}

void fill_pattern(uint8_t *data, uint64_t len, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;

    for (uint64_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (uint8_t)(x >> 24);
    }
}

char *scratch_create(const char *base)
{
    char path[4096];

    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/dlfw-test-XXXXXX", base);
    if (!mkdtemp(path)) { /* also called where no test runs, so no ck_assert */
        perror(path);
        exit(EXIT_FAILURE);
    }
    return strdup(path);
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
    (void)s;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void scratch_remove(char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
