/* SPDX-License-Identifier: Apache-2.0 */
/* Object headers, versions 1 and 2: the list of messages that describe a group or a data set. */
#ifndef DLFW_HDF5_OBJECT_H
#define DLFW_HDF5_OBJECT_H

#include "h5_source.h"

enum {
    H5_MSG_DATASPACE = 0x01,
    H5_MSG_LINK_INFO = 0x02,
    H5_MSG_DATATYPE = 0x03,
    H5_MSG_OLD_FILL = 0x04,
    H5_MSG_FILL = 0x05,
    H5_MSG_LINK = 0x06,
    H5_MSG_EXTERNAL = 0x07,
    H5_MSG_LAYOUT = 0x08,
    H5_MSG_GROUP_INFO = 0x0a,
    H5_MSG_FILTERS = 0x0b,
    H5_MSG_CONTINUATION = 0x10,
    H5_MSG_SYMBOL_TABLE = 0x11
};

/* h5_message.flags */
enum { H5_MSG_SHARED = 1u << 1, H5_MSG_FAIL_UNKNOWN = 1u << 7 };

struct h5_message {
    const uint8_t *data;
    uint64_t offset; /* of data in the file */
    uint32_t size;
    uint16_t type;
    uint8_t flags;
};

struct h5_object {
    uint64_t offset;
    struct h5_message *messages;
    uint32_t count, cap;
    struct h5_message few[16]; /* what messages points at until they are more */
};

/* The messages of the header at address; h5_object_free() ends it whatever was returned. */
dlfw_status h5_object_read(struct h5_source *s, uint64_t address, struct h5_object *ret);
void h5_object_free(struct h5_object *object);
/* The first message of the type, or NULL. */
const struct h5_message *h5_object_find(const struct h5_object *object, uint16_t type);

#endif
