/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run leaves in /dev/shm whose ranks were all killed while they joined: nobody may ever ask for that run id
 * again, so every run that begins looks for such segments of its user. One that is locked, or of which one process
 * lives or lies in another pid namespace, stays.
 */
#include "ranks/coord_shm.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool all_dead(const struct shm_segment *seg)
{
    for (uint32_t r = 0; r < seg->world_size; r++) {
        const struct shm_slot *slot = &seg->slots[r];

        if (atomic_load(&slot->state) != SHM_SLOT_FREE && shm_process_alive(&slot->process))
            return false;
    }
    return true;
}

static void remove_if_dead(int fd, const char *name, uint64_t pid_namespace)
{
    struct shm_segment *seg = NULL;
    struct stat file;
    size_t size;

    /* a maker that is between opening and locking finds the name gone, and begins again */
    if (fstat(fd, &file) != 0 || file.st_nlink == 0 || file.st_uid != geteuid() ||
        shm_map(fd, name, &seg, &size, NULL) != DLFW_OK || !seg)
        return;
    if (seg->pid_namespace == pid_namespace && all_dead(seg))
        shm_unlink(name);
    munmap(seg, size);
}

void shm_sweep(void)
{
    DIR *folder = opendir("/dev/shm");
    char prefix[32], name[SHM_NAME_CAP];
    struct shm_process self;
    uint64_t pid_namespace;
    struct dirent *entry;

    if (folder && shm_process_self(&self, &pid_namespace, NULL) == DLFW_OK) {
        snprintf(prefix, sizeof prefix, "dlfw-%u-", (unsigned)geteuid());
        while ((entry = readdir(folder))) {
            int fd;

            if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || strlen(entry->d_name) >= sizeof name - 1)
                continue;
            snprintf(name, sizeof name, "/%.*s", (int)sizeof name - 2, entry->d_name);
            fd = shm_open(name, O_RDWR, 0);
            if (fd < 0)
                continue;
            if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
                remove_if_dead(fd, name, pid_namespace);
                flock(fd, LOCK_UN);
            }
            close(fd);
        }
    }
    if (folder)
        closedir(folder);
}
