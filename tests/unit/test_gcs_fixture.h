/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of the backend gs inside a test, talking to a server of the test's. */
#ifndef DLFW_TEST_GCS_FIXTURE_H
#define DLFW_TEST_GCS_FIXTURE_H

#include "gcs/gcs.h"
#include "support/http_server.h"

extern struct dlfw_backend *gcs_be;
extern struct http_server *gcs_server;
extern struct gcs_options gcs_options; /* as the option table's defaults have it, then the test's, before gcs_open() */
extern char gcs_message[512];          /* of the last call that failed */
extern dlfw_error gcs_error;
extern char gcs_log[8192]; /* all lines */

void gcs_start(http_answer *answer, void *ctx); /* server and default options: anonymous */
dlfw_status gcs_open(const char *root);         /* the instance; endpoint_url is the server unless it was set */
void gcs_stop(void);

dlfw_req gcs_request(uint16_t op, const char *key);
dlfw_comp gcs_call(dlfw_req *req);
/* PUT, STAT and the like without more ado. */
dlfw_status gcs_do(uint16_t op, const char *key, void *buf, uint64_t len, uint16_t flags);
const char *gcs_crc_text(const void *data, size_t len); /* "AAAAAA==" */

#endif
