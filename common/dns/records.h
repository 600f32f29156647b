/*
 * records.h - DNS answers from a file: for tests, and for trying records
 * before they are published.
 *
 * One record a line in master-file syntax (RFC 1035 5.1) with full owner names;
 * TTL and class may be left out.  \DDD and \X escapes; several strings in TXT;
 * comments, empty lines and records of other types are skipped; anything else
 * is an error.  A comment line ";; TIMEOUT NAME" makes questions for that name
 * fail temporarily, except for the types that the file lists there.
 *
 * A name without a record and with none below it answers NXDOMAIN, any other
 * name without the asked type NODATA.  CNAMEs are followed.
 */
#ifndef PRESEND_DNS_RECORDS_H
#define PRESEND_DNS_RECORDS_H

#include "base/buf.h"
#include "dns/resolver.h"

enum { RECORDS_OCTETS_MAX = 64 * 1024 * 1024 };

/*
 * A resolver over the file, or NULL with one line "FILE:LINE: what is wrong" in
 * errors.  below, if not NULL, is asked for every name and type that the file
 * does not list (an overlay); it is taken over, also on failure.
 */
struct resolver *records_resolver_load(
    const char *path, struct resolver *below, struct buf *errors);

/* The same from a text; name stands for it in errors. */
struct resolver *records_resolver_parse(
    const char *name, struct slice text, struct resolver *below, struct buf *errors);

#endif
