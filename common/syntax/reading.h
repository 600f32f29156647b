/*
 * reading.h - how programs in the wild read a From field.
 *
 * Receivers and mail clients do not all parse: many take the text in the first
 * angle brackets, the last word with an @ and so on.  Where a field is not
 * valid such readings part ways, and the reader sees another author than the
 * filter checked.  A valid field has one reading, but its name or a comment may
 * still show an address that is not its author's.
 */
#ifndef PRESEND_SYNTAX_READING_H
#define PRESEND_SYNTAX_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "syntax/from.h"

enum reading_kind {
	READING_STRICT,      /* what the parser took */
	READING_FIRST_ANGLE, /* the text in the first <...> */
	READING_LAST_ANGLE,
	READING_FIRST_AT, /* the first word with an @ */
	READING_LAST_AT,
	READING_COMMENT, /* an address in a comment */
	READING_QUOTED,  /* an address in a quoted string */
	READING_DECODED, /* encoded-words decoded first, then the first <...> or word with @ */
	READING_KINDS,
};

struct reading {
	enum reading_kind kind;
	size_t field;         /* index of the From field it was read from */
	struct slice address; /* local-part "@" domain as read */
	size_t offset;        /* in that field's body, of the octets it came from */
	size_t length;
};

/* A few words for the log, as "the text in the first <...>". */
const char *reading_name(enum reading_kind kind);

/*
 * Do readings found in the wild take different addresses from these fields?
 * fields: all From fields of the message, in order, count at least 1.  One
 * valid field alone is never ambiguous.  Two or more fields: those that are
 * valid are read strictly, the others in every way.  Addresses that differ in
 * the case of letters only, or as U- and A-label, are the same.  A field too
 * long to be parsed is left out.  If true, pair holds two readings that differ.
 */
bool from_is_ambiguous(struct arena *arena, const struct from_field *const *fields, size_t count,
    struct reading pair[2]);

/*
 * Does a valid field show another address than the one it belongs to, in the
 * display name, a comment or a decoded word?  Look-alikes of the @ (U+FE6B,
 * U+FF20) count as one.  If true, *shown holds what is shown and where.
 */
bool from_impersonates(struct arena *arena, const struct from_field *from, struct reading *shown);

#endif
