/* test_judge.c - from findings to one verdict, and the reply for it. */
#include <stdlib.h>
#include <string.h>

#include "directory/claims.h"
#include "policy/judge.h"
#include "policy/setting.h"
#include "unit.h"

static const struct check *row(const char *name)
{
	int index = check_find(slice_of(name));

	ck_assert_msg(index >= 0, "no check is called %s", name);
	return &checks[index];
}

/* A row of the last stage, behind all of the table. */
static const struct check late = { "late.check", STAGE_EOM, 0, ACTION_REJECT, false, "5.7.1", NULL,
	"" };

/* ---- deciding ---------------------------------------------------------------- */

enum { GIVEN_MAX = 4 };

struct given {
	const char *check;
	enum finding_result result;
	enum action action;
	bool enforced;
};

#define FAIL(name, action, enforced) { name, FINDING_FAIL, ACTION_##action, enforced }
#define UNKNOWN(name, action, enforced) { name, FINDING_UNKNOWN, ACTION_##action, enforced }

struct decision {
	const char *label;
	enum stage last;
	enum unknown_rule on_unknown;
	struct given findings[GIVEN_MAX];
	enum outcome verdict;
	const char *deciding; /* NULL: none */
	enum mode mode;
	int code;
	const char *enhanced;
	enum outcome action;
	const char *acting;
	int action_code;
};

static const struct decision decisions[] = {
	{ "nothing found", STAGE_EOM, UNKNOWN_ACCEPT, { { 0 } },
	    OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL, OUTCOME_ACCEPT, NULL, 0 },
	{ "only for the log", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.obsolete", LOG, true), FAIL("from.impersonates", LOG, true) },
	    OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL, OUTCOME_ACCEPT, NULL, 0 },
	{ "rejected in audit", STAGE_EOM, UNKNOWN_ACCEPT, { FAIL("from.syntax", REJECT, false) },
	    OUTCOME_REJECT, "from.syntax", MODE_AUDIT, 550, "5.1.7", OUTCOME_ACCEPT, NULL, 0 },
	{ "rejected in enforce", STAGE_EOM, UNKNOWN_ACCEPT, { FAIL("from.syntax", REJECT, true) },
	    OUTCOME_REJECT, "from.syntax", MODE_ENFORCE, 550, "5.1.7", OUTCOME_REJECT,
	    "from.syntax", 550 },
	{ "put off in enforce", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.syntax", TEMPFAIL, true) }, OUTCOME_TEMPFAIL, "from.syntax",
	    MODE_ENFORCE, 451, "4.1.7", OUTCOME_TEMPFAIL, "from.syntax", 451 },
	{ "flagged", STAGE_EOM, UNKNOWN_ACCEPT, { FAIL("from.group", FLAG, true) },
	    OUTCOME_FLAG, "from.group", MODE_ENFORCE, 0, NULL, OUTCOME_FLAG, "from.group", 0 },
	{ "held", STAGE_EOM, UNKNOWN_ACCEPT, { FAIL("from.group", QUARANTINE, true) },
	    OUTCOME_QUARANTINE, "from.group", MODE_ENFORCE, 0, NULL, OUTCOME_QUARANTINE,
	    "from.group", 0 },
	{ "held in audit", STAGE_EOM, UNKNOWN_ACCEPT, { FAIL("from.group", QUARANTINE, false) },
	    OUTCOME_QUARANTINE, "from.group", MODE_AUDIT, 0, NULL, OUTCOME_ACCEPT, NULL, 0 },
	{ "the harshest of a stage, not the first", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.syntax", TEMPFAIL, true), FAIL("from.domain", REJECT, true) },
	    OUTCOME_REJECT, "from.domain", MODE_ENFORCE, 550, "5.1.8", OUTCOME_REJECT,
	    "from.domain", 550 },
	{ "alike: table order, whatever the order of the findings", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.domain", REJECT, true), FAIL("from.syntax", REJECT, true) },
	    OUTCOME_REJECT, "from.syntax", MODE_ENFORCE, 550, "5.1.7", OUTCOME_REJECT,
	    "from.syntax", 550 },
	{ "alike and mild: table order too", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.domain", FLAG, true), FAIL("from.syntax", FLAG, true) },
	    OUTCOME_FLAG, "from.syntax", MODE_ENFORCE, 0, NULL, OUTCOME_FLAG, "from.syntax", 0 },
	{ "flag, quarantine: the harsher", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.syntax", FLAG, true), FAIL("from.domain", QUARANTINE, true) },
	    OUTCOME_QUARANTINE, "from.domain", MODE_ENFORCE, 0, NULL, OUTCOME_QUARANTINE,
	    "from.domain", 0 },
	{ "milder ones: the harsher, not the earlier", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.sender-syntax", FLAG, true), FAIL("from.syntax", QUARANTINE, true) },
	    OUTCOME_QUARANTINE, "from.syntax", MODE_ENFORCE, 0, NULL, OUTCOME_QUARANTINE,
	    "from.syntax", 0 },
	{ "a refusal before a milder one of an earlier stage", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.sender-syntax", QUARANTINE, true),
		FAIL("from.syntax", REJECT, true) },
	    OUTCOME_REJECT, "from.syntax", MODE_ENFORCE, 550, "5.1.7", OUTCOME_REJECT,
	    "from.syntax", 550 },
	{ "the earliest stage that refuses", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.syntax", REJECT, true), FAIL("envelope.sender-syntax", TEMPFAIL, true) },
	    OUTCOME_TEMPFAIL, "envelope.sender-syntax", MODE_ENFORCE, 451, "4.1.7",
	    OUTCOME_TEMPFAIL, "envelope.sender-syntax", 451 },
	{ "end of header before end of message", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("late.check", REJECT, true), FAIL("from.syntax", REJECT, true) },
	    OUTCOME_REJECT, "from.syntax", MODE_ENFORCE, 550, "5.1.7", OUTCOME_REJECT,
	    "from.syntax", 550 },
	{ "553 at MAIL", STAGE_MAIL, UNKNOWN_ACCEPT,
	    { FAIL("envelope.sender-syntax", REJECT, true) }, OUTCOME_REJECT,
	    "envelope.sender-syntax", MODE_ENFORCE, 553, "5.1.7", OUTCOME_REJECT,
	    "envelope.sender-syntax", 553 },
	{ "a later stage is not looked at yet", STAGE_MAIL, UNKNOWN_ACCEPT,
	    { FAIL("from.syntax", REJECT, true) }, OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL,
	    OUTCOME_ACCEPT, NULL, 0 },
	{ "mixed modes: the verdict in audit, the action by what is enforced", STAGE_EOM,
	    UNKNOWN_ACCEPT, { FAIL("from.syntax", REJECT, false), FAIL("from.domain", FLAG, true) },
	    OUTCOME_REJECT, "from.syntax", MODE_AUDIT, 550, "5.1.7", OUTCOME_FLAG, "from.domain",
	    0 },
	{ "mixed modes: both refuse, each by its own finding", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.sender-syntax", REJECT, false), FAIL("from.domain", REJECT, true) },
	    OUTCOME_REJECT, "envelope.sender-syntax", MODE_AUDIT, 553, "5.1.7", OUTCOME_REJECT,
	    "from.domain", 550 },
	{ "mixed modes in one stage", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("from.domain", TEMPFAIL, true), FAIL("from.syntax", REJECT, false) },
	    OUTCOME_REJECT, "from.syntax", MODE_AUDIT, 550, "5.1.7", OUTCOME_TEMPFAIL,
	    "from.domain", 451 },
	{ "a refused recipient: in the verdict, not in the action", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.recipient-syntax", REJECT, true) }, OUTCOME_REJECT,
	    "envelope.recipient-syntax", MODE_ENFORCE, 553, "5.1.3", OUTCOME_ACCEPT, NULL, 0 },
	{ "a refused recipient yields to a refused message", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.recipient-syntax", REJECT, true), FAIL("late.check", TEMPFAIL, true) },
	    OUTCOME_TEMPFAIL, "late.check", MODE_ENFORCE, 451, "4.7.1", OUTCOME_TEMPFAIL,
	    "late.check", 451 },
	{ "a refused recipient beside a flag", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.recipient-syntax", TEMPFAIL, true), FAIL("from.syntax", FLAG, true) },
	    OUTCOME_TEMPFAIL, "envelope.recipient-syntax", MODE_ENFORCE, 451, "4.1.3",
	    OUTCOME_FLAG, "from.syntax", 0 },
	{ "a recipient that flags does so to the message", STAGE_EOM, UNKNOWN_ACCEPT,
	    { FAIL("envelope.recipient-syntax", FLAG, true) }, OUTCOME_FLAG,
	    "envelope.recipient-syntax", MODE_ENFORCE, 0, NULL, OUTCOME_FLAG,
	    "envelope.recipient-syntax", 0 },
	{ "not told: accepted", STAGE_EOM, UNKNOWN_ACCEPT,
	    { UNKNOWN("from.domain", REJECT, true) }, OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL,
	    OUTCOME_ACCEPT, NULL, 0 },
	{ "not told: put off where that is configured", STAGE_EOM, UNKNOWN_TEMPFAIL,
	    { UNKNOWN("from.domain", REJECT, true) }, OUTCOME_TEMPFAIL, "from.domain",
	    MODE_ENFORCE, 451, "4.1.8", OUTCOME_TEMPFAIL, "from.domain", 451 },
	{ "not told in audit: not put off", STAGE_EOM, UNKNOWN_TEMPFAIL,
	    { UNKNOWN("from.domain", REJECT, false) }, OUTCOME_TEMPFAIL, "from.domain",
	    MODE_AUDIT, 451, "4.1.8", OUTCOME_ACCEPT, NULL, 0 },
	{ "not told, only for the log: accepted", STAGE_EOM, UNKNOWN_TEMPFAIL,
	    { UNKNOWN("from.domain", LOG, true) }, OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL,
	    OUTCOME_ACCEPT, NULL, 0 },
	{ "passed and skipped rows do nothing", STAGE_EOM, UNKNOWN_TEMPFAIL,
	    { { "from.syntax", FINDING_PASS, ACTION_REJECT, true },
		{ "from.group", FINDING_SKIPPED, ACTION_REJECT, true } },
	    OUTCOME_ACCEPT, NULL, MODE_AUDIT, 0, NULL, OUTCOME_ACCEPT, NULL, 0 },
};

static const char *check_name(const struct finding *f)
{
	return f == NULL ? "(none)" : f->check->name;
}

static const char *or_none(const char *name)
{
	return name == NULL ? "(none)" : name;
}

START_TEST(test_decide)
{
	const struct decision *d = &decisions[_i];
	struct config config = { .on_unknown = d->on_unknown };
	struct arena *arena = arena_new();
	struct finding list[GIVEN_MAX] = { { 0 } };
	struct judgement j;
	struct verdict v;

	judge_begin(&j, &config, message_new(arena));
	for (size_t i = 0; i < GIVEN_MAX && d->findings[i].check != NULL; i++) {
		const struct given *g = &d->findings[i];

		list[i].check = strcmp(g->check, late.name) == 0 ? &late : row(g->check);
		list[i].result = g->result;
		list[i].action = g->action;
		list[i].enforced = g->enforced;
		list[i].reason = SLICE("a reason");
		j.findings.count++;
	}
	j.findings.list = list;
	v = judge_decide(&j, d->last);
	ck_assert_msg(v.verdict == d->verdict, "%s: verdict %s", d->label, outcome_name(v.verdict));
	ck_assert_msg(strcmp(check_name(v.deciding), or_none(d->deciding)) == 0,
	    "%s: decided by %s", d->label, check_name(v.deciding));
	ck_assert_msg(v.mode == d->mode, "%s: mode %d", d->label, v.mode);
	ck_assert_msg(v.reply.code == d->code, "%s: code %d", d->label, v.reply.code);
	if (d->enhanced != NULL)
		ck_assert_msg(strcmp(v.reply.enhanced, d->enhanced) == 0, "%s: enhanced code %s",
		    d->label, v.reply.enhanced);
	ck_assert_msg(v.action == d->action, "%s: action %s", d->label, outcome_name(v.action));
	ck_assert_msg(strcmp(check_name(v.acting), or_none(d->acting)) == 0, "%s: acted by %s",
	    d->label, check_name(v.acting));
	ck_assert_msg(v.action_reply.code == d->action_code, "%s: action code %d", d->label,
	    v.action_reply.code);
	ck_assert_msg(v.unknown == (d->findings[0].result == FINDING_UNKNOWN &&
				       d->findings[0].action > ACTION_LOG),
	    "%s: unknown %d", d->label, v.unknown);
	arena_free(arena);
}
END_TEST

/* ---- judging a stage ----------------------------------------------------------- */

/* A message with an unquoted comma in its From, and what the configuration makes of it. */
struct judged {
	const char *label;
	void (*configure)(struct config *config, struct judgement *j, struct message *m);
	const char *mail_from;
	const char *check;
	int action; /* enum action, or -1: no finding at all */
	bool enforced;
};

static struct setting *setting_of(struct scope *scope, const char *name)
{
	return &scope->checks[row(name) - checks];
}

static void set_action(struct scope *scope, const char *name, enum action action)
{
	struct setting *s = setting_of(scope, name);

	s->has_action = true;
	s->action = action;
}

static void enforce(struct config *config)
{
	config->global.whole = (struct setting){ .has_mode = true, .mode = MODE_ENFORCE };
}

static void defaults(struct config *config, struct judgement *j, struct message *m)
{
	(void)config, (void)j, (void)m;
}

static void enforced(struct config *config, struct judgement *j, struct message *m)
{
	(void)j, (void)m;
	enforce(config);
}

static void internal_audit(struct config *config, struct judgement *j, struct message *m)
{
	(void)m;
	enforce(config);
	j->audit_only = true;
}

static void flagged(struct config *config, struct judgement *j, struct message *m)
{
	(void)j, (void)m;
	set_action(&config->global, "from.display-name", ACTION_FLAG);
}

static void off(struct config *config, struct judgement *j, struct message *m)
{
	(void)j, (void)m;
	set_action(&config->global, "from.display-name", ACTION_OFF);
}

static void skipped(struct config *config, struct judgement *j, struct message *m)
{
	(void)config, (void)m;
	j->selection.off[row("from.display-name") - checks] = true;
}

static void off_and_verbose(struct config *config, struct judgement *j, struct message *m)
{
	off(config, j, m);
	j->verbose = true;
}

static void of_class(struct config *config, struct judgement *j, struct message *m)
{
	(void)j;
	m->transaction.class = CLASS_SUBMITTER;
	set_action(&config->classes[CLASS_SUBMITTER], "from.display-name", ACTION_QUARANTINE);
}

static void judged_null(struct config *config, struct judgement *j, struct message *m)
{
	(void)j, (void)m;
	config->null_sender = NULL_SENDER_JUDGE;
}

static void with_login(struct config *config, struct judgement *j, struct message *m)
{
	(void)config, (void)j;
	m->transaction.login = SLICE("ann");
}

static void with_empty_login(struct config *config, struct judgement *j, struct message *m)
{
	(void)config, (void)j;
	m->transaction.login = SLICE("");
}

/* The exemption holds for one client address and one check. */
static void exempt(struct config *config, const char *client, struct message *m)
{
	static struct network network;
	static struct exemption exemption;

	exemption = (struct exemption){ .client = { &network, 1 } };
	exemption.checks[row("from.display-name") - checks] = true;
	ck_assert(network_parse("192.0.2.40", &network));
	ck_assert(ip_parse(client, &m->transaction.client));
	config->exemptions = &exemption;
	config->exemption_count = 1;
}

static void exempted(struct config *config, struct judgement *j, struct message *m)
{
	(void)j;
	exempt(config, "192.0.2.40", m);
}

static void other_exempted(struct config *config, struct judgement *j, struct message *m)
{
	(void)j;
	exempt(config, "192.0.2.41", m);
}

static void completed(struct config *config, struct judgement *j, struct message *m)
{
	(void)j;
	m->transaction.local_submission = true;
	enforce(config);
}

static const struct judged judged[] = {
	{ "the table's default", defaults, "<a@example.com>", "from.display-name", ACTION_REJECT,
	    false },
	{ "enforced", enforced, "<a@example.com>", "from.display-name", ACTION_REJECT, true },
	{ "internal mail, audited", internal_audit, "<a@example.com>", "from.display-name",
	    ACTION_REJECT, false },
	{ "configured", flagged, "<a@example.com>", "from.display-name", ACTION_FLAG, false },
	{ "configured for the class", of_class, "<a@example.com>", "from.display-name",
	    ACTION_QUARANTINE, false },
	{ "off", off, "<a@example.com>", "from.display-name", -1, false },
	{ "off leaves no row when verbose", off_and_verbose, "<a@example.com>",
	    "from.display-name", -1, false },
	{ "not selected", skipped, "<a@example.com>", "from.display-name", -1, false },
	{ "null sender", defaults, "<>", "from.display-name", ACTION_LOG, false },
	{ "null sender without brackets", defaults, "", "from.display-name", ACTION_LOG, false },
	{ "null sender, still in enforce", enforced, "<>", "from.display-name", ACTION_LOG, true },
	{ "null sender, to be judged", judged_null, "<>", "from.display-name", ACTION_REJECT,
	    false },
	{ "null sender of a login", with_login, "<>", "from.display-name", ACTION_REJECT, false },
	{ "null sender, the MTA gives an empty login", with_empty_login, "<>",
	    "from.display-name", ACTION_LOG, false },
	{ "no MAIL at all is no null sender", defaults, NULL, "from.display-name", ACTION_REJECT,
	    false },
	{ "exempted", exempted, "<a@example.com>", "from.display-name", ACTION_LOG, false },
	{ "exempted elsewhere", other_exempted, "<a@example.com>", "from.display-name",
	    ACTION_REJECT, false },
	{ "capped by the check itself", completed, "<root>", "envelope.sender-syntax", ACTION_LOG,
	    true },
	{ "not capped", enforced, "<root>", "envelope.sender-syntax", ACTION_REJECT, true },
};

static const struct finding *find(const struct findings *findings, const char *check)
{
	for (size_t i = 0; i < findings->count; i++)
		if (strcmp(findings->list[i].check->name, check) == 0)
			return &findings->list[i];
	return NULL;
}

START_TEST(test_stage)
{
	const struct judged *d = &judged[_i];
	struct config config = { .null_sender = NULL_SENDER_LOG };
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct slice body = exact_text(" Doe, John <john@example.com>");
	struct judgement j;
	const struct finding *f;

	judge_begin(&j, &config, m);
	d->configure(&config, &j, m);
	if (d->mail_from != NULL)
		message_set_mail(m, slice_of(d->mail_from));
	judge_stage(&j, STAGE_MAIL, NULL);
	ck_assert_msg(!j.header_judged, "%s: no header yet", d->label);
	message_add_field(m, SLICE("From"), body);
	message_end_header(m);
	judge_stage(&j, STAGE_EOH, NULL);
	ck_assert_msg(j.header_judged, "%s: the header is judged", d->label);
	f = find(&j.findings, d->check);
	if (d->action < 0) {
		ck_assert_msg(f == NULL, "%s: a finding is there", d->label);
	} else {
		ck_assert_msg(f != NULL, "%s: no finding", d->label);
		ck_assert_msg((int)f->action == d->action, "%s: action %s", d->label,
		    action_name(f->action));
		ck_assert_msg(f->enforced == d->enforced, "%s: enforced %d", d->label, f->enforced);
	}
	exact_free(body);
	arena_free(arena);
}
END_TEST

/* ---- excuses --------------------------------------------------------------------- */

#define YES  PERMISSION_YES
#define NO   PERMISSION_NO
#define OPEN PERMISSION_UNKNOWN

/* A message of a domain that is not ours: which of its addresses may the login use? */
static const struct {
	const char *label, *check;
	enum directory_permission from, sender, resent;
	enum action allowed, forbidden; /* with on_behalf and without */
} excused[] = {
	{ "nothing but From", "from.login", NO, NO, NO, ACTION_REJECT, ACTION_REJECT },
	{ "on behalf of another", "from.login", NO, YES, NO, ACTION_LOG, ACTION_REJECT },
	{ "resent", "from.login", NO, NO, YES, ACTION_LOG, ACTION_REJECT },
	{ "the excuse is open", "from.login", NO, OPEN, OPEN, ACTION_REJECT, ACTION_REJECT },
	{ "From is open", "from.login", OPEN, YES, NO, ACTION_LOG, ACTION_REJECT },
	{ "another's Sender", "from.login", YES, NO, NO, ACTION_REJECT, ACTION_REJECT },
	{ "another's Sender, resent", "from.login", YES, NO, YES, ACTION_LOG, ACTION_REJECT },
	{ "a return path has none", "envelope.sender-login", NO, YES, YES, ACTION_REJECT,
	    ACTION_REJECT },
	{ "foreign on behalf", "from.foreign", NO, YES, NO, ACTION_REJECT, ACTION_REJECT },
	{ "foreign and resent", "from.foreign", NO, NO, YES, ACTION_LOG, ACTION_REJECT },
};

static struct claim claim_of(enum directory_permission permission)
{
	return (struct claim){
		.address = SLICE("bob@example.net"),
		.domain = SLICE("example.net"),
		.has_use = true,
		.use = { .permission = permission },
	};
}

static enum action excused_action(int row_index, bool on_behalf)
{
	struct claims claims = {
		.list = {
			[CLAIM_MAIL_FROM] = claim_of(NO),
			[CLAIM_FROM] = claim_of(excused[row_index].from),
			[CLAIM_SENDER] = claim_of(excused[row_index].sender),
			[CLAIM_RESENT] = claim_of(excused[row_index].resent),
		},
		.has_directory = true,
		.sender_told = true,
		.finished = true,
		.from_served = SERVED_NO,
	};
	struct config config = { .on_behalf = on_behalf };
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	const struct finding *f;
	struct judgement j;
	enum action action;

	set_action(&config.global, excused[row_index].check, ACTION_REJECT);
	message_set_mail(m, SLICE("<bob@example.net>"));
	m->claims = &claims;
	judge_begin(&j, &config, m);
	judge_stage(&j, STAGE_MAIL, NULL);
	judge_stage(&j, STAGE_EOM, NULL);
	f = find(&j.findings, excused[row_index].check);
	ck_assert_msg(f != NULL, "%s: no finding", excused[row_index].label);
	action = f->action;
	arena_free(arena);
	return action;
}

START_TEST(test_excuse)
{
	ck_assert_msg(excused_action(_i, true) == excused[_i].allowed, "%s, allowed: %s",
	    excused[_i].label, action_name(excused_action(_i, true)));
	ck_assert_msg(excused_action(_i, false) == excused[_i].forbidden, "%s, forbidden: %s",
	    excused[_i].label, action_name(excused_action(_i, false)));
}
END_TEST

/* ---- recipients ------------------------------------------------------------------ */

/* Each recipient has a verdict of its own, of the message only the record tells. */
START_TEST(test_recipients)
{
	static const struct {
		const char *rcpt;
		enum outcome action;
	} rows[] = {
		{ "<good@example.net>", OUTCOME_ACCEPT },
		{ "<bad@@example.net>", OUTCOME_REJECT },
		{ "<a.good@example.org>", OUTCOME_ACCEPT },
	};
	struct config config = { 0 };
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct judgement j;
	struct verdict v;

	enforce(&config);
	set_action(&config.global, "envelope.recipient-syntax", ACTION_REJECT);
	judge_begin(&j, &config, m);
	for (int i = 0; i < ROWS(rows); i++) {
		struct slice text = exact_text(rows[i].rcpt);
		struct path rcpt = message_add_rcpt(m, text);

		judge_stage(&j, STAGE_RCPT, &rcpt);
		v = judge_rcpt(&j);
		ck_assert_msg(v.action == rows[i].action, "%s: %s", rows[i].rcpt,
		    outcome_name(v.action));
		ck_assert_msg(v.action_reply.code == (rows[i].action == OUTCOME_REJECT ? 553 : 0),
		    "%s: %d", rows[i].rcpt, v.action_reply.code);
		exact_free(text);
	}
	v = judge_decide(&j, STAGE_RCPT);
	ck_assert_int_eq(v.verdict, OUTCOME_REJECT);
	ck_assert_int_eq(v.action, OUTCOME_ACCEPT);
	ck_assert_uint_eq(j.findings.count, 1);
	expect_slice("kept finding", "token", j.findings.list[0].token, "@");
	arena_free(arena);
}
END_TEST

/* Any number of recipients: each is judged, a few are kept, memory stays where it was. */
START_TEST(test_many_recipients)
{
	struct config config = { 0 };
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct judgement j;
	size_t used = 0;

	enforce(&config);
	set_action(&config.global, "envelope.recipient-syntax", ACTION_REJECT);
	judge_begin(&j, &config, m);
	j.verbose = true;
	for (int i = 0; i < 20000; i++) {
		/* thirty good ones first: the rows that passed make way for those that failed */
		struct slice text =
		    i < 30 ? SLICE("<user@example.net>") : SLICE("<us er@example.net>");
		struct path rcpt = message_add_rcpt(m, text);
		enum outcome wanted = i < 30 ? OUTCOME_ACCEPT : OUTCOME_REJECT;

		judge_stage(&j, STAGE_RCPT, &rcpt);
		if (judge_rcpt(&j).action != wanted)
			ck_abort_msg("recipient %d", i);
		if (i == 1000)
			used = arena_used(arena);
	}
	ck_assert_uint_eq(j.findings.count, RCPT_FINDINGS_MAX);
	ck_assert_uint_eq(j.findings.dropped, 20000 - RCPT_FINDINGS_MAX);
	for (size_t i = 0; i < j.findings.count; i++)
		ck_assert_int_eq(j.findings.list[i].result, FINDING_FAIL);
	ck_assert_int_eq(judge_decide(&j, STAGE_EOM).verdict, OUTCOME_REJECT);
	ck_assert_msg(arena_used(arena) < used + 4096, "%zu octets for 19,000 recipients",
	    arena_used(arena) - used);
	arena_free(arena);
}
END_TEST

/* ---- replies ---------------------------------------------------------------------- */

struct answer {
	const char *label;
	const char *check;
	const char *enhanced; /* of the finding */
	const char *field;
	int offset; /* -1: none */
	const char *token, *reason, *fix;
	bool permanent;
	int code;
	const char *wanted_enhanced;
	const char *lines[REPLY_LINES];
};

static const struct answer answers[] = {
	{ "all of it", "from.display-name", NULL, "From", 4, ",",
	    "the display name holds a special character outside double quotes",
	    "put the display name in double quotes; write: From: \"Doe, John\" "
	    "<john@example.com>", true, 550, "5.1.7",
	    { "from.display-name: the display name holds a special character outside double "
	      "quotes: \",\" at column 5 after \"From:\"",
		"Fix: put the display name in double quotes; write: From: \"Doe, John\" "
		"<john@example.com>" } },
	{ "no token", "from.syntax", NULL, "From", 0, NULL, "there is no address", NULL, true, 550,
	    "5.1.7", { "from.syntax: there is no address, at column 1 after \"From:\"", NULL } },
	{ "no place", "from.missing", NULL, NULL, -1, NULL, "there is no From field", "add one",
	    true, 550, "5.7.1", { "from.missing: there is no From field", "Fix: add one" } },
	{ "a field without a column", "from.duplicate", NULL, "From", -1, NULL,
	    "the message has 2 From fields", NULL, true, 550, "5.7.1",
	    { "from.duplicate: the message has 2 From fields", NULL } },
	{ "a token without a column", "from.impersonates", NULL, "From", -1, "a@b",
	    "it shows another address", NULL, true, 550, "5.7.1",
	    { "from.impersonates: it shows another address: \"a@b\" in From", NULL } },
	{ "MAIL FROM", "envelope.sender-syntax", NULL, "MAIL FROM", 3, "@",
	    "the address has more than one @", NULL, true, 553, "5.1.7",
	    { "envelope.sender-syntax: the address has more than one @: \"@\" at column 4 in "
	      "MAIL FROM", NULL } },
	{ "RCPT TO", "envelope.recipient-syntax", NULL, "RCPT TO", 3, NULL, "no", NULL, true, 553,
	    "5.1.3", { "envelope.recipient-syntax: no, at column 4 in RCPT TO", NULL } },
	{ "null MX at MAIL", "envelope.sender-syntax", "5.7.27", NULL, -1, NULL, "null MX", NULL,
	    true, 550, "5.7.27", { "envelope.sender-syntax: null MX", NULL } },
	{ "an enhanced code of the finding", "from.domain", "5.7.27", NULL, -1, NULL, "null MX",
	    NULL, true, 550, "5.7.27", { "from.domain: null MX", NULL } },
	{ "put off at MAIL", "envelope.sender-syntax", NULL, NULL, -1, NULL, "later", NULL, false,
	    451, "4.1.7", { "envelope.sender-syntax: later", NULL } },
	{ "put off after the data", "from.domain", "5.7.27", NULL, -1, NULL, "later", NULL, false,
	    451, "4.7.27", { "from.domain: later", NULL } },
	{ "a percent sign stays", "from.syntax", NULL, NULL, -1, NULL, "100%s", NULL, true, 550,
	    "5.1.7", { "from.syntax: 100%s", NULL } },
	{ "line ends and controls", "from.syntax", NULL, "From", 1, "\r\n250 ok\x7f\t",
	    "a\r\nb", "c\nd\x1b[2J", true, 550, "5.1.7",
	    { "from.syntax: a\\x0d\\x0ab: \"\\x0d\\x0a250 ok\\x7f\\x09\" at column 2 after "
	      "\"From:\"", "Fix: c\\x0ad\\x1b[2J" } },
	{ "not ASCII", "from.syntax", NULL, NULL, -1, "\xc3\xa9\xff", "b\xc3\xbc", NULL, true, 550,
	    "5.1.7", { "from.syntax: b\\xc3\\xbc: \"\\xc3\\xa9\\xff\"", NULL } },
	{ "a long token is cut", "from.syntax", NULL, NULL, -1,
	    "0123456789012345678901234567890123456789012345678901234567890", "r", NULL, true, 550,
	    "5.1.7",
	    { "from.syntax: r: \"012345678901234567890123456789012345678901234567890123456...\"",
		NULL } },
	{ "a token that just fits is not", "from.syntax", NULL, NULL, -1,
	    "012345678901234567890123456789012345678901234567890123456789", "r", NULL, true, 550,
	    "5.1.7",
	    { "from.syntax: r: \"012345678901234567890123456789012345678901234567890123456789\"",
		NULL } },
};

static struct finding finding_of(const struct answer *a)
{
	return (struct finding){
		.check = row(a->check),
		.enhanced = a->enhanced,
		.field = a->field,
		.has_offset = a->offset >= 0,
		.offset = a->offset >= 0 ? (size_t)a->offset : 0,
		.token = a->token == NULL ? (struct slice){ 0 } : exact_text(a->token),
		.reason = exact_text(a->reason),
		.fix = a->fix == NULL ? (struct slice){ 0 } : exact_text(a->fix),
	};
}

START_TEST(test_reply)
{
	const struct answer *a = &answers[_i];
	struct finding f = finding_of(a);
	struct reply_room room;
	struct reply r = reply_make(&room, &f, a->permanent);

	ck_assert_msg(r.code == a->code, "%s: code %d", a->label, r.code);
	ck_assert_msg(strcmp(r.enhanced, a->wanted_enhanced) == 0, "%s: enhanced code %s", a->label,
	    r.enhanced);
	ck_assert_msg(r.line_count == (a->lines[1] == NULL ? 1 : 2), "%s: %zu lines", a->label,
	    r.line_count);
	for (size_t i = 0; i < r.line_count; i++)
		expect_slice(a->label, "line", r.lines[i], a->lines[i]);
	exact_free(f.token);
	exact_free(f.reason);
	exact_free(f.fix);
}
END_TEST

static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	return true;
}

/* Whatever comes, each line is printable ASCII of bounded length, and name and column are in it. */
START_TEST(test_reply_hostile)
{
	static const size_t lengths[] = { 0, 1, 57, 59, 60, 61, 299, 300, 301, 494, 495, 496,
		5000 };

	for (int octet = 0; octet < 256; octet++) {
		for (int k = 0; k < ROWS(lengths); k++) {
			char *data = malloc(lengths[k] + 1);
			struct slice text;
			struct finding f = { .check = row("envelope.recipient-syntax"),
				.field = "RCPT TO", .has_offset = true, .offset = 4294967295 };
			struct reply_room room;
			struct reply r;

			memset(data, octet, lengths[k] + 1);
			text = exact(data, lengths[k]);
			f.token = f.reason = f.fix = text;
			r = reply_make(&room, &f, true);
			for (size_t i = 0; i < r.line_count; i++) {
				ck_assert_msg(r.lines[i].len <= REPLY_LINE_MAX,
				    "%d*%zu: %zu octets", octet, lengths[k], r.lines[i].len);
				ck_assert_msg(is_printable(r.lines[i]), "%d*%zu: not printable",
				    octet, lengths[k]);
			}
			ck_assert_msg(strstr(room.lines[0], "at column 4294967296 in RCPT TO"),
			    "%d*%zu: no column in %s", octet, lengths[k], room.lines[0]);
			exact_free(text);
			free(data);
		}
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *tc = tcase_create("judge");

	tcase_add_loop_test(tc, test_decide, 0, ROWS(decisions));
	tcase_add_loop_test(tc, test_stage, 0, ROWS(judged));
	tcase_add_loop_test(tc, test_excuse, 0, ROWS(excused));
	tcase_add_test(tc, test_recipients);
	tcase_add_test(tc, test_many_recipients);
	tcase_add_loop_test(tc, test_reply, 0, ROWS(answers));
	tcase_add_test(tc, test_reply_hostile);
	suite_add_tcase(suite, tc);
	return suite;
}
