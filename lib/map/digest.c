/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/bmap.h"
#include "map/digest.h"

struct digest_type {
	EVP_MD *md;
	size_t len;
};

struct digest {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

/* hashlib's name to libcrypto's, where changing '_' to '-' is not enough. */
static const struct {
	const char *name, *libcrypto_name;
} other_names[] = {
	{"blake2b", "blake2b512"},
	{"blake2s", "blake2s256"},
	{"sha512_256", "sha512-256"},
	{"sha512_224", "sha512-224"},
};

static void libcrypto_name(const char *name, char *out, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
		if (!strcmp(name, other_names[i].name))
			name = other_names[i].libcrypto_name;
	}
	strncpy(out, name, size - 1);
	out[size - 1] = '\0';
	for (char *p = out; *p; p++) {
		if (*p == '_')
			*p = '-';
	}
}

int digest_type_new(struct digest_type **type_out, const char *name, struct bmap_error *err)
{
	CLEANUP_FREE struct digest_type *type = malloc(sizeof(*type));
	char known_as[64];
	int len;

	if (!type)
		return bmap_error_set(err, ENOMEM, "out of memory");
	libcrypto_name(name, known_as, sizeof(known_as));
	type->md = EVP_MD_fetch(NULL, known_as, NULL);
	if (!type->md)
		return bmap_error_set(
			err, EOPNOTSUPP,
			"cannot initialize hash function \"%.40s\": libcrypto does not "
			"know it",
			name);
	len = EVP_MD_get_size(type->md);
	if (len <= 0 || len > BMAP_MAX_DIGEST_LEN) {
		EVP_MD_free(type->md);
		return bmap_error_set(err, EOPNOTSUPP,
				      "cannot initialize hash function \"%.40s\": it has no fixed "
				      "length",
				      name);
	}
	type->len = (size_t)len;
	*type_out = STEAL_PTR(type);
	return 0;
}

void digest_type_free(struct digest_type *type)
{
	if (!type)
		return;
	EVP_MD_free(type->md);
	free(type);
}

size_t digest_type_len(const struct digest_type *type)
{
	return type->len;
}

/* EVP calls on a fetched digest fail only when memory ends; a wrong sum must not come of it. */
static void must(int ok)
{
	if (!ok)
		abort();
}

struct digest *digest_new(const struct digest_type *type)
{
	struct digest *digest = malloc(sizeof(*digest));

	if (!digest)
		return NULL;
	digest->md = type->md;
	digest->ctx = EVP_MD_CTX_new();
	if (!digest->ctx || !EVP_DigestInit_ex2(digest->ctx, digest->md, NULL)) {
		digest_free(digest);
		return NULL;
	}
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->ctx);
	free(digest);
}

void digest_update(struct digest *digest, const void *data, size_t len)
{
	must(EVP_DigestUpdate(digest->ctx, data, len));
}

void digest_finish(struct digest *digest, uint8_t *result)
{
	must(EVP_DigestFinal_ex(digest->ctx, result, NULL));
	must(EVP_DigestInit_ex2(digest->ctx, digest->md, NULL));
}

int digest_of(const struct digest_type *type, const void *data, size_t len, uint8_t *result)
{
	CLEANUP(digest_freep) struct digest *digest = digest_new(type);

	if (!digest)
		return -ENOMEM;
	digest_update(digest, data, len);
	digest_finish(digest, result);
	return 0;
}

int digest_key(const char *location, const char *identity, char *key)
{
	CLEANUP(digest_type_freep) struct digest_type *type = NULL;
	CLEANUP(digest_freep) struct digest *digest = NULL;
	uint8_t result[BMAP_MAX_DIGEST_LEN];
	struct bmap_error err = {0};

	if (digest_type_new(&type, "sha256", &err) < 0)
		return -err.code;
	digest = digest_new(type);
	if (!digest)
		return -ENOMEM;
	/* With the NUL between them: no other pair is the same text. */
	digest_update(digest, location, strlen(location) + 1);
	digest_update(digest, identity, strlen(identity));
	digest_finish(digest, result);
	digest_format(result, (DIGEST_KEY_LEN - 1) / 2, key);
	return 0;
}

void digest_format(const uint8_t *digest, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int digest_parse(const char *hex, uint8_t *digest, size_t len)
{
	if (strlen(hex) != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
