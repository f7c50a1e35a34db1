/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the results directory: written under a temporary name, synced, then renamed, so that a name never stands for
 * half a file. A link stays one; a name of a pipe or a device is written to as it is. */
#ifndef DLFW_CORE_REPORT_RESULT_FILE_H
#define DLFW_CORE_REPORT_RESULT_FILE_H

#include <stdio.h>

#include "dlfw/base.h"

struct result_file {
    char *path;
    char *target; /* what the rename replaces; NULL: written in place */
    char *temp;
    FILE *stream; /* write here; errors are found by commit */
};

dlfw_status result_file_begin(const char *folder, const char *name, struct result_file *ret, dlfw_error *err);
/* Publishes the file; on failure nothing of it is left. *f is empty afterwards. */
dlfw_status result_file_commit(struct result_file *f, dlfw_error *err);
void result_file_abort(struct result_file *f); /* empty is fine */

/* A whole text as one file. */
dlfw_status result_file_write(const char *folder, const char *name, const char *text, size_t len, dlfw_error *err);
/* Removes what an earlier run left under the name; missing is fine. */
dlfw_status result_file_remove(const char *folder, const char *name, dlfw_error *err);
/* The folder and those above it, mode 0755. */
dlfw_status result_folder_make(const char *path, dlfw_error *err);

#endif
