/* SPDX-License-Identifier: Apache-2.0 */
#include "train/share_files.h"

#include <stdlib.h>

#include "workload/file_list_pages.h"

#define PAGE_FILES 65536u

struct list_head {
    uint64_t count;
    uint32_t has_names, validated_only;
};

/* A page is as long as its first broadcast says. */
static dlfw_status share_page(struct ranks *ranks, struct file_list *list, uint64_t first, uint64_t count,
                              dlfw_error *err)
{
    bool is_root = ranks->identity.rank == 0;
    struct str page = STR_EMPTY;
    char *data = NULL;
    uint64_t len;
    dlfw_status st;

    if (is_root)
        file_list_page_write(list, first, count, &page);
    len = page.len;
    st = ranks_broadcast(ranks, 0, &len, sizeof len, err);
    if (st < 0)
        goto out;
    data = is_root ? page.data : xmalloc(len);
    st = ranks_broadcast(ranks, 0, data, len, err);
    if (st >= 0 && !is_root && !file_list_page_read(list, first, count, data, len))
        st = dlfw_fail(err, DLFW_E_INTERNAL, "the list of files came damaged from rank 0 at file %llu",
                       (unsigned long long)first);
out:
    if (!is_root)
        free(data);
    str_free(&page);
    return st;
}

dlfw_status share_file_list(struct ranks *ranks, const struct dataset *ds, const char *extension,
                            struct file_list *list, dlfw_error *err)
{
    struct list_head head = {list->count, list->keys != NULL, list->validated_only};
    dlfw_status st;

    if (ranks->identity.world_size == 1)
        return DLFW_OK;
    st = ranks_broadcast(ranks, 0, &head, sizeof head, err);
    if (st < 0)
        return st;
    if (ranks->identity.rank) {
        file_list_begin(ds, extension, head.count, head.has_names != 0, list);
        list->validated_only = head.validated_only != 0;
    }
    for (uint64_t i = 0; i < head.count && st >= 0; i += PAGE_FILES)
        st = share_page(ranks, list, i, head.count - i < PAGE_FILES ? head.count - i : PAGE_FILES, err);
    return st;
}
