/* domain.c - the checks that a sender's domain exists and could be answered. */
#include "auth/authentication.h"
#include "check/rows.h"

/* Where the domain stands in the text, if it stands at its end behind an @. */
static void point_at(struct finding *f, struct slice text, size_t end, struct slice domain)
{
	size_t begin = end - domain.len;

	if (domain.len == 0 || domain.len >= end || end > text.len || text.data[begin - 1] != '@' ||
	    !slice_equal(slice_part(text, begin, end), domain))
		return;
	f->has_offset = true;
	f->offset = begin;
	f->token = domain;
}

/* Sets what is to be said of the domain; false when nothing is. */
static bool describe(struct check_run *run, const struct domain_fact *fact, struct finding *f)
{
	const struct existence *e = &fact->existence;

	f->result = FINDING_FAIL;
	f->rfc = "RFC 5321 2.3.5";
	switch (e->status) {
	case EXISTENCE_MAIL:
	case EXISTENCE_PENDING: return false;
	case EXISTENCE_NXDOMAIN:
		f->reason = e->alias ? SLICE("the domain is an alias of a name that does not exist")
				     : SLICE("the domain does not exist");
		f->fix = SLICE("write a domain that exists, or publish MX records for this one");
		return true;
	case EXISTENCE_NULL_MX:
		f->enhanced = "5.7.27";
		f->rfc = "RFC 7505 4.2";
		f->reason = SLICE("the domain says that it takes no mail (null MX)");
		f->fix = SLICE("write from a domain that takes mail, or publish a real MX record");
		return true;
	case EXISTENCE_NO_MAIL:
		f->at_most = ACTION_LOG;
		f->rfc = "RFC 5321 5.1";
		f->reason = SLICE("the domain has no MX, A or AAAA record: nobody can answer");
		f->fix = SLICE("publish an MX record for the domain");
		return true;
	case EXISTENCE_UNKNOWN: break;
	}
	f->result = FINDING_UNKNOWN;
	f->reason = arena_printf(run->arena, "the domain could not be looked up: %s",
	    e->why != NULL ? e->why : "no answer");
	return true;
}

void check_sender_domain(struct check_run *run)
{
	const struct message *m = run->message;
	struct finding f = { .field = "MAIL FROM" };
	struct slice raw = m->mail_from.raw;
	size_t end = raw.len;

	if (end > 0 && raw.data[end - 1] == '>')
		end--;
	point_at(&f, raw, end, m->mail_from.domain);
	if (describe(run, &m->authentication->sender, &f))
		check_add(run, f);
}

void check_from_resolves(struct check_run *run)
{
	const struct message *m = run->message;
	const struct mailbox *author = message_author(m);
	struct finding f = { .field = "From" };

	if (author != NULL)
		point_at(&f, m->from[0]->body, author->offset + author->length, author->domain);
	if (describe(run, &m->authentication->author, &f))
		check_add(run, f);
}
