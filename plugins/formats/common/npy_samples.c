/* SPDX-License-Identifier: Apache-2.0 */
#include "common/npy_samples.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t npy_sample_count(uint32_t expected)
{
    return expected > 1 ? expected : 1;
}

/* "(3, 4)"; long shapes end in "..." */
static void shape_text(const struct npy_header *h, char *buf, size_t cap)
{
    const size_t room = cap - sizeof ", 18446744073709551615...)";
    size_t n = 0;
    uint32_t i;

    buf[n++] = '(';
    buf[n] = '\0';
    for (i = 0; i < h->ndim && n < room; i++)
        n += (size_t)snprintf(buf + n, cap - n, "%s%" PRIu64, i ? ", " : "", h->dims[i]);
    snprintf(buf + n, cap - n, "%s)", i < h->ndim ? "..." : h->ndim == 1 ? "," : "");
}

dlfw_status npy_samples_check(const struct npy_header *h, uint64_t samples, struct npy_reason *reason)
{
    char shape[96];

    if (samples == 1 || (h->ndim && h->dims[h->ndim - 1] == samples))
        return DLFW_OK;
    shape_text(h, shape, sizeof shape);
    snprintf(reason->text, sizeof reason->text,
             "array of shape %s where %" PRIu64 " samples per file are configured: its last dimension must be %" PRIu64,
             shape, samples, samples);
    return DLFW_E_UNSUPPORTED;
}

void npy_samples_view(const struct npy_header *h, uint64_t samples, const uint8_t *payload, dlfw_view *views)
{
    const uint64_t bytes = h->payload_bytes / samples;
    const uint64_t item = h->item_size;
    const uint64_t first_step = h->fortran_order ? bytes : item;
    const uint64_t stride = h->fortran_order ? item : samples * item;

    for (uint64_t k = 0; k < samples; k++) {
        /* an empty array has no second item to point at */
        const uint8_t *first = bytes ? payload + k * first_step : payload;

        views[k] = (dlfw_view){.data = first, .bytes = bytes, .item_stride = stride, .item_size = h->item_size};
    }
}
