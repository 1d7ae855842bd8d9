/* SPDX-License-Identifier: BSD-3-Clause */
#include "safetensors_type.h"

#include <string.h>

static const struct {
    const char *name;
    int bits;
} types[] = {
    [SAFETENSORS_BOOL] = { "BOOL", 8 },       [SAFETENSORS_U8] = { "U8", 8 },
    [SAFETENSORS_I8] = { "I8", 8 },           [SAFETENSORS_I16] = { "I16", 16 },
    [SAFETENSORS_U16] = { "U16", 16 },        [SAFETENSORS_F16] = { "F16", 16 },
    [SAFETENSORS_BF16] = { "BF16", 16 },      [SAFETENSORS_I32] = { "I32", 32 },
    [SAFETENSORS_U32] = { "U32", 32 },        [SAFETENSORS_F32] = { "F32", 32 },
    [SAFETENSORS_I64] = { "I64", 64 },        [SAFETENSORS_U64] = { "U64", 64 },
    [SAFETENSORS_F64] = { "F64", 64 },        [SAFETENSORS_C64] = { "C64", 64 },
    [SAFETENSORS_F8_E5M2] = { "F8_E5M2", 8 }, [SAFETENSORS_F8_E4M3] = { "F8_E4M3", 8 },
    [SAFETENSORS_F8_E8M0] = { "F8_E8M0", 8 }, [SAFETENSORS_F6_E2M3] = { "F6_E2M3", 6 },
    [SAFETENSORS_F6_E3M2] = { "F6_E3M2", 6 }, [SAFETENSORS_F4] = { "F4", 4 },
};

int safetensors_type_of(const char *name)
{
    for (int i = 0; i < (int)(sizeof types / sizeof *types); i++)
        if (!strcmp(types[i].name, name)) return i;
    return -1;
}

const char *safetensors_type_name(enum safetensors_type type) { return types[type].name; }
int safetensors_bits(enum safetensors_type type) { return types[type].bits; }

int64_t safetensors_count(int ndims, const int64_t *dims)
{
    int64_t n = 1;
    for (int i = 0; i < ndims; i++)
        if (__builtin_mul_overflow(n, dims[i], &n)) return -1;
    return n;
}
