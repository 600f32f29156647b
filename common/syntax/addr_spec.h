/*
 * addr_spec.h - an address, written as RFC 5322 3.4.1 and RFC 5321 4.1.2 have it.
 */
#ifndef PRESEND_SYNTAX_ADDR_SPEC_H
#define PRESEND_SYNTAX_ADDR_SPEC_H

#include "base/arena.h"
#include "base/slice.h"

/*
 * local-part "@" domain, the local part quoted where it is no dot-atom: the
 * shortest form that is right.  Octets over 127 count as atext (RFC 6532 3.2).
 * The result has a NUL behind it.
 */
struct slice address_format(struct arena *arena, struct slice local_part, struct slice domain);

#endif
