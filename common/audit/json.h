/*
 * json.h - writing JSON, straight into a buffer.
 *
 * A writer without a tree: a record is written once for every message, and its
 * parts come in a fixed order.  Strings are given as raw octets and leave as
 * valid JSON in UTF-8: what utf8_escape would escape becomes \xNN as text.
 * Beyond `cut` octets a string is cut and ends in "…".
 */
#ifndef PRESEND_AUDIT_JSON_H
#define PRESEND_AUDIT_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	struct buf *out;
	size_t cut;	/* of each string value, in octets as written; 0: never */
	bool was_cut;
	unsigned depth;
	bool comma[JSON_DEPTH_MAX]; /* a member was written at this depth */
};

void json_begin(struct json *j, struct buf *out, size_t cut);

/* key is one of ours, NULL inside an array. */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_string(struct json *j, const char *key, struct slice value);
void json_text(struct json *j, const char *key, const char *value);
/* As json_string, but CR, LF and TAB leave as JSON's own escapes: for whole field bodies. */
void json_body(struct json *j, const char *key, struct slice value);
/* A string where there is one, null where there is none. */
void json_string_or_null(struct json *j, const char *key, struct slice value);
void json_number(struct json *j, const char *key, long long value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
