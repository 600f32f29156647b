/* progress.c - one line on the terminal while a long run goes on. */
#include "tools/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_AFTER_MS = 1000,
	AGAIN_AFTER_MS = 250,
};

/* Coarse is enough, and costs no system call: it is asked for every message. */
static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p)
{
	*p = (struct progress){
		.wanted = isatty(STDERR_FILENO) == 1,
		.shared = isatty(STDOUT_FILENO) == 1,
	};
	if (p->wanted)
		p->begun_ms = now_ms();
}

void progress_make_room(struct progress *p)
{
	if (!p->shared || !p->visible)
		return;
	progress_clear(p);
	p->drawn_ms = 0; /* the next step brings it back at once */
}

void progress_step(struct progress *p, size_t done)
{
	long long now, elapsed;

	if (!p->wanted)
		return;
	now = now_ms();
	elapsed = now - p->begun_ms;
	if (elapsed < FIRST_AFTER_MS || now - p->drawn_ms < AGAIN_AFTER_MS)
		return;
	/* return, text, and the end of an older, longer text erased */
	fprintf(
	    stderr, "\r%zu messages, %lld a second\033[K", done, (long long)done * 1000 / elapsed);
	fflush(stderr);
	p->drawn_ms = now;
	p->visible = true;
}

void progress_clear(struct progress *p)
{
	if (!p->visible)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->visible = false;
}
