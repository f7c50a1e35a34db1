/* SPDX-License-Identifier: Apache-2.0 */
/* "s3://bucket/prefix", "direct:///data", "data/x" (= file): the scheme picks the plugin, the rest is its root. */
#ifndef DLFW_CORE_IO_URI_H
#define DLFW_CORE_IO_URI_H

#include <stdbool.h>

#include "base/str.h"
#include "dlfw/base.h"

struct uri {
    char *scheme; /* lower case: "file" for bare paths; gcs -> gs, azure -> az */
    char *path;   /* without the scheme, no trailing slashes ("/" stays): "/data/x", "data/x", "bucket/prefix" */
};

dlfw_status uri_parse(const char *text, struct uri *ret, dlfw_error *err);
void uri_free(struct uri *uri);
bool uri_has_scheme(const char *text);
/* DLIO's join(root, id): an absolute id or one with a scheme wins; no double slashes. Caller frees. */
char *uri_join(const char *root, const char *id);
char *uri_text(const struct uri *uri); /* caller frees */

#endif
