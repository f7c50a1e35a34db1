/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of the backend s3 inside a test, talking to a server that follows the test's script. */
#ifndef DLFW_TEST_S3_FIXTURE_H
#define DLFW_TEST_S3_FIXTURE_H

#include "s3.h"
#include "support/http_server.h"

#define S3_TEST_ID "AKIDEXAMPLE"
#define S3_TEST_SECRET "s3cr3t-k3y-of-the-test"
#define S3_TEST_TOKEN "t0ken-of-the-test"

/* What the server answers to requests in turn; the last row stays. */
struct s3_answer {
    const char *status; /* "200 OK" */
    const char *headers;
    const char *body;
};

struct s3_asked {
    char line[1024]; /* "GET /target" */
    char head[4096];
    char *body;
    size_t body_len;
};

#define S3_ASKED_MAX 24u

extern struct dlfw_backend *s3_be;
extern struct http_server *s3_server;
extern struct s3_options
    s3_options; /* as the option table's defaults have it, with keys; the test's before s3_open() */
extern dlfw_create_args s3_args;
extern char s3_message[512]; /* of the last call that failed */
extern dlfw_error s3_error;
extern char s3_log[16384]; /* all lines */
extern struct s3_asked s3_asked[S3_ASKED_MAX];
extern uint32_t s3_requests;

void s3_start(void); /* server, default options, an environment without AWS_* */
void s3_play(const struct s3_answer *answers, uint32_t count);
dlfw_status s3_open(const char *root); /* endpoint_url is the server unless it was set */
void s3_stop(void);
void s3_endpoint(char *buf, size_t cap); /* "http://127.0.0.1:port" */

dlfw_req s3_request_of(uint16_t op, const char *key);
dlfw_comp s3_call(dlfw_req *req);
dlfw_status s3_do(uint16_t op, const char *key, const void *buf, uint64_t len, uint16_t flags);
dlfw_status s3_check_instance(void);                   /* check() of the plugin */
const char *s3_crc_text(const void *data, size_t len); /* "AAAAAA==" */
bool s3_asked_header(uint32_t request, const char *name, char *buf, size_t cap);

/* Plays rows given in place, and counts from 0 again. */
#define S3_PLAY(...)                                                                                                   \
    do {                                                                                                               \
        static const struct s3_answer rows_[] = {__VA_ARGS__};                                                         \
        s3_play(rows_, sizeof rows_ / sizeof *rows_);                                                                  \
    } while (0)

/* Fails when a secret of the test stands in the last message or the log. */
void s3_check_secrets(void);

#endif
