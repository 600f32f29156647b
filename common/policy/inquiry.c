/* inquiry.c - all that is asked of others about one message. */
#include "policy/inquiry.h"

#include "policy/identity.h"
#include "syntax/domain.h"

struct inquiry {
	const struct site *site;
	struct message *message;
	struct patience patience;
	struct authenticator *authenticator;
	struct claimant *claimant;
};

struct inquiry *inquiry_new(const struct site *site, struct message *message, int64_t now)
{
	struct inquiry *q = arena_alloc(message->arena, sizeof *q);

	q->site = site;
	q->message = message;
	q->patience = site_patience(site);
	q->authenticator = site_authenticator(site, &q->patience, message, now);
	q->claimant = claimant_new(site->directory, &q->patience, message);
	return q;
}

/*
 * A store and the DNS work side by side.  They get half of what the message may wait: were it all
 * spent here, one of them that fails would leave no time for what the header asks the other.
 */
void inquiry_sender(struct inquiry *q)
{
	int64_t later_us = q->patience.left_us / 2;

	q->patience.left_us -= later_us;
	claimant_sender(q->claimant);
	authenticator_sender(q->authenticator);
	claimant_sender_finish(q->claimant);
	q->patience.left_us += later_us;
}

bool inquiry_serves(struct inquiry *q, struct slice domain)
{
	int64_t later_us = q->patience.left_us / 2;
	bool serves;

	if (q->site->config->own_domains_set || domain.len == 0)
		return false;
	q->patience.left_us -= later_us;
	serves = claimant_serves(q->claimant, domain) == SERVED_YES;
	q->patience.left_us += later_us;
	return serves;
}

/* Where the directory does not tell whose a domain is, the configuration may. */
static void complete_claims(struct inquiry *q)
{
	struct claims *claims = claimant_claims(q->claimant);
	const struct string_list *own = &q->site->config->own_domains;
	const struct claim *from = &claims->list[CLAIM_FROM];
	struct slice ascii;

	claims->identity = identity_judge(q->site->config, q->message);
	if (claims->from_served != SERVED_UNKNOWN || own->count == 0 ||
	    from->address.data == NULL || !domain_to_ascii(q->message->arena, from->domain, &ascii))
		return;
	if (domain_list_has(own, ascii))
		claims->from_served = SERVED_YES;
	else if (!claims->has_directory)
		claims->from_served = SERVED_NO;
}

/* The stores are asked first: they work while the rest is prepared. */
void inquiry_header(struct inquiry *q)
{
	claimant_header(q->claimant);
	site_authenticate_header(q->site, q->authenticator, q->message);
}

bool inquiry_wants_body(const struct inquiry *q)
{
	return authenticator_wants_body(q->authenticator);
}

void inquiry_body(struct inquiry *q, struct slice piece)
{
	authenticator_body(q->authenticator, piece);
}

void inquiry_finish(struct inquiry *q)
{
	authenticator_finish(q->authenticator);
	claimant_finish(q->claimant);
	complete_claims(q);
}

void inquiry_free(struct inquiry *q)
{
	if (q == NULL)
		return;
	authenticator_free(q->authenticator);
	claimant_free(q->claimant);
}
