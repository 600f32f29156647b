/*
 * ldap_filter.h - the operator's LDAP filters: a template in, a filter out (RFC 4515).
 *
 * The placeholders are those of sql_query.h: %{address}, %{local_part}, %{domain}, %%.  One may
 * stand only where a value does, behind the sign of comparison, and each octet of what takes its
 * place but letters, digits, "@", ".", "-", "_" is written as \xx:
 *
 *	valueencoding = 0*(normal / escaped)
 *	escaped       = ESC HEX HEX
 */
#ifndef PRESEND_STORE_LDAP_FILTER_H
#define PRESEND_STORE_LDAP_FILTER_H

#include "store/store.h"

/* NULL, or what is wrong with the template. */
const char *ldap_filter_fault(const char *template);

/*
 * The filter of a question.  False: it has a placeholder for what the question does not have, so
 * nothing can match.
 */
bool ldap_filter_fill(struct buf *out, const char *template, const struct store_question *question);

#endif
