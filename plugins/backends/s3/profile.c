/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path in the variable, else the one below the home folder. */
static bool shared_path(const char *variable, const char *file, char *ret, size_t cap)
{
    const char *path = getenv(variable);
    const char *home = getenv("HOME");
    int n;

    if (path && *path && strncmp(path, "~/", 2) != 0)
        n = snprintf(ret, cap, "%s", path);
    else if (home && *home)
        n = snprintf(ret, cap, "%s/%s", home, path && *path ? path + 2 : file);
    else
        return false;
    return n > 0 && (size_t)n < cap;
}

static dlfw_status load_shared(struct s3_ini *ini, const char *variable, const char *file, bool profiles_named,
                               dlfw_error *err)
{
    char path[4096];

    if (!shared_path(variable, file, path, sizeof path))
        return DLFW_OK; /* no home: no such file */
    return s3_ini_load(ini, path, profiles_named, err);
}

static const char *first_set(const char *a, const char *b, const char *c)
{
    if (a && *a)
        return a;
    return b && *b ? b : c;
}

dlfw_status s3_profiles_load(struct s3_profiles *p, const char *name, dlfw_error *err)
{
    const char *asked = first_set(name, getenv("AWS_PROFILE"), getenv("AWS_DEFAULT_PROFILE"));
    dlfw_status st;

    *p = (struct s3_profiles){.asked_for = asked && *asked};
    if (!p->asked_for)
        asked = "default";
    if (strlen(asked) >= sizeof p->name)
        return dlfw_fail(err, DLFW_E_CONFIG, "the profile '%.40s...' has a name of more than %zu bytes", asked,
                         sizeof p->name - 1);
    memcpy(p->name, asked, strlen(asked) + 1);
    st = load_shared(&p->config, "AWS_CONFIG_FILE", ".aws/config", true, err);
    if (st == DLFW_OK)
        st = load_shared(&p->credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false, err);
    if (st == DLFW_OK && strcmp(p->name, "default") != 0 && !s3_profile_exists(p, p->name))
        st = dlfw_fail(err, DLFW_E_CONFIG, "there is no profile '%s' in '%s' or '%s'", p->name,
                       p->config.path ? p->config.path : "~/.aws/config",
                       p->credentials.path ? p->credentials.path : "~/.aws/credentials");
    if (st < 0)
        s3_profiles_free(p);
    return st;
}

void s3_profiles_free(struct s3_profiles *p)
{
    s3_ini_free(&p->credentials);
    s3_ini_free(&p->config);
}

const char *s3_profile_get(const struct s3_profiles *p, const char *profile, const char *key)
{
    const char *value = s3_ini_get(&p->credentials, profile, key);

    return value ? value : s3_ini_get(&p->config, profile, key);
}

bool s3_profile_exists(const struct s3_profiles *p, const char *profile)
{
    return s3_ini_has(&p->credentials, profile) || s3_ini_has(&p->config, profile);
}
