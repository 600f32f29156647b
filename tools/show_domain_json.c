/*
 * show_domain_json.c - a sending domain's report as JSON.
 *
 * Members that a record of a message has too mean the same here.  What could
 * not be told is null; what was not looked at is absent.  As a record, it is
 * written again with long values cut where it does not fit.
 */
#include <string.h>

#include "audit/record_auth.h"
#include "tools/show_domain.h"

/* With values so short all that a report can hold is below RECORD_MAX. */
enum { CUT = 256 };

static void add_presence(struct json *json, const char *key, enum presence presence)
{
	if (presence == PRESENCE_YES || presence == PRESENCE_NO)
		json_add_bool(json, key, presence == PRESENCE_YES);
	else
		json_add_null(json, key);
}

static void add_findings(struct json *json, const struct findings *findings)
{
	json_open_array(json, "findings");
	for (size_t i = 0; i < findings->count; i++)
		record_finding(json, &findings->list[i]);
	json_close_array(json);
}

static void add_exchanges(struct json *json, const struct domain_report *r)
{
	if (r->mx == PRESENCE_UNKNOWN) {
		json_add_null(json, "mx");
		return;
	}
	json_open_array(json, "mx");
	for (size_t i = 0; i < r->exchange_count; i++) {
		json_open_object(json, NULL);
		json_add_number(json, "preference", r->exchanges[i].preference);
		json_add_string(json, "exchange", r->exchanges[i].name);
		add_presence(json, "resolves", r->exchanges[i].address);
		json_add_bool(json, "alias", r->exchanges[i].alias);
		json_close_object(json);
	}
	json_close_array(json);
}

static void add_existence(struct json *json, const struct domain_report *r)
{
	static const char *const names[] = {
		[EXISTENCE_UNKNOWN] = "unknown",
		[EXISTENCE_MAIL] = "mail",
		[EXISTENCE_NO_MAIL] = "no-mail",
		[EXISTENCE_NULL_MX] = "null-mx",
		[EXISTENCE_NXDOMAIN] = "nxdomain",
		[EXISTENCE_PENDING] = "unknown",
	};

	json_add_text(json, "existence", names[r->existence.status]);
	add_exchanges(json, r);
	add_presence(json, "null_mx",
	    r->existence.status == EXISTENCE_NULL_MX ? PRESENCE_YES
	    : r->mx == PRESENCE_UNKNOWN              ? PRESENCE_UNKNOWN
						     : PRESENCE_NO);
	add_presence(json, "soa", r->soa);
	add_presence(json, "a", r->a);
	add_presence(json, "aaaa", r->aaaa);
	add_presence(json, "secure",
	    r->existence.status == EXISTENCE_UNKNOWN ? PRESENCE_UNKNOWN
	    : r->existence.secure                    ? PRESENCE_YES
						     : PRESENCE_NO);
}

static void add_offset(struct json *json, const char *key, bool known, size_t offset)
{
	if (known)
		json_add_number(json, key, (long long)offset);
	else
		json_add_null(json, key);
}

static void add_spf_record(struct json *json, const struct domain_report *r)
{
	const struct spf_record_fact *fact = &r->spf_record;
	const struct spf_outcome *walk = &r->spf_walk;
	bool own = fact->problem.data != NULL;

	json_open_object(json, "spf_record");
	json_add_string_or_null(json, "record", fact->record);
	if (fact->unknown)
		json_add_null(json, "count");
	else
		json_add_number(json, "count", (long long)fact->count);
	json_add_string_or_null(json, "problem", own ? fact->problem : walk->problem);
	add_offset(json, "problem_offset", own || walk->record_offset < fact->record.len,
	    own ? fact->offset : walk->record_offset);
	json_add_number(json, "lookups", walk->lookups);
	json_add_number(json, "lookups_max", SPF_LOOKUPS_MAX);
	json_add_number(json, "void_lookups", walk->voids);
	json_add_number(json, "void_lookups_max", SPF_VOIDS_MAX);
	json_close_object(json);
}

static void add_spf(struct json *json, const struct authentication *a)
{
	if (!a->spf_evaluated)
		return;
	json_open_array(json, "spf");
	for (size_t i = 0; i < a->spf_count; i++)
		record_spf_fact(json, &a->spf[i]);
	json_close_array(json);
}

static const char *fit_of(const struct signature *s)
{
	switch (s->fault) {
	case SIGNATURE_MISMATCH: return "differs";
	case SIGNATURE_REVOKED: return "revoked";
	case SIGNATURE_BAD_KEY: return "unusable";
	case SIGNATURE_MALFORMED: return "cannot-sign";
	default: return s->result == SIGNATURE_TEMPERROR ? "unknown" : "fits";
	}
}

/* Does the signer's private key belong to it? */
static void add_private_key(struct json *json, const struct domain_key *key)
{
	bool known = key->use != NULL && key->record.text.data != NULL;
	const char *fit = known ? fit_of(&key->use->signature) : NULL;
	bool fits = fit == NULL || strcmp(fit, "fits") == 0;

	json_add_string_or_null(json, "private_key", slice_of(fit));
	json_add_string_or_null(json, "private_key_reason",
	    fits ? (struct slice){ NULL, 0 } : key->use->signature.reason);
}

static void add_key(struct json *json, const struct domain_key *key)
{
	static const char *const origins[] = { "selector", "signer", "guess" };
	const struct key_record *record = &key->record;

	json_open_object(json, NULL);
	json_add_string(json, "domain", key->domain);
	json_add_string(json, "selector", key->selector);
	json_add_string(json, "name", key->name);
	json_add_text(json, "origin", origins[key->origin]);
	json_add_text(json, "status", key_record_status_name(record->status));
	json_add_string_or_null(json, "type", record->type);
	if (record->bits > 0)
		json_add_number(json, "bits", record->bits);
	else
		json_add_null(json, "bits");
	json_add_bool(json, "testing", record->testing);
	json_add_bool(json, "exact_domain", record->exact_domain);
	json_add_string_or_null(json, "hashes", record->hashes);
	json_add_string_or_null(json, "services", record->services);
	json_add_string_or_null(json, "record", record->text);
	json_add_string_or_null(json, "reason", record->reason);
	add_private_key(json, key);
	json_close_object(json);
}

static void add_signer(struct json *json, const struct domain_report *r)
{
	if (r->query->site->signer == NULL)
		return;
	json_open_object(json, "signer");
	record_signer_members(json, r->known);
	json_add_bool(json, "more", r->more_keys);
	json_close_object(json);
}

static void add_keys(struct json *json, const struct domain_report *r)
{
	json_open_array(json, "dkim");
	for (size_t i = 0; i < r->key_count; i++)
		add_key(json, &r->keys[i]);
	json_close_array(json);
}

static void add_verdict(struct json *json, const char *key, const struct dmarc_verdict *v)
{
	const struct dmarc_record *record = &v->parsed;

	json_open_object(json, key);
	record_dmarc_members(json, v, true);
	if (v->record_domain.data != NULL) {
		json_add_text(json, "p", auth_dmarc_policy_name(record->p));
		json_add_text(json, "sp", auth_dmarc_policy_name(record->sp));
		json_add_text(json, "np", auth_dmarc_policy_name(record->np));
		json_add_number(json, "pct", record->pct);
		json_add_bool(json, "testing", record->testing);
		json_add_bool(json, "rua", record->has_rua);
	}
	json_add_string_or_null(json, "several_at", v->several_at);
	json_add_string_or_null(json, "near_miss", v->near_miss);
	json_add_string_or_null(json, "near_miss_at", v->near_miss_at);
	json_close_object(json);
}

static void add_dmarc(struct json *json, const struct authentication *a)
{
	if (!a->dmarc_evaluated)
		return;
	json_open_object(json, "dmarc");
	add_verdict(json, "rfc7489", &a->dmarc[DMARC_RFC7489]);
	add_verdict(json, "rfc9989", &a->dmarc[DMARC_RFC9989]);
	json_add_string_or_null(json, "opendmarc", a->opendmarc);
	json_close_object(json);
}

/* cut: octets of a string value; 0: all. */
static void write_report(struct buf *out, const struct result *r, size_t cut)
{
	const struct authentication *a = r->judgement->message->authentication;
	struct json json;

	json_begin(&json, out, cut);
	json_open_object(&json, NULL);
	json_add_string(&json, "domain", r->domain->domain);
	json_add_text(&json, "mode", mode_name(r->verdict->mode));
	json_add_text(&json, "verdict", outcome_name(r->verdict->verdict));
	add_findings(&json, &r->judgement->findings);
	add_existence(&json, r->domain);
	add_spf(&json, a);
	add_spf_record(&json, r->domain);
	add_signer(&json, r->domain);
	add_keys(&json, r->domain);
	add_dmarc(&json, a);
	if (cut > 0)
		json_add_bool(&json, "truncated", true);
	json_close_object(&json);
}

void show_domain_json(struct buf *out, const struct result *r)
{
	size_t start = out->len;

	write_report(out, r, 0);
	if (!out->truncated)
		return;
	out->len = start;
	out->truncated = false;
	write_report(out, r, CUT);
}
