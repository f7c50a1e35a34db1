/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the scripted backend; its native queue is in script_queue.c. */
#include "support/script_parts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "config/yaml_read.h"
#include "host/crc.h"

struct upload {
    char key[256];
    uint8_t *data;
    size_t cap;
    uint64_t covered;
    bool exclusive;
};

struct cursor {
    uint32_t next;
};

static struct script_object *find(struct script *s, const char *key, size_t len)
{
    for (uint32_t i = 0; i < s->object_count; i++) {
        if (strlen(s->objects[i].key) == len && memcmp(s->objects[i].key, key, len) == 0)
            return &s->objects[i];
    }
    return NULL;
}

static void store(struct script *s, const char *key, size_t key_len, const void *data, size_t len)
{
    struct script_object *o = find(s, key, key_len);

    if (!o) {
        ck_assert_uint_lt(s->object_count, SCRIPT_OBJECTS);
        ck_assert_uint_lt(key_len, sizeof o->key);
        o = &s->objects[s->object_count++];
        *o = (struct script_object){.len = 0};
        memcpy(o->key, key, key_len);
    }
    free(o->data);
    o->data = malloc(len ? len : 1);
    if (len)
        memcpy(o->data, data, len);
    o->len = len;
}

void script_fill(uint8_t *data, size_t len, uint64_t from)
{
    for (size_t i = 0; i < len; i++)
        data[i] = script_byte(from + i);
}

static bool aligned(uint64_t value, uint32_t align)
{
    return align <= 1 || value % align == 0;
}

static dlfw_status do_get(struct script *s, dlfw_req *req, dlfw_comp *comp, uint64_t short_by)
{
    const dlfw_limits *l = &s->config.limits;
    struct script_object *o = req->handle ? req->handle : find(s, req->key, req->key_len);
    bool whole = (req->flags & DLFW_REQ_WHOLE) != 0;
    uint64_t n, at;

    if (req->length > req->buf_cap)
        ck_abort_msg("length beyond buf_cap");
    s->last_length = req->length;
    s->last_offset = req->offset;
    if (!aligned(req->offset, l->read_offset_align) || !aligned(req->length, l->read_length_align) ||
        !aligned((uintptr_t)req->buf, l->mem_align))
        return dlfw_fail(req->error, DLFW_E_ALIGN, "misaligned: offset %llu length %llu",
                         (unsigned long long)req->offset, (unsigned long long)req->length);
    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no such object");
    if (!s->config.sizes_unknown)
        comp->object_size = o->len;
    if (whole && o->len > req->buf_cap) {
        comp->object_size = o->len;
        return dlfw_fail(req->error, DLFW_E_BUFFER_TOO_SMALL, "'%.*s' is larger", (int)req->key_len, req->key);
    }
    at = req->offset < o->len ? req->offset : o->len;
    n = o->len - at;
    if (!whole && n > req->length)
        n = req->length;
    n -= short_by < n ? short_by : n;
    memset(req->buf, 0xee, req->buf_cap); /* all of it may be overwritten */
    if (n)
        memcpy(req->buf, o->data + at, n);
    comp->bytes = n;
    return DLFW_OK;
}

static dlfw_status do_put(struct script *s, dlfw_req *req, dlfw_comp *comp, uint64_t short_by)
{
    if ((req->flags & DLFW_REQ_EXCLUSIVE) && find(s, req->key, req->key_len))
        return dlfw_fail(req->error, DLFW_E_EXISTS, "'%.*s' exists", (int)req->key_len, req->key);
    if (!aligned((uintptr_t)req->buf, s->config.limits.mem_align))
        return dlfw_fail(req->error, DLFW_E_ALIGN, "misaligned memory");
    store(s, req->key, req->key_len, req->buf, req->length);
    comp->bytes = req->length - short_by;
    return DLFW_OK;
}

static dlfw_status do_begin(struct script *s, dlfw_req *req, dlfw_comp *comp)
{
    struct upload *u = calloc(1, sizeof *u);

    ck_assert_uint_lt(req->key_len, sizeof u->key);
    memcpy(u->key, req->key, req->key_len);
    u->exclusive = (req->flags & DLFW_REQ_EXCLUSIVE) != 0;
    comp->handle = u;
    s->uploads++;
    return DLFW_OK;
}

static dlfw_status do_part(struct script *s, dlfw_req *req, dlfw_comp *comp, uint64_t short_by)
{
    const dlfw_limits *l = &s->config.limits;
    struct upload *u = req->handle;

    s->last_length = req->length;
    s->last_offset = req->offset;
    ck_assert_uint_gt(req->length, 0);
    ck_assert_msg(aligned(req->offset, l->write_offset_align), "part at %llu", (unsigned long long)req->offset);
    ck_assert_msg(!l->max_part || req->length <= l->max_part, "part of %llu", (unsigned long long)req->length);
    ck_assert_msg(!l->max_parts || req->arg < l->max_parts, "part %llu", (unsigned long long)req->arg);
    if (u->cap < req->offset + req->length) {
        u->cap = req->offset + req->length;
        u->data = realloc(u->data, u->cap);
    }
    memcpy(u->data + req->offset, req->buf, req->length);
    u->covered += req->length;
    comp->bytes = req->length - short_by;
    return DLFW_OK;
}

static void upload_free(struct script *s, struct upload *u)
{
    free(u->data);
    free(u);
    s->uploads--;
}

static dlfw_status do_commit(struct script *s, dlfw_req *req)
{
    struct upload *u = req->handle;

    ck_assert_uint_eq(u->covered, req->arg);
    ck_assert_uint_eq(u->cap, req->arg);
    if (u->exclusive && find(s, u->key, strlen(u->key)))
        return dlfw_fail(req->error, DLFW_E_EXISTS, "'%s' exists", u->key);
    store(s, u->key, strlen(u->key), u->data, req->arg);
    upload_free(s, u);
    return DLFW_OK;
}

static dlfw_status do_delete(struct script *s, dlfw_req *req)
{
    struct script_object *o = find(s, req->key, req->key_len);

    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no such object");
    free(o->data);
    *o = s->objects[--s->object_count];
    return DLFW_OK;
}

static dlfw_status do_list(struct script *s, dlfw_req *req, dlfw_comp *comp)
{
    struct cursor *c = req->handle;
    uint32_t room = s->config.page_entries ? s->config.page_entries : 100;
    dlfw_list_entry *entries = req->buf;
    uint64_t names = req->buf_cap;
    uint32_t i = c ? c->next : 0, n = 0;

    for (; i < s->object_count && n < room; i++) {
        const struct script_object *o = &s->objects[i];
        size_t len = strlen(o->key);

        if (len < req->key_len || memcmp(o->key, req->key, req->key_len) != 0)
            continue;
        names -= len;
        memcpy((char *)req->buf + names, o->key, len);
        entries[n++] = (dlfw_list_entry){.size = o->len, .name_off = (uint32_t)names, .name_len = (uint32_t)len};
    }
    comp->bytes = n * sizeof *entries;
    if (i < s->object_count) {
        if (!c) {
            c = calloc(1, sizeof *c);
            s->cursors++;
        }
        c->next = i;
        comp->handle = c;
        comp->flags |= DLFW_COMP_MORE;
    } else if (c) {
        free(c);
        s->cursors--;
    }
    return DLFW_OK;
}

static dlfw_status do_close(struct script *s, dlfw_req *req)
{
    ck_assert_ptr_nonnull(req->handle);
    if ((struct script_object *)req->handle >= s->objects &&
        (struct script_object *)req->handle < s->objects + SCRIPT_OBJECTS)
        return DLFW_OK;
    free(req->handle);
    s->cursors--;
    return DLFW_OK;
}

static void tell_text(dlfw_req *req, dlfw_comp *comp, const char *text, uint32_t *ret_off, uint32_t *ret_len)
{
    size_t len = strlen(text);

    ck_assert_uint_le(comp->bytes + len, req->buf_cap);
    memcpy((char *)req->buf + comp->bytes, text, len);
    *ret_off = (uint32_t)comp->bytes;
    *ret_len = (uint32_t)len;
    comp->bytes += len;
}

static void tell_info(const struct script_object *o, dlfw_req *req, dlfw_comp *comp)
{
    dlfw_object_info info = {.size = o->len,
                             .mtime_ns = SCRIPT_MTIME,
                             .flags = DLFW_INFO_CRC32C,
                             .crc32c = crc32c_update(0, o->data, o->len)};
    char etag[32];

    snprintf(etag, sizeof etag, "e-%zu", o->len);
    comp->bytes = sizeof info;
    tell_text(req, comp, etag, &info.etag_off, &info.etag_len);
    tell_text(req, comp, "t/x", &info.content_type_off, &info.content_type_len);
    tell_text(req, comp, "a: b\n", &info.metadata_off, &info.metadata_len);
    memcpy(req->buf, &info, sizeof info);
}

static dlfw_status do_copy(struct script *s, dlfw_req *req, dlfw_comp *comp)
{
    struct script_object *o = find(s, req->buf, req->length);
    uint8_t *data;

    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no object '%.*s'", (int)req->length, (char *)req->buf);
    comp->object_size = o->len;
    data = malloc(o->len ? o->len : 1);
    memcpy(data, o->data, o->len);
    store(s, req->key, req->key_len, data, comp->object_size);
    free(data);
    return DLFW_OK;
}

static dlfw_status do_by_name(struct script *s, dlfw_req *req, dlfw_comp *comp)
{
    struct script_object *o = find(s, req->key, req->key_len);

    if (!o)
        return dlfw_fail(req->error, DLFW_E_NOT_FOUND, "no such object");
    comp->object_size = o->len;
    if (req->op == DLFW_OP_OPEN)
        comp->handle = o;
    else if (s->config.tells_info && req->buf_cap >= sizeof(dlfw_object_info))
        tell_info(o, req, comp);
    return DLFW_OK;
}

static dlfw_status dispatch(struct script *s, dlfw_req *req, dlfw_comp *comp, uint64_t short_by)
{
    switch (req->op) {
    case DLFW_OP_GET:
        return do_get(s, req, comp, short_by);
    case DLFW_OP_PUT:
        return do_put(s, req, comp, short_by);
    case DLFW_OP_STAT:
    case DLFW_OP_OPEN:
        return do_by_name(s, req, comp);
    case DLFW_OP_DELETE:
        return do_delete(s, req);
    case DLFW_OP_LIST:
        return do_list(s, req, comp);
    case DLFW_OP_CLOSE:
        return do_close(s, req);
    case DLFW_OP_WRITE_BEGIN:
        return do_begin(s, req, comp);
    case DLFW_OP_WRITE_PART:
        return do_part(s, req, comp, short_by);
    case DLFW_OP_WRITE_COMMIT:
        return do_commit(s, req);
    case DLFW_OP_WRITE_ABORT:
        upload_free(s, req->handle);
        return DLFW_OK;
    case DLFW_OP_MAKE_ROOT:
        s->config.root_missing = false;
        return DLFW_OK;
    case DLFW_OP_COPY:
        return do_copy(s, req, comp);
    default:
        return dlfw_fail(req->error, DLFW_E_UNSUPPORTED, "operation %u", req->op);
    }
}

/* The rule that applies to this request; NULL: none. Under the lock. */
static const struct script_rule *rule_for(struct script *s, uint16_t op)
{
    uint64_t nth = s->calls[op]++, any = s->calls[0]++;

    for (uint32_t i = 0; i < s->rule_count; i++) {
        const struct script_rule *r = &s->rules[i];
        uint64_t n = r->op ? nth : any;

        if (!r->refuse_submit && !r->dead && (!r->op || r->op == op) && n >= r->from && n - r->from < r->count)
            return r;
    }
    return NULL;
}

void script_execute(struct script *s, dlfw_req *req, dlfw_comp *comp)
{
    const struct script_rule *rule;

    pthread_mutex_lock(&s->lock);
    if (!req->error)
        ck_abort_msg("a request without an error");
    rule = rule_for(s, req->op);
    if (atomic_load(&s->down)) {
        comp->status = dlfw_fail(req->error, DLFW_E_UNAVAILABLE, "connection refused");
        comp->flags |= DLFW_ERR_RETRYABLE;
        pthread_mutex_unlock(&s->lock);
        return;
    }
    if (!rule || rule->status >= 0 || rule->after)
        comp->status = dispatch(s, req, comp, rule ? rule->short_by : 0);
    if (rule && rule->status < 0) {
        comp->status = rule->status;
        comp->flags |= rule->flags;
        comp->bytes = 0;
        if (!rule->silent)
            dlfw_fail(req->error, rule->status, "scripted failure");
        req->error->retry_after_ms = rule->retry_after_ms;
    }
    pthread_mutex_unlock(&s->lock);
}

void script_begin_one(struct script *s)
{
    uint32_t now = atomic_fetch_add(&s->running, 1) + 1;
    uint32_t max = atomic_load(&s->max_running);

    while (now > max && !atomic_compare_exchange_weak(&s->max_running, &max, now))
        ;
    if (s->config.thread_class == DLFW_THREADS_SERIAL_INSTANCE || s->config.thread_class == DLFW_THREADS_SERIAL_PROCESS)
        ck_assert_msg(s->config.native || now == 1, "%u calls at once into a serial backend", now);
}

void script_end_one(struct script *s)
{
    atomic_fetch_sub(&s->running, 1);
}

uint64_t script_latency(struct script *s)
{
    uint64_t jitter = s->config.jitter_ns ? hash_mix(atomic_fetch_add(&s->draws, 1)) % s->config.jitter_ns : 0;

    return s->config.delay_ns + jitter;
}

uint64_t script_due(struct script *s, const dlfw_req *req, uint64_t now)
{
    uint64_t due = now + script_latency(s), bytes = 0;
    const struct script_object *o;

    if (req->op != DLFW_OP_GET || (!s->config.stream_rate && !s->config.total_rate))
        return due;
    pthread_mutex_lock(&s->lock);
    o = find(s, req->key, req->key_len);
    if (o && req->offset < o->len)
        bytes = o->len - req->offset < req->length ? o->len - req->offset : req->length;
    if (s->config.total_rate) {
        uint64_t from = atomic_load(&s->link_free_ns) > due ? atomic_load(&s->link_free_ns) : due;

        atomic_store(&s->link_free_ns, from + bytes * 1000 / (s->config.total_rate / 1000000));
    }
    if (s->config.stream_rate)
        due += bytes * 1000 / (s->config.stream_rate / 1000000);
    pthread_mutex_unlock(&s->lock);
    return due > atomic_load(&s->link_free_ns) ? due : atomic_load(&s->link_free_ns);
}

void script_set_down(struct script *s, bool down)
{
    atomic_store(&s->down, down);
}

static void perform(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp)
{
    struct script *s = (struct script *)be;
    uint64_t ns = script_latency(s);

    script_begin_one(s);
    if (ns)
        nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}, NULL);
    script_execute(s, req, comp);
    script_end_one(s);
}

static dlfw_status limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    struct script *s = (struct script *)be;
    uint32_t size = ret->struct_size;

    (void)key;
    if (!key_len && s->config.root_missing)
        return dlfw_fail(err, DLFW_E_NOT_FOUND, "the root does not exist");
    *ret = s->config.limits;
    ret->struct_size = size;
    return DLFW_OK;
}

static dlfw_status mem_register(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret,
                                dlfw_error *err)
{
    struct script *s = (struct script *)be;

    (void)kind;
    (void)err;
    ck_assert_uint_eq((uintptr_t)base % 4096, 0);
    for (uint64_t i = 1; i <= SCRIPT_REGIONS; i++) {
        if (s->regions[i - 1])
            continue;
        s->regions[i - 1] = len;
        *ret = i;
        return DLFW_OK;
    }
    return dlfw_fail(err, DLFW_E_NO_MEMORY, "no more regions");
}

static void mem_unregister(dlfw_backend *be, uint64_t handle)
{
    struct script *s = (struct script *)be;

    ck_assert_uint_gt(s->regions[handle - 1], 0);
    s->regions[handle - 1] = 0;
}

struct script *script_create(const struct script_config *config)
{
    struct script *s = calloc(1, sizeof *s);

    s->config = *config;
    pthread_mutex_init(&s->lock, NULL);
    s->ops = (dlfw_backend_ops){.struct_size = sizeof s->ops,
                                .thread_class = config->thread_class,
                                .caps = config->caps,
                                .op_mask = (0x1ffeu | DLFW_OP_BIT(DLFW_OP_COPY)) & ~config->without,
                                .limits = limits,
                                .mem_register = mem_register,
                                .mem_unregister = mem_unregister};
    if (config->blocking)
        s->ops.perform = perform;
    if (config->native)
        script_queue_fill_ops(&s->ops);
    return s;
}

void script_destroy(struct script *s)
{
    ck_assert_msg(!s->uploads, "%u uploads are still open", s->uploads);
    ck_assert_msg(!s->cursors, "%u listings are still open", s->cursors);
    for (uint32_t i = 0; i < SCRIPT_REGIONS; i++)
        ck_assert_uint_eq(s->regions[i], 0);
    for (uint32_t i = 0; i < s->object_count; i++)
        free(s->objects[i].data);
    node_tree_free(&s->tree);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void script_rule(struct script *s, struct script_rule rule)
{
    ck_assert_uint_lt(s->rule_count, SCRIPT_RULES);
    s->rules[s->rule_count++] = rule;
}

struct storage *script_endpoints(struct script *const *scripts, uint32_t count, const char *yaml)
{
    struct node_tree *tree = &scripts[0]->tree;
    struct storage_args args = {.tree = tree};
    struct storage_instance instances[32];
    struct problem_list problems = {0};
    struct storage *st = NULL;
    struct error_slot err;
    static char names[32][32];

    error_slot_init(&err);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "script://%u", i);
        instances[i] = (struct storage_instance){&scripts[i]->ops, (dlfw_backend *)scripts[i], names[i]};
    }
    if (yaml) {
        ck_assert_msg(yaml_read_text("test.yaml", yaml, strlen(yaml), tree, &err.e) >= 0, "%s", err.text);
        args.retry = node_get(tree->root, "retry");
        args.wrap = node_get(tree->root, "wrap");
        args.options = node_get(tree->root, "options");
    }
    args.problems = &problems;
    if (storage_open_instances(instances, count, "script://root", &args, &st, &err.e) < 0)
        ck_abort_msg("%s: %s", err.text, problems.count ? problems.items[0].text : "");
    problem_list_free(&problems);
    return st;
}

struct storage *script_storage(struct script *s, const char *yaml)
{
    return script_endpoints(&s, 1, yaml);
}

const dlfw_backend_ops *script_ops(const struct script *s)
{
    return &s->ops;
}

dlfw_backend *script_instance(struct script *s)
{
    return (dlfw_backend *)s;
}

void script_set(struct script *s, const char *key, const void *data, size_t len)
{
    store(s, key, strlen(key), data, len);
}

const uint8_t *script_get(struct script *s, const char *key, size_t *ret_len)
{
    struct script_object *o = find(s, key, strlen(key));

    if (!o)
        return NULL;
    *ret_len = o->len;
    return o->data;
}

uint32_t script_objects(struct script *s)
{
    return s->object_count;
}

uint64_t script_calls(struct script *s, uint16_t op)
{
    return s->calls[op];
}

uint64_t script_submits(struct script *s)
{
    return s->submits;
}

uint32_t script_max_running(struct script *s)
{
    return atomic_load(&s->max_running);
}

uint32_t script_uploads(struct script *s)
{
    return s->uploads;
}

uint32_t script_cursors(struct script *s)
{
    return s->cursors;
}

uint64_t script_last_length(struct script *s)
{
    return s->last_length;
}

uint64_t script_last_offset(struct script *s)
{
    return s->last_offset;
}

uint64_t script_registered(struct script *s)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < SCRIPT_REGIONS; i++)
        bytes += s->regions[i];
    return bytes;
}
