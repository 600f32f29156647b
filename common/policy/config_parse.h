/*
 * config_parse.h - from the text of configuration files to a struct config.
 *
 * The files of one load are given one after the other; each adds to what those
 * before it said, or overrides it.  A fault never stops the load: the rest is
 * read as well, as far as it can be, so that the operator sees all faults at
 * once.  libconfuse keeps its scanner in globals: one load at a time in a
 * process.
 */
#ifndef PRESEND_POLICY_CONFIG_PARSE_H
#define PRESEND_POLICY_CONFIG_PARSE_H

#include "base/buf.h"
#include "base/slice.h"
#include "policy/config.h"

struct config_parse;

/* A configuration with all defaults, to be filled; errors and warnings outlive it. */
struct config_parse *config_parse_begin(struct buf *errors, struct buf *warnings);

/* Takes the text of one file, called name in errors. */
void config_parse_text(struct config_parse *p, const char *name, struct slice text);

/* Adds a line to the errors: nothing will come of this load. */
void config_parse_error(struct config_parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Checks what can be checked only when all is read, prepares the lookups, and
 * ends p.  The configuration with one reference, or NULL after any error.
 */
struct config *config_parse_end(struct config_parse *p);

#endif
