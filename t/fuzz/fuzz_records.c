/*
 * fuzz_records.c - any octets as a records file: one error with its line, or a
 * resolver whose answers hold together.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "dns/answer.h"
#include "dns/records.h"

static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT,
	DNS_AAAA };

enum { TYPES = sizeof types / sizeof types[0] };

static void check_record(enum dns_type type, const struct dns_record *record)
{
	char name[DNS_NAME_MAX + 1];
	size_t len;

	if (type == DNS_A || type == DNS_AAAA)
		MUST(record->data.len == (type == DNS_A ? 4 : 16));
	else if (type != DNS_TXT && record->data.len > 0)
		MUST(dns_name_normal(record->data, name, &len) && len == record->data.len &&
		     memcmp(name, record->data.data, len) == 0);
	MUST(record->preference <= 65535);
	MUST(record->data.data[record->data.len] == '\0');
}

/* Asks for all types of a name; returns whether it exists. */
static bool check_name(struct resolver *r, struct slice name)
{
	size_t missing = 0;

	for (size_t t = 0; t < TYPES; t++) {
		struct dns_question question = { name, types[t] };
		struct dns_answer *answer = resolver_known(r, &question);

		MUST(answer != NULL);
		MUST((answer->status == DNS_FOUND) == (answer->count > 0));
		MUST((answer->status == DNS_TEMPFAIL) == (answer->why != NULL));
		MUST(answer->count <= DNS_RECORDS_MAX);
		for (size_t i = 0; i < answer->count; i++)
			check_record(types[t], &answer->records[i]);
		missing += answer->status == DNS_NXDOMAIN && !answer->cname;
		dns_answer_unref(answer);
	}
	/* a name does not exist for all types, or exists for all */
	MUST(missing == 0 || missing == TYPES);
	return missing == 0;
}

/* Every first word that is a name, and all that stand above it. */
static void check_owners(struct resolver *r, struct slice text)
{
	char name[DNS_NAME_MAX + 1];
	size_t len;

	while (text.len > 0) {
		struct slice line = slice_part(text, 0, slice_find(text, '\n'));
		struct slice up;
		bool exists;

		text = slice_part(text, line.len + 1, text.len);
		if (!dns_name_normal(slice_part(line, 0, slice_find(line, ' ')), name, &len))
			continue;
		up = (struct slice){ name, len };
		exists = check_name(r, up);
		while (exists && slice_find(up, '.') < up.len) {
			up = slice_part(up, slice_find(up, '.') + 1, up.len);
			MUST(check_name(r, up));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct resolver *r;
	struct buf errors;

	buf_init(&errors, 1000);
	r = records_resolver_parse("fuzz", text, NULL, &errors);
	MUST((r == NULL) == (errors.len > 0));
	if (r == NULL) {
		MUST(slice_starts_nocase(buf_slice(&errors), SLICE("fuzz:")));
		MUST(slice_find(buf_slice(&errors), '\n') == errors.len - 1);
	} else {
		check_owners(r, text);
	}
	resolver_free(r);
	buf_free(&errors);
	return 0;
}
