/* pooled.c - what the stores over the network have in common: a connection a worker. */
#include "store/pooled.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "dns/dns.h"

/* What *slot points to. */
struct pooled {
	void *connection;
	int64_t used_us;
};

/* ---- SIGPIPE, held off in one thread -------------------------------------------- */

struct held {
	sigset_t mask;
	bool was_pending;
};

static void hold_sigpipe(struct held *held)
{
	sigset_t set;

	sigpending(&set);
	held->was_pending = sigismember(&set, SIGPIPE) == 1;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &held->mask);
}

/* A SIGPIPE of ours is taken away before the mask is as it was. */
static void release_sigpipe(const struct held *held)
{
	struct timespec now = { 0, 0 };
	sigset_t set;

	if (!held->was_pending) {
		sigemptyset(&set);
		sigaddset(&set, SIGPIPE);
		while (sigtimedwait(&set, NULL, &now) == SIGPIPE)
			;
	}
	pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
}

/* ---- one lookup ----------------------------------------------------------------- */

bool pooled_can_carry(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f)
			return false;
	return utf8_first_invalid(s) == s.len;
}

static void end(const struct pooled_class *class, struct store *store, void **slot)
{
	struct pooled *p = *slot;

	if (p == NULL)
		return;
	class->disconnect(store, p->connection);
	free(p);
	*slot = NULL;
}

static enum lookup_status open_slot(const struct pooled_class *class, struct store *store,
    void **slot, int64_t deadline_us, struct store_reply *reply)
{
	void *connection = NULL;
	enum lookup_status status = class->connect(store, &connection, deadline_us, reply);
	struct pooled *p;

	if (status != LOOKUP_FOUND)
		return status;
	p = must_alloc(sizeof *p);
	p->connection = connection;
	*slot = p;
	return LOOKUP_FOUND;
}

static enum lookup_status lookup(const struct pooled_class *class, struct store *store, void **slot,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	struct pooled *p = *slot;

	if (p != NULL && dns_now_us() > p->used_us + POOLED_IDLE_US)
		end(class, store, slot);
	for (;;) {
		bool reused = *slot != NULL;
		enum pooled_after after = POOLED_END;
		enum lookup_status status;

		if (!reused) {
			status = open_slot(class, store, slot, deadline_us, reply);
			if (status != LOOKUP_FOUND)
				return status;
		}
		p = *slot;
		status = class->ask(store, p->connection, question, deadline_us, reply, &after);
		if (after == POOLED_KEEP)
			p->used_us = dns_now_us();
		else
			end(class, store, slot);
		if (after != POOLED_DROPPED || !reused)
			return status;
		store_reply_reset(reply);
	}
}

enum lookup_status pooled_lookup(const struct pooled_class *class, struct store *store, void **slot,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	enum lookup_status status;
	struct held held;

	if (!pooled_can_carry(question->key) || !pooled_can_carry(question->local_part) ||
	    !pooled_can_carry(question->domain))
		return LOOKUP_NOTFOUND;
	hold_sigpipe(&held);
	status = lookup(class, store, slot, question, deadline_us, reply);
	release_sigpipe(&held);
	return status;
}

void pooled_disconnect(const struct pooled_class *class, struct store *store, void *slot)
{
	struct held held;

	hold_sigpipe(&held);
	end(class, store, &slot);
	release_sigpipe(&held);
}
