/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "source/source_url.h"

static void curlu_cleanupp(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

/* The part as a string of ours; NULL when there is none. */
static char *get_part(CURLU *handle, CURLUPart part, unsigned int flags)
{
	char *text = NULL, *copy = NULL;

	if (curl_url_get(handle, part, &text, flags) == CURLUE_OK && text)
		copy = strdup(text);
	curl_free(text);
	return copy;
}

int source_url_parse(struct source_url *parts, const char *url, struct bmap_error *err)
{
	CLEANUP(curlu_cleanupp) CURLU *handle = curl_url();
	CURLUcode code;

	if (!handle)
		return bmap_error_set(err, ENOMEM, "out of memory");
	code = curl_url_set(handle, CURLUPART_URL, url,
			    CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE);
	if (code != CURLUE_OK)
		return bmap_error_set(err, EINVAL, "'%.200s' is not a URL: %s", url,
				      curl_url_strerror(code));
	*parts = (struct source_url){
		.scheme = get_part(handle, CURLUPART_SCHEME, 0),
		.user = get_part(handle, CURLUPART_USER, CURLU_URLDECODE),
		.password = get_part(handle, CURLUPART_PASSWORD, CURLU_URLDECODE),
		.host = get_part(handle, CURLUPART_HOST, 0),
		.port = get_part(handle, CURLUPART_PORT, 0),
		.path = get_part(handle, CURLUPART_PATH, CURLU_URLDECODE),
	};
	curl_url_set(handle, CURLUPART_USER, NULL, 0);
	curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
	parts->url = get_part(handle, CURLUPART_URL, CURLU_URLENCODE);
	if (!parts->url || !parts->scheme || !parts->path) {
		source_url_fini(parts);
		return bmap_error_set(err, EINVAL, "'%.200s' is not a URL that names a file", url);
	}
	return 0;
}

void source_url_fini(struct source_url *parts)
{
	free(parts->url);
	free(parts->scheme);
	free(parts->user);
	free(parts->password);
	free(parts->host);
	free(parts->port);
	free(parts->path);
	*parts = (struct source_url){0};
}
