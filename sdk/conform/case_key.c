/* SPDX-License-Identifier: Apache-2.0 */
/* key.*: a key is a string of bytes. What a backend cannot store it refuses; it never stores it under another name. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kit_io.h"

/* Writes and reads back, or sees a refusal. */
static void try_key(struct kit_io *io, const char *key, size_t len, bool must_work)
{
    struct kit *kit = io->kit;
    unsigned char *data = kit_alloc(kit, 300), *got = kit_guarded(kit, 4096);
    struct kit_slot *slot = kit_slot(io, DLFW_OP_PUT, key, len);
    dlfw_status st;

    memset(data, (int)(len & 0xff), 300);
    slot->req.buf = data;
    slot->req.buf_cap = slot->req.length = 300;
    st = kit_call(io, slot);
    KIT_CHECK(kit, !must_work || st >= 0, "%s: the key '%s' is refused: %s", io->way, key, slot->text);
    kit_slot_free(slot);
    if (st < 0)
        return;
    slot = kit_slot(io, DLFW_OP_GET, key, len);
    slot->req.flags = DLFW_REQ_WHOLE;
    slot->req.buf = got;
    slot->req.length = 300;
    slot->req.buf_cap = 4096;
    st = kit_call(io, slot);
    KIT_CHECK(kit, st >= 0 && slot->comp.bytes == 300 && memcmp(got, data, 300) == 0,
              "%s: what was written under the key '%s' does not come back: %s", io->way, key, slot->text);
    kit_slot_free(slot);
}

static struct kit_io *open_io(struct kit *kit)
{
    struct kit_io *io = kit_io_open(kit, kit_backend(kit), 4);

    if (!kit_can(io, DLFW_OP_PUT))
        kit_skip(kit, "the backend has no PUT");
    KIT_CHECK(kit, kit_make_root(io, "") >= 0, "MAKE_ROOT fails: %s", kit_text());
    return io;
}

static void close_io(struct kit_io *io)
{
    dlfw_backend *be = io->be;
    struct kit *kit = io->kit;

    kit_io_close(io);
    kit_destroy_any(kit, be);
}

static void ordinary(struct kit *kit)
{
    static const char *const keys[] = {"a",         "with space",   "100%25",      "%",
                                       "a+b&c=d;e", "tab\there",    "quote'\"`$x", "\xc3\xa4\xd0\xba\xe6\xbc\xa2",
                                       "..hidden",  "dots..inside", "trailing.",   "-dash",
                                       "~",         "#hash?query",  "back\\slash"};
    struct kit_io *io = open_io(kit);

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        try_key(io, keys[i], strlen(keys[i]), true);
    KIT_CHECK(kit, kit_make_root(io, "train/part 1") >= 0, "MAKE_ROOT of 'train/part 1' fails: %s", kit_text());
    try_key(io, "train/part 1/x", 14, true);
    close_io(io);
}

static void strange(struct kit *kit)
{
    static const struct {
        const char *key;
        size_t len;
    } rows[] = {{"", 0},  {"/absolute", 9}, {"double//slash", 13}, {"ends/", 5},
                {".", 1}, {"..", 2},        {"bad\xff\xfe", 5},    {"new\nline", 8}};
    struct kit_io *io = open_io(kit);
    char *long_key = kit_alloc(kit, 5000);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        try_key(io, rows[i].key, rows[i].len, false);
    memset(long_key, 'k', 4999);
    try_key(io, long_key, 4999, false);
    close_io(io);
}

static void nul_inside(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    uint64_t size;

    try_key(io, "nul\0inside", 10, false);
    KIT_CHECK(kit, kit_stat(io, "nul", &size) == DLFW_E_NOT_FOUND, "%s: the key 'nul\\0inside' was stored as 'nul'",
              io->way);
    close_io(io);
}

/* Whatever becomes of these keys, nothing may appear outside the root. */
static void escape(struct kit *kit)
{
    static const char *const ways_out[] = {"../", "x/../../", "./../", "/../"};
    struct kit_io *io = open_io(kit);
    const char *own = strrchr(kit->root, '/') ? strrchr(kit->root, '/') + 1 : kit->root;
    const char *path = kit_format(kit, "%.*s/escaped-%s", (int)(own - kit->root - 1), kit->root, own);

    if (!kit->root_is_folder)
        kit_skip(kit, "the root is no folder of this machine");
    KIT_CHECK(kit, kit_make_root(io, "x") >= 0, "MAKE_ROOT of 'x' fails: %s", kit_text());
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++) {
        const char *key = kit_format(kit, "%sescaped-%s", ways_out[i], own);

        try_key(io, key, strlen(key), false);
        if (access(path, F_OK) == 0) {
            unlink(path);
            kit_fail(kit, "%s: the key '%s' left the root", io->way, key);
        }
    }
    close_io(io);
}

const struct kit_case kit_cases_key[] = {
    {"key.ordinary", DLFW_KIND_BACKEND, KIT_WAYS | KIT_DATA, ordinary},
    {"key.strange", DLFW_KIND_BACKEND, KIT_WAYS | KIT_DATA, strange},
    {"key.nul_inside", DLFW_KIND_BACKEND, KIT_WAYS | KIT_DATA, nul_inside},
    {"key.escape", DLFW_KIND_BACKEND, KIT_WAYS | KIT_DATA, escape},
    {0},
};
