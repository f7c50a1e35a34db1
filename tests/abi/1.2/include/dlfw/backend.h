/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/backend.h - storage backends: one protocol that moves bytes.
 *
 * A backend never allocates payload memory, never retries silently, never decides about threads: the host does.
 * It implements either perform() (blocking; the host calls it inline or from a pool) or the queue functions
 * (queue_create .. wakeup, all of them), or both; when both exist the host asks for a queue first and falls
 * back to perform() if queue_create returns DLFW_E_UNSUPPORTED.
 *
 * The contract of submit/reap: every accepted request yields exactly one completion, also after cancel, also when
 * the queue dies. Everything a request points to belongs to the backend from acceptance to completion.
 * bytes < length happens only at the end of the object.
 */
#ifndef DLFW_BACKEND_H
#define DLFW_BACKEND_H

#include "dlfw/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { /* dlfw_req.op; values are forever */
    DLFW_OP_GET = 1,          /* key or handle, offset, length -> buf */
    DLFW_OP_PUT = 2,          /* whole object from buf, atomically visible */
    DLFW_OP_STAT = 3,         /* comp.object_size; since 1.2 more with a buf, see dlfw_object_info */
    DLFW_OP_DELETE = 4,       /* missing: DLFW_E_NOT_FOUND, or DLFW_OK where the service does not tell */
    DLFW_OP_LIST = 5,         /* one page of names below key into buf, see dlfw_list_page */
    DLFW_OP_OPEN = 6,         /* comp.handle, comp.object_size; for many ranges of one object */
    DLFW_OP_CLOSE = 7,        /* handle from OPEN or LIST */
    DLFW_OP_WRITE_BEGIN = 8,  /* key, arg = expected size or 0; comp.handle */
    DLFW_OP_WRITE_PART = 9,   /* handle, arg = part number from 0, offset, length, buf; any order, many in flight */
    DLFW_OP_WRITE_COMMIT = 10, /* handle, arg = total size; publishes atomically; the handle is gone after success,
                                  after failure only WRITE_ABORT may follow */
    DLFW_OP_WRITE_ABORT = 11, /* handle; leaves nothing; the handle is gone */
    DLFW_OP_MAKE_ROOT = 12,   /* create what objects live in (directory, bucket, container); existing: DLFW_OK */
    DLFW_OP_REMOVE_ROOT = 13, /* since 1.1: remove an empty one; something in it: DLFW_E_BUSY */
    DLFW_OP_COPY = 14         /* since 1.2: key becomes a copy of the object whose key is in buf (length bytes), made by the
                                 service, atomically visible; no such source: DLFW_E_NOT_FOUND; comp.object_size when known */
};

/* dlfw_req.flags */
enum {
    /* GET by key: the whole object. length = buf bytes expected; when the object is larger than buf_cap the
     * completion is DLFW_E_BUFFER_TOO_SMALL with object_size set. */
    DLFW_REQ_WHOLE = 1u << 0,
    DLFW_REQ_DURABLE = 1u << 1,   /* PUT, WRITE_BEGIN: on stable storage before the (commit) completion */
    DLFW_REQ_EXCLUSIVE = 1u << 2, /* PUT, WRITE_BEGIN: fail with DLFW_E_EXISTS when the object exists */
    DLFW_REQ_DROP_CACHE = 1u << 3, /* GET, PUT, WRITE_BEGIN: leave nothing of it in the page cache */
    DLFW_REQ_RECURSIVE = 1u << 4  /* LIST: all objects below key, not one level */
};

typedef struct dlfw_backend dlfw_backend; /* the plugin's; one per instance */
typedef struct dlfw_queue dlfw_queue;     /* the plugin's; one per host thread */

/* Frozen at 128 bytes: arrays of it cross the boundary. */
typedef struct dlfw_req {
    uint16_t op;          /* DLFW_OP_* */
    uint16_t flags;       /* DLFW_REQ_*; an unknown bit must fail with DLFW_E_UNSUPPORTED */
    uint32_t key_len;     /* bytes of key */
    const char *key;      /* relative to the instance's root; any bytes, not NUL-terminated; borrowed until completion */
    void *handle;         /* from OPEN, LIST or WRITE_BEGIN, else NULL */
    void *buf;            /* borrowed until completion */
    uint64_t buf_cap;     /* bytes of buf that may be overwritten, >= length */
    uint64_t offset;      /* in the object */
    uint64_t length;      /* bytes wanted or given */
    const void *reserved_iov; /* NULL */
    uint32_t reserved_iov_count; /* 0 */
    uint32_t mem_kind;    /* 0: host memory; others reserved */
    uint64_t mem_handle;  /* registered region that holds buf, 0: none */
    uint64_t arg;         /* see the operation */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC, 0: none; late = DLFW_E_TIMEOUT */
    dlfw_error *error;    /* filled before a failed completion; may be NULL */
    void *scratch;        /* req_scratch bytes, 64-aligned, the backend's until completion */
    uint64_t user;        /* host's cookie, not to be touched */
    uint64_t reserved0;   /* zero */
} dlfw_req;

/* Frozen at 64 bytes. The host hands it zeroed except object_size = UINT64_MAX. */
typedef struct dlfw_comp {
    dlfw_req *req;
    dlfw_status status;
    uint32_t flags;         /* DLFW_ERR_RETRYABLE, DLFW_ERR_THROTTLED, DLFW_ERR_FATAL, DLFW_COMP_* */
    uint64_t bytes;         /* moved; valid bytes of buf after GET; records bytes after LIST */
    uint64_t object_size;   /* UINT64_MAX: unknown */
    uint64_t first_byte_ns; /* when the first payload byte arrived, CLOCK_MONOTONIC; 0: unknown */
    uint64_t done_ns;       /* 0: the host stamps it when it reaps */
    void *handle;
    uint32_t attempts;      /* retries the backend made inside, 0 or 1: none */
    uint32_t reserved0;
} dlfw_comp;

/* dlfw_comp.flags beside DLFW_ERR_* */
enum {
    DLFW_COMP_COPIED = 1u << 16, /* the payload went through a buffer of the backend's */
    DLFW_COMP_MORE = 1u << 17    /* LIST: another page follows; ask again with comp.handle */
};

/*
 * A LIST page: dlfw_list_entry records from the start of buf (8-aligned), names packed from its end downwards.
 * comp.bytes = bytes of records (count * sizeof(dlfw_list_entry)). Offsets, not pointers: a page may be sent to
 * another process. The first page is asked for with handle NULL; comp.handle with DLFW_COMP_MORE is the cursor,
 * which CLOSE releases early. Without DLFW_COMP_MORE there is no cursor left. Names are full keys relative to
 * the root; without DLFW_REQ_RECURSIVE a name that stands for a group ends in '/'. A missing key (directory,
 * bucket) is DLFW_E_NOT_FOUND, never an empty list. A failed page that can be asked for again carries DLFW_COMP_MORE
 * and its handle; without the flag the cursor is gone.
 */
typedef struct dlfw_list_entry {
    uint64_t size;     /* bytes; UINT64_MAX: unknown */
    uint64_t mtime_ns; /* since the epoch; 0: unknown */
    uint32_t name_off; /* from the start of buf */
    uint32_t name_len;
} dlfw_list_entry;

/*
 * Since 1.2: what STAT leaves at the start of buf (8-aligned) when buf_cap holds it: the struct, then the texts it points
 * to. comp.bytes = bytes of all of it; 0: the backend tells the size only. Frozen at 128 bytes.
 */
typedef struct dlfw_object_info {
    uint64_t size;     /* bytes as stored */
    uint64_t mtime_ns; /* since the epoch; 0: unknown */
    uint32_t flags;    /* DLFW_INFO_*: which checksums are there */
    uint32_t crc32c;   /* of the whole object */
    uint8_t md5[16];   /* of the whole object */
    uint32_t etag_off; /* offsets from the start of buf; length 0: unknown */
    uint32_t etag_len;
    uint32_t content_type_off;
    uint32_t content_type_len;
    uint32_t content_encoding_off;
    uint32_t content_encoding_len;
    uint32_t storage_class_off;
    uint32_t storage_class_len;
    uint32_t version_off; /* the service's name of this version or generation */
    uint32_t version_len;
    uint32_t metadata_off; /* what the writer attached: "name: value\n" lines */
    uint32_t metadata_len;
    uint64_t reserved[5]; /* zero */
} dlfw_object_info;

enum { /* dlfw_object_info.flags */
    DLFW_INFO_CRC32C = 1u << 0,
    DLFW_INFO_MD5 = 1u << 1
};

/* What the backend (or the file system behind one key) wants. Powers of two where alignment is meant. */
typedef struct dlfw_limits {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t mem_align;         /* of buf, 1: none */
    uint32_t read_offset_align; /* 1: none */
    uint32_t read_length_align;
    uint32_t write_offset_align;
    uint32_t write_length_align; /* the last part may be shorter */
    uint32_t max_inflight;      /* per queue, 0: the host's choice */
    uint32_t max_queues;        /* 0: any number */
    uint32_t reserved0;
    uint64_t preferred_io;      /* bytes of a read that streams well, 0: no opinion */
    uint64_t max_io;            /* 0: no limit */
    uint64_t min_part;          /* WRITE_PART except the last, 0: none */
    uint64_t max_part;          /* 0: none */
    uint64_t max_parts;         /* 0: any number */
    uint64_t preferred_part;    /* bytes of a WRITE_PART that streams well, 0: no opinion */
} dlfw_limits;

typedef struct dlfw_queue_args {
    uint32_t struct_size;
    uint32_t depth; /* requests the host may have in flight */
    int32_t cpu;    /* -1: any */
    uint32_t flags;
} dlfw_queue_args;

/* dlfw_backend_ops.caps: every bit changes what the host does. */
enum {
    /* Payloads are not real (backend `null`): the host counts the bytes and skips decoding and verification, and
     * every report says so. */
    DLFW_BACKEND_NO_DATA = 1u << 0,
    /* Bypasses the page cache; reports say so, and the host widens ranges to limits(). */
    DLFW_BACKEND_DIRECT = 1u << 1,
    /* Objects are local files: page-cache accounting applies. */
    DLFW_BACKEND_LOCAL = 1u << 2,
    /* Since 1.2: each request is a stream of its own over a network, so that ranges of one object in parallel may be
     * faster: the host splits large GETs by what it measures. */
    DLFW_BACKEND_STREAMS = 1u << 3
};

typedef struct dlfw_backend_ops {
    uint32_t struct_size;
    uint32_t thread_class; /* DLFW_THREADS_* */
    uint64_t caps;         /* DLFW_BACKEND_* */
    uint64_t op_mask;      /* 1 << op for each supported operation */
    uint32_t req_scratch;  /* bytes of dlfw_req.scratch */
    uint32_t reserved0;

    /* Validates everything and returns an instance, or fails with nothing left behind. [main] */
    dlfw_status (*create)(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr);
    /* All queues are gone before. [main] */
    void (*destroy)(dlfw_backend *be);
    /* limits of the object or prefix key; *ret is zeroed with struct_size set. NULL: no limits. [any] */
    dlfw_status (*limits)(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *reterr);
    /* Dry run for `dlfw validate --probe`: credentials, reachability. May be NULL. [main] */
    dlfw_status (*check)(dlfw_backend *be, dlfw_error *reterr);
    /* May be NULL. [any] */
    void (*stats)(dlfw_backend *be, const dlfw_stat_sink *sink);

    /* Blocking way: does req, fills comp (req is set by the host). Per thread_class. */
    void (*perform)(dlfw_backend *be, dlfw_req *req, dlfw_comp *comp);

    /* Queue way: all or none. DLFW_E_UNSUPPORTED: use perform() for this queue. [queue's thread] */
    dlfw_status (*queue_create)(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *reterr);
    /* Nothing is in flight. [queue] */
    void (*queue_destroy)(dlfw_queue *q);
    /* Never blocks. Returns how many of the first n were accepted, or a negative status when the queue is dead. [queue] */
    int32_t (*submit)(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n);
    /* Fills up to max completions; returns their number, at least min (capped by what is in flight) unless
     * timeout_ns passed (UINT64_MAX: no timeout) or wakeup() was called; negative when the queue is dead and
     * everything in flight has been completed. [queue] */
    int32_t (*reap)(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
    /* A wish; the completion still comes, with DLFW_E_CANCELLED or its real result. [queue] */
    void (*cancel)(dlfw_queue *q, dlfw_req *req);
    /* Makes a waiting reap return. [any] */
    void (*wakeup)(dlfw_queue *q);

    /* Optional: registers a slab once; requests inside it carry *ret as mem_handle. One call at a time. [any] */
    dlfw_status (*mem_register)(dlfw_backend *be, void *base, uint64_t len, uint32_t kind, uint64_t *ret, dlfw_error *reterr);
    void (*mem_unregister)(dlfw_backend *be, uint64_t handle);

    /* Since 1.1; may be NULL: killed writers leave nothing. */
    /* What writers that were killed have left below prefix ("": everywhere): temporary files, unfinished uploads. Only
     * what no living writer owns. found() returns 1: remove it. Blocking. [main] */
    dlfw_status (*leftovers)(dlfw_backend *be, const char *prefix,
                             int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                             dlfw_error *reterr);

    /* Since 1.2; may be NULL, or return -1. A descriptor for the host that waits for several queues at once: after a reap
     * that returned 0 and as long as nothing is submitted, it polls readable when reap would make progress. Who waits on it
     * calls reap at least every 10 ms, so that deadlines are kept. It belongs to the queue. [queue] */
    int32_t (*wait_fd)(dlfw_queue *q);
} dlfw_backend_ops;

#define DLFW_OP_BIT(op) ((uint64_t)1 << (op))

/*
 * dlfw_cq (libdlfw-sdk.a): a bounded queue of completions for backends whose own threads finish the work. Push from
 * any thread, pop in the queue's thread; capacity is rounded up to a power of two and must cover the depth.
 */
typedef struct dlfw_cq dlfw_cq;
dlfw_cq *dlfw_cq_create(uint32_t capacity); /* NULL: out of memory */
void dlfw_cq_destroy(dlfw_cq *cq);          /* NULL is fine */
int32_t dlfw_cq_push(dlfw_cq *cq, const dlfw_comp *comp); /* [any] 0, or -1 when full (a bug of the backend) */
/* As dlfw_backend_ops.reap, without the cap by what is in flight. [queue] */
int32_t dlfw_cq_pop(dlfw_cq *cq, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void dlfw_cq_wakeup(dlfw_cq *cq); /* [any] */

#ifdef __cplusplus
}
#endif
#endif
