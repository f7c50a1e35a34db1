/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on a 32-bit word. */
#ifndef DLFW_CORE_BASE_FUTEX_H
#define DLFW_CORE_BASE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Of this process. Sleeps while *word == expected, at most timeout_ns (UINT64_MAX: no limit); may return early. */
void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void futex_wake_all(_Atomic uint32_t *word);
/* As futex_wait, but woken only by a mask that has a bit of this one, or by futex_wake_all. Neither mask is 0. */
void futex_wait_masked(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns, uint32_t mask);
void futex_wake_masked(_Atomic uint32_t *word, uint32_t mask);

/* The same for a word in memory that processes share. */
void futex_wait_shared(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void futex_wake_all_shared(_Atomic uint32_t *word);

#endif
