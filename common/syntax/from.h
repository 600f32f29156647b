/*
 * from.h - the From field, strictly.
 *
 *   from         = "From:" (mailbox-list / address-list) CRLF   RFC 5322 3.6.2, RFC 6854
 *   address      = mailbox / group
 *   mailbox      = name-addr / addr-spec
 *   name-addr    = [display-name] angle-addr
 *   group        = display-name ":" [group-list] ";" [CFWS]
 *
 * The parser never repairs in silence.  It reads the field by the strict
 * grammar; where that fails it says which rule is broken, at which octets,
 * goes on as the writer plausibly meant it, and so may still name the address
 * from which a corrected field can be built.  Obsolete forms (RFC 5322 4) are
 * told apart from plain faults.  Time and memory are linear in the length of
 * the body, and a body over FROM_OCTETS_MAX is not parsed at all.
 */
#ifndef PRESEND_SYNTAX_FROM_H
#define PRESEND_SYNTAX_FROM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "syntax/error.h"
#include "syntax/token.h"

enum {
	FROM_OCTETS_MAX = 32768,  /* of a body that is parsed */
	FROM_MAILBOXES_MAX = 100, /* kept; `count` goes on counting */
	FROM_LINE_MAX = 998,
	LOCAL_PART_MAX = 64,
	ADDRESS_MAX = 254,
};

struct mailbox {
	struct slice display_name; /* unquoted and decoded UTF-8; not there when there is none */
	struct slice local_part;   /* without quotes and escapes */
	struct slice domain;       /* as written, without blanks and comments */
	struct slice address;      /* local-part "@" domain, the local part quoted if it must be */
	size_t offset, length;     /* of the addr-spec in the body */
	bool shaky; /* its address breaks the grammar: shown, never put into a proposal */
	struct mailbox *next;
};

struct from_field {
	struct slice body;
	struct tokens tokens;
	struct mailbox *mailboxes; /* in order */
	size_t count;              /* mailboxes read, those over the limit too */
	bool blank;                /* nothing but white space */
	bool group;                /* group syntax is used */
	bool unparsed;             /* over FROM_OCTETS_MAX */
	bool valid;                /* by the grammar of RFC 5322 section 3, RFC 6532, RFC 6854 */
	const struct syntax_error *errors; /* the first of each code, by offset */
	size_t error_count;
};

/*
 * Parses the body (everything after the colon, folds as CRLF).  smtputf8: raw
 * UTF-8 is allowed (RFC 6532).  The result lives in the arena and points into
 * the body, which must live as long.
 */
const struct from_field *from_parse(struct arena *arena, struct slice body, bool smtputf8);

/*
 * The first error of that class, or NULL.  Class OBSOLETE is there only when
 * nothing worse is wrong with the grammar of the field.
 */
const struct syntax_error *from_error(const struct from_field *from, enum syntax_class class);

#endif
