/*
 * authentication.c - the facts that a receiver will find out about a message.
 *
 * Each part takes what the view knows, notes what it lacks and says whether it
 * is pending; a part that is complete is not run again.  All parts run in turn,
 * in the order of one list (parts): once when the header is complete, so that
 * their questions go out, and then between waits, until none is pending.  No part
 * knows of time: the budget is kept in one place, wait_for_answers.
 */
#include "auth/authentication.h"

#include <string.h>

#include "auth/opendmarc.h"
#include "auth/spf_record.h"
#include "base/clock.h"
#include "syntax/domain.h"

struct authenticator {
	const struct auth_services *services;
	struct auth_limits limits;
	struct message *message;
	struct arena *arena;
	struct dns_view *view;
	struct auth_route route;

	/* the author domains, A-form, distinct */
	struct slice authors[AUTH_AUTHORS_MAX];
	size_t author_count;

	struct verifier *verifier; /* NULL: the header is not there yet */
	bool has_body;             /* it is complete */
	bool verified;
	struct spf_fact *spf;
	struct alignment_fact *alignment;
	struct alignment_fact expected_alignment[SIGNINGS_MAX];
	struct authentication facts;
};

struct authenticator *authenticator_new(
    const struct auth_services *services, const struct auth_limits *limits, struct message *message)
{
	struct authenticator *a = arena_alloc(message->arena, sizeof *a);

	a->services = services;
	a->limits = *limits;
	a->message = message;
	a->arena = message->arena;
	a->view = dns_view_new(a->arena, services->resolver, 0);
	dns_view_set_gate(a->view, limits->patience->gate);
	message->authentication = &a->facts;
	return a;
}

void authenticator_free(struct authenticator *a)
{
	if (a == NULL)
		return;
	verifier_free(a->verifier);
	dns_view_free(a->view);
	a->message->authentication = NULL;
}

/* ---- waiting ----------------------------------------------------------------------- */

static void start_questions(struct authenticator *a)
{
	dns_view_set_deadline(a->view, clock_now_us() + a->limits.patience->left_us);
	dns_view_start(a->view);
}

/* False when there was nothing to wait for. */
static bool wait_for_answers(struct authenticator *a)
{
	int64_t begun = clock_now_us();
	bool waited;

	dns_view_set_deadline(a->view, begun + a->limits.patience->left_us);
	waited = dns_view_wait(a->view);
	patience_spend(a->limits.patience, begun, clock_now_us());
	return waited;
}

/* ---- domains ------------------------------------------------------------------------ */

/* A name that a receiver would look up; what is no host name has a check of its own. */
static void set_domain(struct authenticator *a, struct domain_fact *fact, struct slice name)
{
	struct slice ascii;

	fact->existence.status = EXISTENCE_PENDING;
	if (name.len > 0 && domain_check(name).code == SYNTAX_OK &&
	    domain_to_ascii(a->arena, name, &ascii))
		fact->name = ascii;
}

static bool look_up(struct authenticator *a, struct domain_fact *fact)
{
	if (fact->name.data == NULL || fact->existence.status != EXISTENCE_PENDING)
		return false;
	fact->existence = existence_of(a->view, fact->name);
	return fact->existence.status == EXISTENCE_PENDING;
}

static bool look_up_author(struct authenticator *a)
{
	return look_up(a, &a->facts.author);
}

/* Is there a sender to speak of: a Mailbox, or the null one? */
static bool has_sender(const struct authenticator *a)
{
	const struct message *m = a->message;

	return m->has_mail && (m->mail_from.null || m->mail_from.error.code == SYNTAX_OK);
}

void authenticator_sender(struct authenticator *a)
{
	if (!has_sender(a) || a->message->mail_from.null)
		return;
	set_domain(a, &a->facts.sender, a->message->mail_from.domain);
	while (look_up(a, &a->facts.sender) && wait_for_answers(a))
		;
}

static void add_author(struct authenticator *a, struct slice domain)
{
	struct domain_fact fact = { .name = { NULL, 0 } };

	set_domain(a, &fact, domain);
	if (fact.name.data == NULL || a->author_count == AUTH_AUTHORS_MAX)
		return;
	for (size_t i = 0; i < a->author_count; i++)
		if (slice_equal(a->authors[i], fact.name))
			return;
	a->authors[a->author_count++] = fact.name;
}

static void find_authors(struct authenticator *a)
{
	const struct message *m = a->message;

	for (size_t i = 0; i < m->from_count; i++)
		for (const struct mailbox *box = m->from[i]->mailboxes; box != NULL;
		     box = box->next)
			add_author(a, box->domain);
	a->facts.author.existence.status = EXISTENCE_PENDING;
	if (a->author_count == 1)
		a->facts.author.name = a->authors[0];
}

/* ---- which signatures matter --------------------------------------------------------- */

/* The octets from which on both names are the same, at the beginning of a label; len: none. */
static size_t common_suffix(struct slice a, struct slice b)
{
	size_t begin = a.len;

	for (size_t n = 1; n <= a.len && n <= b.len; n++) {
		if (a.data[a.len - n] != b.data[b.len - n])
			break;
		if ((n == a.len || a.data[a.len - n - 1] == '.') &&
		    (n == b.len || b.data[b.len - n - 1] == '.'))
			begin = a.len - n;
	}
	return begin;
}

/* Could there be a DMARC record at the name?  False only where the DNS has said no. */
static bool may_have_record(struct authenticator *a, struct slice name)
{
	const struct dns_answer *answer =
	    dns_view_get(a->view, arena_printf(a->arena, "_dmarc.%.*s", SLICE_ARG(name)), DNS_TXT);

	if (answer == NULL || answer->status == DNS_TEMPFAIL || answer->truncated)
		return true;
	for (size_t i = 0; i < answer->count; i++)
		if (auth_dmarc_record_parse(answer->records[i].data, DMARC_RFC9989).is_dmarc)
			return true;
	return false;
}

/*
 * Could the domain be aligned with the author's?  Under RFC 7489 the suffix list
 * says; under RFC 9989 two names have an organizational domain in common only
 * if that, or a name below it that is a suffix of both, has a record.  These are names
 * that the walk asks for anyway.
 */
static bool may_align(struct authenticator *a, struct slice author, struct slice domain)
{
	const struct suffix_list *suffixes = a->services->suffixes;
	struct slice org, other, rest;

	if (slice_equal(author, domain))
		return true;
	if (suffix_list_org_domain(suffixes, author, &org) &&
	    suffix_list_org_domain(suffixes, domain, &other) && slice_equal(org, other))
		return true;
	rest = slice_part(author, common_suffix(author, domain), author.len);
	while (rest.len > 0) {
		if (may_have_record(a, rest))
			return true;
		rest = slice_part(rest, slice_find(rest, '.') + 1, rest.len);
	}
	return false;
}

static bool is_wanted(void *context, struct slice domain)
{
	struct authenticator *a = context;

	if (a->limits.is_own != NULL && a->limits.is_own(a->limits.context, domain))
		return true;
	for (size_t i = 0; i < a->author_count; i++)
		if (may_align(a, a->authors[i], domain))
			return true;
	return false;
}

/* Nothing verifies before the body; the questions for the keys were noted by verifier_new. */
static bool verify(struct authenticator *a)
{
	a->verified = a->has_body && verifier_finish(a->verifier);
	return !a->verified;
}

/* The signatures that a signer behind us will add. */
static bool judge_expected(struct authenticator *a)
{
	return expected_judge(a->route.signer, a->arena, a->view, &a->facts.expected);
}

/* ---- SPF -------------------------------------------------------------------------------- */

/* The addresses to evaluate, those of each network in turn. */
static void set_egress(struct authenticator *a)
{
	const struct auth_route *route = &a->route;
	size_t most = route->egress_count * NETWORK_SAMPLES, count = 0;

	if (route->egress_count == 0 || !has_sender(a))
		return;
	if (most > EGRESS_MAX)
		most = EGRESS_MAX;
	a->spf = arena_alloc(a->arena, most * sizeof *a->spf);
	for (size_t i = 0; i < route->egress_count; i++) {
		struct ip samples[NETWORK_SAMPLES];
		size_t some = network_samples(&route->egress[i], samples);

		for (size_t n = 0; n < some && count < most; n++) {
			a->spf[count].outcome.result = SPF_PENDING;
			a->spf[count].network = &route->egress[i];
			a->spf[count++].ip = samples[n];
		}
	}
	a->facts.spf_evaluated = true;
	a->facts.spf = a->spf;
	a->facts.spf_count = count;
}

static bool evaluate_spf(struct authenticator *a)
{
	struct spf_query query = {
		.mail_from = a->message->mail_from.address,
		.helo = a->route.helo,
		.receiver = SLICE("unknown"),
		.now = a->limits.now,
	};
	bool pending = false;

	if (a->message->mail_from.null)
		query.mail_from = SLICE("");
	for (size_t i = 0; i < a->facts.spf_count; i++) {
		struct spf_fact *fact = &a->spf[i];

		if (fact->outcome.result != SPF_PENDING)
			continue;
		query.ip = fact->ip;
		fact->outcome = spf_evaluate(a->arena, a->view, &query);
		pending |= fact->outcome.result == SPF_PENDING;
	}
	return pending;
}

struct spf_record_fact spf_record_fact_of(
    struct arena *arena, struct slice domain, const struct dns_answer *answer)
{
	struct spf_record_fact fact = { .domain = domain };

	fact.unknown = answer->status == DNS_TEMPFAIL || answer->truncated;
	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_is_record(answer->records[i].data))
			continue;
		fact.count++;
		fact.record = answer->records[i].data;
	}
	if (fact.count != 1 || fact.unknown)
		fact.record = (struct slice){ NULL, 0 };
	else
		fact.problem = spf_record_problem(arena, fact.record, &fact.offset);
	return fact;
}

/* Without an egress address there is nothing to evaluate, but the record can be read. */
static bool read_spf_record(struct authenticator *a)
{
	struct spf_record_fact *fact = &a->facts.spf_record;
	const struct dns_answer *answer;

	if (a->facts.spf_evaluated || a->facts.sender.name.data == NULL ||
	    fact->domain.data != NULL)
		return false;
	answer = dns_view_get(a->view, a->facts.sender.name, DNS_TXT);
	if (answer == NULL)
		return true;
	*fact = spf_record_fact_of(a->arena, a->facts.sender.name, answer);
	return false;
}

/* ---- DMARC -------------------------------------------------------------------------------- */

/*
 * SPF's part: the domain, if every address that mail leaves from passes.  One
 * that could not be told leaves it open; so does an egress that is not known.
 */
static struct dmarc_identifier spf_identifier(const struct authenticator *a)
{
	struct dmarc_identifier id = { .unknown = !a->facts.spf_evaluated };

	for (size_t i = 0; i < a->facts.spf_count; i++) {
		const struct spf_outcome *outcome = &a->spf[i].outcome;

		if (outcome->result == SPF_PENDING || outcome->result == SPF_TEMPERROR)
			id.unknown = true;
		else if (outcome->result != SPF_PASS)
			return (struct dmarc_identifier){ .unknown = false };
		id.domain = outcome->domain;
	}
	return id;
}

/* Those of the signatures that will be added; one of any domain, where that cannot be told. */
static size_t expected_identifiers(struct authenticator *a, struct dmarc_identifier *list)
{
	const struct expected *expected = &a->facts.expected;
	size_t count = 0;

	if (expected->answer == SIGNER_UNKNOWN || expected->answer == SIGNER_DEFERS)
		list[count++] = (struct dmarc_identifier){ .unknown = true };
	for (size_t i = 0; i < expected->count; i++) {
		enum expected_status status = expected_status_of(&expected->list[i]);

		if (status == EXPECTED_GOOD || status == EXPECTED_UNKNOWN)
			list[count++] =
			    (struct dmarc_identifier){ expected->list[i].signature.domain,
				    status == EXPECTED_UNKNOWN };
	}
	return count;
}

static struct dmarc_identifiers identifiers_of(struct authenticator *a)
{
	size_t count = 0;
	struct dmarc_identifier *list =
	    arena_alloc(a->arena, (a->facts.signature_count + SIGNINGS_MAX + 1) * sizeof *list);

	for (size_t i = 0; i < a->facts.signature_count; i++) {
		const struct signature *s = &a->facts.signatures[i];

		if (s->result == SIGNATURE_PASS || auth_signature_is_open(s))
			list[count++] = (struct dmarc_identifier){ s->domain,
				!a->verified || s->result != SIGNATURE_PASS };
	}
	if (a->route.place == AUTH_SIGNER_AFTER && a->author_count == 1)
		list[count++] = (struct dmarc_identifier){ a->authors[0], false };
	count += expected_identifiers(a, list + count);
	return (struct dmarc_identifiers){ list, count, spf_identifier(a) };
}

static struct dmarc_query query_of(struct authenticator *a, enum dmarc_standard standard)
{
	return (struct dmarc_query){
		.arena = a->arena,
		.view = a->view,
		.suffixes = a->services->suffixes,
		.standard = standard,
	};
}

static bool evaluate_dmarc(struct authenticator *a)
{
	struct dmarc_identifiers ids;
	bool pending = false;

	if (a->author_count == 0)
		return false;
	ids = identifiers_of(a);
	for (int s = 0; s < DMARC_STANDARDS; s++) {
		const struct dmarc_query query = query_of(a, (enum dmarc_standard)s);
		struct dmarc_verdict *v = &a->facts.dmarc[s];

		*v = auth_dmarc_evaluate_all(&query, a->authors, a->author_count, &ids);
		pending |= v->result == DMARC_RESULT_PENDING;
	}
	a->facts.dmarc_evaluated = true;
	return pending;
}

/* Is it open which record applies, and with it which mode? */
static bool is_mode_open(const struct dmarc_verdict *v)
{
	return v->result == DMARC_RESULT_TEMPERROR && v->record_domain.data == NULL;
}

/*
 * How the domain stands to the author; true while that is pending.  Where the
 * mode is open, what is aligned in one of them only is not known to be aligned.
 */
static bool align(
    struct authenticator *a, struct slice domain, bool dkim, struct alignment_fact *fact)
{
	bool pending = false;

	*fact = (struct alignment_fact){ .unknown = false };
	for (int s = 0; s < DMARC_STANDARDS; s++) {
		const struct dmarc_query query = query_of(a, (enum dmarc_standard)s);
		const struct dmarc_verdict *v = &a->facts.dmarc[s];
		bool strict = dkim ? v->parsed.strict_dkim : v->parsed.strict_spf;
		enum dmarc_alignment relaxed = auth_dmarc_alignment(&query, v, domain, false);
		enum dmarc_alignment exact = auth_dmarc_alignment(&query, v, domain, true);
		enum dmarc_alignment aligned = strict || is_mode_open(v) ? exact : relaxed;

		fact->relaxed[s] = relaxed;
		fact->aligned[s] = aligned == DMARC_ALIGNED;
		fact->unknown |=
		    aligned == DMARC_ALIGNMENT_UNKNOWN || (is_mode_open(v) && relaxed != exact);
		pending |= relaxed == DMARC_ALIGNMENT_PENDING;
	}
	return pending;
}

/* A signature that was not verified for its foreign domain is aligned with nobody. */
static bool align_all(struct authenticator *a)
{
	bool pending = false;

	if (a->author_count == 0)
		return false;
	for (size_t i = 0; i < a->facts.signature_count; i++)
		if (a->facts.signatures[i].domain.data != NULL &&
		    a->facts.signatures[i].fault != SIGNATURE_FOREIGN)
			pending |= align(a, a->facts.signatures[i].domain, true, &a->alignment[i]);
	for (size_t i = 0; i < a->facts.expected.count; i++)
		pending |= align(
		    a, a->facts.expected.list[i].signature.domain, true, &a->expected_alignment[i]);
	for (size_t i = 0; i < a->facts.spf_count; i++)
		if (a->spf[i].outcome.domain.len > 0)
			pending |= align(a, a->spf[i].outcome.domain, false, &a->spf[i].alignment);
	return pending;
}

/* Only a record that applies has a second reading. */
static void ask_opendmarc(struct authenticator *a)
{
	const struct dmarc_verdict *v = &a->facts.dmarc[DMARC_RFC7489];
	struct dmarc_identifiers ids;
	struct opinion opinion;

	if (!a->services->opendmarc || v->record.data == NULL)
		return;
	ids = identifiers_of(a);
	opinion = opinion_of(a->arena, v, &ids);
	a->facts.opendmarc = opinion_difference(a->arena, &opinion, v);
}

/* The one that signers go by. */
static const struct mailbox *first_author(const struct message *m)
{
	return m->from_count > 0 ? m->from[0]->mailboxes : NULL;
}

/* ---- the parts ------------------------------------------------------------------------------ */

/*
 * DMARC reads what those before it found; alignment (align_all) reads them all, and so is none of
 * these, but comes when none is pending.
 */
static bool (*const parts[])(struct authenticator *a) = {
	look_up_author,
	evaluate_spf,
	judge_expected,
	read_spf_record,
	verify,
	evaluate_dmarc,
};

/* All parts once; true while one is pending. */
static bool take_answers(struct authenticator *a)
{
	bool pending = false;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		pending |= parts[i](a);
	return pending;
}

/* ---- the steps ------------------------------------------------------------------------------ */

void authenticator_header(struct authenticator *a, const struct auth_route *route)
{
	struct authentication *f = &a->facts;

	a->route = *route;
	f->signer = route->place;
	find_authors(a);
	a->verifier =
	    verifier_new(a->services->verifier, a->message, a->view, a->limits.now, is_wanted, a);
	f->signatures = verifier_signatures(a->verifier, &f->signature_count);
	f->signature_total = verifier_signature_total(a->verifier);
	a->alignment = arena_alloc(a->arena, (f->signature_count + 1) * sizeof *a->alignment);
	f->signature_alignment = a->alignment;
	f->expected_alignment = a->expected_alignment;
	set_egress(a);
	if (route->place == AUTH_SIGNER_TABLES)
		expected_begin(route->signer, a->arena, first_author(a->message), &f->expected);
	take_answers(a);
	start_questions(a);
}

bool authenticator_wants_body(const struct authenticator *a)
{
	return a->verifier != NULL && verifier_wants_body(a->verifier);
}

void authenticator_body(struct authenticator *a, struct slice piece)
{
	if (!authenticator_wants_body(a))
		return;
	body_look(&a->facts.body, piece);
	verifier_body(a->verifier, piece);
}

void authenticator_finish(struct authenticator *a)
{
	if (a->verifier == NULL || a->facts.finished)
		return;
	body_end(&a->facts.body);
	a->has_body = true;
	while ((take_answers(a) || align_all(a)) && wait_for_answers(a))
		;
	ask_opendmarc(a);
	a->facts.finished = true;
}
