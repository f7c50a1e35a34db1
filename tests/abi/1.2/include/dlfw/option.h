/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/option.h - a plugin states its options as a table; the host parses, checks, defaults, stores, prints
 * and documents them. A plugin normally never touches the configuration tree.
 *
 * A row binds one key to one member of the plugin's options struct. Strings and lists stored into the struct
 * belong to the host and live as long as the instance. Defaults, minima and maxima are text that goes through
 * the same parser as the user's value: what is documented is what happens.
 */
#ifndef DLFW_OPTION_H
#define DLFW_OPTION_H

#include "dlfw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlfw_node dlfw_node; /* one read-only node of the configuration tree; host side */

/* dlfw_option.type, the C type of the bound member, and the text it accepts */
enum {
    DLFW_TYPE_BOOL = 1,      /* uint8_t      true false yes no on off */
    DLFW_TYPE_I64 = 2,       /* int64_t      decimal, 1_000 allowed */
    DLFW_TYPE_U64 = 3,       /* uint64_t     decimal, 1_000 allowed */
    DLFW_TYPE_F64 = 4,       /* double       1.5, 1e-3 */
    DLFW_TYPE_STR = 5,       /* const char * any scalar, as written */
    DLFW_TYPE_ENUM = 6,      /* uint32_t     one of choices; stored as its index */
    DLFW_TYPE_SIZE = 7,      /* uint64_t     bytes: 4096, 64KiB, 8MiB, 1GB (10^9), 2GiB */
    DLFW_TYPE_DURATION = 8,  /* uint64_t     nanoseconds: 250ms, 1.5s, 10us, 2min, 1h; a bare number is seconds */
    DLFW_TYPE_RATE = 9,      /* uint64_t     bytes per second: 100MiB/s, 1GB/s */
    DLFW_TYPE_PATH = 10,     /* const char * file system path */
    DLFW_TYPE_URI = 11,      /* const char * */
    DLFW_TYPE_KEY = 12,      /* const char * object key */
    DLFW_TYPE_SECRET = 13,   /* const char * literal, env:NAME or file:PATH; never printed */
    DLFW_TYPE_LIST_STR = 14, /* dlfw_str_list a YAML list of scalars, or one scalar */
    DLFW_TYPE_NODE = 15      /* const dlfw_node * the raw node; read it with the host's node getters */
};

/* dlfw_option.flags */
enum {
    DLFW_OPT_REQUIRED = 1u << 0,
    DLFW_OPT_DEPRECATED = 1u << 1, /* accepted with a warning that names replaced_by */
    DLFW_OPT_ADVANCED = 1u << 2    /* left out of short listings */
};

/* dlfw_option.offset of a row that is checked and documented but stored nowhere. 0 is a valid offset. */
#define DLFW_OPT_UNBOUND UINT32_MAX

typedef struct dlfw_str_list {
    const char *const *items;
    uint32_t count;
    uint32_t reserved0;
} dlfw_str_list;

typedef struct dlfw_option {
    uint32_t struct_size; /* the stride of the table, so that rows can grow */
    uint16_t type;        /* DLFW_TYPE_* */
    uint16_t field_size;  /* sizeof the bound member */
    uint32_t offset;      /* of the bound member, or DLFW_OPT_UNBOUND */
    uint32_t flags;       /* DLFW_OPT_* */
    const char *name;
    const char *def;  /* default as text; NULL: zero / not set */
    const char *min;  /* smallest accepted value as text; NULL: none */
    const char *max;  /* largest accepted value as text; NULL: none */
    const char *const *choices; /* NULL-terminated, for DLFW_TYPE_ENUM */
    const char *replaced_by;    /* with DLFW_OPT_DEPRECATED */
    const char *help;           /* one line, required */
} dlfw_option;

#ifndef __cplusplus
/* 0 when the member has the C type that the option type stores; otherwise the build fails. */
#define DLFW_MEMBER_IS(strct, member, ctype) \
    (0 * (uint32_t)sizeof(char[_Generic(((strct *)0)->member, ctype: 1, default: -1)]))

#define DLFW_OPT_ROW(opt_type, strct, member, ctype, ...)                                         \
    {                                                                                             \
        .struct_size = (uint32_t)sizeof(dlfw_option), .type = (opt_type),                         \
        .field_size = (uint16_t)sizeof(((strct *)0)->member),                                     \
        .offset = (uint32_t)offsetof(strct, member) + DLFW_MEMBER_IS(strct, member, ctype),       \
        .name = #member, __VA_ARGS__                                                              \
    }

#define DLFW_OPT_BOOL(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_BOOL, s, m, uint8_t, __VA_ARGS__)
#define DLFW_OPT_I64(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_I64, s, m, int64_t, __VA_ARGS__)
#define DLFW_OPT_U64(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_U64, s, m, uint64_t, __VA_ARGS__)
#define DLFW_OPT_F64(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_F64, s, m, double, __VA_ARGS__)
#define DLFW_OPT_STR(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_STR, s, m, const char *, __VA_ARGS__)
#define DLFW_OPT_ENUM(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_ENUM, s, m, uint32_t, __VA_ARGS__)
#define DLFW_OPT_SIZE(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_SIZE, s, m, uint64_t, __VA_ARGS__)
#define DLFW_OPT_DURATION(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_DURATION, s, m, uint64_t, __VA_ARGS__)
#define DLFW_OPT_RATE(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_RATE, s, m, uint64_t, __VA_ARGS__)
#define DLFW_OPT_PATH(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_PATH, s, m, const char *, __VA_ARGS__)
#define DLFW_OPT_URI(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_URI, s, m, const char *, __VA_ARGS__)
#define DLFW_OPT_KEY(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_KEY, s, m, const char *, __VA_ARGS__)
#define DLFW_OPT_SECRET(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_SECRET, s, m, const char *, __VA_ARGS__)
#define DLFW_OPT_LIST(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_LIST_STR, s, m, dlfw_str_list, __VA_ARGS__)
#define DLFW_OPT_NODE(s, m, ...) DLFW_OPT_ROW(DLFW_TYPE_NODE, s, m, const dlfw_node *, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif
#endif
