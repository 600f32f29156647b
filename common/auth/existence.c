/* existence.c - does a domain exist, and could mail be sent back to it? */
#include "auth/existence.h"

enum { QUESTIONS = 4 };

/*
 *   null-mx = one MX alone, its exchange the root      RFC 7505 3
 *
 * A server that speaks of the root beside real exchanges has said nothing clear;
 * nor has one beside records that cannot be read.
 */
static bool is_null_mx(const struct dns_answer *mx)
{
	return mx->status == DNS_FOUND && mx->count == 1 && !mx->truncated &&
	       mx->records[0].data.len == 0;
}

/* What the four answers say together; a record that is there outweighs any other word. */
static struct existence conclude(const struct dns_answer *const answers[QUESTIONS])
{
	const struct dns_answer *mx = answers[0];
	struct existence e = { .status = EXISTENCE_NXDOMAIN };

	if (is_null_mx(mx))
		return (struct existence){ .status = EXISTENCE_NULL_MX, .secure = mx->secure };
	for (size_t i = 0; i < QUESTIONS; i++) {
		bool mail = i < QUESTIONS - 1; /* an SOA brings no mail */

		if (answers[i]->status == DNS_FOUND && mail)
			return (struct existence){ .status = EXISTENCE_MAIL,
				.secure = answers[i]->secure };
	}
	for (size_t i = 0; i < QUESTIONS; i++) {
		const struct dns_answer *a = answers[i];

		if (a->status == DNS_TEMPFAIL && e.status != EXISTENCE_UNKNOWN)
			e = (struct existence){ .status = EXISTENCE_UNKNOWN, .why = a->why };
		else if (a->status != DNS_NXDOMAIN && e.status == EXISTENCE_NXDOMAIN)
			e = (struct existence){ .status = EXISTENCE_NO_MAIL, .secure = a->secure };
		else if (a->status == DNS_NXDOMAIN && e.status == EXISTENCE_NXDOMAIN)
			e = (struct existence){
				.status = EXISTENCE_NXDOMAIN, .alias = a->cname, .secure = a->secure
			};
	}
	return e;
}

struct existence existence_of(struct dns_view *view, struct slice domain)
{
	static const enum dns_type types[QUESTIONS] = { DNS_MX, DNS_A, DNS_AAAA, DNS_SOA };
	const struct dns_answer *answers[QUESTIONS];
	bool pending = false;

	for (size_t i = 0; i < QUESTIONS; i++) {
		answers[i] = dns_view_get(view, domain, types[i]);
		pending |= answers[i] == NULL;
	}
	if (pending)
		return (struct existence){ .status = EXISTENCE_PENDING };
	return conclude(answers);
}
