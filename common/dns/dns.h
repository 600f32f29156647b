/*
 * dns.h - questions to the DNS and their answers, as values.
 *
 * Three answers everywhere: there it is, it is not there, could not tell.
 * Nothing above this layer knows where an answer came from.
 */
#ifndef PRESEND_DNS_DNS_H
#define PRESEND_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
};

/* "A", "MX", ...; "TYPE" and the number's place taken by "?" for others. */
const char *dns_type_name(enum dns_type type);

enum dns_status {
	DNS_FOUND,    /* at least one record of the type */
	DNS_NODATA,   /* the name exists, the type does not */
	DNS_NXDOMAIN, /* the name does not exist, nor anything below it */
	DNS_TEMPFAIL, /* could not be told: timeout, SERVFAIL, REFUSED, bogus, asked for nothing */
};

enum {
	DNS_NAME_MAX = 253, /* octets of a name in text form */
	DNS_LABEL_MAX = 63,
	DNS_RECORDS_MAX = 100, /* of an answer; more are dropped, `truncated` says so */
	DNS_DATA_MAX = 65535,  /* octets of a record's data */
	DNS_CNAMES_MAX = 10,   /* followed for one question */
};

/* One record of the asked type. */
struct dns_record {
	/*
	 * A: 4 octets, AAAA: 16.  TXT: the character-strings joined.  MX, NS,
	 * CNAME, PTR, SOA: the (first) name, labels joined by dots, lower case,
	 * without a final dot, the root as "".  Labels are raw octets; a dot
	 * inside one, which no host name has, becomes \046.
	 */
	struct slice data;
	unsigned preference; /* MX */
};

/* Immutable, counted by reference (answer.c); thread-safe to share. */
struct dns_answer {
	enum dns_status status;
	bool secure;     /* DNSSEC proved it */
	bool cname;      /* the asked name owns a CNAME, so it exists, whatever its target does */
	bool truncated;  /* records were dropped at a ceiling */
	uint32_t ttl;    /* seconds it may be kept */
	const char *why; /* TEMPFAIL: a few words, a static string */
	size_t count;
	struct dns_record records[]; /* the data stands behind them in the same block */
};

struct dns_answer *dns_answer_ref(struct dns_answer *answer);
void dns_answer_unref(struct dns_answer *answer); /* NULL is allowed */

/* name: labels joined by dots, A-form, lower case, no final dot, a NUL behind it. */
struct dns_question {
	struct slice name;
	enum dns_type type;
};

#endif
