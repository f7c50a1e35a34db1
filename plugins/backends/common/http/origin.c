/* SPDX-License-Identifier: Apache-2.0 */
/* Origins: scheme, host and port out of a URL, and back into a Host header. */
#include "origin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A name or an address, nothing that could change the meaning of a URL or a header it is put into. */
bool origin_host_valid(const char *host)
{
    size_t len = strlen(host);

    if (!len || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = host[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
              c == '_' || c == ':'))
            return false;
    }
    return true;
}

static bool parse_port(const char *text, size_t len, uint16_t *ret)
{
    uint32_t port = 0;

    if (!len || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    *ret = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

/* "host", "host:80", "[::1]" or "[::1]:80" */
static bool parse_authority(const char *text, size_t len, struct http_origin *origin)
{
    const char *host = text, *end, *port = NULL;
    size_t host_len;

    if (len && text[0] == '[') {
        host = text + 1;
        end = memchr(text, ']', len);
        if (!end || (end + 1 < text + len && end[1] != ':'))
            return false;
        port = end + 1 < text + len ? end + 1 : NULL;
    } else {
        end = memchr(text, ':', len);
        port = end;
        end = end ? end : text + len;
    }
    host_len = (size_t)(end - host);
    if (host_len >= sizeof origin->host)
        return false;
    memcpy(origin->host, host, host_len);
    origin->host[host_len] = '\0';
    if (port && !parse_port(port + 1, (size_t)(text + len - port - 1), &origin->port))
        return false;
    return origin_host_valid(origin->host) && (strchr(origin->host, ':') != NULL) == (text[0] == '[');
}

dlfw_status http_origin_parse(const char *url, struct http_origin *ret, const char **ret_path, dlfw_error *err)
{
    struct http_origin origin = {.port = 80};
    const char *authority = NULL;
    size_t len;

    if (strncasecmp(url, "http://", 7) == 0)
        authority = url + 7;
    if (strncasecmp(url, "https://", 8) == 0) {
        authority = url + 8;
        origin.tls = true;
        origin.port = 443;
    }
    if (!authority)
        return dlfw_fail(err, DLFW_E_INVALID, "an endpoint begins with 'http://' or 'https://', this one does not");
    len = strcspn(authority, "/?#");
    if (memchr(authority, '@', len))
        return dlfw_fail(err, DLFW_E_INVALID, "an endpoint has no user and password in front of its host");
    if (!parse_authority(authority, len, &origin))
        return dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is not host[:port]", (int)(len < 256 ? len : 256), authority);
    *ret = origin;
    if (ret_path)
        *ret_path = authority + len;
    return DLFW_OK;
}

void http_origin_host(const struct http_origin *origin, char *buf, size_t cap)
{
    bool is_v6 = strchr(origin->host, ':') != NULL;
    bool is_default = origin->port == (origin->tls ? 443 : 80);

    if (is_default)
        (void)snprintf(buf, cap, "%s%s%s", is_v6 ? "[" : "", origin->host, is_v6 ? "]" : "");
    else
        (void)snprintf(buf, cap, "%s%s%s:%u", is_v6 ? "[" : "", origin->host, is_v6 ? "]" : "", (unsigned)origin->port);
}
