/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One interface of a plugin, checked as data before any function of it is called: sizes first, then the functions that
 * its own declarations promise. The floors are the sizes at ABI 1.0 and never change, whatever is appended to the
 * structs later.
 */
#include "plugin_load.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "option_parse.h"

#define SIZE_UP_TO(type, member) ((uint32_t)(offsetof(type, member) + sizeof(((type *)0)->member)))
#define IFACE_SIZE_1_0 SIZE_UP_TO(dlfw_iface, ops)
#define BACKEND_SIZE_1_0 SIZE_UP_TO(dlfw_backend_ops, mem_unregister)
#define FORMAT_SIZE_1_0 SIZE_UP_TO(dlfw_format_ops, encode)
#define HOOK_SIZE_1_0 SIZE_UP_TO(dlfw_hook_ops, ends_block)
/* a draft has no history: its table is read once the draft is known to be ours, and is then whole */
#define COORDINATOR_SIZE_ANY SIZE_UP_TO(dlfw_coordinator_ops, draft)
#define COORDINATOR_SIZE_DRAFT SIZE_UP_TO(dlfw_coordinator_ops, check)

/* A function that is or is not there, for messages. */
struct slot {
    const char *name;
    bool present;
};
#define SLOT(ops, member)                                                                                              \
    {                                                                                                                  \
#member, (ops)->member != NULL                                                                                 \
    }

static const char *first_absent(const struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].present)
            return slots[i].name;
    }
    return NULL;
}

static const char *first_present(const struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].present)
            return slots[i].name;
    }
    return NULL;
}

static dlfw_status require(const struct slot *slots, size_t count, dlfw_error *err)
{
    const char *absent = first_absent(slots, count);

    return absent ? dlfw_fail(err, DLFW_E_ABI, "lacks the required function %s", absent) : DLFW_OK;
}

/* Functions that only make sense together. */
static dlfw_status all_or_none(const struct slot *slots, size_t count, dlfw_error *err)
{
    const char *absent = first_absent(slots, count), *present = first_present(slots, count);

    return absent && present ? dlfw_fail(err, DLFW_E_ABI, "has %s but no %s", present, absent) : DLFW_OK;
}

static dlfw_status check_thread_class(uint32_t thread_class, dlfw_error *err)
{
    if (thread_class > DLFW_THREADS_PARALLEL)
        return dlfw_fail(err, DLFW_E_ABI, "declares thread class %u, the highest known is %d", thread_class,
                         DLFW_THREADS_PARALLEL);
    return DLFW_OK;
}

/* Operations that need each other: whoever opens must close, whoever begins to write must be able to end it. */
static dlfw_status check_op_mask(uint64_t mask, dlfw_error *err)
{
#define OP_SLOT(op)                                                                                                    \
    {                                                                                                                  \
#op, (mask & DLFW_OP_BIT(DLFW_OP_##op)) != 0                                                                   \
    }
    const struct slot handles[] = {OP_SLOT(OPEN), OP_SLOT(CLOSE)};
    const struct slot writing[] = {OP_SLOT(WRITE_BEGIN), OP_SLOT(WRITE_PART), OP_SLOT(WRITE_COMMIT),
                                   OP_SLOT(WRITE_ABORT)};
    dlfw_status st;
#undef OP_SLOT

    if (mask == 0)
        return dlfw_fail(err, DLFW_E_ABI, "declares no operation (op_mask is 0)");
    /* CLOSE alone is what releases a LIST cursor */
    st = handles[0].present ? all_or_none(handles, 2, err) : DLFW_OK;
    return st == DLFW_OK ? all_or_none(writing, 4, err) : st;
}

static dlfw_status check_backend(const dlfw_backend_ops *ops, dlfw_error *err)
{
    const struct slot base[] = {SLOT(ops, create), SLOT(ops, destroy)};
    const struct slot queue[] = {SLOT(ops, queue_create), SLOT(ops, queue_destroy), SLOT(ops, submit),
                                 SLOT(ops, reap),         SLOT(ops, cancel),        SLOT(ops, wakeup)};
    const struct slot memory[] = {SLOT(ops, mem_register), SLOT(ops, mem_unregister)};
    dlfw_status st = require(base, 2, err);

    if (st == DLFW_OK)
        st = all_or_none(queue, 6, err);
    if (st == DLFW_OK && !ops->perform && !ops->submit)
        st = dlfw_fail(err, DLFW_E_ABI, "has neither perform nor the queue functions");
    if (st == DLFW_OK)
        st = all_or_none(memory, 2, err);
    if (st == DLFW_OK)
        st = check_op_mask(ops->op_mask, err);
    return st == DLFW_OK ? check_thread_class(ops->thread_class, err) : st;
}

static dlfw_status check_format(const dlfw_format_ops *ops, dlfw_error *err)
{
    const struct slot base[] = {SLOT(ops, create),      SLOT(ops, destroy),      SLOT(ops, extension),
                                SLOT(ops, reader_open), SLOT(ops, reader_close), SLOT(ops, step),
                                SLOT(ops, unit_count),  SLOT(ops, unit_info),    SLOT(ops, decode)};
    const struct slot writing[] = {SLOT(ops, file_size), SLOT(ops, encode)};
    dlfw_status st = require(base, sizeof base / sizeof *base, err);

    if (st == DLFW_OK)
        st = all_or_none(writing, 2, err);
    if (st == DLFW_OK && ops->reader_size == 0)
        st = dlfw_fail(err, DLFW_E_ABI, "declares readers of 0 bytes (reader_size)");
    if (st == DLFW_OK && (!*ops->extension || strpbrk(ops->extension, "./")))
        st = dlfw_fail(err, DLFW_E_ABI, "declares the extension '%.16s'; it must be a word without a dot",
                       ops->extension);
    return st == DLFW_OK ? check_thread_class(ops->thread_class, err) : st;
}

static dlfw_status check_hook(const dlfw_hook_ops *ops, dlfw_error *err)
{
    const struct slot base[] = {SLOT(ops, create), SLOT(ops, destroy)};
    dlfw_status st = require(base, 2, err);

    return st == DLFW_OK ? check_thread_class(ops->thread_class, err) : st;
}

static dlfw_status check_coordinator(const dlfw_coordinator_ops *ops, dlfw_error *err)
{
    const struct slot base[] = {SLOT(ops, join),    SLOT(ops, leave),     SLOT(ops, rank),       SLOT(ops, world_size),
                                SLOT(ops, barrier), SLOT(ops, broadcast), SLOT(ops, reduce_u64), SLOT(ops, reduce_f64),
                                SLOT(ops, gather),  SLOT(ops, abort)};

    if (ops->draft != DLFW_COORDINATOR_DRAFT)
        return dlfw_fail(err, DLFW_E_ABI, "is built for draft %u of the coordinator interface, this dlfw has draft %d",
                         ops->draft, DLFW_COORDINATOR_DRAFT);
    if (ops->struct_size < COORDINATOR_SIZE_DRAFT)
        return dlfw_fail(err, DLFW_E_ABI, "has a table of %u bytes (ops->struct_size), draft %d has %u",
                         ops->struct_size, DLFW_COORDINATOR_DRAFT, COORDINATOR_SIZE_DRAFT);
    return require(base, sizeof base / sizeof *base, err);
}

static dlfw_status check_ops(uint32_t kind, const void *ops, dlfw_error *err)
{
    static const uint32_t floors[] = {
        [DLFW_KIND_BACKEND] = BACKEND_SIZE_1_0,
        [DLFW_KIND_FORMAT] = FORMAT_SIZE_1_0,
        [DLFW_KIND_HOOK] = HOOK_SIZE_1_0,
        [DLFW_KIND_COORDINATOR] = COORDINATOR_SIZE_ANY,
    };
    uint32_t size;

    if (!ops)
        return dlfw_fail(err, DLFW_E_ABI, "has no table of functions (ops is NULL)");
    memcpy(&size, ops, sizeof size); /* struct_size comes first in each of them */
    if (size < floors[kind])
        return dlfw_fail(err, DLFW_E_ABI, "has a table of %u bytes (ops->struct_size), ABI %d.0 has %u", size,
                         DLFW_ABI_MAJOR, floors[kind]);
    switch (kind) {
    case DLFW_KIND_BACKEND:
        return check_backend(ops, err);
    case DLFW_KIND_FORMAT:
        return check_format(ops, err);
    case DLFW_KIND_HOOK:
        return check_hook(ops, err);
    default:
        return check_coordinator(ops, err);
    }
}

dlfw_status plugin_iface_check(const dlfw_iface *iface, const char *path, dlfw_error *err)
{
    char text[320];
    dlfw_error why = {.struct_size = sizeof why, .message = text, .message_cap = sizeof text};
    dlfw_status st;

    if (iface->struct_size < IFACE_SIZE_1_0)
        return dlfw_fail(err, DLFW_E_ABI, "plugin '%s': an interface of %u bytes (struct_size), ABI %d.0 has %u", path,
                         iface->struct_size, DLFW_ABI_MAJOR, IFACE_SIZE_1_0);
    if (plugin_kind_from_name(plugin_kind_name(iface->kind), strlen(plugin_kind_name(iface->kind))) != iface->kind)
        return dlfw_fail(err, DLFW_E_ABI,
                         "plugin '%s': an interface of kind %" PRIu32 ", which this dlfw does not know", path,
                         iface->kind);
    if (!iface->name || !*iface->name)
        return dlfw_fail(err, DLFW_E_ABI, "plugin '%s': a %s without a name", path, plugin_kind_name(iface->kind));
    st = check_ops(iface->kind, iface->ops, &why);
    if (st == DLFW_OK)
        st = option_table_check(iface->options, iface->option_count, iface->options_size, &why);
    if (st < 0)
        st = dlfw_fail(err, st, "plugin '%s': %s '%s' %s%s", path, plugin_kind_name(iface->kind), iface->name,
                       strncmp(text, "option", 6) == 0 ? "has a faulty option table: " : "", text);
    return st;
}
