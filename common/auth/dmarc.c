/*
 * dmarc.c - DMARC under RFC 7489 and under RFC 9989.
 *
 * An evaluation has three parts: discovery (which record, and what is the
 * author's organizational domain), alignment of each identifier, and the
 * result.  Only discovery and the organizational domain of a name know of the
 * two standards.  Whatever can be asked at the same time is: all names of a
 * walk together, then all walks of identifiers and the existence of the author
 * domain together.
 */
#include "auth/dmarc.h"

#include <string.h>

#include "syntax/domain.h"

enum { WALK_MAX = 8 }; /* questions of one walk, RFC 9989 4.10 */

const char *auth_dmarc_policy_name(enum dmarc_policy policy)
{
	static const char *const names[] = { "none", "quarantine", "reject" };

	return names[policy];
}

const char *auth_dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[] = { "none", "pass", "fail", "temperror", "pending" };

	return names[result];
}

const char *auth_dmarc_standard_name(enum dmarc_standard standard)
{
	return standard == DMARC_RFC7489 ? "RFC 7489" : "RFC 9989";
}

/* ---- what one name publishes ------------------------------------------------------ */

enum publication { FOUND_NOTHING, FOUND_RECORD, FOUND_SEVERAL, FOUND_ERROR, FOUND_PENDING };

struct published {
	struct slice name;
	enum publication found;
	struct slice text;          /* RECORD */
	struct dmarc_record record; /* RECORD */
	struct slice near_miss;     /* a text that is no record, and means to be one */
	const char *why;            /* ERROR */
};

static const struct dns_answer *ask(const struct dmarc_query *q, struct slice name)
{
	static const char prefix[] = "_dmarc.";
	char text[sizeof prefix - 1 + DOMAIN_MAX];
	size_t len = sizeof prefix - 1;

	memcpy(text, prefix, len);
	memcpy(text + len, name.data, name.len);
	return dns_view_get(q->view, (struct slice){ text, len + name.len }, DNS_TXT);
}

/* Takes the one DMARC record among the answer's; two of them are none. */
static void take_records(
    const struct dmarc_query *q, const struct dns_answer *answer, struct published *p)
{
	for (size_t i = 0; i < answer->count; i++) {
		struct dmarc_record record =
		    auth_dmarc_record_parse(answer->records[i].data, q->standard);

		if (!record.is_dmarc) {
			if (slice_match(SLICE("*dmarc*"), answer->records[i].data))
				p->near_miss = answer->records[i].data;
			continue;
		}
		if (p->found == FOUND_RECORD) {
			p->found = FOUND_SEVERAL;
			return;
		}
		p->found = FOUND_RECORD;
		p->record = record;
		p->text = answer->records[i].data;
	}
	if (answer->truncated) {
		p->found = FOUND_ERROR;
		p->why = "it has too many records";
	}
}

static struct published look(const struct dmarc_query *q, struct slice name)
{
	const struct dns_answer *answer = ask(q, name);
	struct published p = { .name = name, .found = FOUND_NOTHING };

	if (answer == NULL) {
		p.found = FOUND_PENDING;
	} else if (answer->status == DNS_TEMPFAIL) {
		p.found = FOUND_ERROR;
		p.why = answer->why != NULL ? answer->why : "no answer";
	} else if (answer->status == DNS_FOUND) {
		take_records(q, answer, &p);
	}
	return p;
}

/* ---- the walk up the tree, RFC 9989 4.10 ------------------------------------------ */

struct walk {
	struct published steps[WALK_MAX]; /* longest name first, the stopping one last */
	size_t count;
	const struct published *error; /* the first, or NULL; what stands above the stop is none */
	bool pending;
};

/* The last labels of the name, all of it if it has no more. */
static struct slice last_labels(struct slice name, size_t labels)
{
	size_t begin = name.len;

	while (begin > 0 && (name.data[begin - 1] != '.' || --labels > 0))
		begin--;
	return slice_part(name, begin, name.len);
}

static size_t count_labels(struct slice name)
{
	size_t labels = 1;

	for (size_t i = 0; i < name.len; i++)
		labels += name.data[i] == '.';
	return labels;
}

/* The name, then its suffixes with min(x - 1, 7) labels down to one, of x labels. */
static size_t walk_names(struct slice name, struct slice out[WALK_MAX])
{
	size_t labels = count_labels(name), count = 0;

	if (labels > WALK_MAX)
		labels = WALK_MAX;
	out[count++] = name;
	while (--labels > 0)
		out[count++] = last_labels(name, labels);
	return count;
}

static bool is_stop(const struct published *p)
{
	return p->found == FOUND_RECORD && p->record.psd != 'u';
}

static void walk(const struct dmarc_query *q, struct slice domain, struct walk *w)
{
	struct slice names[WALK_MAX];
	size_t count = walk_names(domain, names);

	*w = (struct walk){ .count = 0 };
	/* all are asked before the first answer is looked at: one wait, not eight */
	for (size_t i = 0; i < count; i++)
		w->pending |= ask(q, names[i]) == NULL;
	for (size_t i = 0; i < count && !w->pending; i++) {
		struct published *step = &w->steps[w->count++];

		*step = look(q, names[i]);
		if (step->found == FOUND_ERROR && w->error == NULL)
			w->error = step;
		if (is_stop(step))
			break;
	}
}

/* RFC 9989 4.10.2 */
static struct dmarc_org_domain walk_org(const struct walk *w, struct slice domain)
{
	struct dmarc_org_domain org = { .told = w->error == NULL, .name = domain, .lone = true };

	if (!org.told)
		return (struct dmarc_org_domain){ .told = false };
	for (size_t i = 0; i < w->count; i++) {
		const struct published *step = &w->steps[i];

		if (step->found != FOUND_RECORD)
			continue;
		org.lone = false;
		org.name = step->name;
		if (step->record.psd == 'y')
			org.name = last_labels(domain, count_labels(step->name) + 1);
	}
	return org;
}

/* ---- discovery: the record that applies -------------------------------------------- */

static struct slice printable(const struct dmarc_query *q, const char *text)
{
	return arena_copy(q->arena, slice_of(text));
}

static void found_error(
    const struct dmarc_query *q, struct dmarc_verdict *v, const struct published *p)
{
	v->result = DMARC_RESULT_TEMPERROR;
	v->reason = arena_printf(
	    q->arena, "_dmarc.%.*s could not be looked up: %s", SLICE_ARG(p->name), p->why);
}

static void found_several(
    const struct dmarc_query *q, struct dmarc_verdict *v, const struct published *p)
{
	if (v->several_at.data != NULL)
		return;
	v->several_at = p->name;
	v->reason = arena_printf(
	    q->arena, "_dmarc.%.*s has several DMARC records: none counts", SLICE_ARG(p->name));
}

static void take_record(
    const struct dmarc_query *q, struct dmarc_verdict *v, const struct published *p)
{
	if (p->record.usable) {
		v->record_domain = p->name;
		v->record = p->text;
		v->parsed = p->record;
		v->policy = p->record.p;
		return;
	}
	v->result = DMARC_RESULT_NONE;
	v->near_miss = p->text;
	v->near_miss_at = p->name;
	v->reason = arena_printf(q->arena, "the record at _dmarc.%.*s does not count: %s",
	    SLICE_ARG(p->name), p->record.problem.sentence);
}

static void found_nothing(const struct dmarc_query *q, struct dmarc_verdict *v,
    const struct published *steps, size_t count)
{
	v->result = DMARC_RESULT_NONE;
	if (v->reason.data != NULL)
		return;
	v->reason = printable(q, "no DMARC record is published");
	for (size_t i = 0; i < count; i++) {
		if (steps[i].near_miss.data == NULL)
			continue;
		v->near_miss = steps[i].near_miss;
		v->near_miss_at = steps[i].name;
		v->reason = arena_printf(q->arena,
		    "the text at _dmarc.%.*s is no DMARC record: it does not begin with v=DMARC1;",
		    SLICE_ARG(steps[i].name));
		return;
	}
}

/* RFC 7489 6.6.3: the author domain, then its organizational domain; two records end it. */
static void discover_rfc7489(const struct dmarc_query *q, struct dmarc_verdict *v)
{
	struct published steps[2] = { look(q, v->author), { .found = FOUND_NOTHING } };
	const struct published *p = &steps[0];

	v->org.told = true;
	v->org.lone = !suffix_list_org_domain(q->suffixes, v->author, &v->org.name);
	if (!v->org.lone && v->org.name.len < v->author.len)
		steps[1] = look(q, v->org.name);
	if (p->found == FOUND_NOTHING || steps[1].found == FOUND_PENDING)
		p = &steps[1];
	switch (p->found) {
	case FOUND_PENDING: v->result = DMARC_RESULT_PENDING; break;
	case FOUND_ERROR: found_error(q, v, p); break;
	case FOUND_RECORD: take_record(q, v, p); break;
	case FOUND_SEVERAL:
		found_several(q, v, p);
		v->result = DMARC_RESULT_NONE;
		break;
	case FOUND_NOTHING: found_nothing(q, v, steps, 2); break;
	}
}

/*
 * RFC 9989 4.10.1: the record of the author domain, else that of its
 * organizational domain, else that of the public suffix above it, which is
 * where the walk stopped then.  NULL: the walk has met none.
 */
static const struct published *choose(const struct walk *w, struct slice org)
{
	const struct published *record = NULL;

	for (size_t i = 0; i < w->count; i++) {
		if (w->steps[i].found != FOUND_RECORD)
			continue;
		record = &w->steps[i];
		if (i == 0 || slice_equal(record->name, org))
			return record;
	}
	return record;
}

static void discover_rfc9989(const struct dmarc_query *q, struct dmarc_verdict *v)
{
	const struct published *record;
	struct walk w;

	walk(q, v->author, &w);
	if (w.pending) {
		v->result = DMARC_RESULT_PENDING;
		return;
	}
	v->org = walk_org(&w, v->author);
	for (size_t i = 0; i < w.count; i++)
		if (w.steps[i].found == FOUND_SEVERAL)
			found_several(q, v, &w.steps[i]);
	record = choose(&w, v->org.name);
	if (w.error != NULL && record != &w.steps[0])
		found_error(q, v, w.error);
	else if (record != NULL)
		take_record(q, v, record);
	else
		found_nothing(q, v, w.steps, w.count);
}

/* ---- alignment ------------------------------------------------------------------------ */

/* Can the names have an organizational domain in common, whatever it is? */
static bool share_a_suffix(struct slice a, struct slice b)
{
	return slice_equal(last_labels(a, 1), last_labels(b, 1));
}

static enum dmarc_alignment align_rfc9989(
    const struct dmarc_query *q, const struct dmarc_verdict *v, struct slice domain)
{
	struct dmarc_org_domain org;
	struct walk w;

	if (!v->org.told)
		return share_a_suffix(v->author, domain) ? DMARC_ALIGNMENT_UNKNOWN
							 : DMARC_NOT_ALIGNED;
	/* the organizational domain of a name is a suffix of it: no question for others */
	if (v->org.lone || !domain_is_within(domain, v->org.name))
		return DMARC_NOT_ALIGNED;
	walk(q, domain, &w);
	if (w.pending)
		return DMARC_ALIGNMENT_PENDING;
	org = walk_org(&w, domain);
	if (!org.told)
		return DMARC_ALIGNMENT_UNKNOWN;
	return slice_equal(org.name, v->org.name) ? DMARC_ALIGNED : DMARC_NOT_ALIGNED;
}

static enum dmarc_alignment align_rfc7489(
    const struct dmarc_query *q, const struct dmarc_verdict *v, struct slice domain)
{
	struct slice org;

	if (v->org.lone || !suffix_list_org_domain(q->suffixes, domain, &org))
		return DMARC_NOT_ALIGNED;
	return slice_equal(org, v->org.name) ? DMARC_ALIGNED : DMARC_NOT_ALIGNED;
}

enum dmarc_alignment auth_dmarc_alignment(
    const struct dmarc_query *q, const struct dmarc_verdict *v, struct slice domain, bool strict)
{
	struct slice ascii;

	if (v->author.data == NULL || !domain_to_ascii(q->arena, domain, &ascii))
		return DMARC_NOT_ALIGNED;
	if (slice_equal(ascii, v->author))
		return DMARC_ALIGNED;
	if (strict)
		return DMARC_NOT_ALIGNED;
	return q->standard == DMARC_RFC7489 ? align_rfc7489(q, v, ascii)
					    : align_rfc9989(q, v, ascii);
}

/* The identifier's share in the result: aligned, and it authenticated. */
static enum dmarc_alignment align_identifier(const struct dmarc_query *q,
    const struct dmarc_verdict *v, const struct dmarc_identifier *id, bool strict)
{
	enum dmarc_alignment aligned;

	if (id->domain.data == NULL)
		return id->unknown ? DMARC_ALIGNMENT_UNKNOWN : DMARC_NOT_ALIGNED;
	aligned = auth_dmarc_alignment(q, v, id->domain, strict);
	return id->unknown && aligned == DMARC_ALIGNED ? DMARC_ALIGNMENT_UNKNOWN : aligned;
}

/* One aligned identifier is enough; a name equal to the author's needs no question. */
static enum dmarc_alignment align_mechanism(const struct dmarc_query *q,
    const struct dmarc_verdict *v, const struct dmarc_identifier *ids, size_t count, bool strict)
{
	enum dmarc_alignment best = DMARC_NOT_ALIGNED;

	for (size_t i = 0; i < count; i++)
		if (align_identifier(q, v, &ids[i], true) == DMARC_ALIGNED)
			return DMARC_ALIGNED;
	for (size_t i = 0; i < count; i++) {
		enum dmarc_alignment aligned = align_identifier(q, v, &ids[i], strict);

		if (aligned > best)
			best = aligned;
	}
	return best;
}

/* ---- the result ------------------------------------------------------------------------ */

static enum dmarc_policy one_step_less(enum dmarc_policy policy)
{
	return policy == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

/* What a receiver does with a message that fails: t, or pct, is heard. */
static void dispose(const struct dmarc_query *q, struct dmarc_verdict *v)
{
	v->disposition = v->policy;
	if (v->policy == DMARC_NONE)
		return;
	if (v->parsed.testing || v->parsed.pct == 0)
		v->disposition = one_step_less(v->policy);
	if (v->parsed.testing)
		v->reason = printable(q, "t=y: a receiver does one step less than the policy says");
	else if (v->parsed.pct == 0)
		v->reason =
		    printable(q, "pct=0: a receiver does one step less than the policy says");
	else if (v->parsed.pct < 100)
		v->reason = arena_printf(q->arena,
		    "pct=%u: with the rest of the failing mail a receiver does one step less",
		    v->parsed.pct);
}

enum author_existence { EXISTS, EXISTS_NOT, EXISTS_UNTOLD, EXISTS_PENDING };

/*
 * Does the author domain exist?  Only NXDOMAIN says no, and not behind a CNAME
 * that the name owns.  Asked only where it makes a difference.
 */
static enum author_existence author_exists(
    const struct dmarc_query *q, const struct dmarc_verdict *v)
{
	const struct dns_answer *answer;

	if (v->parsed.np == v->parsed.sp)
		return EXISTS;
	answer = dns_view_get(q->view, v->author, DNS_A);
	if (answer == NULL)
		return EXISTS_PENDING;
	if (answer->status == DNS_TEMPFAIL)
		return EXISTS_UNTOLD;
	return answer->status == DNS_NXDOMAIN && !answer->cname ? EXISTS_NOT : EXISTS;
}

/* RFC 9989 4.10.1, RFC 7489 6.6.3: a record from above has a policy for what is below. */
static enum author_existence inherit_policy(const struct dmarc_query *q, struct dmarc_verdict *v)
{
	enum author_existence exists;

	if (slice_equal(v->record_domain, v->author))
		return EXISTS;
	exists = author_exists(q, v);
	v->policy = exists == EXISTS_NOT ? v->parsed.np : v->parsed.sp;
	return exists;
}

/* Nothing is aligned. */
static void not_aligned(const struct dmarc_query *q, struct dmarc_verdict *v, bool unknown,
    enum author_existence exists)
{
	if (unknown) {
		v->result = DMARC_RESULT_TEMPERROR;
		v->reason = printable(q, "it is not known whether an aligned domain authenticates");
	} else if (exists == EXISTS_UNTOLD) {
		v->result = DMARC_RESULT_TEMPERROR;
		v->reason = arena_printf(q->arena,
		    "whether %.*s exists, and so which policy applies, could not be told",
		    SLICE_ARG(v->author));
	} else {
		v->result = DMARC_RESULT_FAIL;
		dispose(q, v);
	}
}

/* Discovery has said that a record applies (FAIL until now), NONE, or TEMPERROR. */
static void conclude(
    const struct dmarc_query *q, struct dmarc_verdict *v, const struct dmarc_identifiers *ids)
{
	enum dmarc_alignment dkim =
	    align_mechanism(q, v, ids->dkim, ids->dkim_count, v->parsed.strict_dkim);
	enum dmarc_alignment spf = align_mechanism(q, v, &ids->spf, 1, v->parsed.strict_spf);
	enum author_existence exists =
	    v->result == DMARC_RESULT_FAIL ? inherit_policy(q, v) : EXISTS;

	v->aligned_dkim = dkim == DMARC_ALIGNED;
	v->aligned_spf = spf == DMARC_ALIGNED;
	if (dkim == DMARC_ALIGNMENT_PENDING || spf == DMARC_ALIGNMENT_PENDING ||
	    exists == EXISTS_PENDING)
		v->result = DMARC_RESULT_PENDING;
	else if (v->result == DMARC_RESULT_FAIL && (v->aligned_dkim || v->aligned_spf))
		v->result = DMARC_RESULT_PASS;
	else if (v->result == DMARC_RESULT_FAIL)
		not_aligned(q, v, dkim == DMARC_ALIGNMENT_UNKNOWN || spf == DMARC_ALIGNMENT_UNKNOWN,
		    exists);
}

struct dmarc_verdict auth_dmarc_evaluate(
    const struct dmarc_query *q, const struct dmarc_identifiers *ids)
{
	struct dmarc_verdict v = { .standard = q->standard, .result = DMARC_RESULT_FAIL };

	v.parsed = auth_dmarc_record_parse(SLICE(""), q->standard);
	if (q->author.len == 0 || q->author.data[0] == '[' ||
	    !domain_to_ascii(q->arena, q->author, &v.author)) {
		v.result = DMARC_RESULT_NONE;
		v.reason = printable(q, "the From address has no domain name");
		return v;
	}
	if (q->standard == DMARC_RFC7489)
		discover_rfc7489(q, &v);
	else
		discover_rfc9989(q, &v);
	if (v.result != DMARC_RESULT_PENDING)
		conclude(q, &v, ids);
	return v;
}

/* ---- several authors ------------------------------------------------------------------- */

/* What counts among the verdicts for several authors: the greatest. */
static int rank(const struct dmarc_verdict *v)
{
	switch (v->result) {
	case DMARC_RESULT_PENDING: return 100;
	case DMARC_RESULT_FAIL: return 10 + (int)v->disposition;
	case DMARC_RESULT_TEMPERROR: return 3;
	case DMARC_RESULT_PASS: return 2;
	case DMARC_RESULT_NONE: break;
	}
	return 1;
}

/* The domains without those that were there before; *more: there are more than fit. */
static size_t distinct(struct arena *arena, const struct slice *authors, size_t count,
    struct slice out[DMARC_AUTHORS_MAX], bool *more)
{
	size_t kept = 0;

	*more = false;
	for (size_t i = 0; i < count && !*more; i++) {
		size_t same = 0;

		while (same < kept && !domain_equal(arena, out[same], authors[i]))
			same++;
		if (same < kept)
			continue;
		*more = kept == DMARC_AUTHORS_MAX;
		if (!*more)
			out[kept++] = authors[i];
	}
	return kept;
}

/* The strictest of those for the domains from the second on, and of worst. */
static struct dmarc_verdict worst_of(struct dmarc_query *q, struct dmarc_verdict worst,
    const struct slice *domains, size_t count, const struct dmarc_identifiers *ids)
{
	for (size_t i = 1; i < count; i++) {
		struct dmarc_verdict v;

		q->author = domains[i];
		v = auth_dmarc_evaluate(q, ids);
		if (rank(&v) > rank(&worst))
			worst = v;
	}
	return worst;
}

struct dmarc_verdict auth_dmarc_evaluate_all(const struct dmarc_query *query,
    const struct slice *authors, size_t count, const struct dmarc_identifiers *ids)
{
	struct slice domains[DMARC_AUTHORS_MAX];
	struct dmarc_query q = *query;
	struct dmarc_verdict worst, open;
	bool more;

	count = distinct(q.arena, authors, count, domains, &more);
	q.author = count == 1 || (count > 1 && q.standard == DMARC_RFC7489) ? domains[0]
									    : (struct slice){ 0 };
	worst = auth_dmarc_evaluate(&q, ids);
	if (count > 1 && q.standard == DMARC_RFC9989)
		worst.reason = printable(&q, "the From addresses have several domains");
	if (q.standard == DMARC_RFC9989)
		return worst;
	worst = worst_of(&q, worst, domains, count, ids);
	open = (struct dmarc_verdict){ .standard = q.standard, .result = DMARC_RESULT_TEMPERROR };
	if (!more || rank(&worst) > rank(&open))
		return worst;
	open.reason = printable(&q, "the From addresses have too many domains to look at all");
	return open;
}
