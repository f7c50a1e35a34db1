/* SPDX-License-Identifier: Apache-2.0 */
/* The two plugins a dataset needs, opened from the run file: the storage that holds it and the format it has. */
#ifndef DLFW_CORE_WORKLOAD_DATASET_ACCESS_H
#define DLFW_CORE_WORKLOAD_DATASET_ACCESS_H

#include <pthread.h>

#include "io/storage.h"
#include "plugin/host_table.h"
#include "workload/run_config.h"

struct dataset_access {
    struct storage *storage;
    const struct plugin_iface *format_iface;
    dlfw_format *format;
    pthread_mutex_t format_lock;          /* where format_serial may point */
    pthread_mutex_t *format_serial;       /* to be held during calls of the format, by its thread class; NULL: none */
    struct host_instance format_instance; /* the plugin holds a pointer to it */
    char *uri;
};

enum { ACCESS_READ = 1, ACCESS_WRITE = 2 };

/*
 * The URI is storage_root joined with data_folder; without a scheme, storage.storage_type chooses it (local_fs = file).
 * reader.odirect turns file into direct for ACCESS_READ. All mistakes in options go to problems; any of them fails the
 * call with DLFW_E_CONFIG. rank: of the run, for storages that choose an endpoint by it. check_only: the backend is not
 * used afterwards (`dlfw validate`). *ret must not move while it is open.
 */
dlfw_status dataset_access_open(struct run_config *cfg, struct registry *reg, uint32_t mode, uint32_t rank,
                                bool check_only, struct problem_list *problems, struct dataset_access *ret,
                                dlfw_error *err);
/* Only the format, with no storage: for what is computed from the run file alone. */
dlfw_status dataset_access_open_format(struct run_config *cfg, struct registry *reg, struct problem_list *problems,
                                       struct dataset_access *ret, dlfw_error *err);
void dataset_access_close(struct dataset_access *access);

#endif
