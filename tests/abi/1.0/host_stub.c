/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host as it was at ABI 1.0, reduced to one pass over a plugin: look at the object, create an instance, use it once.
 * Built against frozen headers and run over today's plugins: what is written today must still live with yesterday's
 * dlfw. Only the parser of option texts is today's, because it sees nothing but rows.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlfw/dlfw.h"
#include "fake_host.h"
#include "fake_services.h"
#include "fake_sink.h"
#include "host/option_parse.h"

static struct fake_host host;
static char text[512];
static dlfw_error err = FAKE_ERROR(text);

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (%s)\n", text);
    exit(1);
}

#define EXPECT(condition, ...)                                                                                         \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail(__VA_ARGS__);                                                                                         \
    } while (0)

static void *borrowed[64]; /* freed when main ends */
static size_t borrowed_count;

static void *borrow(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);

    EXPECT(p && borrowed_count < 64, "no memory");
    borrowed[borrowed_count++] = p;
    return memset(p, 0, bytes);
}

static void *keep(void *ctx, size_t bytes)
{
    (void)ctx;
    return borrow(bytes);
}

/* A full-size copy, zero where the plugin's table is shorter, cut where it is longer. */
static void copy_ops(void *to, size_t size, const void *from)
{
    uint32_t theirs;

    memcpy(&theirs, from, sizeof theirs);
    memset(to, 0, size);
    memcpy(to, from, theirs < size ? theirs : size);
}

static dlfw_create_args args_for(const dlfw_iface *iface, const char *root)
{
    void *options = iface->options_size ? borrow(iface->options_size) : NULL;
    dlfw_status st = option_store_defaults(iface->options, iface->option_count, options, keep, NULL, &err);

    EXPECT(st >= 0, "the defaults of '%s' are wrong", iface->name);
    return (dlfw_create_args){.struct_size = sizeof(dlfw_create_args),
                              .host = &host.table,
                              .host_ctx = &host,
                              .instance = "stub",
                              .options = options,
                              .root = iface->kind == DLFW_KIND_BACKEND ? root : NULL,
                              .numa_node = -1};
}

struct io {
    dlfw_backend_ops ops;
    dlfw_backend *be;
    dlfw_queue *queue;
    void *scratch;
};

static dlfw_comp do_request(struct io *io, dlfw_req *req)
{
    dlfw_comp comp = {.req = req, .object_size = UINT64_MAX};
    int32_t n = 0;

    text[0] = '\0';
    req->error = &err;
    req->scratch = io->scratch;
    if (!io->queue) {
        io->ops.perform(io->be, req, &comp);
        return comp;
    }
    EXPECT(io->ops.submit(io->queue, &req, 1) == 1, "submit does not take one request");
    while (n == 0)
        n = io->ops.reap(io->queue, &comp, 1, 1, UINT64_MAX);
    EXPECT(n == 1 && comp.req == req, "reap gives %d completions for one request", n);
    return comp;
}

static void use_backend(const dlfw_iface *iface, const char *root)
{
    static unsigned char data[8192] __attribute__((aligned(4096))), got[8192] __attribute__((aligned(4096)));
    dlfw_create_args args = args_for(iface, root);
    dlfw_queue_args queue_args = {.struct_size = sizeof queue_args, .depth = 4, .cpu = -1};
    dlfw_req req = {.op = DLFW_OP_MAKE_ROOT, .key = ""};
    struct io io = {.be = NULL};
    dlfw_status st;
    dlfw_comp comp;

    copy_ops(&io.ops, sizeof io.ops, iface->ops);
    EXPECT(io.ops.create(&args, &io.be, &err) >= 0, "create of '%s' fails", iface->name);
    io.scratch = borrow(io.ops.req_scratch);
    st = io.ops.queue_create ? io.ops.queue_create(io.be, &queue_args, &io.queue, &err) : DLFW_E_UNSUPPORTED;
    EXPECT(st >= 0 || (st == DLFW_E_UNSUPPORTED && io.ops.perform), "queue_create of '%s' fails", iface->name);
    if (io.ops.op_mask & DLFW_OP_BIT(DLFW_OP_MAKE_ROOT))
        EXPECT(do_request(&io, &req).status >= 0, "MAKE_ROOT fails");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    if (io.ops.op_mask & DLFW_OP_BIT(DLFW_OP_PUT)) {
        req = (dlfw_req){.op = DLFW_OP_PUT, .key = "stub", .key_len = 4, .buf = data, .buf_cap = 8192, .length = 8192};
        EXPECT(do_request(&io, &req).status >= 0, "PUT fails");
    }
    req = (dlfw_req){.op = DLFW_OP_GET, .key = "stub", .key_len = 4, .buf = got, .buf_cap = 8192, .length = 8192};
    comp = do_request(&io, &req);
    EXPECT(comp.status >= 0 && comp.bytes == 8192, "GET fails");
    if ((io.ops.op_mask & DLFW_OP_BIT(DLFW_OP_PUT)) && !(io.ops.caps & DLFW_BACKEND_NO_DATA))
        EXPECT(memcmp(data, got, 8192) == 0, "GET brings other bytes than PUT took");
#ifdef DLFW_HAVE_TOMORROW /* built against the pretended next minor */
    EXPECT((io.ops.tomorrow != NULL) == (DLFW_HAS((const dlfw_backend_ops *)iface->ops, tomorrow)),
           "a function that the plugin does not have is not NULL");
    printf("tomorrow: %s\n", io.ops.tomorrow ? "present" : "absent");
#endif
    if (io.queue)
        io.ops.queue_destroy(io.queue);
    io.ops.destroy(io.be);
}

static void read_back(const dlfw_format_ops *ops, dlfw_format *format, const struct fake_sink *sink)
{
    dlfw_object object = {.struct_size = sizeof object,
                          .flags = DLFW_OBJECT_VERIFY,
                          .name = "stub",
                          .name_len = 4,
                          .samples = 2,
                          .size = sink->len};
    dlfw_span whole = {sink->data, 0, sink->len};
    dlfw_reader *reader = borrow(ops->reader_size);
    uint64_t samples = 0;

    EXPECT(ops->reader_open(format, reader, &object, &err) >= 0, "reader_open fails");
    for (uint64_t unit = DLFW_GOAL_METADATA; unit == DLFW_GOAL_METADATA || unit < ops->unit_count(reader); unit++) {
        dlfw_unit_info info = {.struct_size = sizeof info};
        dlfw_range want[64];
        dlfw_view views[2];
        uint32_t n_want = 0;

        EXPECT(ops->step(reader, unit, &whole, 1, want, 64, &n_want, &err) == DLFW_OK, "step fails");
        if (unit == DLFW_GOAL_METADATA)
            continue;
        EXPECT(ops->unit_info(reader, unit, &info, &err) >= 0, "unit_info fails");
        if (ops->consume)
            EXPECT(ops->consume(reader, unit, &whole, &(dlfw_payload){0}, &err) >= 0, "consume fails");
        EXPECT(ops->decode(reader, unit, &whole, 1, info.out_bytes ? borrow(info.out_bytes) : NULL, views, 2, &err) >=
                   0,
               "decode fails");
        samples += info.samples;
    }
    EXPECT(samples == 2, "2 samples were written, %llu read", (unsigned long long)samples);
    ops->reader_close(reader);
}

static void use_format(const dlfw_iface *iface)
{
    const uint64_t dims[] = {5, 3};
    dlfw_encode_spec spec = {.struct_size = sizeof spec,
                             .dtype = DLFW_DTYPE_UINT8,
                             .dims = dims,
                             .ndim = 2,
                             .samples = 2,
                             .seed = 1,
                             .object = 2};
    dlfw_create_args args = args_for(iface, NULL);
    dlfw_format_ops ops;
    dlfw_format *format = NULL;
    struct fake_sink sink;

    copy_ops(&ops, sizeof ops, iface->ops);
    EXPECT(ops.create(&args, &format, &err) >= 0, "create of '%s' fails", iface->name);
    if (ops.encode) {
        fake_sink_init(&sink, 4096);
        EXPECT(ops.encode(format, &spec, &sink.table, &err) >= 0, "encode fails");
        read_back(&ops, format, &sink);
        fake_sink_free(&sink);
    }
    ops.destroy(format);
}

static void use_hook(const dlfw_iface *iface)
{
    static struct fake_services services;
    dlfw_create_args args = args_for(iface, NULL);
    dlfw_hook_ctx ctx = {.struct_size = sizeof ctx, .epoch = 1, .step = 1, .world_size = 1, .services_ctx = &services};
    dlfw_hook *hook = NULL;
    dlfw_hook_ops ops;

    fake_services_init(&services);
    ctx.services = &services.table;
    copy_ops(&ops, sizeof ops, iface->ops);
    EXPECT(ops.create(&args, &hook, &err) >= 0, "create of '%s' fails", iface->name);
    EXPECT(!ops.initialize || ops.initialize(hook, &ctx, &err) >= 0, "initialize fails");
    EXPECT(!ops.after_step || ops.after_step(hook, &ctx, &err) >= 0, "after_step fails");
    EXPECT(!ops.after_epoch || ops.after_epoch(hook, &ctx, &err) >= 0, "after_epoch fails");
    EXPECT(!ops.finalize || ops.finalize(hook, &ctx, &err) >= 0, "finalize fails");
    EXPECT(services.writers_open == 0, "a writer was left open");
    ops.destroy(hook);
    fake_services_free(&services);
}

int main(int argc, char **argv)
{
    const dlfw_plugin *plugin;
    void *dl;

    if (argc != 3)
        fail("usage: host_stub PLUGIN.so ROOT");
    fake_host_init(&host);
    dl = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    EXPECT(dl, "dlopen fails: %s", dlerror());
    plugin = dlsym(dl, "dlfw_plugin_v1");
    EXPECT(plugin && plugin->magic == DLFW_MAGIC, "no plugin object");
    EXPECT(plugin->abi_major == DLFW_ABI_MAJOR && plugin->need_minor <= DLFW_ABI_MINOR, "needs another ABI");
    EXPECT(!plugin->load || plugin->load(&host.table, &err) >= 0, "load fails");
    for (const dlfw_iface *const *iface = plugin->ifaces; *iface; iface++) {
        if ((*iface)->kind == DLFW_KIND_BACKEND)
            use_backend(*iface, argv[2]);
        else if ((*iface)->kind == DLFW_KIND_FORMAT)
            use_format(*iface);
        else if ((*iface)->kind == DLFW_KIND_HOOK)
            use_hook(*iface);
        printf("used: %s\n", (*iface)->name);
    }
    while (borrowed_count > 0)
        free(borrowed[--borrowed_count]);
    return 0;
}
