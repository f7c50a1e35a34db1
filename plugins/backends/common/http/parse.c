/* SPDX-License-Identifier: Apache-2.0 */
#include "parse.h"

#include <string.h>
#include <strings.h>

size_t http_head_scan(struct http_head_end *scan, const char *in, size_t len, bool *ret_found)
{
    size_t at = 0;

    *ret_found = false;
    while (at < len) {
        const char *end = memchr(in + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (in + at)) : len - at;

        if (n && scan->line_len == 0)
            scan->first = in[at];
        scan->line_len += n;
        at += n;
        if (!end)
            break;
        at++;
        if (scan->line_len == 0 || (scan->line_len == 1 && scan->first == '\r')) {
            *ret_found = true;
            break;
        }
        scan->line_len = 0;
    }
    return at;
}

bool http_line_next(const char *data, size_t len, size_t *cursor, const char **line, size_t *line_len)
{
    const char *begin = data + *cursor, *end;

    if (*cursor >= len)
        return false;
    end = memchr(begin, '\n', len - *cursor);
    *line = begin;
    *line_len = end ? (size_t)(end - begin) : len - *cursor;
    *cursor += *line_len + (end ? 1 : 0);
    if (*line_len && begin[*line_len - 1] == '\r')
        (*line_len)--;
    return *line_len > 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_status_line(const char *line, size_t len, struct http_head *ret)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
        return false;
    if (!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) || (len > 12 && line[12] != ' '))
        return false;
    ret->http10 = line[7] == '0';
    ret->code = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return ret->code >= 100 && ret->code < 600 && !memchr(line, '\0', len) && !memchr(line, '\r', len);
}

/* The characters of a header's name. */
static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return len > 0;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* The comma-separated words of a Connection header. */
static void parse_connection(const char *value, size_t len, struct http_head *ret)
{
    size_t at = 0;

    while (at < len) {
        const char *comma = memchr(value + at, ',', len - at);
        size_t next = comma ? (size_t)(comma - value) : len;
        size_t begin = at, end = next;

        while (begin < end && (value[begin] == ' ' || value[begin] == '\t'))
            begin++;
        while (end > begin && (value[end - 1] == ' ' || value[end - 1] == '\t'))
            end--;
        if (is_word(value + begin, end - begin, "close"))
            ret->close = true;
        if (is_word(value + begin, end - begin, "keep-alive"))
            ret->keep_alive = true;
        at = next + 1;
    }
}

static bool parse_length(const char *value, size_t len, struct http_head *ret, const char **ret_why)
{
    uint64_t length = 0;

    for (size_t i = 0; i < len; i++) {
        if (!is_digit(value[i]) || i >= 18) {
            len = 0;
            break;
        }
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    if (!len) {
        *ret_why = "the answer's Content-Length is not a number";
        return false;
    }
    if (ret->has_length && ret->length != length) {
        *ret_why = "the answer has two Content-Length headers that differ";
        return false;
    }
    ret->has_length = true;
    ret->length = length;
    return true;
}

static bool parse_header(const char *line, size_t len, struct http_head *ret, const char **ret_why)
{
    const char *colon = memchr(line, ':', len), *value;
    size_t name_len = colon ? (size_t)(colon - line) : 0, value_len;

    *ret_why = "the answer has a header that is not 'name: value'";
    if (!colon || !is_token(line, name_len) || memchr(line, '\0', len) || memchr(line, '\r', len))
        return false;
    value = colon + 1;
    value_len = len - name_len - 1;
    while (value_len && (*value == ' ' || *value == '\t')) {
        value++;
        value_len--;
    }
    while (value_len && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
        value_len--;
    if (is_word(line, name_len, "content-length"))
        return parse_length(value, value_len, ret, ret_why);
    if (is_word(line, name_len, "connection"))
        parse_connection(value, value_len, ret);
    if (!is_word(line, name_len, "transfer-encoding"))
        return true;
    *ret_why = "the answer has a Transfer-Encoding other than 'chunked'";
    if (ret->chunked || !is_word(value, value_len, "chunked"))
        return false;
    ret->chunked = true;
    return true;
}

bool http_head_parse(const char *data, size_t len, struct http_head *ret, const char **ret_why)
{
    const char *line;
    size_t line_len, cursor = 0;
    uint32_t lines = 0;

    *ret = (struct http_head){0};
    if (!http_line_next(data, len, &cursor, &line, &line_len) || !parse_status_line(line, line_len, ret)) {
        *ret_why = "the answer does not begin with an HTTP/1.1 status line";
        return false;
    }
    while (http_line_next(data, len, &cursor, &line, &line_len)) {
        if (++lines > HTTP_HEAD_LINES_MAX) {
            *ret_why = "the answer has more than 200 header lines";
            return false;
        }
        if (!parse_header(line, line_len, ret, ret_why))
            return false;
    }
    if (ret->chunked && ret->has_length) {
        *ret_why = "the answer has both Content-Length and Transfer-Encoding";
        return false;
    }
    return true;
}

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_SIZE_LF, CHUNK_DATA_END, CHUNK_DATA_LF, CHUNK_TRAILER };

void http_body_begin(struct http_body *body, enum http_framing framing, uint64_t length)
{
    *body = (struct http_body){.framing = (uint8_t)framing, .state = CHUNK_SIZE};
    if (framing == HTTP_FRAMING_LENGTH)
        body->left = length;
    if (framing == HTTP_FRAMING_CLOSE)
        body->left = UINT64_MAX;
    body->complete = body->left == 0 && framing != HTTP_FRAMING_CHUNKED;
}

void http_body_took(struct http_body *body, uint64_t n)
{
    if (body->framing == HTTP_FRAMING_CLOSE)
        return;
    body->left -= n;
    if (body->left)
        return;
    body->complete = body->framing == HTTP_FRAMING_LENGTH;
    body->state = CHUNK_DATA_END;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The line with the size has ended: payload follows, or the trailers. */
static void chunk_begin(struct http_body *body)
{
    body->left = body->size;
    body->state = body->size ? CHUNK_DATA_END : CHUNK_TRAILER;
    body->size = 0;
    body->digits = 0;
    body->line_len = 0;
}

static bool size_step(struct http_body *body, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (++body->digits > 15)
            return false;
        body->size = body->size * 16 + (uint64_t)digit;
        return true;
    }
    if (!body->digits)
        return false;
    if (c == '\n')
        chunk_begin(body);
    else
        body->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return c == '\n' || c == '\r' || c == ';' || c == ' ' || c == '\t';
}

/* Trailers are dropped; an empty line ends them. */
static bool trailer_step(struct http_body *body, char c)
{
    if (++body->trailer > HTTP_TRAILER_MAX)
        return false;
    if (c == '\n') {
        body->complete = body->line_len == 0;
        body->line_len = 0;
    } else if (c != '\r') {
        body->line_len++;
    }
    return true;
}

/* One byte between payload. False: a violation. */
static bool between_step(struct http_body *body, char c)
{
    switch (body->state) {
    case CHUNK_SIZE:
        return size_step(body, c);
    case CHUNK_EXTENSION:
        if (++body->line_len > HTTP_CHUNK_LINE_MAX)
            return false;
        if (c == '\n')
            chunk_begin(body);
        return true;
    case CHUNK_SIZE_LF:
        chunk_begin(body);
        return c == '\n';
    case CHUNK_DATA_END:
        body->state = c == '\r' ? CHUNK_DATA_LF : CHUNK_SIZE;
        return c == '\r' || c == '\n';
    case CHUNK_DATA_LF:
        body->state = CHUNK_SIZE;
        return c == '\n';
    default:
        return trailer_step(body, c);
    }
}

int64_t http_body_between(struct http_body *body, const char *in, size_t len, const char **ret_why)
{
    size_t at = 0;

    while (at < len && !body->left && !body->complete) {
        if (!between_step(body, in[at])) {
            *ret_why = body->state == CHUNK_TRAILER ? "the answer's trailers are longer than 16 KiB"
                                                    : "the answer's chunks are malformed";
            return -1;
        }
        at++;
    }
    return (int64_t)at;
}
