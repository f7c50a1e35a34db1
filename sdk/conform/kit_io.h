/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a backend under test, through its queue or through perform(), with the books kept: every accepted request
 * has one slot, every completion must belong to a slot in flight, and whatever does not come back within a few seconds
 * is lost.
 */
#ifndef DLFW_CONFORM_KIT_IO_H
#define DLFW_CONFORM_KIT_IO_H

#include "kit.h"

enum kit_slot_state { SLOT_FREE, SLOT_READY, SLOT_FLIGHT, SLOT_DONE };

struct kit_slot {
    dlfw_req req;
    dlfw_comp comp; /* in SLOT_DONE */
    enum kit_slot_state state;
    dlfw_error error;
    char text[256];
    void *scratch;
};

struct kit_io {
    struct kit *kit;
    const dlfw_backend_ops *ops;
    dlfw_backend *be;
    dlfw_queue *queue; /* NULL: perform() */
    const char *way;   /* for messages */
    uint32_t depth;
    uint32_t inflight;
    struct kit_slot *slots;
};

/* Opens the way kit->use_queue says; a queue that refuses with UNSUPPORTED ends the case as skipped when there is no
 * perform(). */
struct kit_io *kit_io_open(struct kit *kit, dlfw_backend *be, uint32_t depth);
/* Checks that nothing more comes, and closes. */
void kit_io_close(struct kit_io *io);

bool kit_can(const struct kit_io *io, uint16_t op);
/* A service that does not tell whether there was anything to delete answers DLFW_OK (since ABI 1.2). */
static inline bool kit_delete_may_be_silent(const struct kit_io *io)
{
    return (io->ops->caps & DLFW_BACKEND_STREAMS) != 0;
}
bool kit_has_data(const struct kit_io *io);

/* A free slot with its request prepared; key may hold any bytes and must stay. */
struct kit_slot *kit_slot(struct kit_io *io, uint16_t op, const char *key, size_t key_len);
void kit_slot_free(struct kit_slot *slot);
void kit_start(struct kit_io *io, struct kit_slot *const *slots, uint32_t n); /* all are accepted when it returns */
uint32_t kit_reap(struct kit_io *io, uint32_t min, uint64_t timeout_ns);      /* completions taken */
dlfw_status kit_wait(struct kit_io *io, struct kit_slot *slot);
dlfw_status kit_call(struct kit_io *io, struct kit_slot *slot); /* start and wait */

/* One operation each; a failure is returned, its text is in kit_text(). */
dlfw_status kit_put(struct kit_io *io, const char *key, const void *data, uint64_t len, uint16_t flags);
dlfw_status kit_stat(struct kit_io *io, const char *key, uint64_t *ret_size);
dlfw_status kit_delete(struct kit_io *io, const char *key);
dlfw_status kit_make_root(struct kit_io *io, const char *key);
const char *kit_text(void); /* of the last failed operation of the lines above */

void kit_limits(struct kit_io *io, const char *key, dlfw_limits *ret); /* alignments at least 1 */
uint64_t kit_round_up(uint64_t value, uint64_t align);

/* Content of test objects: a function of key and offset. */
void kit_content(const char *key, uint64_t offset, void *buf, uint64_t len);

/* An object to read, written by the kit itself or, for a backend that cannot write, the one named in the quirks file.
 */
struct kit_object {
    const char *key;
    uint64_t size;
    const unsigned char *data; /* NULL: payloads are not kept */
    bool endless;              /* and neither are sizes: any range is there */
};
struct kit_object kit_object(struct kit_io *io, const char *key, uint64_t size);

/* Reads [offset, offset + length), widened to what the backend wants, and checks count and bytes. handle may be NULL.
 */
void kit_expect_range(struct kit_io *io, const struct kit_object *object, void *handle, uint64_t offset,
                      uint64_t length);
/* Reads the whole object and checks it. */
void kit_expect_whole(struct kit_io *io, const struct kit_object *object);

#define KIT_GUARD 4096u
#define KIT_GUARD_BYTE 0xC5
/* A buffer with guards on both sides. */
unsigned char *kit_guarded(struct kit *kit, uint64_t bytes);
void kit_guarded_check(struct kit *kit, const unsigned char *buf, uint64_t bytes, const char *what);

#endif
