/* record_auth.c - the part of a record that tells of authentication. */
#include "audit/record_auth.h"

static void write_alignment(struct json *json, const struct alignment_fact *f)
{
	json_add_bool(json, "aligned_rfc7489", f->aligned[DMARC_RFC7489]);
	json_add_bool(json, "aligned_rfc9989", f->aligned[DMARC_RFC9989]);
}

static void write_signature(struct json *json, const struct signature *s, const char *result,
    const struct alignment_fact *alignment)
{
	json_open_object(json, NULL);
	json_add_string_or_null(json, "domain", s->domain);
	json_add_string_or_null(json, "selector", s->selector);
	json_add_string_or_null(json, "algorithm", s->algorithm);
	if (s->bits > 0)
		json_add_number(json, "bits", s->bits);
	else
		json_add_null(json, "bits");
	json_add_text(json, "result", result);
	write_alignment(json, alignment);
	json_add_string_or_null(json, "reason", s->reason);
	json_close_object(json);
}

void record_signer_members(struct json *json, const struct authentication *a)
{
	const struct expected *e = &a->expected;

	json_add_text(json, "answer", signer_answer_name(e->answer));
	json_add_string_or_null(
	    json, "reason", e->reason.len > 0 ? e->reason : (struct slice){ NULL, 0 });
	json_open_array(json, "signatures");
	for (size_t i = 0; i < e->count; i++)
		write_signature(json, &e->list[i].signature,
		    expected_status_name(expected_status_of(&e->list[i])),
		    &a->expected_alignment[i]);
	json_close_array(json);
}

static void write_signer(struct json *json, const struct authentication *a)
{
	if (a->signer != AUTH_SIGNER_TABLES)
		return;
	json_open_object(json, "signer");
	record_signer_members(json, a);
	json_close_object(json);
}

void record_spf_fact(struct json *json, const struct spf_fact *fact)
{
	char ip[IP_TEXT_SIZE];

	json_open_object(json, NULL);
	json_add_text(json, "ip", ip_format(&fact->ip, ip));
	json_add_text(json, "identity", fact->outcome.helo_identity ? "helo" : "mailfrom");
	json_add_string(json, "domain", fact->outcome.domain);
	json_add_text(json, "result", spf_result_name(fact->outcome.result));
	write_alignment(json, &fact->alignment);
	json_add_number(json, "lookups", fact->outcome.lookups);
	json_close_object(json);
}

void record_dmarc_members(struct json *json, const struct dmarc_verdict *v, bool every_member)
{
	bool found = v->record_domain.data != NULL;

	json_add_string_or_null(json, "org_domain", v->org.name);
	json_add_string_or_null(json, "record_domain", v->record_domain);
	json_add_string_or_null(json, "policy",
	    found ? slice_of(auth_dmarc_policy_name(v->policy)) : (struct slice){ 0 });
	json_add_text(json, "result", auth_dmarc_result_name(v->result));
	json_add_text(json, "disposition", auth_dmarc_policy_name(v->disposition));
	json_add_bool(json, "aligned_dkim", v->aligned_dkim);
	json_add_bool(json, "aligned_spf", v->aligned_spf);
	if (every_member) {
		json_add_string_or_null(json, "record", v->record);
		json_add_string_or_null(
		    json, "problem", slice_of(found ? v->parsed.problem.sentence : NULL));
		json_add_string_or_null(json, "reason", v->reason);
	} else if (v->reason.data != NULL) {
		json_add_string(json, "reason", v->reason);
	}
}

void record_dmarc_verdict(
    struct json *json, const char *key, const struct dmarc_verdict *v, bool every_member)
{
	json_open_object(json, key);
	record_dmarc_members(json, v, every_member);
	json_close_object(json);
}

static void write_dmarc(struct json *json, const struct authentication *a)
{
	json_open_object(json, "dmarc");
	record_dmarc_verdict(json, "rfc7489", &a->dmarc[DMARC_RFC7489], false);
	record_dmarc_verdict(json, "rfc9989", &a->dmarc[DMARC_RFC9989], false);
	if (a->opendmarc.data != NULL)
		json_add_string(json, "opendmarc", a->opendmarc);
	json_close_object(json);
}

void record_authentication(struct json *json, const struct authentication *a, size_t list)
{
	if (a == NULL || !a->finished)
		return;
	json_open_array(json, "dkim");
	for (size_t i = 0; i < a->signature_count && i < list; i++)
		write_signature(json, &a->signatures[i],
		    signature_result_name(a->signatures[i].result), &a->signature_alignment[i]);
	json_close_array(json);
	write_signer(json, a);
	if (a->spf_evaluated) {
		json_open_array(json, "spf");
		for (size_t i = 0; i < a->spf_count && i < list; i++)
			record_spf_fact(json, &a->spf[i]);
		json_close_array(json);
	}
	if (a->dmarc_evaluated)
		write_dmarc(json, a);
}
