/* SPDX-License-Identifier: Apache-2.0 */
/* See malloc_fault.h. The work is done by glibc's own allocator under its internal names. */
#include "malloc_fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEP_ALLOCATOR 1
#endif
#endif

#ifdef KEEP_ALLOCATOR

bool malloc_fault_available(void)
{
    return false;
}

void malloc_fault_arm(uint64_t nth)
{
    (void)nth;
}

uint64_t malloc_fault_disarm(void)
{
    return 0;
}

int64_t malloc_live_count(void)
{
    return 0;
}

#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *p);
void *memalign(size_t alignment, size_t bytes);

#define SEEN_BY_PLUGINS __attribute__((visibility("default"))) /* the tree is built with hidden symbols */

static _Atomic int64_t live;
static _Atomic uint64_t seen;
static _Atomic uint64_t trap;
static _Atomic uint32_t armed;

bool malloc_fault_available(void)
{
    return true;
}

void malloc_fault_arm(uint64_t nth)
{
    atomic_store(&seen, 0);
    atomic_store(&trap, nth);
    atomic_store(&armed, 1);
}

uint64_t malloc_fault_disarm(void)
{
    atomic_store(&armed, 0);
    return atomic_load(&seen);
}

int64_t malloc_live_count(void)
{
    return atomic_load(&live);
}

static bool refused(void)
{
    if (!atomic_load_explicit(&armed, memory_order_relaxed))
        return false;
    if (atomic_fetch_add(&seen, 1) + 1 != atomic_load(&trap))
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

SEEN_BY_PLUGINS void *malloc(size_t bytes)
{
    return refused() ? NULL : counted(__libc_malloc(bytes));
}

SEEN_BY_PLUGINS void *calloc(size_t count, size_t bytes)
{
    return refused() ? NULL : counted(__libc_calloc(count, bytes));
}

SEEN_BY_PLUGINS void *realloc(void *old, size_t bytes)
{
    void *p;

    if (refused())
        return NULL;
    p = __libc_realloc(old, bytes);
    if (!old)
        return counted(p);
    if (!p && bytes == 0) /* glibc frees */
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    return p;
}

SEEN_BY_PLUGINS void *memalign(size_t alignment, size_t bytes)
{
    return refused() ? NULL : counted(__libc_memalign(alignment, bytes));
}

SEEN_BY_PLUGINS void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

SEEN_BY_PLUGINS int posix_memalign(void **ret, size_t alignment, size_t bytes)
{
    void *p;

    if (alignment % sizeof(void *) || alignment == 0 || (alignment & (alignment - 1)))
        return EINVAL;
    p = memalign(alignment, bytes);
    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

SEEN_BY_PLUGINS void free(void *p)
{
    if (p)
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    __libc_free(p);
}

#endif
