/*
 * answer.h - making answers: for resolvers only.
 */
#ifndef PRESEND_DNS_ANSWER_H
#define PRESEND_DNS_ANSWER_H

#include "dns/resolver.h"

/*
 * A new answer with one reference: status, flags and ttl from facts, the
 * records copied into it.
 */
struct dns_answer *dns_answer_make(
    const struct dns_answer *facts, const struct dns_record *records, size_t count);

/* One without records; why is a static string, for TEMPFAIL. */
struct dns_answer *dns_answer_empty(enum dns_status status, const char *why);

/* Memory that the answer takes. */
size_t dns_answer_octets(const struct dns_answer *answer);

/* "TXT" and the others of enum dns_type, case of letters aside. */
bool dns_type_parse(struct slice name, enum dns_type *type);

/*
 * The name in the form that questions have: lower case, no final dot, a NUL
 * behind it.  False if it is no possible name: empty, too long, an empty label
 * or one over DNS_LABEL_MAX octets.
 */
bool dns_name_normal(struct slice name, char out[DNS_NAME_MAX + 1], size_t *len);

#endif
