/*
 * json.h - writing JSON, straight into a buffer.
 *
 * A writer without a tree: a record is written once for every message, and its
 * parts come in a fixed order.  Strings are given as raw octets and leave as
 * valid JSON in UTF-8: what utf8_escape would escape becomes \xNN as text.
 * Beyond `cut` octets a string is cut, never inside a character or an escape,
 * and ends in "…", which is not counted.
 *
 * The names keep clear of jansson's json_object, json_string, ..., which ours
 * would silently replace in a program that has both.
 *
 * The text is valid JSON when all that was opened was ended and the buffer did
 * not reach its ceiling.
 */
#ifndef PRESEND_AUDIT_JSON_H
#define PRESEND_AUDIT_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum { JSON_DEPTH_MAX = 16 }; /* deeper is a fault of the caller, and ends the process */

struct json {
	struct buf *out;
	size_t cut; /* of each string value, in octets as written; 0: never */
	unsigned depth;
	bool comma[JSON_DEPTH_MAX]; /* a member was written at this depth */
};

void json_begin(struct json *j, struct buf *out, size_t cut);

/* key is one of ours, NULL inside an array. */
void json_open_object(struct json *j, const char *key);
void json_open_array(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_close_array(struct json *j);
void json_add_string(struct json *j, const char *key, struct slice value);
void json_add_text(struct json *j, const char *key, const char *value);
/* As json_string, but CR, LF and TAB leave as JSON's own escapes: for whole field bodies. */
void json_add_body(struct json *j, const char *key, struct slice value);
/* A string where there is one, null where there is none. */
void json_add_string_or_null(struct json *j, const char *key, struct slice value);
void json_add_number(struct json *j, const char *key, long long value);
void json_add_bool(struct json *j, const char *key, bool value);
void json_add_null(struct json *j, const char *key);

#endif
