/*
 * daemons.h - the presend-milter processes: one for each different configuration.
 *
 * One is started on first use and serves every case with the same configuration;
 * all are stopped together at the end, by their ids.  Their records are read from
 * their logs.
 */
#ifndef PRESEND_T_DAEMONS_H
#define PRESEND_T_DAEMONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "t/cases/report.h"

struct daemons;
struct daemon;

/*
 * None as yet.  Configurations, logs and sockets will be in dir, the program is
 * that in builddir; both texts must outlive the daemons.
 */
struct daemons *daemons_new(const char *dir, const char *builddir);

/*
 * Stops all and frees them.  How many did not end as they should have; what
 * those had left in their logs is printed.
 */
unsigned daemons_stop(struct daemons *all);

/*
 * The daemon that runs with this configuration, started if there is none.  NULL
 * when it does not run; why is reported to the case that it was started for.
 */
struct daemon *daemons_find(struct daemons *all, const char *config, struct report *report);

/*
 * Nobody else will want it: it is told to end, while others are at work, and is
 * waited for at the end.  So there are never more than a few.
 */
void daemon_retire(struct daemon *d);

/* The path of its socket. */
const char *daemon_socket(const struct daemon *d);

/* The next record that it leaves, waited for so long; NULL when none has come. */
json_t *daemon_record(struct daemon *d, long long wait_ms);

#endif
