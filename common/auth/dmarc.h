/*
 * dmarc.h - DMARC under RFC 7489 and under RFC 9989, side by side.
 *
 * Pure functions over a view of the DNS and a public suffix list.  Receivers
 * will differ for years, so both answers are kept and neither is "the" answer.
 *
 * The two standards differ in how they find the organizational domain (the
 * suffix list; a walk up the tree of names), where they look for a record (two
 * names; up to eight), and which tags of it they know.
 */
#ifndef PRESEND_AUTH_DMARC_H
#define PRESEND_AUTH_DMARC_H

#include <stdbool.h>

#include "auth/psl.h"
#include "base/arena.h"
#include "dns/view.h"

enum dmarc_standard { DMARC_RFC7489, DMARC_RFC9989, DMARC_STANDARDS };

/* From mild to strict: a greater one is stricter. */
enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

enum dmarc_result {
	DMARC_RESULT_NONE, /* no record applies */
	DMARC_RESULT_PASS,
	DMARC_RESULT_FAIL,
	DMARC_RESULT_TEMPERROR, /* could not be told: neither pass nor fail */
	DMARC_RESULT_PENDING,   /* questions were noted: evaluate again after a wait */
};

/* "none", "quarantine", "reject" */
const char *auth_dmarc_policy_name(enum dmarc_policy policy);

/* RFC 8601's word; "pending" for DMARC_RESULT_PENDING. */
const char *auth_dmarc_result_name(enum dmarc_result result);

/* "RFC 7489", "RFC 9989" */
const char *auth_dmarc_standard_name(enum dmarc_standard standard);

/* ---- the record (dmarc_record.c) ---------------------------------------------- */

/* What is wrong with a record, for people: the octets [offset, offset + length) of its text. */
struct dmarc_problem {
	const char *sentence; /* NULL: nothing is */
	bool advisory;        /* receivers read the record as it was meant all the same */
	size_t offset, length;
};

/*
 * A record as one standard reads it.  A tag that is not there, or that the
 * standard does not know or tells to ignore, has its default.
 */
struct dmarc_record {
	bool is_dmarc; /* v=DMARC1 is its first tag; else nothing below counts */
	/*
	 * False: its policy is missing or malformed and no valid rua saves it, so
	 * that there is no DMARC for a message under it.
	 */
	bool usable;
	enum dmarc_policy p, sp, np; /* what applies: sp falls back to p, np to sp */
	bool has_p, has_sp, has_np;  /* published, and well formed */
	bool strict_dkim, strict_spf;
	char psd;     /* 'y', 'n' or 'u' */
	bool testing; /* t=y */
	unsigned pct; /* 0 to 100 */
	bool has_rua; /* with at least one valid URI */
	/* The first that is more than advisory, else the first. */
	struct dmarc_problem problem;
};

/* Any octets; the time is linear in their number. */
struct dmarc_record auth_dmarc_record_parse(struct slice text, enum dmarc_standard standard);

/* ---- the evaluation (dmarc.c) ----------------------------------------------------- */

/* What does not change while a message is evaluated. */
struct dmarc_query {
	struct arena *arena;
	struct dns_view *view;
	const struct suffix_list *suffixes; /* RFC 7489 only; NULL: every top label is a suffix */
	enum dmarc_standard standard;
	struct slice author; /* domain of the From address, U- or A-form */
};

/*
 * A domain that authenticated: d= of a signature that verified, or the domain
 * of MAIL FROM (of HELO for a null sender) with SPF pass.
 */
struct dmarc_identifier {
	struct slice domain; /* U- or A-form; not there, and unknown: it may be any */
	bool unknown;        /* whether it authenticates could not be told */
};

/* One whose domain is not there and that is not unknown does not count. */
struct dmarc_identifiers {
	const struct dmarc_identifier *dkim;
	size_t dkim_count;
	struct dmarc_identifier spf;
};

enum dmarc_alignment {
	DMARC_NOT_ALIGNED,
	DMARC_ALIGNMENT_UNKNOWN,
	DMARC_ALIGNMENT_PENDING,
	DMARC_ALIGNED,
};

struct dmarc_org_domain {
	bool told;         /* false: an answer that it depends on is missing */
	struct slice name; /* A-form; not there where the algorithm has none */
	/* No other name can have the same one: only equal names are aligned. */
	bool lone;
};

struct dmarc_verdict {
	enum dmarc_standard standard;
	struct slice author; /* A-form; not there if it has none: then nothing was evaluated */
	struct dmarc_org_domain org;
	struct slice record_domain, record; /* that applies; not there: none does */
	struct dmarc_record parsed;         /* of `record` */
	enum dmarc_policy policy;           /* published, that applies: p, sp or np */
	enum dmarc_result result;
	enum dmarc_policy disposition; /* what a receiver does: after t or pct, and the result */
	bool aligned_dkim, aligned_spf;
	/* A name asked for whose records do not count because they are several; not there: none. */
	struct slice several_at;
	/*
	 * No record applies, but this text at that name means to be one: it is
	 * malformed, or its policy cannot be used; not there: none does.
	 */
	struct slice near_miss, near_miss_at;
	struct slice reason; /* for people, printable; not there where the result is plain */
};

/*
 * Evaluates; with PENDING as the result nothing else of the verdict counts yet.
 * An identifier proved to be aligned makes it PASS, whatever could not be told
 * beside it; when nothing is aligned and something could not be told, it is
 * TEMPERROR.
 */
struct dmarc_verdict auth_dmarc_evaluate(
    const struct dmarc_query *query, const struct dmarc_identifiers *ids);

enum { DMARC_AUTHORS_MAX = 10 }; /* domains of a From field */

/*
 * The same for a From field of several addresses; the query's author is not
 * used.  RFC 7489: each domain is evaluated, and the verdict is the strictest
 * of those that fail, else one that could not be told, that passes, or that
 * has no record; of domains beyond the ceiling it is not told.  RFC 9989 does
 * not evaluate: the result is NONE.  Several addresses in one domain are one.
 */
struct dmarc_verdict auth_dmarc_evaluate_all(const struct dmarc_query *query,
    const struct slice *authors, size_t count, const struct dmarc_identifiers *ids);

/*
 * Is the domain, whether or not it authenticated, aligned with the author's?
 * strict: the record's mode for the mechanism (verdict->parsed).  The verdict
 * must not be pending.
 */
enum dmarc_alignment auth_dmarc_alignment(const struct dmarc_query *query,
    const struct dmarc_verdict *verdict, struct slice domain, bool strict);

#endif
