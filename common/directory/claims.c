/*
 * claims.c - whom a message claims to come from, and what the directory knows of
 * them.
 */
#include "directory/claims.h"

#include "directory/view.h"
#include "dns/dns.h"
#include "syntax/domain.h"

struct claimant {
	struct directory *directory; /* NULL: none */
	struct patience *patience;
	struct message *message;
	struct directory_view *view; /* NULL without a directory */
	struct claims facts;
};

const char *claim_name(enum claim_kind kind)
{
	static const char *const names[] = { "MAIL FROM", "From", "Sender", "Resent-From" };

	return names[kind];
}

struct claimant *claimant_new(
    struct directory *directory, struct patience *patience, struct message *message)
{
	struct claimant *c = arena_alloc(message->arena, sizeof *c);

	c->directory = directory;
	c->patience = patience;
	c->message = message;
	c->facts.login = message->transaction.login;
	c->facts.has_directory = directory_has_stores(directory);
	c->facts.tells_domains = directory_tells_domains(directory);
	c->facts.from_served = SERVED_UNKNOWN;
	if (c->facts.has_directory) {
		c->view = directory_view_new(message->arena, directory, 0);
		directory_view_set_gate(c->view, patience->gate);
	}
	message->claims = &c->facts;
	return c;
}

void claimant_free(struct claimant *c)
{
	if (c == NULL)
		return;
	directory_view_free(c->view);
	c->message->claims = NULL;
}

struct claims *claimant_claims(struct claimant *c)
{
	return &c->facts;
}

/* ---- what is claimed ------------------------------------------------------------- */

/*
 *   srs0 = "SRS0" ( "=" / "+" / "-" ) ...      a forwarder's; SRS1 a forwarder's of that
 */
static bool is_srs(struct slice local)
{
	return (slice_starts_nocase(local, SLICE("SRS0")) ||
		   slice_starts_nocase(local, SLICE("SRS1"))) &&
	       local.len > 4 &&
	       (local.data[4] == '=' || local.data[4] == '+' || local.data[4] == '-');
}

/* The recipient stands in it, its @ as "=": bounces-ann=example.net@lists.example.com. */
static bool is_verp(struct slice local)
{
	size_t equals = slice_find_last(local, '=');
	struct slice behind = slice_part(local, equals + 1, local.len);

	return equals < local.len && slice_find(behind, '.') < behind.len;
}

/*
 *   batv = "prvs=" tag "=" local-part / local-part "=" tag (old)     the first alone is in use
 *
 * The local part inside it, else the one given.
 */
static struct slice without_batv(struct slice local)
{
	struct slice rest;
	size_t equals;

	if (!slice_starts_nocase(local, SLICE("prvs=")))
		return local;
	rest = slice_part(local, SLICE("prvs=").len, local.len);
	equals = slice_find(rest, '=');
	return equals + 1 < rest.len ? slice_part(rest, equals + 1, rest.len) : local;
}

static void fill(struct claimant *c, struct claim *claim, struct slice local, struct slice domain)
{
	claim->domain = domain;
	claim->address = address_format(c->message->arena, local, domain);
	claim->found.answer = DIRECTORY_PENDING;
	claim->has_use = c->view != NULL && c->facts.login.len > 0;
	claim->use.permission = PERMISSION_PENDING;
}

static void claim(struct claimant *c, enum claim_kind kind, struct slice local, struct slice domain)
{
	fill(c, &c->facts.list[kind], local, domain);
}

/* Each of several authors, of all From fields. */
static void claim_authors(struct claimant *c)
{
	const struct message *m = c->message;
	struct claims *f = &c->facts;

	f->authors = arena_alloc(m->arena, CLAIM_AUTHORS_MAX * sizeof *f->authors);
	f->authors_left = m->from_total > m->from_count;
	for (size_t i = 0; i < m->from_count; i++)
		for (const struct mailbox *box = m->from[i]->mailboxes; box != NULL;
		     box = box->next) {
			if (box->shaky || f->author_count == CLAIM_AUTHORS_MAX)
				f->authors_left = true;
			else
				fill(c, &f->authors[f->author_count++], box->local_part,
				    box->domain);
		}
}

/* The one good address of the only field of that name. */
static void claim_field(struct claimant *c, enum claim_kind kind, struct slice name)
{
	const struct message *m = c->message;
	const struct field *field = message_field(m, name, 0);
	const struct from_field *parsed;

	if (field == NULL || message_count(m, name) != 1)
		return;
	parsed = from_parse(m->arena, field->body, m->transaction.smtputf8);
	if (parsed->count == 1 && !parsed->mailboxes->shaky)
		claim(c, kind, parsed->mailboxes->local_part, parsed->mailboxes->domain);
}

static void claim_sender(struct claimant *c)
{
	const struct path *path = &c->message->mail_from;

	if (!c->message->has_mail || path->null || path->error.code != SYNTAX_OK ||
	    is_srs(path->local_part) || is_verp(path->local_part))
		return;
	claim(c, CLAIM_MAIL_FROM, without_batv(path->local_part), path->domain);
}

/* ---- what is known of it ------------------------------------------------------------ */

/* True while an answer is pending. */
static bool judge(struct claimant *c, struct claim *claim)
{
	struct slice login = c->facts.login;
	bool pending = false;

	if (claim->address.data == NULL)
		return false;
	if (claim->found.answer == DIRECTORY_PENDING)
		pending =
		    directory_address(c->view, claim->address, &claim->found) == DIRECTORY_PENDING;
	if (claim->has_use && claim->use.permission == PERMISSION_PENDING)
		pending |= directory_may_use(c->view, login, claim->address, &claim->use) ==
			   PERMISSION_PENDING;
	return pending;
}

/* False when there was nothing to wait for. */
static bool wait_for_answers(struct claimant *c)
{
	int64_t begun = dns_now_us();
	bool waited;

	directory_view_set_deadline(c->view, begun + c->patience->left_us);
	waited = directory_view_wait(c->view);
	patience_spend(c->patience, begun, dns_now_us());
	return waited;
}

/* What was noted goes out; a store works while others are waited for. */
static void send_questions(struct claimant *c)
{
	directory_view_set_deadline(c->view, dns_now_us() + c->patience->left_us);
	directory_view_start(c->view);
}

void claimant_sender(struct claimant *c)
{
	claim_sender(c);
	if (c->view == NULL)
		return;
	judge(c, &c->facts.list[CLAIM_MAIL_FROM]);
	send_questions(c);
}

/*
 * sendmail(1) puts the account of its caller into MAIL FROM; one who names another
 * with -f is taken for that one, since no MTA tells a milter the user.
 */
static void take_account(struct claimant *c)
{
	const struct directory_result *found = &c->facts.list[CLAIM_MAIL_FROM].found;

	if (c->facts.login.len == 0 && c->message->transaction.local_submission && found->local)
		c->facts.login =
		    slice_part(found->address, 0, slice_find_last(found->address, '@'));
}

void claimant_sender_finish(struct claimant *c)
{
	if (c->view == NULL)
		return;
	while (judge(c, &c->facts.list[CLAIM_MAIL_FROM]) && wait_for_answers(c))
		;
	c->facts.sender_told = true;
	take_account(c);
}

enum directory_served claimant_serves(struct claimant *c, struct slice domain)
{
	enum directory_served served = SERVED_UNKNOWN;
	struct slice ascii;

	if (c->view == NULL || !domain_to_ascii(c->message->arena, domain, &ascii))
		return SERVED_UNKNOWN;
	while ((served = directory_serves(c->view, ascii)) == SERVED_PENDING && wait_for_answers(c))
		;
	return served == SERVED_PENDING ? SERVED_UNKNOWN : served;
}

/* Whether the domain is ours; where nobody tells, own_domains may: see policy. */
static bool judge_domain(struct claimant *c)
{
	const struct claim *from = &c->facts.list[CLAIM_FROM];
	struct slice ascii;

	if (from->address.data == NULL || !domain_to_ascii(c->message->arena, from->domain, &ascii))
		return false;
	if (c->facts.from_served == SERVED_UNKNOWN || c->facts.from_served == SERVED_PENDING)
		c->facts.from_served = directory_serves(c->view, ascii);
	return c->facts.from_served == SERVED_PENDING;
}

/* All that the header claims; true while an answer is pending. */
static bool judge_header(struct claimant *c)
{
	bool pending = judge_domain(c);

	for (int kind = CLAIM_FROM; kind < CLAIM_KINDS; kind++)
		pending |= judge(c, &c->facts.list[kind]);
	for (size_t i = 0; i < c->facts.author_count; i++)
		pending |= judge(c, &c->facts.authors[i]);
	return pending;
}

void claimant_header(struct claimant *c)
{
	const struct mailbox *author = message_author(c->message);

	if (author != NULL && !author->shaky)
		claim(c, CLAIM_FROM, author->local_part, author->domain);
	else if (author == NULL && c->view != NULL && c->facts.login.len > 0)
		claim_authors(c);
	claim_field(c, CLAIM_SENDER, SLICE("Sender"));
	claim_field(c, CLAIM_RESENT, SLICE("Resent-From"));
	if (c->view == NULL)
		return;
	judge_header(c);
	send_questions(c);
}

void claimant_finish(struct claimant *c)
{
	if (c->facts.finished)
		return;
	while (c->view != NULL && judge_header(c) && wait_for_answers(c))
		;
	c->facts.finished = true;
}
