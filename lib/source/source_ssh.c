/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ssh://[user[:password]@]host[:port]/path, by running ssh (with sshpass when the URL has a
 * password) and "cat" on the other side.  No other file knows that there is such a program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "source/source_ops.h"
#include "source/source_url.h"

struct source_ssh {
	struct source base;
	struct child *child; /* NULL once it has ended */
};

/* Why the far side gave nothing (more): its own words, on one line. */
static int report_failure(struct source_ssh *ssh, int status, const char *said,
			  struct bmap_error *err)
{
	/* cat leaves with 1 where it cannot read the file, ssh itself with 255. */
	int code = status != 1 ? EIO : said && strstr(said, "Permission denied") ? EACCES : ENOENT;

	if (status == 127)
		return bmap_error_set(err, EIO, "cannot read '%s': there is no cat over there",
				      ssh->base.name);
	return bmap_error_set(err, code, "cannot read '%s': %.*s (ssh exit status %d)",
			      ssh->base.name, said ? (int)strcspn(said, "\r\n") : 0,
			      said ? said : "", status);
}

static ssize_t ssh_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			 struct bmap_error *err)
{
	struct source_ssh *ssh = (struct source_ssh *)source;
	CLEANUP_FREE char *said = NULL;
	ssize_t n;
	int status;

	(void)offset_bytes;
	if (!ssh->child)
		return 0;
	n = source_read_fd(source, child_stdout(ssh->child), buf, len, err);
	if (n != 0)
		return n;
	child_close(STEAL_PTR(ssh->child), 0, &status, &said);
	return status == 0 ? 0 : report_failure(ssh, status, said, err);
}

static void ssh_close(struct source *source)
{
	struct source_ssh *ssh = (struct source_ssh *)source;

	child_close(ssh->child, 1, NULL, NULL);
	source_fini(source);
	free(ssh);
}

/* "cat -- 'path'" with every quote in the path made harmless for the far shell. */
static char *cat_command(const char *path)
{
	size_t len = strlen("cat -- ''") + 1;
	char *command, *out;

	for (const char *p = path; *p; p++)
		len += *p == '\'' ? 4 : 1;
	command = malloc(len);
	if (!command)
		return NULL;
	out = stpcpy(command, "cat -- '");
	for (const char *p = path; *p; p++) {
		if (*p == '\'')
			out = stpcpy(out, "'\\''");
		else
			*out++ = *p;
	}
	strcpy(out, "'");
	return command;
}

static int run_ssh(struct child **child, const struct source_url *url, struct bmap_error *err)
{
	CLEANUP_FREE char *command = cat_command(url->path);
	CLEANUP_FREE char *destination = NULL;
	CLEANUP_FREE char *password = NULL;
	const char *argv[16];
	bool is_ipv6 = url->host[0] == '['; /* ssh wants it without the brackets */
	int host_len = (int)strlen(url->host) - (is_ipv6 ? 2 : 0);
	size_t n = 0;

	if (!command ||
	    asprintf(&destination, "%s%s%.*s", url->user ? url->user : "", url->user ? "@" : "",
		     host_len, url->host + is_ipv6) < 0 ||
	    (url->password && asprintf(&password, "SSHPASS=%s", url->password) < 0))
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (password) {
		argv[n++] = "sshpass";
		argv[n++] = "-e";
	}
	argv[n++] = "ssh";
	if (url->port) {
		argv[n++] = "-p";
		argv[n++] = url->port;
	}
	argv[n++] = "--";
	argv[n++] = destination;
	argv[n++] = command;
	argv[n] = NULL;
	return child_open(child, argv, password, err);
}

int source_open_ssh(struct source **source, const char *location, struct bmap_error *err)
{
	static const struct source_ops ops = {.pread = ssh_pread, .close = ssh_close};
	CLEANUP(source_url_fini) struct source_url url = {0};
	CLEANUP_FREE struct source_ssh *ssh = calloc(1, sizeof(*ssh));
	const uint8_t *head;

	if (!ssh)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (source_url_parse(&url, location, err) < 0)
		return -err->code;
	if (!url.host)
		return bmap_error_set(err, EINVAL, "'%s' names no host", location);
	if (source_init(&ssh->base, &ops, url.url, err) < 0)
		return -err->code;
	if (run_ssh(&ssh->child, &url, err) < 0) {
		source_fini(&ssh->base);
		return -err->code;
	}
	/* Whether the file is there shows with the first byte. */
	if (source_peek(&ssh->base, &head, 1, err) < 0) {
		source_close(&STEAL_PTR(ssh)->base);
		return -err->code;
	}
	*source = &STEAL_PTR(ssh)->base;
	return 0;
}
