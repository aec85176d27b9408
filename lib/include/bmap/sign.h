/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenPGP signatures of maps, verified by running gpg or gpgv.
 *
 * Threads: any.
 */
#ifndef BMAP_SIGN_H
#define BMAP_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include <bmap/error.h>
#include <bmap/image.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

#define BMAP_MAX_SIGNERS 8

struct bmap_signer {
	char fingerprint[65]; /* of the key that signed */
	char primary[65];     /* of the key that it belongs to; the same when it is one itself */
	char user[256];       /* the user id, as gpg shows it */
};

/* What came out, also when the verification failed. */
struct bmap_signature_report {
	size_t n_signers; /* whose signatures are good */
	struct bmap_signer signers[BMAP_MAX_SIGNERS];
	char detail[256]; /* more about a failure, ""; one line */
};

struct bmap_signature_options {
	const char *keyring;     /* a file of public keys; NULL: those of the user */
	const char *fingerprint; /* of a key that must have signed; NULL: any known one */
};

/* Is the document a clear-signed message (RFC 9580 section 7)? */
BMAP_API bool bmap_signature_is_inline(const struct bmap_document *document);

/*
 * Replaces the text of a clear-signed document by what was signed, without looking at the
 * signature. -EPROTO.
 */
BMAP_API BMAP_MUST_CHECK int bmap_signature_unwrap(struct bmap_document *document,
						   struct bmap_error *err);

/*
 * Verifies @document against a detached @signature, or with NULL against the one that it carries
 * itself; its text is what was signed afterwards.  -EBADMSG: the signature is bad, or by a key
 * that is not known; -EKEYEXPIRED, -EKEYREVOKED, -EKEYREJECTED (not by the fingerprint asked for),
 * -EPROTO (there is no signature in it), -EOPNOTSUPP (neither gpg nor gpgv is there).
 */
BMAP_API BMAP_MUST_CHECK int bmap_signature_verify(struct bmap_document *document,
						   const struct bmap_document *signature,
						   const struct bmap_signature_options *options,
						   struct bmap_signature_report *report,
						   struct bmap_error *err);

BMAP_END_DECLS

#endif
