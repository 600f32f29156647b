/*
 * progress.h - one line on the terminal while a long run goes on.
 *
 * Shown on standard error when that is a terminal and a second has passed, at
 * most a few times a second.  Where the results go to the terminal too, the line
 * makes room for them and comes back behind them.
 */
#ifndef PRESEND_TOOLS_PROGRESS_H
#define PRESEND_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
	bool wanted;
	bool shared; /* standard output is a terminal, too */
	bool visible;
	long long begun_ms, drawn_ms;
};

void progress_begin(struct progress *p);

/* Something is about to be written to standard output. */
void progress_make_room(struct progress *p);

/* So many messages are done. */
void progress_step(struct progress *p, size_t done);

/* Takes the line away, if one stands there. */
void progress_clear(struct progress *p);

#endif
