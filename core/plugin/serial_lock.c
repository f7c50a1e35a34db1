/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/serial_lock.h"

#include <stddef.h>

pthread_mutex_t *serial_lock(uint32_t thread_class, pthread_mutex_t *of_instance)
{
    static pthread_mutex_t of_process = PTHREAD_MUTEX_INITIALIZER;

    if (thread_class == DLFW_THREADS_SERIAL_PROCESS)
        return &of_process;
    return thread_class == DLFW_THREADS_SERIAL_INSTANCE ? of_instance : NULL;
}
