/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests go, out of the URI, the options, the environment and the profile, in this order. */
#ifndef DLFW_S3_SETTINGS_H
#define DLFW_S3_SETTINGS_H

#include "options.h"
#include "profile.h"
#include "root.h"

#define S3_REGION_MAX 63u

struct s3_settings {
    bool own_endpoint; /* else Amazon's of the region */
    struct http_origin endpoint;
    char base[256]; /* path in front of everything, "" or "/s3" */
    char region[S3_REGION_MAX + 1];
    enum s3_addressing addressing;
    char *ca_bundle; /* NULL: the system's; owned */
};

dlfw_status s3_settings_make(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                             const struct s3_root *root, const struct s3_profiles *profiles, dlfw_error *err);
void s3_settings_free(struct s3_settings *s);

bool s3_region_valid(const char *region);

/* Origin and the path in front of the object: "/bucket" or "" behind base. region is the current one. */
void s3_settings_address(const struct s3_settings *s, const char *region, const char *bucket, size_t bucket_len,
                         struct http_origin *ret_origin, struct text *path);

#endif
