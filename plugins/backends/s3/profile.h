/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon's shared files: ~/.aws/config and ~/.aws/credentials, and the profile that is used of them. */
#ifndef DLFW_S3_PROFILE_H
#define DLFW_S3_PROFILE_H

#include "../common/cloud/cloud.h"

struct s3_ini_row {
    const char *section; /* of "[profile x]" and "[x]": "x" */
    const char *key;     /* "region"; "s3.addressing_style" where it is indented below "s3 =" */
    const char *value;
};

struct s3_ini {
    char *path;
    char *text; /* the rows point into it */
    size_t text_len;
    struct s3_ini_row *rows;
    uint32_t count;
    bool exists;
};

/* profiles_named: sections are "[profile x]" (config); else "[x]" (credentials). A file that is not there has no rows.
 */
dlfw_status s3_ini_load(struct s3_ini *ini, const char *path, bool profiles_named, dlfw_error *err);
/* The same for a text; ini->text is NULL before. */
dlfw_status s3_ini_parse(struct s3_ini *ini, const char *text, size_t len, bool profiles_named, dlfw_error *err);
void s3_ini_free(struct s3_ini *ini);                                                   /* wipes it */
const char *s3_ini_get(const struct s3_ini *ini, const char *section, const char *key); /* NULL: not there */
bool s3_ini_has(const struct s3_ini *ini, const char *section);

struct s3_profiles {
    struct s3_ini credentials;
    struct s3_ini config;
    char name[128];
    bool asked_for; /* by option or environment, not just "default" */
};

/* name: the option, NULL: AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". A profile that was asked for and is nowhere is
 * an error. */
dlfw_status s3_profiles_load(struct s3_profiles *p, const char *name, dlfw_error *err);
void s3_profiles_free(struct s3_profiles *p);
/* From the credentials file, else the config file. */
const char *s3_profile_get(const struct s3_profiles *p, const char *profile, const char *key);
bool s3_profile_exists(const struct s3_profiles *p, const char *profile);

#endif
