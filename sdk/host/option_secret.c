/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: the run file names where one is (env:NAME, file:PATH) instead of holding it. No message here ever shows one.
 */
#include "option_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 65536 };

static dlfw_status copy(const char *from, size_t len, option_keep *keep, void *keep_ctx, const char **ret,
                        dlfw_error *err)
{
    char *memory;

    if (memchr(from, '\0', len))
        return dlfw_fail(err, DLFW_E_CONFIG, "holds a NUL byte, which a secret cannot");
    if (!keep)
        return DLFW_OK;
    memory = keep(keep_ctx, len + 1);
    if (!memory)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot keep a secret: out of memory");
    memcpy(memory, from, len);
    memory[len] = '\0';
    *ret = memory;
    return DLFW_OK;
}

static dlfw_status read_file(const char *path, char *buf, size_t *ret_len, dlfw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dlfw_status st = DLFW_OK;
    size_t len = 0;
    ssize_t n;

    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open the secret's file '%s'", shown_text(path).text);
    do {
        n = read(fd, buf + len, SECRET_MAX + 1 - len);
        if (n > 0)
            len += (size_t)n;
    } while ((n > 0 && len <= SECRET_MAX) || (n < 0 && errno == EINTR));
    if (n < 0)
        st = dlfw_fail_errno(err, errno, "cannot read the secret's file '%s'", shown_text(path).text);
    else if (len > SECRET_MAX)
        st = dlfw_fail(err, DLFW_E_CONFIG, "the secret's file '%s' is larger than 64 KiB", shown_text(path).text);
    close(fd);
    *ret_len = len;
    return st;
}

dlfw_status secret_resolve(const char *text, option_keep *keep, void *keep_ctx, const char **ret, dlfw_error *err)
{
    dlfw_status st;
    char *buf;
    size_t len = 0;

    if (strncmp(text, "env:", 4) == 0) {
        const char *value = getenv(text + 4);

        if (!value)
            return dlfw_fail(err, DLFW_E_CONFIG, "environment variable '%s' is not set", shown_text(text + 4).text);
        return copy(value, strlen(value), keep, keep_ctx, ret, err);
    }
    if (strncmp(text, "file:", 5) != 0) {
        *ret = text;
        return DLFW_OK;
    }
    buf = malloc(SECRET_MAX + 1);
    if (!buf)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "cannot read a secret: out of memory");
    st = read_file(text + 5, buf, &len, err);
    if (st == DLFW_OK) {
        /* editors and echo end the file with one newline that is not part of the secret */
        if (len && buf[len - 1] == '\n')
            len--;
        st = copy(buf, len, keep, keep_ctx, ret, err);
    }
    explicit_bzero(buf, SECRET_MAX + 1);
    free(buf);
    return st;
}
