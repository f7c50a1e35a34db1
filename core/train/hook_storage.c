/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a storage costs a connection or an io_uring, a small file much less; so storages are shared by all objects
 * below one root, and queues are kept for the next user. The longest known root that a URI lies below is its storage; a
 * URI that lies below none gets one of its own folder, and of those the least recently used go when there are many.
 */
#include "train/hook_storage.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "io/uri.h"

#define STREAM_DEPTH 4u                 /* parts of a writer in flight */
#define SCAN_DEPTH 16u                  /* where requests wait for a device or a network */
#define SCAN_DEPTH_CACHED 4u            /* where most of them are copies from the page cache */
#define POOL_LIMIT ((uint64_t)64 << 30) /* the users bound what is in flight, this only catches runaways */
#define IDLE_QUEUES_MAX 16u
#define STORAGES_MAX 64u /* of those that nobody announced */

struct idle_queue {
    struct idle_queue *next;
    struct io_queue *queue;
    enum queue_kind kind;
    uint64_t thread; /* whose it is; 0: anybody's */
};

/* A number that no other thread of the process ever has, unlike a thread id. */
static uint64_t this_thread(void)
{
    static _Atomic uint64_t last;
    static _Thread_local uint64_t mine;

    if (!mine)
        mine = atomic_fetch_add(&last, 1) + 1;
    return mine;
}

static void idle_drop(struct shared_storage *s, struct idle_queue **at)
{
    struct idle_queue *gone = *at;

    *at = gone->next;
    s->idle_count--;
    io_queue_destroy(gone->queue);
    free(gone);
}

static void shared_close(struct shared_storage *s)
{
    while (s->idle)
        idle_drop(s, &s->idle);
    pool_destroy(s->pool);
    storage_close(s->storage);
    s->pool = NULL;
    s->storage = NULL;
    s->has_root = false;
}

static void shared_remove(struct service_set *set, struct shared_storage *s)
{
    struct shared_storage **at = &set->storages;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    set->count--;
    shared_close(s);
    free(s->scheme);
    free(s->path);
    free(s);
}

static struct shared_storage *shared_add(struct service_set *set, const struct uri *root, bool keep)
{
    struct shared_storage *s = xcalloc(1, sizeof *s);

    s->set = set;
    s->scheme = xstrdup(root->scheme);
    s->path = xstrdup(root->path);
    s->keep = keep;
    s->next = set->storages;
    set->storages = s;
    set->count++;
    return s;
}

/* "./x" and "x" are one place. */
static void drop_dots(char *path)
{
    const char *from = path;

    while (from[0] == '.' && from[1] == '/') {
        from += 2;
        while (*from == '/')
            from++;
    }
    if (from != path && !*from)
        from = ".";
    memmove(path, from, strlen(from) + 1);
}

/* The URI as its storage knows it. */
static dlfw_status resolve(const struct service_set *set, const char *uri, struct uri *ret, dlfw_error *err)
{
    const char *root = set->env.storage_root;
    char *joined = uri_join(root ? root : "", uri);
    dlfw_status st = uri_parse(joined, ret, err);

    if (st >= 0)
        drop_dots(ret->path);
    free(joined);
    return st;
}

/* Where the key begins in path when it lies below root; NULL: it does not. */
static const char *below(const char *root, const char *path)
{
    size_t len = strlen(root);

    if (strcmp(root, ".") == 0)
        return path[0] == '/' ? NULL : path[0] == '.' && !path[1] ? path + 1 : path;
    if (len && root[len - 1] == '/') /* "/" */
        return strncmp(path, root, len) == 0 ? path + len : NULL;
    if (strncmp(path, root, len) != 0 || (len && path[len] && path[len] != '/'))
        return NULL;
    path += len;
    while (*path == '/' && len)
        path++;
    return path;
}

/* An object never is a root itself: what has a root's name lies in the folder above. */
static struct shared_storage *find_shared(const struct service_set *set, const struct uri *uri, enum place_use use,
                                          const char **ret_key)
{
    struct shared_storage *best = NULL;
    size_t best_len = 0;

    for (struct shared_storage *s = set->storages; s; s = s->next) {
        const char *key = s->stale || strcmp(s->scheme, uri->scheme) != 0 ? NULL : below(s->path, uri->path);

        if (!key || (use == PLACE_OBJECT && !*key) || (best && strlen(s->path) < best_len))
            continue;
        best = s;
        best_len = strlen(s->path);
        *ret_key = key;
    }
    return best;
}

/* A storage whose root is the object's folder, or the folder itself. */
static struct shared_storage *add_folder(struct service_set *set, const struct uri *uri, enum place_use use,
                                         const char **ret_key)
{
    const char *slash = use == PLACE_OBJECT ? strrchr(uri->path, '/') : NULL;
    struct uri root = {.scheme = uri->scheme};
    struct shared_storage *s;

    if (use == PLACE_FOLDER) {
        root.path = xstrdup(uri->path);
        *ret_key = "";
    } else {
        root.path = slash ? xstrndup(uri->path, slash == uri->path ? 1 : (size_t)(slash - uri->path))
                          : xstrdup(strcmp(uri->scheme, "file") == 0 || strcmp(uri->scheme, "direct") == 0 ? "." : "");
        *ret_key = slash ? slash + 1 : uri->path;
    }
    s = shared_add(set, &root, false);
    free(root.path);
    return s;
}

static bool has_scheme(const char *text, const char *scheme)
{
    struct uri uri = {0};
    bool same;

    if (!text || !*text || uri_parse(text, &uri, NULL) < 0)
        return strcmp(scheme, "file") == 0;
    same = strcmp(uri.scheme, scheme) == 0;
    uri_free(&uri);
    return same;
}

/* Does the run file's configuration, which is the dataset's, speak of this storage too? */
static bool is_configured(const struct service_set *set, const char *scheme)
{
    return has_scheme(set->env.storage_root, scheme) || (set->env.data_uri && has_scheme(set->env.data_uri, scheme));
}

static dlfw_status shared_open(struct shared_storage *s, dlfw_error *err)
{
    const struct service_env *env = &s->set->env;
    bool configured = is_configured(s->set, s->scheme);
    struct uri uri = {.scheme = s->scheme, .path = s->path};
    char *text = uri_text(&uri);
    struct storage_args args = {.registry = env->registry,
                                .uri = text,
                                .options = configured ? env->storage_options : NULL,
                                .wrap = configured ? env->wrap : NULL,
                                .retry = env->retry,
                                .name = "hook",
                                .problems = env->problems};
    dlfw_status st = storage_open(&args, &s->storage, err);

    if (st >= 0)
        st = pool_create(s->storage, POOL_LIMIT, &s->pool, err);
    if (st < 0)
        shared_close(s);
    free(text);
    return st;
}

/* Makes room before another folder's storage is opened. */
static void close_oldest(struct service_set *set)
{
    struct shared_storage *oldest = NULL;
    uint32_t passing = 0;

    for (struct shared_storage *s = set->storages; s; s = s->next) {
        passing += !s->keep;
        if (!s->keep && !s->users && (!oldest || s->last_use < oldest->last_use))
            oldest = s;
    }
    if (oldest && passing >= STORAGES_MAX)
        shared_remove(set, oldest);
}

dlfw_status place_open(struct service_set *set, const char *uri, enum place_use use, struct place *ret, dlfw_error *err)
{
    struct shared_storage *s;
    struct uri parsed = {0};
    const char *key = NULL;
    dlfw_status st;

    if (use == PLACE_OBJECT && (!*uri || uri[strlen(uri) - 1] == '/'))
        return dlfw_fail(err, DLFW_E_INVALID, "'%s' names a folder, not an object", uri);
    st = resolve(set, uri, &parsed, err);
    if (st < 0)
        return st;
    pthread_mutex_lock(&set->lock);
    s = find_shared(set, &parsed, use, &key);
    if (!s) {
        close_oldest(set);
        s = add_folder(set, &parsed, use, &key);
    }
    if (!s->storage)
        st = shared_open(s, err);
    if (st >= 0) {
        s->users++;
        s->last_use = ++set->uses;
        *ret = (struct place){.shared = s, .key = xstrdup(key)};
    } else if (!s->keep) {
        shared_remove(set, s);
    }
    pthread_mutex_unlock(&set->lock);
    uri_free(&parsed);
    return st;
}

void place_close(struct place *p)
{
    struct shared_storage *s = p->shared;
    struct service_set *set = s ? s->set : NULL;

    free(p->key);
    *p = (struct place){0};
    if (!s)
        return;
    pthread_mutex_lock(&set->lock);
    if (!--s->users && s->stale)
        shared_remove(set, s);
    pthread_mutex_unlock(&set->lock);
}

dlfw_status place_make_root(struct place *p, struct io_queue *q, dlfw_error *err)
{
    struct shared_storage *s = p->shared;
    bool has_root;
    dlfw_status st;

    pthread_mutex_lock(&s->set->lock);
    has_root = s->has_root;
    pthread_mutex_unlock(&s->set->lock);
    if (has_root)
        return DLFW_OK;
    st = io_make_root(q, "", err);
    if (st < 0)
        return st;
    pthread_mutex_lock(&s->set->lock);
    s->has_root = true;
    pthread_mutex_unlock(&s->set->lock);
    return DLFW_OK;
}

void place_forget_root(struct place *p)
{
    struct shared_storage *s = p->shared;
    struct uri root;

    pthread_mutex_lock(&s->set->lock);
    if (!s->stale) {
        s->stale = true;
        root = (struct uri){.scheme = s->scheme, .path = s->path};
        if (s->keep)
            shared_add(s->set, &root, true);
    }
    pthread_mutex_unlock(&s->set->lock);
}

static uint32_t scan_depth(const struct storage *st)
{
    uint64_t caps = storage_caps(st);

    return (caps & DLFW_BACKEND_LOCAL) && !(caps & DLFW_BACKEND_DIRECT) ? SCAN_DEPTH_CACHED : SCAN_DEPTH;
}

dlfw_status queue_take(struct shared_storage *s, enum queue_kind kind, struct io_queue **ret, dlfw_error *err)
{
    uint64_t thread = this_thread();

    pthread_mutex_lock(&s->set->lock);
    for (struct idle_queue **at = &s->idle; *at; at = &(*at)->next) {
        struct idle_queue *found = *at;

        if (found->kind != kind || (found->thread && found->thread != thread))
            continue;
        *ret = found->queue;
        *at = found->next;
        s->idle_count--;
        pthread_mutex_unlock(&s->set->lock);
        free(found);
        return DLFW_OK;
    }
    pthread_mutex_unlock(&s->set->lock);
    if (kind == QUEUE_SCAN)
        return io_queue_create(s->storage, scan_depth(s->storage), ret, err);
    return io_queue_create_moving(s->storage, STREAM_DEPTH, ret, err);
}

void queue_give(struct shared_storage *s, enum queue_kind kind, struct io_queue *q, bool broken)
{
    struct idle_queue *item, **last = &s->idle;

    if (!q)
        return;
    if (broken) {
        io_queue_destroy(q);
        return;
    }
    item = xmalloc(sizeof *item);
    *item = (struct idle_queue){.queue = q, .kind = kind, .thread = kind == QUEUE_SCAN ? this_thread() : 0};
    pthread_mutex_lock(&s->set->lock);
    item->next = s->idle;
    s->idle = item;
    s->idle_count++;
    while ((*last)->next)
        last = &(*last)->next;
    if (s->idle_count > IDLE_QUEUES_MAX)
        idle_drop(s, last); /* a thread that ended does not come back for its own */
    pthread_mutex_unlock(&s->set->lock);
}

void services_add_root(struct service_set *set, const char *uri)
{
    struct uri parsed = {0};

    if (!uri || !*uri || resolve(set, uri, &parsed, NULL) < 0)
        return;
    pthread_mutex_lock(&set->lock);
    shared_add(set, &parsed, true);
    pthread_mutex_unlock(&set->lock);
    uri_free(&parsed);
}

struct service_set *services_open(const struct service_env *env)
{
    struct service_set *set = xcalloc(1, sizeof *set);

    set->env = *env;
    pthread_mutex_init(&set->lock, NULL);
    services_add_root(set, env->storage_root);
    return set;
}

void services_close(struct service_set *set)
{
    if (!set)
        return;
    while (set->storages) {
        DLFW_BUG_IF(set->storages->users);
        shared_remove(set, set->storages);
    }
    pthread_mutex_destroy(&set->lock);
    free(set);
}
