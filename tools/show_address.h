/*
 * show_address.h - what the directory says of an address, for people and as JSON.
 *
 * No octet of an address, a login or a store's answer reaches the output
 * unescaped.
 */
#ifndef PRESEND_TOOLS_SHOW_ADDRESS_H
#define PRESEND_TOOLS_SHOW_ADDRESS_H

#include "base/buf.h"
#include "tools/address_facts.h"

/* Octets of a text for one address: a thousand lookups of 64 kB, five octets for each of theirs. */
enum { SHOW_ADDRESS_MAX = 400 * 1024 * 1024 };

/* A line with the answer, then a row for each thing that there is to say. */
void show_address(struct buf *out, const struct address_facts *f, bool trace);

/* One JSON object on one line. */
void show_address_json(struct buf *out, const struct address_facts *f, bool trace);

/* Why the login may or may not use the address, in a few words; "" where nothing is known. */
struct slice show_address_reason(const struct directory_use *use);

#endif
