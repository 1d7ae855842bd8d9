/* SPDX-License-Identifier: BSD-3-Clause */
/* The texts of models/, put into the library by models/embed.sh. */
#ifndef HSGD_RUNTIME_BUILTIN_MODELS_H
#define HSGD_RUNTIME_BUILTIN_MODELS_H

struct model_source {
    const char *name, *text;
};
extern const struct model_source model_text_at[];
extern const int model_texts;

#endif
