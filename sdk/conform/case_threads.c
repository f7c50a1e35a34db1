/* SPDX-License-Identifier: Apache-2.0 */
/* threads.*: what the declared thread class promises. Most useful on a plugin built with -fsanitize=thread. */
#include <string.h>

#include "codec.h"
#include "kit_io.h"

#define THREADS 4u
#define ROUNDS 100

struct worker {
    struct kit *kit;
    dlfw_backend *be;
    struct kit_object object;
    struct codec codec;
    pthread_t thread;
};

/* A queue is created, used and destroyed by one thread. */
static void *read_often(void *arg)
{
    struct worker *w = arg;
    struct kit_io *io = kit_io_open(w->kit, w->be, 4);
    unsigned char *buf = kit_alloc(w->kit, kit_round_up(w->object.size, 4096));

    for (int i = 0; i < ROUNDS; i++) {
        struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, w->object.key, strlen(w->object.key));

        slot->req.flags = DLFW_REQ_WHOLE;
        slot->req.buf = buf;
        slot->req.buf_cap = kit_round_up(w->object.size, 4096);
        slot->req.length = w->object.size;
        KIT_CHECK(w->kit, kit_call(io, slot) >= 0, "a GET in one of several threads fails: %s", slot->text);
        KIT_CHECK(w->kit, !w->object.data || memcmp(buf, w->object.data, w->object.size) == 0,
                  "a GET in one of several threads brings wrong bytes");
        kit_slot_free(slot);
    }
    kit_io_close(io);
    return NULL;
}

static void run_workers(struct kit *kit, struct worker *workers, uint32_t n, void *(*body)(void *))
{
    for (uint32_t i = 0; i < n; i++)
        if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
            kit_skip(kit, "cannot start a thread");
    for (uint32_t i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
}

static void backend(struct kit *kit)
{
    const dlfw_backend_ops *ops = &kit->iface->ops.backend;
    uint32_t n = ops->thread_class == DLFW_THREADS_PARALLEL ? THREADS : 2;
    struct worker workers[THREADS];
    dlfw_backend *be = kit_backend(kit);
    struct kit_io *io;

    if (ops->thread_class == DLFW_THREADS_SERIAL_PROCESS || ops->thread_class == DLFW_THREADS_SERIAL_INSTANCE)
        kit_skip(kit, "the backend asks for one call at a time");
    if (!kit->use_queue && ops->thread_class != DLFW_THREADS_PARALLEL)
        kit_skip(kit, "perform of one instance is called by one thread at a time in this thread class");
    io = kit_io_open(kit, be, 4);
    for (uint32_t i = 0; i < n; i++)
        workers[i] =
            (struct worker){.kit = kit, .be = be, .object = kit_object(io, kit_format(kit, "thread-%u", i), 50000)};
    kit_io_close(io);
    run_workers(kit, workers, n, read_often);
    ops->destroy(be);
}

static void *decode_often(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < ROUNDS; i++)
        KIT_CHECK(w->kit, codec_read(&w->codec) >= 0, "a reader in one of several threads fails: %s", w->codec.text);
    return NULL;
}

/* A reader of its own per thread, one instance for all. */
static void format(struct kit *kit)
{
    static const uint64_t dims[] = {50, 20};
    dlfw_encode_spec spec = {.struct_size = (uint32_t)sizeof spec,
                             .dtype = DLFW_DTYPE_UINT8,
                             .dims = dims,
                             .ndim = 2,
                             .samples = 1,
                             .seed = 1,
                             .object = 1};
    const dlfw_format_ops *ops = &kit->iface->ops.format;
    dlfw_format *instance = kit_format_instance(kit);
    struct worker workers[THREADS];
    struct fake_sink sink;
    uint32_t content;

    if (ops->thread_class == DLFW_THREADS_SERIAL_PROCESS || ops->thread_class == DLFW_THREADS_SERIAL_INSTANCE)
        kit_skip(kit, "the format asks for one call at a time");
    if (codec_write(kit, instance, &spec, 4096, &sink) < 0)
        kit_skip(kit, "the format does not write uint8");
    content = codec_content_flags(kit, instance);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.kit = kit, .codec = codec_of(kit, instance, &sink, &spec)};
        workers[i].codec.flags = content | (i % 2 ? CODEC_WHOLE : 0);
    }
    run_workers(kit, workers, THREADS, decode_often);
    fake_sink_free(&sink);
    ops->destroy(instance);
}

const struct kit_case kit_cases_threads[] = {
    {"threads.backend", DLFW_KIND_BACKEND, KIT_WAYS, backend},
    {"threads.format", DLFW_KIND_FORMAT, 0, format},
    {0},
};
