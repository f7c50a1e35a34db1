/* SPDX-License-Identifier: Apache-2.0 */
/* Object stores keep any bytes as a name. As a path such a name could leave the folder that the user named, or two of
 * them could be the same file: those are refused by name and never written. */
#include "transfer/local_name.h"

#include <string.h>

const char *local_name_problem(const char *name, size_t len)
{
    const char *end = name + len;

    if (!len)
        return "it is empty";
    if (memchr(name, '\0', len))
        return "it has a NUL byte";
    if (name[0] == '/')
        return "it begins with '/'";
    for (const char *part = name; part <= end;) {
        const char *slash = memchr(part, '/', (size_t)(end - part));
        size_t n = (size_t)((slash ? slash : end) - part);

        if (!n)
            return "it has an empty part";
        if (n == 1 && part[0] == '.')
            return "it has a part '.'";
        if (n == 2 && part[0] == '.' && part[1] == '.')
            return "it has a part '..'";
        if (!slash)
            break;
        part = slash + 1;
    }
    return NULL;
}
