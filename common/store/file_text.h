/*
 * file_text.h - the text of a `file` store, a line an address, a pattern or a domain.
 *
 *	line     = [ what [ type ] *( target / login ) ] [ "#" comment ]
 *	what     = address / pattern / "@" domain / domain / "*." domain
 *	type     = "mailbox" / "alias" / "forward-only" / "list" / "catch-all"
 *	           / "domain" / "alias-domain"
 *	login    = "login=" [ name *( "," name ) ]          nothing: nobody may use it; "*": all
 *
 * parted by blanks and commas.  A pattern has a "*" in its local part; "*@domain" is "@domain".
 * Without a type: alias where there are targets, catch-all for "@domain", domain for a domain,
 * else mailbox.  Each domain of an address is served here.
 *
 * What is read becomes pairs of keys and values, for a table in memory or a compiled one:
 *
 *	ann@example.com     the entry             @example.com   the catch-all
 *	@@example.com       the patterns there    example.com    the domain
 *
 * ("@@example.com" is no address in the form of keys: there it is "\"@\"@example.com".)
 */
#ifndef PRESEND_STORE_FILE_TEXT_H
#define PRESEND_STORE_FILE_TEXT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "store/store.h"

enum { FILE_PATTERNS_MAX = 1000, FILE_LINE_MAX = 64 * 1024 };

/* Takes one pair; weak: only if the key is not there yet.  False: it cannot be kept. */
typedef bool file_sink(void *context, struct slice key, struct slice value, bool weak);

/*
 * Reads the text.  False with "line N: what is wrong" in why.  Of two lines for the same
 * address the first counts, as in Postfix's tables.
 */
bool file_text_read(
    struct slice text, bool case_sensitive, file_sink *sink, void *context, struct buf *why);

/* Puts what a value says into the reply. */
void file_text_reply(struct slice value, struct store_reply *reply);

/* The value of the pattern that matches, in the value of "@@domain"; not there: none does. */
struct slice file_text_match(struct slice patterns, struct slice local_part);

#endif
