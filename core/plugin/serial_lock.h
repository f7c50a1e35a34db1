/* SPDX-License-Identifier: Apache-2.0 */
/* The lock that calls into a plugin need by its thread class (DLFW_THREADS_*). */
#ifndef DLFW_CORE_PLUGIN_SERIAL_LOCK_H
#define DLFW_CORE_PLUGIN_SERIAL_LOCK_H

#include <pthread.h>

#include "dlfw/base.h"

/* of_instance: the lock for one call at a time per instance. NULL: none is needed. */
pthread_mutex_t *serial_lock(uint32_t thread_class, pthread_mutex_t *of_instance);

static inline void serial_enter(pthread_mutex_t *lock)
{
    if (lock)
        pthread_mutex_lock(lock);
}

static inline void serial_leave(pthread_mutex_t *lock)
{
    if (lock)
        pthread_mutex_unlock(lock);
}

#endif
