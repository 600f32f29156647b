/* address_facts.c - what the directory says of one address. */
#include "tools/address_facts.h"

#include "directory/view.h"
#include "dns/dns.h"
#include "store/address.h"
#include "tools/tools.h"

/* True while an answer is pending. */
static bool ask(struct address_facts *f)
{
	bool pending = false;

	if (f->found.answer == DIRECTORY_PENDING)
		pending = directory_address(f->view, f->given, &f->found) == DIRECTORY_PENDING;
	if (f->use.permission == PERMISSION_PENDING)
		pending |=
		    directory_may_use(f->view, f->login, f->given, &f->use) == PERMISSION_PENDING;
	return pending;
}

void address_facts_find(struct address_facts *f, struct arena *arena, const struct site *site,
    struct slice address, struct slice login)
{
	int64_t begun = dns_now_us();
	struct address shape;

	*f = (struct address_facts){ .given = address, .login = login };
	/* how a site folds local parts makes no difference to what is an address */
	f->malformed = !address_read(arena, &(struct address_rules){ 0 }, address, false, &shape);
	f->found.answer = DIRECTORY_PENDING;
	f->use.permission = PERMISSION_PENDING;
	f->view = directory_view_new(
	    arena, site->directory, begun + (int64_t)(site->config->deadline * 1e6));
	while (ask(f) && directory_view_wait(f->view))
		;
	f->elapsed_us = dns_now_us() - begun;
}

void address_facts_end(struct address_facts *f)
{
	directory_view_free(f->view);
	f->view = NULL;
}

int address_facts_status(const struct address_facts *f)
{
	switch (f->found.answer) {
	case DIRECTORY_NONE: return STATUS_ACTED;
	case DIRECTORY_UNKNOWN:
	case DIRECTORY_PENDING: return STATUS_UNKNOWN;
	default: return STATUS_GOOD;
	}
}

int address_facts_worse(int status, int other)
{
	if (status == STATUS_ACTED || other == STATUS_ACTED)
		return STATUS_ACTED;
	return status > other ? status : other;
}
