/* SPDX-License-Identifier: Apache-2.0 */
/* life.*: instances come and go without a trace, several at once, and also when memory runs out half way. */
#include <string.h>

#include "kit_io.h"
#include "malloc_fault.h"

#define WARM_UP 20
#define ROUNDS 1000
#define HEAP_SLACK 16 /* blocks that libc may keep for itself */
#define TORTURE_LIMIT 5000

static void create(struct kit *kit)
{
    switch (kit->iface->iface->kind) {
    case DLFW_KIND_BACKEND:
        kit_destroy_any(kit, kit_backend(kit));
        break;
    case DLFW_KIND_FORMAT:
        kit_destroy_any(kit, kit_format_instance(kit));
        break;
    default:
        kit_destroy_any(kit, kit_hook(kit));
        break;
    }
}

struct footprint {
    uint32_t threads, fds;
    int64_t blocks;
};

static struct footprint measure(struct kit *kit)
{
    return (struct footprint){kit_thread_count(kit), kit_fd_count(kit), malloc_live_count()};
}

static void expect_flat(struct kit *kit, const struct footprint *before, const char *what)
{
    struct footprint now = measure(kit);

    KIT_CHECK(kit, now.fds == before->fds, "%s: file descriptors went from %u to %u", what, before->fds, now.fds);
    KIT_CHECK(kit, now.threads == before->threads, "%s: threads went from %u to %u", what, before->threads,
              now.threads);
    KIT_CHECK(kit, now.blocks <= before->blocks + HEAP_SLACK, "%s: %lld blocks of memory were not freed", what,
              (long long)(now.blocks - before->blocks));
}

static void repeat(struct kit *kit)
{
    struct footprint before = {0};

    for (int i = 0; i < WARM_UP + ROUNDS; i++) {
        if (i == WARM_UP)
            before = measure(kit);
        create(kit);
    }
    expect_flat(kit, &before, "1000 times create and destroy");
}

static void check_only(struct kit *kit)
{
    dlfw_create_args args = kit_create_args(kit);
    struct footprint before = measure(kit);
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    void *instance;
    dlfw_status st;

    args.flags = DLFW_CREATE_CHECK_ONLY;
    st = kit_create_any(kit, &args, &instance, &err);
    kit_check_error(kit, st, &err, "create with CHECK_ONLY");
    if (st < 0)
        kit_skip(kit, "create with CHECK_ONLY fails: %s", text);
    kit_destroy_any(kit, instance);
    expect_flat(kit, &before, "create with CHECK_ONLY");
}

static void two_backends(struct kit *kit)
{
    dlfw_backend *first = kit_backend(kit), *second = kit_backend(kit);
    struct kit_io *a, *b;
    struct kit_object object;

    kit->use_queue = kit->iface->ops.backend.queue_create != NULL;
    a = kit_io_open(kit, first, 4);
    b = kit_io_open(kit, second, 4);
    object = kit_object(a, "two-instances", 5000);
    kit_io_close(b);
    kit_destroy_any(kit, second);
    kit_expect_whole(a, &object); /* the first must not notice that the second went */
    kit_io_close(a);
    kit_destroy_any(kit, first);
}

static void two_instances(struct kit *kit)
{
    dlfw_create_args args = kit_create_args(kit);
    char text[512];
    dlfw_error err = FAKE_ERROR(text);
    void *first, *second;

    if (kit->iface->iface->kind == DLFW_KIND_BACKEND) {
        two_backends(kit);
        return;
    }
    if (kit_create_any(kit, &args, &first, &err) < 0)
        kit_skip(kit, "%s (see life.create)", text);
    KIT_CHECK(kit, kit_create_any(kit, &args, &second, &err) >= 0, "a second instance cannot be created: %s", text);
    KIT_CHECK(kit, first != second, "both instances are the same object");
    kit_destroy_any(kit, first);
    kit_destroy_any(kit, second);
}

static void queue_repeat(struct kit *kit)
{
    dlfw_backend *be = kit_backend(kit);
    const dlfw_backend_ops *ops = &kit->iface->ops.backend;
    dlfw_queue_args args = {.struct_size = (uint32_t)sizeof args, .depth = 8, .cpu = -1};
    struct footprint before = {0};
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    for (int i = 0; i < WARM_UP + 100; i++) {
        dlfw_queue *queue = NULL;
        dlfw_status st;

        if (i == WARM_UP)
            before = measure(kit);
        st = ops->queue_create(be, &args, &queue, &err);
        if (st == DLFW_E_UNSUPPORTED && ops->perform)
            kit_skip(kit, "the backend has no queue here: %s", text);
        KIT_CHECK(kit, st >= 0, "queue_create fails: %s", text);
        ops->queue_destroy(queue);
    }
    expect_flat(kit, &before, "100 times queue_create and queue_destroy");
    ops->destroy(be);
}

/* One create with the nth allocation refused. Returns the number of allocations it made. */
static uint64_t create_failing(struct kit *kit, uint64_t nth, char *text, uint32_t text_cap)
{
    dlfw_create_args args = kit_create_args(kit);
    dlfw_error err = {.struct_size = (uint32_t)sizeof err, .message = text, .message_cap = text_cap};
    void *instance;
    uint64_t seen;
    dlfw_status st;

    malloc_fault_arm(nth);
    st = kit_create_any(kit, &args, &instance, &err);
    seen = malloc_fault_disarm();
    kit_check_error(kit, st, &err, "create without memory");
    if (st >= 0) {
        KIT_CHECK(kit, instance, "create succeeded without an instance");
        kit_destroy_any(kit, instance);
    }
    return seen;
}

static void torture(struct kit *kit)
{
    struct footprint before = {0};
    char text[512];
    uint64_t nth = 0;

    if (!malloc_fault_available())
        kit_skip(kit, "this build keeps the sanitizer's allocator");
    for (int i = 0; i < 3; i++)
        create_failing(kit, 0, text, sizeof text);
    before = measure(kit);
    do {
        nth++;
        KIT_CHECK(kit, nth <= TORTURE_LIMIT, "create makes more than %d allocations", TORTURE_LIMIT);
    } while (create_failing(kit, nth, text, sizeof text) >= nth);
    kit_note(kit, "create makes %llu allocations", (unsigned long long)(nth - 1));
    expect_flat(kit, &before, "create with each allocation failing in turn");
}

const struct kit_case kit_cases_life[] = {
    {"life.create", 0, 0, create},
    {"life.repeat", 0, 0, repeat},
    {"life.check_only", 0, 0, check_only},
    {"life.two_instances", 0, 0, two_instances},
    {"life.queue_repeat", DLFW_KIND_BACKEND, KIT_QUEUE, queue_repeat},
    {"life.torture", 0, 0, torture},
    {0},
};
