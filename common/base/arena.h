/*
 * arena.h - memory that is given back all at once.
 *
 * What belongs to a message is allocated in the message's arena and dies with
 * it.  An arena never returns NULL: what may grow has a ceiling of its own,
 * kept by its owner, so running out means that the machine has no memory left,
 * and then the process says so and ends (as Postfix's own programs do); the
 * MTA applies its default action.
 *
 * An arena belongs to one thread at a time.
 */
#ifndef PRESEND_BASE_ARENA_H
#define PRESEND_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena;

/* A new, empty arena; the caller ends it with arena_free. */
struct arena *arena_new(void);

/* Gives back all that was allocated, and the arena.  NULL is allowed. */
void arena_free(struct arena *arena);

/* Gives back all that was allocated; the arena stays, with its first block. */
void arena_reset(struct arena *arena);

/* size octets, zeroed, aligned for any type; valid until reset or free. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of the slice in the arena, with a NUL behind it (not counted). */
struct slice arena_copy(struct arena *arena, struct slice s);

/* printf into the arena; the result has a NUL behind it (not counted). */
struct slice arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Octets handed out since the last reset: for tests and for ceilings. */
size_t arena_used(const struct arena *arena);

/* malloc, calloc and realloc that end the process when there is no memory. */
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);
char *must_strdup(const char *text);

#endif
