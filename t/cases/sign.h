/*
 * sign.h - DKIM signatures for the messages of cases, with the throwaway keys of
 * t/unit/dkim_keys.h.
 *
 * Written from RFC 6376 and RFC 8463 on libcrypto alone, so that what verifies
 * was agreed on by two programs, and so that it can make what no library would
 * sign: h= without From, an expiry in the past, SHA-1.
 */
#ifndef PRESEND_T_SIGN_H
#define PRESEND_T_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct signing_key;

/* One line of a section [sign]; all texts are owned. */
struct case_signature {
	char *domain, *selector;
	const struct signing_key *key;
	char *algorithm;                   /* a=; NULL: as the key has it */
	bool header_relaxed, body_relaxed; /* c= */
	char *headers;                     /* h= */
	char *identity;                    /* i=; NULL: none */
	char *time, *expiry;               /* "1790000000", "now", "now-60"; NULL: none */
	char *length;                      /* l=; NULL: none */
};

/* A signature by nobody yet: relaxed, over from:to:subject. */
void signing_begin(struct case_signature *how);
void signing_free(struct case_signature *how);

/* Takes NAME=VALUE of a line; false when there is no such name or value. */
bool signing_set(struct case_signature *how, const char *name, const char *value);

/* Are domain, selector and key there? */
bool signing_is_complete(const struct case_signature *how);

/* The p= of the key of that name; NULL: there is none. */
const char *signing_public_key(struct slice name);

/*
 * Puts the signature's field on top of the message (line ends LF or CRLF, as
 * mta.c and the command line read them).  False when libcrypto does not sign.
 */
bool sign_message(const struct case_signature *how, struct buf *message);

#endif
