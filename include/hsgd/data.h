/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets: samples with labels or targets in memory, synthetic or read from files. */
#ifndef HSGD_DATA_H
#define HSGD_DATA_H

#include <hsgd/context.h>
#include <hsgd/type.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Shape of one sample, NHWC without N.  Plain features: {1, 1, n}. */
struct hsgd_shape {
    int h, w, c;
};

struct hsgd_data;
struct hsgd_normalisation;

/* What each sample of a data set has under one name.  Data sets that are read have
 * x, the features or image (32-bit floats), and "label", its class (one integer),
 * or "target", the numbers to be predicted (floats). */
struct hsgd_data_field {
    size_t size;                   /* of this struct */
    const char *name;              /* at most 31 letters, digits and _, without a digit first */
    struct hsgd_type type;         /* of what hsgd_data_gather_field() writes */
    int classes;                   /* integers are in [0, classes); 0: any; "label" must have some; "boxes" may */
    const char *const *class_name; /* `classes` names; NULL: "0", "1", ... */
    const char *const *column;     /* names of the channels, such as the columns of a CSV; NULL: none */
};

/* The splits of a data set. */
enum hsgd_subset { HSGD_TRAIN, HSGD_TEST };

/* A record of the data that a model was trained with: format, names and order of
 * the columns, label column, classes, size and channels of images, unit of the
 * values (8-bit values are scaled to [0,1], all others are not), and a
 * fingerprint of the samples.  Every checkpoint contains one. */
struct hsgd_record;

/* How to read; 0 is the default of every field. */
struct hsgd_data_options {
    size_t size;                   /* of this struct */
    const char *format;            /* a name of hsgd_data_format_at(); NULL: detected by content */
    const char *label;             /* column or array of the labels; NULL: see hsgd_data_read() */
    int features;                  /* number of features of plain samples; 0: as in the data */
    int classes;                   /* > 0: the classes are class_name[0..classes); 0: those of the record, else of the
                                        training split; < 0: those of the training split, even with a record */
    const char *const *class_name; /* NULL: "0", "1", ... */
    int resize;                    /* > 0: images of any size are resized to shorter side `resize` and
                                        centre-cropped to resize x resize */
    bool keep_going;               /* skip damaged images, if they are at most 1 % of all */
    struct hsgd_record *record;    /* read the data as this data was, see hsgd_record_create(); NULL: no record */
    bool any_classes;              /* numeric labels are classes even if they have fractions, or more distinct
                                        values than half of the samples (and than 20) */
    const char *ignore;            /* columns of a CSV to leave out: names or numbers from 1, separated by commas;
                                        NULL: none */
    bool reports_passed;           /* the caller reports hsgd_data_passed() itself; false: skipped images are a
                                        warning */
    const char *target;            /* numbers to be predicted, in place of labels: the field "target".  Columns of a
                                        CSV, as for `ignore`; an array or a file, as for `label`; the labels of LIBSVM
                                        data, under this name; for a folder of images one with an image of the same
                                        name, in any format, for each of them; NULL: labels, or the record's targets */
    int window;                    /* texts: tokens in a sample; 0: as in the record, else 128 */
    int stride;                    /* texts: tokens from one sample to the next; 0: window, without overlap */
    const char *tokens;            /* texts: "characters" or "bytes"; NULL: as in the record, else characters */
    double test_part;              /* texts: the fraction of the tokens, the last ones, that are the test split; 0:
                                        0.1, unless that is shorter than a window; < 0: none.  pairs: of the pairs */
    const char *fields;      /* .npz: fields beside x and the label, such as "length,box=corners_train:f32": names,
                                        their arrays (NULL: of that name) and types f32, i32, u8 (as stored; integers
                                        are i32).  With x among them there is no field but these */
    const char *categorical; /* columns of a CSV whose values are categories, as for `ignore`; "auto": those with
                                        text.  Each value of the training split becomes a feature, and so do missing
                                        and unknown ones together */
    const char *impute;      /* missing numbers of a CSV: "mean", "median" or "most-frequent" of the training split,
                                        and a feature that is 1 where the number is missing; NULL: the mean, without */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_data_defaults(struct hsgd_data_options *o, size_t size);

/* Reads a data set: *train gets its training split and *test its test split (NULL
 * if it has none).
 * `what` is "digits", a built-in set (hsgd_data_digits()): samples 0..11999 of
 * seed 0 for training, and 2000 others for testing; "shapes" (hsgd_data_shapes()):
 * samples 0..7999 of seed 0, and 1000 others; "dates": 20000 pairs of texts, dates in
 * English, German or French and in the form of ISO 8601, and 2000 others of other days,
 * with the fields of `pairs`; each also with a seed, "shapes:7"; or a path, which by
 * content is one of:
 * idx      a folder with the four IDX files of MNIST under their usual or
 *          torchvision names (also in raw/ or MNIST/raw/ below it), plain or
 *          gzip-compressed; images have 3 dimensions, or 4 with channels.
 *          The number of classes is the largest training label plus one.
 * cifar    a folder with CIFAR-10's binary files (data_batch_1.bin to
 *          data_batch_5.bin, test_batch.bin, batches.meta.txt) or CIFAR-100's
 *          (label "fine", the default, or "coarse"), also in a folder below it.
 * images   a folder with train/CLASS/ and test/CLASS/ (or val/, validation/
 *          and other usual names, in any letter case), or with CLASS/ alone and
 *          then no test split; below them PNG and JPEG files at any depth, grey
 *          or RGB, all of one size unless `resize` is given.  Classes are the
 *          folders, sorted by name.  With `target` no class folders are needed.
 * tar      a cifar or images folder in a tar archive, plain, gzip or xz.
 * zip      the same in a zip archive.
 * npy      a NumPy array, N x features, N x H x W, N x H x W x C, or up to 6 axes
 *          after the first, in C or Fortran order; labels are in the file `label`, else in one beside it
 *          (y_train.npy for x_train.npy, NAME_labels.npy or labels.npy).
 * npz      a NumPy archive with x_train and y_train, x and y, images and
 *          labels or the like; x_test and y_test are the test split.
 * libsvm   a text of lines LABEL INDEX:VALUE ..., sparse; NAME.t is its test split.
 * csv      a text whose first line that is neither blank nor a comment has the
 *          names of the columns, separated by comma, semicolon or tab; labels are
 *          in the column `label` (name or number from 1), else in "label",
 *          "class", "target" or "y", else in the last one.
 * text     a text in UTF-8, or any bytes: only where `format`, `window`, `tokens` or
 *          the record say so.  A file, or all .txt, .txt.gz and .txt.xz in a folder,
 *          by name.  A sample has x, `window` tokens (integers), and "label", those
 *          one place further.  The classes of both are the characters of the
 *          training split, or the 256 bytes.
 * pairs    a text in UTF-8 of lines SOURCE TAB TARGET, of at most 512 characters each:
 *          only where `format` or the record say so.  A sample has x, the characters of
 *          the source, "length", their number, "label", those of the target and the end
 *          (class 1, U+0003), and "previous", the token before each of these, at first
 *          the start (class 0, U+0002), which is also behind the last ones.  Both have
 *          one vocabulary, the classes: these two and the characters of the training split.
 * npy, libsvm, csv, text and pairs may be compressed by gzip or xz.  The classes of npy,
 * npz, libsvm and csv are the distinct labels of the training split, sorted; numbers are
 * compared as they are written, and refused if they look like measurements
 * (any_classes).  With `target` there are no labels, and no classes.  doc/data.md
 * has examples and limits.
 * Decoded images are cached in $HSGD_CACHE_DIR, see doc/environment.md.
 * options NULL: the defaults.  train or test NULL: not wanted.
 * Errors (both are then NULL): -ENOENT, -EIO, -EINVAL, -ENOMEM; the sentence
 * names the file, the field or line, and the value. */
HSGD_API int hsgd_data_read(struct hsgd_context *ctx, const char *what, const struct hsgd_data_options *options,
                            struct hsgd_data **train, struct hsgd_data **test);

/* Creates the record of a data set, with which other data can be read the same
 * way.  With a record in hsgd_data_options,
 * - label, classes and features default to those of the record (label only if
 *   the format is the same);
 * - named columns are matched by name: they may have another order; a missing or
 *   unknown one is refused (-EINVAL), with both names;
 * - images of other sizes are resized to those of the record if these are
 *   square; grey images become three equal channels if the record has RGB, and
 *   RGB becomes grey (0.299 R + 0.587 G + 0.114 B) if it has one channel;
 * - values in another unit are converted if that is unambiguous (integers from 0
 *   to 255 where the record has 8-bit values, 8-bit values where it has others),
 *   else refused.
 * Each kind of change is logged as a warning, once for each record.
 * Errors (NULL): -EINVAL d is NULL; -ENOMEM. */
HSGD_API struct hsgd_record *hsgd_record_create(struct hsgd_context *ctx, const struct hsgd_data *d);

/* Checks that d is the data of the record, by count, classes, columns and a
 * fingerprint of its samples (all of a small set, else the first, the last and
 * some in between): 0, or -EINVAL with the first difference. */
HSGD_API int hsgd_record_check(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d);

/* The format, as hsgd_data_format(); "" if columns, unit and samples are unknown
 * (a checkpoint of version 0.1 has only shape and classes).  "" for NULL. */
HSGD_API const char *hsgd_record_format(const struct hsgd_record *r);

/* As hsgd_data_field_get(); a rank of HSGD_ANY: the type is not known. */
HSGD_API bool hsgd_record_field_get(const struct hsgd_record *r, int i, struct hsgd_data_field *out, size_t size);

/* Mean and 1/(standard deviation) of a field of floats, other than x, over the
 * training samples, owned by r; NULL: there is none.  That of x is a trainer's or
 * a checkpoint's. */
HSGD_API const struct hsgd_normalisation *hsgd_record_normalisation(const struct hsgd_record *r, const char *field);

/* The tokens of a text, as the training data of a record of texts or pairs of texts has
 * them: the first `places` of them in token (NULL: not wanted), *count: how many the
 * text has, at most `size`.
 * Errors: -EINVAL ctx, text or count is NULL, places < 0, the record has no tokens,
 * the text is not UTF-8 or has a character that the training text did not have;
 * -ENOMEM. */
HSGD_API int hsgd_record_encode(struct hsgd_context *ctx, const struct hsgd_record *r, const char *text, size_t size,
                                int32_t *token, int64_t places, int64_t *count);

/* The bytes of a token, *size of them, which may be part of a character if tokens are
 * bytes.  Owned by r, and not ended by a zero.  NULL: the record has no such token. */
HSGD_API const char *hsgd_record_decode(const struct hsgd_record *r, int token, size_t *size);

/* Frees a record.  NULL-safe. */
HSGD_API void hsgd_record_destroy(struct hsgd_record **r);

/* Samples without labels (all have class 0), for predictions, from the bytes of
 * one file, which are copied; `name` is its name in messages.  By content:
 * a PNG or JPEG image     one sample; another size is resized to the shape's
 *                         shorter side and centre-cropped (the shape must then be
 *                         square); RGB becomes grey (0.299 R + 0.587 G + 0.114 B)
 *                         if the shape has one channel
 * a NumPy array (.npy)    N x h x w x c, N x h x w, or N x features
 * a NumPy archive (.npz)  its x_train, x, images or the like
 * IDX images              as MNIST's, N x h x w or N x h x w x c
 * LIBSVM text             with labels, which are ignored, or without
 * text                    where the record is of a text: one sample, its last h*w*c
 *                         tokens; fewer where the shape is HSGD_ANY
 * rows of numbers         h*w*c values a line, separated by comma, semicolon or
 *                         tab; a first line with anything but numbers and missing
 *                         values is a header.  With a record its columns are
 *                         matched by name and the label column of the training
 *                         data is ignored; without one, a column "label",
 *                         "class", "target" or "y" is ignored
 * All but .npz may be compressed by gzip or xz.  record: that of the training
 * data, see hsgd_record_create(); NULL: unknown.  Where a side of the shape is HSGD_ANY, arrays
 * have their own size, and the others that of the record.
 * Errors (NULL): -EINVAL a malformed file, or samples of another shape; -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_input(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
                                           struct hsgd_shape shape, struct hsgd_record *record);

/* Names of the formats, in the order of detection; NULL after the last. */
HSGD_API const char *hsgd_data_format_at(int i);

/* One split of hsgd_data_read() with default options.
 * Errors (NULL): as there; -ENOENT the data has no such split. */
HSGD_API struct hsgd_data *hsgd_data_open(struct hsgd_context *ctx, const char *what, enum hsgd_subset split);

/* `count` handwritten-looking digits, 28x28x1 grey, 10 classes: stroke shapes
 * with random slant, thickness, scale, shift and noise.  Sample i is a pure
 * function of (seed, first + i), the same on every machine.
 * Errors (NULL): -EINVAL unless first >= 0, count > 0, first + count <= 2^54;
 * -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_digits(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count);

/* `count` scenes, 64x64x3: 1 to 6 rectangles, discs and triangles of random colours on
 * a background with noise.  The field "boxes", 6x5 floats, has a row for each: its class
 * (0 to 2, as hsgd_data_class_name() calls it), the centre (x, y) and the size (w, h) of
 * its box, as fractions of the image; class -1: no object.  Sample i is a pure function of
 * (seed, first + i), the same on every machine.
 * Errors (NULL): -EINVAL unless first >= 0, count > 0, first + count <= 2^50; -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_shapes(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count);

/* Samples in memory: values[i] are those of field[i], count samples of its type one
 * after the other; all are copied, or borrowed until the set is destroyed.  Names
 * are copied.  The first field is the one of hsgd_data_shape(),
 * hsgd_data_statistics() and the x of hsgd_data_gather().
 * Errors (NULL): -EINVAL: not 1 to 16 fields, a name twice, a dimension below 1, a
 * value that is not finite or not below `classes`, a "length" beyond the first axis of
 * the first field (see hsgd_data_set_buckets()); -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_arrays(struct hsgd_context *ctx, int64_t count, int fields,
                                            const struct hsgd_data_field *field, const void *const *values,
                                            enum hsgd_ownership ownership);

/* hsgd_data_arrays() of the fields x, count x h x w x c floats ({c} if h and w are
 * 1), and "label", count class indices in [0, classes). */
HSGD_API struct hsgd_data *hsgd_data_memory(struct hsgd_context *ctx, const float *x, const int32_t *labels,
                                            int64_t count, struct hsgd_shape shape, int classes,
                                            enum hsgd_ownership ownership);

/* Bounds of the lengths of sequences, ascending, at most 32.  A set whose field
 * "length", one integer, says how many positions of the first axis of the first field
 * count, the others being padding, is trained and evaluated in batches of similar
 * lengths where the model reads "length" and leaves that axis open: batches are cut to
 * the bound of their longest sample, and each sample is in one batch of an epoch, as
 * always.  n 0, the default: powers of two from 8.  The axis itself is the last bound.
 * Splits of d that are made later have the same.
 * Errors: -EINVAL ctx or d is NULL, d has no such field, n is not 0 to 32, bounds do not
 * ascend. */
HSGD_API int hsgd_data_set_buckets(struct hsgd_context *ctx, struct hsgd_data *d, int n, const int *bound);

/* Splits d by a permutation from `seed`: *part gets its last `count` samples,
 * *rest the others; windows of a text are not permuted, and *rest gets those that do
 * not overlap *part's.  Both borrow the samples of d, which must outlive them.
 * Errors (both are then NULL): -EINVAL unless 0 < count < hsgd_data_count(d),
 * or all windows overlap; -ENOMEM. */
HSGD_API int hsgd_data_split(struct hsgd_context *ctx, const struct hsgd_data *d, int64_t count, uint64_t seed,
                             struct hsgd_data **part, struct hsgd_data **rest);

/* Frees a data set.  NULL-safe. */
HSGD_API void hsgd_data_destroy(struct hsgd_data **d);

/* Number of samples; 0 for NULL. */
HSGD_API int64_t hsgd_data_count(const struct hsgd_data *d);
/* Height, width and channels of the first field, x: {1, 1, n} of n plain features,
 * and a height that covers all axes but the last two where there are more than
 * three; {0, 0, 0} for NULL. */
HSGD_API struct hsgd_shape hsgd_data_shape(const struct hsgd_data *d);
/* Fills *out with the i-th field, from 0; false: i is past the last, or the size is
 * wrong.  The texts are owned by d. */
HSGD_API bool hsgd_data_field_get(const struct hsgd_data *d, int i, struct hsgd_data_field *out, size_t size);
/* Index of the field with this name; -1: there is none. */
HSGD_API int hsgd_data_find(const struct hsgd_data *d, const char *name);
/* Its type; dtype HSGD_DTYPES: there is no such field. */
HSGD_API struct hsgd_type hsgd_data_type(const struct hsgd_data *d, const char *name);
/* Number of classes of the field "label", integers, or of "boxes"; 0: there is none, or
 * d is NULL. */
HSGD_API int hsgd_data_classes(const struct hsgd_data *d);
/* Name of class i; if classes have no names, the number in decimal, valid until
 * the thread's next call; NULL when out of range. */
HSGD_API const char *hsgd_data_class_name(const struct hsgd_data *d, int i);
/* The name it was opened by, for messages; "" for NULL. */
HSGD_API const char *hsgd_data_name(const struct hsgd_data *d);
/* The format it was read as, a name of hsgd_data_format_at(), "digits", "shapes" or
 * "dates"; "memory" for sets that were not read; "" for NULL. */
HSGD_API const char *hsgd_data_format(const struct hsgd_data *d);

/* A summary of the data in one line: format, samples, features or image size, label
 * column and classes, or targets, ignored columns, and skipped files, such as
 * "csv, 150 samples of 2 features (length, width), label "species", 3 classes
 * (setosa, versicolor, virginica)".  Truncated to `size` bytes, zero
 * included, as snprintf(); text NULL: not wanted.  Returns the length of the
 * whole line; 0 for NULL. */
HSGD_API int hsgd_data_summary(const struct hsgd_data *d, char *text, size_t size);

/* Files that were skipped for the same reason. */
struct hsgd_passed {
    size_t size;       /* of this struct */
    const char *why;   /* "damaged" */
    const char *first; /* the first by name, relative to the folder or archive */
    int64_t count;
};
/* Fills *out with the i-th such reason, from 0; false: i is past the last.  The
 * texts are owned by d. */
HSGD_API bool hsgd_data_passed(const struct hsgd_data *d, int i, struct hsgd_passed *out, size_t size);

/* x' = (x - mean[channel]) * inv_std[channel], computed so that no digit of x
 * is lost before the mean is subtracted; channels 1: the same for all.  Only
 * the library allocates one, so that later versions can append fields. */
struct hsgd_normalisation {
    int channels;           /* at least 1 */
    double *mean, *inv_std; /* one for each channel */
};

/* Mean and 1/(standard deviation) over the whole set: for each channel of
 * images, for each plain feature; one for all features if these have 8 bits.
 * Missing values are ignored.  For sparse samples the mean is 0 and the standard
 * deviation is the root of the mean square over all values, so that zeros stay
 * zero.  inv_std of a constant is 1.  To be freed with
 * hsgd_normalisation_destroy().  NULL: d is NULL, or out of memory. */
HSGD_API struct hsgd_normalisation *hsgd_data_statistics(const struct hsgd_data *d);

/* The same of field i, which has floats; NULL otherwise, too. */
HSGD_API struct hsgd_normalisation *hsgd_data_field_statistics(const struct hsgd_data *d, int i);

/* A copy of `channels` means and 1/(standard deviations); mean NULL: all 0,
 * inv_std NULL: all 1.  NULL: channels is below 1, or out of memory. */
HSGD_API struct hsgd_normalisation *hsgd_normalisation_create(int channels, const double *mean, const double *inv_std);

/* From normalised values back to the data's unit: out[i] = mean + x[i] / inv_std of
 * channel i % channels (of the first entry, if n has another number of them).
 * Errors: -EINVAL n, x or out is NULL, count < 0, channels < 1. */
HSGD_API int hsgd_normalisation_invert(const struct hsgd_normalisation *n, const float *x, int64_t count, int channels,
                                       double *out);

/* Frees it.  NULL-safe. */
HSGD_API void hsgd_normalisation_destroy(struct hsgd_normalisation **n);

/* Writes field i of samples index[0..n) to `to`, n x hsgd_type_bytes().  Floats are
 * normalised as by hsgd_data_gather(); norm is ignored for other types.  Thread-safe.
 * Errors (nothing is written): -EINVAL as for hsgd_data_gather(), or there is no
 * such field, or `to` is NULL. */
HSGD_API int hsgd_data_gather_field(const struct hsgd_data *d, int i, const int64_t *index, int n,
                                    const struct hsgd_normalisation *norm, void *to);

/* Writes samples index[0..n) as normalised floats (n x h x w x c) and their
 * labels (n).  norm NULL: raw values, 8-bit ones scaled to [0,1], missing ones
 * NaN.  A norm with as many channels as the samples (plain features: as many as
 * features) applies per channel, else its first entry applies to all; missing
 * values become 0, the mean.  x or labels NULL: not wanted.  Thread-safe.
 * Errors (nothing is written): -EINVAL d or index is NULL, n < 0, an index is not in
 * [0, hsgd_data_count(d)), or x or labels are wanted of a set without. */
HSGD_API int hsgd_data_gather(const struct hsgd_data *d, const int64_t *index, int n,
                              const struct hsgd_normalisation *norm, float *x, int32_t *labels);

/* Random augmentation of training samples, drawn for each sample and epoch and
 * applied in this order; 0, the default, switches a field off.  Sampling is
 * bilinear, and black (0) outside of the image.  Other fields that are images of x's
 * height and width, such as targets, are augmented alike. */
struct hsgd_augment_options {
    size_t size;        /* of this struct */
    float rotate;       /* rotation about the centre, uniform in +-rotate degrees */
    int crop;           /* pad each side by this many pixels, then crop a window of the original size */
    float resized_crop; /* crop a window with at least this fraction of the area and aspect ratio from
                              3:4 to 4:3, and resize it to the original size; incompatible with crop.  As
                              torchvision's RandomResizedCrop */
    bool flip;          /* swap left and right with probability 1/2 */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_augment_defaults(struct hsgd_augment_options *o, size_t size);

/* The first `count` samples of d (all, if it has fewer) as training with this
 * seed sees them in this epoch, from 0: a pure function of seed, epoch and the
 * sample's index in d.  8-bit samples stay 8-bit.  d is not kept.
 * Errors (NULL): -EINVAL a value is out of range, or the samples are not images;
 * -ENOMEM. */
HSGD_API struct hsgd_data *hsgd_data_augment(struct hsgd_context *ctx, const struct hsgd_data *d,
                                             const struct hsgd_augment_options *how, uint64_t seed, int64_t epoch,
                                             int64_t count);

/* A sheet of the first rows x columns samples as a PNG file, with a line of
 * one grey pixel around each; 1 channel gives a grey image, 3 an RGB one.
 * Samples that are not 8-bit are scaled from the minimum (black) to the maximum
 * (white) of those shown.  Written to a temporary name and renamed: on an error
 * nothing is left and an existing file is kept.
 * Errors: -EINVAL; those of open(2), write(2), rename(2). */
HSGD_API int hsgd_data_sheet(struct hsgd_context *ctx, const struct hsgd_data *d, const char *path, int rows,
                             int columns);

#ifdef __cplusplus
}
#endif
#endif
