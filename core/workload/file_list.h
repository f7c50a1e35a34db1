/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a run really reads: found by listing the dataset's folder (one rank lists), or computed when listing
 * is skipped. Files with the names that the run file implies cost 8 bytes each (their size); other people's names are
 * kept as well.
 */
#ifndef DLFW_CORE_WORKLOAD_FILE_LIST_H
#define DLFW_CORE_WORKLOAD_FILE_LIST_H

#include "io/storage.h"
#include "workload/dataset.h"

struct file_list {
    const struct dataset *dataset;
    const char *extension;
    uint64_t count;
    uint64_t *sizes; /* bytes of each object; UINT64_MAX: not known */
    char **keys;     /* NULL: every name is the computed one */
    struct arena arena;
    bool validated_only; /* listing was skipped */
};

/*
 * Lists <root>/<folder>, flat or by subfolders, in DLIO's order (flat: by path; subfolders: by base name). Fewer files
 * than the run file says: NOT_FOUND with DLIO's text and the remedy. More: the first ones are taken, with a warning.
 * With dataset.skip_listing the names are computed and the first, the last and every listing_validation_interval-th
 * file are checked to exist.
 */
dlfw_status file_list_discover(struct io_queue *q, const struct dataset *ds, const char *extension,
                               struct file_list *ret, dlfw_error *err);
/* Computed names and sizes without asking the storage: for backends without real data, and right after generating.
 * size(ctx, file) gives each object's bytes. */
typedef dlfw_status file_size_of(void *ctx, uint64_t file, uint64_t *ret, dlfw_error *err);
dlfw_status file_list_computed(const struct dataset *ds, const char *extension, file_size_of *size, void *ctx,
                               struct file_list *ret, dlfw_error *err);
void file_list_free(struct file_list *list);
/* Key of file i below the data folder; its length. */
uint32_t file_list_key(const struct file_list *list, uint64_t file, char *buf, uint32_t cap);
uint64_t file_list_max_size(const struct file_list *list); /* of the known ones */
uint64_t file_list_total_size(const struct file_list *list);

#endif
