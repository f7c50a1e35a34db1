/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as a profile describes them: keys, a role for another profile's keys, a program. */
#include <stdlib.h>
#include <string.h>

#include "credentials.h"

#define PROFILES_MAX 5u /* of a chain of source_profile */

static const char *get(const struct s3_chain *chain, const char *profile, const char *key)
{
    return s3_profile_get(chain->profiles, profile, key);
}

static dlfw_status find_in(const struct s3_chain *chain, const char *profile, uint32_t depth, bool keys_first,
                           struct s3_found *ret, dlfw_error *err);

/* Keys that may assume the profile's role. */
static dlfw_status find_source(const struct s3_chain *chain, const char *profile, uint32_t depth, struct s3_found *ret,
                               dlfw_error *err)
{
    const char *source = get(chain, profile, "source_profile");
    const char *kind = get(chain, profile, "credential_source");
    dlfw_status st = DLFW_END;

    if (source && !s3_profile_exists(chain->profiles, source))
        return dlfw_fail(err, DLFW_E_CONFIG, "the profile '%s' names the source_profile '%s', which is nowhere",
                         profile, source);
    if (source && depth + 1 >= PROFILES_MAX)
        return dlfw_fail(err, DLFW_E_CONFIG, "the profile '%s' is part of too long a chain of source_profile", profile);
    if (source)
        st = find_in(chain, source, depth + 1, strcmp(source, profile) == 0, ret, err);
    else if (kind && strcmp(kind, "Environment") == 0)
        st = s3_from_environment(chain, ret, err);
    else if (kind && strcmp(kind, "EcsContainer") == 0)
        st = s3_from_container(chain, ret, err);
    else if (kind && strcmp(kind, "Ec2InstanceMetadata") == 0)
        st = s3_from_instance(chain, ret, err);
    else
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "the profile '%s' has a role_arn, and neither source_profile nor a known credential_source",
                         profile);
    if (st == DLFW_END)
        return dlfw_fail(err, DLFW_E_AUTH, "the profile '%s' takes its keys from '%s', where there are none", profile,
                         source ? source : kind);
    return st;
}

static dlfw_status find_role(const struct s3_chain *chain, const char *profile, uint32_t depth, struct s3_found *ret,
                             dlfw_error *err)
{
    const struct s3_role role = {.arn = get(chain, profile, "role_arn"),
                                 .session = get(chain, profile, "role_session_name"),
                                 .external_id = get(chain, profile, "external_id"),
                                 .duration = get(chain, profile, "duration_seconds"),
                                 .token_file = get(chain, profile, "web_identity_token_file")};
    struct s3_found base = {0};
    dlfw_status st;

    if (role.token_file)
        return s3_sts_web_identity(chain, &role, ret, err);
    if (get(chain, profile, "mfa_serial"))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "the profile '%s' asks for a code (mfa_serial): export keys with 'aws configure "
                         "export-credentials --profile %s' and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
                         "AWS_SESSION_TOKEN",
                         profile, profile);
    st = find_source(chain, profile, depth, &base, err);
    if (st == DLFW_OK)
        st = s3_sts_assume_role(chain, &role, &base, ret, err);
    s3_found_free(&base);
    return st;
}

static dlfw_status find_in(const struct s3_chain *chain, const char *profile, uint32_t depth, bool keys_first,
                           struct s3_found *ret, dlfw_error *err)
{
    const char *id = get(chain, profile, "aws_access_key_id");
    const char *secret = get(chain, profile, "aws_secret_access_key");
    const char *process = get(chain, profile, "credential_process");

    if (!keys_first && get(chain, profile, "role_arn"))
        return find_role(chain, profile, depth, ret, err);
    if (id || secret)
        return s3_found_set(ret, id, secret, get(chain, profile, "aws_session_token"), UINT64_MAX, "the profile", err);
    if (process)
        return s3_from_process(chain, process, ret, err);
    if (get(chain, profile, "sso_session") || get(chain, profile, "sso_start_url"))
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "the profile '%s' uses single sign-on: put 'credential_process = aws configure "
                         "export-credentials --profile %s' into another profile and use that one",
                         profile, profile);
    return DLFW_END;
}

dlfw_status s3_from_profile(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err)
{
    return find_in(chain, chain->profiles->name, 0, false, ret, err);
}
