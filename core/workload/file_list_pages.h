/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file list as bytes, page by page, for handing it to other ranks: sizes as differences from the one before, names
 * without what they share with the one before. A list with computed names of equal files costs one byte per file.
 */
#ifndef DLFW_CORE_WORKLOAD_FILE_LIST_PAGES_H
#define DLFW_CORE_WORKLOAD_FILE_LIST_PAGES_H

#include "workload/file_list.h"

/* Files [first, first + count) of the list, appended to out. */
void file_list_page_write(const struct file_list *list, uint64_t first, uint64_t count, struct str *out);
/* The other way round: list has its arrays (file_list_begin), the page fills them. False: these bytes are no such page.
 */
bool file_list_page_read(struct file_list *list, uint64_t first, uint64_t count, const char *data, uint64_t len);
/* An empty list of count files; names: they are not the computed ones. */
void file_list_begin(const struct dataset *ds, const char *extension, uint64_t count, bool names,
                     struct file_list *ret);

#endif
