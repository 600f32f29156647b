/* show_domain.c - a sending domain's report as a table for a postmaster. */
#include "tools/show_domain.h"

#include "base/utf8.h"
#include "tools/excerpt.h"
#include "tools/row.h"
#include "tools/show_auth.h"
#include "tools/show_dmarc.h"

enum { ROWS_MAX = 20, NAME_COLUMN = 30, TYPE_COLUMN = 18 };

/* ---- the domain itself -------------------------------------------------------------------- */

static void add_exchange(struct buf *out, const struct domain_exchange *x)
{
	size_t begin = out->len;

	buf_printf(out, "%u ", x->preference);
	utf8_escape(out, x->name);
	row_pad(out, begin, NAME_COLUMN);
	if (x->address == PRESENCE_NO)
		buf_add_text(out, "has no address: publish A or AAAA for it, or remove this MX");
	else if (x->alias)
		buf_add_text(out, "is an alias (CNAME), which RFC 2181 10.3 forbids");
	else if (x->address == PRESENCE_UNKNOWN)
		buf_add_text(out, "its address could not be looked up");
	else
		buf_add_text(out, "has an address");
	buf_add_char(out, '\n');
}

static void add_mx(struct buf *out, const struct domain_report *r)
{
	row_begin(out, "MX");
	if (r->existence.status == EXISTENCE_NULL_MX)
		buf_add_text(out, "null MX: the domain takes no mail\n");
	else if (r->mx == PRESENCE_UNKNOWN)
		buf_add_text(out, "could not be looked up\n");
	else if (r->mx == PRESENCE_NO)
		buf_add_text(out, r->a == PRESENCE_YES || r->aaaa == PRESENCE_YES
				      ? "none: mail goes to the address of the domain itself\n"
				      : "none\n");
	for (size_t i = 0; i < r->exchange_count && i < ROWS_MAX; i++) {
		if (i > 0)
			row_begin(out, "");
		add_exchange(out, &r->exchanges[i]);
	}
	if (r->exchange_count > ROWS_MAX)
		buf_printf(
		    out, "  %-*sand %zu more\n", ROW_COLUMN, "", r->exchange_count - ROWS_MAX);
}

static const char *presence_word(enum presence presence)
{
	return presence == PRESENCE_YES ? "yes" : presence == PRESENCE_NO ? "no" : "not told";
}

static void add_records(struct buf *out, const struct domain_report *r)
{
	row_begin(out, "DNS");
	buf_printf(out, "SOA %s, A %s, AAAA %s, %s by DNSSEC\n", presence_word(r->soa),
	    presence_word(r->a), presence_word(r->aaaa),
	    r->existence.secure ? "proved" : "not proved");
}

/* ---- SPF ---------------------------------------------------------------------------------- */

/* The record, with a mark under what is wrong with it. */
static void add_spf_text(struct buf *out, const struct domain_report *r)
{
	const struct spf_record_fact *fact = &r->spf_record;
	size_t offset = fact->problem.data != NULL ? fact->offset : r->spf_walk.record_offset;
	struct slice rest;

	if (offset >= fact->record.len) {
		row_begin(out, "SPF");
		utf8_escape(out, fact->record);
		buf_add_char(out, '\n');
		return;
	}
	rest = slice_part(fact->record, offset, fact->record.len);
	excerpt_mark(out, &(struct excerpt){ .head = "SPF",
			      .gap = "      ",
			      .text = fact->record,
			      .offset = offset,
			      .length = slice_find(rest, ' '),
			      .width = excerpt_width() });
}

static void add_spf_record(struct buf *out, const struct domain_report *r)
{
	const struct spf_record_fact *fact = &r->spf_record;
	const struct spf_outcome *walk = &r->spf_walk;

	if (fact->record.data == NULL) {
		row_begin(out, "SPF");
		buf_add_text(out, fact->unknown      ? "could not be looked up\n"
				  : fact->count == 0 ? "no record\n"
						     : "several records: none counts\n");
		return;
	}
	add_spf_text(out, r);
	row_begin(out, "");
	buf_printf(out, "lookups %u of %d, void ones %u of %d, on the longest way through it\n",
	    walk->lookups, SPF_LOOKUPS_MAX, walk->voids, SPF_VOIDS_MAX);
	if (fact->problem.data == NULL && walk->problem.data == NULL)
		return;
	row_begin(out, "");
	utf8_escape(out, fact->problem.data != NULL ? fact->problem : walk->problem);
	buf_add_char(out, '\n');
}

/* ---- DKIM --------------------------------------------------------------------------------- */

/* Whether the signer's private key belongs to the one that is published. */
static void add_fit(struct buf *out, const struct signature *s)
{
	if (s->result == SIGNATURE_PASS || s->result == SIGNATURE_POLICY) {
		buf_add_text(out, ", the private key fits");
		return;
	}
	buf_add_text(out, ", but not with the private key: ");
	utf8_escape(out, s->reason);
}

static void add_key(struct buf *out, const struct domain_key *key, struct slice domain)
{
	const struct key_record *record = &key->record;
	size_t begin;

	row_begin(out, "DKIM");
	begin = out->len;
	utf8_escape(out, key->selector);
	if (!slice_equal_nocase(key->domain, domain)) {
		buf_add_text(out, " of ");
		utf8_escape(out, key->domain);
	}
	row_pad(out, begin, NAME_COLUMN);
	begin = out->len;
	utf8_escape(out, record->type);
	if (record->bits > 0)
		buf_printf(out, "%s%u bits", out->len > begin ? " " : "", record->bits);
	row_pad(out, begin, TYPE_COLUMN);
	buf_add_text(out, key_record_status_name(record->status));
	if (record->testing)
		buf_add_text(out, ", marked as a test (t=y)");
	if (record->reason.data != NULL) {
		buf_add_text(out, ": ");
		utf8_escape(out, record->reason);
	}
	if (key->use != NULL && record->status == KEY_RECORD_GOOD)
		add_fit(out, &key->use->signature);
	buf_add_char(out, '\n');
}

static void add_signer(struct buf *out, const struct domain_report *r)
{
	static const char *const words[] = { "signs mail of postmaster@",
		"does not sign mail of postmaster@", "puts off mail of postmaster@",
		"could not be told about mail of postmaster@" };
	const struct expected *e = &r->known->expected;

	row_begin(out, "OpenDKIM");
	buf_printf(out, "%s%.*s", words[e->answer], SLICE_ARG(r->domain));
	if (e->answer != SIGNER_SIGNS) {
		buf_add_text(out, ": ");
		utf8_escape(out, e->reason);
	}
	buf_add_text(out, r->more_keys ? "; its tables have more keys than these\n" : "\n");
}

static void add_keys(struct buf *out, const struct domain_report *r)
{
	size_t open = 0; /* guesses that say nothing one by one */

	if (r->query->site->signer != NULL)
		add_signer(out, r);
	for (size_t i = 0; i < r->key_count; i++) {
		if (r->keys[i].origin == KEY_GUESSED &&
		    r->keys[i].record.status == KEY_RECORD_UNKNOWN)
			open++;
		else
			add_key(out, &r->keys[i], r->domain);
	}
	if (open > 0) {
		row_begin(out, "DKIM");
		buf_printf(out, "%zu of the usual names could not be looked up\n", open);
	}
	if (r->key_count > 0 || r->query->site->signer != NULL)
		return;
	row_begin(out, "DKIM");
	buf_add_text(out, r->query->options->guess
			      ? "no key under the usual names: see --selector\n"
			      : "not looked at: see --selector and --guess\n");
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void add_dmarc(struct buf *out, const struct authentication *a)
{
	if (!a->dmarc_evaluated)
		return;
	show_dmarc(out, a->dmarc, SHOW_DMARC_DOMAIN);
	show_dmarc_records(out, a->dmarc);
	if (a->opendmarc.data == NULL)
		return;
	buf_add_text(out, "  second opinion: ");
	utf8_escape(out, a->opendmarc);
	buf_add_char(out, '\n');
}

void show_domain(struct buf *out, const struct result *r)
{
	const struct authentication *a = r->judgement->message->authentication;

	add_mx(out, r->domain);
	add_records(out, r->domain);
	add_spf_record(out, r->domain);
	if (r->domain->spf_record.record.data != NULL || a->spf_evaluated)
		show_spf(out, a);
	add_keys(out, r->domain);
	add_dmarc(out, a);
}
