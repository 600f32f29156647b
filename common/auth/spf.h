/*
 * spf.h - RFC 7208, evaluated for our own egress addresses.
 *
 * A pure function over a view of the DNS (dns/view.h): SPF_PENDING says that
 * questions were noted and the evaluation is to be run again after a wait.
 */
#ifndef PRESEND_AUTH_SPF_H
#define PRESEND_AUTH_SPF_H

#include "base/arena.h"
#include "base/net.h"
#include "dns/view.h"

enum spf_result {
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_NEUTRAL,
	SPF_NONE,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_PENDING,
};

/* RFC 8601's word, "pending" for SPF_PENDING. */
const char *spf_result_name(enum spf_result result);

enum {
	SPF_LOOKUPS_MAX = 10, /* RFC 7208 4.6.4 */
	SPF_VOIDS_MAX = 2,
	SPF_NAMES_MAX = 10, /* of an MX or PTR answer */
};

struct spf_query {
	struct ip ip;
	struct slice
	    mail_from; /* address; empty: the null sender, then postmaster@helo is judged */
	struct slice helo;
	struct slice receiver; /* the %{r} macro; "unknown" where not there */
	int64_t now;           /* seconds since the epoch, the %{t} macro */
};

struct spf_outcome {
	enum spf_result result;
	struct slice domain; /* that was judged, A-form */
	bool helo_identity;  /* the null sender: the identity was HELO */
	unsigned lookups, voids;
	struct slice mechanism;   /* the term that matched, as written; not there if none did */
	struct slice problem;     /* PERMERROR, TEMPERROR: what and where; for people */
	struct slice explanation; /* FAIL: exp= expanded, may be empty */
	struct slice record;      /* the record of the domain itself, raw */
	size_t record_offset;     /* PERMERROR by syntax in it: octet in record, else SIZE_MAX */
};

/* check_host() of RFC 7208 4.  The outcome lives in the arena. */
struct spf_outcome spf_evaluate(
    struct arena *arena, struct dns_view *view, const struct spf_query *query);

/*
 * Syntax of one record alone, without asking: NULL problem when it is good.
 * For `presend domain` and the fuzz target.
 */
struct slice spf_record_problem(struct arena *arena, struct slice record, size_t *offset);

#endif
