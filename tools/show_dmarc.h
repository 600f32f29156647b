/*
 * show_dmarc.h - DMARC under both standards side by side, for people, and in
 * words where they come to different things.
 */
#ifndef PRESEND_TOOLS_SHOW_DMARC_H
#define PRESEND_TOOLS_SHOW_DMARC_H

#include "auth/dmarc.h"
#include "base/buf.h"

enum show_dmarc_subject {
	SHOW_DMARC_MESSAGE = 1 << 0, /* a message: what is aligned, what becomes of it */
	SHOW_DMARC_DOMAIN = 1 << 1,  /* a domain: what it has published */
};

/* verdicts: one a standard.  The table, then a line for each difference; indented by two. */
void show_dmarc(
    struct buf *out, const struct dmarc_verdict *verdicts, enum show_dmarc_subject subject);

/* The records, and what is wrong with them; what both standards say alike is said once. */
void show_dmarc_records(struct buf *out, const struct dmarc_verdict *verdicts);

#endif
