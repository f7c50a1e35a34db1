/* SPDX-License-Identifier: Apache-2.0 */
/* write.*: an object is visible under its name when it is complete, and not a moment earlier. */
#include <string.h>

#include "kit_io.h"

static struct kit_io *open_io(struct kit *kit)
{
    struct kit_io *io = kit_io_open(kit, kit_backend(kit), 16);

    KIT_CHECK(kit, kit_make_root(io, "") >= 0, "MAKE_ROOT fails: %s", kit_text());
    return io;
}

static struct kit_io *open_writer_io(struct kit *kit)
{
    struct kit_io *io = open_io(kit);

    if (!kit_can(io, DLFW_OP_WRITE_BEGIN))
        kit_skip(kit, "the backend has no WRITE_BEGIN");
    return io;
}

static void close_io(struct kit_io *io)
{
    dlfw_backend *be = io->be;
    struct kit *kit = io->kit;

    kit_io_close(io);
    kit_destroy_any(kit, be);
}

struct writer {
    struct kit_io *io;
    const char *key;
    void *handle;
};

static dlfw_status try_begin(struct kit_io *io, const char *key, uint64_t size, uint16_t flags, struct writer *ret)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_WRITE_BEGIN, key, strlen(key));
    dlfw_status st;

    slot->req.arg = size;
    slot->req.flags = flags;
    st = kit_call(io, slot);
    *ret = (struct writer){io, key, slot->comp.handle};
    if (st < 0 && st != DLFW_E_EXISTS)
        kit_fail(io->kit, "%s: WRITE_BEGIN of '%s' fails: %s", io->way, key, slot->text);
    kit_slot_free(slot);
    return st;
}

static struct kit_slot *part(struct writer *w, uint64_t number, uint64_t offset, void *data, uint64_t len)
{
    struct kit_slot *slot = kit_slot(w->io, DLFW_OP_WRITE_PART, w->key, strlen(w->key));

    slot->req.handle = w->handle;
    slot->req.arg = number;
    slot->req.offset = offset;
    slot->req.buf = data;
    slot->req.buf_cap = slot->req.length = len;
    return slot;
}

static void finish_part(struct writer *w, struct kit_slot *slot)
{
    KIT_CHECK(w->io->kit, kit_wait(w->io, slot) >= 0, "%s: WRITE_PART %llu of '%s' fails: %s", w->io->way,
              (unsigned long long)slot->req.arg, w->key, slot->text);
    kit_slot_free(slot);
}

static void write_part(struct writer *w, uint64_t number, uint64_t offset, void *data, uint64_t len)
{
    struct kit_slot *slot = part(w, number, offset, data, len);

    kit_start(w->io, &slot, 1);
    finish_part(w, slot);
}

static dlfw_status end(struct writer *w, uint16_t op, uint64_t size)
{
    struct kit_slot *slot = kit_slot(w->io, op, w->key, strlen(w->key));
    dlfw_status st;

    slot->req.handle = w->handle;
    slot->req.arg = size;
    st = kit_call(w->io, slot);
    if (st < 0 && st != DLFW_E_EXISTS)
        kit_fail(w->io->kit, "%s: %s of '%s' fails: %s", w->io->way,
                 op == DLFW_OP_WRITE_COMMIT ? "WRITE_COMMIT" : "WRITE_ABORT", w->key, slot->text);
    kit_slot_free(slot);
    return st;
}

static uint64_t part_size(struct kit_io *io, const char *key)
{
    dlfw_limits limits;
    uint64_t size = 65536;

    kit_limits(io, key, &limits);
    if (size < limits.min_part)
        size = limits.min_part;
    size = kit_round_up(size, limits.write_length_align > limits.write_offset_align ? limits.write_length_align
                                                                                    : limits.write_offset_align);
    if (limits.max_part && size > limits.max_part)
        size = limits.max_part;
    return size;
}

static struct kit_object content_object_of(struct kit *kit, const char *key, uint64_t size)
{
    unsigned char *data = kit_alloc(kit, size);

    kit_content(key, 0, data, size);
    return (struct kit_object){.key = key, .size = size, .data = data};
}

static unsigned char *bytes_of(const struct kit_object *object)
{
    return (unsigned char *)(uintptr_t)object->data;
}

/* A wrong count or wrong bytes fails; a backend that keeps no data is asked for success only. */
static void expect_written(struct kit_io *io, const struct kit_object *object)
{
    if (kit_has_data(io))
        kit_expect_whole(io, object);
}

static void put(struct kit *kit)
{
    static const uint64_t sizes[] = {0, 1, 4095, 4096, 4097, 300001, 10};
    struct kit_io *io = open_io(kit);

    if (!kit_can(io, DLFW_OP_PUT))
        kit_skip(kit, "the backend has no PUT");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct kit_object object = content_object_of(kit, "put", sizes[i]); /* the same key: each replaces the last */

        for (uint16_t flags = 0; flags < 2; flags++) {
            KIT_CHECK(kit, kit_put(io, object.key, object.data, object.size, flags ? DLFW_REQ_DURABLE : 0) >= 0,
                      "%s: PUT of %llu bytes fails: %s", io->way, (unsigned long long)sizes[i], kit_text());
            expect_written(io, &object);
        }
    }
    close_io(io);
}

#define PARTS 9u

static void parts(struct kit *kit)
{
    static const uint64_t orders[][PARTS] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1, 0}, {4, 0, 8, 2, 6, 1, 7, 3, 5}};
    struct kit_io *io = open_writer_io(kit);
    uint64_t each = part_size(io, "parts");

    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        struct kit_object object = content_object_of(kit, kit_format(kit, "parts-%zu", o), (PARTS - 1) * each + 1234);
        struct kit_slot *slots[PARTS];
        struct writer w;

        try_begin(io, object.key, object.size, 0, &w);
        for (uint32_t i = 0; i < PARTS; i++) {
            uint64_t number = orders[o][i], offset = number * each;

            slots[i] = part(&w, number, offset, bytes_of(&object) + offset, number == PARTS - 1 ? 1234 : each);
        }
        kit_start(io, slots, PARTS); /* all in flight at once */
        for (uint32_t i = 0; i < PARTS; i++)
            finish_part(&w, slots[i]);
        end(&w, DLFW_OP_WRITE_COMMIT, object.size);
        expect_written(io, &object);
    }
    close_io(io);
}

static void empty(struct kit *kit)
{
    struct kit_io *io = open_writer_io(kit);
    struct kit_object object = {.key = "empty", .size = 0, .data = kit_alloc(kit, 1)};
    struct writer w;

    try_begin(io, object.key, 0, 0, &w);
    end(&w, DLFW_OP_WRITE_COMMIT, 0);
    expect_written(io, &object);
    close_io(io);
}

static uint32_t count_names(struct kit_io *io)
{
    struct kit_slot *slot = kit_slot(io, DLFW_OP_LIST, "", 0);
    uint32_t n;

    slot->req.flags = DLFW_REQ_RECURSIVE;
    slot->req.buf = kit_alloc(io->kit, 65536);
    slot->req.buf_cap = slot->req.length = 65536;
    KIT_CHECK(io->kit, kit_call(io, slot) >= 0, "%s: LIST fails: %s", io->way, slot->text);
    n = (uint32_t)(slot->comp.bytes / sizeof(dlfw_list_entry));
    kit_slot_free(slot);
    return n;
}

static void leaves_nothing(struct kit *kit)
{
    struct kit_io *io = open_writer_io(kit);
    uint64_t each = part_size(io, "aborted"), size = 0;
    unsigned char *data = kit_alloc(kit, each);
    uint32_t before = kit_can(io, DLFW_OP_LIST) ? count_names(io) : 0, fds;
    struct writer w;

    try_begin(io, "warm-up", each, 0, &w);
    end(&w, DLFW_OP_WRITE_ABORT, 0);
    fds = kit_fd_count(kit);
    for (uint64_t i = 0; i < 5; i++) {
        try_begin(io, "aborted", 2 * each, i % 2 ? DLFW_REQ_DURABLE : 0, &w);
        for (uint64_t k = 0; k < i; k++)
            write_part(&w, k, k * each, data, each);
        end(&w, DLFW_OP_WRITE_ABORT, 0);
        KIT_CHECK(kit, kit_stat(io, "aborted", &size) == DLFW_E_NOT_FOUND, "%s: an aborted object is there", io->way);
    }
    KIT_CHECK(kit, kit_fd_count(kit) == fds, "%s: an aborted write leaves file descriptors open", io->way);
    if (kit_can(io, DLFW_OP_LIST))
        KIT_CHECK(kit, count_names(io) == before, "%s: an aborted write leaves a name behind", io->way);
    close_io(io);
}

/* Neither a new object nor a replaced one shows anything of itself before its commit. */
static void visibility(struct kit *kit)
{
    struct kit_io *io = open_writer_io(kit);
    struct kit_object old = content_object_of(kit, "old", 777), fresh;
    uint64_t each = part_size(io, "fresh"), size;
    struct writer w;

    fresh = content_object_of(kit, kit_format(kit, "fresh-%s", io->way), each + 100);
    for (int round = 0; round < 2; round++) {
        if (round == 1) {
            old.key = fresh.key;
            KIT_CHECK(kit, kit_put(io, old.key, old.data, old.size, 0) >= 0, "%s: cannot replace: %s", io->way,
                      kit_text());
        }
        try_begin(io, fresh.key, fresh.size, 0, &w);
        write_part(&w, 0, 0, bytes_of(&fresh), each);
        write_part(&w, 1, each, bytes_of(&fresh) + each, 100);
        if (round == 0)
            KIT_CHECK(kit, kit_stat(io, fresh.key, &size) == DLFW_E_NOT_FOUND,
                      "%s: an object is visible before its commit", io->way);
        else
            kit_expect_whole(io, &old);
        end(&w, DLFW_OP_WRITE_COMMIT, fresh.size);
        kit_expect_whole(io, &fresh);
    }
    close_io(io);
}

static void two_writers(struct kit *kit)
{
    struct kit_io *io = open_writer_io(kit);
    uint64_t each = part_size(io, "shared");
    struct kit_object one = content_object_of(kit, "first", each + 10),
                      two = content_object_of(kit, "second", each + 20);
    struct writer a, b;

    one.key = two.key = "shared";
    try_begin(io, "shared", one.size, 0, &a);
    try_begin(io, "shared", two.size, 0, &b);
    write_part(&a, 0, 0, bytes_of(&one), each);
    write_part(&b, 0, 0, bytes_of(&two), each);
    write_part(&b, 1, each, bytes_of(&two) + each, 20);
    write_part(&a, 1, each, bytes_of(&one) + each, 10);
    end(&b, DLFW_OP_WRITE_COMMIT, two.size);
    kit_expect_whole(io, &two);
    end(&a, DLFW_OP_WRITE_COMMIT, one.size);
    kit_expect_whole(io, &one); /* the last commit wins, wholly */
    close_io(io);
}

static void exclusive(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = content_object_of(kit, kit_format(kit, "exclusive-%s", io->way), 5000);
    dlfw_status st = kit_put(io, object.key, object.data, object.size, DLFW_REQ_EXCLUSIVE);
    struct writer w;

    if (st == DLFW_E_UNSUPPORTED)
        kit_skip(kit, "the backend does not support EXCLUSIVE");
    KIT_CHECK(kit, st >= 0, "%s: an exclusive write of a new object fails: %s", io->way, kit_text());
    st = kit_put(io, object.key, object.data, 10, DLFW_REQ_EXCLUSIVE);
    KIT_CHECK(kit, st == DLFW_E_EXISTS, "%s: an exclusive write of an existing object gives %s", io->way,
              dlfw_status_name(st));
    kit_expect_whole(io, &object);
    if (kit_can(io, DLFW_OP_WRITE_BEGIN)) {
        st = try_begin(io, object.key, 10, DLFW_REQ_EXCLUSIVE, &w);
        if (st >= 0) {
            write_part(&w, 0, 0, bytes_of(&object), 10);
            st = end(&w, DLFW_OP_WRITE_COMMIT, 10);
            if (st == DLFW_E_EXISTS)
                end(&w, DLFW_OP_WRITE_ABORT, 0); /* a failed commit leaves the handle to be aborted */
        }
        KIT_CHECK(kit, st == DLFW_E_EXISTS,
                  "%s: exclusive WRITE_BEGIN and WRITE_COMMIT of an existing object both succeed", io->way);
        kit_expect_whole(io, &object);
    }
    close_io(io);
}

static void deletes(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct kit_object object = content_object_of(kit, "deleted", 5000);
    dlfw_status again;
    uint64_t size;

    KIT_CHECK(kit, kit_put(io, object.key, object.data, object.size, 0) >= 0, "%s: cannot write: %s", io->way,
              kit_text());
    KIT_CHECK(kit, kit_delete(io, object.key) >= 0, "%s: DELETE fails: %s", io->way, kit_text());
    KIT_CHECK(kit, kit_stat(io, object.key, &size) == DLFW_E_NOT_FOUND, "%s: a deleted object is still there", io->way);
    again = kit_delete(io, object.key);
    KIT_CHECK(kit, again == DLFW_E_NOT_FOUND || (again == DLFW_OK && kit_delete_may_be_silent(io)),
              "%s: DELETE of a missing object gives %s", io->way, kit_text());
    close_io(io);
}

static void make_root_twice(struct kit *kit)
{
    struct kit_io *io = open_io(kit);

    if (!kit_can(io, DLFW_OP_MAKE_ROOT))
        kit_skip(kit, "the backend has no MAKE_ROOT");
    for (int i = 0; i < 2; i++)
        KIT_CHECK(kit, kit_make_root(io, "deep/er") >= 0, "%s: MAKE_ROOT of 'deep/er' fails, time %d: %s", io->way,
                  i + 1, kit_text());
    close_io(io);
}

#define BACKEND_CASE(name, flags, run)                                                                                 \
    {                                                                                                                  \
        "write." name, DLFW_KIND_BACKEND, KIT_WAYS | (flags), run                                                      \
    }

const struct kit_case kit_cases_write[] = {
    BACKEND_CASE("put", 0, put),
    BACKEND_CASE("parts", 0, parts),
    BACKEND_CASE("empty", 0, empty),
    BACKEND_CASE("abort", KIT_DATA, leaves_nothing),
    BACKEND_CASE("visibility", KIT_DATA, visibility),
    BACKEND_CASE("two_writers", KIT_DATA, two_writers),
    BACKEND_CASE("exclusive", KIT_DATA, exclusive),
    BACKEND_CASE("delete", KIT_DATA, deletes),
    BACKEND_CASE("make_root", 0, make_root_twice),
    {0},
};
