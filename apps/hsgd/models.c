/* hsgd models */
#include <stdio.h>

#include "app.h"

int cmd_models(struct settings *s)
{
    struct session run;
    int code = require_words(s, 0);
    if (code) return code;
    s->devices = "cpu";
    code = open_context(&run, s);
    for (int i = 0; !code && hsgd_model_name_at(i); i++) {
        s->model = hsgd_model_name_at(i);
        struct hsgd_shape in = usual_shape(s->model);
        if ((code = open_model(&run, s, in, 10))) break;
        printf("%-12s %9lld parameters for samples of %dx%dx%d and 10 classes\n", s->model,
               (long long)hsgd_model_parameters(run.model), in.h, in.w, in.c);
        hsgd_model_destroy(&run.model);
    }
    close_session(&run);
    return code ? code : flush_output();
}
