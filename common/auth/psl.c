/*
 * psl.c - the public suffix list, for RFC 7489's organizational domain.
 *
 * libpsl wants C strings and has its own ideas of dots at either end, so it is
 * given only what domain_to_ascii lets through, in a buffer of our own.
 */
#include "auth/psl.h"

#include <errno.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/domain.h"

#define DISTRIBUTION_LIST "/usr/share/publicsuffix/public_suffix_list.dafsa"

/* psl_ctx_t under our own name, so that no other file needs libpsl's header. */
struct suffix_list {
	const psl_ctx_t *psl;
	psl_ctx_t *owned; /* NULL for the one built into the library */
};

static struct suffix_list *list_new(const psl_ctx_t *psl, psl_ctx_t *owned)
{
	struct suffix_list *list = must_alloc(sizeof *list);

	*list = (struct suffix_list){ psl, owned };
	return list;
}

struct suffix_list *suffix_list_load(const char *path, struct buf *errors)
{
	psl_ctx_t *psl;

	errno = 0;
	psl = psl_load_file(path != NULL ? path : DISTRIBUTION_LIST);
	if (psl == NULL && path == NULL && psl_builtin() != NULL)
		return list_new(psl_builtin(), NULL);
	/* for a DAFSA the library does not know the number and says -1 */
	if (psl != NULL && psl_suffix_count(psl) != 0)
		return list_new(psl, psl);
	buf_printf(errors, "%s: %s\n", path != NULL ? path : DISTRIBUTION_LIST,
	    psl == NULL && errno != 0 ? strerror(errno) : "not a public suffix list");
	psl_free(psl);
	return NULL;
}

void suffix_list_free(struct suffix_list *list)
{
	if (list == NULL)
		return;
	psl_free(list->owned);
	free(list);
}

/* Without a list: the last two labels. */
static bool last_two_labels(struct slice domain, struct slice *org)
{
	size_t dot = slice_find_last(domain, '.'), before;

	if (dot == domain.len)
		return false;
	before = slice_find_last(slice_part(domain, 0, dot), '.');
	*org = slice_part(domain, before == dot ? 0 : before + 1, domain.len);
	return true;
}

bool suffix_list_org_domain(const struct suffix_list *list, struct slice domain, struct slice *org)
{
	char name[DOMAIN_MAX + 1];
	const char *found;

	if (list == NULL)
		return last_two_labels(domain, org);
	if (domain.len == 0 || domain.len > DOMAIN_MAX ||
	    memchr(domain.data, '\0', domain.len) != NULL)
		return false;
	memcpy(name, domain.data, domain.len);
	name[domain.len] = '\0';
	found = psl_registrable_domain(list->psl, name);
	if (found == NULL)
		return false;
	*org = slice_part(domain, (size_t)(found - name), domain.len);
	return true;
}
