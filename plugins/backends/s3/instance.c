/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the machine: the metadata service, version 2 only (a session token first), and of the container. */
#include <stdlib.h>
#include <string.h>

#include "credentials.h"

#define INSTANCE "instance metadata"
#define CONTAINER "the container's credentials"
#define SECOND 1000000000ull

/* One step of the conversation. Nobody there means: this is no instance. */
static dlfw_status ask_instance(const struct s3_chain *chain, const char *method, const char *path, const char *headers,
                                struct text *reply, int32_t *code, dlfw_error *err)
{
    const char *endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct s3_ask ask = {.method = method, .headers = headers, .timeout_ns = SECOND, .direct = true};
    struct text url = {0};
    dlfw_status st;

    text_str(&url, endpoint && *endpoint ? endpoint : "http://169.254.169.254");
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.data[--url.len] = '\0';
    text_str(&url, path);
    ask.url = url.data;
    st = url.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a request")
                    : s3_ask(chain, &ask, reply, code, err);
    text_free(&url);
    return st;
}

static bool is_header_text(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f)
            return false;
    return len > 0;
}

/* "name: value\r\n"; false: the value cannot stand in a header. */
static bool make_header(struct text *to, const char *name, const struct text *value)
{
    text_clear(to);
    if (!is_header_text(value->data ? value->data : "", value->len))
        return false;
    text_str(to, name);
    text_str(to, ": ");
    text_add(to, value->data, value->len);
    text_str(to, "\r\n");
    return !to->failed;
}

dlfw_status s3_from_instance(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    static const char folder[] = "/latest/meta-data/iam/security-credentials/";
    const char *off = getenv("AWS_EC2_METADATA_DISABLED");
    struct text reply = {0}, header = {0}, path = {0};
    int32_t code = 0;
    dlfw_status st;

    if (off && strcasecmp(off, "true") == 0)
        return DLFW_END;
    st = ask_instance(chain, "PUT", "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", &reply,
                      &code, err);
    if (st < 0 || code != 200) {
        if (st >= 0)
            dlfw_fail(err, DLFW_E_AUTH, "no session token, answered %d", code);
        st = st == DLFW_E_CANCELLED ? st : DLFW_END; /* no such service here */
        goto out;
    }
    if (!make_header(&header, "x-aws-ec2-metadata-token", &reply)) {
        st = dlfw_fail(err, DLFW_E_AUTH, INSTANCE ": the session token is no text");
        goto out;
    }
    st = ask_instance(chain, "GET", folder, header.data, &reply, &code, err);
    if (st == DLFW_OK && (code != 200 || reply.len == 0)) {
        dlfw_fail(err, DLFW_E_AUTH, "the instance has no role");
        st = DLFW_END;
    }
    if (st != DLFW_OK)
        goto out;
    text_str(&path, folder);
    text_encoded(&path, reply.data, strcspn(reply.data, "\r\n"), false);
    st = path.failed ? DLFW_E_NO_MEMORY : ask_instance(chain, "GET", path.data, header.data, &reply, &code, err);
    if (st == DLFW_OK && code != 200)
        st = dlfw_fail(err, DLFW_E_AUTH, INSTANCE ": the role's credentials answered %d", code);
    if (st == DLFW_OK)
        st = s3_found_json(ret, reply.data ? reply.data : "", reply.len, "Token", INSTANCE, err);
out:
    if (reply.data)
        explicit_bzero(reply.data, reply.room);
    text_free(&reply);
    text_free(&header);
    text_free(&path);
    return st;
}

/* Plain HTTP only where it cannot leave the machine. */
static dlfw_status check_container_url(const char *url, dlfw_error *err)
{
    struct http_origin origin = {0};
    dlfw_status st = http_origin_parse(url, &origin, NULL, err);

    if (st < 0)
        return dlfw_fail(err, DLFW_E_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is no http:// or https:// address");
    if (origin.tls || strcmp(origin.host, "localhost") == 0 || strncmp(origin.host, "127.", 4) == 0 ||
        strcmp(origin.host, "::1") == 0 || strncmp(origin.host, "169.254.", 8) == 0 ||
        strcasecmp(origin.host, "fd00:ec2::23") == 0)
        return DLFW_OK;
    return dlfw_fail(
        err, DLFW_E_CONFIG,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI names '%.200s', which is neither this machine nor behind https://",
        origin.host);
}

static dlfw_status container_authorization(struct text *header, dlfw_error *err)
{
    const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct text value = {0};
    dlfw_status st = DLFW_OK;

    if (file && *file)
        st = s3_read_token_file(file, &value, err);
    else if (token && *token)
        text_str(&value, token);
    if (st == DLFW_OK && value.len > 0 && !make_header(header, "authorization", &value))
        st = dlfw_fail(err, DLFW_E_AUTH, CONTAINER ": the authorization token is no text of one line");
    if (value.data)
        explicit_bzero(value.data, value.room);
    text_free(&value);
    return st;
}

dlfw_status s3_from_container(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct s3_ask ask = {.method = "GET", .timeout_ns = 5 * SECOND, .direct = true};
    struct text url = {0}, header = {0}, reply = {0};
    int32_t code = 0;
    dlfw_status st = DLFW_OK;

    if (relative && *relative) {
        text_str(&url, "http://169.254.170.2");
        text_str(&url, *relative == '/' ? "" : "/");
        text_str(&url, relative);
    } else if (full && *full) {
        text_str(&url, full);
        st = check_container_url(full, err);
    } else {
        return DLFW_END;
    }
    if (st == DLFW_OK)
        st = container_authorization(&header, err);
    ask.url = url.data ? url.data : "";
    ask.headers = header.data;
    if (st == DLFW_OK)
        st = s3_ask(chain, &ask, &reply, &code, err);
    if (st == DLFW_OK && code != 200)
        st =
            dlfw_fail(err, code >= 500 ? DLFW_E_UNAVAILABLE : DLFW_E_AUTH, CONTAINER ": the service answered %d", code);
    if (st == DLFW_OK)
        st = s3_found_json(ret, reply.data ? reply.data : "", reply.len, "Token", CONTAINER, err);
    if (header.data)
        explicit_bzero(header.data, header.room);
    if (reply.data)
        explicit_bzero(reply.data, reply.room);
    text_free(&url);
    text_free(&header);
    text_free(&reply);
    return st;
}
