/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a rank comes into the segment of its run. All of it happens under the lock of the file: whoever holds it finds
 * either nothing made yet (and makes it), a run that is joining (and takes its slot there), or what a run that failed
 * or was killed left behind (and removes the name and begins again). The last rank removes the name.
 */
#include "ranks/coord_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PAUSE_NS 200000
#define ADMIT_LOOKS 16u

dlfw_status shm_name(const char *run_id, char name[SHM_NAME_CAP], dlfw_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (!run_id || !*run_id)
        return dlfw_fail(err, DLFW_E_INVALID, "coordinator 'shm' needs a run id (--run-id)");
    if (strlen(run_id) >= RUN_ID_CAP || run_id[strspn(run_id, allowed)])
        return dlfw_fail(err, DLFW_E_INVALID, "the run id '%.80s' is not up to %d letters, digits, '.', '_' and '-'",
                         run_id, RUN_ID_CAP - 1);
    snprintf(name, SHM_NAME_CAP, "/dlfw-%u-%s", (unsigned)geteuid(), run_id);
    return DLFW_OK;
}

/* Asked again and again rather than waited for: Ctrl-C and the deadline end it. */
static dlfw_status lock_file(struct dlfw_coordinator *c, int fd, uint64_t deadline_ns, dlfw_error *err)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

        if (errno != EWOULDBLOCK && errno != EINTR)
            return dlfw_fail_errno(err, errno, "cannot lock '/dev/shm%s'", c->name);
        if (shm_cancelled(c))
            return dlfw_fail(err, DLFW_E_CANCELLED, "stopped while joining the run");
        if (deadline_ns && clock_now_ns() >= deadline_ns)
            return dlfw_fail(err, DLFW_E_TIMEOUT, "another process holds the lock of '/dev/shm%s'", c->name);
        nanosleep(&pause, NULL);
    }
    return DLFW_OK;
}

/* The file that the name stands for, locked. While waiting for the lock it may have lost the name. */
static dlfw_status open_locked(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    for (;;) {
        struct stat file;
        dlfw_status st;

        c->fd = shm_open(c->name, O_RDWR | O_CREAT, 0600);
        if (c->fd < 0)
            return dlfw_fail_errno(err, errno, "cannot open the shared memory '/dev/shm%s'", c->name);
        st = lock_file(c, c->fd, deadline_ns, err);
        if (st == DLFW_OK && fstat(c->fd, &file) != 0)
            st = dlfw_fail_errno(err, errno, "cannot look at '/dev/shm%s'", c->name);
        if (st == DLFW_OK && file.st_nlink > 0 && file.st_uid != geteuid())
            st = dlfw_fail(err, DLFW_E_PERMISSION, "'/dev/shm%s' belongs to another user", c->name);
        if (st == DLFW_OK && file.st_nlink > 0)
            return DLFW_OK;
        close(c->fd);
        c->fd = -1;
        if (st < 0)
            return st;
    }
}

/* A segment in which a rank has died or given up never runs. So much is looked at that a stale one is found at once;
 * one death among living ranks is also found by those. */
static bool is_over(struct dlfw_coordinator *c)
{
    uint32_t looks = 0, joined = 0, count = c->seg->world_size;

    for (uint32_t i = 0; i < count && looks < ADMIT_LOOKS; i++) {
        uint32_t rank = (uint32_t)(((uint64_t)c->rank + i) % count);
        const struct shm_slot *slot = &c->seg->slots[rank];
        uint32_t state = atomic_load(&slot->state);

        if (state == SHM_SLOT_FREE)
            continue;
        looks++;
        joined++;
        if (state == SHM_SLOT_LEFT)
            return true;
        if (!shm_process_alive(&slot->process)) {
            shm_end(c->seg, SHM_DIED, rank, 0, 0);
            return true;
        }
    }
    return joined == 0 || atomic_load(&c->seg->ended) != 0;
}

static dlfw_status admit(const struct dlfw_coordinator *c, const char *run_id, uint64_t pid_namespace, dlfw_error *err)
{
    const struct shm_slot *slot;

    if (c->seg->world_size != c->world_size)
        return dlfw_fail(err, DLFW_E_INVALID, "run '%s' has %u ranks, but this rank was told %u (--world-size)", run_id,
                         c->seg->world_size, c->world_size);
    if (c->seg->pid_namespace != pid_namespace)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "the other ranks of run '%s' are in another pid namespace; the ranks "
                         "of a host must share one",
                         run_id);
    slot = &c->seg->slots[c->rank];
    if (atomic_load(&slot->state) != SHM_SLOT_FREE)
        return dlfw_fail(err, DLFW_E_EXISTS, "rank %u of run '%s' is process %d already; use another --run-id", c->rank,
                         run_id, slot->process.pid);
    return DLFW_OK;
}

static void take_slot(struct dlfw_coordinator *c, const struct shm_process *self)
{
    struct shm_slot *slot = &c->seg->slots[c->rank];
    uint32_t joined = 0;

    slot->process = *self;
    atomic_store(&slot->state, SHM_SLOT_JOINED);
    for (uint32_t r = 0; r < c->world_size; r++)
        joined += atomic_load(&c->seg->slots[r].state) == SHM_SLOT_JOINED;
    if (joined < c->world_size)
        return;
    shm_unlink(c->name);
    atomic_store(&c->seg->running, 1);
    shm_wake(c->seg);
}

/* c->seg stays NULL when what is there was left behind. */
static dlfw_status find_segment(struct dlfw_coordinator *c, uint64_t pid_namespace, dlfw_error *err)
{
    dlfw_status st = shm_map(c->fd, c->name, &c->seg, &c->size, err);

    if (st == DLFW_OK && !c->seg) {
        st = shm_make(c->fd, c->name, c->world_size, pid_namespace, err);
        if (st == DLFW_OK)
            st = shm_map(c->fd, c->name, &c->seg, &c->size, err);
        if (st < 0)
            shm_unlink(c->name);
    } else if (st == DLFW_OK && c->seg->pid_namespace == pid_namespace && is_over(c)) {
        shm_unlink(c->name);
        shm_unmap(c);
    }
    return st;
}

dlfw_status shm_enter(struct dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *err)
{
    struct shm_process self;
    uint64_t pid_namespace;
    dlfw_status st = shm_process_self(&self, &pid_namespace, err);

    while (st == DLFW_OK && !c->seg) {
        st = open_locked(c, deadline_ns, err);
        if (st == DLFW_OK)
            st = find_segment(c, pid_namespace, err);
        if (st == DLFW_OK && c->seg) {
            st = admit(c, c->run_id, pid_namespace, err);
            if (st == DLFW_OK)
                take_slot(c, &self);
        }
        if (c->fd >= 0)
            flock(c->fd, LOCK_UN);
        if (c->fd >= 0 && (st < 0 || !c->seg)) {
            close(c->fd);
            c->fd = -1;
        }
    }
    if (st == DLFW_OK)
        c->data = shm_data(c->seg);
    else
        shm_unmap(c);
    return st;
}

void shm_withdraw(struct dlfw_coordinator *c)
{
    char text[160];
    dlfw_error unused = {.struct_size = sizeof unused, .message = text, .message_cap = sizeof text};
    struct dlfw_coordinator quiet = {.host = NULL};
    struct stat file;

    memcpy(quiet.name, c->name, sizeof quiet.name);
    /* who holds the lock for longer has been stopped; the next run with this id then removes what is left */
    if (lock_file(&quiet, c->fd, clock_now_ns() + NS_PER_S, &unused) == DLFW_OK) {
        if (fstat(c->fd, &file) == 0 && file.st_nlink > 0)
            shm_unlink(c->name);
        flock(c->fd, LOCK_UN);
    }
}

void shm_unmap(struct dlfw_coordinator *c)
{
    if (c->seg)
        munmap(c->seg, c->size);
    c->seg = NULL;
    c->data = NULL;
}
