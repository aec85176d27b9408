/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clear-signed messages: unwrapping never makes a text longer. */
#include <stdlib.h>

#include "bmap/sign.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};

	if (bmap_document_new(&document, "fuzz", "fuzz", size ? (const char *)data : "", size,
			      &err) < 0)
		abort();
	if (bmap_signature_is_inline(document) && bmap_signature_unwrap(document, &err) == 0 &&
	    (document->len > size || document->text[document->len] != '\0'))
		abort();
	bmap_document_free(document);
	return 0;
}
