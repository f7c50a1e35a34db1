/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that copies, while it runs: the two storages, the engine between them, what is told on the way and at the
 * end. One pair of storages after the other; figures add up.
 */
#ifndef DLFW_CORE_CMD_COPY_SESSION_H
#define DLFW_CORE_CMD_COPY_SESSION_H

#include <stdatomic.h>

#include "cmd/copy_request.h"
#include "cmd/storage_output.h"
#include "transfer/copy_tree.h"
#include "transfer/place.h"

struct copy_session {
    struct copy_request *request;
    struct output out;
    struct tool_progress progress;
    uint64_t start_ns;

    /* between session_open and session_settle */
    struct storage *source, *target; /* the same where the service may copy; NULL: none */
    struct place source_place, target_place;
    const char *source_root, *target_root; /* URIs that keys are shown below; the locations' own */
    char *from, *to;                       /* in front of the locations' keys: "" or ending in '/' */
    struct copy *engine;

    pthread_mutex_t lock; /* below, as it is told from several threads */
    struct copy_totals totals;
    uint64_t refused, markers, removed, not_removed;
    bool has_told; /* the first failure */
    _Atomic uint64_t pushed;
    uint64_t objects_before, bytes_before; /* of the pairs before this one */
    uint64_t looked_at;                    /* objects that did not even have to be pushed; for the progress line */
    bool is_listed;                        /* nothing more will be pushed: what is left can be judged */
};

/* EXIT_OK, or the status to exit with (printed). */
int session_begin(struct copy_session *s, struct copy_request *request);
/* Opens both sides (either may be NULL) and starts the engine; args: what is not the request's to say. Makes the
 * target's root where that is a local folder. */
dlfw_status session_open(struct copy_session *s, struct location *source, struct location *target,
                         const struct copy_args *args, dlfw_error *err);
/* The copy of key (a folder with is_tree) must not be the source itself, nor lie in it. Keys without from and to. */
dlfw_status session_check(const struct copy_session *s, const char *key, const char *to, bool is_tree, dlfw_error *err);
/* Keys are those of the storages, from and to included. [any thread] */
dlfw_status session_push(struct copy_session *s, const struct copy_item *item);
/* The object key becomes to; item says all but the keys. Keys without from and to. */
dlfw_status session_push_object(struct copy_session *s, const char *key, const char *to, const struct copy_item *item);
/* All below the folder key goes below to, which is "" or ends in '/'. Keys without from and to. */
dlfw_status session_push_tree(struct copy_session *s, const char *key, const char *to, enum copy_condition condition,
                              dlfw_error *err);
/* A name that must not be written. [any thread] */
void session_refuse(struct copy_session *s, const char *key, const char *why);
/* Something else about one object that failed. [any thread] */
void session_tell(struct copy_session *s, const char *text);
void session_tick(void *session);
/* Waits for everything that was pushed; *ret: of this pair of storages. Nothing may be pushed after it. */
dlfw_status session_drain(struct copy_session *s, struct copy_totals *ret, dlfw_error *err);
/* Waits for everything, adds up, closes. st: how it went so far; the first failure is returned. */
dlfw_status session_settle(struct copy_session *s, dlfw_status st, dlfw_error *err);
/* Prints the result; the status to exit with. */
int session_end(struct copy_session *s, dlfw_status st, const struct error_slot *err);

/* copy_result.c */
void session_print(struct copy_session *s, double seconds, bool is_stopped);

#endif
