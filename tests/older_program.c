/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled with headers whose structs lack their last fields, run with the
 * library as it is: see older_program.sh. */
#include <hsgd/hsgd.h>

#include <stdio.h>
#include <string.h>

enum { GUARD = 0x5a, BEHIND = 128 };

#define BEFORE_GUARD(type, name) \
    struct { \
        struct type o; \
        unsigned char behind[BEHIND]; \
    } name; \
    memset(&name, GUARD, sizeof name)

static int changed(const char *name, size_t size, const unsigned char *behind)
{
    int n = 0;
    for (int i = 0; i < BEHIND; i++) n += behind[i] != GUARD;
    printf("%s %zu\n", name, size);
    if (n) printf("%d bytes behind struct %s changed\n", n, name);
    return n;
}

#define CHANGED(name, s) changed(#name, sizeof(s).o, (s).behind)

int main(void)
{
    struct hsgd_context *ctx;
    BEFORE_GUARD(hsgd_context_options, context);
    BEFORE_GUARD(hsgd_data_options, reading);
    BEFORE_GUARD(hsgd_train_options, training);
    BEFORE_GUARD(hsgd_device, device);
    BEFORE_GUARD(hsgd_fit_result, result);
    struct hsgd_data *data = NULL;
    hsgd_context_defaults(&context.o, sizeof context.o);
    context.o.devices = "cpu";
    int err = hsgd_create(&ctx, &context.o);
    hsgd_data_defaults(&reading.o, sizeof reading.o);
    if (!err) err = hsgd_data_read(ctx, "digits", &reading.o, NULL, &data);
    struct hsgd_model *model = hsgd_model_by_name(ctx, "linear", hsgd_data_shape(data), hsgd_data_classes(data));
    hsgd_train_defaults(&training.o, sizeof training.o);
    training.o.epochs = 2, training.o.learning_rate = 0.02f;
    struct hsgd_trainer *trainer = hsgd_trainer_create(model, &training.o);
    if (!trainer || hsgd_model_initialise(model, 1)) err = 1;
    if (!err) err = hsgd_fit(trainer, data, NULL, &result.o, sizeof result.o);
    if (!err) err = hsgd_device_get(ctx, 0, &device.o, sizeof device.o);
    if (err) printf("error: %s\n", hsgd_error(ctx));
    else if (device.o.samples != 2 * 2000 || result.o.steps != 32 || !(result.o.train_accuracy > 0.5)) err = 1;
    if (CHANGED(hsgd_context_options, context) + CHANGED(hsgd_data_options, reading) +
        CHANGED(hsgd_train_options, training) + CHANGED(hsgd_device, device) + CHANGED(hsgd_fit_result, result))
        err = 1;
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
    return err ? 1 : 0;
}
