/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void clock_timestamp(char *buf, uint32_t cap)
{
    clock_timestamp_at(clock_now_ns(), buf, cap);
}

void clock_timestamp_at(uint64_t ns, char *buf, uint32_t cap)
{
    uint64_t now = clock_now_ns(), ago = now > ns ? now - ns : 0;
    struct timespec ts;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec -= (time_t)(ago / NS_PER_S);
    ts.tv_nsec -= (long)(ago % NS_PER_S);
    if (ts.tv_nsec < 0) {
        ts.tv_nsec += (long)NS_PER_S;
        ts.tv_sec--;
    }
    localtime_r(&ts.tv_sec, &tm);
    n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, cap - n, ".%06ld", ts.tv_nsec / 1000);
}
