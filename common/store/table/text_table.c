/*
 * text_table.c - keys and values in memory, packed: open addressing over offsets.
 *
 * A pair is two lengths of 32 bits, the key, the value.  The ceiling keeps offsets far below
 * what 32 bits would hold if they counted units of four octets, which they do.
 */
#include "store/table/text_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "dns/dns.h"

enum { UNIT = 4, FIRST_SLOTS = 64 };

struct text_table {
	char *octets; /* from UNIT on, so that offset 0 means "empty slot" */
	size_t len, size, ceiling;
	uint32_t *slots; /* offsets in units */
	size_t slot_count, count;
	uint64_t seed;
};

struct text_table *text_table_new(size_t ceiling)
{
	struct text_table *t = must_alloc(sizeof *t);

	t->ceiling = ceiling;
	t->len = UNIT;
	t->slot_count = FIRST_SLOTS;
	t->slots = must_alloc(t->slot_count * sizeof *t->slots);
	t->seed = (uint64_t)dns_now_us() * 0x9e3779b97f4a7c15u;
	return t;
}

void text_table_free(struct text_table *t)
{
	if (t == NULL)
		return;
	free(t->octets);
	free(t->slots);
	free(t);
}

/* FNV-1a */
static size_t hash_of(const struct text_table *t, struct slice key)
{
	uint64_t h = t->seed;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.data[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct slice key_at(const struct text_table *t, uint32_t offset, struct slice *value)
{
	const char *p = t->octets + (size_t)offset * UNIT;
	uint32_t lengths[2];

	memcpy(lengths, p, sizeof lengths);
	p += sizeof lengths;
	*value = (struct slice){ p + lengths[0], lengths[1] };
	return (struct slice){ p, lengths[0] };
}

/* The slot of the key, or the empty one where it would be. */
static uint32_t *slot_of(const struct text_table *t, struct slice key, struct slice *value)
{
	size_t at = hash_of(t, key) & (t->slot_count - 1);

	while (t->slots[at] != 0 && !slice_equal(key_at(t, t->slots[at], value), key))
		at = (at + 1) & (t->slot_count - 1);
	return &t->slots[at];
}

static void grow(struct text_table *t)
{
	uint32_t *old = t->slots;
	size_t count = t->slot_count;

	t->slot_count *= 2;
	t->slots = must_alloc(t->slot_count * sizeof *t->slots);
	for (size_t i = 0; i < count; i++) {
		struct slice value;

		if (old[i] != 0)
			*slot_of(t, key_at(t, old[i], &value), &value) = old[i];
	}
	free(old);
}

bool text_table_add(struct text_table *t, struct slice key, struct slice value)
{
	uint32_t lengths[2] = { (uint32_t)key.len, (uint32_t)value.len };
	size_t need = sizeof lengths + key.len + value.len + UNIT;
	struct slice other;
	uint32_t *slot;
	char *p;

	if (key.len > t->ceiling || value.len > t->ceiling || t->len + need > t->ceiling)
		return false;
	if (2 * (t->count + 1) > t->slot_count)
		grow(t);
	slot = slot_of(t, key, &other);
	if (*slot != 0)
		return true;
	if (t->len + need > t->size) {
		t->size = 2 * t->size + need + 4096;
		t->octets = must_realloc(t->octets, t->size);
	}
	p = t->octets + t->len;
	memcpy(p, lengths, sizeof lengths);
	memcpy(p + sizeof lengths, key.data, key.len);
	if (value.len > 0)
		memcpy(p + sizeof lengths + key.len, value.data, value.len);
	*slot = (uint32_t)(t->len / UNIT);
	t->len = (t->len + need) / UNIT * UNIT;
	t->count++;
	return true;
}

struct slice text_table_find(const struct text_table *t, struct slice key)
{
	struct slice value = { 0 };

	return *slot_of(t, key, &value) != 0 ? value : (struct slice){ 0 };
}

size_t text_table_count(const struct text_table *t)
{
	return t->count;
}
