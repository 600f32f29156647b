/*
 * signer_list.c - all that the signer's tables sign as.
 *
 * A KeyTable names its domains itself, but for "%": those come from the entries
 * of the SigningTable that use the key, where they name one domain.
 */
#include <string.h>

#include "signer/signer.h"
#include "signer/signer_parts.h"

struct list {
	const struct signer *signer;
	struct arena *arena;
	struct signer_listing *out;
	size_t first_derived; /* what stands behind it comes from the SigningTable */
};

static void add(struct list *l, struct signing one)
{
	if (l->out->count == SIGNINGS_LISTED_MAX) {
		l->out->more = true;
		return;
	}
	one.algorithm = l->signer->algorithm;
	l->out->list[l->out->count++] = one;
}

/* ---- one key for all domains ----------------------------------------------------------- */

static void list_domains(struct list *l)
{
	const struct signer_table *table = l->signer->domains;
	struct signing one = { 0 };

	one.selector = signer_config_value(&l->signer->config, SIGNER_SELECTOR);
	one.key = signer_key_file_path(l->signer, l->arena);
	one.key_in_file = true;
	for (size_t i = 0; i < table->count; i++) {
		const struct table_entry *entry = &table->entries[i];

		one.domain = entry->key;
		if (entry->unclear || slice_find(entry->key, '*') < entry->key.len)
			l->out->templates++;
		else
			add(l, one);
	}
}

/* ---- a KeyTable --------------------------------------------------------------------------- */

/* What the entry signs as, with domain for "%"; false if it is corrupt. */
static bool read_entry(
    struct list *l, const struct table_entry *entry, struct slice domain, struct signing *one)
{
	*one = (struct signing){ 0 };
	if (!signer_key_entry(entry, &one->domain, &one->selector, &one->key))
		return false;
	if (slice_equal(one->domain, SLICE("%")))
		one->domain = domain;
	one->key_in_file = signer_key_is_path(one->key);
	if (one->key_in_file)
		one->key = signer_table_key_path(l->signer, l->arena, one->key, one->domain);
	return true;
}

static bool is_template(const struct table_entry *entry)
{
	return slice_starts_nocase(entry->value, SLICE("%:"));
}

static void list_keys(struct list *l)
{
	const struct signer_table *table = l->signer->key_table;
	struct signing one;

	for (size_t i = 0; i < table->count; i++)
		if (!is_template(&table->entries[i]) &&
		    read_entry(l, &table->entries[i], SLICE(""), &one))
			add(l, one);
}

/* The one domain that an entry of the SigningTable is about; not there when there are more. */
static struct slice domain_of(const struct table_entry *entry)
{
	size_t at = slice_find_last(entry->key, '@');
	struct slice domain =
	    at < entry->key.len ? slice_part(entry->key, at + 1, entry->key.len) : entry->key;

	if (entry->unclear || domain.len == 0 || domain.data[0] == '.' ||
	    slice_find(domain, '*') < domain.len)
		return (struct slice){ NULL, 0 };
	return domain;
}

static bool is_listed(const struct list *l, const struct signing *one)
{
	for (size_t i = l->first_derived; i < l->out->count; i++)
		if (slice_equal_nocase(l->out->list[i].domain, one->domain) &&
		    slice_equal(l->out->list[i].selector, one->selector) &&
		    slice_equal(l->out->list[i].key, one->key))
			return true;
	return false;
}

static void list_templates(struct list *l)
{
	const struct signer_table *table = l->signer->signing_table;

	for (size_t i = 0; i < table->count; i++) {
		struct slice value = table->entries[i].value;
		struct slice name = slice_part(value, 0, slice_find(value, ':'));
		struct slice domain = domain_of(&table->entries[i]);
		const struct table_entry *entry = NULL;
		struct signing one;

		if (domain.data != NULL)
			domain = signer_lower(l->arena, domain);
		if (slice_equal(name, SLICE("%")))
			name = domain;
		if (name.data == NULL)
			l->out->templates += value.len > 0;
		else if (signer_table_find(l->signer->key_table, name, &entry) != TABLE_FOUND ||
			 !is_template(entry))
			continue;
		else if (domain.data == NULL)
			l->out->templates++;
		else if (read_entry(l, entry, domain, &one) && !is_listed(l, &one))
			add(l, one);
	}
}

/* ---- both -------------------------------------------------------------------------------- */

static size_t most(const struct signer_table *table)
{
	return table != NULL ? table->count : 0;
}

void signer_list(const struct signer *signer, struct arena *arena, struct signer_listing *listing)
{
	struct list l = { signer, arena, listing, 0 };
	size_t count =
	    most(signer->key_table) + most(signer->signing_table) + most(signer->domains);

	*listing = (struct signer_listing){ 0 };
	if (!signer->signs)
		return;
	listing->reason = signer->why_unknown;
	if (listing->reason.data != NULL)
		return;
	if (count > SIGNINGS_LISTED_MAX)
		count = SIGNINGS_LISTED_MAX;
	listing->list = arena_alloc(arena, (count + 1) * sizeof *listing->list);
	if (signer->key_table == NULL) {
		if (signer->domains != NULL)
			list_domains(&l);
		return;
	}
	list_keys(&l);
	l.first_derived = listing->count;
	list_templates(&l);
}
