/* show_auth.c - how a message authenticates, as a table for people. */
#include "tools/show_auth.h"

#include "base/utf8.h"
#include "tools/row.h"

enum { ROWS_MAX = 12, NAME_COLUMN = 52, RESULT_COLUMN = 11 };

/* "aligned", "not aligned", or for which receivers it is. */
static const char *alignment_words(const struct alignment_fact *f)
{
	bool old = f->aligned[DMARC_RFC7489], new = f->aligned[DMARC_RFC9989];

	if (old && new)
		return "aligned";
	if (old)
		return "aligned under RFC 7489 only";
	if (new)
		return "aligned under RFC 9989 only";
	return f->unknown ? "alignment not told" : "not aligned";
}

/* "d=example.com s=mail rsa-sha256 2048 bits" */
static void add_names(struct buf *out, struct slice domain, struct slice selector,
    struct slice algorithm, unsigned bits)
{
	buf_add_text(out, "d=");
	utf8_escape(out, domain);
	buf_add_text(out, " s=");
	utf8_escape(out, selector);
	buf_add_char(out, ' ');
	utf8_escape(out, algorithm);
	if (bits > 0)
		buf_printf(out, " %u bits", bits);
}

/* The end of a row: "aligned: the reason" */
static void add_alignment(
    struct buf *out, const struct alignment_fact *alignment, struct slice reason)
{
	buf_add_text(out, alignment_words(alignment));
	if (reason.data != NULL) {
		buf_add_text(out, ": ");
		utf8_escape(out, reason);
	}
	buf_add_char(out, '\n');
}

static void add_signature(
    struct buf *out, const struct signature *s, const struct alignment_fact *alignment)
{
	static const struct alignment_fact nobody;
	bool foreign = s->fault == SIGNATURE_FOREIGN;
	size_t begin;

	row_begin(out, "DKIM");
	begin = out->len;
	add_names(out, s->domain, s->selector, s->algorithm, s->bits);
	row_pad(out, begin, NAME_COLUMN);
	begin = out->len;
	buf_add_text(out, signature_result_name(s->result));
	row_pad(out, begin, RESULT_COLUMN);
	add_alignment(
	    out, foreign ? &nobody : alignment, foreign ? (struct slice){ NULL, 0 } : s->reason);
}

static void add_spf(struct buf *out, const struct spf_fact *fact)
{
	const struct spf_outcome *o = &fact->outcome;
	char ip[IP_TEXT_SIZE];
	size_t begin;

	row_begin(out, "SPF");
	begin = out->len;
	utf8_escape(out, o->domain);
	buf_printf(out, "%s from %s", o->helo_identity ? " (HELO)" : "", ip_format(&fact->ip, ip));
	row_pad(out, begin, NAME_COLUMN);
	begin = out->len;
	buf_add_text(out, spf_result_name(o->result));
	row_pad(out, begin, RESULT_COLUMN);
	buf_add_text(out, alignment_words(&fact->alignment));
	if (o->mechanism.len > 0) {
		buf_add_text(out, ", by \"");
		utf8_escape(out, o->mechanism);
		buf_add_char(out, '"');
	}
	if (o->problem.len > 0) {
		buf_add_text(out, ": ");
		utf8_escape(out, o->problem);
	}
	buf_add_char(out, '\n');
}

/* What a receiver does about it; what it does with mail that passes need not be said. */
static void add_disposition(struct buf *out, const struct dmarc_verdict *v)
{
	if (v->result == DMARC_RESULT_FAIL)
		buf_printf(out, "a receiver would %s",
		    v->disposition == DMARC_NONE     ? "do nothing"
		    : v->disposition == DMARC_REJECT ? "reject it"
						     : "quarantine it");
	if (v->reason.data == NULL)
		return;
	if (v->result == DMARC_RESULT_FAIL)
		buf_add_text(out, ": ");
	utf8_escape(out, v->reason);
}

static void add_verdict(struct buf *out, const struct dmarc_verdict *v)
{
	size_t begin;

	row_begin(out, "DMARC");
	begin = out->len;
	buf_printf(out, "%s: ", auth_dmarc_standard_name(v->standard));
	if (v->record_domain.data != NULL) {
		buf_printf(out, "%s at ", auth_dmarc_policy_name(v->policy));
		utf8_escape(out, v->record_domain);
	} else {
		buf_add_text(out, "no record");
	}
	row_pad(out, begin, NAME_COLUMN);
	begin = out->len;
	buf_add_text(out, auth_dmarc_result_name(v->result));
	row_pad(out, begin, RESULT_COLUMN);
	add_disposition(out, v);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_add_char(out, '\n');
}

static bool is_shown(const struct signature *s, size_t shown)
{
	return s->domain.data != NULL && shown < ROWS_MAX;
}

static void add_signatures(struct buf *out, const struct authentication *a)
{
	size_t shown = 0;

	if (a->signature_count == 0 && a->signer != AUTH_SIGNER_TABLES) {
		row_begin(out, "DKIM");
		buf_add_text(out, a->signer == AUTH_SIGNER_AFTER
				      ? "signed after us: taken as passed\n"
				      : "no signature\n");
	}
	for (size_t i = 0; i < a->signature_count; i++)
		if (is_shown(&a->signatures[i], shown)) {
			add_signature(out, &a->signatures[i], &a->signature_alignment[i]);
			shown++;
		}
	if (shown < a->signature_total)
		buf_printf(out, "  %-*sand %zu more\n", ROW_COLUMN, "", a->signature_total - shown);
}

void show_spf(struct buf *out, const struct authentication *a)
{
	if (!a->spf_evaluated) {
		row_begin(out, "SPF");
		buf_add_text(out, "not evaluated: no sender, or no `egress` address is known\n");
	}
	for (size_t i = 0; i < a->spf_count && i < ROWS_MAX; i++)
		add_spf(out, &a->spf[i]);
	if (a->spf_count > ROWS_MAX)
		buf_printf(out, "  %-*sand %zu more\n", ROW_COLUMN, "", a->spf_count - ROWS_MAX);
}

/* What a signer behind us will add, and whether receivers will find it good. */
static void add_expected(struct buf *out, const struct authentication *a)
{
	static const char *const answers[] = { "will sign it", "will not sign it",
		"will put it off", "could not be told" };
	static const char *const statuses[] = { "pass", "no key", "bad key", "not told" };
	const struct expected *e = &a->expected;

	if (a->signer != AUTH_SIGNER_TABLES)
		return;
	if (e->answer != SIGNER_SIGNS) {
		row_begin(out, "DKIM");
		buf_printf(out, "%s %s: ",
		    e->answer == SIGNER_UNKNOWN ? "what the signer will do" : "the signer",
		    answers[e->answer]);
		utf8_escape(out, e->reason);
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < e->count; i++) {
		const struct signature *s = &e->list[i].signature;
		size_t begin;

		row_begin(out, "DKIM");
		begin = out->len;
		buf_add_text(out, "to come: ");
		add_names(out, s->domain, s->selector, s->algorithm, s->bits);
		row_pad(out, begin, NAME_COLUMN);
		begin = out->len;
		buf_add_text(out, statuses[expected_status_of(&e->list[i])]);
		row_pad(out, begin, RESULT_COLUMN);
		add_alignment(out, &a->expected_alignment[i], s->reason);
	}
}

void show_authentication(struct buf *out, const struct authentication *a)
{
	if (a == NULL || !a->finished)
		return;
	add_signatures(out, a);
	add_expected(out, a);
	show_spf(out, a);
	if (!a->dmarc_evaluated)
		return;
	for (int s = 0; s < DMARC_STANDARDS; s++)
		add_verdict(out, &a->dmarc[s]);
	if (a->opendmarc.data != NULL) {
		row_begin(out, "");
		utf8_escape(out, a->opendmarc);
		buf_add_char(out, '\n');
	}
}
