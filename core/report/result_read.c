/* SPDX-License-Identifier: Apache-2.0 */
#include "report/result_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

dlfw_status result_read_json(const char *folder, const char *name, json_t **ret, dlfw_error *err)
{
    char *path = xformat("%s/%s", folder, name);
    FILE *in = fopen(path, "re");
    dlfw_status st = DLFW_OK;
    json_error_t where;

    *ret = NULL;
    if (!in) {
        st = dlfw_fail_errno(err, errno, "cannot open '%s'", path);
        goto out;
    }
    *ret = json_loadf(in, JSON_REJECT_DUPLICATES, &where);
    fclose(in);
    if (!*ret)
        st = dlfw_fail(err, DLFW_E_CORRUPT, "'%s' is not JSON: line %d: %s", path, where.line, where.text);
    else if (!json_is_object(*ret))
        st = dlfw_fail(err, DLFW_E_CORRUPT, "'%s' holds no JSON object", path);
    if (st < 0) {
        json_decref(*ret);
        *ret = NULL;
    }
out:
    free(path);
    return st;
}

static const json_t *walk(const json_t *at, va_list keys)
{
    const char *key;

    while ((key = va_arg(keys, const char *)))
        at = json_object_get(at, key);
    return at;
}

double result_number(const json_t *root, double fallback, ...)
{
    va_list keys;

    va_start(keys, fallback);
    root = walk(root, keys);
    va_end(keys);
    return json_is_number(root) ? json_number_value(root) : fallback;
}

const char *result_text(const json_t *root, ...)
{
    va_list keys;

    va_start(keys, root);
    root = walk(root, keys);
    va_end(keys);
    return json_string_value(root);
}
