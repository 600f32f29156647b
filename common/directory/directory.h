/*
 * directory.h - is there a mailbox behind an address, and which logins may use it.
 *
 * The one interface upward.  Existence and permission are two questions with
 * answers of their own: a store of mailboxes may be silent while the map of
 * logins speaks.  Both are pure functions over a view (view.h), as SPF and DMARC
 * are over the DNS: they return DIRECTORY_PENDING when questions were noted, and
 * are run again after a wait.
 *
 *	do {
 *		pending = directory_address(view, address, &found) == DIRECTORY_PENDING;
 *		pending |= spf_evaluate(...).result == SPF_PENDING;
 *		directory_view_start(view);
 *	} while (pending && (dns_view_wait(dns) || directory_view_wait(view)));
 *
 * started first, the stores work while the DNS is waited for: together they take
 * as long as the slower of the two, under one deadline.
 *
 * How stores are asked: in the configured order, each for the exact address, then
 * for the address without what follows the delimiter, then for "@domain".  The first
 * mailbox, alias, list or sub-address wins; a catch-all in one store gives way to a
 * mailbox in a later one.  A store that fails is passed over, and if no other one
 * knows the address the answer is unknown, never none.
 */
#ifndef PRESEND_DIRECTORY_DIRECTORY_H
#define PRESEND_DIRECTORY_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

struct directory_view; /* directory/view.h */
struct store_options;  /* store/store.h */

enum directory_answer {
	DIRECTORY_MAILBOX,
	DIRECTORY_ALIAS, /* at least one target is served here, or it is delivered here otherwise */
	DIRECTORY_FORWARD_ONLY, /* all targets are elsewhere */
	DIRECTORY_LIST,
	DIRECTORY_SUB_ADDRESS, /* of `of`, which is one of the above */
	DIRECTORY_CATCH_ALL,   /* accepted by an entry for the whole domain: proof of nothing */
	DIRECTORY_NOT_OURS,    /* the domain is not served here */
	DIRECTORY_NONE,        /* the domain is served here, the address is not there */
	DIRECTORY_UNKNOWN,     /* could not tell: `why` */
	DIRECTORY_PENDING,     /* ask again after directory_view_wait */
};

/* "mailbox", "alias", "forward-only", "list", "sub-address", "catch-all", "not-ours", ... */
const char *directory_answer_name(enum directory_answer answer);

enum {
	DIRECTORY_STORES_MAX = 32,
	DIRECTORY_ALIAS_DEPTH = 10,    /* aliases of aliases; where a deeper one leads: unknown */
	DIRECTORY_REACHED_MAX = 100,   /* addresses looked at for one alias; of more: unknown */
	DIRECTORY_DOMAINS_MAX = 10000, /* of a list in the options; more: directory_new fails */
};

/* All slices live in the arena of the view. */
struct directory_result {
	enum directory_answer answer;
	struct slice address; /* as the site compares it: folded, domain in A-form */
	struct slice of;      /* sub-address: of which; an alias domain's address: which it is */
	const char *store;    /* the store that decided; NULL: none.  Lives with the directory. */
	struct slice why;     /* UNKNOWN: a few words */
	bool stale;           /* an old answer served because the store fails */
	/*
	 * Where its mail goes, through aliases of aliases: addresses that no alias leads on from,
	 * local names, "|program", "/file".  A mailbox reaches itself.
	 */
	const struct slice *reaches;
	size_t reach_count;
	/* Why that is not all: a store failed, or a ceiling was met.  Not there: it is all. */
	struct slice reaches_more;
	/* The logins that the entry itself names; has_logins and none: nobody. */
	const struct slice *logins;
	size_t login_count;
	bool has_logins;
	bool local; /* found by its local part alone: the account of a Unix user, or its alias */
};

/* What is this address?  Without stores: UNKNOWN, which callers skip (directory_has_stores). */
enum directory_answer directory_address(
    struct directory_view *view, struct slice address, struct directory_result *result);

enum directory_served {
	SERVED_YES,
	SERVED_NO,
	SERVED_UNKNOWN, /* a store failed, or nobody tells which domains are served here */
	SERVED_PENDING,
};

/* Is the domain, in A-form and lower case, served here? */
enum directory_served directory_serves(struct directory_view *view, struct slice domain);

enum directory_permission {
	PERMISSION_YES,
	PERMISSION_NO,
	PERMISSION_UNKNOWN, /* could not tell */
	PERMISSION_PENDING,
};

struct directory_use {
	enum directory_permission permission;
	const char *store;  /* that decided; NULL: none */
	const char *reason; /* a few words, a static string: "the map of logins", ... */
	struct slice why;   /* UNKNOWN */
	/* The logins that it names, in the map or with the address; has_logins and none: nobody. */
	const struct slice *logins;
	size_t login_count;
	bool has_logins;
};

/*
 * May the login use the address?  An empty login is nobody's: that asks which logins are named.
 * In this order:
 *  1. a map of logins (service STORE_LOGINS), with the semantics of Postfix's
 *     smtpd_sender_login_maps: the address, its base, the local part where the domain is
 *     local, "@domain"; the first found decides.  Where a store is such a map, an address
 *     that none of them has is nobody's.
 *  2. the logins that the entry of the address names (there "*" is every login).
 *  3. else the login whose own mailbox the address reaches: the address itself, an alias to
 *     it, a sub-address, an address of an alias domain.  Never by a forward-only alias,
 *     and never by a catch-all.  Where not all that it reaches could be looked at: unknown.
 * Logins compare without regard to case.  One without a domain is compared with local parts
 * of local accounts, and of the login domains of the directory; one with a domain is never
 * the same name in another login domain.
 */
enum directory_permission directory_may_use(struct directory_view *view, struct slice login,
    struct slice address, struct directory_use *use);

/* ---- the directory -------------------------------------------------------------- */

/* What the configuration says beside the sections `store`; all texts are copied. */
struct directory_options {
	const char *const *domains; /* own_domains as far as configured: "x", "*.x" */
	size_t domain_count;
	const char *const *login_domains; /* that a login without a domain belongs to */
	size_t login_domain_count;
	const char *delimiters; /* NULL or "": no sub-addresses but where a store knows of them */
	bool case_sensitive;    /* of local parts: default no; yes if a store says so */
	bool catch_all_is_mailbox;
	bool offline; /* stores over the network are not asked: unknown */
};

struct directory;

/*
 * Opens the stores in that order.  NULL with one line a fault in notes; warnings leave lines
 * there as well: one about a file that cannot be read begins with its path, or the name of the
 * table ("hash:/path"), and a colon.  A store may be given as the short form "type:path" in
 * a section with that one option `spec`; `postfix` alone is one too.  Immutable but for its
 * caches; shared by all threads; counted.
 *
 * No thread is started before the first view, so a program may fork until then.  The last
 * directory_unref ends them; it waits FRONT_GRACE_US for all stores that hang.
 */
struct directory *directory_new(const struct directory_options *options,
    const struct store_options *stores, size_t count, struct buf *notes);
struct directory *directory_ref(struct directory *directory);
void directory_unref(struct directory *directory); /* NULL is allowed */

bool directory_has_stores(const struct directory *directory); /* NULL: no */

/*
 * Does it know which domains are not served here?  So it does where the options or a store list
 * them, and no store of addresses may hold others; else directory_serves has no SERVED_NO.
 */
bool directory_tells_domains(const struct directory *directory); /* NULL: no */

/* Forgets all cached answers and reads changed files now. */
void directory_flush(struct directory *directory);

#endif
