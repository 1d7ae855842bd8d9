/* SPDX-License-Identifier: BSD-3-Clause */
/* Contact sheets of samples, as PNG. */
#include "data_folder.h"
#include "main.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t *read_png(const char *path, unsigned format, int *width, int *height)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    cr_assert(png_image_begin_read_from_file(&image, path), "%s", image.message);
    image.format = format;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    cr_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL), "%s", image.message);
    *width = (int)image.width, *height = (int)image.height;
    return pixels;
}

static int temporary_files(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));) n += strstr(e->d_name, ".tmp-") != NULL;
    closedir(dir);
    return n;
}

Test(sheet, shows_the_samples, .init = make_folder, .fini = remove_folder)
{
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, 0, 5);
    int w, h;
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 2, 3), 0);
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 2, 3), 0, "an old file is replaced");
    uint8_t *pixels = read_png(at("sheet.png"), PNG_FORMAT_GRAY, &w, &h);
    cr_expect(w == 3 * 29 + 1 && h == 2 * 29 + 1);
    float *x = gather_all(d, NULL);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 784; k++) {
            int row = i / 3 * 29 + 1 + k / 28, column = i % 3 * 29 + 1 + k % 28;
            cr_assert_float_eq(pixels[row * w + column], x[i * 784 + k] * 255, 1e-3);
        }
    cr_expect_eq(temporary_files(), 0);
    free(x), free(pixels);
    hsgd_data_destroy(&d);
}

Test(sheet, in_colour, .init = make_folder, .fini = remove_folder)
{
    float x[6] = { -1, 0, 1, 1, 1, -1 };
    int32_t labels[2] = { 0, 0 };
    int w, h;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){ 1, 1, 3 }, 1, HSGD_BORROW);
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 1, 2), 0);
    uint8_t *pixels = read_png(at("sheet.png"), PNG_FORMAT_RGB, &w, &h), *first = pixels + (w + 1) * 3;
    cr_expect(w == 5 && h == 3);
    cr_expect(first[0] == 0 && first[1] == 128 && first[2] == 255);
    cr_expect(first[6] == 255 && first[7] == 255 && first[8] == 0);
    free(pixels);
    hsgd_data_destroy(&d);
}

static void expect_no_sheet(const struct hsgd_data *d, const char *path, int rows, int columns, int rc,
                            const char *sentence)
{
    struct hsgd_context *ctx = test_context();
    cr_expect_eq(hsgd_data_sheet(ctx, d, path, rows, columns), rc);
    cr_expect_not_null(strstr(hsgd_error(ctx), sentence), "%s", hsgd_error(ctx));
    cr_expect_eq(temporary_files(), 0);
    hsgd_destroy(&ctx);
}

Test(sheet, failures_leave_nothing, .init = make_folder, .fini = remove_folder)
{
    float x[2] = { 0, 1 };
    int32_t label = 0;
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, 0, 5);
    struct hsgd_data *two = hsgd_data_memory(NULL, x, &label, 1, (struct hsgd_shape){ 1, 1, 2 }, 1, HSGD_BORROW);
    const char *taken = at("MNIST");
    expect_no_sheet(d, taken, 1, 1, -EISDIR, "/MNIST: cannot rename the finished file: Is a directory");
    expect_no_sheet(d, at("none/sheet.png"), 1, 1, -ENOENT, ": No such file or directory");
    expect_no_sheet(d, at("sheet.png"), 0, 3, -EINVAL, "rows x columns is 0 x 3, both must be positive");
    expect_no_sheet(two, at("sheet.png"), 1, 1, -EINVAL, "samples have 2 channels, an image has 1 or 3");
    expect_no_sheet(d, at("sheet.png"), 1, 2000, -EINVAL,
                    "1 x 2000 samples of 28 x 28 pixels are more than 32768 pixels a side");
    cr_expect_eq(access(at("sheet.png"), F_OK), -1);
    hsgd_data_destroy(&d), hsgd_data_destroy(&two);
}
