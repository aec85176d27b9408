/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unwrapping; what gpg itself says is tested by tests/e2e/sign_*.sh. */
#include "bmap/sign.h"
#include "unit.h"

#define HEAD "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
#define TAIL "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n"

static struct bmap_document *document_of(const char *text, size_t len)
{
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};

	OK(bmap_document_new(&document, "m.bmap", "m.bmap", text, len, &err));
	return document;
}

START_TEST(inline_signatures_are_recognized)
{
	static const struct {
		const char *text;
		bool is_inline;
	} cases[] = {{HEAD "x\n" TAIL, true},
		     {"", false},
		     {"-----BEGIN PGP SIGNED", false},
		     {"\n" HEAD, false},
		     {"<bmap/>", false},
		     {"-----BEGIN PGP SIGNATURE-----\n", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bmap_document *document = document_of(cases[i].text, strlen(cases[i].text));

		ck_assert_int_eq(bmap_signature_is_inline(document), cases[i].is_inline);
		bmap_document_free(document);
	}
}
END_TEST

START_TEST(unwrapping_gives_what_was_signed)
{
	static const char *const cases[][2] = {
		{HEAD "one\ntwo\n" TAIL, "one\ntwo\n"},
		{HEAD TAIL, ""},
		{HEAD "- -----BEGIN PGP SIGNATURE-----\n- - x\n-y\n" TAIL,
		 "-----BEGIN PGP SIGNATURE-----\n- x\n-y\n"},
		{HEAD "\n\nx\n\n" TAIL, "\n\nx\n\n"},
		{"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nx\r\n" TAIL, "x\r\n"},
		{"-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n-----BEGIN PGP SIGNATURE-----", "x\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bmap_document *document = document_of(cases[i][0], strlen(cases[i][0]));
		struct bmap_error err = {0};

		OK(bmap_signature_unwrap(document, &err));
		ck_assert_str_eq(document->text, cases[i][1]);
		ck_assert_uint_eq(document->len, strlen(cases[i][1]));
		bmap_document_free(document);
	}
}
END_TEST

START_TEST(a_message_without_an_end_is_refused)
{
	static const char text[] = HEAD "one\ntwo\n"
					"-----BEGIN PGP SIGNATURE-----";

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct bmap_document *document = document_of(text, len);
		struct bmap_error err = {0};

		FAILS(bmap_signature_unwrap(document, &err), EPROTO,
		      "'m.bmap': the signed message has no end");
		bmap_document_free(document);
	}
}
END_TEST

START_TEST(a_keyring_that_is_not_there_is_an_error)
{
	const struct bmap_signature_options options = {.keyring = "no-such-keyring"};
	struct bmap_document *document = document_of(HEAD TAIL, strlen(HEAD TAIL));
	struct bmap_signature_report report;
	struct bmap_error err = {0};

	FAILS(bmap_signature_verify(document, NULL, &options, &report, &err), ENOENT,
	      "cannot open keyring 'no-such-keyring'");
	ck_assert_uint_eq(report.n_signers, 0);
	bmap_document_free(document);
}
END_TEST

UNIT_MAIN("sign", inline_signatures_are_recognized, unwrapping_gives_what_was_signed,
	  a_message_without_an_end_is_refused, a_keyring_that_is_not_there_is_an_error)
