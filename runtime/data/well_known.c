/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets that are known by name, and how to get their files. */
#include "well_known.h"

#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"

#define IDX_FILES "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz"

/* Names in lower case, letters and digits only. */
static const struct {
    const char *name, *what, *fetch, *then;
} sets[] = {
    { "mnist", "MNIST's four IDX files", "-O 'https://ossci-datasets.s3.amazonaws.com/mnist/" IDX_FILES "'",
      "in a folder, then --data FOLDER" },
    { "fashionmnist", "Fashion-MNIST's four IDX files",
      "-O 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/" IDX_FILES "'",
      "in a folder, then --data FOLDER" },
    { "cifar10", "CIFAR-10's binary files (or their archive)",
      "-O https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "then --data cifar-10-binary.tar.gz" },
    { "cifar100", "CIFAR-100's binary files (or their archive)",
      "-O https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "then --data cifar-100-binary.tar.gz" },
};

/* "data/CIFAR-10/" is called cifar10. */
static void plain_name(const char *path, char *out, size_t size)
{
    size_t end = strlen(path), n = 0;
    while (end > 0 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    for (size_t i = begin; i < end && n + 1 < size; i++)
        if (c_isalnum(path[i])) out[n++] = c_tolower(path[i]);
    out[n] = '\0';
}

bool well_known_hint(const char *path, char *out, size_t size)
{
    char name[16];
    plain_name(path, name, sizeof name);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strcmp(name, sets[i].name)) continue;
        snprintf(out, size, "%s are expected there; to get them: curl -f %s (%s)", sets[i].what, sets[i].fetch,
                 sets[i].then);
        return true;
    }
    return false;
}
