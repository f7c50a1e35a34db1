/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing by rename. Invariant: whatever fails, the name holds either what it held before or the whole new text; a
 * name that stands for a pipe or a device keeps doing so. */
#include "report/result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* The file that a rename replaces: path, or what it is a link to. NULL: there is a pipe, a terminal, a device or a file
 * without a name (/dev/stdout can be each), written in place, for a rename would put a file where it was. */
static char *replaced_by(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return xstrdup(path);
    return S_ISREG(info.st_mode) ? realpath(path, NULL) : NULL;
}

dlfw_status result_file_begin(const char *folder, const char *name, struct result_file *ret, dlfw_error *err)
{
    struct result_file f = {0};
    dlfw_status st = DLFW_OK;
    int fd = -1;

    f.path = xformat("%s/%s", folder, name);
    f.target = replaced_by(f.path);
    if (f.target) {
        f.temp = xformat("%s.tmp.%ld", f.target, (long)getpid());
        fd = open(f.temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    } else {
        fd = open(f.path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    }
    if (fd < 0) {
        st = dlfw_fail_errno(err, errno, "cannot create '%s'", f.path);
        goto out;
    }
    f.stream = fdopen(fd, "w");
    if (!f.stream) {
        st = dlfw_fail_errno(err, errno, "cannot open a stream for '%s'", f.path);
        close(fd);
        goto out;
    }
    *ret = f;
    f = (struct result_file){0};
out:
    result_file_abort(&f);
    return st;
}

dlfw_status result_file_commit(struct result_file *f, dlfw_error *err)
{
    dlfw_status st = DLFW_OK;
    int failed;

    if (fflush(f->stream) != 0 || ferror(f->stream) || (f->temp && fsync(fileno(f->stream)) != 0)) {
        st = dlfw_fail_errno(err, errno ? errno : EIO, "cannot write '%s'", f->path);
        goto out;
    }
    failed = fclose(f->stream);
    f->stream = NULL;
    if (failed || (f->temp && rename(f->temp, f->target) != 0)) {
        st = dlfw_fail_errno(err, errno, "cannot write '%s'", f->path);
        goto out;
    }
    free(f->temp);
    f->temp = NULL;
out:
    result_file_abort(f);
    return st;
}

void result_file_abort(struct result_file *f)
{
    if (f->stream)
        fclose(f->stream);
    if (f->temp)
        unlink(f->temp);
    free(f->temp);
    free(f->target);
    free(f->path);
    *f = (struct result_file){0};
}

dlfw_status result_file_write(const char *folder, const char *name, const char *text, size_t len, dlfw_error *err)
{
    struct result_file f = {0};
    dlfw_status st;

    st = result_file_begin(folder, name, &f, err);
    if (st < 0)
        return st;
    fwrite(text, 1, len, f.stream);
    return result_file_commit(&f, err);
}

dlfw_status result_file_remove(const char *folder, const char *name, dlfw_error *err)
{
    char *path = xformat("%s/%s", folder, name);
    dlfw_status st = DLFW_OK;

    if (unlink(path) != 0 && errno != ENOENT)
        st = dlfw_fail_errno(err, errno, "cannot remove '%s' of an earlier run", path);
    free(path);
    return st;
}

static dlfw_status make_one(const char *path, dlfw_error *err)
{
    struct stat info;

    if (mkdir(path, 0755) == 0)
        return DLFW_OK;
    if (errno != EEXIST)
        return dlfw_fail_errno(err, errno, "cannot create the folder '%s'", path);
    if (stat(path, &info) != 0)
        return dlfw_fail_errno(err, errno, "cannot use '%s' as a folder", path);
    if (!S_ISDIR(info.st_mode))
        return dlfw_fail(err, DLFW_E_EXISTS, "cannot create the folder '%s': a file has that name", path);
    return DLFW_OK;
}

dlfw_status result_folder_make(const char *path, dlfw_error *err)
{
    char *part = xstrdup(path);
    dlfw_status st = DLFW_OK;

    for (char *slash = strchr(part + 1, '/'); *part && slash && st >= 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        st = make_one(part, err);
        *slash = '/';
    }
    if (st >= 0)
        st = make_one(path, err);
    free(part);
    return st;
}
