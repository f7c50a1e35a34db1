/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of HTTP/1.1 answers: where a head ends, what it says, and how the payload is framed. Everything here
 * takes bytes of an untrusted peer in pieces of any size, allocates nothing and is bounded; a violation is a sentence
 * in *ret_why.
 */
#ifndef DLFW_PLUGIN_HTTP_PARSE_H
#define DLFW_PLUGIN_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 64 * 1024, HTTP_HEAD_LINES_MAX = 200, HTTP_CHUNK_LINE_MAX = 4096, HTTP_TRAILER_MAX = 16 * 1024 };

/* Finds the empty line that ends a head. */
struct http_head_end {
    size_t line_len; /* of the line so far, as much of it as has been seen */
    char first;      /* its first byte */
};

/* Bytes of in that belong to the head. *ret_found: its empty line is among them; else all len do. */
size_t http_head_scan(struct http_head_end *scan, const char *in, size_t len, bool *ret_found);

struct http_head {
    int32_t code;
    bool http10;
    bool chunked;
    bool close;      /* "Connection: close" */
    bool keep_alive; /* "Connection: keep-alive" */
    bool has_length;
    uint64_t length;
};

/* A whole head, its empty line included. False: a violation. */
bool http_head_parse(const char *data, size_t len, struct http_head *ret, const char **ret_why);
/* One line of a head from *cursor on; false at the end. The status line is skipped by beginning behind it. */
bool http_line_next(const char *data, size_t len, size_t *cursor, const char **line, size_t *line_len);

enum http_framing { HTTP_FRAMING_NONE, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED, HTTP_FRAMING_CLOSE };

struct http_body {
    uint8_t framing;   /* enum http_framing */
    uint8_t state;     /* where between chunks */
    bool complete;     /* nothing more belongs to this message */
    uint32_t digits;   /* of the chunk's size */
    uint32_t line_len; /* of the chunk's line or the trailer's */
    uint32_t trailer;  /* bytes of trailers */
    uint64_t size;     /* of the chunk, as far as its digits have been read */
    uint64_t left;     /* payload bytes that come next; UINT64_MAX: until the connection is closed */
};

void http_body_begin(struct http_body *body, enum http_framing framing, uint64_t length);
/* n <= left bytes of payload were taken. */
void http_body_took(struct http_body *body, uint64_t n);
/* Reads what stands between payload (left is 0, not complete). Returns the bytes it used, negative on a violation. */
int64_t http_body_between(struct http_body *body, const char *in, size_t len, const char **ret_why);

#endif
