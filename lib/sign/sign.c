/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bmap/sign.h: what gpg says on its status descriptor (GnuPG's doc/DETAILS), and what it means. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "bmap/sign.h"

#define BEGIN_MESSAGE   "-----BEGIN PGP SIGNED MESSAGE-----"
#define BEGIN_SIGNATURE "-----BEGIN PGP SIGNATURE-----"
#define MAX_STATUS_LEN  (64 << 10)
/* A long key id; a short one can be made to order. */
#define MIN_KEY_ID_LEN 16

bool bmap_signature_is_inline(const struct bmap_document *document)
{
	return document->len >= strlen(BEGIN_MESSAGE) &&
	       !memcmp(document->text, BEGIN_MESSAGE, strlen(BEGIN_MESSAGE));
}

/* ---- unwrapping (RFC 9580 section 7.1) ---- */

/* The line at *@text without its end; *@text moves behind it.  NULL: there is none. */
static char *next_line(char **text, size_t *len)
{
	char *line = *text, *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	*len = end ? (size_t)(end - line) : strlen(line);
	*text = end ? end + 1 : line + *len;
	return line;
}

int bmap_signature_unwrap(struct bmap_document *document, struct bmap_error *err)
{
	char *text = document->text, *out = document->text, *line;
	bool in_header = true;
	size_t len;

	line = next_line(&text, &len); /* BEGIN_MESSAGE */
	while ((line = next_line(&text, &len))) {
		if (in_header) {
			in_header = len > 0 && !(len == 1 && line[0] == '\r');
			continue;
		}
		if (!strncmp(line, BEGIN_SIGNATURE, strlen(BEGIN_SIGNATURE))) {
			*out = '\0';
			document->len = (size_t)(out - document->text);
			return 0;
		}
		if (len >= 2 && !memcmp(line, "- ", 2)) {
			line += 2;
			len -= 2;
		}
		memmove(out, line, len);
		out += len;
		*out++ = '\n';
	}
	return bmap_error_set(err, EPROTO, "'%s': the signed message has no end", document->name);
}

/* ---- running gpg ---- */

/* What gpg is given and gives: files in memory that the child inherits. */
struct exchange {
	int data_fd, signature_fd, status_fd;
	char data[32], signature[32], status[16];
	char *home; /* an empty one, made for a keyring that gpg is to use alone */
};

static void exchange_fini(struct exchange *exchange)
{
	const int fds[] = {exchange->data_fd, exchange->signature_fd, exchange->status_fd};
	struct dirent *entry;
	DIR *dir;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (!exchange->home)
		return;
	dir = opendir(exchange->home);
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(exchange->home);
	free(exchange->home);
}

static int exchange_init(struct exchange *exchange, const struct bmap_document *document,
			 const struct bmap_document *signature, struct bmap_error *err)
{
	exchange->data_fd = fd_memory_file("data", document->text, document->len);
	exchange->status_fd = fd_memory_file("status", NULL, 0);
	if (signature)
		exchange->signature_fd =
			fd_memory_file("signature", signature->text, signature->len);
	if (exchange->data_fd < 0 || exchange->status_fd < 0 ||
	    (signature && exchange->signature_fd < 0))
		return bmap_error_set(err, EMFILE, "cannot verify a signature: no descriptors");
	snprintf(exchange->data, sizeof(exchange->data), "/proc/self/fd/%d", exchange->data_fd);
	snprintf(exchange->signature, sizeof(exchange->signature), "/proc/self/fd/%d",
		 exchange->signature_fd);
	snprintf(exchange->status, sizeof(exchange->status), "%d", exchange->status_fd);
	return 0;
}

static char *make_home(void)
{
	const char *tmp = getenv("TMPDIR");
	char *home;

	if (asprintf(&home, "%s/bmap-gpg.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
		return NULL;
	if (!mkdtemp(home)) {
		free(home);
		return NULL;
	}
	return home;
}

/* The arguments of one of the two programs. */
static int fill_argv(const char **argv, const char *program, struct exchange *exchange,
		     const char *keyring, bool is_detached, struct bmap_error *err)
{
	bool is_gpg = !strcmp(program, "gpg");
	size_t n = 0;

	argv[n++] = program;
	argv[n++] = "--status-fd";
	argv[n++] = exchange->status;
	if (is_gpg) {
		argv[n++] = "--batch";
		argv[n++] = "--no-tty";
		argv[n++] = "--no-auto-key-retrieve";
	}
	if (keyring && is_gpg) {
		if (!exchange->home)
			exchange->home = make_home();
		if (!exchange->home)
			return bmap_error_set_system(err, errno, "cannot make a folder for gpg");
		argv[n++] = "--homedir";
		argv[n++] = exchange->home;
		argv[n++] = "--no-default-keyring";
	}
	if (keyring) {
		argv[n++] = "--keyring";
		argv[n++] = keyring;
	}
	argv[n++] = "--output";
	argv[n++] = "-";
	if (is_gpg)
		argv[n++] = "--verify";
	argv[n++] = "--";
	argv[n++] = is_detached ? exchange->signature : exchange->data;
	if (is_detached)
		argv[n++] = exchange->data;
	argv[n] = NULL;
	return 0;
}

/* Runs whichever of the two programs is there; *@text gets what an inline signature covers. */
static int run_verifier(struct exchange *exchange, const char *keyring, bool is_detached,
			char **text, size_t *text_len, int *status, struct bmap_error *err)
{
	static const char *const of_user[] = {"gpg", "gpgv"}, *const of_keyring[] = {"gpgv", "gpg"};
	const char *const *programs = keyring ? of_keyring : of_user;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP_FREE char *said = NULL;
		struct bmap_error why = {0};
		const char *argv[20];
		int r;

		if (fill_argv(argv, programs[i], exchange, keyring, is_detached, err) < 0)
			return -err->code;
		r = child_run(argv, BMAP_MAX_DOCUMENT_LEN, text, text_len, &said, status, &why);
		if (r == -ENOENT)
			continue;
		bmap_log(BMAP_LOG_INFO, "Trying to verify signature using %s", programs[i]);
		if (r < 0) {
			*err = why;
			return r;
		}
		if (said)
			bmap_log(BMAP_LOG_DEBUG, "%s left with %d: %s", programs[i], *status, said);
		return 0;
	}
	return bmap_error_set(err, EOPNOTSUPP, "Cannot verify GPG signature without GPG");
}

/* ---- what it said ---- */

enum fault { GOOD, EXPIRED_SIGNATURE, EXPIRED_KEY, REVOKED_KEY, UNKNOWN_KEY, BAD };

struct verdict {
	enum fault worst;
	bool has_signature;
	char who[256]; /* the key of the worst one */
	char user[256];
};

static void note(struct verdict *verdict, enum fault fault, const char *who)
{
	verdict->has_signature = true;
	if (fault < verdict->worst || fault == GOOD)
		return;
	verdict->worst = fault;
	snprintf(verdict->who, sizeof(verdict->who), "%s", who);
}

/* "VALIDSIG fingerprint date time expires version reserved algorithm hash class primary" */
static void take_valid(struct bmap_signature_report *report, const struct verdict *verdict,
		       const char *rest)
{
	struct bmap_signer *signer = &report->signers[report->n_signers];
	int n;

	if (report->n_signers == BMAP_MAX_SIGNERS)
		return;
	n = sscanf(rest, "%64s %*s %*s %*s %*s %*s %*s %*s %*s %64s", signer->fingerprint,
		   signer->primary);
	if (n < 1)
		return;
	if (n < 2)
		strcpy(signer->primary, signer->fingerprint);
	snprintf(signer->user, sizeof(signer->user), "%s", verdict->user);
	report->n_signers++;
}

static void take_status_line(struct bmap_signature_report *report, struct verdict *verdict,
			     const char *line)
{
	static const struct {
		const char *keyword;
		enum fault fault;
	} results[] = {
		{"GOODSIG", GOOD},
		{"EXPSIG", EXPIRED_SIGNATURE},
		{"EXPKEYSIG", EXPIRED_KEY},
		{"REVKEYSIG", REVOKED_KEY},
		{"BADSIG", BAD},
	};
	char keyword[32] = "", id[65] = "", user[256] = "";
	int reason = 0;

	if (sscanf(line, "[GNUPG:] %31s %64s %255[^\n]", keyword, id, user) < 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		if (!strcmp(keyword, results[i].keyword)) {
			note(verdict, results[i].fault, user[0] ? user : id);
			strcpy(verdict->user, user);
		}
	}
	/* "ERRSIG keyid algorithm hash class time reason": 9 is a key that is not known */
	if (!strcmp(keyword, "ERRSIG")) {
		sscanf(user, "%*s %*s %*s %*s %d", &reason);
		note(verdict, reason == 9 ? UNKNOWN_KEY : BAD, id);
	} else if (!strcmp(keyword, "VALIDSIG")) {
		take_valid(report, verdict, strstr(line, "VALIDSIG ") + strlen("VALIDSIG "));
	}
}

static int read_status(int fd, struct bmap_signature_report *report, struct verdict *verdict,
		       struct bmap_error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len, line_len;
	char *rest, *line;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_read_text(fd, &text, &len, MAX_STATUS_LEN);

	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot verify a signature");
	rest = text;
	while ((line = next_line(&rest, &line_len))) {
		if (line[line_len])
			line[line_len] = '\0';
		take_status_line(report, verdict, line);
	}
	return 0;
}

static int judge(const struct verdict *verdict, struct bmap_signature_report *report,
		 const char *name, struct bmap_error *err)
{
	switch (verdict->worst) {
	case GOOD:
		if (verdict->has_signature && report->n_signers)
			return 0;
		return bmap_error_set(err, EPROTO,
				      "no OpenPGP signature was found in the signature of bmap "
				      "file '%s'",
				      name);
	case EXPIRED_SIGNATURE:
		return bmap_error_set(err, EKEYEXPIRED,
				      "signature verification failed for bmap file '%s': the "
				      "signature of %s has expired",
				      name, verdict->who);
	case EXPIRED_KEY:
		return bmap_error_set(err, EKEYEXPIRED,
				      "signature verification failed for bmap file '%s': the key "
				      "of %s has expired",
				      name, verdict->who);
	case REVOKED_KEY:
		return bmap_error_set(err, EKEYREVOKED,
				      "signature verification failed for bmap file '%s': the key "
				      "of %s was revoked",
				      name, verdict->who);
	case UNKNOWN_KEY:
		snprintf(report->detail, sizeof(report->detail),
			 "No matching key found: the key %.64s that signed it is unknown",
			 verdict->who);
		break;
	case BAD:
		snprintf(
			report->detail, sizeof(report->detail),
			"the signature of %.100s does not belong to this bmap file, or one of them "
			"was changed",
			verdict->who);
		break;
	}
	return bmap_error_set(err, EBADMSG, "discovered a BAD GPG signature for bmap file '%s'",
			      name);
}

/* ---- fingerprints ---- */

/* In capitals, without spaces and 0x.  -EINVAL: it is none, or too short to mean anything. */
static int normalize_fingerprint(const char *text, char *out, size_t size)
{
	size_t len = 0;

	while (isspace((unsigned char)*text))
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (!isxdigit((unsigned char)*text) || len + 1 >= size)
			return -EINVAL;
		out[len++] = (char)toupper((unsigned char)*text);
	}
	out[len] = '\0';
	return len < MIN_KEY_ID_LEN ? -EINVAL : 0;
}

static bool ends_with(const char *fingerprint, const char *wanted)
{
	size_t len = strlen(fingerprint), wanted_len = strlen(wanted);

	return wanted_len <= len && !strcmp(fingerprint + len - wanted_len, wanted);
}

static int check_fingerprint(const struct bmap_signature_report *report, const char *fingerprint,
			     struct bmap_error *err)
{
	char wanted[65];

	if (normalize_fingerprint(fingerprint, wanted, sizeof(wanted)) < 0)
		return bmap_error_set(
			err, EINVAL,
			"'%s' is not a fingerprint: %d hexadecimal digits or more are "
			"needed",
			fingerprint, MIN_KEY_ID_LEN);
	for (size_t i = 0; i < report->n_signers; i++) {
		if (ends_with(report->signers[i].fingerprint, wanted) ||
		    ends_with(report->signers[i].primary, wanted))
			return 0;
	}
	return bmap_error_set(
		err, EKEYREJECTED,
		"requested fingerprint %s did not sign the bmap file. Only have these "
		"sigs:",
		fingerprint);
}

/* gpg would look for a keyring without a folder in a place of its own. */
static int keyring_path(const char *keyring, char **path, struct bmap_error *err)
{
	*path = realpath(keyring, NULL);
	if (!*path)
		return bmap_error_set_system(err, errno, "cannot open keyring '%s'", keyring);
	return 0;
}

int bmap_signature_verify(struct bmap_document *document, const struct bmap_document *signature,
			  const struct bmap_signature_options *options,
			  struct bmap_signature_report *report, struct bmap_error *err)
{
	CLEANUP(exchange_fini) struct exchange exchange = {-1, -1, -1, "", "", "", NULL};
	CLEANUP_FREE char *keyring = NULL;
	CLEANUP_FREE char *text = NULL;
	struct verdict verdict = {0};
	size_t text_len;
	int status = 0;

	*report = (struct bmap_signature_report){0};
	if (options->keyring && keyring_path(options->keyring, &keyring, err) < 0)
		return -err->code;
	if (exchange_init(&exchange, document, signature, err) < 0 ||
	    run_verifier(&exchange, keyring, signature != NULL, &text, &text_len, &status, err) <
		    0 ||
	    read_status(exchange.status_fd, report, &verdict, err) < 0 ||
	    judge(&verdict, report, document->name, err) < 0)
		return -err->code;
	/* A good signature, and something beside it that gpg did not like. */
	if (status != 0)
		return bmap_error_set(err, EPROTO,
				      "signature verification failed for bmap file '%s': there is "
				      "more in it than one signed message",
				      document->name);
	if (options->fingerprint && check_fingerprint(report, options->fingerprint, err) < 0)
		return -err->code;
	if (!signature) {
		free(document->text);
		document->text = STEAL_PTR(text);
		document->len = text_len;
	}
	return 0;
}
