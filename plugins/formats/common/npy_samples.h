/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the samples of an array lie. An object of N samples holds one array whose last axis counts the samples, so in C
 * order they are interleaved item by item. An object of one sample (or of an unknown number) is one sample whatever its
 * shape.
 */
#ifndef DLFW_FORMATS_NPY_SAMPLES_H
#define DLFW_FORMATS_NPY_SAMPLES_H

#include "common/npy_header.h"

/* Samples of an object that the run file says holds expected (0: not said). */
uint64_t npy_sample_count(uint32_t expected);
/* Whether the array's shape holds that many samples; DLFW_E_UNSUPPORTED with the reason. */
dlfw_status npy_samples_check(const struct npy_header *h, uint64_t samples, struct npy_reason *reason);
/* After npy_samples_check: views[0 .. samples) of the array whose first item is at payload. */
void npy_samples_view(const struct npy_header *h, uint64_t samples, const uint8_t *payload, dlfw_view *views);

#endif
