/*
 * judge.c - from findings to one verdict.
 *
 * Every finding gets its action and its mode when its stage has run, and never
 * again; deciding is then a search for the finding that outranks the others.
 * The verdict and the action are that same search, over all findings and over
 * the enforced ones: nothing else tells audit from enforce.
 */
#include "policy/judge.h"

#include <string.h>

#include "policy/setting.h"

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_ACCEPT] = "accept",
		[OUTCOME_FLAG] = "flag",
		[OUTCOME_QUARANTINE] = "quarantine",
		[OUTCOME_TEMPFAIL] = "tempfail",
		[OUTCOME_REJECT] = "reject",
	};

	return names[outcome];
}

void judge_begin(struct judgement *j, const struct config *config, struct message *message)
{
	*j = (struct judgement){ .config = config, .message = message };
}

enum mode policy_mode(const struct judgement *j, const struct check *check)
{
	return j->audit_only ? MODE_AUDIT : setting_mode(j->config, j->message, check);
}

/* Bounces go to those who wrote to us; a login is somebody of ours, whatever the path says. */
static bool null_sender_is_spared(const struct judgement *j)
{
	const struct message *m = j->message;

	return j->config->null_sender == NULL_SENDER_LOG && m->mail_from.null &&
	       m->transaction.login.len == 0;
}

/* A spoofer can write a Sender of his own too: only on_behalf = false stops him. */
static bool is_excused(const struct judgement *j, const struct finding *f)
{
	return f->excuse == EXCUSE_ON_BEHALF && j->config->on_behalf;
}

/*
 * What is configured for the finding, after the caps of its check, its excuse, exemptions and
 * null sender.
 */
static enum action finding_action(const struct judgement *j, const struct finding *f)
{
	enum action action = setting_action(j->config, j->message, f->check);

	if (f->at_most != ACTION_OFF && action > f->at_most)
		action = f->at_most;
	if (action > ACTION_LOG && (is_excused(j, f) || null_sender_is_spared(j) ||
				       setting_exempt(j->config, j->message, f->check)))
		action = ACTION_LOG;
	return action;
}

static bool refuses(enum outcome outcome)
{
	return outcome >= OUTCOME_TEMPFAIL;
}

/* The check could not tell, and its answer would have mattered. */
static bool leaves_open(const struct finding *f)
{
	return f->result == FINDING_UNKNOWN && f->action > ACTION_LOG;
}

/* What the finding alone would do to the message.  Not knowing never refuses for good. */
static enum outcome effect(const struct judgement *j, const struct finding *f)
{
	static const enum outcome outcomes[ACTIONS] = {
		[ACTION_OFF] = OUTCOME_ACCEPT,
		[ACTION_LOG] = OUTCOME_ACCEPT,
		[ACTION_FLAG] = OUTCOME_FLAG,
		[ACTION_QUARANTINE] = OUTCOME_QUARANTINE,
		[ACTION_TEMPFAIL] = OUTCOME_TEMPFAIL,
		[ACTION_REJECT] = OUTCOME_REJECT,
	};

	if (f->result == FINDING_FAIL)
		return outcomes[f->action];
	if (leaves_open(f) && j->config->on_unknown == UNKNOWN_TEMPFAIL)
		return OUTCOME_TEMPFAIL;
	return OUTCOME_ACCEPT;
}

/* A finding that outlives the recipient's path, which the next one takes over. */
static struct finding kept_copy(struct arena *arena, const struct finding *f)
{
	struct finding copy = *f;

	if (f->token.data != NULL)
		copy.token = arena_copy(arena, f->token);
	if (f->reason.data != NULL)
		copy.reason = arena_copy(arena, f->reason);
	if (f->fix.data != NULL)
		copy.fix = arena_copy(arena, f->fix);
	return copy;
}

/* The list moves when it grows; the old one dies with the arena. */
static void append(struct findings *to, struct arena *arena, const struct finding *f)
{
	if (to->count == to->room) {
		size_t room = to->room == 0 ? RCPT_FINDINGS_MAX : to->room * 2;
		struct finding *list = arena_alloc(arena, room * sizeof *list);

		if (to->count > 0)
			memcpy(list, to->list, to->count * sizeof *list);
		to->list = list;
		to->room = room;
	}
	to->list[to->count++] = kept_copy(arena, f);
}

/* How much a record would miss the finding: first by what it does, then by what it says. */
static unsigned weight(const struct judgement *j, const struct finding *f)
{
	return 2 * effect(j, f) + (f->result == FINDING_FAIL || f->result == FINDING_UNKNOWN);
}

/* Puts a recipient's finding among the message's, at the ceiling in place of a lighter one. */
static void keep_rcpt_finding(struct judgement *j, const struct finding *f)
{
	struct findings *all = &j->findings;
	struct finding *lightest = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct finding *other = &all->list[i];

		if (other->check->stage != STAGE_RCPT)
			continue;
		kept++;
		if (lightest == NULL || weight(j, other) < weight(j, lightest))
			lightest = other;
	}
	if (kept < RCPT_FINDINGS_MAX) {
		append(all, j->message->arena, f);
		return;
	}
	all->dropped++;
	if (weight(j, f) > weight(j, lightest))
		*lightest = kept_copy(j->message->arena, f);
}

/* The checks that the caller wants and that are not configured off for this message. */
static struct check_selection select_checks(const struct judgement *j, enum stage stage)
{
	struct check_selection selection = j->selection;

	for (size_t i = 0; i < check_count; i++)
		if (checks[i].stage == stage && !selection.off[i])
			selection.off[i] =
			    setting_action(j->config, j->message, &checks[i]) == ACTION_OFF;
	return selection;
}

/* What to do about a finding, and whether it is done. */
static void judge_finding(const struct judgement *j, struct finding *f)
{
	f->action = finding_action(j, f);
	f->enforced = policy_mode(j, f->check) == MODE_ENFORCE;
}

/* Recipients come without number: what is made for one is made again for the next. */
static void judge_rcpt_findings(struct judgement *j)
{
	if (j->rcpt.count > 0 && j->rcpt_rooms == NULL)
		j->rcpt_rooms = arena_alloc(j->message->arena, 2 * sizeof *j->rcpt_rooms);
	for (size_t i = 0; i < j->rcpt.count; i++) {
		judge_finding(j, &j->rcpt.list[i]);
		keep_rcpt_finding(j, &j->rcpt.list[i]);
	}
}

void judge_stage(struct judgement *j, enum stage stage, const struct path *rcpt)
{
	struct check_selection selection = select_checks(j, stage);
	size_t first = j->findings.count;

	if (stage == STAGE_RCPT) {
		j->rcpt.count = 0;
		checks_run(stage, j->message, rcpt, &selection, j->verbose, &j->rcpt);
		judge_rcpt_findings(j);
		return;
	}
	checks_run(stage, j->message, rcpt, &selection, j->verbose, &j->findings);
	for (size_t i = first; i < j->findings.count; i++)
		judge_finding(j, &j->findings.list[i]);
	if (stage >= STAGE_EOH)
		j->header_judged = true;
}

/*
 * Does a decide rather than b?  A refusal ends the message at its stage, so the
 * earliest one comes first; one of a single recipient ends nothing and comes
 * last.  Rows stand in one array: their order in it is that of their addresses.
 */
static bool outranks(const struct judgement *j, const struct finding *a, const struct finding *b)
{
	static const unsigned turn[STAGES] = {
		[STAGE_MAIL] = 0,
		[STAGE_EOH] = 1,
		[STAGE_EOM] = 2,
		[STAGE_RCPT] = 3,
	};
	enum outcome of_a = effect(j, a), of_b = effect(j, b);

	if (refuses(of_a) != refuses(of_b))
		return refuses(of_a);
	if (refuses(of_a) && a->check->stage != b->check->stage)
		return turn[a->check->stage] < turn[b->check->stage];
	if (of_a != of_b)
		return of_a > of_b;
	return a->check < b->check;
}

/* Which findings a search looks at. */
struct filter {
	enum stage last;
	bool enforced; /* those in force alone */
	bool message;  /* no refusal of a single recipient */
};

static bool passes(const struct judgement *j, const struct filter *filter, const struct finding *f)
{
	if (f->check->stage > filter->last || (filter->enforced && !f->enforced))
		return false;
	return !(filter->message && f->check->stage == STAGE_RCPT && refuses(effect(j, f)));
}

/* The finding that decides, or NULL where nothing would be done about any. */
static const struct finding *search(
    const struct judgement *j, const struct findings *among, const struct filter *filter)
{
	const struct finding *best = NULL;

	for (size_t i = 0; i < among->count; i++) {
		const struct finding *f = &among->list[i];

		if (effect(j, f) == OUTCOME_ACCEPT || !passes(j, filter, f))
			continue;
		if (best == NULL || outranks(j, f, best))
			best = f;
	}
	return best;
}

/* What a search found, as an outcome and the answer to give for it. */
static enum outcome settle(const struct judgement *j, const struct finding *f,
    struct reply_room *room, struct reply *reply)
{
	enum outcome outcome = f == NULL ? OUTCOME_ACCEPT : effect(j, f);

	*reply = (struct reply){ .code = 0 };
	if (!refuses(outcome))
		return outcome;
	if (room == NULL)
		room = arena_alloc(j->message->arena, sizeof *room);
	*reply = reply_make(room, f, outcome == OUTCOME_REJECT);
	return outcome;
}

/* rcpt: over the findings of the recipient at hand, else over those of the message. */
static struct verdict decide(const struct judgement *j, enum stage last, bool rcpt)
{
	const struct findings *among = rcpt ? &j->rcpt : &j->findings;
	struct reply_room *rooms = rcpt ? j->rcpt_rooms : NULL;
	const struct filter rules = { .last = last };
	const struct filter done = { .last = last, .enforced = true, .message = !rcpt };
	struct verdict v = { .deciding = search(j, among, &rules),
		.acting = search(j, among, &done) };

	v.verdict = settle(j, v.deciding, rooms, &v.reply);
	if (v.deciding == NULL)
		v.mode = policy_mode(j, NULL);
	else
		v.mode = v.deciding->enforced ? MODE_ENFORCE : MODE_AUDIT;
	if (v.acting == v.deciding) {
		v.action = v.verdict;
		v.action_reply = v.reply;
	} else {
		v.action = settle(j, v.acting, rooms == NULL ? NULL : &rooms[1], &v.action_reply);
	}
	for (size_t i = 0; i < among->count; i++)
		if (among->list[i].check->stage <= last && leaves_open(&among->list[i]))
			v.unknown = true;
	return v;
}

struct verdict judge_decide(const struct judgement *j, enum stage last)
{
	return decide(j, last, false);
}

struct verdict judge_rcpt(const struct judgement *j)
{
	return decide(j, STAGE_RCPT, true);
}
