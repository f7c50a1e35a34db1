/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small blocking backend with everything about its handshake open to compile definitions, so that each refusal of
 * the loader has a file that differs from a good plugin in one thing. Note and object are written by hand here:
 * DLFW_PLUGIN() would not lie.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "dlfw/backend.h"

#ifndef NOTE_OWNER
#define NOTE_OWNER "dlfw"
#endif
#ifndef NOTE_MAJOR
#define NOTE_MAJOR DLFW_ABI_MAJOR
#endif
#ifndef NOTE_TEXT
#define NOTE_TEXT "version=1.2.3\nbackend=" NAME "\n"
#endif
#ifndef NAME
#define NAME "tiny"
#endif
#ifndef SYMBOL
#define SYMBOL dlfw_plugin_v1
#endif
#ifndef MAGIC
#define MAGIC DLFW_MAGIC
#endif
#ifndef OBJECT_SIZE
#define OBJECT_SIZE sizeof(dlfw_plugin)
#endif
#ifndef OBJECT_MAJOR
#define OBJECT_MAJOR DLFW_ABI_MAJOR
#endif
#ifndef NEED_MINOR
#define NEED_MINOR 0
#endif
#ifndef OPS_SIZE
#define OPS_SIZE sizeof(dlfw_backend_ops)
#endif
#ifndef MORE_OPS
#define MORE_OPS
#endif
#ifndef SIZE_DEFAULT
#define SIZE_DEFAULT "1MiB"
#endif
#ifndef LOAD
#define LOAD NULL
#endif

struct tiny_options {
    uint64_t size;
    const char *token;
};

/* Tells a test that code of this file ran. */
__attribute__((constructor)) static void constructor(void)
{
    setenv("DLFW_TEST_CODE_RAN", NAME, 1);
}

static dlfw_status tiny_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *err)
{
    *ret = calloc(1, 1);
    return *ret ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot create '%s'", args->instance);
}

static void tiny_destroy(dlfw_backend *be)
{
    free(be);
}

static void tiny_perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    (void)be;
    comp->bytes = req->length;
}

/* what only some variants use */
__attribute__((unused)) static void tiny_wakeup(dlfw_queue *q)
{
    (void)q;
}

__attribute__((unused)) static dlfw_status failing_load(const dlfw_host *host, dlfw_error *err)
{
    (void)host;
    return dlfw_fail(err, DLFW_E_UNAVAILABLE, "no licence server");
}

__attribute__((unused)) static dlfw_status crashing_load(const dlfw_host *host, dlfw_error *err)
{
    (void)host;
    (void)err;
    abort();
}

static const dlfw_option rows[] = {
    DLFW_OPT_SIZE(struct tiny_options, size, .def = SIZE_DEFAULT, .min = "4KiB", .max = "1GiB",
                  .help = "bytes of every object"),
    DLFW_OPT_SECRET(struct tiny_options, token, .help = "what opens the door"),
};

static const dlfw_backend_ops ops = {.struct_size = OPS_SIZE,
                                     .thread_class = DLFW_THREADS_PARALLEL,
                                     .op_mask = DLFW_OP_BIT(DLFW_OP_GET),
                                     .create = tiny_create,
                                     .destroy = tiny_destroy,
                                     .perform = tiny_perform,
                                     MORE_OPS};

static const dlfw_iface tiny = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = NAME,
    .summary = "answers every read at once",
    .options = rows,
    .option_count = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct tiny_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&tiny, NULL};

#ifndef NO_OBJECT
extern DLFW_EXPORT const dlfw_plugin SYMBOL;
DLFW_EXPORT const dlfw_plugin SYMBOL = {
    .magic = MAGIC,
    .struct_size = OBJECT_SIZE,
    .abi_major = OBJECT_MAJOR,
    .abi_minor = DLFW_ABI_MINOR,
    .need_minor = NEED_MINOR,
    .id = "org.example.dlfw-test-" NAME,
    .version = "1.2.3",
    .license = "Apache-2.0",
    .summary = "for tests",
    .url = "https://example.org/",
    .ifaces = ifaces,
    .load = LOAD,
};
#else
const dlfw_iface *const *variant_ifaces(void);
const dlfw_iface *const *variant_ifaces(void)
{
    return ifaces;
}
#endif

static const struct {
    uint32_t owner_size, desc_size, type;
    char owner[8];
    uint16_t abi_major, abi_minor;
    uint32_t reserved0;
    char text[(sizeof NOTE_TEXT + 3u) & ~(size_t)3u];
} note
    __attribute__((used, section(".note.dlfw"), aligned(4))) = {sizeof NOTE_OWNER,
                                                                8u + (uint32_t)((sizeof NOTE_TEXT + 3u) & ~(size_t)3u),
                                                                DLFW_NOTE_TYPE,
                                                                NOTE_OWNER,
                                                                NOTE_MAJOR,
                                                                DLFW_ABI_MINOR,
                                                                0,
                                                                NOTE_TEXT};
