/*
 * preflight.h - `presend-milter -t`: would it start, and could it reload?
 */
#ifndef PRESEND_MILTER_PREFLIGHT_H
#define PRESEND_MILTER_PREFLIGHT_H

#include "milter/setup.h"

/*
 * Checks the configuration and then, as the daemon's user, what that user has
 * to read and write: the files of the configuration, the directories of socket
 * and pidfile.  Each trouble is a line with the command that mends it.  Returns
 * the exit status: 0 or EX_CONFIG.
 */
int preflight_run(const struct daemon_options *options);

#endif
