/* SPDX-License-Identifier: Apache-2.0 */
#include "test_checkpoint_files_fixture.h"

#include <check.h>
#include <stdlib.h>

#include "host/content.h"
#include "host/crc.h"

struct checkpoint_fixture *checkpoint_fixture_new(void)
{
    struct checkpoint_fixture *f = calloc(1, sizeof *f);

    ck_assert_ptr_nonnull(f);
    fake_host_init(&f->host);
    f->host.table.content_fill = content_fill;
    f->host.table.content_check = content_check;
    f->host.table.crc32 = crc32_update;
    fake_services_init(&f->services);
    return f;
}

void checkpoint_fixture_free(struct checkpoint_fixture *f)
{
    fake_services_free(&f->services);
    free(f);
}
