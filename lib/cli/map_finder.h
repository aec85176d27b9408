/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of an image as the options of a program ask for it: named or looked for beside the image,
 * its signature verified, read.  What is found is said at level info.
 *
 * Threads: one.
 */
#ifndef CLI_MAP_FINDER_H
#define CLI_MAP_FINDER_H

#include "bmap/sign.h"
#include "cli/option_table.h"

/* What the options say; all lent. */
struct map_choice {
	const char *bmap;     /* NULL: it is looked for beside the image */
	const char *bmap_sig; /* NULL: it is looked for beside the map */
	bool nobmap, no_sig_verify;
	struct bmap_signature_options signature;
};

/* The options of a program that say it stand behind each other in its table, in this order. */
enum {
	MAP_OPTION_BMAP,
	MAP_OPTION_NOBMAP,
	MAP_OPTION_BMAP_SIG,
	MAP_OPTION_NO_SIG_VERIFY,
	MAP_OPTION_KEYRING,
	MAP_OPTION_FINGERPRINT,
	N_MAP_OPTIONS,
};

/* Their rows, from @first on. */
#define MAP_OPTION_ROWS(first, nobmap_help) \
	[(first) + MAP_OPTION_BMAP] = {"bmap", 0, "BMAP", "looked for beside the image", \
				       "the map of the image"}, \
		   [(first) + MAP_OPTION_NOBMAP] = {"nobmap", 0, NULL, NULL, nobmap_help}, \
		   [(first) + \
			   MAP_OPTION_BMAP_SIG] = {"bmap-sig", 0, "SIG", \
						   "looked for beside the map", \
						   "the detached OpenPGP signature of the map"}, \
		   [(first) + MAP_OPTION_NO_SIG_VERIFY] = {"no-sig-verify", 0, NULL, NULL, \
							   "do not verify the map's signature"}, \
		   [(first) + MAP_OPTION_KEYRING] = \
			   {"keyring", 0, "KEYRING", "the user's keys", \
			    "the file of public keys to verify the signature with"}, \
		   [(first) + MAP_OPTION_FINGERPRINT] = { \
			   "fingerprint", 0, "FINGERPRINT", "any key of the keyring", \
			   "the fingerprint of the key that must have signed the map"}

/* Takes one of them, a MAP_OPTION_. */
void map_choice_take(struct map_choice *choice, size_t option, const char *value);

struct map_finder {
	struct bmap_document *document, *signature; /* NULL: there is none */
	struct bmap_signature_report report;
	struct bmap *map; /* NULL: none was found */
};

void map_finder_fini(struct map_finder *finder);

/* -EINVAL: options that cannot be used together. */
BMAP_MUST_CHECK int map_choice_check(const struct map_choice *choice, struct bmap_error *err);

/*
 * Finds, verifies and reads the map of the image at @image; finder->map stays NULL when there is
 * none or --nobmap asks for none.
 */
BMAP_MUST_CHECK int map_finder_find(struct map_finder *finder, const struct map_choice *choice,
				    const char *image, const struct bmap_image_options *options,
				    struct bmap_error *err);

/* Verifies and reads what is in finder->document. */
BMAP_MUST_CHECK int map_finder_read(struct map_finder *finder, const struct map_choice *choice,
				    const struct bmap_image_options *options,
				    struct bmap_error *err);

/*
 * What to say when there is none and --nobmap was not given: what else might be done is to @action
 * the image without.  Returns -ENOENT.
 */
int map_finder_not_found(const struct map_choice *choice, const char *action,
			 struct bmap_error *err);

/* The lines behind a failure's sentence: what gpg said, who signed. */
void map_finder_explain(const struct map_finder *finder, const struct bmap_error *err);

#endif
