/*
 * outgoing.h - the message of a case as it comes to us: signed as [sign] says,
 * then changed as [alter] says.
 */
#ifndef PRESEND_T_OUTGOING_H
#define PRESEND_T_OUTGOING_H

#include <stdbool.h>

#include "base/buf.h"
#include "t/cases/case.h"

/*
 * Fills out.  The signatures stand on top in the order of their lines, so that
 * the last line is the first to sign.  False with a reason in error: a change
 * that finds nothing to change would be a case that says something else.
 */
bool make_outgoing(const struct case_file *c, struct buf *out, char error[MTA_TEXT_MAX]);

#endif
