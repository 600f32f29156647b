/* show_dmarc.c - DMARC under both standards side by side. */
#include "tools/show_dmarc.h"

#include "base/utf8.h"
#include "tools/excerpt.h"

enum { COLUMN_LEAST = 10, COLUMN_MOST = 40 };

/* ---- side by side ------------------------------------------------------------ */

static struct slice or_none(struct slice name)
{
	return name.data == NULL ? SLICE("none") : name;
}

static bool is_found(const struct dmarc_verdict *v)
{
	return v->record_domain.data != NULL;
}

/* The word for a policy of the record; there is none without a record. */
static struct slice policy_word(const struct dmarc_verdict *v, enum dmarc_policy policy)
{
	return is_found(v) ? slice_of(auth_dmarc_policy_name(policy)) : SLICE("-");
}

static struct slice org_of(const struct dmarc_verdict *v)
{
	return v->org.told ? or_none(v->org.name) : SLICE("not told");
}

static struct slice record_of(const struct dmarc_verdict *v)
{
	return or_none(v->record_domain);
}

static struct slice policy_of(const struct dmarc_verdict *v)
{
	return policy_word(v, v->policy);
}

static struct slice subdomain_policy_of(const struct dmarc_verdict *v)
{
	return policy_word(v, v->parsed.sp);
}

static struct slice absent_policy_of(const struct dmarc_verdict *v)
{
	return policy_word(v, v->parsed.np);
}

/* Whether what is asked for is to be done. */
static struct slice force_of(const struct dmarc_verdict *v)
{
	if (!is_found(v))
		return SLICE("-");
	if (v->parsed.testing)
		return SLICE("a test");
	return v->parsed.pct == 100 ? SLICE("to all")
	       : v->parsed.pct == 0 ? SLICE("to none")
				    : SLICE("to a part");
}

static struct slice reports_of(const struct dmarc_verdict *v)
{
	if (!is_found(v))
		return SLICE("-");
	return v->parsed.has_rua ? SLICE("asked for") : SLICE("none");
}

static struct slice dkim_of(const struct dmarc_verdict *v)
{
	return v->aligned_dkim ? SLICE("aligned") : SLICE("not aligned");
}

static struct slice spf_of(const struct dmarc_verdict *v)
{
	return v->aligned_spf ? SLICE("aligned") : SLICE("not aligned");
}

static struct slice result_of(const struct dmarc_verdict *v)
{
	return slice_of(auth_dmarc_result_name(v->result));
}

static struct slice disposition_of(const struct dmarc_verdict *v)
{
	return slice_of(auth_dmarc_policy_name(v->disposition));
}

enum { BOTH = SHOW_DMARC_MESSAGE | SHOW_DMARC_DOMAIN };

/* A line of the comparison, and by what the standards come to different things there. */
static const struct row {
	unsigned subjects; /* of enum show_dmarc_subject */
	const char *name;
	struct slice (*value)(const struct dmarc_verdict *v);
	const char *by[DMARC_STANDARDS]; /* NULL: it follows from other lines */
} rows[] = {
	{ BOTH, "organizational domain", org_of,
	    { "by the public suffix list", "by the walk up the tree of names" } },
	{ BOTH, "record at", record_of,
	    { "asking the author domain and its organizational domain",
		"asking the names of the walk" } },
	{ BOTH, "policy", policy_of, { "from p or sp", "from p, sp or np" } },
	{ SHOW_DMARC_DOMAIN, "for its subdomains", subdomain_policy_of,
	    { "from sp or p", "from sp or p" } },
	{ SHOW_DMARC_DOMAIN, "for names not there", absent_policy_of,
	    { "which does not know np=", "from np, sp or p" } },
	{ SHOW_DMARC_DOMAIN, "applied", force_of,
	    { "with pct=, without t=", "with t=, without pct=" } },
	{ SHOW_DMARC_DOMAIN, "aggregate reports", reports_of, { NULL, NULL } },
	{ SHOW_DMARC_MESSAGE, "DKIM", dkim_of, { NULL, NULL } },
	{ SHOW_DMARC_MESSAGE, "SPF", spf_of, { NULL, NULL } },
	{ SHOW_DMARC_MESSAGE, "result", result_of, { NULL, NULL } },
	{ SHOW_DMARC_MESSAGE, "disposition", disposition_of,
	    { "with pct=, without t=", "with t=, without pct=" } },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool differs(const struct dmarc_verdict *v, const struct row *row)
{
	return !slice_equal(row->value(&v[DMARC_RFC7489]), row->value(&v[DMARC_RFC9989]));
}

static size_t column_width(const struct dmarc_verdict *v, unsigned subject)
{
	size_t width = COLUMN_LEAST;

	for (size_t i = 0; i < ROWS; i++) {
		size_t len = rows[i].value(&v[DMARC_RFC7489]).len;

		if ((rows[i].subjects & subject) != 0 && len > width)
			width = len;
	}
	return width < COLUMN_MOST ? width : COLUMN_MOST;
}

/* Names are in A-form, so an octet is a column; what is no name of a host is escaped. */
static void add_cell(struct buf *out, struct slice value, size_t width)
{
	size_t begin = out->len;

	utf8_escape(out, value);
	while (out->len - begin < width && !out->truncated)
		buf_add_char(out, ' ');
	buf_add_text(out, "  ");
}

/* Of a domain without a record there is nothing more to be said. */
static bool is_empty(const struct dmarc_verdict *v, const struct row *row)
{
	return row->value != org_of && row->value != record_of && !is_found(&v[DMARC_RFC7489]) &&
	       !is_found(&v[DMARC_RFC9989]);
}

static void add_table(struct buf *out, const struct dmarc_verdict *v, unsigned subject)
{
	size_t width = column_width(v, subject);

	buf_printf(out, "  %-23s%-*s  %s\n", subject == SHOW_DMARC_DOMAIN ? "DMARC" : "",
	    (int)width, auth_dmarc_standard_name(DMARC_RFC7489),
	    auth_dmarc_standard_name(DMARC_RFC9989));
	for (size_t i = 0; i < ROWS; i++) {
		if ((rows[i].subjects & subject) == 0 ||
		    (subject == SHOW_DMARC_DOMAIN && is_empty(v, &rows[i])))
			continue;
		buf_printf(out, "  %-23s", rows[i].name);
		add_cell(out, rows[i].value(&v[DMARC_RFC7489]), width);
		utf8_escape(out, rows[i].value(&v[DMARC_RFC9989]));
		buf_add_char(out, '\n');
	}
}

/* Both found a record, and it is the same one: else the lines about it differ for that. */
static bool is_same_record(const struct dmarc_verdict *v)
{
	return is_found(&v[DMARC_RFC7489]) && is_found(&v[DMARC_RFC9989]) &&
	       slice_equal(v[DMARC_RFC7489].record_domain, v[DMARC_RFC9989].record_domain);
}

/*
 * Is the difference one of its own?  A disposition follows from policy and
 * result, and what a record says from which record it is.
 */
static bool is_told(const struct dmarc_verdict *v, const struct row *row)
{
	if (row->by[0] == NULL || !differs(v, row))
		return false;
	if (row->subjects == SHOW_DMARC_DOMAIN)
		return is_same_record(v);
	return row->value != disposition_of ||
	       (v[DMARC_RFC7489].policy == v[DMARC_RFC9989].policy &&
		   v[DMARC_RFC7489].result == v[DMARC_RFC9989].result);
}

static void add_difference(struct buf *out, const struct dmarc_verdict *v, const struct row *row)
{
	buf_printf(out, "  %s differs:", row->name);
	for (int s = 0; s < DMARC_STANDARDS; s++) {
		buf_add_text(out, s == 0 ? " " : "; ");
		utf8_escape(out, row->value(&v[s]));
		buf_printf(out, " under %s, %s", auth_dmarc_standard_name((enum dmarc_standard)s),
		    row->by[s]);
	}
	buf_add_char(out, '\n');
}

void show_dmarc(
    struct buf *out, const struct dmarc_verdict *verdicts, enum show_dmarc_subject subject)
{
	add_table(out, verdicts, subject);
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].subjects & subject) != 0 && is_told(verdicts, &rows[i]))
			add_difference(out, verdicts, &rows[i]);
}

/* ---- what is to be said of a record ------------------------------------------- */

/* A record's text, with a caret under what is wrong with it. */
static void add_text(struct buf *out, struct slice text, const struct dmarc_problem *problem)
{
	if (problem->sentence == NULL) {
		buf_add_text(out, "  record: ");
		utf8_escape(out, text);
		buf_add_char(out, '\n');
		return;
	}
	excerpt_mark(out, &(struct excerpt){ .head = "record",
			      .gap = ": ",
			      .text = text,
			      .offset = problem->offset,
			      .length = problem->length,
			      .width = excerpt_width() });
	buf_printf(out, "  problem: %s\n", problem->sentence);
}

static void add_record(struct buf *out, const struct dmarc_verdict *v)
{
	struct dmarc_record near_miss;

	if (v->record.data != NULL)
		add_text(out, v->record, &v->parsed.problem);
	if (v->near_miss.data != NULL) {
		near_miss = auth_dmarc_record_parse(v->near_miss, v->standard);
		buf_add_text(out, "  does not count, at ");
		utf8_escape(out, v->near_miss_at);
		buf_add_text(out, ":\n");
		add_text(out, v->near_miss, &near_miss.problem);
	}
	if (v->several_at.data != NULL) {
		buf_add_text(out, "  several records, so that none counts, at ");
		utf8_escape(out, v->several_at);
		buf_add_char(out, '\n');
	}
}

void show_dmarc_records(struct buf *out, const struct dmarc_verdict *verdicts)
{
	struct buf one, other;

	buf_init(&one, out->ceiling);
	buf_init(&other, out->ceiling);
	add_record(&one, &verdicts[DMARC_RFC7489]);
	add_record(&other, &verdicts[DMARC_RFC9989]);
	buf_add_slice(out, buf_slice(&one));
	if (!slice_equal(buf_slice(&one), buf_slice(&other)))
		buf_add_slice(out, buf_slice(&other));
	buf_free(&one);
	buf_free(&other);
}
