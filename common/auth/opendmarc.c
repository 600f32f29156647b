/*
 * opendmarc.c - what a receiver with OpenDMARC 1.4 would make of a message.
 *
 * The library is called in the order in which OpenDMARC's own milter calls it,
 * which matters: it keeps one signature, and chooses it before it knows the
 * record.  Two faults of it are kept away from us here: items of exactly the
 * size of its buffers are copied without the NUL (see is_safe), and anything
 * but a plain domain name may confuse its address parser.
 */
#include "auth/opendmarc.h"

#include <opendmarc/dmarc.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "syntax/domain.h"

#define DISTRIBUTION_LIST "/usr/share/publicsuffix/public_suffix_list.dat"

enum {
	RECORD_READ_MAX = BUFSIZ - 1, /* what is behind it is not read */
	PART_SIZE = 512,              /* of its buffers for a tag's name or value */
	ITEM_SIZE = 256,              /* for one URI, one option */
	FORMAT_SIZE = 32,             /* for one report format */
};

bool opinion_start(const char *suffix_list)
{
	OPENDMARC_LIB_T lib = { .tld_type = OPENDMARC_TLD_TYPE_MOZILLA };
	int len = snprintf((char *)lib.tld_source_file, sizeof lib.tld_source_file, "%s",
	    suffix_list != NULL ? suffix_list : DISTRIBUTION_LIST);

	return len > 0 && (size_t)len < sizeof lib.tld_source_file &&
	       opendmarc_policy_library_init(&lib) == DMARC_PARSE_OKAY;
}

void opinion_end(void)
{
	opendmarc_policy_library_shutdown(NULL);
}

/* ---- what may be handed to it --------------------------------------------------------- */

/* Is an item between separators as long as a buffer, blanks not counted? */
static bool has_item_of(struct slice value, char separator, size_t size)
{
	size_t octets = 0;

	for (size_t i = 0; i <= value.len; i++) {
		if (i == value.len || value.data[i] == separator) {
			if (octets == size)
				return true;
			octets = 0;
		} else if (!is_space_c(value.data[i])) {
			octets++;
		}
	}
	return false;
}

/* The library takes blanks away wherever they stand. */
static bool is_rf(struct slice name)
{
	char letters[3] = "";
	size_t count = 0;

	for (size_t i = 0; i < name.len && count < sizeof letters; i++)
		if (!is_space_c(name.data[i]))
			letters[count++] = ascii_lower(name.data[i]);
	return count == 2 && letters[0] == 'r' && letters[1] == 'f';
}

static bool is_safe_tag(struct slice piece)
{
	size_t equals = slice_find(piece, '=');
	struct slice value = slice_part(piece, equals + 1, piece.len);

	return equals != PART_SIZE && value.len != PART_SIZE &&
	       !has_item_of(value, ',', ITEM_SIZE) && !has_item_of(value, ':', ITEM_SIZE) &&
	       !(is_rf(slice_part(piece, 0, equals)) && has_item_of(value, ',', FORMAT_SIZE));
}

/* The library copies a name, value or item of exactly its buffer's size without a NUL. */
static bool is_safe(struct slice record)
{
	for (size_t begin = 0, end; begin < record.len; begin = end + 1) {
		struct slice rest = slice_part(record, begin, record.len);

		end = begin + slice_find(rest, ';');
		if (!is_safe_tag(slice_part(record, begin, end)))
			return false;
	}
	return true;
}

/* A name as the library's own check has it; the copy has a NUL behind it. */
static bool plain_name(struct arena *arena, struct slice domain, unsigned char **out)
{
	struct slice ascii;

	if (domain.data == NULL || !domain_to_ascii(arena, domain, &ascii))
		return false;
	for (size_t i = 0; i < ascii.len; i++) {
		char c = ascii.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' &&
		    c != '_')
			return false;
	}
	*out = (unsigned char *)ascii.data; /* the library takes no const, and changes nothing */
	return true;
}

/* ---- the opinion ---------------------------------------------------------------------- */

static enum dmarc_policy policy_of(int p)
{
	return p == DMARC_RECORD_P_REJECT       ? DMARC_REJECT
	       : p == DMARC_RECORD_P_QUARANTINE ? DMARC_QUARANTINE
						: DMARC_NONE;
}

static void read_tags(DMARC_POLICY_T *policy, struct opinion *opinion)
{
	int p = 0, sp = 0, adkim = 0, aspf = 0, pct = 0;

	opendmarc_policy_fetch_p(policy, &p);
	opendmarc_policy_fetch_sp(policy, &sp);
	opendmarc_policy_fetch_adkim(policy, &adkim);
	opendmarc_policy_fetch_aspf(policy, &aspf);
	opendmarc_policy_fetch_pct(policy, &pct);
	opinion->p = policy_of(p);
	opinion->sp = sp == DMARC_RECORD_P_UNSPECIFIED ? opinion->p : policy_of(sp);
	opinion->strict_dkim = adkim == DMARC_RECORD_A_STRICT;
	opinion->strict_spf = aspf == DMARC_RECORD_A_STRICT;
	opinion->pct = (unsigned)pct;
}

static void store_identifiers(
    struct arena *arena, DMARC_POLICY_T *policy, const struct dmarc_identifiers *ids)
{
	unsigned char *name;

	if (!ids->spf.unknown && plain_name(arena, ids->spf.domain, &name))
		opendmarc_policy_store_spf(policy, name, DMARC_POLICY_SPF_OUTCOME_PASS,
		    DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
	for (size_t i = 0; i < ids->dkim_count; i++)
		if (!ids->dkim[i].unknown && plain_name(arena, ids->dkim[i].domain, &name))
			opendmarc_policy_store_dkim(
			    policy, name, NULL, DMARC_POLICY_DKIM_OUTCOME_PASS, NULL);
}

/* pct is the share of failing mail that it acts on; with the rest it does nothing at all. */
static void conclude(DMARC_POLICY_T *policy, struct opinion *opinion)
{
	int conclusion = opendmarc_get_policy_to_enforce(policy);

	opinion->passes = conclusion == DMARC_POLICY_PASS;
	if (opinion->pct > 0 && conclusion == DMARC_POLICY_REJECT)
		opinion->disposition = DMARC_REJECT;
	else if (opinion->pct > 0 && conclusion == DMARC_POLICY_QUARANTINE)
		opinion->disposition = DMARC_QUARANTINE;
}

static const char *problem_of(int status)
{
	switch (status) {
	case DMARC_PARSE_ERROR_BAD_VERSION: return "v is not DMARC1";
	case DMARC_PARSE_ERROR_BAD_VALUE: return "a tag has a bad value";
	case DMARC_PARSE_ERROR_NO_REQUIRED_P: return "there is no p";
	}
	return "it cannot be read";
}

/* policy: a context that nothing was stored in yet. */
static void form(struct arena *arena, DMARC_POLICY_T *policy, const struct dmarc_verdict *v,
    struct slice record, const struct dmarc_identifiers *ids, struct opinion *opinion)
{
	bool own =
	    slice_equal(v->record.data != NULL ? v->record_domain : v->near_miss_at, v->author);
	unsigned char *author;
	int status;

	if (!plain_name(arena, v->author, &author) ||
	    opendmarc_policy_store_from_domain(policy, author) != DMARC_PARSE_OKAY) {
		opinion->problem = "the author domain is no host name";
		return;
	}
	store_identifiers(arena, policy, ids);
	status =
	    opendmarc_policy_store_dmarc(policy, (unsigned char *)arena_copy(arena, record).data,
		author, own ? NULL : (unsigned char *)arena_copy(arena, v->org.name).data);
	opinion->read = status == DMARC_PARSE_OKAY;
	if (!opinion->read) {
		opinion->problem = problem_of(status);
		return;
	}
	read_tags(policy, opinion);
	conclude(policy, opinion);
}

struct opinion opinion_of(
    struct arena *arena, const struct dmarc_verdict *verdict, const struct dmarc_identifiers *ids)
{
	struct slice record = verdict->record.data != NULL ? verdict->record : verdict->near_miss;
	unsigned char nobody[] = "127.0.0.1";
	struct opinion opinion = { .problem = NULL };
	DMARC_POLICY_T *policy;

	record = slice_part(record, 0, slice_find(record, '\0'));
	record = slice_part(record, 0, RECORD_READ_MAX);
	if (strstr(arena_copy(arena, record).data, "v=DMARC") == NULL) {
		opinion.problem = "no text has v=DMARC in it";
		return opinion;
	}
	if (!is_safe(record)) {
		opinion.problem = "the record is of a length that its parser cannot take";
		return opinion;
	}
	policy = opendmarc_policy_connect_init(nobody, 0);
	if (policy == NULL) {
		opinion.problem = "there is no memory for it";
		return opinion;
	}
	form(arena, policy, verdict, record, ids, &opinion);
	opendmarc_policy_connect_shutdown(policy);
	return opinion;
}

/* ---- the difference -------------------------------------------------------------------- */

static const char *act_name(enum dmarc_policy disposition)
{
	static const char *const names[] = { "deliver", "quarantine", "reject" };

	return names[disposition];
}

struct slice opinion_difference(
    struct arena *arena, const struct opinion *opinion, const struct dmarc_verdict *verdict)
{
	bool passes = verdict->result == DMARC_RESULT_PASS;

	if (verdict->result == DMARC_RESULT_TEMPERROR || verdict->result == DMARC_RESULT_PENDING ||
	    (verdict->record.data == NULL && verdict->near_miss.data == NULL))
		return (struct slice){ NULL, 0 };
	if (!opinion->read && verdict->result == DMARC_RESULT_NONE)
		return (struct slice){ NULL, 0 };
	if (!opinion->read)
		return arena_printf(arena,
		    "a receiver with OpenDMARC 1.4 would not read the record: %s",
		    opinion->problem);
	if (opinion->passes != passes)
		return arena_printf(arena, "a receiver with OpenDMARC 1.4 would say %s",
		    opinion->passes ? "pass" : "fail");
	if (opinion->disposition != verdict->disposition)
		return arena_printf(arena, "a receiver with OpenDMARC 1.4 would %s",
		    act_name(opinion->disposition));
	return (struct slice){ NULL, 0 };
}
