/* SPDX-License-Identifier: Apache-2.0 */
/* read.*: every byte of an object, by every way of asking, and nothing beyond it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit_io.h"

static struct kit_io *open_io(struct kit *kit)
{
    return kit_io_open(kit, kit_backend(kit), 8);
}

static void close_io(struct kit_io *io)
{
    dlfw_backend *be = io->be;
    struct kit *kit = io->kit;

    kit_io_close(io);
    kit_destroy_any(kit, be);
}

static void whole(struct kit *kit)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 100003, 262144};
    struct kit_io *io = open_io(kit);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct kit_object object = kit_object(io, kit_format(kit, "whole-%zu", i), sizes[i]);

        kit_expect_whole(io, &object);
    }
    close_io(io);
}

/* A buffer that is too small must be answered with the size that is needed, never with a part of the object. */
static void too_small(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "too-small", 100000);
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
    uint64_t cap = 4096;
    dlfw_status st;

    if (object.size <= cap || object.endless)
        kit_skip(kit, "no object of more than %llu bytes", (unsigned long long)cap);
    slot->req.flags = DLFW_REQ_WHOLE;
    slot->req.buf = kit_guarded(kit, cap);
    slot->req.buf_cap = slot->req.length = cap;
    st = kit_call(io, slot);
    KIT_CHECK(kit, st == DLFW_E_BUFFER_TOO_SMALL, "%s: GET of the whole of %llu bytes into %llu gives %s", io->way,
              (unsigned long long)object.size, (unsigned long long)cap, dlfw_status_name(st));
    KIT_CHECK(kit, slot->comp.object_size == object.size, "%s: BUFFER_TOO_SMALL without the object's size", io->way);
    kit_slot_free(slot);
    close_io(io);
}

static void ranges(struct kit *kit)
{
    static const uint64_t lengths[] = {1, 2, 511, 512, 4095, 4096, 4097, 8193, 200000};
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "ranges", 100003);
    uint64_t last = object.size ? object.size - 1 : 0;
    uint64_t offsets[] = {0, 1, 511, 512, 4095, 4096, 4097, last / 2, last > 4096 ? last - 4096 : 0, last};

    for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            kit_expect_range(io, &object, NULL, offsets[o], lengths[l]);
    for (int i = 0; i < 50; i++)
        kit_expect_range(io, &object, NULL, kit_below(kit, object.size + 1), 1 + kit_below(kit, 9000));
    close_io(io);
}

static void beyond_end(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "beyond-end", 10000);
    uint64_t offsets[] = {object.size, object.size + 1, object.size + 4096, object.size + (1u << 20)};

    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        kit_expect_range(io, &object, NULL, offsets[i], 4096);
    close_io(io);
}

static void zero_length(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "zero-length", 10000);
    uint64_t offsets[] = {0, 4096, object.size};

    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        kit_expect_range(io, &object, NULL, offsets[i], 0);
    close_io(io);
}

/* One request well beyond any buffer a backend may have inside: all of it must come. */
static void large(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "large", 6u << 20);
    uint64_t length = object.size;
    dlfw_limits limits;

    kit_limits(io, object.key, &limits);
    if (limits.max_io && length > limits.max_io)
        length = limits.max_io;
    kit_expect_range(io, &object, NULL, 0, length);
    kit_expect_range(io, &object, NULL, 4096, length - 4096);
    close_io(io);
}

static void guarded_get(struct kit_io *io, const struct kit_object *object, uint64_t offset, uint64_t length,
                        uint16_t flags, const dlfw_limits *limits)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object->key, strlen(object->key));
    uint64_t cap = kit_round_up(length, limits->read_length_align);
    unsigned char *buf = kit_guarded(io->kit, cap);

    slot->req.flags = flags;
    slot->req.buf = buf;
    slot->req.buf_cap = cap;
    slot->req.length = flags & DLFW_REQ_WHOLE ? length : cap;
    slot->req.offset = offset & ~(uint64_t)(limits->read_offset_align - 1);
    kit_call(io, slot);
    kit_guarded_check(io->kit, buf, cap, io->way);
    kit_slot_free(slot);
}

static void canaries(struct kit *kit)
{
    static const uint64_t lengths[] = {0, 1, 100, 4096, 4097, 9999};
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "canaries", 20000);
    dlfw_limits limits;

    kit_limits(io, object.key, &limits);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        guarded_get(io, &object, 0, lengths[i], 0, &limits);
        guarded_get(io, &object, 4096, lengths[i], 0, &limits);
        guarded_get(io, &object, object.size, lengths[i], 0, &limits);
        guarded_get(io, &object, 0, lengths[i], DLFW_REQ_WHOLE, &limits);
    }
    guarded_get(io, &object, 0, object.size, DLFW_REQ_WHOLE, &limits);
    close_io(io);
}

/* The host widens; a request that is misaligned all the same is its bug and must be called that. */
static void misaligned(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "misaligned", 20000);
    dlfw_limits limits;
    unsigned char *buf = kit_guarded(kit, 16384);

    kit_limits(io, object.key, &limits);
    if (limits.mem_align <= 1 && limits.read_offset_align <= 1 && limits.read_length_align <= 1)
        kit_skip(kit, "the backend asks for no alignment");
    for (int what = 0; what < 3; what++) {
        struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
        uint32_t align = what == 0 ? limits.mem_align : what == 1 ? limits.read_offset_align : limits.read_length_align;
        dlfw_status st;

        slot->req.buf = buf + (what == 0 ? 1 : 0);
        slot->req.offset = what == 1;
        slot->req.length = 4096 + (what == 2);
        slot->req.buf_cap = slot->req.length;
        st = kit_call(io, slot);
        KIT_CHECK(kit, align <= 1 || st == DLFW_E_ALIGN, "%s: a request with misaligned %s gives %s instead of ALIGN",
                  io->way,
                  what == 0   ? "buffer"
                  : what == 1 ? "offset"
                              : "length",
                  dlfw_status_name(st));
        kit_slot_free(slot);
    }
    close_io(io);
}

#define FAR (5ull << 30)

static void beyond_4gib(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = {.key = "sparse", .size = FAR + 10000};
    unsigned char *tail = kit_alloc(kit, 10000), *got = kit_guarded(kit, 16384);
    char path[PATH_MAX + 16];
    struct kit_slot *slot;
    int fd;

    if (!(io->ops->caps & DLFW_BACKEND_LOCAL) || !kit->root_is_folder)
        kit_skip(kit, "only local files can be made sparse by the kit");
    kit_content(object.key, 0, tail, 10000);
    snprintf(path, sizeof path, "%s/%s", kit->root, object.key);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || pwrite(fd, tail, 10000, (off_t)FAR) != 10000)
        kit_skip(kit, "cannot make a sparse file here");
    close(fd);
    slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
    slot->req.buf = got;
    slot->req.buf_cap = slot->req.length = 16384;
    slot->req.offset = FAR;
    KIT_CHECK(kit, kit_call(io, slot) >= 0, "%s: GET at offset 5 GiB fails: %s", io->way, slot->text);
    KIT_CHECK(kit, slot->comp.bytes == 10000 && memcmp(got, tail, 10000) == 0, "%s: wrong bytes at offset 5 GiB",
              io->way);
    kit_slot_free(slot);
    close_io(io);
}

static void by_handle(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object;
    struct kit_slot *slot;
    void *handle;

    if (!kit_can(io, DLFW_OP_OPEN))
        kit_skip(kit, "the backend has no OPEN");
    object = kit_object(io, "by-handle", 50000);
    slot = kit_slot(io, DLFW_OP_OPEN, object.key, strlen(object.key));
    KIT_CHECK(kit, kit_call(io, slot) >= 0, "%s: OPEN fails: %s", io->way, slot->text);
    KIT_CHECK(kit, object.endless || slot->comp.object_size == object.size,
              "%s: OPEN reports %llu bytes instead of %llu", io->way, (unsigned long long)slot->comp.object_size,
              (unsigned long long)object.size);
    handle = slot->comp.handle;
    kit_slot_free(slot);
    for (int i = 0; i < 40; i++)
        kit_expect_range(io, &object, handle, kit_below(kit, object.size), 1 + kit_below(kit, 9000));
    slot = kit_slot(io, DLFW_OP_CLOSE, object.key, strlen(object.key));
    slot->req.handle = handle;
    KIT_CHECK(kit, kit_call(io, slot) >= 0, "%s: CLOSE fails: %s", io->way, slot->text);
    kit_slot_free(slot);
    close_io(io);
}

/* What is not there is NOT_FOUND, never zeros and never an empty object. */
static void missing(struct kit *kit)
{
    static const uint16_t ops[] = {DLFW_OP_GET, DLFW_OP_STAT, DLFW_OP_OPEN, DLFW_OP_DELETE};
    struct kit_io *io = open_io(kit);

    KIT_CHECK(kit, kit_make_root(io, "") >= 0, "MAKE_ROOT fails: %s", kit_text());
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct kit_slot *slot;
        dlfw_status st;

        if (!kit_can(io, ops[i]))
            continue;
        slot = kit_slot(io, ops[i], "no-such-object", 14);
        slot->req.buf = kit_guarded(kit, 4096);
        slot->req.buf_cap = slot->req.length = ops[i] == DLFW_OP_GET ? 4096 : 0;
        st = kit_call(io, slot);
        if (ops[i] == DLFW_OP_DELETE && kit_delete_may_be_silent(io) && st == DLFW_OK) {
            kit_slot_free(slot);
            continue;
        }
        KIT_CHECK(kit, st == DLFW_E_NOT_FOUND, "%s: op %u on a missing object gives %s", io->way, ops[i],
                  dlfw_status_name(st));
        KIT_CHECK(kit, strstr(slot->text, "no-such-object"), "%s: the error text does not name the object: '%s'",
                  io->way, slot->text);
        kit_slot_free(slot);
    }
    close_io(io);
}

/* A wish that the backend does not know must fail. */
static void unknown_wishes(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "unknown-wishes", 4096);
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
    dlfw_status st;

    slot->req.flags = 1u << 15;
    slot->req.buf = kit_guarded(kit, 4096);
    slot->req.buf_cap = slot->req.length = 4096;
    st = kit_call(io, slot);
    KIT_CHECK(kit, st == DLFW_E_UNSUPPORTED, "%s: a request with an unknown flag gives %s instead of UNSUPPORTED",
              io->way, dlfw_status_name(st));
    kit_slot_free(slot);
    slot = kit_slot(io, 63, object.key, strlen(object.key));
    st = kit_call(io, slot);
    KIT_CHECK(kit, st == DLFW_E_UNSUPPORTED, "%s: an unknown operation gives %s instead of UNSUPPORTED", io->way,
              dlfw_status_name(st));
    kit_slot_free(slot);
    close_io(io);
}

static void late(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = kit_object(io, "late", 4096);
    struct kit_slot *slot = kit_slot(io, DLFW_OP_GET, object.key, strlen(object.key));
    dlfw_status st;

    slot->req.buf = kit_guarded(kit, 4096);
    slot->req.buf_cap = slot->req.length = 4096;
    slot->req.deadline_ns = 1;
    st = kit_call(io, slot);
    KIT_CHECK(kit, st == DLFW_E_TIMEOUT, "%s: a request whose deadline has passed gives %s instead of TIMEOUT", io->way,
              dlfw_status_name(st));
    kit_slot_free(slot);
    close_io(io);
}

#define BACKEND_CASE(name, flags, run)                                                                                 \
    {                                                                                                                  \
        "read." name, DLFW_KIND_BACKEND, KIT_WAYS | (flags), run                                                       \
    }

const struct kit_case kit_cases_read[] = {
    BACKEND_CASE("whole", 0, whole),
    BACKEND_CASE("too_small", 0, too_small),
    BACKEND_CASE("ranges", 0, ranges),
    BACKEND_CASE("beyond_end", 0, beyond_end),
    BACKEND_CASE("zero_length", 0, zero_length),
    BACKEND_CASE("large", 0, large),
    BACKEND_CASE("canaries", 0, canaries),
    BACKEND_CASE("misaligned", 0, misaligned),
    BACKEND_CASE("beyond_4gib", KIT_DATA, beyond_4gib),
    BACKEND_CASE("by_handle", 0, by_handle),
    BACKEND_CASE("missing", KIT_DATA, missing),
    BACKEND_CASE("unknown_wishes", 0, unknown_wishes),
    BACKEND_CASE("deadline", 0, late),
    {0},
};
