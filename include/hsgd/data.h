/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets: labelled samples in memory, made or read. */
#ifndef HSGD_DATA_H
#define HSGD_DATA_H

#include <hsgd/context.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Shape of one sample, NHWC without N.  Plain features: {1, 1, n}. */
struct hsgd_shape { int h, w, c; };

struct hsgd_data;

/* Which part of a data set. */
enum hsgd_split { HSGD_TRAIN, HSGD_TEST };

/* What is known of the data that a model was trained with: format, names and
 * order of the columns, column of the labels, classes, size and channels of
 * images, unit of the values (8-bit numbers count as 0 to 1, all others as they
 * are), and a fingerprint of the samples.  Checkpoints have one. */
struct hsgd_record;

/* How to read; 0 is the default of every field. */
struct hsgd_data_options {
    size_t size;                     /* of this struct */
    const char *format;              /* NULL: found by content; else a name of hsgd_data_format_at() */
    const char *label;               /* column or array that holds the labels, where the format has several */
    int features;                    /* number of features of plain samples; 0: as many as there are */
    int classes;                     /* > 0: labels are among class_name[0..classes); 0: those of the record, else of
                                        the training set; < 0: those of the training set, whatever the record says */
    const char *const *class_name;   /* NULL: "0", "1", ... */
    int resize;                      /* > 0: pictures of any size become this high and wide */
    bool keep_going;                 /* damaged images are passed over, when they are 1 % of all at most */
    struct hsgd_record *record;      /* read it as this data was, see hsgd_record_create(); NULL: for itself */
    bool any_classes;                /* numeric labels are classes even if they have fractions, or more different
                                        values than half of the samples (and than 20) */
    const char *ignore;              /* columns of a CSV that are left out: names or numbers from 1, with commas
                                        between; NULL: none */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_data_defaults(struct hsgd_data_options *o, size_t size);

/* Opens "digits" or a path, and gives its training part and, where there is
 * one, its test part (else *test is NULL).
 * "digits" is built in: samples 0..11999 of seed 0 to train with, 2000 that
 * are never among them to test with (hsgd_data_digits).
 * A path is, by content:
 * idx      a folder with the four IDX files of MNIST under their usual or
 *          torchvision names (also in raw/ or MNIST/raw/ below it), plain or
 *          gzip-compressed; images have 3 dimensions, or 4 with channels.
 *          There are as many classes as the largest training label and one.
 * cifar    a folder with CIFAR-10's binary files (data_batch_1.bin to
 *          data_batch_5.bin, test_batch.bin, batches.meta.txt) or CIFAR-100's
 *          (label "fine", the default, or "coarse"), or with it in a folder.
 * images   a folder with train/CLASS/ and test/CLASS/ (or val/, validation/
 *          and other usual names, in any letter case), or with CLASS/ alone and
 *          then no test part; below them PNG and JPEG files at any depth, grey or RGB, all of one size
 *          unless `resize` is given: then the shorter side becomes that long
 *          and the middle is taken.  Classes are the folders in order of their
 *          names.
 * tar      either of these in a tar archive, plain, gzip or xz.
 * zip      the same in a zip archive.
 * npy      a NumPy array, N x features, N x H x W or N x H x W x C, in C or
 *          Fortran order, with its
 *          labels in a file beside it (y_train.npy for x_train.npy,
 *          NAME_labels.npy or labels.npy; or the file `label`).
 * npz      a NumPy archive with x_train and y_train, x and y, images and
 *          labels or the like, and x_test and y_test where there is a test part.
 * libsvm   a text of lines LABEL INDEX:VALUE ..., sparse; NAME.t is its test part.
 * csv      a text with names of columns in its first line that is neither blank
 *          nor a comment, separated by comma, semicolon or tab; labels are in the
 *          column `label` (name or number from 1), else in "label", "class",
 *          "target" or "y", else in the last one.
 * The last four may be gzip or xz but for npz.  Their classes are the distinct
 * labels of the training part, sorted; numbers are compared as they are
 * written, and refused where they look like measurements (any_classes).  doc/data.md has examples and limits.
 * Pictures once decoded are kept in $HSGD_CACHE_DIR, see doc/environment.md.
 * options NULL: all defaults.  train or test NULL: not wanted.
 * Errors, then both are NULL: -ENOENT, -EIO, -EINVAL, -ENOMEM; the sentence
 * names the file, the field (or line) and the value. */
HSGD_API int hsgd_data_read(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *options,
                            struct hsgd_data **train, struct hsgd_data **test);

/* The record of a data set: to read other data as it was read.  With it in
 * hsgd_data_options,
 * - label, classes and features that are not given are those of the record,
 *   the label where the format is the same;
 * - columns with names are matched by them: another order is put right, a
 *   missing or unknown one is refused (-EINVAL) with both names;
 * - images of other sizes are scaled to those of the record where these are
 *   square; grey images become three equal channels where it has colours, and
 *   colours grey (0.299 R + 0.587 G + 0.114 B) where it has one channel;
 * - values in another unit are converted where the record leaves no doubt,
 *   else refused: integers from 0 to 255 for 8-bit numbers, 8-bit numbers for
 *   others.
 * What was changed is logged as a warning, once for each record and kind of
 * change.  NULL: -EINVAL d is NULL; -ENOMEM. */
HSGD_API struct hsgd_record *hsgd_record_create(struct hsgd_context *ctx, const struct hsgd_data *d);

/* Whether d is the data of the record, as far as count, classes, columns and a
 * fingerprint of its samples (all of a small set, else the first, the last and
 * some between) show: 0, or -EINVAL with the first difference. */
HSGD_API int hsgd_record_check(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d);

/* The format, as hsgd_data_format(); "" where columns, unit and samples are not
 * known: a checkpoint of version 0.1 has only shape and classes.  "" for NULL. */
HSGD_API const char *hsgd_record_format(const struct hsgd_record *r);

/* NULL-safe. */
HSGD_API void hsgd_record_destroy(struct hsgd_record **r);

/* Samples without labels (they count as class 0), for predictions, from the
 * bytes of one file; `name` stands for it in messages.  By content:
 * a PNG or JPEG picture   one sample; of another size it is scaled, the shorter
 *                         side to the shape's, and the middle taken (the shape
 *                         must be square then); colours become grey (0.299 R +
 *                         0.587 G + 0.114 B) where the shape has one channel
 * a NumPy array (.npy)    N x h x w x c, N x h x w, or N x features
 * a NumPy archive (.npz)  its x_train, x, images or the like
 * IDX images              as MNIST's, N x h x w or N x h x w x c
 * LIBSVM text             with labels, which are passed over, or without
 * rows of numbers         h*w*c in a line, with comma, semicolon or tab between;
 *                         a first line that is not all numbers and missing
 *                         values is a header.  With a record its columns are
 *                         matched by name, and the one that was the label in
 *                         training is passed over; without one a column
 *                         "label", "class", "target" or "y" is
 * All but archives may be gzip- or xz-compressed.  record: that of the training
 * data, see hsgd_record_create(); NULL: not known.
 * Errors (NULL): -EINVAL also when samples are not of this shape; -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_input(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
                                           struct hsgd_shape shape, struct hsgd_record *record);

/* Names of the formats, in the order they are looked for; NULL after the last. */
HSGD_API const char *hsgd_data_format_at(int i);

/* One part of hsgd_data_read() with default options.
 * Errors (NULL): as there; -ENOENT when there is no such part. */
HSGD_API struct hsgd_data *hsgd_data_open(struct hsgd_context *ctx, const char *what, enum hsgd_split split);

/* `count` handwritten-looking digits, 28x28x1 grey, 10 classes: stroke shapes
 * with random slant, thickness, scale, shift and noise.  Sample i is a pure
 * function of (seed, first + i), the same on every machine.
 * Errors (NULL): -EINVAL unless first >= 0, count > 0, first + count <= 2^54;
 * -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_digits(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count);

/* Samples in memory: x is count x h x w x c floats, labels count class
 * indices in [0, classes).
 * Errors (NULL): -EINVAL on a label out of range or a non-finite value. */
HSGD_API struct hsgd_data *hsgd_data_memory(struct hsgd_context *ctx, const float *x, const int32_t *labels,
                                            int64_t count, struct hsgd_shape shape, int classes,
                                            enum hsgd_ownership ownership);

/* Splits off the last `count` samples of a seeded permutation: *rest keeps
 * the others.  Both borrow the samples of d, which must outlive them.
 * Errors: -EINVAL unless 0 < count < hsgd_data_count(d); -ENOMEM; then both
 * are NULL. */
HSGD_API int hsgd_data_split(struct hsgd_context *ctx, const struct hsgd_data *d, int64_t count, uint64_t seed,
                             struct hsgd_data **part, struct hsgd_data **rest);

/* Frees a data set.  NULL-safe. */
HSGD_API void hsgd_data_destroy(struct hsgd_data **d);

/* Number of samples; 0 for NULL. */
HSGD_API int64_t hsgd_data_count(const struct hsgd_data *d);
/* Shape of every sample; {0, 0, 0} for NULL. */
HSGD_API struct hsgd_shape hsgd_data_shape(const struct hsgd_data *d);
/* Number of classes; labels are below it; 0 for NULL. */
HSGD_API int hsgd_data_classes(const struct hsgd_data *d);
/* Name of class i; the number in decimal where classes have no names, valid
 * until the thread's next call; NULL when out of range. */
HSGD_API const char *hsgd_data_class_name(const struct hsgd_data *d, int i);
/* What it was opened as, for messages; "" for NULL. */
HSGD_API const char *hsgd_data_name(const struct hsgd_data *d);
/* The format it was read as, a name of hsgd_data_format_at() or "digits";
 * "memory" for sets that were not read; "" for NULL. */
HSGD_API const char *hsgd_data_format(const struct hsgd_data *d);

/* What was read, as one line: format, samples, features or image size, label
 * column, classes, columns ignored, and files passed over, such as
 * "csv, 150 samples of 2 features (length, width), label "species", 3 classes
 * (setosa, versicolor, virginica)".  Cut off at `size` bytes with the zero;
 * text may be NULL.  Returns the length of the whole line; 0
 * for NULL. */
HSGD_API int hsgd_data_summary(const struct hsgd_data *d, char *text, size_t size);

/* Files that were passed over for the same reason. */
struct hsgd_passed {
    size_t size;                       /* of this struct */
    const char *why;                   /* "damaged" */
    const char *first;                 /* the first by name, below the folder or in the archive */
    int64_t count;
};
/* The i-th such reason, from 0 on; false: there are no more.  The texts are
 * d's. */
HSGD_API bool hsgd_data_passed(const struct hsgd_data *d, int i, struct hsgd_passed *out, size_t size);

/* x' = (x - mean[channel]) * inv_std[channel], computed so that no digit of x
 * is lost before the mean is subtracted; channels 1: the same for all.  Only
 * the library makes one, so that later versions can append fields. */
struct hsgd_normalisation {
    int channels;               /* at least 1 */
    double *mean, *inv_std;     /* one for each channel */
};

/* Mean and 1/(standard deviation) over the whole set: of each channel of
 * images, of each plain feature; one for all of plain features of 8 bits.
 * Missing values do not count.  Sparse samples have mean 0 and the root of the
 * mean square as standard deviation, one for all, so that what is zero stays
 * zero.  inv_std of a constant is 1.  Undone by hsgd_normalisation_destroy().
 * NULL: d is NULL, or out of memory. */
HSGD_API struct hsgd_normalisation *hsgd_data_statistics(const struct hsgd_data *d);

/* A copy of `channels` means and 1/(standard deviations); mean NULL: all 0,
 * inv_std NULL: all 1.  NULL: channels is below 1, or out of memory. */
HSGD_API struct hsgd_normalisation *hsgd_normalisation_create(int channels, const double *mean, const double *inv_std);

/* NULL-safe. */
HSGD_API void hsgd_normalisation_destroy(struct hsgd_normalisation **n);

/* Writes samples index[0..n) as normalised floats (n x h x w x c) and their
 * labels.  norm NULL: raw values, 8-bit images scaled to [0,1], missing ones
 * NaN.  norm with as many channels as the samples (as many as plain features)
 * applies per channel, else its first entry to all; missing values become 0,
 * the mean.  x or labels NULL: not
 * written.  Thread-safe.  -EINVAL, and nothing is written: d or index is NULL,
 * n < 0, or an index is not in [0, hsgd_data_count(d)). */
HSGD_API int hsgd_data_gather(const struct hsgd_data *d, const int64_t *index, int n,
                              const struct hsgd_normalisation *norm, float *x, int32_t *labels);

/* How samples are changed in training, each anew in every epoch, in this
 * order; what is zero, the default, is not done.  Places between pixels are interpolated
 * (bilinear), places outside of the picture are black (0). */
struct hsgd_augment_options {
    size_t size;           /* of this struct */
    float rotate;          /* turned about the middle by up to so many degrees, either way */
    int crop;              /* so many pixels are added on each side, and a part of the old size is taken */
    float resized_crop;    /* a part with at least this share of the area, and sides from 3:4 to 4:3, is
                              scaled to the old size; not with crop.  As torchvision's RandomResizedCrop */
    bool flip;             /* every other sample, on average, has left and right swapped */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_augment_defaults(struct hsgd_augment_options *o, size_t size);

/* The first `count` samples of d (all, if there are fewer) as training with
 * this seed sees them in this epoch, from 0: a pure function of seed, epoch
 * and the sample's index in d.  8-bit samples stay so.
 * Errors (NULL): -EINVAL a value is out of range, or the samples are not
 * pictures; -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_augment(struct hsgd_context *ctx, const struct hsgd_data *d,
                                             const struct hsgd_augment_options *how, uint64_t seed, int64_t epoch,
                                             int64_t count);

/* A sheet of the first rows x columns samples as a PNG file, with a line of
 * one grey pixel around each; 1 channel makes a grey picture, 3 a coloured
 * one.  Samples that are not 8-bit run from black (smallest number shown) to
 * white (largest).  Written to a temporary name and renamed: on an error
 * nothing is left and an old file stays.
 * Errors: -EINVAL; those of open(2), write(2), rename(2). */
HSGD_API int hsgd_data_sheet(struct hsgd_context *ctx, const struct hsgd_data *d, const char *path, int rows,
                             int columns);

#ifdef __cplusplus
}
#endif
#endif
