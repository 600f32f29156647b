/* memory.c - what a front remembers of one store: questions, open or answered. */
#include "store/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "dns/dns.h"

enum { FIRST_BUCKETS = 64 };

void memory_init(struct memory *m)
{
	*m = (struct memory){ .bucket_count = FIRST_BUCKETS };
	m->buckets = must_alloc(m->bucket_count * sizeof(struct entry *));
	if (getrandom(&m->seed, sizeof m->seed, 0) != (ssize_t)sizeof m->seed)
		m->seed = (uint64_t)dns_now_us();
}

/* FNV-1a */
static size_t hash_of(const struct memory *m, const struct store_question *q)
{
	uint64_t h = m->seed ^ (uint64_t)q->service;

	for (size_t i = 0; i < q->key.len; i++)
		h = (h ^ (unsigned char)q->key.data[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct entry **bucket_of(const struct memory *m, size_t hash)
{
	return &m->buckets[hash % m->bucket_count];
}

struct entry *memory_find(const struct memory *m, const struct store_question *q)
{
	size_t hash = hash_of(m, q);
	struct entry *e = *bucket_of(m, hash);

	while (e != NULL && (e->hash != hash || e->question.service != q->service ||
				!slice_equal(e->question.key, q->key)))
		e = e->next;
	return e;
}

static void grow(struct memory *m)
{
	struct entry **old = m->buckets;
	size_t count = m->bucket_count;

	m->bucket_count *= 2;
	m->buckets = must_alloc(m->bucket_count * sizeof(struct entry *));
	for (size_t i = 0; i < count; i++) {
		while (old[i] != NULL) {
			struct entry *e = old[i];
			struct entry **place = bucket_of(m, e->hash);

			old[i] = e->next;
			e->next = *place;
			*place = e;
		}
	}
	free(old);
}

static struct slice keep(char **octets, struct slice s)
{
	char *p = *octets;

	if (s.data == NULL)
		return s;
	memcpy(p, s.data, s.len);
	*octets += s.len + 1;
	return (struct slice){ p, s.len };
}

static struct entry *add(struct memory *m, const struct store_question *q)
{
	size_t octets = q->key.len + q->local_part.len + q->domain.len + 3;
	struct entry *e = must_alloc(sizeof *e + octets);
	char *p = e->octets;
	struct entry **place;

	if (m->total++ >= m->bucket_count)
		grow(m);
	e->question.service = q->service;
	e->question.key = keep(&p, q->key);
	e->question.local_part = keep(&p, q->local_part);
	e->question.domain = keep(&p, q->domain);
	e->hash = hash_of(m, q);
	place = bucket_of(m, e->hash);
	e->next = *place;
	*place = e;
	return e;
}

static size_t octets_of(const struct entry *e)
{
	const struct store_question *q = &e->question;

	return sizeof *e + q->key.len + q->local_part.len + q->domain.len + 3 +
	       store_answer_octets(e->answer);
}

static void leave_list(struct memory *m, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &m->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &m->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void enter_list(struct memory *m, struct entry *e)
{
	e->newer = NULL;
	e->older = m->newest;
	*(m->newest != NULL ? &m->newest->newer : &m->oldest) = e;
	m->newest = e;
}

static void count(struct memory *m, struct entry *e)
{
	enter_list(m, e);
	m->entries++;
	m->octets += octets_of(e);
}

static void uncount(struct memory *m, struct entry *e)
{
	leave_list(m, e);
	m->entries--;
	m->octets -= octets_of(e);
}

static void drop(struct memory *m, struct entry *e)
{
	struct entry **place = bucket_of(m, e->hash);

	while (*place != e)
		place = &(*place)->next;
	*place = e->next;
	m->total--;
	store_answer_unref(e->answer);
	free(e);
}

struct entry *memory_open(
    struct memory *m, struct entry *found, const struct store_question *question)
{
	struct entry *e = found;

	if (e == NULL)
		e = add(m, question);
	else if (!e->open)
		uncount(m, e);
	e->open = true;
	return e;
}

void memory_used(struct memory *m, struct entry *e)
{
	if (e->open || m->newest == e)
		return;
	leave_list(m, e);
	enter_list(m, e);
}

void memory_close(struct memory *m, struct entry *e)
{
	e->open = false;
	if (e->answer == NULL) {
		drop(m, e);
		return;
	}
	count(m, e);
	while (m->oldest != NULL &&
	       (m->entries > MEMORY_ENTRIES_MAX || m->octets > MEMORY_OCTETS_MAX)) {
		struct entry *oldest = m->oldest;

		uncount(m, oldest);
		drop(m, oldest);
	}
}

void memory_forget(struct memory *m)
{
	while (m->oldest != NULL) {
		struct entry *e = m->oldest;

		uncount(m, e);
		drop(m, e);
	}
	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct entry *e = m->buckets[i]; e != NULL; e = e->next) {
			store_answer_unref(e->answer);
			e->answer = NULL;
		}
}

void memory_free(struct memory *m)
{
	memory_forget(m);
	for (size_t i = 0; i < m->bucket_count; i++)
		while (m->buckets[i] != NULL)
			drop(m, m->buckets[i]);
	free(m->buckets);
}
