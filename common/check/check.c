/*
 * check.c - running the table, and keeping what it finds.
 *
 * The rows are called in table order, each at most once a stage; none sees what
 * another one found.
 */
#include "check/check.h"

#include <string.h>

#include "auth/authentication.h"
#include "directory/claims.h"

enum { FIRST_ROOM = 8 };

/* ---- words ----------------------------------------------------------------- */

const char *stage_name(enum stage stage)
{
	static const char *const names[STAGES] = {
		[STAGE_MAIL] = "mail",
		[STAGE_RCPT] = "rcpt",
		[STAGE_EOH] = "eoh",
		[STAGE_EOM] = "eom",
	};

	return names[stage];
}

static const char *const action_names[ACTIONS] = {
	[ACTION_OFF] = "off",
	[ACTION_LOG] = "log",
	[ACTION_FLAG] = "flag",
	[ACTION_QUARANTINE] = "quarantine",
	[ACTION_TEMPFAIL] = "tempfail",
	[ACTION_REJECT] = "reject",
};

const char *action_name(enum action action)
{
	return action_names[action];
}

bool action_parse(const char *word, enum action *action)
{
	for (int i = 0; i < ACTIONS; i++) {
		if (strcmp(word, action_names[i]) == 0) {
			*action = (enum action)i;
			return true;
		}
	}
	return false;
}

const char *finding_result_name(enum finding_result result)
{
	static const char *const names[] = {
		[FINDING_FAIL] = "fail",
		[FINDING_UNKNOWN] = "unknown",
		[FINDING_PASS] = "pass",
		[FINDING_SKIPPED] = "skipped",
	};

	return names[result];
}

int check_find(struct slice name)
{
	for (size_t i = 0; i < check_count; i++)
		if (slice_equal(slice_of(checks[i].name), name))
			return (int)i;
	return -1;
}

bool check_pattern_known(const char *pattern)
{
	for (size_t i = 0; i < check_count; i++)
		if (slice_match(slice_of(pattern), slice_of(checks[i].name)))
			return true;
	return false;
}

/* ---- findings -------------------------------------------------------------- */

static size_t count_stage(const struct findings *findings, enum stage stage)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->list[i].check->stage == stage;
	return count;
}

static bool is_full(const struct findings *findings, enum stage stage)
{
	return findings->count >= FINDINGS_MAX ||
	       (stage == STAGE_RCPT && count_stage(findings, stage) >= RCPT_FINDINGS_MAX);
}

static void make_room(struct arena *arena, struct findings *findings)
{
	size_t room = findings->room == 0 ? FIRST_ROOM : findings->room * 2;
	struct finding *list;

	if (findings->count < findings->room)
		return;
	list = arena_alloc(arena, room * sizeof *list);
	if (findings->count > 0)
		memcpy(list, findings->list, findings->count * sizeof *list);
	findings->list = list;
	findings->room = room;
}

struct finding *check_add(struct check_run *run, struct finding finding)
{
	struct findings *out = run->out;

	run->found = true;
	if (is_full(out, run->check->stage)) {
		out->dropped++;
		return NULL;
	}
	make_room(run->arena, out);
	finding.check = run->check;
	out->list[out->count] = finding;
	return &out->list[out->count++];
}

struct finding *check_add_syntax(
    struct check_run *run, const char *field, struct slice text, const struct syntax_error *error)
{
	const struct syntax_rule *rule = syntax_rule(error->code);
	struct finding finding = {
		.result = FINDING_FAIL,
		.at_most = rule->advisory ? ACTION_LOG : ACTION_OFF,
		.field = field,
		.reason = slice_of(rule->sentence),
		.fix = slice_of(rule->fix),
		.rfc = rule->rfc,
	};

	if (error->offset < text.len) {
		finding.has_offset = true;
		finding.offset = error->offset;
		finding.token = slice_part(text, error->offset, error->offset + error->length);
	}
	return check_add(run, finding);
}

/* ---- the runner ------------------------------------------------------------ */

static bool has_from(const struct message *m)
{
	for (size_t i = 0; i < m->from_count; i++)
		if (!m->from[i]->blank)
			return true;
	return false;
}

/* What was found out about the message's authentication, of enum need. */
static unsigned facts_met(const struct authentication *a)
{
	unsigned met = 0;

	if (a == NULL)
		return 0;
	if (a->sender.name.data != NULL)
		met |= NEED_SENDER_DOMAIN;
	if (!a->finished)
		return met;
	met |= NEED_AUTHENTICATION;
	if (a->author.name.data != NULL)
		met |= NEED_AUTHOR_DOMAIN;
	if (a->dmarc_evaluated)
		met |= NEED_DMARC;
	if (a->signer != AUTH_SIGNER_AFTER)
		met |= NEED_SIGNATURE;
	if (a->spf_evaluated)
		met |= NEED_EGRESS;
	if (a->spf_evaluated || a->spf_record.domain.data != NULL)
		met |= NEED_SPF_RECORD;
	return met;
}

/* Of an address in a domain that is not served here nobody can say whether it is there. */
static bool is_ours(const struct claim *claim)
{
	return claim->found.answer != DIRECTORY_NOT_OURS;
}

/* What was found out about whom the message claims to come from, of enum need. */
static unsigned claims_met(const struct claims *c)
{
	const struct claim *sender, *from;
	unsigned met = 0;

	if (c == NULL)
		return 0;
	sender = &c->list[CLAIM_MAIL_FROM];
	from = &c->list[CLAIM_FROM];
	if (c->sender_told && sender->address.data != NULL)
		met |= (is_ours(sender) ? NEED_SENDER_CLAIM : 0) |
		       (sender->has_use ? NEED_SENDER_LOGIN : 0);
	if (c->finished && c->author_count > 0)
		met |= NEED_FROM_LOGIN;
	if (!c->finished || from->address.data == NULL)
		return met;
	if (c->has_directory)
		met |=
		    (is_ours(from) ? NEED_FROM_CLAIM : 0) | (from->has_use ? NEED_FROM_LOGIN : 0);
	if (c->tells_domains || c->from_served != SERVED_UNKNOWN)
		met |= NEED_FROM_SERVED;
	if (c->identity.name != NULL)
		met |= NEED_IDENTITY;
	return met;
}

/* All that is there for a check to read, of enum need. */
static unsigned needs_met(enum stage stage, const struct message *m, const struct path *rcpt)
{
	unsigned met = facts_met(m->authentication) | claims_met(m->claims);

	if (m->has_mail)
		met |= NEED_MAIL;
	if (rcpt != NULL)
		met |= NEED_RCPT;
	if (stage >= STAGE_EOH)
		met |= NEED_HEADER;
	if (stage >= STAGE_EOH && has_from(m))
		met |= NEED_FROM;
	return met;
}

void checks_run(enum stage stage, const struct message *message, const struct path *rcpt,
    const struct check_selection *selection, bool verbose, struct findings *out)
{
	unsigned met = needs_met(stage, message, rcpt);

	for (size_t i = 0; i < check_count; i++) {
		const struct check *check = &checks[i];
		struct check_run run = {
			.check = check,
			.message = message,
			.rcpt = rcpt,
			.out = out,
			.arena = message->arena,
		};
		struct finding nothing = { .result = FINDING_PASS };

		if (check->stage != stage || selection->off[i])
			continue;
		if ((check->needs & ~met) == 0)
			check->run(&run);
		else
			nothing.result = FINDING_SKIPPED;
		if (verbose && !run.found)
			check_add(&run, nothing);
	}
}
