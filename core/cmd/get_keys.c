/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/get_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/uri.h"
#include "transfer/local_name.h"

static dlfw_status push_key(struct copy_session *s, const char *key, size_t len)
{
    const struct copy_item item = {
        .size = UINT64_MAX, .length = UINT64_MAX, .condition = s->request->resume ? COPY_UNLESS_THERE : COPY_ALWAYS};
    bool to_local = s->target && (storage_caps(s->target) & DLFW_BACKEND_LOCAL);
    const char *problem = to_local ? local_name_problem(key, len) : NULL;
    char *all;

    if (!problem)
        return session_push_object(s, key, key, &item);
    all = xformat("%s%s", s->from, key);
    session_refuse(s, all, problem);
    free(all);
    return DLFW_OK;
}

static dlfw_status push_lines(struct copy_session *s, FILE *file, const char *path, dlfw_error *err)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    dlfw_status st = DLFW_OK;

    errno = 0;
    while (st >= 0 && (len = getline(&line, &cap, file)) >= 0) {
        while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = '\0';
        if (len && line[0] != '#' && push_key(s, line, (size_t)len) < 0)
            break; /* the engine tells at the end what has stopped it */
        errno = 0;
    }
    if (ferror(file))
        st = dlfw_fail_errno(err, errno, "cannot read '%s'", path);
    free(line);
    return st;
}

static dlfw_status run(struct copy_session *s, const struct copy_operands *o, FILE *file, const char *path,
                       dlfw_error *err)
{
    const struct copy_args args = {0};
    struct location source = {0}, target = {0};
    dlfw_status st = location_folder(o->sources[0], &source, err);

    if (st >= 0 && o->target)
        st = location_folder(o->target, &target, err);
    if (st >= 0)
        st = session_open(s, &source, o->target ? &target : NULL, &args, err);
    if (st >= 0)
        st = session_check(s, "", "", true, err);
    if (st >= 0)
        st = push_lines(s, file, path, err);
    st = session_settle(s, st, err);
    location_free(&source);
    location_free(&target);
    return st;
}

int get_keys(struct copy_request *r, const struct copy_operands *o, const char *path)
{
    struct copy_session *s = xcalloc(1, sizeof *s);
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    struct error_slot err;
    dlfw_status st = DLFW_OK;
    int status;

    error_slot_init(&err);
    r->tool.plain_sides = !uri_has_scheme(o->sources[0]) && !(o->target && uri_has_scheme(o->target));
    if (!file)
        st = dlfw_fail_errno(&err.e, errno, "cannot open '%s'", path);
    status = session_begin(s, r);
    if (status == EXIT_OK) {
        if (st >= 0)
            st = run(s, o, file, path, &err.e);
        status = session_end(s, st, &err);
    }
    if (file && file != stdin)
        fclose(file);
    free(s);
    return status;
}
