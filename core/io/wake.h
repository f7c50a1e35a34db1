/* SPDX-License-Identifier: Apache-2.0 */
/* A wake-up that is not lost: one thread sleeps on it, any thread sets it, before or during the sleep. */
#ifndef DLFW_CORE_IO_WAKE_H
#define DLFW_CORE_IO_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wake {
    _Atomic uint32_t set;
};

void wake_signal(struct wake *w);                     /* [any thread] */
void wake_sleep(struct wake *w, uint64_t timeout_ns); /* until set or timeout (UINT64_MAX: none); may return early */
bool wake_is_set(struct wake *w);
bool wake_take(struct wake *w); /* true once per signal */

/* now + timeout_ns, saturating: UINT64_MAX stays "never". */
uint64_t wake_until(uint64_t now, uint64_t timeout_ns);

#endif
