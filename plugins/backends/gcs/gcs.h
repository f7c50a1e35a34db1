/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `gs`: its instance and the steps of its calls. */
#ifndef DLFW_GCS_H
#define DLFW_GCS_H

#include "../common/cloud/cloud.h"
#include "auth.h"
#include "place.h"

#define GCS_CHUNK 262144u /* an upload's bytes are kept by the service in multiples of it, but for the last */

struct gcs_options {
    HTTP_OPTION_MEMBERS
    const char *endpoint_url;
    const char *credentials;
    const char *access_token;
    const char *project;
    const char *user_project;
    uint8_t checksums;
};

struct dlfw_backend {
    struct cloud cloud; /* first: the queue finds it here */
    struct gcs_auth auth;
    char *bucket;       /* "": the first component of each key */
    char *project;      /* NULL: not known */
    char *user_project; /* who pays; NULL: the bucket's owner */
    struct http_origin origin;
    char *base_path; /* in front of every path: "" or "/x" */
    bool is_google;  /* and no other server that speaks the same */
    bool is_emulator;
    bool checksums;
    _Atomic bool no_batches; /* the service has none */
};

/* call->step. 0 is what the operation is about. */
enum gcs_step {
    GCS_MAIN = 0,
    GCS_VERIFY, /* PUT, COMMIT: ask for what was written */
    GCS_DROP,   /* PUT, COMMIT: the object is damaged, delete it */
    GCS_CREATE, /* MAKE_ROOT: the bucket is not there */
    GCS_ASK,    /* PART: how much has arrived? */
    GCS_LOOK    /* COMMIT: the session is gone; was it because the upload had ended well? */
};

/* settings.c: endpoint, project, credentials: from an option, the environment, or as documented */
dlfw_status gcs_settings(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err);

/* request.c: heads */
/* The place of the call's key, with the object's name checked. */
dlfw_status gcs_call_place(const struct cloud_call *call, struct gcs_place *ret, dlfw_error *err);
/* Begins call->x.head: "METHOD target HTTP/1.1", host and credentials. target: path and query below the endpoint. */
dlfw_status gcs_begin(struct cloud_call *call, const char *method, const struct text *target, dlfw_error *err);
/* The same to the URL of an upload session. */
dlfw_status gcs_begin_session(struct cloud_call *call, const char *method, dlfw_error *err);
/* Ends the head. length UINT64_MAX: no body and no word about it. */
void gcs_end(struct cloud_call *call, uint64_t length);
/* "METHOD" about the call's object with ?query; no body. */
dlfw_status gcs_object_request(struct cloud_call *call, const char *method, const char *query, dlfw_error *err);

/* put.c: whole objects, and looking at what was written */
dlfw_status gcs_put_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_put_answered(struct cloud_call *call, dlfw_error *err);
/* What was just written, in call->x.reply: DLFW_OK: as it should be, DLFW_NEED_IO: another step, or what is wrong. */
dlfw_status gcs_written(struct cloud_call *call, uint64_t size, uint32_t crc32c, dlfw_error *err);
/* Steps GCS_VERIFY and GCS_DROP, for PUT and COMMIT. */
dlfw_status gcs_after_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_after_answered(struct cloud_call *call, uint64_t size, uint32_t crc32c, dlfw_error *err);

/* upload.c, commit.c: resumable uploads */
dlfw_status gcs_begin_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_begin_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_part_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_part_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_commit_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_commit_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_abort_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_abort_answered(struct cloud_call *call, dlfw_error *err);
/* What the service says it has of the upload. False with the reason. */
dlfw_status gcs_kept(const struct cloud_call *call, uint64_t *ret, dlfw_error *err);

/* bucket.c: listings, buckets, copies */
dlfw_status gcs_list_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_list_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_root_build(struct cloud_call *call, dlfw_error *err); /* MAKE_ROOT and REMOVE_ROOT */
dlfw_status gcs_root_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_copy_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_copy_answered(struct cloud_call *call, dlfw_error *err);

/* batch.c: deletes that travel together */
dlfw_status gcs_batch_build(struct cloud_call *call, dlfw_error *err);
dlfw_status gcs_batch_answered(struct cloud_call *call, dlfw_error *err);
bool gcs_batch_accepts(const struct cloud_call *call);

/* service.c */
void gcs_fault_of(int32_t code, const char *reason, struct cloud_fault *fault);
extern const struct cloud_service gcs_service;

static inline struct dlfw_backend *gcs_of(const struct cloud_call *call)
{
    return (struct dlfw_backend *)call->cloud;
}

#endif
