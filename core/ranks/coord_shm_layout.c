/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a segment: how large it is, how it is made and mapped. The caller holds the lock of the file. */
#include "ranks/coord_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last byte counts layouts: ranks of different builds do not meet. */
#define MAGIC 0x646c66772d723101ull
#define HALF_WISHED (1u << 20)
#define PIECE_MIN 1024u

static uint64_t piece_of(uint32_t world_size)
{
    uint64_t piece = (HALF_WISHED / world_size) & ~(uint64_t)127;

    return piece < PIECE_MIN ? PIECE_MIN : piece;
}

static size_t data_offset(uint32_t world_size)
{
    return sizeof(struct shm_segment) + world_size * sizeof(struct shm_slot);
}

static size_t size_of(uint32_t world_size)
{
    return data_offset(world_size) + 2 * world_size * piece_of(world_size);
}

uint8_t *shm_data(struct shm_segment *seg)
{
    return (uint8_t *)seg + data_offset(seg->world_size);
}

static dlfw_status map_bytes(int fd, const char *name, size_t size, struct shm_segment **ret, dlfw_error *err)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return dlfw_fail_errno(err, errno, "cannot map the shared memory '/dev/shm%s'", name);
    madvise(at, size, MADV_DONTFORK); /* children of a rank are no ranks and shall not keep the memory */
    *ret = at;
    return DLFW_OK;
}

dlfw_status shm_map(int fd, const char *name, struct shm_segment **ret, size_t *ret_size, dlfw_error *err)
{
    struct shm_segment head = {.world_size = 0};
    ssize_t n = pread(fd, &head, sizeof head, 0);
    uint64_t magic = atomic_load(&head.magic);
    struct stat file;

    *ret = NULL;
    if (n < 0 || fstat(fd, &file) != 0)
        return dlfw_fail_errno(err, errno, "cannot read the shared memory '/dev/shm%s'", name);
    if ((size_t)n < sizeof head || magic == 0)
        return DLFW_OK;
    if (magic != MAGIC || head.world_size == 0 || head.world_size > SHM_RANKS_MAX ||
        (uint64_t)file.st_size != size_of(head.world_size))
        return dlfw_fail(err, DLFW_E_EXISTS,
                         "'/dev/shm%s' was made by another version of dlfw; remove it, or use "
                         "another --run-id",
                         name);
    *ret_size = size_of(head.world_size);
    return map_bytes(fd, name, *ret_size, ret, err);
}

/* The memory is taken at once: a full /dev/shm shall be an error here, not a SIGBUS later. */
static int take_memory(int fd, size_t size)
{
    int error;

    if (ftruncate(fd, 0) != 0)
        return errno;
    do {
        error = posix_fallocate(fd, 0, (off_t)size);
    } while (error == EINTR);
    return error;
}

dlfw_status shm_make(int fd, const char *name, uint32_t world_size, uint64_t pid_namespace, dlfw_error *err)
{
    size_t size = size_of(world_size);
    struct shm_segment *seg = NULL;
    int error = take_memory(fd, size);
    dlfw_status st;

    if (error)
        return dlfw_fail_errno(err, error, "cannot take %zu bytes of shared memory in '/dev/shm' for %u ranks", size,
                               world_size);
    st = map_bytes(fd, name, sizeof *seg, &seg, err);
    if (st < 0)
        return st;
    seg->world_size = world_size;
    seg->pid_namespace = pid_namespace;
    seg->piece = piece_of(world_size);
    atomic_store(&seg->magic, MAGIC);
    munmap(seg, sizeof *seg);
    return DLFW_OK;
}
