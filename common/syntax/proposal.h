/*
 * proposal.h - the corrected From field.
 */
#ifndef PRESEND_SYNTAX_PROPOSAL_H
#define PRESEND_SYNTAX_PROPOSAL_H

#include "base/arena.h"
#include "base/slice.h"
#include "syntax/from.h"

/*
 * The body of a From field that says what this one plausibly means and breaks
 * no rule, as `"Doe, John" <john@example.com>`; the slice that is not there
 * when none can be built without guessing an address (none or several were
 * read, the local part or the domain is wrong).  A name that is not ASCII is
 * encoded as RFC 2047 says unless smtputf8.  Never over 998 octets.  The
 * result parses without an error and reads the same address: a test holds it.
 */
struct slice from_proposal(struct arena *arena, const struct from_field *from, bool smtputf8);

#endif
