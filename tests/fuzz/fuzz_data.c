/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz_data.h"

#include <math.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_VALUES = 1 << 12, MAX_SAMPLES = 64 };

static void check_sample(const struct hsgd_data *d, int field, int64_t i, const struct hsgd_normalisation *norm)
{
    static union {
        float x[MAX_VALUES];
        int32_t label[MAX_VALUES];
    } of;
    const struct data_field *f = &d->field[field];
    hsgd_data_gather_field(d, field, &i, 1, norm, &of);
    for (int64_t k = 0; k < hsgd_type_size(&f->type); k++)
        if (f->type.dtype == HSGD_F32) fuzz_require(!isnan(of.x[k]) || (!norm && f->missing), "a value that is NaN");
        else fuzz_require(of.label[k] >= 0 && (!f->classes || of.label[k] < f->classes), "a label without a class");
}

static void check_field(const struct hsgd_data *d, int field)
{
    const struct data_field *f = &d->field[field];
    bool floats = f->type.dtype == HSGD_F32;
    struct hsgd_normalisation *norm = floats ? hsgd_data_field_statistics(d, field) : NULL;
    fuzz_require(hsgd_type_size(&f->type) > 0, "an empty field");
    if (hsgd_type_size(&f->type) > MAX_VALUES) return hsgd_normalisation_destroy(&norm);
    fuzz_require(!floats || norm, "no statistics");
    for (int c = 0; norm && c < norm->channels; c++)
        fuzz_require(isfinite(norm->mean[c]) && norm->inv_std[c] > 0 && isfinite(norm->inv_std[c]),
                     "statistics that are not finite");
    for (int64_t i = 0; i < hsgd_data_count(d) && i < MAX_SAMPLES; i++) {
        check_sample(d, field, i, NULL);
        check_sample(d, field, i, norm);
    }
    hsgd_normalisation_destroy(&norm);
}

void fuzz_check_data(const struct hsgd_data *d)
{
    fuzz_require(d && hsgd_data_count(d) > 0 && d->fields >= 2, "an empty data set");
    fuzz_require(!hsgd_data_classes(d) == (hsgd_data_find(d, "label") < 0), "labels without classes");
    for (int i = 0; i < hsgd_data_classes(d); i++)
        fuzz_require(hsgd_data_class_name(d, i) != NULL, "a class without name");
    for (int i = 0; i < d->fields; i++) check_field(d, i);
}

void fuzz_check_same(const struct hsgd_data *a, const struct hsgd_data *b)
{
    static float x[MAX_VALUES], y[MAX_VALUES];
    fuzz_require(hsgd_data_count(a) == hsgd_data_count(b) && a->fields == b->fields, "other sizes");
    for (int field = 0; field < a->fields; field++) {
        fuzz_require(type_equal(&a->field[field].type, &b->field[field].type), "another type");
        if (hsgd_type_size(&a->field[field].type) > MAX_VALUES) continue;
        for (int64_t i = 0; i < hsgd_data_count(a) && i < MAX_SAMPLES; i++) {
            hsgd_data_gather_field(a, field, &i, 1, NULL, x);
            hsgd_data_gather_field(b, field, &i, 1, NULL, y);
            fuzz_require(!memcmp(x, y, (size_t)hsgd_type_bytes(&a->field[field].type)), "other samples");
        }
    }
}
