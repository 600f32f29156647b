/*
 * cache.c - keeps another resolver's answers.
 *
 * Entries are spread over shards by the hash of their question, each with its
 * own lock, table and list in order of last use.  An entry is open (asked
 * below, with a list of those who wait), or it holds an answer.  Open entries
 * are in no list of use and are never thrown out: their number has the ceilings
 * of the resolver below and of the messages that wait.
 *
 * Nothing outside is called with a lock held.
 */
#include "dns/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/clock.h"
#include "dns/answer.h"

enum { SHARDS = 16, FIRST_BUCKETS = 64 };

struct waiter {
	struct waiter *next;
	resolver_done *done;
	void *context;
};

struct entry {
	struct entry *next; /* in its bucket */
	struct entry *newer, *older;
	struct shard *shard;
	struct dns_answer *answer; /* NULL: open */
	struct waiter *waiters;
	int64_t until_us; /* the answer is good; open: who asks waits */
	size_t hash;
	enum dns_type type;
	size_t len;
	char name[]; /* with a NUL behind */
};

struct shard {
	pthread_mutex_t mutex;
	struct cache *cache;
	struct entry **buckets;
	size_t bucket_count;
	struct entry *newest, *oldest;
	size_t entries, octets; /* of those in the list of use */
};

struct cache {
	struct resolver resolver; /* first: see struct resolver */
	struct resolver *below;
	struct cache_options options;
	uint64_t seed; /* so that nobody can choose names that share a bucket */
	struct shard shards[SHARDS];
};

const struct cache_options cache_defaults = { CACHE_ENTRIES_MAX, CACHE_OCTETS_MAX, clock_now_us };

/* ---- a shard's table, with its lock held ---------------------------------------- */

/* FNV-1a */
static size_t hash_of(const struct cache *c, const struct dns_question *q)
{
	uint64_t h = c->seed ^ (uint64_t)q->type;

	for (size_t i = 0; i < q->name.len; i++)
		h = (h ^ (unsigned char)q->name.data[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct shard *shard_of(struct cache *c, size_t hash)
{
	return &c->shards[hash % SHARDS];
}

static struct entry **bucket_of(const struct shard *s, size_t hash)
{
	return &s->buckets[hash / SHARDS % s->bucket_count];
}

static struct entry *find(const struct shard *s, const struct dns_question *q, size_t hash)
{
	struct entry *e = *bucket_of(s, hash);

	while (e != NULL && (e->hash != hash || e->type != q->type ||
				!slice_equal((struct slice){ e->name, e->len }, q->name)))
		e = e->next;
	return e;
}

static void grow(struct shard *s)
{
	struct entry **old = s->buckets;
	size_t count = s->bucket_count;

	s->bucket_count *= 2;
	s->buckets = must_alloc(s->bucket_count * sizeof *s->buckets);
	for (size_t i = 0; i < count; i++) {
		while (old[i] != NULL) {
			struct entry *e = old[i];
			struct entry **place = bucket_of(s, e->hash);

			old[i] = e->next;
			e->next = *place;
			*place = e;
		}
	}
	free(old);
}

static struct entry *add(struct shard *s, const struct dns_question *q, size_t hash)
{
	struct entry *e = must_alloc(sizeof *e + q->name.len + 1);
	struct entry **place;

	if (s->entries >= s->bucket_count)
		grow(s);
	place = bucket_of(s, hash);
	memcpy(e->name, q->name.data, q->name.len);
	e->len = q->name.len;
	e->type = q->type;
	e->hash = hash;
	e->shard = s;
	e->next = *place;
	*place = e;
	return e;
}

static size_t octets_of(const struct entry *e)
{
	return sizeof *e + e->len + 1 + dns_answer_octets(e->answer);
}

static void leave_list(struct entry *e)
{
	struct shard *s = e->shard;

	*(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void enter_list(struct entry *e)
{
	struct shard *s = e->shard;

	e->newer = NULL;
	e->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

static void drop(struct entry *e)
{
	struct shard *s = e->shard;
	struct entry **place = bucket_of(s, e->hash);

	while (*place != e)
		place = &(*place)->next;
	*place = e->next;
	dns_answer_unref(e->answer);
	free(e);
}

/* Takes the entry and its answer out of what counts against the ceilings. */
static void uncount(struct entry *e)
{
	leave_list(e);
	e->shard->entries--;
	e->shard->octets -= octets_of(e);
}

static void make_room(struct shard *s)
{
	const struct cache_options *o = &s->cache->options;

	while (s->oldest != NULL &&
	       (s->entries > o->entries / SHARDS || s->octets > o->octets / SHARDS)) {
		struct entry *e = s->oldest;

		uncount(e);
		drop(e);
	}
}

/* ---- how long an answer is kept ------------------------------------------------- */

static int64_t keep_us(const struct dns_answer *answer)
{
	uint32_t most = answer->status == DNS_FOUND ? CACHE_TTL_MAX : CACHE_NEGATIVE_MAX;
	uint32_t ttl = answer->ttl < most ? answer->ttl : most;

	if (answer->status == DNS_TEMPFAIL)
		ttl = CACHE_TEMPFAIL;
	return (int64_t)(ttl < CACHE_TTL_MIN ? CACHE_TTL_MIN : ttl) * SECOND_US;
}

/* ---- questions ------------------------------------------------------------------ */

/*
 * What the entry has for an asker, with a reference: an answer that is still
 * good, or that a question open for long is not worth waiting for; else NULL.
 */
static struct dns_answer *use(struct entry *e, int64_t now_us)
{
	if (e == NULL)
		return NULL;
	if (e->answer == NULL)
		return e->until_us > now_us
			   ? NULL
			   : dns_answer_empty(DNS_TEMPFAIL, "no answer for some seconds");
	if (e->until_us <= now_us)
		return NULL;
	if (e->newer != NULL) {
		leave_list(e);
		enter_list(e);
	}
	return dns_answer_ref(e->answer);
}

static struct dns_answer *cache_known(
    struct resolver *resolver, const struct dns_question *question)
{
	struct cache *c = (struct cache *)resolver;
	size_t hash = hash_of(c, question);
	struct shard *s = shard_of(c, hash);
	int64_t now_us = c->options.now_us();
	struct dns_answer *answer;

	pthread_mutex_lock(&s->mutex);
	answer = use(find(s, question, hash), now_us);
	pthread_mutex_unlock(&s->mutex);
	return answer;
}

/* The answer from below: kept, and given to all who wait. */
static void take_answer(void *context, struct dns_answer *answer)
{
	struct entry *e = context;
	struct shard *s = e->shard;
	struct waiter *waiters;

	dns_answer_ref(answer);
	pthread_mutex_lock(&s->mutex);
	waiters = e->waiters;
	e->waiters = NULL;
	e->answer = answer;
	e->until_us = s->cache->options.now_us() + keep_us(answer);
	enter_list(e);
	s->entries++;
	s->octets += octets_of(e);
	make_room(s);
	pthread_mutex_unlock(&s->mutex);
	while (waiters != NULL) {
		struct waiter *w = waiters;

		waiters = w->next;
		w->done(w->context, dns_answer_ref(answer));
		free(w);
	}
	dns_answer_unref(answer);
}

static void wait_for(struct entry *e, resolver_done *done, void *context)
{
	struct waiter *w = must_alloc(sizeof *w);

	*w = (struct waiter){ e->waiters, done, context };
	e->waiters = w;
}

/* The question's entry, open: *first if it was not, and is to be asked below now. */
static struct entry *open_entry(
    struct shard *s, struct entry *e, const struct dns_question *q, size_t hash, bool *first)
{
	*first = e == NULL || e->answer != NULL;
	if (e == NULL)
		e = add(s, q, hash);
	if (e->answer != NULL) {
		uncount(e);
		dns_answer_unref(e->answer);
		e->answer = NULL;
	}
	if (*first)
		e->until_us = s->cache->options.now_us() + CACHE_SLOW_US;
	return e;
}

static void cache_ask(struct resolver *resolver, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	struct cache *c = (struct cache *)resolver;
	size_t hash = hash_of(c, question);
	struct shard *s = shard_of(c, hash);
	int64_t now_us = c->options.now_us(), patience_us = clock_now_us() + CACHE_PATIENCE_US;
	struct dns_answer *answer;
	bool first = false;
	struct entry *e;

	pthread_mutex_lock(&s->mutex);
	e = find(s, question, hash);
	answer = use(e, now_us);
	if (answer == NULL) {
		e = open_entry(s, e, question, hash, &first);
		wait_for(e, done, context);
	}
	pthread_mutex_unlock(&s->mutex);
	if (answer != NULL)
		done(context, answer);
	else if (first)
		resolver_ask(c->below, question,
		    deadline_us > patience_us ? deadline_us : patience_us, take_answer, e);
}

/* ---- begin and end -------------------------------------------------------------- */

static void cache_free(struct resolver *resolver)
{
	struct cache *c = (struct cache *)resolver;

	resolver_free(c->below);
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];

		while (s->oldest != NULL) {
			struct entry *e = s->oldest;

			leave_list(e);
			drop(e);
		}
		free(s->buckets);
		pthread_mutex_destroy(&s->mutex);
	}
	free(c);
}

struct resolver *cache_resolver_new(struct resolver *below, const struct cache_options *options)
{
	static const struct resolver_class class = { cache_ask, cache_known, cache_free };
	struct cache *c = must_alloc(sizeof *c);

	c->resolver.class = &class;
	c->below = below;
	c->options = *options;
	if (getrandom(&c->seed, sizeof c->seed, 0) != (ssize_t)sizeof c->seed)
		c->seed = (uint64_t)clock_now_us();
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];

		pthread_mutex_init(&s->mutex, NULL);
		s->cache = c;
		s->bucket_count = FIRST_BUCKETS;
		s->buckets = must_alloc(s->bucket_count * sizeof *s->buckets);
	}
	return &c->resolver;
}

void cache_holds(struct resolver *cache, size_t *entries, size_t *octets)
{
	struct cache *c = (struct cache *)cache;

	*entries = *octets = 0;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&c->shards[i].mutex);
		*entries += c->shards[i].entries;
		*octets += c->shards[i].octets;
		pthread_mutex_unlock(&c->shards[i].mutex);
	}
}
