/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a URL (RFC 3986), percent-decoded.  Threads: one. */
#ifndef SOURCE_SOURCE_URL_H
#define SOURCE_SOURCE_URL_H

#include "bmap/error.h"

struct source_url {
	char *url;      /* the whole without user and password, encoded: fit to be shown and sent */
	char *scheme;   /* in lower case */
	char *user;     /* NULL: none */
	char *password; /* NULL: none */
	char *host;
	char *port; /* NULL: none */
	char *path;
};

/* -EINVAL: not a URL. */
BMAP_MUST_CHECK int source_url_parse(struct source_url *parts, const char *url,
				     struct bmap_error *err);
void source_url_fini(struct source_url *parts);

#endif
