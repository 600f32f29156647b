/*
 * json_members.h - some strings out of one JSON text, without a tree.
 *
 * For reading our own records back.  The text is read to its end by the whole
 * grammar of RFC 8259, so that half a record, or a line that only looks like one,
 * is none.  Time is linear in the text, and nothing but the values wanted is kept.
 */
#ifndef PRESEND_TOOLS_JSON_MEMBERS_H
#define PRESEND_TOOLS_JSON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

enum { JSON_MEMBERS_DEPTH_MAX = 64 }; /* of objects and arrays; a deeper text is none */

/* The member `name` of the object that is the member `object` of the text. */
struct json_member {
	const char *object, *name;
	struct slice value; /* the string, its escapes taken away; not there: no string there */
};

/*
 * Fills the values, in the arena.  False when the text is no JSON object in UTF-8, names a
 * wanted member twice, or has a character that is none (half a surrogate pair).
 */
bool json_members_find(
    struct arena *arena, struct slice text, struct json_member *members, size_t count);

#endif
