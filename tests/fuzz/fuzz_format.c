/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of one format, through the plugin's reader as a host drives it; the driver ends the process on a
 * broken contract. Linked once with each format. */
#include "support/format_driver.h"

#include <stddef.h>

extern const dlfw_plugin dlfw_plugin_v1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct format_read_args ways[] = {
        {.samples = 1, .verify = true, .whole = true},
        {.samples = 4, .verify = true, .piece = 61},
        {.samples = 1, .verify = true, .no_consume = true},
        {.samples = 3, .verify = false, .piece = 4096},
        {.explore = true, .verify = true},
        {.samples = 2, .verify = true, .verify_content = true, .content_object = 1, .unit_samples = 1, .piece = 7},
    };
    static struct format_driver driver;

    if (!driver.ops)
        format_driver_link(&driver, &dlfw_plugin_v1, NULL);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct format_read_args args = ways[i];
        struct format_read r;

        args.data = data;
        args.size = size;
        args.out_limit = 1 << 20;
        format_read_cut_sides(&driver, &args);
        format_read(&driver, &args, &r);
        format_read_free(&r);
    }
    return 0;
}
