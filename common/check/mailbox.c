/*
 * mailbox.c - the checks that ask who is behind an address, and whether this
 * login may use it.
 *
 * Existence and permission are two questions.  A store that could not be asked
 * says neither yes nor no.
 */
#include "check/rows.h"
#include "directory/claims.h"

/* Where a claim's address stands in the field, if it can be pointed at. */
static void point_at_author(const struct check_run *run, struct finding *f)
{
	const struct message *m = run->message;
	const struct mailbox *author = message_author(m);

	if (author == NULL || author->offset + author->length > m->from[0]->body.len)
		return;
	f->has_offset = true;
	f->offset = author->offset;
	f->token = slice_part(m->from[0]->body, author->offset, author->offset + author->length);
}

static struct finding begin(const struct check_run *run, enum claim_kind kind)
{
	struct finding f = { .result = FINDING_FAIL, .field = claim_name(kind) };

	if (kind == CLAIM_FROM)
		point_at_author(run, &f);
	return f;
}

/*
 * Could not tell.  Why is for the log: which files and servers there are is nobody's affair
 * outside.
 */
static void add_unknown(
    struct check_run *run, struct finding f, struct slice what, struct slice why)
{
	f.result = FINDING_UNKNOWN;
	f.reason = arena_printf(run->arena, "%.*s: %.*s", SLICE_ARG(what), SLICE_ARG(why));
	f.told = what.len;
	check_add(run, f);
}

/* ---- is there a mailbox? ----------------------------------------------------- */

static void judge_mailbox(struct check_run *run, enum claim_kind kind)
{
	const struct claim *claim = &run->message->claims->list[kind];
	struct finding f = begin(run, kind);

	switch (claim->found.answer) {
	case DIRECTORY_NONE:
		f.reason = arena_printf(run->arena, "there is no mailbox %.*s: no store has it",
		    SLICE_ARG(claim->address));
		f.fix = SLICE("write from an address that exists, or create a mailbox or alias");
		break;
	case DIRECTORY_CATCH_ALL:
		if (claim->found.as_mailbox)
			return;
		f.at_most = ACTION_LOG;
		f.reason =
		    arena_printf(run->arena, "only the catch-all of its domain takes mail for %.*s",
			SLICE_ARG(claim->address));
		f.fix = SLICE("create a mailbox or alias, or set catch_all = mailbox");
		break;
	case DIRECTORY_UNKNOWN:
		add_unknown(run, f,
		    arena_printf(run->arena, "whether %.*s has a mailbox is not known",
			SLICE_ARG(claim->address)),
		    claim->found.why);
		return;
	default: return;
	}
	check_add(run, f);
}

void check_from_mailbox(struct check_run *run)
{
	judge_mailbox(run, CLAIM_FROM);
}

void check_sender_mailbox(struct check_run *run)
{
	judge_mailbox(run, CLAIM_MAIL_FROM);
}

/* ---- may the login use it? -------------------------------------------------- */

static bool may_use(const struct claim *claim)
{
	return claim->has_use && claim->use.permission == PERMISSION_YES;
}

static void judge_use(
    struct check_run *run, const struct claim *claim, struct finding f, enum excuse excuse)
{
	const struct message *m = run->message;

	if (!claim->has_use || may_use(claim))
		return;
	f.excuse = excuse;
	if (claim->use.permission != PERMISSION_NO) {
		add_unknown(run, f,
		    arena_printf(run->arena, "whether the login %.*s may use %.*s is not known",
			SLICE_ARG(m->claims->login), SLICE_ARG(claim->address)),
		    claim->use.why);
	} else {
		f.reason = arena_printf(run->arena, "the login %.*s may not use %.*s%s%s",
		    SLICE_ARG(m->claims->login), SLICE_ARG(claim->address),
		    claim->use.reason != NULL ? ": " : "",
		    claim->use.reason != NULL ? claim->use.reason : "");
		f.fix =
		    SLICE("write from an address of this login, or let the login use the address");
		check_add(run, f);
	}
}

static void judge_login(struct check_run *run, enum claim_kind kind, enum excuse excuse)
{
	judge_use(run, &run->message->claims->list[kind], begin(run, kind), excuse);
}

/* Of several authors the first that is not the login's, else what is open about them. */
static void judge_authors(struct check_run *run, enum excuse excuse)
{
	const struct claims *claims = run->message->claims;
	struct finding f = { .result = FINDING_FAIL, .field = claim_name(CLAIM_FROM) };
	const struct claim *worst = NULL;

	for (size_t i = 0; i < claims->author_count; i++) {
		const struct claim *author = &claims->authors[i];

		if (may_use(author))
			continue;
		if (worst == NULL || (worst->use.permission != PERMISSION_NO &&
					 author->use.permission == PERMISSION_NO))
			worst = author;
	}
	if (worst != NULL)
		judge_use(run, worst, f, excuse);
	else if (claims->authors_left)
		add_unknown(run, f, SLICE("whether the login may use all the authors is not known"),
		    SLICE("there are too many, or one cannot be read"));
}

/*
 * Somebody who resends a message leaves its From and Sender as they are and names
 * himself in Resent-From (RFC 5322 3.6.6); who sends on behalf of another names himself
 * in Sender.  A spoofer may do the same, so it is an excuse and no more.
 */
static enum excuse excuse_by(const struct claim *claim)
{
	return may_use(claim) ? EXCUSE_ON_BEHALF : EXCUSE_NONE;
}

void check_from_login(struct check_run *run)
{
	const struct claims *claims = run->message->claims;
	const struct claim *sender = &claims->list[CLAIM_SENDER];
	enum excuse resent = excuse_by(&claims->list[CLAIM_RESENT]);
	enum excuse excuse = resent != EXCUSE_NONE ? resent : excuse_by(sender);

	if (claims->author_count > 0)
		judge_authors(run, excuse);
	else
		judge_login(run, CLAIM_FROM, excuse);
	if (sender->address.data != NULL)
		judge_login(run, CLAIM_SENDER, resent);
}

void check_sender_login(struct check_run *run)
{
	judge_login(run, CLAIM_MAIL_FROM, EXCUSE_NONE);
}

/* ---- whose is it? ------------------------------------------------------------- */

void check_from_foreign(struct check_run *run)
{
	const struct claims *claims = run->message->claims;
	struct finding f = begin(run, CLAIM_FROM);

	if (claims->from_served == SERVED_YES || claims->identity.allows_from)
		return;
	f.excuse = excuse_by(&claims->list[CLAIM_RESENT]);
	if (claims->from_served == SERVED_NO) {
		f.reason = arena_printf(run->arena, "%.*s is none of our domains",
		    SLICE_ARG(claims->list[CLAIM_FROM].domain));
		f.fix =
		    SLICE("write from an address of ours, with the other one in Reply-To; or allow "
			  "it by an `identity`");
	} else {
		f.result = FINDING_UNKNOWN;
		f.reason =
		    arena_printf(run->arena, "whether %.*s is one of our domains is not known",
			SLICE_ARG(claims->list[CLAIM_FROM].domain));
	}
	check_add(run, f);
}

void check_from_identity(struct check_run *run)
{
	const struct identity_fact *identity = &run->message->claims->identity;
	struct finding f = { .result = FINDING_FAIL, .field = identity->field };

	if (identity->field == NULL)
		return;
	if (slice_equal(slice_of(identity->field), slice_of(claim_name(CLAIM_FROM))))
		point_at_author(run, &f);
	f.reason = arena_printf(run->arena, "the relay of identity \"%s\" does not take %.*s in %s",
	    identity->name, SLICE_ARG(identity->address), identity->field);
	f.fix = SLICE("write from an address that the relay has verified, or add it to `allow`");
	check_add(run, f);
}
