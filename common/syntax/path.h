/*
 * path.h - the paths of MAIL FROM and RCPT TO.
 *
 *   Reverse-path = Path / "<>"
 *   Forward-path = Path                       (and "<Postmaster>" of RCPT)
 *   Path         = "<" [ A-d-l ":" ] Mailbox ">"
 *   Mailbox      = Local-part "@" ( Domain / address-literal )
 *   Local-part   = Dot-string / Quoted-string
 *
 * of RFC 5321 4.1.2, with UTF-8 in Local-part and Domain where the transaction
 * asked for SMTPUTF8 (RFC 6531 3.3).  A-d-l, the source route, is no part of a
 * Mailbox and is an error here.
 */
#ifndef PRESEND_SYNTAX_PATH_H
#define PRESEND_SYNTAX_PATH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "syntax/error.h"

struct path {
	struct slice raw;          /* as the MTA handed it over */
	bool null;                 /* <> */
	bool no_domain;            /* a local part alone, as <root>: the error is AT_MISSING */
	struct slice local_part;   /* without quotes and escapes; not there on error */
	struct slice domain;       /* as written, or the literal with its brackets; beside an error
				    what follows the last @, if that is a Domain */
	struct slice address;      /* what stood between the brackets */
	struct syntax_error error; /* SYNTAX_OK when it is a Mailbox or null */
	struct syntax_error too_long; /* a length of class LENGTH, beside or without error */
};

/*
 * Parses a path.  Brackets may be missing altogether (a local submission of
 * Postfix brings none) but not on one side only.  With no domain, no_domain is
 * set and the local part is given.  Offsets count in raw.  local_part,
 * domain and address live in the arena or in raw.
 */
struct path path_parse(struct arena *arena, struct slice raw, bool smtputf8);

#endif
