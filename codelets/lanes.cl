/* SPDX-License-Identifier: BSD-3-Clause */
/* Conversion between NHWC and the lanes layout (conv2d.h): 16-wide transposes. */
#include "device.h"
#include "conv2d.h"

#define LANES_CHUNK 256   /* floats per image that one tile moves */

/* lanes[b][e][l] = x[16b+l][e], zero for images from n on.  x n×size, lanes ceil(n/16)×size×16 */
KERNEL2(lanes_pack, lanes_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, lanes)
    const int n = ARG(n), size = ARG(size), chunks = (size + LANES_CHUNK - 1) / LANES_CHUNK;
    FOR_TILES(tile, ARG(tiles)) {
        const int block = tile / chunks, begin = tile % chunks * LANES_CHUNK;
        const int end = begin + LANES_CHUNK < size ? begin + LANES_CHUNK : size;
        const int images = n - block * 16 < 16 ? n - block * 16 : 16;
        GLOBAL const float *from = x + (size_t)block * 16 * size;
        GLOBAL float *to = lanes + (size_t)block * 16 * size;
        int e = begin;
        for (; e + 16 <= end; e += 16) {
            v16 r[16];
            UNROLL
            for (int l = 0; l < 16; l++)
                r[l] = l < images ? V16_LOAD(from + (size_t)l * size + e) : V16_SPLAT(0.0f);
            v16_transpose(r);
            UNROLL
            for (int i = 0; i < 16; i++)
                V16_STORE(to + (size_t)(e + i) * 16, r[i]);
        }
        for (; e < end; e++)
            for (int l = 0; l < 16; l++)
                to[(size_t)e * 16 + l] = l < images ? from[(size_t)l * size + e] : 0.0f;
    }
}

/* x[16b+l][e] = lanes[b][e][l] for the n images.  lanes ceil(n/16)×size×16, x n×size */
KERNEL2(lanes_unpack, lanes_args)
{
    BUFFER(0, const float, lanes)
    BUFFER(1, float, x)
    const int n = ARG(n), size = ARG(size), chunks = (size + LANES_CHUNK - 1) / LANES_CHUNK;
    FOR_TILES(tile, ARG(tiles)) {
        const int block = tile / chunks, begin = tile % chunks * LANES_CHUNK;
        const int end = begin + LANES_CHUNK < size ? begin + LANES_CHUNK : size;
        const int images = n - block * 16 < 16 ? n - block * 16 : 16;
        GLOBAL const float *from = lanes + (size_t)block * 16 * size;
        GLOBAL float *to = x + (size_t)block * 16 * size;
        int e = begin;
        for (; e + 16 <= end; e += 16) {
            v16 r[16];
            UNROLL
            for (int i = 0; i < 16; i++)
                r[i] = V16_LOAD(from + (size_t)(e + i) * 16);
            v16_transpose(r);
            UNROLL
            for (int l = 0; l < 16; l++)
                if (l < images)
                    V16_STORE(to + (size_t)l * size + e, r[l]);
        }
        for (; e < end; e++)
            for (int l = 0; l < images; l++)
                to[(size_t)l * size + e] = from[(size_t)e * 16 + l];
    }
}
