/*
 * holds.h - what the entries of a plain table are: the option `holds`.
 *
 *	mailboxes   (default) the value does not matter
 *	aliases     the value is a list of targets, as Postfix writes it
 *	logins      the value is a list of logins
 *	domains     the value does not matter
 */
#ifndef PRESEND_STORE_HOLDS_H
#define PRESEND_STORE_HOLDS_H

#include "store/store.h"

enum holds { HOLDS_MAILBOXES, HOLDS_ALIASES, HOLDS_LOGINS, HOLDS_DOMAINS };

/* False with a line in notes: it is none of these words. */
bool holds_read(const struct store_options *options, enum holds *holds, struct buf *notes);

/* What such a table can be asked. */
unsigned holds_services(enum holds holds);

/* The answer for a key that was found with that value. */
void holds_fill(enum holds holds, struct slice value, struct store_reply *reply);

#endif
