/*
 * show_auth.h - how a message authenticates, as a table for people: each
 * signature, each address that mail leaves from, and what DMARC makes of them.
 */
#ifndef PRESEND_TOOLS_SHOW_AUTH_H
#define PRESEND_TOOLS_SHOW_AUTH_H

#include "auth/authentication.h"
#include "base/buf.h"

/* Appends the table, indented by two columns; nothing where nothing was evaluated. */
void show_authentication(struct buf *out, const struct authentication *a);

/* Its rows of SPF alone. */
void show_spf(struct buf *out, const struct authentication *a);

#endif
