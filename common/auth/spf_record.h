/*
 * spf_record.h - one SPF record as a list of terms, RFC 7208 12.
 *
 * Shared by the files of the SPF evaluator.  A record is parsed as a whole
 * before anything of it is evaluated (RFC 7208 4.6): a syntax error anywhere
 * makes it a permerror.
 */
#ifndef PRESEND_AUTH_SPF_RECORD_H
#define PRESEND_AUTH_SPF_RECORD_H

#include <stdbool.h>

#include "auth/spf.h"
#include "base/arena.h"
#include "base/net.h"
#include "base/slice.h"

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_MECHANISMS,
};

struct spf_term {
	enum spf_mechanism mechanism;
	enum spf_result result;    /* of its qualifier: pass, fail, softfail, neutral */
	struct slice text;         /* as written */
	struct slice domain;       /* domain-spec, not expanded; not there when it has none */
	struct network network;    /* IP4, IP6 */
	unsigned prefix4, prefix6; /* A, MX */
	struct spf_term *next;
};

struct spf_record {
	struct spf_term *terms;
	struct slice redirect, exp; /* domain-specs; not there when the record has none */
	struct slice problem;       /* the first syntax error, a sentence; not there when good */
	size_t offset;              /* of the term at fault in the record */
};

/* Is the text an SPF record: "v=spf1" alone or with a space behind it, in any case? */
bool spf_is_record(struct slice text);

/* Parses a text for which spf_is_record holds; linear time. */
struct spf_record *spf_record_parse(struct arena *arena, struct slice text);

/* ---- macros, RFC 7208 7 (spf_macro.c) --------------------------------------- */

/*
 * domain-spec = macro-string domain-end
 * domain-end  = ( "." toplabel [ "." ] ) / macro-expand
 */
bool spf_domain_spec_valid(struct slice text);

/* macro-string; with in_exp also c, r and t, and spaces (explain-string). */
bool spf_macro_string_valid(struct slice text, bool in_exp);

/* What the macro letters stand for. */
struct spf_macros {
	const struct spf_query *query;
	struct slice sender, local_part, sender_domain; /* s, l, o */
	struct slice domain;                            /* d */
	struct slice validated;                         /* p: set only for texts that use it */
};

/* Does the text use the macro p, whose value costs DNS questions? */
bool spf_uses_p(struct slice text);

/*
 * Expands a valid macro-string; nothing is left of one that becomes longer than
 * 16,384 octets or has more than 500 macros: what a record makes us do is
 * bounded, whatever the sender's length.  Without a macro it is the text itself.
 */
struct slice spf_expand(struct arena *arena, const struct spf_macros *macros, struct slice text);

#endif
