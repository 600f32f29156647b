/*
 * signer_table.h - a data set of OpenDKIM's, as it stands in a file or in its
 * configuration (opendkim(8), DATA SETS).
 *
 *   "file:PATH", "/PATH"     key, blanks, value: a line each
 *   "refile:PATH"            as file, the keys are patterns in which "*" stands for anything
 *   "csl:LIST", "LIST"       key or key=value, separated by commas
 *
 * Everything else (db:, dsn:, ldap:, lua:, ...; "PATH.db") lies in servers and
 * libraries that Presend does not ask.  Read once, immutable, shared by threads.
 *
 * Where the manual and OpenDKIM 2.11 differ, this does as the program does: a
 * pattern file's line that begins with a blank is no entry; of two entries with
 * one key the first counts; a relative PATH without "file:" is a list of one.  It
 * makes regular expressions of the patterns: what is more than "*" in one is
 * "unclear" here, and one that does not compile leaves no table.
 *
 * Ceilings: beyond any of them the table cannot be used, and says so.
 */
#ifndef PRESEND_SIGNER_SIGNER_TABLE_H
#define PRESEND_SIGNER_SIGNER_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
	TABLE_OCTETS_MAX = 16 * 1024 * 1024,
	TABLE_ENTRIES_MAX = 50000,
	TABLE_LINE_MAX = 1023, /* OpenDKIM takes the rest of a longer line for a line */
};

enum table_kind { TABLE_FILE, TABLE_PATTERNS, TABLE_LIST };

struct table_entry {
	struct slice key, value; /* value: not there where the entry is a key alone */
	bool unclear;            /* the key is a pattern with more than "*" in it */
};

struct signer_table {
	struct slice why; /* why it cannot be used; not there when it can */
	enum table_kind kind;
	bool exact; /* upper and lower case are different in keys */
	struct table_entry *entries;
	size_t count;
	struct table_entry **sorted; /* by key, then in their order; not for patterns */
};

enum table_answer { TABLE_FOUND, TABLE_NOTFOUND, TABLE_UNCLEAR };

/*
 * The table that the value of a parameter describes, in the arena.  Relative
 * paths begin at directory; where that is not there they cannot be followed.
 * Never NULL: see why.
 */
struct signer_table *signer_table_load(
    struct arena *arena, struct slice description, struct slice directory, bool exact);

/* The same from the text of a file, or of a list. */
struct signer_table *signer_table_parse(
    struct arena *arena, enum table_kind kind, struct slice text, bool exact);

/* The first entry for the key.  The table must be usable. */
enum table_answer signer_table_find(
    const struct signer_table *table, struct slice key, const struct table_entry **entry);

/*
 * Of a table of patterns: the first entry from *position on that matches;
 * *position is then the one behind it.
 */
enum table_answer signer_table_next(const struct signer_table *table, struct slice text,
    size_t *position, const struct table_entry **entry);

/* A word of OpenDKIM's: without the white space of the C locale at its ends. */
struct slice signer_table_trim(struct slice s);

#endif
