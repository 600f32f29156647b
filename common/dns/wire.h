/*
 * wire.h - record data as it comes from a name server, turned into ours.
 *
 * Names in it are not compressed: libunbound has undone that.
 */
#ifndef PRESEND_DNS_WIRE_H
#define PRESEND_DNS_WIRE_H

#include "base/arena.h"
#include "dns/dns.h"

/*
 * One record's data (RFC 1035 3.3) as a record; what it points to lives in the
 * arena.  False if it is malformed, or a name longer than DNS_NAME_MAX.
 */
bool wire_record(
    struct arena *arena, enum dns_type type, struct slice data, struct dns_record *record);

enum { WIRE_NAME_TEXT_SIZE = 4 * DNS_NAME_MAX + 2 };

/*
 * A question's name in master-file syntax with a final dot and a NUL: every
 * octet but letters, digits, hyphens and underscores as \DDD.
 */
void wire_name_text(struct slice name, char out[WIRE_NAME_TEXT_SIZE]);

#endif
