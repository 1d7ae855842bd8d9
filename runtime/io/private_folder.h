/* SPDX-License-Identifier: BSD-3-Clause */
/* A private folder of this process, for files that other libraries must write and
 * the user's own folders do not accept. */
#ifndef HSGD_RUNTIME_IO_PRIVATE_FOLDER_H
#define HSGD_RUNTIME_IO_PRIVATE_FOLDER_H

/* Its path; created by the first call, with what is in it removed when the
 * process ends.  NULL with errno: it cannot be created either. */
const char *private_folder(void);

#endif
