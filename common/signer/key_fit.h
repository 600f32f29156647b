/*
 * key_fit.h - does a private key belong to a published one?
 *
 * Found out as a receiver would: a made-up message is signed with the private
 * key by libopendkim and verified against the text of the published record.
 * (Its own dkim_test_key fails for ed25519.)  That costs a signature and a
 * verification, and with ed25519 1 kB of memory that the library never gives
 * back: signer.h remembers the answers.
 */
#ifndef PRESEND_SIGNER_KEY_FIT_H
#define PRESEND_SIGNER_KEY_FIT_H

#include "base/slice.h"

enum {
	KEY_FIT_PUBLISHED_MAX = 1024, /* octets of a record: more than the library can take */
	KEY_FIT_BITS_MIN = 512,       /* with shorter RSA keys the library frees twice */
};

enum key_fit {
	KEY_FITS,
	KEY_DIFFERS,   /* the published key is that of another private key */
	KEY_REVOKED,   /* p= is empty */
	KEY_UNUSABLE,  /* the published record is malformed, or not for this signature */
	KEY_CANT_SIGN, /* the private key is none, or none for the algorithm: OpenDKIM
	                  answers 4xx, as it does for RSA keys under its MinimumKeyBits */
	KEY_UNKNOWN,   /* could not tell */
};

struct key_fit_answer {
	enum key_fit fit;
	unsigned bits;      /* of the published key; 256 for ed25519; 0: not known */
	const char *reason; /* a sentence that lives for ever; NULL where it fits */
};

struct key_fitter;

/* One a process or a signer, shared by threads.  NULL if the library cannot be set up. */
struct key_fitter *key_fitter_new(void);
void key_fitter_free(struct key_fitter *fitter); /* NULL is allowed */

/*
 * Private_key: PEM, or DER in base64, as OpenDKIM takes it, with a NUL behind
 * it.  algorithm: "rsa-sha256", "rsa-sha1" or "ed25519-sha256".  published: the
 * text of the TXT record.
 */
struct key_fit_answer key_fit(const struct key_fitter *fitter, const char *private_key,
    struct slice algorithm, struct slice published);

#endif
