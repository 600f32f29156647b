/*
 * body.h - what a body is made of, as far as it matters on its way.
 *
 * Streamed: nothing of the body is kept but these facts.
 */
#ifndef PRESEND_MESSAGE_BODY_H
#define PRESEND_MESSAGE_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct body_facts {
	size_t octets;
	size_t longest_line; /* octets without the line end */
	bool bare_cr, bare_lf;
	bool eight_bit; /* an octet over 127 */

	/* of body.c */
	size_t line;
	char last;
};

/* The next octets of the body; facts begin as zero. */
void body_look(struct body_facts *facts, struct slice piece);

/* The body is complete. */
void body_end(struct body_facts *facts);

#endif
