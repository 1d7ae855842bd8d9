/* SPDX-License-Identifier: BSD-3-Clause */
/* The images below a folder, as inputs of hsgd predict. */
#ifndef HSGD_APP_IMAGE_FOLDER_H
#define HSGD_APP_IMAGE_FOLDER_H

struct image_folder {
    int count, capacity;
    char **path; /* in order of the names in each folder */
    int others;  /* files whose names are not those of PNG or JPEG files */
    char *first_other;
};

/* Lists them at any depth; links are followed.  OK, or an exit code after a
 * sentence, also when there are none; image_folder_free() in any case. */
int image_folder_list(struct image_folder *f, const char *folder);
void image_folder_free(struct image_folder *f);

#endif
