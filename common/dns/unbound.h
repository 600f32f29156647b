/*
 * unbound.h - answers from the DNS itself, by libunbound.
 *
 * One context for the process, asynchronous: libunbound's own thread asks, one
 * pump thread of ours hands out the answers and keeps the deadlines.  Each
 * question is answered once, by its deadline: SERVFAIL, REFUSED, a failed DNSSEC
 * proof and silence are TEMPFAIL, with the reason.
 *
 * Threads are started, with all signals blocked: not before a fork that the
 * process goes on in.
 */
#ifndef PRESEND_DNS_UNBOUND_H
#define PRESEND_DNS_UNBOUND_H

#include "base/buf.h"
#include "dns/resolver.h"

enum {
	UNBOUND_OPEN_MAX = 10000, /* open questions; beyond, TEMPFAIL at once */
	UNBOUND_FORWARDERS_MAX = 16,
	/*
	 * Sockets for questions under way, each held until an answer or the last
	 * repetition, some seconds, also when nobody waits any more; a quarter of the
	 * descriptors that the process may have if that is less.  Further questions
	 * wait for a socket.
	 */
	UNBOUND_SOCKETS_MAX = 1000,
};

struct unbound_options {
	/*
	 * Whom to ask: addresses ("192.0.2.1", "2001:db8::1@5353") or files as
	 * resolv.conf(5), whose name servers count; none: /etc/resolv.conf.  The
	 * word "recursive", alone, means to begin at the root servers.
	 */
	const char *const *servers;
	size_t server_count;
	/*
	 * A file with DNSKEY or DS records to prove answers from, or NULL: then
	 * no answer is ever `secure`.  A forwarder that strips the proofs leaves
	 * answers insecure, not bogus.
	 */
	const char *trust_anchor;
};

/* NULL with one line in errors when the options are wrong or threads cannot be had. */
struct resolver *unbound_resolver_new(const struct unbound_options *options, struct buf *errors);

#endif
