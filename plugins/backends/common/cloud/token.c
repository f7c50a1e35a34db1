/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token that many queues use and one of them renews. While the old one holds nobody waits: the thread that finds it
 * near its end fetches, the others go on. Without a usable one they wait, and share the failure when the fetch fails,
 * so that a dead token server costs one timeout and not one per thread.
 */
#include "cloud.h"

#include <string.h>

#define RENEW_S                                                                                                        \
    240u /* left of a token's life when it is renewed; metadata servers hand out a new one 300 s before the end */
#define UNUSABLE_S 60u /* left of it when it is not used any more: clocks differ and requests last */
#define AGAIN_S 10u    /* between renewals that fail while the old token holds */

static void wipe(struct text *t)
{
    if (t->data)
        explicit_bzero(t->data, t->room);
    text_free(t);
}

void cloud_token_init(struct cloud_token *t)
{
    *t = (struct cloud_token){0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->fetched, NULL);
}

void cloud_token_fini(struct cloud_token *t)
{
    wipe(&t->value);
    pthread_cond_destroy(&t->fetched);
    pthread_mutex_destroy(&t->lock);
}

static bool holds(const struct cloud_token *t, uint64_t now, uint64_t margin)
{
    return t->value.len > 0 && (t->expires_s == UINT64_MAX || (t->expires_s > margin && now < t->expires_s - margin));
}

static dlfw_status copy_value(const struct cloud_token *t, struct text *ret, dlfw_error *err)
{
    text_add(ret, t->value.data, t->value.len);
    return ret->failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a token") : DLFW_OK;
}

/* Fetches with the lock released, and keeps what came or why nothing did. */
static dlfw_status fetch_value(struct cloud_token *t, cloud_token_fetch *fetch, void *ctx)
{
    struct text value = {0};
    uint64_t expires_s = UINT64_MAX;
    dlfw_error err = {.struct_size = sizeof err};
    char why[sizeof t->why] = "";
    dlfw_status st;

    err.message = why;
    err.message_cap = sizeof why;
    t->fetching = true;
    pthread_mutex_unlock(&t->lock);
    st = fetch(ctx, &value, &expires_s, &err);
    if (st == DLFW_OK && value.failed)
        st = dlfw_fail(&err, DLFW_E_NO_MEMORY, "no memory for a token");
    else if (st == DLFW_OK && value.len == 0)
        st = dlfw_fail(&err, DLFW_E_AUTH, "the token that was fetched is empty");
    pthread_mutex_lock(&t->lock);
    t->fetching = false;
    t->fetches++;
    t->failure = st;
    if (st == DLFW_OK) {
        wipe(&t->value);
        t->value = value;
        t->expires_s = expires_s;
    } else {
        wipe(&value);
        t->failure_flags = err.flags;
        t->again_s = cloud_now_s() + AGAIN_S;
        memcpy(t->why, why, sizeof why);
    }
    pthread_cond_broadcast(&t->fetched);
    return st;
}

static dlfw_status fail_as_fetched(const struct cloud_token *t, dlfw_error *err)
{
    dlfw_fail(err, t->failure, "%s", t->why);
    if (err)
        err->flags |= t->failure_flags;
    return t->failure;
}

dlfw_status cloud_token_get(struct cloud_token *t, cloud_token_fetch *fetch, void *ctx, struct text *ret,
                            dlfw_error *err)
{
    dlfw_status st = DLFW_OK;

    text_clear(ret);
    pthread_mutex_lock(&t->lock);
    while (st == DLFW_OK) {
        uint64_t now = cloud_now_s();
        bool usable = holds(t, now, UNUSABLE_S);

        if (usable && (t->fetching || now < t->again_s || holds(t, now, RENEW_S)))
            break;
        if (t->fetching) {
            uint32_t seen = t->fetches;

            while (t->fetches == seen)
                pthread_cond_wait(&t->fetched, &t->lock);
            /* One that lives shorter than the margins is used once by everybody who waited for it. */
            if (t->failure == DLFW_OK && t->value.len > 0)
                break;
            if (t->failure < 0 && !holds(t, cloud_now_s(), UNUSABLE_S))
                st = fail_as_fetched(t, err);
            continue;
        }
        if (fetch_value(t, fetch, ctx) == DLFW_OK)
            break;
        /* A renewal that fails is no harm yet: what is there still holds, and its end brings the failure up again. */
        if (!holds(t, cloud_now_s(), UNUSABLE_S))
            st = fail_as_fetched(t, err);
    }
    if (st == DLFW_OK)
        st = copy_value(t, ret, err);
    pthread_mutex_unlock(&t->lock);
    return st;
}

void cloud_token_drop(struct cloud_token *t, const char *refused)
{
    pthread_mutex_lock(&t->lock);
    if (t->value.len > 0 && strcmp(t->value.data, refused) == 0) {
        wipe(&t->value);
        t->again_s = 0;
    }
    pthread_mutex_unlock(&t->lock);
}
