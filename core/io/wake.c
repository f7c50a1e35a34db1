/* SPDX-License-Identifier: Apache-2.0 */
/* The flag is the futex word itself, so a signal between the check and the sleep ends the sleep at once. */
#include "io/wake.h"

#include "base/futex.h"

void wake_signal(struct wake *w)
{
    atomic_store(&w->set, 1);
    futex_wake_all(&w->set);
}

void wake_sleep(struct wake *w, uint64_t timeout_ns)
{
    if (timeout_ns && !atomic_load(&w->set))
        futex_wait(&w->set, 0, timeout_ns);
}

bool wake_is_set(struct wake *w)
{
    return atomic_load_explicit(&w->set, memory_order_relaxed) != 0;
}

bool wake_take(struct wake *w)
{
    return wake_is_set(w) && atomic_exchange(&w->set, 0) != 0;
}

uint64_t wake_until(uint64_t now, uint64_t timeout_ns)
{
    return timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
}
