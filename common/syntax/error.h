/*
 * error.h - what can be wrong with an address, as values.
 *
 * Every failure of a grammar function is a code, an offset and a length; the
 * sentence, the fix and the RFC section that belong to the code stand in one
 * table in error.c, beside the class that says which check answers for it.
 */
#ifndef PRESEND_SYNTAX_ERROR_H
#define PRESEND_SYNTAX_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* One check answers for each class: see common/check/from.c. */
enum syntax_class {
	SYNTAX_CLASS_ADDRESS,      /* the address part, RFC 5322 3.4 */
	SYNTAX_CLASS_DISPLAY_NAME, /* quoting and character set of names and comments */
	SYNTAX_CLASS_OBSOLETE,     /* old forms that receivers still read alike */
	SYNTAX_CLASS_ENCODED_WORD, /* RFC 2047 */
	SYNTAX_CLASS_GROUP,        /* RFC 6854 */
	SYNTAX_CLASS_LENGTH,       /* RFC 5321 4.5.3.1, RFC 5322 2.1.1 */
	SYNTAX_CLASS_DOMAIN,       /* not a fully qualified host name */
	SYNTAX_CLASSES,
};

enum syntax_code {
	SYNTAX_OK,

	/* the address part */
	SYNTAX_NO_ADDRESS,
	SYNTAX_ANGLE_EMPTY,
	SYNTAX_ANGLE_NESTED,
	SYNTAX_ANGLE_UNBALANCED,
	SYNTAX_ANGLE_MISSING,
	SYNTAX_AT_MISSING,
	SYNTAX_AT_EXTRA,
	SYNTAX_LOCAL_PART_MISSING,
	SYNTAX_LOCAL_PART_SPACE,
	SYNTAX_LOCAL_PART_COMMENT,
	SYNTAX_LOCAL_PART_DOT,
	SYNTAX_LOCAL_PART_CHARACTER,
	SYNTAX_LOCAL_PART_WORDS,
	SYNTAX_DOMAIN_MISSING,
	SYNTAX_DOMAIN_SPACE,
	SYNTAX_DOMAIN_COMMENT,
	SYNTAX_DOMAIN_DOTS,
	SYNTAX_DOMAIN_SPECIAL,
	SYNTAX_ROUTE,
	SYNTAX_TEXT_AFTER_ADDRESS,
	SYNTAX_SECOND_ADDRESS,
	SYNTAX_ELEMENT_EMPTY,
	SYNTAX_CONTROL,
	SYNTAX_ADDRESS_8BIT,
	SYNTAX_ADDRESS_UTF8,

	/* the display name */
	SYNTAX_NAME_SPECIAL,
	SYNTAX_NAME_DOT_FIRST,
	SYNTAX_QUOTE_UNBALANCED,
	SYNTAX_COMMENT_UNBALANCED,
	SYNTAX_NAME_8BIT,
	SYNTAX_NAME_UTF8,

	/* old forms, read alike by all */
	SYNTAX_PHRASE_DOT,
	SYNTAX_AT_BLANKS,
	SYNTAX_FOLD_BLANK,

	/* encoded-words */
	SYNTAX_ENCODED_CONTROL,
	SYNTAX_ENCODED_ADDRESS,
	SYNTAX_ENCODED_QUOTED,
	SYNTAX_ENCODED_LONG,
	SYNTAX_ENCODED_MALFORMED,
	SYNTAX_ENCODED_CHARSET,
	SYNTAX_ENCODED_UNDECODABLE,

	/* groups */
	SYNTAX_GROUP,
	SYNTAX_GROUP_EMPTY,

	/* lengths */
	SYNTAX_LOCAL_PART_LONG,
	SYNTAX_DOMAIN_LONG,
	SYNTAX_LABEL_LONG,
	SYNTAX_ADDRESS_LONG,
	SYNTAX_LINE_LONG,
	SYNTAX_FIELD_LONG,

	/* the domain as a host name */
	SYNTAX_DOMAIN_ONE_LABEL,
	SYNTAX_DOMAIN_LITERAL,
	SYNTAX_DOMAIN_NUMERIC,
	SYNTAX_DOMAIN_HYPHEN,
	SYNTAX_DOMAIN_EDGE_DOT,
	SYNTAX_DOMAIN_UNDERSCORE,
	SYNTAX_DOMAIN_CHARACTER,
	SYNTAX_DOMAIN_IDN,

	/* the brackets of an envelope path, RFC 5321 4.1.2 */
	SYNTAX_PATH_BRACKETS,

	SYNTAX_CODES,
};

/* Where a rule is broken: the token is the octets [offset, offset + length). */
struct syntax_error {
	enum syntax_code code;
	size_t offset;
	size_t length;
};

struct syntax_rule {
	const char *name; /* a word for tests and traces, stable */
	enum syntax_class class;
	bool advisory;        /* worth a line in the log, never a refusal */
	const char *sentence; /* what is wrong, without the token */
	const char *fix;      /* what to do, in the imperative */
	const char *rfc;
};

/* The row that belongs to a code below SYNTAX_CODES; never NULL. */
const struct syntax_rule *syntax_rule(enum syntax_code code);

#endif
