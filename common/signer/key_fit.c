/*
 * key_fit.c - does a private key belong to a published one?
 *
 * What is kept away from the library, and why:
 *   - an encrypted PEM key: OpenSSL would ask for the pass phrase at the terminal;
 *   - RSA keys under KEY_FIT_BITS_MIN: where the signature does not come about
 *     it frees the key, and once more with the message;
 *   - published records longer than its buffer;
 *   - names from outside: the made-up message has its own d= and s=.
 */
#include "signer/key_fit.h"

#include <opendkim/dkim.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "syntax/tag_list.h"

/*
 * Measured: an ed25519 key that libopendkim has signed with is never given back,
 * 1 kB each.  That is not for the leak sanitizer to tell us over and over.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LEAK_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_LEAK_SANITIZER
#endif
#ifdef WITH_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_disable() ((void)0)
#define __lsan_enable()  ((void)0)
#endif

enum { SIGNATURE_OCTETS_MAX = 65536, MARGIN = 76 };

struct key_fitter {
	DKIM_LIB *dkim;
};

static const unsigned char made_up_id[] = "presend", body[] = "fit\r\n";
static char from[] = "From: fit@fit.invalid", guard[] = "X-Guard: not signed";

/* ---- the library -------------------------------------------------------------------- */

static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *buf, size_t size)
{
	const struct slice *published = dkim_get_user_context(dkim);

	(void)info;
	if (published == NULL || published->len >= size)
		return DKIM_CBSTAT_NOTFOUND;
	memcpy(buf, published->data, published->len);
	buf[published->len] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

struct key_fitter *key_fitter_new(void)
{
	unsigned int bits = KEY_FIT_BITS_MIN;
	struct key_fitter *fitter;
	DKIM_LIB *dkim = dkim_init(NULL, NULL);

	if (dkim == NULL)
		return NULL;
	if (!dkim_libfeature(dkim, DKIM_FEATURE_SHA256) ||
	    !dkim_libfeature(dkim, DKIM_FEATURE_ED25519) ||
	    dkim_options(dkim, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) !=
		DKIM_STAT_OK ||
	    dkim_set_key_lookup(dkim, look_up_key) != DKIM_STAT_OK) {
		dkim_close(dkim);
		return NULL;
	}
	fitter = must_alloc(sizeof *fitter);
	fitter->dkim = dkim;
	return fitter;
}

void key_fitter_free(struct key_fitter *fitter)
{
	if (fitter == NULL)
		return;
	dkim_close(fitter->dkim);
	free(fitter);
}

/* ---- a message, signed -------------------------------------------------------------- */

static bool feed(DKIM *dkim, char *header)
{
	return dkim_header(dkim, (unsigned char *)header, strlen(header)) == DKIM_STAT_OK;
}

static bool feed_body(DKIM *dkim)
{
	return dkim_body(dkim, (unsigned char *)body, sizeof body - 1) == DKIM_STAT_OK;
}

static dkim_alg_t algorithm_of(struct slice name)
{
	if (slice_equal_nocase(name, SLICE("ed25519-sha256")))
		return DKIM_SIGN_ED25519SHA256;
	return slice_equal_nocase(name, SLICE("rsa-sha1")) ? DKIM_SIGN_RSASHA1
							   : DKIM_SIGN_RSASHA256;
}

/* The field, into text; false if the key cannot sign. */
static bool sign(
    const struct key_fitter *fitter, const char *key, struct slice algorithm, struct buf *text)
{
	unsigned char *field;
	size_t len;
	DKIM_STAT status;
	DKIM *dkim = dkim_sign(fitter->dkim, made_up_id, NULL, (dkim_sigkey_t)key,
	    (const unsigned char *)"fit", (const unsigned char *)"fit.invalid", DKIM_CANON_RELAXED,
	    DKIM_CANON_RELAXED, algorithm_of(algorithm), -1, &status);
	bool good;

	if (dkim == NULL)
		return false;
	good = feed(dkim, from) && dkim_eoh(dkim) == DKIM_STAT_OK && feed_body(dkim) &&
	       dkim_eom(dkim, NULL) == DKIM_STAT_OK &&
	       dkim_getsighdr_d(dkim, MARGIN, &field, &len) == DKIM_STAT_OK;
	if (good) {
		buf_add_text(text, DKIM_SIGNHEADER ": ");
		buf_add(text, field, len);
	}
	dkim_free(dkim);
	return good && !text->truncated;
}

/* ---- and verified ------------------------------------------------------------------- */

static struct key_fit_answer answer(enum key_fit fit, unsigned bits, const char *reason)
{
	return (struct key_fit_answer){ fit, bits, reason };
}

/* What the library says of the one signature. */
static struct key_fit_answer conclude(DKIM_SIGINFO *info, bool ed25519)
{
	int error = dkim_sig_geterror(info);
	unsigned int bits = 0;

	if (dkim_sig_getkeysize(info, &bits) != DKIM_STAT_OK)
		bits = 0;
	if (ed25519 && (error == DKIM_SIGERROR_OK || error == DKIM_SIGERROR_BADSIG))
		bits = 256; /* the library leaves it at 0 */
	switch (error) {
	case DKIM_SIGERROR_OK:
		if (DKIM_SIG_CHECK(info))
			return answer(KEY_FITS, bits, NULL);
		break;
	case DKIM_SIGERROR_BADSIG:
		return answer(
		    KEY_DIFFERS, bits, "the published key belongs to another private key");
	case DKIM_SIGERROR_KEYTOOSMALL:
		return answer(KEY_UNUSABLE, bits, "the published key has under 512 bits");
	case DKIM_SIGERROR_DNSSYNTAX:
	case DKIM_SIGERROR_SUBDOMAIN:
	case DKIM_SIGERROR_KEYVERSION:
	case DKIM_SIGERROR_KEYUNKNOWNHASH:
	case DKIM_SIGERROR_KEYHASHMISMATCH:
	case DKIM_SIGERROR_NOTEMAILKEY:
	case DKIM_SIGERROR_KEYTYPEMISSING:
	case DKIM_SIGERROR_KEYTYPEUNKNOWN:
	case DKIM_SIGERROR_KEYDECODE:
		return answer(KEY_UNUSABLE, bits, dkim_sig_geterrorstr(error));
	}
	return answer(KEY_UNKNOWN, 0, "the verifier came to no conclusion");
}

static bool run(DKIM *dkim, char *signature)
{
	return feed(dkim, guard) && feed(dkim, signature) && feed(dkim, from) &&
	       dkim_eoh(dkim) == DKIM_STAT_OK && feed_body(dkim);
}

static struct key_fit_answer verify(
    const struct key_fitter *fitter, char *signature, struct slice published, bool ed25519)
{
	struct key_fit_answer result = answer(KEY_UNKNOWN, 0, "the verifier could not be used");
	DKIM_SIGINFO **infos = NULL;
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(fitter->dkim, made_up_id, NULL, &status);
	int count = 0;

	if (dkim == NULL)
		return result;
	dkim_set_user_context(dkim, &published);
	if (run(dkim, signature)) {
		/* its own result is about any signature; there is one, with one of its own */
		dkim_eom(dkim, NULL);
		if (dkim_getsiglist(dkim, &infos, &count) == DKIM_STAT_OK && count == 1)
			result = conclude(infos[0], ed25519);
	}
	dkim_free(dkim);
	return result;
}

/* ---- both --------------------------------------------------------------------------- */

/* What the record says by itself: RFC 6376 3.6.1.  KEY_FITS: the rest is the library's. */
static struct key_fit_answer read_published(struct slice published)
{
	struct arena *arena = arena_new();
	struct tag_list *list = arena_alloc(arena, sizeof *list);
	struct key_fit_answer result = answer(KEY_FITS, 0, NULL);
	bool good = tag_list_read(published, list);
	struct slice p = tag_list_find(list, "p");

	if (!good)
		result = answer(KEY_UNUSABLE, 0, "the published text is no key record");
	else if (p.data == NULL)
		result = answer(KEY_UNUSABLE, 0, "the published record has no p=");
	else if (p.len == 0)
		result = answer(KEY_REVOKED, 0, "the published key is revoked: p= is empty");
	else if (published.len > KEY_FIT_PUBLISHED_MAX)
		result = answer(
		    KEY_UNKNOWN, 0, "the published record is longer than the verifier can take");
	arena_free(arena);
	return result;
}

struct key_fit_answer key_fit(const struct key_fitter *fitter, const char *private_key,
    struct slice algorithm, struct slice published)
{
	bool ed25519 = algorithm_of(algorithm) == DKIM_SIGN_ED25519SHA256;
	struct key_fit_answer result = read_published(published);
	struct buf text;
	bool signed_it;

	if (result.fit != KEY_FITS)
		return result;
	if (strstr(private_key, "ENCRYPTED") != NULL)
		return answer(KEY_CANT_SIGN, 0, "the private key is encrypted");
	buf_init(&text, SIGNATURE_OCTETS_MAX);
	__lsan_disable();
	signed_it = sign(fitter, private_key, algorithm, &text);
	__lsan_enable();
	if (signed_it)
		result = verify(fitter, text.data, published, ed25519);
	else
		result =
		    answer(KEY_CANT_SIGN, 0, "the private key cannot be used with the algorithm");
	buf_free(&text);
	return result;
}
