/*
 * memory.h - what a front remembers of one store: questions, open or answered.
 *
 * A table with a list in order of last use.  An entry is open (asked, with a list
 * of those who wait), answered, or both: an answer that has expired may serve
 * once more when the store fails.  Open entries are in no list of use and are never
 * thrown out; their number has a ceiling in the front.
 *
 * Not thread-safe: the front's lock is held for every call.
 */
#ifndef PRESEND_STORE_MEMORY_H
#define PRESEND_STORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
	MEMORY_ENTRIES_MAX = 100000, /* of a store; beyond, what was not used longest goes */
	MEMORY_OCTETS_MAX = 16 * 1024 * 1024,
};

struct waiter; /* of the front */

struct entry {
	struct entry *next; /* in its bucket */
	struct entry *newer, *older;
	struct entry *behind; /* in the front's queue */
	struct store_question question;
	struct store_answer *answer; /* NULL: none yet, or none any more */
	int64_t fresh_until_us;      /* the answer is good */
	int64_t serve_until_us;      /* it may still serve while the store fails */
	struct waiter *waiters;      /* of an open entry */
	bool open;
	unsigned generation; /* of the front, when it was opened */
	size_t hash;
	char octets[]; /* key, local part, domain, each with a NUL behind */
};

struct memory {
	struct entry **buckets;
	size_t bucket_count;
	struct entry *newest, *oldest;
	size_t total;           /* entries in the table */
	size_t entries, octets; /* of those in the list of use */
	uint64_t seed;          /* so that nobody can choose keys that share a bucket */
};

void memory_init(struct memory *memory);
/* Frees all entries; none has waiters. */
void memory_free(struct memory *memory);

struct entry *memory_find(const struct memory *memory, const struct store_question *question);

/* The question's entry, found or new, out of the list of use and open. */
struct entry *memory_open(
    struct memory *memory, struct entry *found, const struct store_question *question);

/* The entry was used. */
void memory_used(struct memory *memory, struct entry *entry);

/*
 * Closes an open entry.  With an answer it is kept, and counts; what was not used longest makes
 * room, perhaps this one.  Without, it is freed.
 */
void memory_close(struct memory *memory, struct entry *entry);

/* Frees all answers that are not open, and takes those of the open ones. */
void memory_forget(struct memory *memory);

#endif
