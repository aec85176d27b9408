/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "bmap/log.h"
#include "cli/log_terminal.h"
#include "cli/map_finder.h"

void map_finder_fini(struct map_finder *finder)
{
	bmap_free(finder->map);
	bmap_document_free(finder->document);
	bmap_document_free(finder->signature);
	*finder = (struct map_finder){0};
}

void map_choice_take(struct map_choice *choice, size_t option, const char *value)
{
	switch (option) {
	case MAP_OPTION_BMAP:
		choice->bmap = value;
		break;
	case MAP_OPTION_NOBMAP:
		choice->nobmap = true;
		break;
	case MAP_OPTION_BMAP_SIG:
		choice->bmap_sig = value;
		break;
	case MAP_OPTION_NO_SIG_VERIFY:
		choice->no_sig_verify = true;
		break;
	case MAP_OPTION_KEYRING:
		choice->signature.keyring = value;
		break;
	default:
		choice->signature.fingerprint = value;
	}
}

int map_choice_check(const struct map_choice *choice, struct bmap_error *err)
{
	const char *first = NULL, *second = NULL;

	if (choice->nobmap && choice->bmap_sig)
		return bmap_error_set(
			err, EINVAL,
			"the bmap signature file was specified, but bmap file was not "
			"found");
	if (choice->nobmap && (choice->signature.keyring || choice->signature.fingerprint)) {
		first = "--nobmap";
		second = choice->signature.keyring ? "--keyring" : "--fingerprint";
	} else if (choice->nobmap && choice->bmap) {
		first = "--nobmap";
		second = "--bmap";
	} else if (choice->bmap_sig && choice->no_sig_verify) {
		first = "--bmap-sig";
		second = "--no-sig-verify";
	} else if (choice->no_sig_verify && choice->signature.keyring) {
		first = "--no-sig-verify";
		second = "--keyring";
	} else if (choice->no_sig_verify && choice->signature.fingerprint) {
		first = "--no-sig-verify";
		second = "--fingerprint";
	}
	if (!first)
		return 0;
	return bmap_error_set(err, EINVAL, "%s and %s cannot be used together", first, second);
}

static int find_map(struct map_finder *finder, const struct map_choice *choice, const char *image,
		    const struct bmap_image_options *options, struct bmap_error *err)
{
	if (choice->bmap) {
		if (bmap_document_read(&finder->document, choice->bmap, options, err) < 0)
			return bmap_error_prefix(err, "cannot open bmap file '%s'", choice->bmap);
		return 0;
	}
	if (bmap_find_map(&finder->document, image, options, err) < 0)
		return bmap_error_prefix(err, "cannot open bmap file");
	if (finder->document)
		bmap_log(BMAP_LOG_INFO, "discovered bmap file '%s'", finder->document->name);
	return 0;
}

/* Beside the map; the one named must be there. */
static int find_signature(struct map_finder *finder, const struct map_choice *choice,
			  const struct bmap_image_options *options, struct bmap_error *err)
{
	if (choice->bmap_sig) {
		if (bmap_document_read(&finder->signature, choice->bmap_sig, options, err) < 0)
			return bmap_error_prefix(err, "cannot open bmap signature file '%s'",
						 choice->bmap_sig);
		return 0;
	}
	if (!finder->document->location[0])
		return 0; /* nothing lies beside a map inside an archive */
	if (bmap_find_signature(&finder->signature, finder->document->location, options, err) < 0)
		return bmap_error_prefix(err, "cannot open bmap signature file");
	if (finder->signature)
		bmap_log(BMAP_LOG_INFO, "discovered signature file for bmap '%s'",
			 finder->signature->name);
	return 0;
}

static int verify_signature(struct map_finder *finder, const struct map_choice *choice,
			    const struct bmap_image_options *options, struct bmap_error *err)
{
	bool is_inline = bmap_signature_is_inline(finder->document);

	if (is_inline)
		bmap_log(BMAP_LOG_INFO, "discovered inline signature");
	if (choice->no_sig_verify)
		return is_inline ? bmap_signature_unwrap(finder->document, err) : 0;
	if (!is_inline && find_signature(finder, choice, options, err) < 0)
		return -err->code;
	if (!is_inline && !finder->signature) {
		if (choice->signature.fingerprint || choice->signature.keyring)
			return bmap_error_set(err, EKEYREJECTED, "no signature found but %s given",
					      choice->signature.fingerprint ? "--fingerprint"
									    : "--keyring");
		return 0;
	}
	if (bmap_signature_verify(finder->document, is_inline ? NULL : finder->signature,
				  &choice->signature, &finder->report, err) < 0)
		return -err->code;
	for (size_t i = 0; i < finder->report.n_signers; i++)
		bmap_log(BMAP_LOG_INFO,
			 "successfully verified bmap file signature of %s (fingerprint %s)",
			 finder->report.signers[i].user, finder->report.signers[i].fingerprint);
	return 0;
}

int map_finder_read(struct map_finder *finder, const struct map_choice *choice,
		    const struct bmap_image_options *options, struct bmap_error *err)
{
	if (verify_signature(finder, choice, options, err) < 0)
		return -err->code;
	return bmap_parse(&finder->map, finder->document->text, finder->document->len,
			  finder->document->name, err);
}

int map_finder_find(struct map_finder *finder, const struct map_choice *choice, const char *image,
		    const struct bmap_image_options *options, struct bmap_error *err)
{
	if (choice->nobmap)
		return 0;
	if (find_map(finder, choice, image, options, err) < 0)
		return -err->code;
	return finder->document ? map_finder_read(finder, choice, options, err) : 0;
}

int map_finder_not_found(const struct map_choice *choice, const char *action,
			 struct bmap_error *err)
{
	if (choice->bmap_sig)
		return bmap_error_set(
			err, ENOENT,
			"the bmap signature file was specified, but bmap file was not "
			"found");
	return bmap_error_set(err, ENOENT,
			      "bmap file not found, please, use --nobmap option to %s without "
			      "bmap",
			      action);
}

void map_finder_explain(const struct map_finder *finder, const struct bmap_error *err)
{
	char line[80];

	if (finder->report.detail[0])
		log_terminal_detail(finder->report.detail);
	for (size_t i = 0; err->code == EKEYREJECTED && i < finder->report.n_signers; i++) {
		snprintf(line, sizeof(line), "* %s", finder->report.signers[i].fingerprint);
		log_terminal_detail(line);
	}
}
