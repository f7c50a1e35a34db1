/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backends of object stores share: the queue of the ABI over the HTTP engine. A service (s3, az, gs) says how
 * a request is put into HTTP exchanges and how answers are read; everything else is here: one completion per request,
 * cancelling, ranges and their checks, listing cursors, uploads in parts, batches of deletes, redirects, error
 * messages.
 *
 * struct dlfw_backend of a service begins with a struct cloud. A call is one accepted request; one step of it is one
 * exchange. build() makes the exchange of the current step, answered() reads a good answer and either ends the call or
 * moves to another step. Both run in the queue's thread, inside reap, and may block only to fetch credentials.
 */
#ifndef DLFW_PLUGIN_CLOUD_H
#define DLFW_PLUGIN_CLOUD_H

#include <pthread.h>
#include <stdatomic.h>

#include "dlfw/backend.h"
#include "dlfw/host.h"

#include "../http/http.h"
#include "../http/options.h"

struct cloud_call;
struct cloud_service;

struct cloud {
    const struct cloud_service *service;
    const dlfw_host *host;
    void *host_ctx;
    struct http_client *client;
    char *uri;    /* for messages: "s3://bucket/prefix", never a secret; owned */
    char *prefix; /* in front of every key: "" or "data/unet3d/"; owned */
    size_t prefix_len;
    uint32_t connections;
    uint32_t max_redirects;
    bool verify_writes;
    pthread_mutex_t uploads_lock;
    struct cloud_upload *uploads; /* begun and not ended */
    _Atomic bool ignores_ranges;  /* said once */
    _Atomic bool no_batches;      /* set by a service that found out: DELETEs go one by one */
    _Atomic uint64_t exchanges;   /* figures for stats */
    _Atomic uint64_t reconnects;
    _Atomic uint64_t redirects;
    _Atomic uint64_t throttled;
};

/* What is wrong with an answer that is not good. Prepared from the code alone, refined by the service's explain(). */
struct cloud_fault {
    dlfw_status status;
    uint32_t flags; /* DLFW_ERR_RETRYABLE, DLFW_ERR_THROTTLED */
    uint32_t retry_after_ms;
    char code[64];     /* the service's word: "NoSuchKey" */
    char message[200]; /* the service's sentence */
    char request_id[96];
};

struct cloud_service {
    const char *name;        /* "S3", for messages */
    uint32_t batch_max;      /* DELETEs in one exchange; 0 or 1: one by one */
    bool parts_in_order;     /* WRITE_PARTs of one upload go out one after the other, by number */
    uint64_t list_reply_max; /* bytes of a listing's page; 0: 64 MiB */
    /* Makes call->x for call->step: origin, head, body, flags, and for GET cloud_build_get()'s range. Negative ends the
     * call. DLFW_OK: send. DLFW_END: nothing to send, the call is finished as call->comp says. DLFW_NEED_IO: not yet,
     * it is asked again within 5 ms. */
    dlfw_status (*build)(struct cloud_call *call, dlfw_error *err);
    /* Codes outside 2xx that answered() reads too, for call->step: 308 of an upload. NULL: none. */
    bool (*accepts)(const struct cloud_call *call);
    /* A good answer (2xx, or what accepts() lets pass). DLFW_OK: the call is finished; DLFW_NEED_IO: build() again
     * (call->step was changed). Not called for GET unless got() is missing. */
    dlfw_status (*answered)(struct cloud_call *call, dlfw_error *err);
    /* GET with bytes in place and checked against range and length; may be NULL. The CRC-32C of the whole object, when
     * the answer carries one: true. Only asked when the whole object was read. */
    bool (*whole_crc32c)(const struct cloud_call *call, uint32_t *ret);
    /* The same moment, for a service whose checksums are others; may be NULL. Negative: the bytes are not the object's.
     */
    dlfw_status (*whole_check)(struct cloud_call *call, dlfw_error *err);
    /* Reads the service's words from call->x.reply and headers, and corrects status and flags; true: build() again at
     * once (fresh credentials, another region, corrected clock), at most 3 times per call. */
    bool (*explain)(struct cloud_call *call, struct cloud_fault *fault);
    /* call->batch holds 2..batch_max DELETEs. The answer is settled with cloud_batch_set() for each failed one. */
    dlfw_status (*build_batch)(struct cloud_call *call, dlfw_error *err);
    dlfw_status (*answered_batch)(struct cloud_call *call, dlfw_error *err);
};

enum cloud_handle_kind { CLOUD_LIST = 1, CLOUD_UPLOAD = 2 };

/* A walk over names: the handle of LIST. */
struct cloud_list {
    enum cloud_handle_kind kind;
    struct text prefix; /* as the service must see it: root prefix + key + '/', or "" */
    bool recursive;     /* else: one level, delimiter '/' */
    bool last;          /* the service has no further page */
    bool any;           /* something came */
    size_t strip;       /* bytes of the root's prefix in front of every name */
    struct text token;  /* where the next page begins, the service's; "" at first */
    struct text previous_token;
    struct cloud_name *names; /* of the page that is being handed out */
    uint32_t count, room, next;
    struct text text; /* their bytes */
};

/* In answered() of LIST: name is the full one, as the service spells it; what does not begin with list->prefix is an
 * error of the service. size UINT64_MAX: a group, name ends in '/'. False: out of memory. */
bool cloud_list_add(struct cloud_list *list, const char *name, size_t len, uint64_t size, uint64_t mtime_ns);

struct cloud_name {
    uint64_t size;
    uint64_t mtime_ns;
    uint64_t at; /* in text */
    uint32_t len;
};

struct cloud_part {
    char tag[72]; /* ETag, block id ...: what the commit must name; "": not there */
    uint64_t size;
    uint32_t crc32c;
};

/* An object being written in parts: the handle of WRITE_BEGIN. */
struct cloud_upload {
    enum cloud_handle_kind kind;
    pthread_mutex_t lock; /* parts may come from several queues */
    struct text key;      /* full key, prefix included */
    uint16_t flags;       /* DLFW_REQ_* of WRITE_BEGIN */
    struct text id;       /* upload id, session URL: a secret of sorts, never in messages */
    struct cloud_part *parts;
    uint32_t part_room;
    uint32_t part_count;                /* highest number + 1 */
    uint32_t next_part;                 /* parts_in_order: the one whose turn it is */
    uint64_t next_offset;               /* parts_in_order: bytes acknowledged */
    bool turn_taken;                    /* parts_in_order: next_part is under way */
    uint64_t turn_free_ns;              /* since when it is not */
    struct cloud_upload *newer, *older; /* all of the instance's */
    struct text tail;                   /* the service's: bytes of parts that go out with the next ones */
    bool unsure;                        /* the service's: an exchange went out whose answer did not come */
    uint32_t commit_tries;              /* COMMIT was answered before with a doubt: ask whether the object is there */
};

/* Sets part `number`; false: out of memory. [queue, takes the lock] */
bool cloud_upload_set_part(struct cloud_upload *up, uint64_t number, const char *tag, size_t tag_len, uint64_t size,
                           uint32_t crc32c);

struct cloud_call {
    struct http_exchange x; /* first: done() finds the call */
    struct cloud *cloud;
    struct dlfw_queue *queue;
    dlfw_req *req;
    dlfw_comp comp;
    char error[512];
    uint32_t step;  /* 0 at first; the service's */
    uint32_t again; /* times explain() asked for another try */
    uint32_t redirects;
    uint32_t retry_after_ms; /* what the service asked for; goes into the error */
    bool prepared;           /* the first step was begun before: a part that had to wait */
    bool cancelled;
    char none;            /* where a read of no bytes puts one */
    uint64_t range_first; /* of a 206; UINT64_MAX: the answer is not partial */
    uint64_t range_total; /* UINT64_MAX: not told */
    bool no_credentials;  /* redirected to another host: build() must not sign and not send cookies or tokens */
    struct http_origin redirect_origin; /* port 0: not redirected */
    struct text redirect_target;        /* path and query of the redirect */
    struct text key;                    /* full key of the request: prefix + key */
    struct text scratch;                /* the service's, for bodies of its own; alive until the call ends */
    struct text scratch2;
    struct iovec body[4];
    struct cloud_list *list;     /* LIST */
    struct cloud_upload *upload; /* WRITE_* */
    uint64_t note[4];            /* the service's, zero at first */
    dlfw_req **batch;            /* batched DELETEs; req is NULL then */
    dlfw_status *batch_status;
    char (*batch_error)[200];
    uint32_t batch_count;
    struct cloud_call *next; /* the queue's lists */
};

/* ---- what a service calls ---- */

/* Fills the struct: uri and prefix are copied. */
dlfw_status cloud_init(struct cloud *c, const struct cloud_service *service, const dlfw_create_args *args,
                       const char *uri, const char *prefix, const struct http_client_args *client, dlfw_error *err);
void cloud_fini(struct cloud *c);
void cloud_stats(struct cloud *c, const dlfw_stat_sink *sink);
/* Blocking: does one request of the service on a queue of its own (bucket tools inside check(), leftovers()). */
dlfw_status cloud_perform(struct cloud *c, dlfw_req *req, dlfw_comp *comp);

/* For the ops table; dlfw_backend begins with struct cloud. */
dlfw_status cloud_queue_create(dlfw_backend *be, const dlfw_queue_args *args, dlfw_queue **ret, dlfw_error *err);
void cloud_queue_destroy(dlfw_queue *q);
int32_t cloud_submit(dlfw_queue *q, dlfw_req *const *reqs, uint32_t n);
int32_t cloud_reap(dlfw_queue *q, dlfw_comp *comps, uint32_t max, uint32_t min, uint64_t timeout_ns);
void cloud_cancel(dlfw_queue *q, dlfw_req *req);
void cloud_wakeup(dlfw_queue *q);
int32_t cloud_wait_fd(dlfw_queue *q);

/* In build() of GET: sets sink and the checks of the answer, and adds "Range: bytes=a-b\r\n" to head where one is
 * needed. */
void cloud_build_get(struct cloud_call *call, struct text *head);
/* In answered() of STAT: size into comp, and the rest into req->buf when it holds a dlfw_object_info. Texts may be
 * NULL. */
struct cloud_info {
    uint64_t size, mtime_ns;
    bool has_crc32c, has_md5;
    uint32_t crc32c;
    uint8_t md5[16];
    const char *etag, *content_type, *content_encoding, *storage_class, *version;
    const char *metadata; /* "name: value\n" lines */
};
void cloud_info_put(struct cloud_call *call, const struct cloud_info *info);
/* In answered_batch(): the DELETE at index failed. */
void cloud_batch_set(struct cloud_call *call, uint32_t index, dlfw_status status, const char *code,
                     const char *message);
/* "GET 's3://bucket/key'" of the call, for messages. */
void cloud_call_subject(const struct cloud_call *call, struct text *to);
/* DLFW_E_* and flags that a code means when the service says nothing more. */
void cloud_fault_of_code(int32_t code, struct cloud_fault *fault);
/* DLFW_E_NO_MEMORY when any of the call's texts failed to grow. */
dlfw_status cloud_check_texts(const struct cloud_call *call, dlfw_error *err);

/* ---- small formats: xml.c, crypto.c, time.c ---- */

/* Walks a document without DTD. each() gets the path of every element that ends ("ListBucketResult/Contents/Key") and
 * its text; begin() the path of every one that starts, may be NULL. Either returns false to stop. Depth, text and
 * attribute sizes are bounded; entities of the document's own are refused. DLFW_E_CORRUPT: not well-formed. */
struct cloud_xml {
    void *ctx;
    bool (*begin)(void *ctx, const char *path);
    bool (*each)(void *ctx, const char *path, const char *text, size_t len);
    bool (*attribute)(void *ctx, const char *path, const char *name, const char *value); /* between both; may be NULL */
};
dlfw_status cloud_xml_walk(const char *data, size_t len, const struct cloud_xml *xml, dlfw_error *err);
void cloud_xml_escape(struct text *to, const char *data, size_t len);

void cloud_sha256(const void *data, size_t len, uint8_t ret[32]);
void cloud_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret[32]);
void cloud_md5(const void *data, size_t len, uint8_t ret[16]);
void cloud_hex(const uint8_t *data, size_t len, char *ret); /* 2 * len + 1 bytes */
void cloud_base64(struct text *to, const void *data, size_t len, bool url_safe);
/* Standard or URL-safe alphabet, padding optional. False: not base64. */
bool cloud_base64_decode(struct text *to, const char *text, size_t len);

uint64_t cloud_now_s(void); /* seconds since the epoch */
/* "2026-11-21T12:34:56.789Z" (fraction and offset optional), "Sat, 21 Nov 2026 12:34:56 GMT"; 0: not a time. */
uint64_t cloud_time_ns(const char *text, size_t len);
void cloud_time_iso(uint64_t seconds, char ret[17]);  /* "20261121T123456Z" */
void cloud_time_http(uint64_t seconds, char ret[30]); /* "Sat, 21 Nov 2026 12:34:56 GMT" */

/* A bearer token (or other credentials in text form) that is fetched when needed and renewed before it ends; one thread
 * fetches, the others go on with the old one while it holds. token.c */
struct cloud_token {
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    bool fetching;
    struct text value;
    uint64_t expires_s;  /* UINT64_MAX: never */
    uint64_t again_s;    /* a renewal that failed is not tried again before */
    uint32_t fetches;    /* that ended */
    dlfw_status failure; /* of the last one, for all who waited for it */
    uint32_t failure_flags;
    char why[256];
};
typedef dlfw_status cloud_token_fetch(void *ctx, struct text *value, uint64_t *expires_s, dlfw_error *err);
void cloud_token_init(struct cloud_token *t);
void cloud_token_fini(struct cloud_token *t); /* wipes it */
/* A copy of a valid value into *ret (cleared first). */
dlfw_status cloud_token_get(struct cloud_token *t, cloud_token_fetch *fetch, void *ctx, struct text *ret,
                            dlfw_error *err);
/* The service refused it: the next get fetches. */
void cloud_token_drop(struct cloud_token *t, const char *refused);

#endif
