/*
 * psl.h - the public suffix list, for RFC 7489's organizational domain.
 *
 * Immutable after the load and shared by all threads.  The only file that
 * includes <libpsl.h> is psl.c; libpsl owns the prefix psl_.
 */
#ifndef PRESEND_AUTH_PSL_H
#define PRESEND_AUTH_PSL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct suffix_list;

/*
 * The list of that file (as publicsuffix.org publishes it, or compiled to a
 * DAFSA).  NULL: the distribution's, kept up to date by its package, or where
 * that is missing the one built into libpsl.  NULL with a line in errors when
 * it cannot be read or holds no rule.
 */
struct suffix_list *suffix_list_load(const char *path, struct buf *errors);
void suffix_list_free(struct suffix_list *list); /* NULL is allowed */

/*
 * The longest matching public suffix and one label more, as a part of domain,
 * which is in A-form, lower case.  False, and *org untouched, if there is none:
 * the domain is a suffix itself.  A top label that the list does not have is a
 * suffix.  list may be NULL: then every top label is one, and nothing else.
 * Both sections of the list count, the private one too, as receivers have it.
 */
bool suffix_list_org_domain(const struct suffix_list *list, struct slice domain, struct slice *org);

#endif
