/* SPDX-License-Identifier: BSD-3-Clause */
#include "draw/draw.h"

int history_draw(const char *folder, const char *title, const char *what, const char *png, const char *svg)
{
    struct history h;
    int code = history_read(&h, folder);
    if (!code && h.n) code = draw_history(&h, title, what, png, svg);
    history_free(&h);
    return code;
}
