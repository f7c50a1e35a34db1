/* SPDX-License-Identifier: Apache-2.0 */
/* The table of stores and the hash table of each. Publishing swaps one pointer under the lock; see store.h. */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_BUCKETS 64u

static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *stores;

static struct store *store_create(const char *root)
{
    struct store *s = calloc(1, sizeof *s + strlen(root) + 1);

    if (!s)
        return NULL;
    s->buckets = calloc(FIRST_BUCKETS, sizeof *s->buckets);
    if (!s->buckets) {
        free(s);
        return NULL;
    }
    s->bucket_count = FIRST_BUCKETS;
    pthread_rwlock_init(&s->lock, NULL);
    memcpy(s->root, root, strlen(root) + 1);
    return s;
}

static void store_destroy(struct store *s)
{
    for (uint64_t i = 0; i < s->bucket_count; i++) {
        while (s->buckets[i]) {
            struct entry *e = s->buckets[i];

            s->buckets[i] = e->next;
            blob_release(e->blob);
            free(e);
        }
    }
    pthread_rwlock_destroy(&s->lock);
    free(s->buckets);
    free(s);
}

struct store *store_join(const char *root)
{
    struct store *s;

    pthread_mutex_lock(&stores_lock);
    for (s = stores; s && strcmp(s->root, root) != 0; s = s->next)
        ;
    if (!s && (s = store_create(root))) {
        s->next = stores;
        stores = s;
    }
    if (s)
        s->users++;
    pthread_mutex_unlock(&stores_lock);
    return s;
}

void store_leave(struct store *s)
{
    pthread_mutex_lock(&stores_lock);
    s->users--;
    pthread_mutex_unlock(&stores_lock);
}

void store_forget_all(void)
{
    struct store **at = &stores;

    pthread_mutex_lock(&stores_lock);
    while (*at) {
        struct store *s = *at;

        if (s->users > 0) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        store_destroy(s);
    }
    pthread_mutex_unlock(&stores_lock);
}

struct blob *blob_create(uint8_t *data, uint64_t size)
{
    struct blob *b = malloc(sizeof *b);

    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->size = size;
    b->data = data;
    return b;
}

void blob_release(struct blob *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(b->data);
    free(b);
}

/* FNV-1a with a final mix, so that the low bits are good. */
static uint64_t hash_key(const char *key, uint32_t key_len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (uint32_t i = 0; i < key_len; i++)
        h = (h ^ (uint8_t)key[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

static struct entry **slot_of(const struct store *s, uint64_t hash, const char *key, uint32_t key_len)
{
    struct entry **at = &s->buckets[hash & (s->bucket_count - 1)];

    while (*at && ((*at)->hash != hash || (*at)->key_len != key_len || memcmp((*at)->key, key, key_len) != 0))
        at = &(*at)->next;
    return at;
}

/* Doubling; when there is no memory for it the old buckets stay, only slower. */
static void grow(struct store *s)
{
    uint64_t count = s->bucket_count * 2;
    struct entry **buckets = calloc(count, sizeof *buckets);

    if (!buckets)
        return;
    for (uint64_t i = 0; i < s->bucket_count; i++) {
        while (s->buckets[i]) {
            struct entry *e = s->buckets[i];

            s->buckets[i] = e->next;
            e->next = buckets[e->hash & (count - 1)];
            buckets[e->hash & (count - 1)] = e;
        }
    }
    free(s->buckets);
    s->buckets = buckets;
    s->bucket_count = count;
}

/* A new entry without blob. NULL: out of memory. */
static struct entry *insert(struct store *s, const char *key, uint32_t key_len)
{
    uint64_t hash = hash_key(key, key_len);
    struct entry *e = malloc(sizeof *e + key_len + 1);

    if (!e)
        return NULL;
    if (s->entry_count >= s->bucket_count)
        grow(s);
    *e = (struct entry){.hash = hash, .key_len = key_len};
    if (key_len > 0)
        memcpy(e->key, key, key_len);
    e->key[key_len] = '\0';
    e->next = s->buckets[hash & (s->bucket_count - 1)];
    s->buckets[hash & (s->bucket_count - 1)] = e;
    s->entry_count++;
    return e;
}

static struct entry *lookup(const struct store *s, const char *key, uint32_t key_len)
{
    return *slot_of(s, hash_key(key, key_len), key, key_len);
}

bool store_is_dir(struct store *s, const char *key, uint32_t key_len)
{
    const struct entry *e = lookup(s, key, key_len);

    return e && !e->blob;
}

dlfw_status store_find(struct store *s, const char *key, uint32_t key_len, struct blob **ret, uint64_t *ret_mtime_ns,
                       dlfw_error *err)
{
    const struct entry *e;
    dlfw_status st = DLFW_OK;

    *ret = NULL;
    pthread_rwlock_rdlock(&s->lock);
    e = lookup(s, key, key_len);
    if (!e) {
        st = dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no object '%.*s'", (int)key_len, key);
    } else if (!e->blob) {
        st = dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is a directory, not an object", (int)key_len, key);
    } else {
        atomic_fetch_add_explicit(&e->blob->refs, 1, memory_order_relaxed);
        *ret = e->blob;
        *ret_mtime_ns = e->mtime_ns;
    }
    pthread_rwlock_unlock(&s->lock);
    return st;
}

static dlfw_status add_dir(struct store *s, const char *key, uint32_t key_len, dlfw_error *err)
{
    const struct entry *e = lookup(s, key, key_len);

    if (e && e->blob)
        return dlfw_fail(err, DLFW_E_EXISTS, "'%.*s' exists and is not a directory", (int)key_len, key);
    if (!e && !insert(s, key, key_len))
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the directory '%.*s'", (int)key_len, key);
    return DLFW_OK;
}

/* The root and every directory that key lies in. */
static dlfw_status add_parents(struct store *s, const char *key, uint32_t key_len, dlfw_error *err)
{
    dlfw_status st = add_dir(s, "", 0, err);

    for (uint32_t i = 1; i < key_len && st == DLFW_OK; i++)
        if (key[i] == '/')
            st = add_dir(s, key, i, err);
    return st;
}

static uint64_t wall_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* With the lock held; *ret_old is to be released after it. */
static dlfw_status publish(struct store *s, const char *key, uint32_t key_len, struct blob *blob, bool exclusive,
                           uint64_t capacity, struct blob **ret_old, dlfw_error *err)
{
    struct entry *e = lookup(s, key, key_len);
    uint64_t freed = e && e->blob ? e->blob->size : 0;
    dlfw_status st;

    if (e && !e->blob)
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is a directory, not an object", (int)key_len, key);
    if (e && exclusive)
        return dlfw_fail(err, DLFW_E_EXISTS, "'%.*s' exists", (int)key_len, key);
    if (capacity && s->bytes - freed + blob->size > capacity)
        return dlfw_fail(err, DLFW_E_NO_SPACE, "cannot write '%.*s': the capacity of %llu bytes is used up",
                         (int)key_len, key, (unsigned long long)capacity);
    if (!e) {
        st = add_parents(s, key, key_len, err);
        if (st < 0)
            return st;
        e = insert(s, key, key_len);
        if (!e)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the object '%.*s'", (int)key_len, key);
        s->object_count++;
    }
    *ret_old = e->blob;
    e->blob = blob;
    e->mtime_ns = wall_ns();
    s->bytes += blob->size - freed;
    return DLFW_OK;
}

dlfw_status store_publish(struct store *s, const char *key, uint32_t key_len, struct blob *blob, bool exclusive,
                          uint64_t capacity, dlfw_error *err)
{
    struct blob *old = NULL;
    dlfw_status st;

    pthread_rwlock_wrlock(&s->lock);
    st = publish(s, key, key_len, blob, exclusive, capacity, &old, err);
    pthread_rwlock_unlock(&s->lock);
    blob_release(old);
    return st;
}

dlfw_status store_delete(struct store *s, const char *key, uint32_t key_len, dlfw_error *err)
{
    struct entry **at;
    struct entry *gone = NULL;
    dlfw_status st = DLFW_OK;

    pthread_rwlock_wrlock(&s->lock);
    at = slot_of(s, hash_key(key, key_len), key, key_len);
    if (!*at) {
        st = dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no object '%.*s'", (int)key_len, key);
    } else if (!(*at)->blob) {
        st = dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is a directory, not an object", (int)key_len, key);
    } else {
        gone = *at;
        *at = gone->next;
        s->entry_count--;
        s->object_count--;
        s->bytes -= gone->blob->size;
    }
    pthread_rwlock_unlock(&s->lock);
    if (gone)
        blob_release(gone->blob);
    free(gone);
    return st;
}

dlfw_status store_make_dir(struct store *s, const char *key, uint32_t key_len, dlfw_error *err)
{
    dlfw_status st;

    while (key_len > 0 && key[key_len - 1] == '/')
        key_len--;
    pthread_rwlock_wrlock(&s->lock);
    st = add_parents(s, key, key_len, err);
    if (st == DLFW_OK)
        st = add_dir(s, key, key_len, err);
    pthread_rwlock_unlock(&s->lock);
    return st;
}

/* Does anything lie in the directory? */
static bool has_children(const struct store *s, const char *key, uint32_t key_len)
{
    for (uint64_t i = 0; i < s->bucket_count; i++)
        for (const struct entry *e = s->buckets[i]; e; e = e->next)
            if (e->key_len > key_len && (!key_len || (memcmp(e->key, key, key_len) == 0 && e->key[key_len] == '/')))
                return true;
    return false;
}

dlfw_status store_remove_dir(struct store *s, const char *key, uint32_t key_len, dlfw_error *err)
{
    struct entry **at;
    struct entry *gone = NULL;
    dlfw_status st = DLFW_OK;

    while (key_len > 0 && key[key_len - 1] == '/')
        key_len--;
    pthread_rwlock_wrlock(&s->lock);
    at = slot_of(s, hash_key(key, key_len), key, key_len);
    if (!*at) {
        st = dlfw_fail(err, DLFW_E_NOT_FOUND, "there is no directory '%.*s'", (int)key_len, key);
    } else if ((*at)->blob) {
        st = dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is an object, not a directory", (int)key_len, key);
    } else if (has_children(s, key, key_len)) {
        st = dlfw_fail(err, DLFW_E_BUSY, "the directory '%.*s' is not empty", (int)key_len, key);
    } else {
        gone = *at;
        *at = gone->next;
        s->entry_count--;
    }
    pthread_rwlock_unlock(&s->lock);
    free(gone);
    return st;
}
