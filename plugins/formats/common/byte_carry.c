/* SPDX-License-Identifier: Apache-2.0 */
#include "common/byte_carry.h"

#include <stdlib.h>
#include <string.h>

static dlfw_status reserve(struct byte_carry *c, uint64_t need)
{
    uint8_t *large;

    if (need <= (c->large ? c->cap : BYTE_CARRY_SMALL))
        return DLFW_OK;
    large = realloc(c->large, need);
    if (!large)
        return DLFW_E_NO_MEMORY;
    if (!c->large)
        memcpy(large, c->small, c->len);
    c->large = large;
    c->cap = need;
    return DLFW_OK;
}

dlfw_status byte_carry_take(struct byte_carry *c, uint64_t need, const uint8_t **data, uint64_t *len)
{
    uint64_t n = need > c->len ? need - c->len : 0;
    dlfw_status st;

    if (n > *len)
        n = *len;
    if (!n)
        return DLFW_OK;
    st = reserve(c, c->len + n);
    if (st < 0)
        return st;
    memcpy((c->large ? c->large : c->small) + c->len, *data, n);
    c->len += n;
    *data += n;
    *len -= n;
    return DLFW_OK;
}

const uint8_t *byte_carry_data(const struct byte_carry *c)
{
    return c->large ? c->large : c->small;
}

void byte_carry_clear(struct byte_carry *c)
{
    c->len = 0;
}

void byte_carry_free(struct byte_carry *c)
{
    free(c->large);
    c->large = NULL;
    c->cap = 0;
    c->len = 0;
}
