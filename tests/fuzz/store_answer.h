/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of the object stores share: a call of a service as its queue would hold it, with an answer that
 * comes from the fuzzer, and what must hold once the service has read it. No socket and no file is opened.
 */
#ifndef DLFW_TESTS_FUZZ_STORE_ANSWER_H
#define DLFW_TESTS_FUZZ_STORE_ANSWER_H

#include "base/error.h"
#include "common/cloud/cloud.h"

enum { STORE_BATCH_MAX = 4 };

/* One call. `call` is first: services cast it to nothing else, but the queue does. */
struct store_call {
    struct cloud_call call;
    struct cloud_list list;
    struct cloud_upload upload;
    struct error_slot slot;
    dlfw_req req;
    dlfw_req batch_reqs[STORE_BATCH_MAX];
    dlfw_req *batch[STORE_BATCH_MAX];
    dlfw_status batch_status[STORE_BATCH_MAX];
    char batch_error[STORE_BATCH_MAX][200];
    uint64_t info[128]; /* STAT's long answer */
};

const dlfw_host *store_host(void);

/* A call of op; cloud has uri and prefix. */
void store_call_begin(struct store_call *c, struct cloud *cloud, uint16_t op);
void store_call_end(struct store_call *c);
/* op was LIST: the place, with the root's prefix; "" is everything. */
void store_list_begin(struct store_call *c, const char *prefix, bool recursive);
/* DELETEs that travel together, each with this status before the answer. */
void store_batch_begin(struct store_call *c, const char *const *keys, uint32_t count, dlfw_status before);

/* The answer: a body of a 200, exactly as long as it is, so that reads beyond it show. */
void store_body(struct http_exchange *x, const uint8_t *data, size_t size);
/* The same from a whole answer of HTTP. False: it is none, or not complete. */
bool store_answer(struct http_exchange *x, const uint8_t *data, size_t size);

/* What http_fetch brings, one whole answer of HTTP after the other, NUL between them; then nothing but failures. */
void store_fetches(const uint8_t *data, size_t size);
/* The next piece of that. False: there is none. */
bool store_next_piece(const uint8_t **data, size_t *size);

/* A failure has its message, of one line; anything else is a known outcome. */
void store_outcome_is_told(const struct store_call *c, dlfw_status status);
void store_message_is_one_line(const char *text);
/* Names begin with what was asked for and lie in the list's text. */
void store_list_makes_sense(const struct store_call *c);
/* At most `good` DELETEs that were not done before are now. */
void store_batch_makes_sense(const struct store_call *c, uint32_t good);
/* Texts of the object's information lie in the buffer. */
void store_info_makes_sense(const struct store_call *c);
/* Fixed texts of a fault end in time; a fault is an error. */
void store_fault_makes_sense(const struct cloud_fault *fault);
/* How often the word stands in the body. */
uint32_t store_count(const struct text *body, const char *word);

#endif
