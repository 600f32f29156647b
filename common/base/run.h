/*
 * run.h - runs another program, bounded in time and in what it may say.
 *
 * No shell; nothing on its standard input; none of our files; default signals.
 */
#ifndef PRESEND_BASE_RUN_H
#define PRESEND_BASE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum run_end {
	RUN_EXITED,  /* by itself: see status */
	RUN_FAILED,  /* it could not be started, or ended by a signal */
	RUN_LATE,    /* killed at the deadline */
	RUN_TOO_MUCH /* killed: more output than the buffer takes */
};

struct run {
	enum run_end end;
	int status; /* of RUN_EXITED */
};

/*
 * Runs argv[0], a full path, until it ends or for timeout_us.  Its standard output is added to
 * output, its standard error to errors, of which what does not fit is dropped; NULL: to
 * nowhere.
 */
struct run run_program(
    const char *const argv[], int64_t timeout_us, struct buf *output, struct buf *errors);

#endif
