/*
 * daemon.h - the life of the process: start, reload, drain, end.
 *
 * Start: configuration, socket (as root still), fork, pidfile, user, threads,
 * "ready" to whoever waits.  What is wrong with the configuration is told on
 * standard error and nothing is started.
 *
 * libmilter runs in a thread of its own, and would like to take the signals
 * below in another, where they stop it at once and cut messages short.  It is
 * kept from that (sigwait in daemon.c): all threads block them, and the main
 * thread reads them from a descriptor.
 *
 *   SIGUSR1, SIGHUP   read the configuration again; a bad one changes nothing
 *   SIGTERM, SIGINT   drain and stop; once more: stop at once
 *
 * Drain: new connections are turned away, messages under way are finished.
 */
#ifndef PRESEND_MILTER_DAEMON_H
#define PRESEND_MILTER_DAEMON_H

#include "milter/setup.h"

enum {
	DRAIN_SESSIONS_MS = 5000,  /* that a drain waits for all connections to end */
	DRAIN_MESSAGES_MS = 30000, /* that it waits in all until no message is under way */
};

/* Runs until it is stopped; returns the exit status: 0, EX_CONFIG, EX_OSERR. */
int daemon_run(const struct daemon_options *options);

#endif
