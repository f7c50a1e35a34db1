/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/put_generated.h"

#include <stdlib.h>
#include <string.h>

#include "io/uri.h"
#include "transfer/local_name.h"

static void fill(void *ctx, const struct copy_item *item, uint64_t offset, void *buf, uint64_t len)
{
    generated_fill(ctx, item->index, offset, buf, len);
}

static dlfw_status push_all(struct copy_session *s, const struct generated *g, dlfw_error *err)
{
    bool to_local = (storage_caps(s->target) & DLFW_BACKEND_LOCAL) != 0;
    const char *problem;
    bool more = true;

    problem = to_local ? local_name_problem(g->key_template, strlen(g->key_template)) : NULL;
    if (problem)
        return dlfw_fail(err, DLFW_E_INVALID, "the name template '%s' makes no file names: %s", g->key_template,
                         problem);
    for (uint64_t i = 0; i < g->count && more; i++) {
        const struct copy_item item = {.size = g->size, .length = UINT64_MAX, .index = i};
        char *key = generated_key(g, i);

        more = session_push_object(s, key, key, &item) >= 0;
        free(key);
    }
    return DLFW_OK;
}

static dlfw_status run(struct copy_session *s, const char *target, struct generated *g, dlfw_error *err)
{
    const struct copy_args args = {.generate = fill, .generate_ctx = g};
    struct location loc = {0};
    dlfw_status st = generated_prepare(g, err);

    if (st >= 0)
        st = location_folder(target, &loc, err);
    if (st >= 0)
        st = session_open(s, NULL, &loc, &args, err);
    if (st >= 0)
        st = push_all(s, g, err);
    st = session_settle(s, st, err);
    location_free(&loc);
    return st;
}

int put_generated(struct copy_request *r, const char *target, struct generated *g)
{
    struct copy_session *s = xcalloc(1, sizeof *s);
    struct error_slot err;
    int status;

    error_slot_init(&err);
    r->tool.plain_sides = !uri_has_scheme(target);
    status = session_begin(s, r);
    if (status == EXIT_OK)
        status = session_end(s, run(s, target, g, &err.e), &err);
    free(s);
    return status;
}
