/*
 * store_ldap.c - the store ldap: entries found by a filter.
 *
 *	uri           ldap://host:port, ldaps://host:port, or ldapi://%2Fpath
 *	tls           no (default, but for ldaps); yes: StartTLS, whoever the server is; verify
 *	              (default for ldaps): its certificate has to name the host and be signed by
 *	              tls_ca, default the system's authorities
 *	bind_dn, password or password_file    none: anonymous
 *	base          where the search begins; all below it, or `scope` one or base
 *	filter        what is an address?  logins_filter, domain_filter: as in sql_query.h;
 *	              see ldap_filter.h
 *	targets       attributes; an entry that has one is an alias with their values as targets
 *	logins        attributes; their values are the logins that may use the address
 *	list_classes  object classes; an entry of one of them is a list
 *	forward_classes  object classes; an entry of one of them only forwards
 *
 * The socket is ours, and so is the lowest layer of what libldap reads and writes through: it
 * waits until the deadline and fails then, so half an answer is waited for no longer than none.
 * (With a socket that does not block, libldap over GnuTLS reads again and again as fast as it
 * can until a handshake goes on: its time-outs do not hold there.)  Referrals are not followed:
 * they would lead to servers that nobody configured.
 */
#include <errno.h>
#include <ldap.h>
#include <openldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "dns/dns.h"
#include "store/ldap_filter.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/secret.h"
#include "store/stores.h"

enum {
	ATTRIBUTES_MAX = 20,           /* of each option */
	FILTER_OCTETS_MAX = 40000,     /* with what was put in */
	INCOMING_OCTETS = 1024 * 1024, /* of one message from the server */
	ENTRIES_MAX = STORE_ITEMS_MAX,
};

enum kind { OF_ADDRESS, OF_LOGINS, OF_DOMAIN, KINDS };

static const struct {
	const char *option;
	enum store_service service;
} kinds[KINDS] = {
	{ "filter", STORE_ADDRESS },
	{ "logins_filter", STORE_LOGINS },
	{ "domain_filter", STORE_DOMAIN },
};

enum list { TARGETS, LOGINS, LIST_CLASSES, FORWARD_CLASSES, LISTS };

static const char *const lists[LISTS] = { "targets", "logins", "list_classes", "forward_classes" };

struct ldap_store {
	struct store store;
	struct peer *peer;
	char *uri, *bind_dn, *base, *ca;
	int scope;
	bool ipc, ldaps, tls, verify;
	struct secret secret;
	char *filters[KINDS];
	char *names[LISTS][ATTRIBUTES_MAX + 1]; /* ended by NULL */
	char *wanted[2 * ATTRIBUTES_MAX + 2]; /* attributes to ask for; the texts are those above */
};

static const struct store_rule rules[] = {
	{ "uri", STORE_TEXT, true },
	{ "tls", STORE_TEXT, false },
	{ "tls_ca", STORE_PATH, false },
	{ "bind_dn", STORE_TEXT, false },
	{ "password", STORE_TEXT, false },
	{ "password_file", STORE_PATH, false },
	{ "base", STORE_TEXT, true },
	{ "scope", STORE_TEXT, false },
	{ "filter", STORE_TEXT, false },
	{ "logins_filter", STORE_TEXT, false },
	{ "domain_filter", STORE_TEXT, false },
	{ "targets", STORE_WORDS, false },
	{ "logins", STORE_WORDS, false },
	{ "list_classes", STORE_WORDS, false },
	{ "forward_classes", STORE_WORDS, false },
	{ NULL, STORE_TEXT, false },
};

/* ---- options -------------------------------------------------------------------- */

static void close_ldap(struct store *store)
{
	struct ldap_store *s = (struct ldap_store *)store;

	peer_free(s->peer);
	free(s->uri);
	free(s->bind_dn);
	free(s->base);
	free(s->ca);
	secret_free(&s->secret);
	for (int i = 0; i < KINDS; i++)
		free(s->filters[i]);
	for (int i = 0; i < LISTS; i++)
		for (int n = 0; s->names[i][n] != NULL; n++)
			free(s->names[i][n]);
	free(s);
}

static bool complain(const struct store_options *options, struct buf *notes, const char *what)
{
	buf_printf(notes, "store \"%s\": %s\n", options->name, what);
	return false;
}

static bool read_uri(struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	LDAPURLDesc *url = NULL;
	char *place = NULL;
	bool good;

	s->uri = must_strdup(store_option_text(options, "uri", ""));
	if (ldap_url_parse(s->uri, &url) != LDAP_URL_SUCCESS || url->lud_host == NULL ||
	    url->lud_host[0] == '\0') {
		ldap_free_urldesc(url);
		return complain(
		    options, notes, "uri is no ldap://, ldaps:// or ldapi:// with a host");
	}
	s->ipc = strcmp(url->lud_scheme, "ldapi") == 0;
	s->ldaps = strcmp(url->lud_scheme, "ldaps") == 0;
	place = must_strdup(url->lud_host);
	good = (s->ipc == (place[0] == '/')) && url->lud_port >= 0 && url->lud_port <= 65535;
	if (good)
		s->peer = peer_new(
		    place, url->lud_port > 0 ? (uint16_t)url->lud_port : 389, options->name, notes);
	else
		complain(options, notes, "uri names no host or path");
	free(place);
	ldap_free_urldesc(url);
	return s->peer != NULL;
}

static bool read_tls(struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	const char *tls = store_option_text(options, "tls", s->ldaps ? "verify" : "no");
	const char *ca = store_option_text(options, "tls_ca", NULL);
	bool no = strcmp(tls, "no") == 0;

	s->ca = ca == NULL ? NULL : must_strdup(ca);
	s->verify = strcmp(tls, "verify") == 0;
	s->tls = s->verify || strcmp(tls, "yes") == 0;
	if (!s->tls && !no)
		return complain(options, notes, "tls is none of no, yes, verify");
	if ((s->ldaps && no) || (s->ipc && s->tls))
		return complain(options, notes, "tls does not go with this uri");
	return true;
}

static bool read_bind(struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	const char *dn = store_option_text(options, "bind_dn", NULL);

	s->bind_dn = dn == NULL ? NULL : must_strdup(dn);
	if (!secret_init(&s->secret, options, notes))
		return false;
	/* a name without a password is taken for an anonymous bind, and succeeds */
	if ((dn != NULL) != secret_is_set(&s->secret))
		return complain(options, notes, "bind_dn and a password need each other");
	return true;
}

static bool read_filters(
    struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	bool good = true;

	for (int i = 0; i < KINDS; i++) {
		const char *text = store_option_text(options, kinds[i].option, NULL);
		const char *fault = text == NULL ? NULL : ldap_filter_fault(text);

		if (text == NULL)
			continue;
		if (fault != NULL) {
			buf_printf(
			    notes, "store \"%s\": %s %s\n", options->name, kinds[i].option, fault);
			good = false;
		}
		s->filters[i] = must_strdup(text);
		s->store.services |= kinds[i].service;
	}
	if (s->store.services == 0)
		return complain(
		    options, notes, "it needs one of filter, logins_filter, domain_filter");
	if (s->filters[OF_LOGINS] != NULL && store_option_nth(options, "logins", 0) == NULL)
		return complain(options, notes, "logins_filter needs logins, the attributes");
	return good;
}

static bool read_lists(struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	size_t wanted = 0;

	for (int i = 0; i < LISTS; i++)
		for (size_t n = 0;; n++) {
			const char *name = store_option_nth(options, lists[i], n);

			if (name == NULL)
				break;
			if (n == ATTRIBUTES_MAX) {
				buf_printf(notes, "store \"%s\": %s has more than %d names\n",
				    options->name, lists[i], ATTRIBUTES_MAX);
				return false;
			}
			s->names[i][n] = must_strdup(name);
			if (i == TARGETS || i == LOGINS)
				s->wanted[wanted++] = s->names[i][n];
		}
	s->wanted[wanted] = (char *)(uintptr_t) "objectClass";
	return true;
}

static bool read_scope(struct ldap_store *s, const struct store_options *options, struct buf *notes)
{
	const char *scope = store_option_text(options, "scope", "sub");

	s->base = must_strdup(store_option_text(options, "base", ""));
	s->scope = strcmp(scope, "sub") == 0    ? LDAP_SCOPE_SUBTREE
		   : strcmp(scope, "one") == 0  ? LDAP_SCOPE_ONELEVEL
		   : strcmp(scope, "base") == 0 ? LDAP_SCOPE_BASE
						: -1;
	return s->scope >= 0 || complain(options, notes, "scope is none of sub, one, base");
}

static struct store *open_ldap(const struct store_options *options, struct buf *notes)
{
	struct ldap_store *s = must_alloc(sizeof *s);

	s->store = (struct store){ &store_ldap, options->name, 0, 0 };
	if (read_uri(s, options, notes) && read_tls(s, options, notes) &&
	    read_bind(s, options, notes) && read_filters(s, options, notes) &&
	    read_lists(s, options, notes) && read_scope(s, options, notes)) {
		if (s->ipc)
			s->store.flags = STORE_ON_HOST;
		return &s->store;
	}
	close_ldap(&s->store);
	return NULL;
}

/* ---- the lowest layer ----------------------------------------------------------- */

struct session {
	LDAP *ld;
	int fd;
	int64_t deadline_us; /* of the lookup that is going on */
};

static int io_setup(Sockbuf_IO_Desc *d, void *session)
{
	d->sbiod_pvt = session;
	return 0;
}

static int io_nothing(Sockbuf_IO_Desc *d)
{
	(void)d;
	return 0;
}

static int io_control(Sockbuf_IO_Desc *d, int option, void *value)
{
	return LBER_SBIOD_CTRL_NEXT(d, option, value);
}

static bool is_full(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static ber_slen_t io_read(Sockbuf_IO_Desc *d, void *octets, ber_len_t len)
{
	struct session *session = d->sbiod_pvt;
	ssize_t n;

	while (is_full(n = recv(session->fd, octets, len, MSG_DONTWAIT)))
		if (!peer_wait(session->fd, true, false, session->deadline_us)) {
			errno = ETIMEDOUT;
			return -1;
		}
	return n;
}

static ber_slen_t io_write(Sockbuf_IO_Desc *d, void *octets, ber_len_t len)
{
	struct session *session = d->sbiod_pvt;
	ssize_t n;

	while (is_full(n = send(session->fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL)))
		if (!peer_wait(session->fd, false, true, session->deadline_us)) {
			errno = ETIMEDOUT;
			return -1;
		}
	return n;
}

static Sockbuf_IO bounded_io = { io_setup, io_nothing, io_control, io_read, io_write, io_nothing };

/* ---- failures ------------------------------------------------------------------- */

static enum lookup_status fail(int code, const char *said, struct store_reply *reply)
{
	static const int permanent[] = { LDAP_INVALID_CREDENTIALS, LDAP_INSUFFICIENT_ACCESS,
		LDAP_NO_SUCH_OBJECT, LDAP_INAPPROPRIATE_AUTH, LDAP_STRONG_AUTH_REQUIRED,
		LDAP_CONFIDENTIALITY_REQUIRED, LDAP_AUTH_METHOD_NOT_SUPPORTED,
		LDAP_INVALID_DN_SYNTAX, LDAP_PROTOCOL_ERROR, LDAP_REFERRAL,
		LDAP_UNWILLING_TO_PERFORM, LDAP_FILTER_ERROR, LDAP_UNDEFINED_TYPE };
	enum lookup_status status = LOOKUP_TEMPFAIL;

	if (code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_ADMINLIMIT_EXCEEDED)
		return store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "%s", ldap_err2string(code));
	for (size_t i = 0; i < sizeof permanent / sizeof *permanent; i++)
		if (code == permanent[i])
			status = LOOKUP_PERMFAIL;
	return store_reply_fail(reply, status, "%s%s%s", ldap_err2string(code),
	    said == NULL || said[0] == '\0' ? "" : ": ", said == NULL ? "" : said);
}

/* What libldap itself says of the last call, where it was not simply too late. */
static enum lookup_status fail_here(struct session *session, struct store_reply *reply)
{
	enum lookup_status status;
	int code = LDAP_OTHER;
	char *said = NULL;

	if (dns_now_us() >= session->deadline_us)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "no answer in time");
	ldap_get_option(session->ld, LDAP_OPT_RESULT_CODE, &code);
	ldap_get_option(session->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	status = fail(code, said, reply);
	ldap_memfree(said);
	return status;
}

/*
 * The next message about a request: FOUND with *message, which is the caller's.  *gone: the
 * server has ended the connection.
 */
static enum lookup_status next_message(
    struct session *session, int id, LDAPMessage **message, bool *gone, struct store_reply *reply)
{
	int64_t left_us = session->deadline_us - dns_now_us();
	struct timeval left = { left_us / 1000000, left_us % 1000000 };
	int type = left_us <= 0 ? 0 : ldap_result(session->ld, id, LDAP_MSG_ONE, &left, message);

	*gone = false;
	if (type > 0)
		return LOOKUP_FOUND;
	if (type < 0)
		*gone = dns_now_us() < session->deadline_us;
	return fail_here(session, reply);
}

/* What a result says; it is freed. */
static enum lookup_status judge(LDAP *ld, LDAPMessage *message, struct store_reply *reply)
{
	int code = LDAP_OTHER;
	char *said = NULL;
	int parsed = ldap_parse_result(ld, message, &code, NULL, &said, NULL, NULL, 1);
	enum lookup_status status = LOOKUP_FOUND;

	if (parsed != LDAP_SUCCESS)
		status = fail(parsed, NULL, reply);
	else if (code != LDAP_SUCCESS)
		status = fail(code, said, reply);
	ldap_memfree(said);
	return status;
}

static enum lookup_status await(struct session *session, int id, struct store_reply *reply)
{
	LDAPMessage *message = NULL;
	bool gone;
	enum lookup_status status = next_message(session, id, &message, &gone, reply);

	return status == LOOKUP_FOUND ? judge(session->ld, message, reply) : status;
}

/* ---- a connection --------------------------------------------------------------- */

/* Says goodbye if the socket takes it at once. */
static void disconnect_ldap(struct store *store, void *connection)
{
	struct session *session = connection;

	(void)store;
	session->deadline_us = 0;
	ldap_unbind_ext(session->ld, NULL, NULL);
	free(session);
}

static enum lookup_status set_options(const struct ldap_store *s, struct session *session)
{
	LDAP *ld = session->ld;
	static const int version = LDAP_VERSION3, entries = ENTRIES_MAX;
	int require = s->verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER, client = 0;
	const char *ca = s->ca != NULL ? s->ca : "/etc/ssl/certs/ca-certificates.crt";
	ber_len_t incoming = INCOMING_OCTETS;
	Sockbuf *sb = NULL;
	int bad = 0;

	bad |= ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	bad |= ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	bad |= ldap_set_option(ld, LDAP_OPT_SIZELIMIT, &entries);
	bad |= ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb);
	if (sb == NULL)
		return LOOKUP_PERMFAIL;
	ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &incoming);
	bad |= ber_sockbuf_add_io(sb, &bounded_io, LBER_SBIOD_LEVEL_PROVIDER, session);
	if (s->tls) {
		bad |= ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &require);
		if (s->verify)
			bad |= ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca);
		bad |= ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	}
	return bad == 0 ? LOOKUP_FOUND : LOOKUP_PERMFAIL;
}

static enum lookup_status start_tls(
    const struct ldap_store *s, struct session *session, struct store_reply *reply)
{
	enum lookup_status status;
	int id;

	if (!s->ldaps) {
		if (ldap_start_tls(session->ld, NULL, NULL, &id) != LDAP_SUCCESS)
			return fail_here(session, reply);
		status = await(session, id, reply);
		if (status != LOOKUP_FOUND)
			return status;
	}
	return ldap_install_tls(session->ld) == LDAP_SUCCESS ? LOOKUP_FOUND
							     : fail_here(session, reply);
}

static enum lookup_status bind_as(
    const struct ldap_store *s, struct session *session, struct store_reply *reply)
{
	char password[SECRET_SIZE];
	enum lookup_status status = secret_read(&s->secret, password, reply);
	struct berval secret = { strlen(password), password };
	int id, code;

	if (status != LOOKUP_FOUND)
		return status;
	if (secret.bv_len == 0)
		return store_reply_fail(reply, LOOKUP_PERMFAIL, "the password is empty");
	code = ldap_sasl_bind(session->ld, s->bind_dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id);
	secret_forget(password);
	return code == LDAP_SUCCESS ? await(session, id, reply) : fail_here(session, reply);
}

static enum lookup_status connect_ldap(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct ldap_store *s = (struct ldap_store *)store;
	struct session *session;
	int fd, code;
	enum lookup_status status = peer_connect(s->peer, deadline_us, &fd, reply);

	if (status != LOOKUP_FOUND)
		return status;
	session = must_alloc(sizeof *session);
	session->fd = fd;
	session->deadline_us = deadline_us;
	code = ldap_init_fd(fd, s->ipc ? LDAP_PROTO_IPC : LDAP_PROTO_TCP, s->uri, &session->ld);
	if (code != LDAP_SUCCESS) {
		close(fd);
		free(session);
		return fail(code, NULL, reply);
	}
	status = set_options(s, session);
	if (status != LOOKUP_FOUND)
		store_reply_fail(reply, status, "tls_ca cannot be used");
	if (status == LOOKUP_FOUND && s->tls)
		status = start_tls(s, session, reply);
	if (status == LOOKUP_FOUND && s->bind_dn != NULL)
		status = bind_as(s, session, reply);
	if (status == LOOKUP_FOUND)
		*connection = session;
	else
		disconnect_ldap(store, session);
	return status;
}

/* ---- a question ----------------------------------------------------------------- */

/* Each value of the attributes, by one of the functions that take a slice. */
static bool take_values(LDAP *ld, LDAPMessage *entry, char *const *names, struct store_reply *reply,
    void (*take)(struct store_reply *reply, struct slice value))
{
	bool any = false;

	for (; *names != NULL; names++) {
		struct berval **values = ldap_get_values_len(ld, entry, *names);

		for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
			take(reply, (struct slice){ values[i]->bv_val, values[i]->bv_len });
			any = any || values[i]->bv_len > 0;
		}
		ldap_value_free_len(values);
	}
	return any;
}

static bool is_of_class(LDAP *ld, LDAPMessage *entry, char *const *classes)
{
	struct berval **values = ldap_get_values_len(ld, entry, "objectClass");
	bool found = false;

	for (; *classes != NULL; classes++)
		for (size_t i = 0; values != NULL && values[i] != NULL; i++)
			found =
			    found || slice_equal_nocase(slice_of(*classes),
					 (struct slice){ values[i]->bv_val, values[i]->bv_len });
	ldap_value_free_len(values);
	return found;
}

static void read_entry(const struct ldap_store *s, LDAP *ld, LDAPMessage *entry,
    enum store_service service, struct store_reply *reply)
{
	bool targets = false;

	if (service != STORE_LOGINS)
		targets = take_values(ld, entry, s->names[TARGETS], reply, store_reply_target);
	if (service != STORE_DOMAIN && s->names[LOGINS][0] != NULL) {
		store_reply_has_logins(reply);
		take_values(ld, entry, s->names[LOGINS], reply, store_reply_login);
	}
	if (service == STORE_DOMAIN && targets)
		store_reply_entry(reply, ENTRY_ALIAS_DOMAIN);
	if (service != STORE_ADDRESS)
		return;
	if (is_of_class(ld, entry, s->names[LIST_CLASSES]))
		store_reply_entry(reply, ENTRY_LIST);
	else if (is_of_class(ld, entry, s->names[FORWARD_CLASSES]))
		store_reply_entry(reply, ENTRY_FORWARD);
	else if (targets)
		store_reply_entry(reply, ENTRY_ALIAS);
}

static enum lookup_status read_entries(const struct ldap_store *s, struct session *session, int id,
    enum store_service service, struct store_reply *reply, enum pooled_after *after)
{
	LDAP *ld = session->ld;
	size_t entries = 0;

	for (bool first = true;; first = false) {
		LDAPMessage *message = NULL;
		enum lookup_status status;
		bool gone;

		status = next_message(session, id, &message, &gone, reply);
		if (status != LOOKUP_FOUND) {
			if (gone && first)
				*after = POOLED_DROPPED;
			return status;
		}
		if (ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT) {
			status = judge(ld, message, reply);
			*after = POOLED_KEEP;
			return status == LOOKUP_FOUND && entries == 0 ? LOOKUP_NOTFOUND : status;
		}
		if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY && entries++ < ENTRIES_MAX)
			read_entry(s, ld, message, service, reply);
		ldap_msgfree(message);
		if (entries > ENTRIES_MAX)
			return store_reply_fail_key(
			    reply, LOOKUP_TEMPFAIL, "there are too many entries");
	}
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct ldap_store *s = (struct ldap_store *)store;
	enum kind kind = question->service == STORE_ADDRESS  ? OF_ADDRESS
			 : question->service == STORE_LOGINS ? OF_LOGINS
							     : OF_DOMAIN;
	struct session *session = connection;
	struct buf filter;
	int id, code;

	session->deadline_us = deadline_us;
	buf_init(&filter, FILTER_OCTETS_MAX);
	if (!ldap_filter_fill(&filter, s->filters[kind], question)) {
		buf_free(&filter);
		*after = POOLED_KEEP;
		return LOOKUP_NOTFOUND;
	}
	if (filter.truncated) {
		buf_free(&filter);
		*after = POOLED_KEEP;
		return store_reply_fail_key(reply, LOOKUP_PERMFAIL, "the filter is too long");
	}
	code = ldap_search_ext(session->ld, s->base, s->scope, buf_text(&filter), s->wanted, 0,
	    NULL, NULL, NULL, ENTRIES_MAX, &id);
	buf_free(&filter);
	if (code != LDAP_SUCCESS) {
		if (code == LDAP_SERVER_DOWN)
			*after = POOLED_DROPPED;
		return fail_here(session, reply);
	}
	return read_entries(s, session, id, question->service, reply, after);
}

static const struct pooled_class pool = { connect_ldap, ask, disconnect_ldap };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_ldap = { "ldap", rules, open_ldap, lookup, disconnect, NULL,
	close_ldap };
