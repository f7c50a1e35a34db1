/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers stay whole: a quotient that is exact must not be rounded to the next file. Only a fractional record
 * length (resnet50's 114660.07) goes through long double, whose 64 bits hold every number that occurs.
 */
#include "rules/dataset_size.h"

#include <math.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: a double up to here that looks whole is whole */

/* n / d, rounded. */
static uint64_t divide(uint64_t n, uint64_t d, bool up)
{
    return n / d + (up && n % d ? 1 : 0);
}

static dlfw_status files_for_memory(const struct size_request *r, uint64_t wanted, struct size_answer *ret,
                                    dlfw_error *err)
{
    uint64_t file_bytes = 0;

    if (r->record_bytes == floor(r->record_bytes) && r->record_bytes <= EXACT_MAX) {
        if (__builtin_mul_overflow((uint64_t)r->record_bytes, r->samples_per_file, &file_bytes))
            return dlfw_fail(err, DLFW_E_CONFIG, "a file of more than 2^64 bytes cannot be judged");
        ret->memory_quotient = (long double)wanted / (long double)file_bytes;
        ret->files_for_memory = divide(wanted, file_bytes, r->rounds_up);
        return DLFW_OK;
    }
    ret->memory_quotient = (long double)wanted / ((long double)r->samples_per_file * (long double)r->record_bytes);
    if (ret->memory_quotient >= 18446744073709551615.0L)
        return dlfw_fail(err, DLFW_E_CONFIG, "more than 2^64 files cannot be judged");
    ret->files_for_memory = (uint64_t)(r->rounds_up ? ceill(ret->memory_quotient) : floorl(ret->memory_quotient));
    return DLFW_OK;
}

dlfw_status dataset_size_required(const struct size_request *r, struct size_answer *ret, dlfw_error *err)
{
    uint64_t wanted = 0, samples = 0;
    dlfw_status st;

    *ret = (struct size_answer){0};
    if (!r->samples_per_file || !(r->record_bytes >= 1.0) || !isfinite(r->record_bytes) || !r->batch_size)
        return dlfw_fail(err, DLFW_E_CONFIG, "samples per file, bytes of a sample and batch size must be at least 1");
    if (__builtin_mul_overflow(r->memory_bytes, (uint64_t)SIZE_MEMORY_FACTOR, &wanted) ||
        __builtin_mul_overflow(r->accelerators, r->batch_size, &samples) ||
        __builtin_mul_overflow(samples, (uint64_t)SIZE_STEPS, &samples))
        return dlfw_fail(err, DLFW_E_CONFIG, "memory or accelerators are too many to be judged");
    st = files_for_memory(r, wanted, ret, err);
    if (st < 0)
        return st;
    ret->files_for_steps = divide(samples, r->samples_per_file, r->rounds_up);
    ret->files = ret->files_for_memory > ret->files_for_steps ? ret->files_for_memory : ret->files_for_steps;
    return DLFW_OK;
}
