/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Everything measured uses CLOCK_MONOTONIC; wall time appears only as text in reports. */
#ifndef DLFW_CORE_BASE_CLOCK_H
#define DLFW_CORE_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S 1000000000ull

uint64_t clock_now_ns(void);
/* Local wall time as DLIO prints it, "2026-01-31T12:00:00.123456"; buf of at least 32. */
void clock_timestamp(char *buf, uint32_t cap);
/* The same for a past moment of clock_now_ns(). */
void clock_timestamp_at(uint64_t ns, char *buf, uint32_t cap);

#endif
