/* SPDX-License-Identifier: Apache-2.0 */
/* list.*: every name once, at every page boundary; a place that is not there is an error, never an empty list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit_io.h"

#define PAGE 4096u
#define NAME_LEN 8u                                            /* "d/000000" */
#define PER_PAGE (PAGE / (sizeof(dlfw_list_entry) + NAME_LEN)) /* names of that length that fit a page */
#define MANY 2000u

struct names {
    char (*items)[64];
    uint32_t count;
};

static struct kit_io *open_io(struct kit *kit)
{
    struct kit_io *io = kit_io_open(kit, kit_backend(kit), 16);

    if (!kit_can(io, DLFW_OP_LIST))
        kit_skip(kit, "the backend has no LIST");
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

static void take_page(struct kit_io *io, const unsigned char *buf, uint64_t bytes, struct names *names)
{
    struct kit *kit = io->kit;
    uint64_t n = bytes / sizeof(dlfw_list_entry);

    KIT_CHECK(kit, bytes % sizeof(dlfw_list_entry) == 0 && bytes <= PAGE, "%s: LIST reports %llu bytes of records",
              io->way, (unsigned long long)bytes);
    for (uint64_t i = 0; i < n; i++) {
        dlfw_list_entry entry;

        memcpy(&entry, buf + i * sizeof entry, sizeof entry);
        KIT_CHECK(kit, entry.name_off >= bytes && entry.name_off <= PAGE && entry.name_len <= PAGE - entry.name_off,
                  "%s: LIST: a name lies outside the page or over the records", io->way);
        KIT_CHECK(kit, entry.name_len > 0 && entry.name_len < 64, "%s: LIST: a name of %u bytes", io->way,
                  entry.name_len);
        KIT_CHECK(kit, names->count < MANY + 16, "%s: LIST gives more names than there are", io->way);
        snprintf(names->items[names->count++], 64, "%.*s", (int)entry.name_len, buf + entry.name_off);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* pages: at most that many, then the cursor is closed. */
static dlfw_status list(struct kit_io *io, const char *key, uint16_t flags, uint32_t pages, struct names *ret)
{
    unsigned char *buf = kit_guarded(io->kit, PAGE);
    void *cursor = NULL;
    bool more = true;

    *ret = (struct names){.items = kit_alloc(io->kit, (MANY + 16) * sizeof *ret->items)};
    while (more && pages-- > 0) {
        struct kit_slot *slot = kit_slot(io, DLFW_OP_LIST, key, strlen(key));
        dlfw_status st;

        slot->req.flags = flags;
        slot->req.handle = cursor;
        slot->req.buf = buf;
        slot->req.buf_cap = slot->req.length = PAGE;
        st = kit_call(io, slot);
        kit_guarded_check(io->kit, buf, PAGE, "LIST");
        more = slot->comp.flags & DLFW_COMP_MORE;
        cursor = slot->comp.handle;
        if (st >= 0)
            take_page(io, buf, slot->comp.bytes, ret);
        KIT_CHECK(io->kit, st < 0 || !more || slot->comp.bytes > 0,
                  "%s: LIST gives an empty page and says there is more", io->way);
        kit_slot_free(slot);
        if (st < 0)
            return st;
    }
    if (more) {
        struct kit_slot *slot = kit_slot(io, DLFW_OP_CLOSE, key, strlen(key));

        slot->req.handle = cursor;
        KIT_CHECK(io->kit, kit_call(io, slot) >= 0, "%s: CLOSE of a list fails: %s", io->way, slot->text);
        kit_slot_free(slot);
    }
    qsort(ret->items, ret->count, sizeof *ret->items, by_name);
    return DLFW_OK;
}

static void put_small(struct kit_io *io, const char *key)
{
    char *data = kit_alloc(io->kit, strlen(key)); /* aligned, as a host's buffers are */

    memcpy(data, key, strlen(key));
    KIT_CHECK(io->kit, kit_put(io, key, data, strlen(key), 0) >= 0, "%s: cannot write '%s': %s", io->way, key,
              kit_text());
}

static void expect_series(struct kit_io *io, const struct names *names, uint32_t n, const char *folder)
{
    char expected[64];

    KIT_CHECK(io->kit, names->count == n, "%s: LIST gives %u of %u names", io->way, names->count, n);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(expected, sizeof expected, "%s/%06u", folder, i);
        KIT_CHECK(io->kit, strcmp(names->items[i], expected) == 0, "%s: LIST has '%s' where '%s' is expected", io->way,
                  names->items[i], expected);
    }
}

static void counts(struct kit *kit)
{
    static const uint32_t sizes[] = {0, 1, PER_PAGE - 1, PER_PAGE, PER_PAGE + 1, MANY};
    struct kit_io *io = open_io(kit);
    const char *folder = kit->use_queue ? "q" : "p";
    struct names names;
    uint32_t made = 0;
    char key[64];

    KIT_CHECK(kit, kit_make_root(io, folder) >= 0, "MAKE_ROOT of '%s' fails: %s", folder, kit_text());
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        dlfw_status st;

        for (; made < sizes[s]; made++) {
            snprintf(key, sizeof key, "%s/%06u", folder, made);
            put_small(io, key);
        }
        st = list(io, folder, s % 2 ? DLFW_REQ_RECURSIVE : 0, UINT32_MAX, &names);
        if (sizes[s] == 0 && st == DLFW_E_NOT_FOUND && !(io->ops->caps & DLFW_BACKEND_LOCAL))
            continue; /* where folders are only parts of names, an empty one does not exist */
        KIT_CHECK(kit, st >= 0, "%s: LIST of %u names fails: %s", io->way, sizes[s], dlfw_status_name(st));
        expect_series(io, &names, sizes[s], folder);
    }
    close_io(io);
}

static void expect_names(struct kit_io *io, const char *key, uint16_t flags, const char *const *expected)
{
    struct names names;
    uint32_t n = 0;

    KIT_CHECK(io->kit, list(io, key, flags, UINT32_MAX, &names) >= 0, "%s: LIST of '%s' fails", io->way, key);
    while (expected[n]) {
        KIT_CHECK(io->kit, n < names.count && strcmp(names.items[n], expected[n]) == 0,
                  "%s: LIST of '%s'%s: '%s' is missing, '%s' came", io->way, key, flags ? ", recursive" : "",
                  expected[n], n < names.count ? names.items[n] : "nothing");
        n++;
    }
    KIT_CHECK(io->kit, names.count == n, "%s: LIST of '%s' gives '%s' too", io->way, key, names.items[n]);
}

/* "ab" is a place, not the beginning of a name: "abc/x" does not belong to it. */
static void prefix_edges(struct kit *kit)
{
    static const char *const folders[] = {"t/ab", "t/abc", "t/ab/deep"};
    static const char *const keys[] = {"t/ab/1", "t/ab/deep/2", "t/abc/3", "t/abd", "t/a"};
    struct kit_io *io = open_io(kit);

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        KIT_CHECK(kit, kit_make_root(io, folders[i]) >= 0, "MAKE_ROOT of '%s' fails: %s", folders[i], kit_text());
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put_small(io, keys[i]);
    expect_names(io, "t/ab", 0, (const char *const[]){"t/ab/1", "t/ab/deep/", NULL});
    expect_names(io, "t/ab", DLFW_REQ_RECURSIVE, (const char *const[]){"t/ab/1", "t/ab/deep/2", NULL});
    expect_names(io, "t", 0, (const char *const[]){"t/a", "t/ab/", "t/abc/", "t/abd", NULL});
    expect_names(io, "t", DLFW_REQ_RECURSIVE,
                 (const char *const[]){"t/a", "t/ab/1", "t/ab/deep/2", "t/abc/3", "t/abd", NULL});
    expect_names(io, "", 0, (const char *const[]){"t/", NULL});
    close_io(io);
}

static void missing(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct names names;

    for (uint16_t round = 0; round < 2; round++) {
        dlfw_status st = list(io, "no-such-place", round ? DLFW_REQ_RECURSIVE : 0, UINT32_MAX, &names);

        KIT_CHECK(kit, st == DLFW_E_NOT_FOUND, "%s: LIST of a missing place gives %s", io->way, dlfw_status_name(st));
    }
    close_io(io);
}

static void fill(struct kit_io *io, const char *folder, uint32_t n)
{
    char key[64];

    KIT_CHECK(io->kit, kit_make_root(io, folder) >= 0, "MAKE_ROOT of '%s' fails: %s", folder, kit_text());
    for (uint32_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%s/%06u", folder, i);
        put_small(io, key);
    }
}

static void close_early(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    struct names names;
    uint32_t fds = 0;

    fill(io, "d", 3 * PER_PAGE);
    for (int i = 0; i < 20; i++) {
        if (i == 2)
            fds = kit_fd_count(kit);
        KIT_CHECK(kit, list(io, "d", 0, 1 + (uint32_t)(i % 2), &names) >= 0, "%s: LIST fails", io->way);
    }
    KIT_CHECK(kit, kit_fd_count(kit) == fds, "%s: lists that were closed early leave file descriptors open", io->way);
    close_io(io);
}

/* Names that stay must come; names that go may or may not; nothing comes twice. */
static void deletion(struct kit *kit)
{
    struct kit_io *io = open_io(kit);
    uint32_t n = 4 * PER_PAGE, odd = 0;
    unsigned char *buf = kit_guarded(kit, PAGE);
    struct names names = {.items = kit_alloc(kit, (MANY + 16) * sizeof *names.items)};
    void *cursor = NULL;
    bool more = true;
    char key[64];

    if (!kit_can(io, DLFW_OP_DELETE))
        kit_skip(kit, "the backend has no DELETE");
    fill(io, "del", n);
    for (uint32_t next = 0; more;) {
        struct kit_slot *slot = kit_slot(io, DLFW_OP_LIST, "del", 3);

        slot->req.handle = cursor;
        slot->req.buf = buf;
        slot->req.buf_cap = slot->req.length = PAGE;
        KIT_CHECK(kit, kit_call(io, slot) >= 0, "%s: LIST during deletion fails: %s", io->way, slot->text);
        take_page(io, buf, slot->comp.bytes, &names);
        more = slot->comp.flags & DLFW_COMP_MORE;
        cursor = slot->comp.handle;
        kit_slot_free(slot);
        for (uint32_t end = next + 100; next < end && next < n; next += 2) {
            snprintf(key, sizeof key, "del/%06u", next);
            KIT_CHECK(kit, kit_delete(io, key) >= 0, "%s: DELETE fails: %s", io->way, kit_text());
        }
    }
    qsort(names.items, names.count, sizeof *names.items, by_name);
    for (uint32_t i = 0; i < names.count; i++) {
        KIT_CHECK(kit, i == 0 || strcmp(names.items[i - 1], names.items[i]) != 0, "%s: LIST gives '%s' twice", io->way,
                  names.items[i]);
        odd += (uint32_t)(strtoul(names.items[i] + 4, NULL, 10) % 2);
    }
    KIT_CHECK(kit, odd == n / 2, "%s: LIST during deletion lost %u names that were never deleted", io->way,
              n / 2 - odd);
    close_io(io);
}

#define BACKEND_CASE(name, run)                                                                                        \
    {                                                                                                                  \
        "list." name, DLFW_KIND_BACKEND, KIT_WAYS | KIT_DATA, run                                                      \
    }

const struct kit_case kit_cases_list[] = {
    BACKEND_CASE("counts", counts),     BACKEND_CASE("prefix_edges", prefix_edges),
    BACKEND_CASE("missing", missing),   BACKEND_CASE("close_early", close_early),
    BACKEND_CASE("deletion", deletion), {0},
};
