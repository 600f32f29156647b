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

struct recipe_key;

/* One line of a section [sign]; all texts are owned. */
struct recipe {
	char *domain, *selector;
	const struct recipe_key *key;
	char *algorithm;                   /* a=; NULL: as the key has it */
	bool header_relaxed, body_relaxed; /* c= */
	char *headers;                     /* h= */
	char *identity;                    /* i=; NULL: none */
	char *time, *expiry;               /* "1790000000", "now", "now-60"; NULL: none */
	char *length;                      /* l=; NULL: none */
};

/* A signature by nobody yet: relaxed, over from:to:subject. */
void recipe_begin(struct recipe *how);
void recipe_free(struct recipe *how);

/* Takes NAME=VALUE of a line; false when there is no such name or value. */
bool recipe_set(struct recipe *how, const char *name, const char *value);

/* Are domain, selector and key there? */
bool recipe_is_complete(const struct recipe *how);

/* The p= of the key of that name; NULL: there is none. */
const char *recipe_public_key(struct slice name);

/*
 * Puts the signature's field on top of the message (line ends LF or CRLF, as
 * mta.c and the command line read them).  False when libcrypto does not sign.
 */
bool sign_message(const struct recipe *how, struct buf *message);

#endif
