/* SPDX-License-Identifier: Apache-2.0 */
/* A toy object store behind the queue that all object stores share, over a loopback server whose answers are the
 * test's: a key is a path, a part a query, a page of a listing lines of names. */
#ifndef DLFW_TESTS_SUPPORT_CLOUD_TOY_H
#define DLFW_TESTS_SUPPORT_CLOUD_TOY_H

#include "cloud/cloud.h"
#include "support/http_server.h"

enum { TOY_DEPTH = 16, TOY_OBJECT = 10000 };

extern uint8_t toy_object[TOY_OBJECT]; /* content of the toy's one object */
extern struct http_server *toy_server;
extern dlfw_queue *toy_queue;
extern char toy_message[512]; /* of the last failure */
extern dlfw_error toy_error;
extern const dlfw_host toy_host;

void toy_set_up(http_answer *answer); /* bucket "toy://bucket/top", at most 4 connections and 3 redirects */
void toy_tear_down(void);
dlfw_req toy_request(uint16_t op, const char *key);
dlfw_comp toy_call(dlfw_req *req); /* sends it and waits */

#endif
