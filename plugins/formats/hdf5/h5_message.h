/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a data set's header, each into its part of struct h5_set. */
#ifndef DLFW_HDF5_MESSAGE_H
#define DLFW_HDF5_MESSAGE_H

#include "h5_file.h"
#include "h5_object.h"

/* DLFW_OK, an error, or H5_BEYOND. */
dlfw_status h5_message_dataspace(struct h5_source *s, const struct h5_message *m, struct h5_set *set);
/* A type without numbers is no error here: set->type.refused says what it is. */
dlfw_status h5_message_datatype(struct h5_source *s, const struct h5_message *m, struct h5_set *set);
dlfw_status h5_message_fill(struct h5_source *s, const struct h5_message *m, struct h5_set *set);
dlfw_status h5_message_filters(struct h5_source *s, const struct h5_message *m, struct h5_set *set);

#endif
