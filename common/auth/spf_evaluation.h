/*
 * spf_evaluation.h - what one run of check_host() knows.
 *
 * Shared by spf.c (records, modifiers, results) and spf_term.c (mechanisms).
 *
 * An answer that the view does not have yet sets `pending`, and the evaluation
 * goes on as if the term that asked did not match: so the terms behind it note
 * their questions too, and the caller waits for all of them at once.  Nothing
 * found while `pending` is set is believed.  Lookups are counted on the way as
 * always, so that no question is noted that the limit would not allow.
 */
#ifndef PRESEND_AUTH_SPF_EVALUATION_H
#define PRESEND_AUTH_SPF_EVALUATION_H

#include "auth/spf.h"
#include "auth/spf_record.h"

struct evaluation {
	struct arena *arena;
	struct dns_view *view;
	const struct spf_query *query;
	struct spf_macros macros; /* `domain` changes with include and redirect */
	struct spf_outcome *out;
	unsigned depth;    /* of check_host */
	unsigned includes; /* that are open: what they find is not the result */
	bool pending;
};

/* What one term says of the client. */
enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

/* Evaluates the domain's record: RFC 7208 4.3 to 4.7 (spf.c). */
enum spf_result spf_check_host(struct evaluation *e, struct slice domain);

/* Does the term match the client (spf_term.c)? */
enum match spf_match_term(struct evaluation *e, const struct spf_term *term);

/* Counts a term that asks the DNS; false past the limit (spf_term.c). */
bool spf_count_lookup(struct evaluation *e);

/*
 * The name a domain-spec stands for, the current domain where there is none.
 * MATCH_YES: it is in *name; MATCH_NO: an answer for %{p} is missing;
 * MATCH_PERMERROR: a limit was passed on the way (spf_term.c).
 */
enum match spf_target_name(struct evaluation *e, struct slice spec, struct slice *name);

/* Sets the values that the text's macros need; as spf_target_name (spf_term.c). */
enum match spf_find_macros(struct evaluation *e, struct slice text);

/* Notes what is wrong; the first problem is kept (spf_term.c). */
void spf_say(struct evaluation *e, struct slice problem);

/*
 * How many labels the name has; 0 if it is no possible name: empty, too long,
 * with an empty label or one over 63 octets (spf_term.c).
 */
size_t spf_count_labels(struct slice name);

#endif
