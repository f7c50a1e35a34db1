/* SPDX-License-Identifier: Apache-2.0 */
/* The record that one generated sample becomes: all of an object are alike but for the sample's bytes and the checksum.
 */
#ifndef DLFW_TFRECORD_RECORD_PLAN_H
#define DLFW_TFRECORD_RECORD_PLAN_H

#include "tfrecord.h"

#define PLAN_LEAD_CAP 256u
#define PLAN_TAIL_CAP 64u

struct record_plan {
    uint64_t sample_bytes;
    uint64_t data_bytes;   /* of the record: the sample and what the Example puts around it */
    uint64_t framed_bytes; /* of the record in the file */
    uint64_t file_bytes;
    uint32_t lead_len; /* frame header, then what precedes the sample in the Example */
    uint32_t tail_len; /* what follows it, without the frame's footer */
    uint8_t lead[PLAN_LEAD_CAP];
    uint8_t tail[PLAN_TAIL_CAP];
};

/* Checks spec and lays the record out. */
dlfw_status record_plan(const dlfw_format *fmt, const dlfw_encode_spec *spec, struct record_plan *ret, dlfw_error *err);

#endif
