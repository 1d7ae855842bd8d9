/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's CUDA kernels once more, for the host, and their table. */
#include "words.h"

#include "kernels.cu"

#define AT(i) b[i], o[i]
#define CALL1 AT(0)
#define CALL2 CALL1, AT(1)
#define CALL3 CALL2, AT(2)
#define CALL4 CALL3, AT(3)
#define CALL5 CALL4, AT(4)
#define CALL6 CALL5, AT(5)
#define CALL7 CALL6, AT(6)
#define CALL8 CALL7, AT(7)
#define CALL9 CALL8, AT(8)
#define CALL10 CALL9, AT(9)
#define CALL11 CALL10, AT(10)
#define CALL12 CALL11, AT(11)
#define KERNEL(name, buffers, args) \
    static void run_##name(char *const *b, const uint64_t *o, const void *a) \
    { \
        hsgd_cuda_##name(CALL##buffers, *(const struct args *)a); \
    }
#include "kernel_cuda_list.h"
#undef KERNEL

struct emu_kernel emu_kernels[] = {
#define KERNEL(name, buffers, args) { "hsgd_cuda_" #name, run_##name, buffers, sizeof(struct args), 0 },
#include "kernel_cuda_list.h"
#undef KERNEL
};
const int emu_nkernels = sizeof emu_kernels / sizeof *emu_kernels;

extern "C" char __start_emu_shared[], __stop_emu_shared[];
void emu_shared_poison(void) { memset(__start_emu_shared, 0xff, (size_t)(__stop_emu_shared - __start_emu_shared)); }
