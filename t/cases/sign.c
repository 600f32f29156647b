/* sign.c - DKIM signatures for the messages of cases. */
#include "t/cases/sign.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "t/unit/dkim_keys.h"

enum { FIELDS_MAX = 200, TEXT_MAX = 16 * 1024 * 1024 };

struct recipe_key {
	const char *name, *private, *public, *algorithm;
};

static const struct recipe_key keys[] = {
	{ "rsa2048", RSA2048_PRIVATE, RSA2048_PUBLIC, "rsa-sha256" },
	{ "rsa1024", RSA1024_PRIVATE, RSA1024_PUBLIC, "rsa-sha256" },
	{ "rsa768", RSA768_PRIVATE, RSA768_PUBLIC, "rsa-sha256" },
	{ "ed25519", SIGNER_ED25519_PRIVATE, SIGNER_ED25519_PUBLIC, "ed25519-sha256" },
};

static const struct recipe_key *find_key(struct slice name)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (slice_equal(slice_of(keys[i].name), name))
			return &keys[i];
	return NULL;
}

const char *recipe_public_key(struct slice name)
{
	const struct recipe_key *key = find_key(name);

	return key == NULL ? NULL : key->public;
}

/* ---- a line of [sign] -------------------------------------------------------- */

void recipe_begin(struct recipe *how)
{
	*how = (struct recipe){ .header_relaxed = true, .body_relaxed = true };
	how->headers = must_strdup("from:to:subject");
}

void recipe_free(struct recipe *how)
{
	free(how->domain);
	free(how->selector);
	free(how->algorithm);
	free(how->headers);
	free(how->identity);
	free(how->time);
	free(how->expiry);
	free(how->length);
}

static bool set_canon(struct recipe *how, const char *value)
{
	const char *body = strchr(value, '/');
	size_t header = body == NULL ? strlen(value) : (size_t)(body - value);

	how->header_relaxed = header == 7 && strncmp(value, "relaxed", header) == 0;
	how->body_relaxed = body != NULL && strcmp(body, "/relaxed") == 0;
	return (how->header_relaxed || strncmp(value, "simple", header) == 0) &&
	       (body == NULL || how->body_relaxed || strcmp(body, "/simple") == 0);
}

bool recipe_set(struct recipe *how, const char *name, const char *value)
{
	const struct {
		const char *name;
		char **text;
	} texts[] = {
		{ "d", &how->domain },
		{ "s", &how->selector },
		{ "a", &how->algorithm },
		{ "h", &how->headers },
		{ "i", &how->identity },
		{ "t", &how->time },
		{ "x", &how->expiry },
		{ "l", &how->length },
	};

	if (strcmp(name, "c") == 0)
		return set_canon(how, value);
	if (strcmp(name, "key") == 0)
		return (how->key = find_key(slice_of(value))) != NULL;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(name, texts[i].name) != 0)
			continue;
		free(*texts[i].text);
		*texts[i].text = must_strdup(value);
		return true;
	}
	return false;
}

bool recipe_is_complete(const struct recipe *how)
{
	return how->domain != NULL && how->selector != NULL && how->key != NULL;
}

/* ---- canonical forms, RFC 6376 3.4 -------------------------------------------- */

/* The message as it goes over the wire: line ends are CRLF. */
static void add_wire(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
			buf_add_char(out, '\r');
		buf_add_char(out, text.data[i]);
	}
}

/* Blanks as one, those at the end as none; line ends inside (a fold) are left out. */
static void add_relaxed(struct buf *out, struct slice text)
{
	bool blank = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\r' && i + 1 < text.len && text.data[i + 1] == '\n') {
			i++;
			continue;
		}
		if (is_wsp(c)) {
			blank = true;
			continue;
		}
		if (blank)
			buf_add_char(out, ' ');
		blank = false;
		buf_add_char(out, c);
	}
}

/* One field without its last CRLF. */
static void add_field(struct buf *out, struct slice field, bool relaxed)
{
	size_t colon = slice_find(field, ':');

	if (!relaxed) {
		buf_add_slice(out, field);
		return;
	}
	for (size_t i = 0; i < colon && !is_wsp(field.data[i]); i++) {
		char c = field.data[i];

		buf_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	buf_add_char(out, ':');
	while (colon + 1 < field.len && strchr(" \t\r\n", field.data[colon + 1]) != NULL)
		colon++;
	add_relaxed(out, slice_part(field, colon + 1, field.len));
}

/* Octets before the next CRLF; all of them if there is none. */
static size_t line_length(struct slice text)
{
	size_t at = slice_find(text, '\n');

	while (at < text.len && (at == 0 || text.data[at - 1] != '\r'))
		at += 1 + slice_find(slice_part(text, at + 1, text.len), '\n');
	return at < text.len ? at - 1 : text.len;
}

static void add_body(struct buf *out, struct slice body, bool relaxed)
{
	while (body.len > 0) {
		size_t len = line_length(body);

		if (relaxed)
			add_relaxed(out, slice_part(body, 0, len));
		else
			buf_add_slice(out, slice_part(body, 0, len));
		buf_add_text(out, "\r\n");
		body = slice_part(body, len + 2, body.len);
	}
	while (out->len >= 4 && memcmp(out->data + out->len - 4, "\r\n\r\n", 4) == 0)
		out->len -= 2;
	if (relaxed && out->len == 2)
		out->len = 0; /* of line ends alone: nothing is left */
	if (!relaxed && out->len == 0)
		buf_add_text(out, "\r\n");
}

/* ---- the header ---------------------------------------------------------------- */

struct header {
	struct slice fields[FIELDS_MAX]; /* without their last CRLF */
	bool taken[FIELDS_MAX];
	size_t count;
	struct slice body;
};

static void split_message(struct slice wire, struct header *h)
{
	size_t at = 0;

	h->count = 0;
	while (at < wire.len && h->count < FIELDS_MAX) {
		size_t begin = at, end;

		do {
			end = at + line_length(slice_part(wire, at, wire.len));
			at = end < wire.len ? end + 2 : end;
		} while (end > begin && at < wire.len && is_wsp(wire.data[at]));
		if (end == begin)
			break;
		h->taken[h->count] = false;
		h->fields[h->count++] = slice_part(wire, begin, end);
	}
	h->body = slice_part(wire, at, wire.len);
}

/* The fields that h= names, each name from the bottom up; one that is not there is nothing. */
static void add_signed_fields(struct buf *out, struct header *h, const struct recipe *how)
{
	struct slice names = slice_of(how->headers);

	while (names.len > 0) {
		size_t len = slice_find(names, ':');
		struct slice name = slice_part(names, 0, len);

		for (size_t i = h->count; i-- > 0;) {
			struct slice field = h->fields[i];
			struct slice found = slice_part(field, 0, slice_find(field, ':'));

			if (h->taken[i] || !slice_equal_nocase(slice_trim(found), name))
				continue;
			h->taken[i] = true;
			add_field(out, field, how->header_relaxed);
			buf_add_text(out, "\r\n");
			break;
		}
		names = slice_part(names, len + 1, names.len);
	}
}

/* ---- the field ------------------------------------------------------------------ */

static void add_base64(struct buf *out, const unsigned char *data, size_t len)
{
	char *text = must_alloc(len * 2 + 8);

	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	buf_add_text(out, text);
	free(text);
}

/* "1790000000", "now", "now-60" */
static long long time_of(const char *text)
{
	return strncmp(text, "now", 3) == 0 ? (long long)time(NULL) + strtoll(text + 3, NULL, 10)
					    : strtoll(text, NULL, 10);
}

static const char *algorithm_of(const struct recipe *how)
{
	return how->algorithm != NULL ? how->algorithm : how->key->algorithm;
}

static const EVP_MD *digest_of(const struct recipe *how)
{
	return strstr(algorithm_of(how), "-sha1") != NULL ? EVP_sha1() : EVP_sha256();
}

/* The field up to b=, which stands last and is empty. */
static void add_tags(struct buf *out, const struct recipe *how, struct slice body)
{
	size_t len = how->length != NULL ? (size_t)strtoull(how->length, NULL, 10) : body.len;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	buf_printf(out, "DKIM-Signature: v=1; a=%s; c=%s/%s; d=%s; s=%s;\r\n\t", algorithm_of(how),
	    how->header_relaxed ? "relaxed" : "simple", how->body_relaxed ? "relaxed" : "simple",
	    how->domain, how->selector);
	if (how->identity != NULL)
		buf_printf(out, "i=%s; ", how->identity);
	if (how->time != NULL)
		buf_printf(out, "t=%lld; ", time_of(how->time));
	if (how->expiry != NULL)
		buf_printf(out, "x=%lld; ", time_of(how->expiry));
	if (how->length != NULL)
		buf_printf(out, "l=%s; ", how->length);
	EVP_Digest(body.data, len < body.len ? len : body.len, hash, &size, digest_of(how), NULL);
	buf_printf(out, "h=%s; bh=", how->headers);
	add_base64(out, hash, size);
	buf_add_text(out, ";\r\n\tb=");
}

/* Signs the text: RSA by its hash, ed25519 the hash itself as RFC 8463 3 has it. */
static bool add_signature(struct buf *out, const struct recipe *how, struct slice text)
{
	BIO *bio = BIO_new_mem_buf(how->key->private, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool edwards = strcmp(how->key->name, "ed25519") == 0;
	unsigned char hash[EVP_MAX_MD_SIZE], made[1024];
	const unsigned char *what = (const unsigned char *)text.data;
	size_t len = text.len, size = sizeof made;
	unsigned int hashed = 0;
	bool good;

	if (edwards) {
		EVP_Digest(text.data, text.len, hash, &hashed, EVP_sha256(), NULL);
		what = hash;
		len = hashed;
	}
	good = key != NULL &&
	       EVP_DigestSignInit(context, NULL, edwards ? NULL : digest_of(how), NULL, key) == 1 &&
	       EVP_DigestSign(context, made, &size, what, len) == 1;
	if (good)
		add_base64(out, made, size);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return good;
}

bool sign_message(const struct recipe *how, struct buf *message)
{
	struct buf wire, body, field, text;
	struct header header;
	bool good;

	buf_init(&wire, TEXT_MAX);
	buf_init(&body, TEXT_MAX);
	buf_init(&field, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	add_wire(&wire, buf_slice(message));
	split_message(buf_slice(&wire), &header);
	add_body(&body, header.body, how->body_relaxed);
	add_tags(&field, how, buf_slice(&body));
	add_signed_fields(&text, &header, how);
	add_field(&text, buf_slice(&field), how->header_relaxed);
	good = add_signature(&field, how, buf_slice(&text));
	buf_add_text(&field, "\r\n");
	buf_add_slice(&field, buf_slice(&wire));
	buf_reset(message);
	buf_add_slice(message, buf_slice(&field));
	buf_free(&wire);
	buf_free(&body);
	buf_free(&field);
	buf_free(&text);
	return good;
}
