/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether bytes are worth compressing, judged by a sample: either their values are spread unevenly (Huffman codes help)
 * or the sample repeats itself (matches help). A repetition farther apart than a sample is long goes unseen; the part
 * is then stored, which costs space and never correctness.
 */
#ifndef DLFW_CHECKPOINT_STORE_PART_PROBE_H
#define DLFW_CHECKPOINT_STORE_PART_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_RUN 256u /* numbers or bytes that are looked at in one place */
#define PROBE_RUNS 8u
#define PROBE_SAMPLE (PROBE_RUN * PROBE_RUNS)

/* How uneven values must be, in percent beyond even ones: PROBE_ANY finds what has less than 7.9 bits per byte,
 * PROBE_FEW what has less than 6, where a code saves so much that its time is well spent. */
#define PROBE_ANY 7u
#define PROBE_FEW 300u
bool probe_is_uneven(const uint8_t *sample, uint32_t len, uint32_t percent);
/* Where run i of a sample of count numbers begins; the runs are spread evenly. count >= PROBE_SAMPLE. */
uint64_t probe_run_begin(uint64_t count, uint32_t i);

#endif
