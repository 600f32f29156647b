/*
 * domain.h - domain names as host names of a sender, in U- and A-form.
 *
 * A "host name" here is what RFC 5321 4.1.2 calls Domain with at least two
 * labels, or its internationalized form (RFC 6531 3.3, IDNA2008 by libidn2).
 */
#ifndef PRESEND_SYNTAX_DOMAIN_H
#define PRESEND_SYNTAX_DOMAIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "syntax/error.h"

enum {
	DOMAIN_MAX = 255, /* octets, RFC 5321 4.5.3.1.2 */
	LABEL_MAX = 63,
};

/*
 * Checks a name that the grammar of RFC 5322 has let through (dot-atom or
 * literal, no blanks, no comments).  Returns the first thing that keeps it
 * from being a fully qualified host name: code SYNTAX_OK when nothing does,
 * else one of class DOMAIN, DOMAIN_LONG or LABEL_LONG, with offset and length
 * inside the name.  Lengths of a U-label are those of its A-label.  A name
 * over 4 * DOMAIN_MAX octets is DOMAIN_LONG unseen.
 *
 *   Domain     = sub-domain *("." sub-domain)
 *   sub-domain = Let-dig [Ldh-str] / U-label
 */
struct syntax_error domain_check(struct slice name);

/*
 * Checks a name by the grammar of RFC 5321's Domain alone, as an envelope path
 * may have it: as domain_check, but one label is enough, the last one may be a
 * number, and what stands behind an "xn--" in ASCII is not looked at.  No
 * literals.  Lengths are told apart: *too_long is the first of class LENGTH,
 * beside or without the fault that is returned.
 */
struct syntax_error domain_syntax(struct slice name, struct syntax_error *too_long);

/*
 * The name in A-labels, lower case, without a final dot, for comparing and
 * for DNS.  Underscores and other visible ASCII may be in it, and a literal
 * stays a literal.  False when it has none (not valid IDN, too long, empty, an
 * empty label, blanks or control characters); *out is then untouched.  The
 * result lives in the arena.
 */
bool domain_to_ascii(struct arena *arena, struct slice name, struct slice *out);

/* The name with its A-labels turned into U-labels, for people; on any failure the name itself. */
struct slice domain_to_unicode(struct arena *arena, struct slice name);

/*
 * Are the names the same?  Case and a final dot do not count, and a U-label
 * equals its A-label.
 */
bool domain_equal(struct arena *arena, struct slice a, struct slice b);

/* Is name the same as parent or below it, label for label?  Both in A-form, lower case. */
bool domain_is_within(struct slice name, struct slice parent);

#endif
