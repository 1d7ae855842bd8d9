/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz_data.h"

#include <math.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_VALUES = 1 << 12, MAX_SAMPLES = 64 };

static void check_sample(const struct hsgd_data *d, int64_t i, const struct hsgd_normalisation *norm)
{
    static float x[MAX_VALUES];
    int32_t label;
    hsgd_data_gather(d, &i, 1, norm, x, &label);
    fuzz_require(label >= 0 && label < hsgd_data_classes(d), "a label without a class");
    for (int64_t k = 0; k < hsgd_data_size(d); k++)
        fuzz_require(!isnan(x[k]) || (!norm && d->x.missing), "a value that is NaN");
}

void fuzz_check_data(const struct hsgd_data *d)
{
    fuzz_require(d && hsgd_data_count(d) > 0 && hsgd_data_size(d) > 0 && hsgd_data_classes(d) > 0, "an empty data set");
    for (int i = 0; i < hsgd_data_classes(d); i++)
        fuzz_require(hsgd_data_class_name(d, i) != NULL, "a class without name");
    if (hsgd_data_size(d) > MAX_VALUES) return;
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    fuzz_require(norm != NULL, "no statistics");
    for (int c = 0; c < norm->channels; c++)
        fuzz_require(isfinite(norm->mean[c]) && norm->inv_std[c] > 0 && isfinite(norm->inv_std[c]),
                     "statistics that are not finite");
    for (int64_t i = 0; i < hsgd_data_count(d) && i < MAX_SAMPLES; i++) {
        check_sample(d, i, NULL);
        check_sample(d, i, norm);
    }
    hsgd_normalisation_destroy(&norm);
}

void fuzz_check_same(const struct hsgd_data *a, const struct hsgd_data *b)
{
    static float x[MAX_VALUES], y[MAX_VALUES];
    fuzz_require(hsgd_data_count(a) == hsgd_data_count(b) && hsgd_data_size(a) == hsgd_data_size(b), "other sizes");
    if (hsgd_data_size(a) > MAX_VALUES) return;
    for (int64_t i = 0; i < hsgd_data_count(a) && i < MAX_SAMPLES; i++) {
        int32_t k, l;
        hsgd_data_gather(a, &i, 1, NULL, x, &k);
        hsgd_data_gather(b, &i, 1, NULL, y, &l);
        fuzz_require(k == l && !memcmp(x, y, (size_t)hsgd_data_size(a) * sizeof *x), "other samples");
    }
}
