/* SPDX-License-Identifier: Apache-2.0 */
#include "base/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void wait_on(_Atomic uint32_t *word, int operation, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};

    syscall(SYS_futex, word, operation, expected, timeout_ns == UINT64_MAX ? NULL : &ts, NULL, 0);
}

void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    wait_on(word, FUTEX_WAIT_PRIVATE, expected, timeout_ns);
}

void futex_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* The kernel takes an absolute time here, of CLOCK_MONOTONIC. */
void futex_wait_masked(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns, uint32_t mask)
{
    uint64_t until = timeout_ns == UINT64_MAX ? 0 : clock_now_ns() + timeout_ns;
    struct timespec ts = {.tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S)};

    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, until ? &ts : NULL, NULL, mask);
}

void futex_wake_masked(_Atomic uint32_t *word, uint32_t mask)
{
    syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, mask);
}

void futex_wait_shared(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    wait_on(word, FUTEX_WAIT, expected, timeout_ns);
}

void futex_wake_all_shared(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
