/*
 * upkeep.h - `presend address --compile` and `--flush`: what keeps stores and
 * the daemon's answers up to date.
 *
 * No store is opened here and nobody is asked.
 */
#ifndef PRESEND_TOOLS_UPKEEP_H
#define PRESEND_TOOLS_UPKEEP_H

#include "tools/options.h"

/* Compiles, then has the daemon forget, as far as the options say; the exit status. */
int upkeep(const struct options *o);

#endif
