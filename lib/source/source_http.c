/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Remote files by libcurl: http, https, ftp, sftp, scp.
 *
 * One transfer runs at a time, driven only while somebody waits for bytes.  Reading on costs
 * nothing new; a jump forwards is read over when it is short and a new request (Range) when it is
 * long.  A transfer that breaks is taken up where it broke, with If-Range (RFC 9110 section 13.1.5)
 * and a look at what the server says of the file then: a file that changed is an error, never a
 * mix.
 *
 * Over 500 lines of one noun: the transfer, and how it goes on.  What an answer says is in
 * http_answer.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/bmap.h"
#include "bmap/log.h"
#include "source/http_answer.h"
#include "source/source_ops.h"
#include "source/source_url.h"

#define CONNECT_TIMEOUT_SEC 30
/* A transfer that brings nothing for so long is broken; unless options say otherwise. */
#define STALL_TIMEOUT_SEC 30
/* What is asked for first of a file that will be read here and there: headers and magic numbers. */
#define FIRST_BYTES (64 << 10)
/* And of one that is read in order after all, so much at a time at most. */
#define MAX_REQUEST_BYTES  (UINT64_C(8) << 20)
#define MAX_REDIRECTS      10
#define FIRST_BACKOFF_MSEC 250
#define MAX_BACKOFF_MSEC   8000
/* So much more, and a break counts as a new one. */
#define PROGRESS_BYTES (64 << 10)
#define RECEIVE_SIZE   (512 << 10)
/*
 * All that libcurl has received, and the little more it may hold back: what it has to keep itself
 * while it is paused it copies each time it goes on.
 */
#define SPILL_SIZE (RECEIVE_SIZE + 4 * CURL_MAX_WRITE_SIZE)

struct source_http {
	struct source base;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	bool is_http;
	char *location; /* as it was given, password and all, for clones */
	struct source_options options;

	/* what the first answer said the file is; every later one must agree */
	bool is_known;
	struct http_answer first;

	/* the transfer that runs */
	bool running, paused, checked;
	bool over;   /* it has ended, with @result */
	bool at_end; /* the server says that there is nothing behind what we have */
	CURLcode result;
	uint64_t requested_bytes; /* offset at which it was asked to begin */
	uint64_t end_bytes;       /* and to end; UINT64_MAX: with the file */
	uint64_t position_bytes;  /* offset of the next byte that read_some() gives */
	uint64_t drop_bytes;      /* bytes to throw away first: a server that ignored the range */
	struct http_answer answer;
	struct bmap_error *err; /* of the call that drives the transfer */

	size_t asked_len; /* of the call that goes on */
	bool has_last;    /* the byte before position_bytes is known: pieces may share one */
	uint8_t last;
	uint8_t *want; /* where the caller wants the next bytes */
	size_t want_len;
	uint8_t *spill; /* what came beyond that */
	size_t spill_at, spill_len;
};

/* Of each thread: a multi handle that nobody uses, with connections that are still open. */
static pthread_key_t idle_multi;

static void clean_up_multi(void *multi)
{
	curl_multi_cleanup(multi);
}

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_key_create(&idle_multi, clean_up_multi);
}

/* Files that are asked for one after the other, map, signature, image, come over one connection. */
static CURLM *take_multi(void)
{
	CURLM *multi = pthread_getspecific(idle_multi);

	pthread_setspecific(idle_multi, NULL);
	return multi ? multi : curl_multi_init();
}

static void put_multi(CURLM *multi)
{
	if (pthread_getspecific(idle_multi) || pthread_setspecific(idle_multi, multi) != 0)
		curl_multi_cleanup(multi);
}

static int curl_to_errno(CURLcode code, bool is_scp)
{
	switch (code) {
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_FTP_COULDNT_RETR_FILE:
	case CURLE_FILE_COULDNT_READ_FILE:
		return ENOENT;
	case CURLE_SSH: /* scp says no more than this */
		return is_scp ? ENOENT : EIO;
	case CURLE_LOGIN_DENIED:
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_PEER_FAILED_VERIFICATION:
		return EACCES;
	case CURLE_OUT_OF_MEMORY:
		return ENOMEM;
	case CURLE_UNSUPPORTED_PROTOCOL:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

/* Worth another try?  A connection that was never made is not, unless it had been made before. */
static bool is_passing(const struct source_http *http, CURLcode code)
{
	switch (code) {
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SSL_CONNECT_ERROR:
		return http->is_known;
	default:
		return false;
	}
}

static size_t on_header(char *line, size_t size, size_t n, void *opaque)
{
	struct source_http *http = opaque;

	http_answer_take_header(&http->answer, line, size * n);
	return size * n;
}

/* Does the answer speak of the file that the first answer spoke of? */
static bool is_same_file(const struct source_http *http, bool has_size, uint64_t size_bytes)
{
	return http_answer_agrees(&http->answer, &http->first) &&
	       (!has_size || !http->base.has_size || size_bytes == http->base.size_bytes);
}

static int file_changed(struct source_http *http)
{
	return bmap_error_set(http->err, EBADMSG,
			      "'%s' changed on the server while it was being read",
			      http->base.name);
}

/* Is the first answer the first bytes of the file, as they were asked for? */
static bool is_part(const struct source_http *http)
{
	return http->options.is_random && http->answer.status == 206 &&
	       http->answer.has_content_range && http->answer.range_first == 0 &&
	       http->answer.has_total;
}

/* Learns what the file is from the first answer. */
static void learn(struct source_http *http, bool has_length, uint64_t length)
{
	curl_off_t mtime = -1;

	http->is_known = true;
	http->base.has_size = has_length;
	http->base.size_bytes = length;
	http->first = http->answer;
	curl_easy_getinfo(http->easy, CURLINFO_FILETIME_T, &mtime);
	http->base.mtime_sec = mtime > 0 ? mtime : 0;
	if (http->first.etag[0] || http->first.last_modified[0])
		snprintf(http->base.identity, sizeof(http->base.identity), "%s, %" PRIu64 " bytes",
			 http->first.etag[0] ? http->first.etag : http->first.last_modified,
			 has_length ? length : 0);
	/* FTP and SFTP can always begin anywhere, HTTP where the server says so. */
	http->base.seekable =
		has_length && (!http->is_http || http->answer.accepts_ranges || is_part(http));
}

/* An answer to a request for the file from an offset on (RFC 9110 sections 14 and 15.5.17). */
static int check_resumed(struct source_http *http, bool has_length, uint64_t length)
{
	const struct http_answer *answer = &http->answer;

	if (answer->status == 416 && answer->has_total && !http->base.has_size &&
	    answer->range_total == http->requested_bytes) {
		/* It broke behind its last byte, and now we know that it was the last. */
		http->at_end = http->base.has_size = true;
		http->base.size_bytes = http->requested_bytes;
		return 0;
	}
	if (answer->status == 416)
		return bmap_error_set(http->err, EBADMSG,
				      "'%s' has no byte %" PRIu64 " any more (the server answers "
				      "416): it changed while it was being read",
				      http->base.name, http->requested_bytes);
	if (answer->status == 206) {
		if (!answer->has_content_range || answer->range_first != http->requested_bytes)
			return bmap_error_set(
				http->err, EPROTO,
				"the server sent another part of '%s' than bytes from "
				"%" PRIu64 " on",
				http->base.name, http->requested_bytes);
		return is_same_file(http, answer->has_total, answer->range_total)
			       ? 0
			       : file_changed(http);
	}
	/* The whole again: the server knows no ranges, or If-Range found another file. */
	if (!is_same_file(http, has_length, length))
		return file_changed(http);
	http->drop_bytes = http->requested_bytes;
	return 0;
}

/* Looks at an answer once, before its first byte is used. */
static int check_answer(struct source_http *http)
{
	curl_off_t length = -1;

	if (http->checked)
		return 0;
	http->checked = true;
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &http->answer.status);
	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (http->is_http && http->answer.status >= 400 && http->answer.status != 416)
		return bmap_error_set(http->err, http_status_errno(http->answer.status),
				      "cannot open '%s': the server answers %ld", http->base.name,
				      http->answer.status);
	if (http->is_http && http->is_known)
		return check_resumed(http, length >= 0, (uint64_t)length);
	if (http->is_http && is_part(http)) {
		learn(http, true, http->answer.range_total);
		return 0;
	}
	if (http->is_http && http->options.is_random && http->answer.status == 416 &&
	    http->answer.has_total && http->answer.range_total == 0) {
		learn(http, true, 0); /* of an empty file there are no first bytes */
		http->at_end = true;
		return 0;
	}
	if (http->is_http && http->answer.status == 200 && http->options.is_random) {
		/* Asked for a part it sent the whole: whatever it says, it knows no ranges. */
		http->answer.accepts_ranges = false;
		http->end_bytes = UINT64_MAX;
	}
	if (http->is_http && http->answer.status != 200)
		return bmap_error_set(http->err, EPROTO, "cannot open '%s': the server answers %ld",
				      http->base.name, http->answer.status);
	if (!http->is_known)
		learn(http, length >= 0, (uint64_t)length);
	else if (length >= 0 && http->base.has_size &&
		 http->requested_bytes + (uint64_t)length != http->base.size_bytes)
		return file_changed(http);
	return 0;
}

/* libcurl's bytes: first what is to be dropped, then to the caller, the rest into the spill. */
static size_t on_body(char *bytes, size_t size, size_t n, void *opaque)
{
	struct source_http *http = opaque;
	size_t len = size * n, at = 0, direct, room;

	if (check_answer(http) < 0)
		return 0;
	if (http->at_end)
		return len;
	room = SPILL_SIZE - http->spill_len;
	if (len > room) {
		http->paused = http->spill_len > 0;
		return http->paused ? CURL_WRITEFUNC_PAUSE : 0;
	}
	source_count(&http->base, len);
	at = MIN(len, http->drop_bytes);
	http->drop_bytes -= at;
	direct = http->spill_len ? 0 : MIN(len - at, http->want_len);
	if (direct)
		memcpy(http->want, bytes + at, direct);
	http->want += direct;
	http->want_len -= direct;
	at += direct;
	if (http->spill_at + http->spill_len + len - at > SPILL_SIZE || !http->spill_len) {
		memmove(http->spill, http->spill + http->spill_at, http->spill_len);
		http->spill_at = 0;
	}
	memcpy(http->spill + http->spill_at + http->spill_len, bytes + at, len - at);
	http->spill_len += len - at;
	return len;
}

/* A header that makes a resumed transfer safe; nothing where the server gave no strong validator.
 */
static void set_if_range(struct source_http *http)
{
	char line[MAX_VALIDATOR + 16];
	const char *validator = http->first.etag[0] && strncmp(http->first.etag, "W/", 2)
					? http->first.etag
					: http->first.last_modified;

	curl_slist_free_all(http->headers);
	http->headers = NULL;
	if (http->is_known && validator[0]) {
		snprintf(line, sizeof(line), "If-Range: %s", validator);
		http->headers = curl_slist_append(NULL, line);
	}
	curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
}

static void stop_transfer(struct source_http *http)
{
	if (http->running)
		curl_multi_remove_handle(http->multi, http->easy);
	http->running = http->paused = http->checked = http->over = http->at_end = false;
	http->spill_len = 0;
	http->drop_bytes = 0;
}

/* Where a request for the bytes from @offset_bytes on may end; UINT64_MAX: with the file. */
static uint64_t request_end(const struct source_http *http, uint64_t offset_bytes)
{
	uint64_t end = http->base.expected_end_bytes;

	if (!http->is_known)
		return http->options.is_random ? FIRST_BYTES : UINT64_MAX;
	if (!http->base.seekable)
		return UINT64_MAX;
	/*
	 * Of what is read here and there nobody wants more than was asked for; unless reads go on
	 * where the last request ended and nobody says how far: then requests grow.
	 */
	if (http->options.is_random && end == 0 && offset_bytes == http->end_bytes)
		end = offset_bytes +
		      MIN(2 * (http->end_bytes - http->requested_bytes), MAX_REQUEST_BYTES);
	if (http->options.is_random)
		end = MAX(end, offset_bytes + http->asked_len);
	return end > offset_bytes && end < http->base.size_bytes ? end : UINT64_MAX;
}

/* Asks for the bytes from @offset_bytes to @end (UINT64_MAX: the end of the file). */
static int start_transfer(struct source_http *http, uint64_t offset_bytes, uint64_t end)
{
	char range[64];

	stop_transfer(http);
	http->has_last = false;
	http->answer = (struct http_answer){0};
	http->requested_bytes = http->position_bytes = offset_bytes;
	http->end_bytes = UINT64_MAX;
	if (http->is_http) {
		if (end != UINT64_MAX)
			snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, offset_bytes,
				 end - 1);
		else
			snprintf(range, sizeof(range), "%" PRIu64 "-", offset_bytes);
		http->end_bytes = end;
		curl_easy_setopt(http->easy, CURLOPT_RANGE,
				 offset_bytes || end != UINT64_MAX ? range : NULL);
		set_if_range(http);
	} else {
		curl_easy_setopt(http->easy, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)offset_bytes);
	}
	bmap_log(BMAP_LOG_DEBUG, "requesting '%s' from byte %" PRIu64 " on", http->base.name,
		 offset_bytes);
	if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
		return bmap_error_set(http->err, ENOMEM, "cannot open '%s'", http->base.name);
	http->running = true;
	return 0;
}

/* Notes the result of the transfer once it is over. */
static bool is_over(struct source_http *http)
{
	CURLMsg *message;
	int n_left;

	while (!http->over && (message = curl_multi_info_read(http->multi, &n_left))) {
		http->over = message->msg == CURLMSG_DONE;
		http->result = message->data.result;
	}
	return http->over;
}

/* Waits until something can be done, or the source is cancelled. */
static int wait_for_network(struct source_http *http, int timeout_msec)
{
	struct curl_waitfd cancel = {.fd = http->base.cancel_fd, .events = CURL_WAIT_POLLIN};

	curl_multi_poll(http->multi, &cancel, 1, timeout_msec, NULL);
	if (cancel.revents)
		return bmap_error_set(http->err, ECANCELED, "'%s': cancelled", http->base.name);
	return 0;
}

/* Drives the transfer until @enough has come, or it is over. */
static int drive(struct source_http *http, bool (*enough)(const struct source_http *))
{
	if (http->paused) {
		http->paused = false;
		curl_easy_pause(http->easy, CURLPAUSE_CONT);
	}
	while (!http->over) {
		int n_running;

		if (curl_multi_perform(http->multi, &n_running) != CURLM_OK)
			return bmap_error_set(http->err, EIO, "cannot read '%s'", http->base.name);
		if (http->err->code)
			return -http->err->code;
		if (is_over(http) || enough(http))
			break;
		if (wait_for_network(http, 1000) < 0)
			break;
	}
	if (http->over && http->result == CURLE_OK)
		check_answer(http); /* an empty body never came to on_body() */
	return -http->err->code;
}

static int transfer_failed(struct source_http *http)
{
	bool is_scp = !strncmp(http->base.name, "scp:", 4);

	return bmap_error_set(http->err, curl_to_errno(http->result, is_scp),
			      "cannot read '%s': %s", http->base.name,
			      curl_easy_strerror(http->result));
}

static int wait_before_retry(struct source_http *http, unsigned int attempt)
{
	struct pollfd cancel = {.fd = http->base.cancel_fd, .events = POLLIN};
	int msec = attempt < 6 ? FIRST_BACKOFF_MSEC << attempt : MAX_BACKOFF_MSEC;

	if (poll(&cancel, 1, MIN(msec, MAX_BACKOFF_MSEC)) > 0)
		return bmap_error_set(http->err, ECANCELED, "'%s': cancelled", http->base.name);
	return 0;
}

/* Is what stopped the transfer worth another try?  Then the failure is forgotten. */
static bool may_retry(struct source_http *http, unsigned int attempt)
{
	bool passing = http->err->code ? http->err->code == EIO &&
						 http_status_is_passing(http->answer.status)
				       : is_passing(http, http->result);

	if (!passing || attempt >= http->options.n_retries)
		return false;
	if (http->position_bytes > 0 && http->is_http && !http->first.etag[0] &&
	    !http->first.last_modified[0] && !http->options.is_verified) {
		http->err->code = 0;
		bmap_error_set(http->err, EIO,
			       "'%s' broke off at byte %" PRIu64 " (%s), and the server gives "
			       "neither ETag nor date, so that nothing says whether the rest is of "
			       "the same file: copy with a map that has checksums",
			       http->base.name, http->position_bytes,
			       curl_easy_strerror(http->result));
		return false;
	}
	bmap_log(BMAP_LOG_WARNING, "'%s' broke off at byte %" PRIu64 " (%s), trying again",
		 http->base.name, http->position_bytes,
		 http->err->code ? http->err->message : curl_easy_strerror(http->result));
	http->err->code = 0;
	return true;
}

/* Asks for what is left of a transfer that broke. */
static int start_again(struct source_http *http)
{
	return http->is_known ? start_transfer(http, http->position_bytes, http->end_bytes)
			      : start_transfer(http, 0, request_end(http, 0));
}

/*
 * Runs the transfer until @enough, trying again when it breaks: the one place where it is decided
 * what a broken transfer means.  Returns 1 when the file is at its end.
 */
static int run_transfer(struct source_http *http, bool (*enough)(const struct source_http *))
{
	uint64_t last_break = http->position_bytes;
	unsigned int attempt = 0;

	for (;;) {
		const uint8_t *want = http->want;
		int r = drive(http, enough);

		http->position_bytes += (uint64_t)(http->want - want);
		if (r == 0 && (!http->over || http->result == CURLE_OK))
			return http->over;
		/* Bytes in the spill are good: they are used before the next request. */
		if (r == 0 && http->spill_len)
			return 0;
		if (http->position_bytes - last_break >= PROGRESS_BYTES)
			attempt = 0;
		last_break = http->position_bytes;
		if (!may_retry(http, attempt)) {
			r = http->err->code ? -http->err->code : transfer_failed(http);
			stop_transfer(http);
			return r;
		}
		if (wait_before_retry(http, attempt++) < 0 || start_again(http) < 0)
			return -http->err->code;
	}
}

static bool has_answer(const struct source_http *http)
{
	return http->checked;
}

static bool has_bytes(const struct source_http *http)
{
	return http->want_len == 0 || http->spill_len > 0;
}

static size_t take_spill(struct source_http *http, void *buf, size_t len)
{
	size_t n = MIN(len, http->spill_len);

	memcpy(buf, http->spill + http->spill_at, n);
	http->spill_at += n;
	http->spill_len -= n;
	http->position_bytes += n;
	return n;
}

/* Gets to @offset_bytes: nothing to do, a short jump read over, or a new request. */
static int go_to(struct source_http *http, uint64_t offset_bytes)
{
	uint8_t scratch[16 << 10];

	if (!http->running || offset_bytes < http->position_bytes ||
	    offset_bytes >= http->end_bytes ||
	    offset_bytes - http->position_bytes > SOURCE_SHORT_JUMP_BYTES)
		return start_transfer(http, offset_bytes, request_end(http, offset_bytes));
	while (http->position_bytes < offset_bytes) {
		size_t len = MIN(sizeof(scratch), offset_bytes - http->position_bytes);
		int r;

		if (take_spill(http, scratch, len))
			continue;
		http->want = scratch;
		http->want_len = len;
		r = run_transfer(http, has_bytes);
		if (r < 0)
			return r;
		if (r == 1 && http->position_bytes < offset_bytes && !http->spill_len)
			return bmap_error_set(http->err, ENODATA, "'%s' ends early",
					      http->base.name);
	}
	return 0;
}

static ssize_t keep_last(struct source_http *http, const uint8_t *buf, size_t len)
{
	http->has_last = len > 0;
	if (len)
		http->last = buf[len - 1];
	return (ssize_t)len;
}

static ssize_t http_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			  struct bmap_error *err)
{
	struct source_http *http = (struct source_http *)source;
	size_t done;
	int r;

	http->err = err;
	http->asked_len = len;
	if (source->has_size && offset_bytes >= source->size_bytes)
		return 0;
	if (http->has_last && len && offset_bytes + 1 == http->position_bytes) {
		*(uint8_t *)buf = http->last;
		return 1;
	}
	if (go_to(http, offset_bytes) < 0)
		return -err->code;
	len = (size_t)MIN((uint64_t)len, http->end_bytes - offset_bytes);
	done = take_spill(http, buf, len);
	if (done == len)
		return keep_last(http, buf, done);
	http->want = (uint8_t *)buf + done;
	http->want_len = len - done;
	r = run_transfer(http, has_bytes);
	if (r < 0)
		return r;
	done = (size_t)(http->want - (uint8_t *)buf);
	http->want_len = 0;
	if (done == 0 && source->has_size && http->position_bytes < source->size_bytes &&
	    !http->spill_len) {
		bmap_error_set(err, ENODATA, "'%s' ends after %" PRIu64 " of %" PRIu64 " bytes",
			       source->name, http->position_bytes, source->size_bytes);
		stop_transfer(http);
		return -err->code;
	}
	return keep_last(http, buf, done);
}

static void http_close(struct source *source)
{
	struct source_http *http = (struct source_http *)source;

	stop_transfer(http);
	if (http->easy)
		curl_easy_cleanup(http->easy);
	if (http->multi)
		put_multi(http->multi);
	curl_slist_free_all(http->headers);
	free(http->spill);
	free(http->location);
	source_fini(source);
	free(http);
}

/* ~/.netrc may be used when nobody else can read it, as Python's netrc module has it. */
static bool netrc_is_private(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home ? NULL : getpwuid(getuid());
	CLEANUP_FREE char *path = NULL;
	struct stat st;

	if (!home && user)
		home = user->pw_dir;
	if (!home || asprintf(&path, "%s/.netrc", home) < 0) {
		path = NULL;
		return false;
	}
	if (stat(path, &st) < 0)
		return false;
	if (st.st_mode & 077) {
		bmap_log(BMAP_LOG_ERROR,
			 "Error parsing line None of None: ~/.netrc access too permissive: access "
			 "permissions must restrict access to only the owner");
		return false;
	}
	return true;
}

/* With a choice of methods libcurl sends nothing before the server asks for it (401). */
static void set_credentials(struct source_http *http, const struct source_url *url)
{
	if (url->user || url->password) {
		curl_easy_setopt(http->easy, CURLOPT_USERNAME, url->user ? url->user : "");
		curl_easy_setopt(http->easy, CURLOPT_PASSWORD, url->password ? url->password : "");
	} else if (http->is_http && netrc_is_private()) {
		curl_easy_setopt(http->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	}
	curl_easy_setopt(http->easy, CURLOPT_HTTPAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
}

/* Hosts that ssh knows, and no others. */
static void set_known_hosts(struct source_http *http)
{
	const char *home = getenv("HOME");
	CLEANUP_FREE char *path = NULL;

	if (asprintf(&path, "%s/.ssh/known_hosts", home ? home : "") < 0) {
		path = NULL;
		return;
	}
	curl_easy_setopt(http->easy, CURLOPT_SSH_KNOWNHOSTS, path);
}

static void set_options(struct source_http *http, const struct source_url *url)
{
	CURL *easy = http->easy;
	const long stall_sec = http->options.timeout_sec ? (long)http->options.timeout_sec
							 : (long)STALL_TIMEOUT_SEC;

	curl_easy_setopt(easy, CURLOPT_URL, url->url);
	/* Servers that turn unknown clients away have long known this prefix. */
	curl_easy_setopt(easy, CURLOPT_USERAGENT,
			 "Mozilla/5.0 (compatible; bmaptool/" PACKAGE_VERSION ")");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,ftp,ftps,sftp,scp");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp,ftps");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FILETIME, (long)http->is_http);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, MIN(stall_sec, (long)CONNECT_TIMEOUT_SEC));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall_sec);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	if (!strcmp(url->scheme, "sftp") || !strcmp(url->scheme, "scp"))
		set_known_hosts(http);
	set_credentials(http, url);
}

static int http_clone(struct source **clone, const struct source *source, struct bmap_error *err);

/* Everything but the first request.  @whole is what it is a clone of; NULL: it is none. */
static int http_new(struct source_http **http_out, const char *location,
		    const struct source_options *options, const struct source_http *whole,
		    struct bmap_error *err)
{
	static const struct source_ops ops = {
		.pread = http_pread,
		.close = http_close,
		.clone = http_clone,
	};
	CLEANUP(source_url_fini) struct source_url url = {0};
	struct source_http *http;
	int r;

	if (source_url_parse(&url, location, err) < 0)
		return -err->code;
	http = calloc(1, sizeof(*http));
	if (!http)
		return bmap_error_set(err, ENOMEM, "out of memory");
	r = whole ? source_init_clone(&http->base, &whole->base, err)
		  : source_init(&http->base, &ops, url.url, err);
	if (r < 0) {
		free(http);
		return -err->code;
	}
	http->err = err;
	http->options = *options;
	http->base.fetched_bytes = options->fetched_bytes;
	http->is_http = !strncmp(url.scheme, "http", 4);
	http->location = strdup(location);
	http->multi = take_multi();
	http->easy = curl_easy_init();
	http->spill = malloc(SPILL_SIZE);
	if (!http->location || !http->multi || !http->easy || !http->spill) {
		source_close(&http->base);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	set_options(http, &url);
	*http_out = http;
	return 0;
}

static int http_clone(struct source **clone, const struct source *source, struct bmap_error *err)
{
	const struct source_http *whole = (const struct source_http *)source;
	struct source_http *http;

	if (http_new(&http, whole->location, &whole->options, whole, err) < 0)
		return -err->code;
	http->is_known = true;
	http->first = whole->first;
	*clone = &http->base;
	return 0;
}

int source_open_http(struct source **source, const char *location,
		     const struct source_options *options, struct bmap_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct source_http *http;

	pthread_once(&once, curl_start);
	if (http_new(&http, location, options, NULL, err) < 0)
		return -err->code;
	if (start_transfer(http, 0, request_end(http, 0)) < 0 ||
	    run_transfer(http, has_answer) < 0) {
		source_close(&http->base);
		return -err->code;
	}
	*source = &http->base;
	return 0;
}
