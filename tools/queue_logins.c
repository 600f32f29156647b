/* queue_logins.c - a ring of entries, chained in buckets by the hash of their ids. */
#include "tools/queue_logins.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

enum { BUCKETS = 2 * QUEUE_LOGINS_MAX };

struct entry {
	struct entry *next; /* in its bucket */
	char id[QUEUE_ID_MAX];
	size_t id_len; /* 0: the entry is free */
	char *login;   /* NULL: none */
	bool sent;
};

struct queue_logins {
	struct entry ring[QUEUE_LOGINS_MAX];
	struct entry *buckets[BUCKETS];
	size_t oldest; /* the entry that is used next */
	uint32_t seed;
};

struct queue_logins *queue_logins_new(void)
{
	struct queue_logins *q = must_alloc(sizeof *q);

	if (getrandom(&q->seed, sizeof q->seed, 0) != (ssize_t)sizeof q->seed)
		q->seed = 2166136261u;
	return q;
}

void queue_logins_free(struct queue_logins *q)
{
	for (size_t i = 0; i < QUEUE_LOGINS_MAX; i++)
		free(q->ring[i].login);
	free(q);
}

static struct entry **bucket_of(struct queue_logins *q, struct slice id)
{
	uint32_t hash = q->seed;

	for (size_t i = 0; i < id.len; i++) {
		hash = (hash ^ (unsigned char)id.data[i]) * 16777619u;
		hash ^= hash >> 15;
	}
	return &q->buckets[hash % BUCKETS];
}

/* The place that points to the entry of that id, or to the end of its bucket. */
static struct entry **find(struct queue_logins *q, struct slice id)
{
	struct entry **place = bucket_of(q, id);

	while (*place != NULL && !slice_equal((struct slice){ (*place)->id, (*place)->id_len }, id))
		place = &(*place)->next;
	return place;
}

static void drop(struct entry **place)
{
	struct entry *e = *place;

	*place = e->next;
	free(e->login);
	*e = (struct entry){ 0 };
}

void queue_logins_forget(struct queue_logins *q, struct slice id)
{
	struct entry **place = find(q, id);

	if (*place != NULL)
		drop(place);
}

/* A new entry in the place of the oldest one. */
static struct entry *add(struct queue_logins *q, struct slice id)
{
	struct entry *e = &q->ring[q->oldest], **bucket;

	q->oldest = (q->oldest + 1) % QUEUE_LOGINS_MAX;
	if (e->id_len > 0)
		drop(find(q, (struct slice){ e->id, e->id_len }));
	bucket = bucket_of(q, id);
	memcpy(e->id, id.data, id.len);
	e->id_len = id.len;
	e->next = *bucket;
	*bucket = e;
	return e;
}

void queue_logins_begin(struct queue_logins *q, struct slice id, struct slice login)
{
	struct entry *e;

	if (id.len == 0 || id.len > QUEUE_ID_MAX)
		return;
	queue_logins_forget(q, id);
	e = add(q, id);
	if (login.len == 0 || login.len > QUEUE_LOGIN_MAX)
		return;
	e->login = must_alloc(login.len + 1);
	memcpy(e->login, login.data, login.len);
}

bool queue_logins_sent(struct queue_logins *q, struct slice id, struct slice *login)
{
	struct entry *e;
	bool first;

	*login = (struct slice){ 0 };
	if (id.len == 0 || id.len > QUEUE_ID_MAX)
		return false;
	e = *find(q, id);
	if (e == NULL)
		e = add(q, id);
	first = !e->sent;
	e->sent = true;
	*login = slice_of(e->login);
	return first;
}
