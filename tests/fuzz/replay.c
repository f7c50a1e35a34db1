/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files and folders of inputs, so that every build replays the corpus without a fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    FILE *f = fopen(path, "rb");
    int ok = data && f && fread(data, 1, size, f) == size;

    if (ok)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "cannot read %s\n", path);
    if (f)
        fclose(f);
    free(data);
    return ok;
}

/* Returns how many inputs were run, negative when something could not be read. */
static int replay(const char *path)
{
    struct stat st;
    struct dirent *entry;
    DIR *dir;
    int count = 0;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path, (size_t)st.st_size) ? 1 : -1;
    dir = opendir(path);
    while (dir && count >= 0 && (entry = readdir(dir))) {
        char child[4096];
        int n;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        n = replay(child);
        count = n < 0 ? n : count + n;
    }
    if (dir)
        closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);

        if (n < 0)
            return EXIT_FAILURE;
        count += n;
    }
    printf("%d inputs\n", count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
