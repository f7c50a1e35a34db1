/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody means to remove as a whole. */
#ifndef DLFW_CORE_CMD_STORAGE_SAFETY_H
#define DLFW_CORE_CMD_STORAGE_SAFETY_H

#include "io/storage.h"

/* DLFW_OK: everything below the storage's root may go. The root of a service or of the file system may never, a whole
 * bucket, the working directory and the home directory, and what holds them, only with force. */
dlfw_status storage_may_go(const struct storage *storage, bool force, dlfw_error *err);
/* The root is a bucket, or what buckets are in; it is there also when nothing is in it, as a prefix is not. */
bool storage_is_bucket(const struct storage *storage);

#endif
