/* safetensors: whatever is accepted must be sound to use. */
#include "core.h"

#include <io/safetensors.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsgd_context ctx;
    struct safetensors f;
    if (safetensors_parse(&ctx, &f, "input", data, size)) return 0;
    (void)safetensors_metadata(&f, "format");
    for (int i = 0; i < f.ntensors; i++) {
        const struct safetensor *t = &f.tensor[i];
        const uint8_t *begin = t->data;
        if (begin < data || t->bytes > size || begin + t->bytes > data + size) __builtin_trap();
        if (safetensors_find(&f, t->name) != t) __builtin_trap();
        if (safetensors_need(&ctx, &f, t->name, t->type, t->ndims, t->dims) != t) __builtin_trap();
        (void)safetensors_check_finite(&ctx, &f, t);
    }
    safetensors_close(&f);
    return 0;
}
