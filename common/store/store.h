/*
 * store.h - a store: whatever knows addresses, domains or logins.
 *
 * A store is a struct of functions behind one front (front.h), as a table of
 * OpenSMTPD is.  It answers one exact key at a time and knows nothing of
 * sub-addresses, catch-alls, order, caches, retries or time-outs of messages:
 *
 *	directory.h   what an address is; which keys are asked of which store
 *	view.h        the stores as one message sees them; every lookup is traced here
 *	front.h       one store: cache, single-flight, workers, circuit breaker
 *	pooled.h      the connection of a worker, for the stores that keep one
 *	peer.h        where a server is, and a socket connected in time
 *	stream.h      lines and pieces over that socket
 *	holds.h       the option `holds`: what the entries of a table are
 *	table/map.h   one table of Postfix
 *	store_*.c     one store each: options, connect, ask, read the answer
 *
 * Rules for a store
 *   - open takes the options apart and may read files; it never connects.
 *   - lookup blocks, and returns within about 100 ms of its deadline whatever the
 *     other side does: every read, write, connect and name lookup is bounded by
 *     it.  A store that fails to do so loses its workers, nobody else's.  A system
 *     call on a file cannot be bounded: a store that makes one for each lookup is
 *     STORE_ON_HOST and not STORE_LOCAL, so that only its own workers can hang.
 *   - lookup runs in several threads at once, each with a connection of its own where the
 *     store keeps one (pooled); struct store itself is not changed by it, or under the
 *     store's own lock.
 *   - a dropped connection that was idle is opened again once, within the same
 *     lookup; everything else that fails is an answer.
 *   - "I could not tell" is LOOKUP_TEMPFAIL (try again) or LOOKUP_PERMFAIL (wrong
 *     credentials, no such table: an operator has to act), never LOOKUP_NOTFOUND.
 *     Half an answer, one that is too long, or one that breaks the protocol is
 *     TEMPFAIL.  So is a file or folder of the store itself that is not there (a disk
 *     that is not mounted); one that may not be read is PERMFAIL.  On TEMPFAIL and
 *     PERMFAIL the connection is closed if there is any doubt about its state.
 *   - a failure of the key alone says so (store_reply_fail_key): an answer of good form
 *     that means "not this one now".  One that breaks the protocol counts against the
 *     store.
 *   - octets of a question are hostile: bound parameters, RFC 4515 escaping,
 *     netstrings.  A key that the protocol cannot carry (a NUL, a tab, a line end)
 *     is NOTFOUND without asking; a store with `lookup` calls pooled_can_carry for
 *     that, since tests ask it without the directory.  Part of a key that becomes a
 *     file's name is NOTFOUND where it holds a "/" or begins with a dot.
 *   - no thread is started and no signal handler is set.  SIGPIPE is not ignored
 *     by the program: send with MSG_NOSIGNAL.
 */
#ifndef PRESEND_STORE_STORE_H
#define PRESEND_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum lookup_status {
	LOOKUP_FOUND,
	LOOKUP_NOTFOUND,
	LOOKUP_TEMPFAIL,
	LOOKUP_PERMFAIL,
};
const char *lookup_status_name(enum lookup_status status); /* "found", "notfound", ... */

/* What a store can be asked; a set of bits in struct store. */
enum store_service {
	STORE_ADDRESS = 1, /* what is this address? */
	STORE_LOGINS = 2,  /* which logins own this address?  (smtpd_sender_login_maps) */
	STORE_DOMAIN = 4,  /* is this domain served here? */
};
const char *store_service_name(enum store_service service); /* "address", ... */

/* What was found. */
enum store_entry {
	/* STORE_ADDRESS */
	ENTRY_MAILBOX,   /* mail for it is kept here, or by a server behind this one */
	ENTRY_ALIAS,     /* with targets; whether all of them are elsewhere is found out above */
	ENTRY_FORWARD,   /* the store itself knows that it only forwards to elsewhere */
	ENTRY_LIST,      /* a mailing list */
	ENTRY_CATCH_ALL, /* accepted, but so is everything (a callout that was unmasked); with the
			    one target "@domain": it is what the same local part is there */
	ENTRY_SUB,       /* a sub-address that the store itself took apart: base is set */
	/* STORE_DOMAIN */
	ENTRY_DOMAIN,       /* served here */
	ENTRY_ALIAS_DOMAIN, /* its addresses are those of its one target, a domain */
	ENTRY_OPEN_DOMAIN,  /* served here, but nobody can tell which addresses it has */
	/* STORE_LOGINS */
	ENTRY_LOGINS, /* the logins listed, perhaps none: then nobody may use the address */
};
const char *store_entry_name(enum store_entry entry);

enum {
	STORE_ITEMS_MAX = 1000,        /* targets and logins of an answer, together */
	STORE_OCTETS_MAX = 64 * 1024,  /* of an answer; more of either: TEMPFAIL */
	STORE_KEY_MAX = 1024,          /* octets of a key; a longer one is never asked */
	STORE_WHY_MAX = 200,           /* octets of a reason; more are cut */
	STORE_WORKERS_MAX = 64,        /* of one store */
	STORE_OPTION_TEXT_MAX = 10000, /* octets of an option (a query) */
};

/* ---- what a store is asked ------------------------------------------------------ */

/*
 * One exact key.  Local parts are without quotes and folded as the site folds them, domains
 * in lower case, in A-form (a second question has the U-form where the domain has one).
 *
 *	service        key                  local_part   domain
 *	ADDRESS LOGINS ann@example.com      ann          example.com
 *	               "a b"@example.com    a b          example.com
 *	               @example.com         (not there)  example.com    everything else there
 *	               ann                  ann          (not there)    STORE_LOCAL_PART
 *	DOMAIN         example.com          (not there)  example.com
 *
 * The key is local_part@domain as RFC 5321 writes it, quoted only where it has to be.  From
 * the directory no slice has a NUL or a control character in it.  key has a NUL behind it,
 * local_part and domain have none.  All of them live as long as the lookup.
 */
struct store_question {
	enum store_service service;
	struct slice key, local_part, domain;
};

/* ---- what it answers ------------------------------------------------------------ */

/*
 * Immutable, counted by reference, shared by all threads.  `why` is there for TEMPFAIL and
 * PERMFAIL: a few words, without passwords, perhaps with octets from outside.
 */
struct store_answer {
	enum lookup_status status;
	enum store_entry entry; /* FOUND */
	int64_t elapsed_us;     /* that the lookup took */
	struct slice base;      /* ENTRY_SUB: the address it belongs to */
	struct slice why;
	size_t target_count, login_count;
	bool has_logins;      /* the store says who may use it, be it nobody */
	bool of_key;          /* TEMPFAIL, PERMFAIL: the store works, this key alone failed */
	struct slice items[]; /* the targets, then the logins */
};

struct store_answer *store_answer_ref(struct store_answer *answer);
void store_answer_unref(struct store_answer *answer); /* NULL is allowed */
size_t store_answer_octets(const struct store_answer *answer);

static inline const struct slice *store_answer_logins(const struct store_answer *answer)
{
	return answer->items + answer->target_count;
}

/*
 * An answer in the making.  The front hands it to lookup, empty; a store adds to it, in any
 * order, and returns the status.  Everything is copied.  What goes beyond a ceiling makes the
 * whole answer TEMPFAIL, so nothing has to be checked.
 */
struct store_reply;

void store_reply_entry(struct store_reply *reply, enum store_entry entry); /* else: MAILBOX, */
									   /* LOGINS, DOMAIN */
void store_reply_base(struct store_reply *reply, struct slice address);
/*
 * One target of an alias: an address, a local name, "@domain" (the same local part there),
 * "|program", "/file", ":include:file".  Of a mailbox: the name of the account that it belongs
 * to, where that is not the address itself: a login by that name may use it.
 */
void store_reply_target(struct store_reply *reply, struct slice target);
void store_reply_login(struct store_reply *reply, struct slice login);
/* Nobody may use it, unless logins are added: for ADDRESS entries that name their logins. */
void store_reply_has_logins(struct store_reply *reply);
/* The words of a list as Postfix writes it, parted by blanks and commas, quotes respected. */
void store_reply_targets(struct store_reply *reply, struct slice list);
void store_reply_logins(struct store_reply *reply, struct slice list);
/* The reason of TEMPFAIL or PERMFAIL; returns status.  A reply that is NULL gets no reason. */
enum lookup_status store_reply_fail(struct store_reply *reply, enum lookup_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/*
 * The same, where the store has answered and what failed is this key: too many rows, a mailbox
 * that is full, a refusal.  Everybody can send as an odd address, so that such a failure must
 * not count against the store (front.h).  A question that took until its deadline is none.
 */
enum lookup_status store_reply_fail_key(struct store_reply *reply, enum lookup_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Forgets what was added: before a second try. */
void store_reply_reset(struct store_reply *reply);

/* ---- options -------------------------------------------------------------------- */

/*
 * The section `store "NAME" { type = ...  path = ... }`, as texts; a list is its name again and
 * again.  The front takes the common ones (store_common_rules) for itself.
 */
struct store_option {
	const char *name, *value;
};

struct store_options {
	const char *name; /* the section's title; "type:path" for one made on a command line */
	const struct store_option *items;
	size_t count;
};

enum store_form {
	STORE_TEXT,
	STORE_PATH,    /* absolute */
	STORE_NUMBER,  /* 1 to 1,000,000,000 */
	STORE_SECONDS, /* 0 to 10,000,000; a fraction is allowed */
	STORE_BOOL,    /* true, false, yes, no */
	STORE_WORDS,   /* a list: the option may be given more than once */
};

/* The short form TYPE:PATH sets the option `path`: a type without it has no short form. */
struct store_rule {
	const char *name;
	enum store_form form;
	bool required;
};

/* The first value, or fallback (NULL allowed).  The text is the option's. */
const char *store_option_text(
    const struct store_options *options, const char *name, const char *fallback);
int64_t store_option_number(
    const struct store_options *options, const char *name, int64_t fallback);
/* STORE_SECONDS in microseconds. */
int64_t store_option_us(const struct store_options *options, const char *name, int64_t fallback);
bool store_option_bool(const struct store_options *options, const char *name, bool fallback);
/* The n-th value of a list, from 0; NULL behind the last. */
const char *store_option_nth(const struct store_options *options, const char *name, size_t n);

/* ---- the store itself ----------------------------------------------------------- */

enum store_flag {
	STORE_LOCAL = 1,      /* answers in microseconds from memory or a mapped file: asked in the
			    thread of the message, without workers, never cached */
	STORE_LOCAL_PART = 2, /* keys of STORE_ADDRESS are local parts: asked where the domain is
				   one of its `domains`, else of the host's own */
	STORE_NO_CATCH_ALL = 4, /* never asked "@domain" */
	STORE_WHOLE = 8, /* takes addresses apart itself: asked for the whole address alone, never
			       for its base, a local part or "@domain" (a callout, `postfix`) */
	STORE_ON_HOST = 16, /* blocks, but asks nobody beyond this host: allowed offline (SQLite) */
};

struct store_class;
struct pooled_class; /* store/pooled.h */

/* First member of every implementation; open sets class, services and flags, the front name. */
struct store {
	const struct store_class *class;
	const char *name;
	unsigned services, flags;
};

struct store_class {
	const char *type;               /* the value of the option `type` */
	const struct store_rule *rules; /* options of its own; ended by a NULL name */
	/*
	 * A store, or NULL with the reason in notes: what is wrong with the options.  A file that
	 * cannot be read now is not such a reason: its lookups are TEMPFAIL, and a line in notes
	 * says so.  The options are gone after the call.
	 */
	struct store *(*open)(const struct store_options *options, struct buf *notes);
	/* See the rules above.  Absent where the store keeps connections: pooled. */
	enum lookup_status (*lookup)(struct store *store, const struct store_question *question,
	    int64_t deadline_us, struct store_reply *reply);
	/* Absent: it keeps none, or is STORE_LOCAL. */
	const struct pooled_class *pooled;
	/*
	 * Called about once a second by one thread of the directory, for what changes with time:
	 * a file that was replaced, an idle statement.  May block; lookups go on meanwhile.  With
	 * force the store takes everything anew (flush).  May be absent.
	 */
	void (*refresh)(struct store *store, bool force);
	/* All workers are gone, their connections ended. */
	void (*close)(struct store *store);
};

/* All stores that this program was built with, ended by NULL (stores.c). */
extern const struct store_class *const store_classes[];

/*
 * Options that every store has:
 *	type          which store
 *	domains       a list: it is asked for these alone, and they are served here
 *	parallel      asked beside the stores before it, not only after them (default: no)
 *	workers       lookups at the same time (default 4)
 *	timeout       of one lookup, seconds (default 3)
 *	positive_ttl  seconds that FOUND is kept (default 300)
 *	negative_ttl  seconds that NOTFOUND is kept (default 30)
 *	stale_for     seconds that an answer may serve beyond that, while the store fails
 *		      (default 3600)
 */
extern const struct store_rule store_common_rules[];

/* The class of that type, or NULL. */
const struct store_class *store_class_find(const char *type);

/* Is that what a store takes?  Else false, with one line a fault in notes. */
bool store_options_check(const struct store_options *options, struct buf *notes);

/*
 * Checks the options against the class's rules and the common ones and opens the store.  NULL
 * with one line a fault in notes.  For tests of one store without a front; it is ended by
 * class->close.
 */
struct store *store_open(const struct store_options *options, struct buf *notes);

/*
 * One lookup in this thread: for the front, and for tests of one store.  *connection is this
 * thread's own, NULL at first; it stays between lookups and is ended by store_disconnect.  Never
 * NULL; the caller has the only reference.
 */
struct store_answer *store_lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us);
void store_disconnect(struct store *store, void *connection); /* NULL is allowed */

/* An answer without items; why may be NULL. */
struct store_answer *store_answer_empty(enum lookup_status status, const char *why);

#endif
