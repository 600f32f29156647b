/*
 * config_text.h - the text of a configuration file, made safe for libconfuse.
 *
 * libconfuse 3.3 counts two lines for each comment, drops octets that it has no
 * rule for ("*" before a name, say) without a word, takes the end of the file
 * for the end of an open section, replaces ${NAME} by the environment, and
 * after an open quote or a bad escape starts the next file inside a string.  So
 * the text is read once before: comments and carriage returns become blanks, "$"
 * stands for itself, and what libconfuse would misread is an error with its
 * line.  Lines stay where they are.
 */
#ifndef PRESEND_POLICY_CONFIG_TEXT_H
#define PRESEND_POLICY_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct config_text {
	struct buf clean;
	unsigned *opened; /* the line on which the nth section to be closed was opened */
	size_t sections, sections_room;

	unsigned line;   /* of the fault */
	const char *why; /* NULL: none */
};

/* Reads the text; false with line and why at the first fault.  Ended by config_text_free. */
bool config_text_read(struct config_text *t, struct slice text);
void config_text_free(struct config_text *t);

#endif
