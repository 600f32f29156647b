/* pairs.c - a table of pairs, open addressing, doubled when it is half full. */
#include "tools/pairs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

enum { SLOTS_FIRST = 256 };

struct pairs {
	struct arena *arena;
	struct pair **slots;
	size_t slot_count, count;
	uint64_t seed; /* so that nobody can choose pairs that share a slot */
};

struct pairs *pairs_new(void)
{
	struct pairs *p = must_alloc(sizeof *p);

	p->arena = arena_new();
	p->slot_count = SLOTS_FIRST;
	p->slots = must_alloc(p->slot_count * sizeof(struct pair *));
	if (getrandom(&p->seed, sizeof p->seed, 0) != (ssize_t)sizeof p->seed)
		p->seed = (uintptr_t)p;
	return p;
}

void pairs_free(struct pairs *p)
{
	arena_free(p->arena);
	free(p->slots);
	free(p);
}

static uint64_t mix(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		h = (h ^ (unsigned char)ascii_lower(s.data[i])) * 1099511628211u;
		h ^= h >> 29;
	}
	return (h ^ s.len) * 1099511628211u;
}

/* Where it is, or would be. */
static struct pair **find(const struct pairs *p, const struct pair *wanted)
{
	size_t at = wanted->hash & (p->slot_count - 1);

	for (struct pair *one; (one = p->slots[at]) != NULL; at = (at + 1) & (p->slot_count - 1))
		if (one->hash == wanted->hash && strcmp(one->field, wanted->field) == 0 &&
		    slice_equal_nocase(one->address, wanted->address) &&
		    slice_equal_nocase(one->login, wanted->login))
			break;
	return &p->slots[at];
}

static void grow(struct pairs *p)
{
	struct pair **old = p->slots;
	size_t count = p->slot_count;

	p->slot_count *= 2;
	p->slots = must_alloc(p->slot_count * sizeof(struct pair *));
	for (size_t i = 0; i < count; i++)
		if (old[i] != NULL)
			*find(p, old[i]) = old[i];
	free(old);
}

bool pairs_add(struct pairs *p, const char *field, struct slice address, struct slice login)
{
	struct pair new = { .field = field, .address = address, .login = login, .count = 1 };
	struct pair **place;

	new.hash = (size_t)mix(mix(mix(p->seed, slice_of(field)), address), login);
	new.order = p->count;
	place = find(p, &new);
	if (*place != NULL) {
		(*place)->count++;
		return true;
	}
	if (p->count >= PAIRS_MAX ||
	    arena_used(p->arena) + sizeof new + address.len + login.len > PAIRS_OCTETS_MAX)
		return false;
	new.address = arena_copy(p->arena, address);
	new.login = arena_copy(p->arena, login);
	*place = arena_alloc(p->arena, sizeof new);
	**place = new;
	if (++p->count > p->slot_count / 2)
		grow(p);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct pair *one = *(struct pair *const *)a, *other = *(struct pair *const *)b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return one->order < other->order ? -1 : 1;
}

struct pair *const *pairs_sorted(struct pairs *p, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < p->slot_count; i++)
		if (p->slots[i] != NULL)
			p->slots[n++] = p->slots[i];
	qsort(p->slots, n, sizeof *p->slots, compare);
	*count = n;
	return p->slots;
}
