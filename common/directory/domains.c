/* domains.c - a set of domains: exact names, and "*.x" for those below x. */
#include "directory/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/domain.h"

bool domains_add(struct domains *d, struct slice pattern)
{
	struct arena *arena = arena_new();
	bool below = slice_starts_nocase(pattern, SLICE("*."));
	struct slice name;
	bool good =
	    domain_to_ascii(arena, below ? slice_part(pattern, 2, pattern.len) : pattern, &name);

	if (good) {
		char *item = must_alloc(name.len + 3);

		memcpy(item, "*.", 2);
		memcpy(item + (below ? 2 : 0), name.data, name.len + 1);
		if (d->count == d->size) {
			d->size = d->size == 0 ? 8 : 2 * d->size;
			d->items = must_realloc(d->items, d->size * sizeof *d->items);
		}
		d->items[d->count++] = item;
	}
	arena_free(arena);
	return good;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void domains_sort(struct domains *d)
{
	if (d->count > 0)
		qsort(d->items, d->count, sizeof *d->items, compare);
}

/* As strcmp of "*." and name, or of name alone, with an item. */
static int order(bool below, struct slice name, const char *item)
{
	int difference;

	if (below) {
		difference = strncmp("*.", item, 2);
		if (difference != 0)
			return difference;
		item += 2;
	}
	difference = strncmp(name.data, item, name.len);
	return difference != 0 ? difference : item[name.len] == '\0' ? 0 : -1;
}

static bool has(const struct domains *d, bool below, struct slice name)
{
	size_t low = 0, high = d->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int difference = order(below, name, d->items[middle]);

		if (difference == 0)
			return true;
		if (difference < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool domains_has(const struct domains *d, struct slice domain)
{
	if (d->count == 0)
		return false;
	if (has(d, false, domain))
		return true;
	for (size_t dot; (dot = slice_find(domain, '.')) < domain.len;) {
		domain = slice_part(domain, dot + 1, domain.len);
		if (has(d, true, domain))
			return true;
	}
	return false;
}

void domains_free(struct domains *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->items[i]);
	free(d->items);
}
