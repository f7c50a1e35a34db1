/* SPDX-License-Identifier: Apache-2.0 */
/* A location, and after a NUL the id of an object below it: what is parsed reads back from its text, and an id stays
 * below its root. */
#include <stdlib.h>
#include <string.h>

#include "io/uri.h"
#include "finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct uri *uri)
{
    struct uri again = {.scheme = NULL};
    char *text = uri_text(uri);

    if (uri_parse(text, &again, NULL) < 0 || strcmp(uri->scheme, again.scheme) != 0 ||
        strcmp(uri->path, again.path) != 0)
        finding("scheme '%s', path '%s' do not read back from '%s'", uri->scheme, uri->path, text);
    uri_free(&again);
    free(text);
}

static void check_join(const char *text, const struct uri *root, const char *id)
{
    char *joined = uri_join(text, id);
    bool is_absolute = id[0] == '/' || uri_has_scheme(id);
    struct uri uri = {.scheme = NULL};

    DLFW_BUG_IF(is_absolute && strcmp(joined, id) != 0);
    if (!is_absolute && (uri_parse(joined, &uri, NULL) < 0 || strcmp(uri.scheme, root->scheme) != 0 ||
                         strncmp(uri.path, root->path, strlen(root->path)) != 0))
        finding("root '%s' and id '%s' make '%s', which lies outside", text, id, joined);
    uri_free(&uri);
    free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    size_t len = strlen(text);
    const char *id = len < size ? text + len + 1 : "train/img_1.npz";
    struct uri uri = {.scheme = NULL};
    struct error_slot slot;

    error_slot_init(&slot);
    if (uri_parse(text, &uri, &slot.e) >= 0) {
        check_text(&uri);
        check_join(text, &uri, id);
    } else {
        DLFW_BUG_IF(uri.scheme || uri.path);
        message_is_one_line(slot.text);
    }
    uri_free(&uri);
    free(text);
    return 0;
}
