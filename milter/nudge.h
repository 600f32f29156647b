/*
 * nudge.h - keeps libmilter from leaving a session to a worker that waits.
 *
 * libmilter (8.17, worker.c) counts a worker as idle until it has woken up.  Of
 * several events that come together it gives more to an idle worker than that
 * can take at once; the rest is done by whichever worker is free next.  If all
 * of them block in our callbacks, that is a deadline later, for a session
 * that may not have asked for anything.  Any event, once it is done, makes its
 * worker look for what was left; so whoever begins to wait makes one.
 *
 * The event is an SMFIC_ABORT on a connection of our own, on which nothing was
 * negotiated: libmilter reads it and ignores it, without an answer or a callback.
 * It must be the first connection that libmilter accepts, for workers look at
 * the oldest one first, and so a nudge never stands behind a session.
 */
#ifndef PRESEND_MILTER_NUDGE_H
#define PRESEND_MILTER_NUDGE_H

enum {
	NUDGE_EVERY_MS = 30 * 60 * 1000, /* at least: libmilter closes what is silent for 2 hours */
};

/*
 * Connects to the listening socket, as soon as it listens and while we still
 * may.  Returns the connection, -1 if there can be none: then it goes without.
 */
int nudge_open(int listener);

/* Makes an event; never blocks.  In any thread. */
void nudge(int connection);

#endif
