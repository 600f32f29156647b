/*
 * tag_list.h - "tag=value; tag=value": what DKIM signatures and keys are
 * written in (RFC 6376 3.2).
 */
#ifndef PRESEND_SYNTAX_TAG_LIST_H
#define PRESEND_SYNTAX_TAG_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { TAGS_MAX = 64 }; /* a list of more is malformed; there are about 20 names */

struct tag {
	struct slice name, value; /* parts of the text, blanks and folds at their ends cut off */
};

struct tag_list {
	size_t count;
	struct tag tags[TAGS_MAX];
};

/*
 * Reads any octets, in linear time.  False if the text is no tag-list: then
 * the list holds what stands before the fault.  A name that comes twice is a
 * fault too.
 *
 *   tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
 *   tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
 *   tag-name  = ALPHA *ALNUMPUNC
 *   tag-value = [ tval *( 1*(WSP / FWS) tval ) ]   ; tval = 1*VALCHAR, %x21-3A / %x3C-7E
 */
bool tag_list_read(struct slice text, struct tag_list *list);

/* The value of the tag, letter for letter; not there if the tag is not. */
struct slice tag_list_find(const struct tag_list *list, const char *name);

/* The value without the blanks and folds inside it. */
struct slice tag_value_plain(struct arena *arena, struct slice value);

/* 1*20DIGIT; false if the value is none, or more than fits. */
bool tag_value_number(struct slice value, uint64_t *number);

/* Is the word one of the value's, separated by colons, case of letters aside? */
bool tag_value_has(struct slice value, struct slice word);

#endif
