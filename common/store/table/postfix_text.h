/*
 * postfix_text.h - the text forms of Postfix's tables and lists.
 */
#ifndef PRESEND_STORE_TABLE_POSTFIX_TEXT_H
#define PRESEND_STORE_TABLE_POSTFIX_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/table/text_table.h"

/*
 * Adds the lines of a table as postmap(1) reads it: "key whitespace value", "#" begins a comment
 * line, a line that begins with white space goes on the one before.  Keys are folded unless
 * they are quoted in part.  False at the table's ceiling.
 */
bool postfix_text_table(struct slice text, struct text_table *table);

/* As postalias(1) reads aliases(5): "name: value, ...". */
bool postfix_text_aliases(struct slice text, struct text_table *table);

/* Does a line of the form of passwd(5) add its account?  "name:..." */
bool postfix_text_passwd(struct slice text, struct text_table *table);

/*
 * The next element of a list in main.cf: parted by blanks, line ends and commas, with "{ ... }"
 * held together.  Empty at the end; *at is behind it.
 */
struct slice postfix_text_next(struct slice list, size_t *at);

/* Appends the key in lower case, as Postfix folds it. */
void postfix_text_fold(struct buf *out, struct slice key);

#endif
