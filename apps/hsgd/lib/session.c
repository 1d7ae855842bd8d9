/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "sizes.h"

enum { USUAL_CLASSES = 10 /* without data */, MAX_BUCKETS = 32 };

static void log_line(void *user, enum hsgd_log_level level, const char *line)
{
    const bool *verbose = user;
    if (level == HSGD_LOG_WARNING) print_message("warning: ", line);
    else if (level == HSGD_LOG_INFO && *verbose) print_message("", line);
}

/* ------------------------------------------------------------ requirements */

int require_model(const struct settings *s)
{
    char names[400];
    option_choices(hsgd_model_name_at, names, sizeof names);
    return s->model ? OK : report_error(USAGE, "--model is missing; it is one of %s", names);
}

/* ---------------------------------------------------------------- opening */

/* The options that choose devices, as they were given. */
static void device_options(const struct settings *s, char *out, size_t size)
{
    bool named = s->devices && strcmp(s->devices, "auto");
    int used = named ? snprintf(out, size, "--devices \"%s\"%s", s->devices, s->threads ? " " : ": ") : 0;
    if (used >= 0 && (size_t)used < size && s->threads)
        snprintf(out + used, size - (size_t)used, "--threads %lld: ", (long long)s->threads);
}

static int open_on(struct session *run, const struct settings *s, const char *devices)
{
    static bool verbose;
    char given[400] = "";
    verbose = s->verbose;
    *run = (struct session){ 0 };
    struct hsgd_context_options o = { .size = sizeof o,
                                      .devices = devices,
                                      .threads = (int)s->threads,
                                      .deterministic = s->deterministic,
                                      .tf32 = s->tf32,
                                      .log = log_line,
                                      .log_user = &verbose,
                                      .spare_opencl = true,
                                      .policy = s->slices > 0 ? "eager" : NULL };
    int err = hsgd_create(&run->ctx, &o);
    if (!err) return OK;
    device_options(s, given, sizeof given);
    return report_error(exit_code(err), "%s%s", given, hsgd_error(run->ctx));
}

int open_context(struct session *run, const struct settings *s) { return open_on(run, s, s->devices); }

int open_without_devices(struct session *run, const struct settings *s) { return open_on(run, s, "none"); }

/* "0.1" or "1/12"; false: it names data. */
static bool read_fraction(const char *text, double *part, double *whole)
{
    char *end;
    if (strspn(text, "+-.eE0123456789/") != strlen(text)) return false;
    *part = strtod(text, &end);
    *whole = 1;
    if (end != text && *end == '/') *whole = strtod(end + 1, &end);
    return !*end;
}

static void skip_validation(struct session *run)
{
    run->train = run->whole;
    run->whole = NULL;
}

/* Reads other data as ours was; `option` named it.  test NULL: not wanted. */
static int read_other(struct session *run, const struct settings *s, const struct hsgd_data *ours, const char *option,
                      const char *what, struct hsgd_data **train, struct hsgd_data **test)
{
    struct hsgd_data_options o = { .size = sizeof o,
                                   .resize = (int)s->resize,
                                   .keep_going = s->keep_going,
                                   .reports_passed = run->prints_summary && !test };
    o.record = hsgd_record_create(run->ctx, ours);
    if (!strcmp(hsgd_data_format(ours), "npz")) o.fields = s->fields;
    if (!strcmp(hsgd_data_format(ours), "text")) o.stride = (int)s->stride, o.test_part = -1;
    if (!strcmp(hsgd_data_format(ours), "pairs")) o.test_part = -1;
    int err = o.record ? hsgd_data_read(run->ctx, what, &o, train, test) : -ENOMEM;
    hsgd_record_destroy(&o.record);
    return err ? report_error(data_exit_code(err), "%s \"%s\": %s", option, what, hsgd_error(run->ctx)) : OK;
}

static int open_validation(struct session *run, const struct settings *s)
{
    int code = read_other(run, s, run->whole, "--validation", s->validation, &run->validation, NULL);
    skip_validation(run);
    return code;
}

/* A random fraction of the training samples, or other data. */
static int split_off_validation(struct session *run, const struct settings *s)
{
    double part, whole;
    if (!read_fraction(s->validation, &part, &whole)) return open_validation(run, s);
    if (!(part >= 0 && whole > 0 && part < whole))
        return report_error(USAGE, "--validation \"%s\" is not a fraction from 0 to less than 1", s->validation);
    int64_t count = (int64_t)((double)hsgd_data_count(run->whole) * part / whole);
    if (count < 1) {
        skip_validation(run);
        return OK;
    }
    int err = hsgd_data_split(run->ctx, run->whole, count, (uint64_t)s->seed, &run->validation, &run->train);
    return err ? library_error(run, err) : OK;
}

/* The test split of other data, or all of it if it has none. */
static int open_test(struct session *run, const struct settings *s, const struct hsgd_data *ours,
                     struct hsgd_data **test)
{
    struct hsgd_data *all, *part;
    hsgd_data_destroy(test);
    int code = read_other(run, s, ours, "--test", s->test, &all, &part);
    *test = part ? part : all;
    if (part) hsgd_data_destroy(&all);
    return code;
}

/* --test X: part of a text; -1: none.  OK, or USAGE after a sentence. */
int test_part(const struct settings *s, double *part)
{
    double of, whole;
    *part = 0;
    if (!s->test || !read_fraction(s->test, &of, &whole)) return OK;
    if (!(of >= 0 && whole > 0 && of < whole))
        return report_error(USAGE, "--test \"%s\" is not a fraction from 0 to less than 1", s->test);
    *part = of > 0 ? of / whole : -1;
    return OK;
}

int set_buckets(const struct session *run, const struct settings *s, struct hsgd_data *d)
{
    int bound[MAX_BUCKETS], n = 0;
    for (const char *c = s->buckets; d && c && *c; n++) {
        char *end;
        long v = strspn(c, "0123456789") ? strtol(c, &end, 10) : 0;
        if (v < 1 || v > 1 << 30 || (*end && *end != ',') || n == MAX_BUCKETS)
            return report_error(USAGE, "--buckets \"%s\": at most %d numbers from 1 are expected", s->buckets,
                                MAX_BUCKETS);
        bound[n] = (int)v;
        c = end + (*end == ',');
    }
    int err = n ? hsgd_data_set_buckets(run->ctx, d, n, bound) : 0;
    return err ? report_error(USAGE, "--buckets \"%s\": %s", s->buckets, hsgd_error(run->ctx)) : OK;
}

int read_data(struct session *run, const struct settings *s, const char *what, struct hsgd_data **train,
              struct hsgd_data **test)
{
    struct hsgd_data_options o = { .size = sizeof o,
                                   .format = s->format,
                                   .label = s->label,
                                   .target = s->target,
                                   .features = (int)s->features,
                                   .resize = (int)s->resize,
                                   .keep_going = s->keep_going,
                                   .any_classes = s->classes,
                                   .ignore = s->ignore,
                                   .window = (int)s->window,
                                   .stride = (int)s->stride,
                                   .tokens = s->tokens,
                                   .fields = s->fields,
                                   .categorical = s->categorical,
                                   .impute = s->impute,
                                   .reports_passed = run->prints_summary };
    int code = test_part(s, &o.test_part);
    if (code) return code;
    if (run->known) o.record = run->known->record;
    if (!run->continues) o.classes = -1;
    const char *option = s->data == what ? "--data" : "data";
    int err = hsgd_data_read(run->ctx, what, &o, train, test);
    if (err) return report_error(data_exit_code(err), "%s \"%s\": %s", option, what, hsgd_error(run->ctx));
    if ((code = set_buckets(run, s, *train)) || (code = set_buckets(run, s, *test))) return code;
    return s->test && o.test_part == 0 ? open_test(run, s, *train, test) : OK;
}

int open_data(struct session *run, const struct settings *s)
{
    int code = read_data(run, s, s->data ? s->data : "digits", &run->whole, &run->test);
    return code ? code : split_off_validation(run, s);
}

int open_model(struct session *run, const struct settings *s, const struct hsgd_data *d)
{
    const char *name = s->model_copy ? s->model_copy : s->model;
    struct hsgd_shape shape = hsgd_data_shape(d);
    struct hsgd_type target = d ? hsgd_data_type(d, "target") : hsgd_number(HSGD_DTYPES);
    if (target.dtype == HSGD_F32) run->model = hsgd_model_for_targets(run->ctx, name, shape, target);
    else run->model = hsgd_model_by_name(run->ctx, name, shape, d ? hsgd_data_classes(d) : USUAL_CLASSES);
    if (!run->model && hsgd_model_is_file(s->model)) return report_error(USAGE, "%s", hsgd_error(run->ctx));
    if (!run->model) return report_error(USAGE, "--model \"%s\": %s", s->model, hsgd_error(run->ctx));
    int err = hsgd_model_initialise(run->model, (uint64_t)s->seed);
    return err ? library_error(run, err) : OK;
}

struct hsgd_augment_options augment_options(const struct settings *s)
{
    return *HSGD_OPTIONS(augment, .rotate = (float)s->rotate, .crop = (int)s->crop,
                         .resized_crop = (float)s->resized_crop, .flip = s->flip);
}

/* Unless memory is exhausted, options, data and model do not match. */
void step_options(const struct settings *s, struct hsgd_train_options *o)
{
    hsgd_train_defaults(o, sizeof *o);
    o->batch_size = (int)s->batch_size;
    o->seed = (uint64_t)s->seed;
    o->algorithm = (enum hsgd_algorithm)hsgd_algorithm_by_name(s->algorithm);
    o->min_share = (float)s->min_share;
    o->slices = (int)s->slices;
    o->executor = (enum hsgd_executor)s->executor;
}

int open_trainer(struct session *run, const struct hsgd_train_options *options)
{
    run->trainer = hsgd_trainer_create(run->model, options);
    return run->trainer ? OK : report_error(USAGE, "%s", hsgd_error(run->ctx));
}

int open_predictor(struct session *run, const struct settings *s)
{
    const char *const output[] = { run->result ? run->result : "output", NULL };
    run->predictor =
        hsgd_session_create(run->model, HSGD_OPTIONS(session, .batch = (int)s->batch_size,
                                                     .executor = (enum hsgd_executor)s->executor, .result = output));
    run->batch = (int)s->batch_size;
    if (hsgd_model_outputs(run->model) != HSGD_ANY) run->outputs = hsgd_model_outputs(run->model);
    return run->predictor ? OK : report_error(USAGE, "%s", hsgd_error(run->ctx));
}

/* What one input of the model takes of samples index[0..n); to be freed, NULL: out of memory. */
static void *gather_input(const struct hsgd_data *d, int field, const int64_t *index, int n,
                          const struct hsgd_normalisation *norm)
{
    struct hsgd_data_field f = { .name = "" };
    hsgd_data_field_get(d, field, &f, sizeof f);
    void *values = malloc((size_t)n * (size_t)hsgd_type_bytes(&f.type));
    if (values) hsgd_data_gather_field(d, field, index, n, field ? NULL : norm, values);
    return values;
}

int gather_inputs(const struct session *run, const struct hsgd_normalisation *norm, const struct hsgd_data *d,
                  const int64_t *index, int n, void **values)
{
    struct hsgd_session_value in;
    for (int i = 0; i < MAX_INPUTS && !hsgd_session_input_get(run->predictor, i, &in, sizeof in); i++) {
        int field = hsgd_data_find(d, in.name);
        if (field < 0 && !i) field = 0;
        if (field < 0)
            return report_error(USAGE, "%s: has no \"%s\", which the model takes", hsgd_data_name(d), in.name);
        if (!(values[i] = gather_input(d, field, index, n, norm)))
            return report_error(FAILED, "out of memory for %d samples", n);
    }
    return OK;
}

/* Samples do not go on with those before, where operations keep something between runs. */
static int predict_parts(const struct session *run, int n, void *const *values, float *out)
{
    struct hsgd_session_value in, result;
    const void *part[MAX_INPUTS] = { NULL };
    int err = hsgd_session_result_get(run->predictor, 0, &result, sizeof result);
    for (int at = 0; !err && at < n; at += run->batch) {
        for (int i = 0; i < MAX_INPUTS && !hsgd_session_input_get(run->predictor, i, &in, sizeof in); i++)
            part[i] = (const char *)values[i] + at * hsgd_type_bytes(&in.type);
        err = hsgd_session_reset(run->predictor);
        if (!err)
            err = hsgd_session_run(run->predictor, n - at < run->batch ? n - at : run->batch, part,
                                   HSGD_RESULTS(out + at * hsgd_type_size(&result.type)));
    }
    return err;
}

int predict_samples(const struct session *run, const struct hsgd_normalisation *norm, const struct hsgd_data *d,
                    int64_t first, int n, float *out, int32_t *labels)
{
    void *values[MAX_INPUTS] = { NULL };
    int code = predict_sizes(run, d), err = 0;
    if (code) return code;
    int64_t *index = malloc((size_t)n * sizeof *index);
    for (int i = 0; index && i < n; i++) index[i] = first + i;
    code = index ? gather_inputs(run, norm, d, index, n, values) : report_error(FAILED, "out of memory");
    if (!code && labels) hsgd_data_gather_field(d, hsgd_data_find(d, "label"), index, n, NULL, labels);
    if (!code) err = predict_parts(run, n, values, out);
    for (int i = 0; i < MAX_INPUTS; i++) free(values[i]);
    free(index);
    return err ? library_error(run, err) : code;
}

void close_session(struct session *run)
{
    hsgd_session_destroy(&run->predictor);
    hsgd_trainer_destroy(&run->trainer);
    hsgd_checkpoint_info_destroy(&run->known);
    hsgd_model_destroy(&run->model);
    hsgd_data_destroy(&run->validation);
    hsgd_data_destroy(&run->train);
    hsgd_data_destroy(&run->whole);
    hsgd_data_destroy(&run->test);
    hsgd_destroy(&run->ctx);
}

int library_error(const struct session *run, int err)
{
    return report_error(exit_code(err), "%s", hsgd_error(run->ctx));
}

struct summary summary_of(const struct hsgd_data *d)
{
    struct summary s;
    hsgd_data_summary(d, s.text, sizeof s.text);
    return s;
}
