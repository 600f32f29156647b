/*
 * slice.h - a view of octets owned by somebody else.
 *
 * Octets of a message may hold NUL, so no function of the lower layers takes
 * or returns a C string for them.  A slice with a null data pointer means
 * "there is none"; a slice of length 0 with a pointer is "there, and empty".
 */
#ifndef PRESEND_BASE_SLICE_H
#define PRESEND_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ascii.h"

struct slice {
	const char *data;
	size_t len;
};

/* A string literal as a slice. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

/* For printf's "%.*s"; only for octets that are known to be safe to print. */
#define SLICE_ARG(s) (int)(s).len, (s).data

/* Views the NUL-terminated text; a null pointer gives the slice that is not there. */
struct slice slice_of(const char *text);

/* The part [begin, end) of s; the bounds are cut to s. */
struct slice slice_part(struct slice s, size_t begin, size_t end);

/* s without spaces, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice s);

/* Octet for octet; a slice that is not there equals an empty one. */
bool slice_equal(struct slice a, struct slice b);

/* As slice_equal, with the letters A to Z and a to z taken as the same. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Does s begin with prefix, letters A to Z and a to z taken as the same? */
bool slice_starts_nocase(struct slice s, struct slice prefix);

/* Offset of the first c, or s.len if there is none. */
size_t slice_find(struct slice s, char c);

/* Offset of the last c, or s.len if there is none. */
size_t slice_find_last(struct slice s, char c);

/*
 * Does the text match the pattern?  "*" stands for any octets, none included;
 * every other octet for itself, letters A to Z and a to z taken as the same.
 * The time is at most the product of both lengths.
 */
bool slice_match(struct slice pattern, struct slice text);

/* As slice_match, letters in upper and lower case taken as different. */
bool slice_match_exact(struct slice pattern, struct slice text);

#endif
