/* SPDX-License-Identifier: Apache-2.0 */
#include "pickle_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Opcodes of pickle, protocol 2 */
enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINUNICODE = 'X',
    OP_GLOBAL = 'c',
    OP_BINGET = 'h',
    OP_BINPUT = 'q',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_EMPTY_TUPLE = ')',
    OP_EMPTY_DICT = '}',
    OP_PROTO = 0x80,
    OP_TUPLE1 = 0x85,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a
};

/* Places of the memo: what is used again. A storage type is the same for all tensors of a file. */
enum { MEMO_REBUILD, MEMO_STORAGE, MEMO_TYPE, MEMO_CPU, MEMO_HOOKS, MEMO_LAYER };

enum { STAGE_BEGIN, STAGE_TENSORS, STAGE_SHARED, STAGE_END, STAGE_DONE };

static const char *const storage_names[] = {
    [TENSOR_FP16] = "torch\nHalfStorage\n",  [TENSOR_BF16] = "torch\nBFloat16Storage\n",
    [TENSOR_FP32] = "torch\nFloatStorage\n", [TENSOR_FP64] = "torch\nDoubleStorage\n",
    [TENSOR_INT8] = "torch\nCharStorage\n",  [TENSOR_UINT8] = "torch\nByteStorage\n"};

struct chunk {
    uint8_t *p;
};

static void put_byte(struct chunk *c, int byte)
{
    *c->p++ = (uint8_t)byte;
}

static void put_number(struct chunk *c, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        put_byte(c, (int)(value >> i * 8 & 0xff));
}

static void put_text(struct chunk *c, const char *text)
{
    size_t n = strlen(text);

    memcpy(c->p, text, n);
    c->p += n;
}

static void put_unicode(struct chunk *c, const char *text)
{
    put_byte(c, OP_BINUNICODE);
    put_number(c, strlen(text), 4);
    put_text(c, text);
}

static void put_int(struct chunk *c, uint64_t value)
{
    if (value <= UINT8_MAX) {
        put_byte(c, OP_BININT1);
        put_number(c, value, 1);
    } else if (value <= UINT16_MAX) {
        put_byte(c, OP_BININT2);
        put_number(c, value, 2);
    } else if (value <= INT32_MAX) {
        put_byte(c, OP_BININT);
        put_number(c, value, 4);
    } else { /* element counts stay below 2^62: eight bytes of two's complement are positive */
        put_byte(c, OP_LONG1);
        put_byte(c, 8);
        put_number(c, value, 8);
    }
}

/* What stands in the memo at place, or text is written by put and remembered. */
static void put_known(struct pickle_stream *s, struct chunk *c, int place, const char *text, bool is_global)
{
    if (s->known & 1u << place) {
        put_byte(c, OP_BINGET);
        put_byte(c, place);
        return;
    }
    if (is_global) {
        put_byte(c, OP_GLOBAL);
        put_text(c, text);
    } else {
        put_unicode(c, text);
    }
    put_byte(c, OP_BINPUT);
    put_byte(c, place);
    s->known |= (uint8_t)(1u << place);
}

/* The persistent id of a storage: ('storage', type, number, 'cpu', elements) */
static void put_storage(struct pickle_stream *s, struct chunk *c, const struct plan_tensor *t)
{
    char number[24];

    put_byte(c, OP_MARK);
    put_known(s, c, MEMO_STORAGE, "storage", false);
    put_known(s, c, MEMO_TYPE, storage_names[t->type], true);
    snprintf(number, sizeof number, "%" PRIu64, s->tensor);
    put_unicode(c, number);
    put_known(s, c, MEMO_CPU, "cpu", false);
    put_int(c, t->elements);
    put_byte(c, OP_TUPLE);
    put_byte(c, OP_BINPERSID);
}

/* _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks) */
static void put_tensor(struct pickle_stream *s, struct chunk *c, const struct plan_tensor *t)
{
    put_unicode(c, t->key);
    put_known(s, c, MEMO_REBUILD, "torch._utils\n_rebuild_tensor_v2\n", true);
    put_byte(c, OP_MARK);
    put_storage(s, c, t);
    put_int(c, 0);
    put_int(c, t->elements);
    put_byte(c, OP_TUPLE1);
    put_int(c, 1);
    put_byte(c, OP_TUPLE1);
    put_byte(c, OP_NEWFALSE);
    put_known(s, c, MEMO_HOOKS, "collections\nOrderedDict\n", true);
    put_byte(c, OP_EMPTY_TUPLE);
    put_byte(c, OP_REDUCE);
    put_byte(c, OP_TUPLE);
    put_byte(c, OP_REDUCE);
    put_byte(c, OP_SETITEM);
}

/* Leaves the dict of the open group and enters that of the coming one; "": the file's own. */
static void change_group(struct pickle_stream *s, struct chunk *c, const char *group)
{
    if (strcmp(s->group, group) == 0)
        return;
    if (s->group[0])
        put_byte(c, OP_SETITEM);
    snprintf(s->group, sizeof s->group, "%s", group);
    if (!group[0])
        return;
    put_unicode(c, group);
    put_byte(c, OP_EMPTY_DICT);
    if (!(s->known & 1u << MEMO_LAYER)) { /* where layers share one dict it is the first group's */
        put_byte(c, OP_BINPUT);
        put_byte(c, MEMO_LAYER);
        s->known |= 1u << MEMO_LAYER;
    }
}

void pickle_open(struct pickle_stream *s, const struct model_plan *plan, const struct plan_file *file)
{
    *s = (struct pickle_stream){.plan = plan, .file = file, .stage = STAGE_BEGIN};
}

static void put_next_tensor(struct pickle_stream *s, struct chunk *c)
{
    struct plan_tensor t;

    if (s->tensor == s->file->tensor_count) {
        change_group(s, c, "");
        s->stage = STAGE_SHARED;
        return;
    }
    model_plan_tensor(s->plan, s->file, s->tensor, &t);
    change_group(s, c, t.group);
    put_tensor(s, c, &t);
    s->tensor++;
}

static void put_next_shared(struct pickle_stream *s, struct chunk *c)
{
    char key[PLAN_KEY_MAX];

    if (s->shared == model_plan_shared_layers(s->plan, s->file)) {
        s->stage = STAGE_END;
        return;
    }
    snprintf(key, sizeof key, "%" PRIu64, s->plan->first_layer + ++s->shared);
    put_unicode(c, key);
    put_byte(c, OP_BINGET);
    put_byte(c, MEMO_LAYER);
    put_byte(c, OP_SETITEM);
}

uint32_t pickle_next(struct pickle_stream *s, uint8_t buf[PICKLE_CHUNK_MAX])
{
    struct chunk c = {buf};

    while (c.p == buf && s->stage != STAGE_DONE) {
        if (s->stage == STAGE_BEGIN) {
            put_byte(&c, OP_PROTO);
            put_byte(&c, 2);
            put_byte(&c, OP_EMPTY_DICT);
            s->stage = STAGE_TENSORS;
        } else if (s->stage == STAGE_TENSORS) {
            put_next_tensor(s, &c);
        } else if (s->stage == STAGE_SHARED) {
            put_next_shared(s, &c);
        } else {
            put_byte(&c, OP_STOP);
            s->stage = STAGE_DONE;
        }
    }
    return (uint32_t)(c.p - buf);
}

uint64_t pickle_size(const struct model_plan *plan, const struct plan_file *file)
{
    uint8_t unused[PICKLE_CHUNK_MAX];
    struct pickle_stream s;
    uint64_t total = 0;
    uint32_t n;

    pickle_open(&s, plan, file);
    while ((n = pickle_next(&s, unused)) > 0)
        total += n;
    return total;
}
