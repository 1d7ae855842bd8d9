/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache of decoded pictures: used when it is whole and right, otherwise
 * not noticed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pictures.h"

#include <archive.h>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The only file in the cache, of `files` that there are; NULL: none. */
static const char *kept(int files)
{
    static char path[600];
    int n = 0;
    DIR *folder = opendir("cache");
    for (const struct dirent *d; folder && (d = readdir(folder));)
        if (d->d_name[0] != '.') n++, snprintf(path, sizeof path, "cache/%s", d->d_name);
    if (folder) closedir(folder);
    CHECK_MSG(n == files, "%d files in the cache, expected %d", n, files);
    return n ? path : NULL;
}

static struct hsgd_data *read_train(const char *what)
{
    struct hsgd_context *ctx = pictures_context();
    struct hsgd_data *train = NULL, *test = NULL;
    CHECK_MSG(!hsgd_data_read(ctx, what, NULL, &train, &test), "%s", hsgd_error(ctx));
    REQUIRE(train && hsgd_data_count(train) == 3 && hsgd_data_count(test) == 1);
    hsgd_data_destroy(&test);
    hsgd_destroy(&ctx);
    return train;
}

/* Three pictures to train with, the last one of this seed, and one to test. */
static void put_set(int seed)
{
    put("set/train/a\n\"/1.png", make_png(4, 5, 3, 1));
    put("set/train/a\n\"/2.png", make_png(4, 5, 3, 2));
    put("set/train/b/1.png", make_png(4, 5, 3, seed));
    put("set/test/b/1.png", make_png(4, 5, 3, 4));
}

static void put_archive(int seed)
{
    struct archive *a = tar_begin("set.tar.xz", 'J');
    tar_add(a, "set/train/a\n\"/1.png", make_png(4, 5, 3, 1), NULL);
    tar_add(a, "set/train/a\n\"/2.png", make_png(4, 5, 3, 2), NULL);
    tar_add(a, "set/train/b/1.png", make_png(4, 5, 3, seed), NULL);
    tar_add(a, "set/test/b/1.png", make_png(4, 5, 3, 4), NULL);
    tar_end(a);
}

/* The set as it is without a cache. */
static void check_right(const char *what)
{
    struct hsgd_data *train = read_train(what);
    setenv("HSGD_CACHE", "off", 1);
    struct hsgd_data *want = read_train(what);
    unsetenv("HSGD_CACHE");
    CHECK(same_data(train, want));
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&want);
}

static void begin(void)
{
    pictures_begin();
    unsetenv("HSGD_CACHE");
    setenv("HSGD_CACHE_DIR", "cache", 1);
    put_set(3);
    put_archive(3);
}

/* Pixels that only the cache can have show that it is read. */
static void used(const char *what)
{
    uint8_t before[60], after[60];
    struct hsgd_data *train = read_train(what);
    const char *path = kept(1);
    struct stat st, again;
    sample(train, 2, before);
    hsgd_data_destroy(&train);
    REQUIRE(path && !stat(path, &st));
    train = read_train(what);
    CHECK(!stat(kept(1), &again) && st.st_ino == again.st_ino);
    CHECK(sample(train, 2, after) == 1 && !memcmp(before, after, sizeof after));
    CHECK_STR(hsgd_data_class_name(train, 0), "a\n\"");
    CHECK_STR(hsgd_data_name(train), what);
    hsgd_data_destroy(&train);
}

static void folder(void) { begin(), used("set"); }

static void archive(void) { begin(), used("set.tar.xz"); }

/* What was read before the files changed is not what is read after. */
static void outdated(void)
{
    begin();
    check_right("set");
    check_right("set.tar.xz");
    put_set(7);
    put_archive(7);
    check_right("set");
    check_right("set.tar.xz");
    CHECK(!rename("set/train/b", "set/train/c") && !rename("set/test/b", "set/test/c"));
    struct hsgd_data *train = read_train("set");
    CHECK_STR(hsgd_data_class_name(train, 1), "c");
    hsgd_data_destroy(&train);
    kept(5);
}

/* Every byte of the file changed, and every length. */
static void damaged(void)
{
    begin();
    check_right("set");
    char *path = strdup(kept(1));
    struct bytes whole = get(path);
    for (size_t i = 0; i < whole.n; i += 1 + i / 8 % 7) {
        struct bytes b = { malloc(whole.n), whole.n };
        memcpy(b.at, whole.at, whole.n);
        if (i % 2) b.n = i;
        else b.at[i] ^= 0x21;
        put(path, b);
        check_right("set");
    }
    struct bytes mended = get(path);
    CHECK(mended.n == whole.n && !memcmp(mended.at, whole.at, whole.n)); /* made again */
    free(mended.at), free(whole.at), free(path);
}

static void no_place(void)
{
    begin();
    put_text("file", "x");
    setenv("HSGD_CACHE_DIR", "file/below", 1);
    check_right("set");
    setenv("HSGD_CACHE_DIR", "/proc/nowhere", 1);
    check_right("set");
    char *folders = malloc(6000);
    memset(folders, 'x', 5999);
    folders[5999] = 0;
    setenv("HSGD_CACHE_DIR", folders, 1);
    check_right("set");
    free(folders);
    kept(0);
}

static void usual_places(void)
{
    begin();
    unsetenv("HSGD_CACHE_DIR");
    char here[500], path[600];
    REQUIRE(getcwd(here, sizeof here));
    setenv("HOME", here, 1);
    unsetenv("XDG_CACHE_HOME");
    check_right("set");
    CHECK(!access(".cache/hsgd", R_OK) && !rename(".cache/hsgd", "cache"));
    kept(1);
    snprintf(path, sizeof path, "%s/xdg", here);
    setenv("XDG_CACHE_HOME", path, 1);
    remove_tree("cache");
    check_right("set");
    CHECK(access(".cache/hsgd", R_OK) && !rename("xdg/hsgd", "cache"));
    kept(1);
}

static void switched_off(void)
{
    begin();
    setenv("HSGD_CACHE", "off", 1);
    struct hsgd_data *train = read_train("set.tar.xz");
    kept(0);
    hsgd_data_destroy(&train);
}

/* Processes that write and read the same file at the same time. */
static void together(void)
{
    pid_t child[6];
    begin();
    for (int i = 0; i < 6; i++) {
        child[i] = fork();
        if (child[i]) continue;
        for (int turn = 0; turn < 20; turn++) {
            check_right("set.tar.xz");
            if (i == 0) remove_tree("cache");
        }
        core_end();
    }
    for (int i = 0; i < 6; i++) {
        int status;
        CHECK(waitpid(child[i], &status, 0) == child[i] && status == 0);
    }
    check_right("set.tar.xz");
    kept(1);
}

static double read_seconds(const char *path, struct hsgd_data **train, struct hsgd_data **test)
{
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    REQUIRE(!hsgd_data_read(NULL, path, NULL, train, test));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

/* A second start on CIFAR-10 is a small part of the first: a fifteenth where
 * this was written. */
static void cifar(void)
{
    const char *data = getenv("HSGD_TEST_DATA");
    struct hsgd_data *train, *test, *again, *test_again;
    char path[600];
    snprintf(path, sizeof path, "%s/cifar10/cifar10-jpeg.tar.xz", data ? data : "");
    if (access(path, R_OK)) {
        core_skip("CIFAR-10: HSGD_TEST_DATA has no cifar10/cifar10-jpeg.tar.xz");
        return;
    }
    begin();
    double first = read_seconds(path, &train, &test), second = read_seconds(path, &again, &test_again);
    printf("  %.2f s, then %.2f s\n", first, second);
    CHECK_MSG(second < first / 4, "%.2f s, then %.2f s", first, second);
    CHECK(hsgd_data_count(train) == 50000 && hsgd_data_count(test) == 10000 && hsgd_data_classes(train) == 10);
    CHECK_STR(hsgd_data_class_name(train, 0), "airplane");
    CHECK_STR(hsgd_data_class_name(again, 9), "truck");
    CHECK(same_data(train, again) && same_data(test, test_again));
    hsgd_data_destroy(&train), hsgd_data_destroy(&test), hsgd_data_destroy(&again), hsgd_data_destroy(&test_again);
}

static const struct core_case cases[] = {
    { "folder", folder },
    { "archive", archive },
    { "outdated", outdated },
    { "damaged", damaged },
    { "no_place", no_place },
    { "usual_places", usual_places },
    { "switched_off", switched_off },
    { "together", together },
    { "cifar", cifar },
};
CORE_MAIN(cases)
