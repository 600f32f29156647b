/* arena.c - blocks of memory in a chain, handed out from the front. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SIZE = 4096 - 64, /* a page, less what malloc and we keep of it */
	SMALL_SIZE = 4 * BLOCK_SIZE,
	ALIGNMENT = 16,
};

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGNMENT) char data[];
};

struct arena {
	struct block *first, *current;
	size_t used;
};

static void out_of_memory(size_t size)
{
	fprintf(stderr, "presend: out of memory (%zu octets wanted)\n", size);
	abort();
}

void *must_alloc(size_t size)
{
	void *p = calloc(1, size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

void *must_realloc(void *old, size_t size)
{
	void *p = realloc(old, size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

char *must_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(must_alloc(size), text, size);
}

static struct block *block_new(size_t size)
{
	struct block *b = malloc(sizeof *b + size);

	if (b == NULL)
		out_of_memory(size);
	b->next = NULL;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *arena = must_alloc(sizeof *arena);

	arena->first = arena->current = block_new(BLOCK_SIZE);
	return arena;
}

static void free_blocks(struct block *b)
{
	while (b != NULL) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	free_blocks(arena->first);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	free_blocks(arena->first->next);
	arena->first->next = NULL;
	arena->first->used = 0;
	arena->current = arena->first;
	arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *b = arena->current;
	void *p;

	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > b->size - b->used) {
		/* small messages get what they use; blocks of large ones double, to stay few */
		size_t want = arena->used > SMALL_SIZE ? arena->used : BLOCK_SIZE;

		b = block_new(size > want ? size : want);
		arena->current->next = b;
		arena->current = b;
	}
	p = b->data + b->used;
	b->used += size;
	arena->used += size;
	return memset(p, 0, size);
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
	char *p = arena_alloc(arena, s.len + 1);

	if (s.len > 0)
		memcpy(p, s.data, s.len);
	return (struct slice){ p, s.len };
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap;
	int n;
	char *p;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return SLICE("");
	p = arena_alloc(arena, (size_t)n + 1);
	va_start(ap, format);
	vsnprintf(p, (size_t)n + 1, format, ap);
	va_end(ap);
	return (struct slice){ p, (size_t)n };
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
