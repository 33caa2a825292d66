/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the files that users write one is: what must be known before it can be read. */
#ifndef SALLYPORT_FILE_KIND_H
#define SALLYPORT_FILE_KIND_H

#include "diagnostic.h"

enum file_kind {
	FILE_UNREADABLE, /* reported */
	FILE_CATALOG,
	FILE_SITE,
};

/* Its keys say it. */
enum file_kind file_kind_read(struct diagnostics *diagnostics, const char *path);

#endif
