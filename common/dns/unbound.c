/*
 * unbound.c - answers from the DNS itself, by libunbound.
 *
 * The open questions stand in one list in the order of their deadlines.  The
 * mutex guards the list and is held while a question is handed over or called
 * off, so that whoever takes a question out of the list owns it: its answer is
 * given once, by the pump or by the end.  Answers are never given under it.
 */
#include "dns/unbound.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/thread.h"
#include "dns/answer.h"
#include "dns/wire.h"

enum { CLASS_IN = 1, RCODE_NOERROR = 0, RCODE_REFUSED = 5, RCODE_NXDOMAIN = 3 };

struct question {
	struct question *previous, *next; /* in the list of open ones */
	struct unbound *owner;
	int64_t deadline_us;
	int id; /* libunbound's */
	enum dns_type type;
	resolver_done *done;
	void *context;
};

struct unbound {
	struct resolver resolver; /* first: see struct resolver */
	struct ub_ctx *context;
	pthread_t pump;
	int wake; /* eventfd: the list begins with another deadline, or stop */
	pthread_mutex_t mutex;
	struct question *first, *last;
	size_t open;
	bool stop;
};

/* ---- the list of open questions ------------------------------------------------- */

/* Deadlines mostly come in order, so the place is sought from the end. */
static void insert(struct unbound *u, struct question *q)
{
	struct question *before = u->last;

	while (before != NULL && before->deadline_us > q->deadline_us)
		before = before->previous;
	q->previous = before;
	q->next = before == NULL ? u->first : before->next;
	if (q->next != NULL)
		q->next->previous = q;
	else
		u->last = q;
	if (before != NULL)
		before->next = q;
	else
		u->first = q;
	u->open++;
}

static void take_out(struct unbound *u, struct question *q)
{
	if (q->previous != NULL)
		q->previous->next = q->next;
	else
		u->first = q->next;
	if (q->next != NULL)
		q->next->previous = q->previous;
	else
		u->last = q->previous;
	u->open--;
}

static void wake_pump(struct unbound *u)
{
	eventfd_write(u->wake, 1);
}

/* ---- answers -------------------------------------------------------------------- */

static const char *why_failed(const struct ub_result *result)
{
	if (result->bogus)
		return "the DNSSEC proof failed";
	if (result->rcode == RCODE_REFUSED)
		return "the name server refused (REFUSED)";
	return "the name server failed (SERVFAIL)";
}

static struct dns_answer *found(
    const struct ub_result *result, enum dns_type type, struct dns_answer *facts)
{
	struct dns_record records[DNS_RECORDS_MAX];
	struct arena *arena = arena_new();
	struct dns_answer *answer;
	size_t count = 0;

	for (size_t i = 0; result->data[i] != NULL; i++) {
		struct slice data = { result->data[i], (size_t)result->len[i] };

		if (count < DNS_RECORDS_MAX && wire_record(arena, type, data, &records[count]))
			count++;
		else
			facts->truncated = true;
	}
	facts->status = DNS_FOUND;
	answer = count > 0 ? dns_answer_make(facts, records, count)
			   : dns_answer_empty(DNS_TEMPFAIL, "no record can be read");
	arena_free(arena);
	return answer;
}

static struct dns_answer *read_result(int error, const struct ub_result *result, enum dns_type type)
{
	struct dns_answer facts = { 0 };

	if (error != 0 || result == NULL)
		return dns_answer_empty(DNS_TEMPFAIL, "the resolver failed");
	facts.secure = result->secure;
	facts.cname = result->canonname != NULL;
	facts.ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	if (result->bogus || (result->rcode != RCODE_NOERROR && result->rcode != RCODE_NXDOMAIN))
		return dns_answer_empty(DNS_TEMPFAIL, why_failed(result));
	if (result->havedata)
		return found(result, type, &facts);
	facts.status = result->rcode == RCODE_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
	return dns_answer_make(&facts, NULL, 0);
}

/* Gives the answer to a question that was taken out of the list. */
static void give(struct question *q, struct dns_answer *answer)
{
	q->done(q->context, answer);
	free(q);
}

/* libunbound's callback, in the pump. */
static void take_result(void *context, int error, struct ub_result *result)
{
	struct question *q = context;
	struct unbound *u = q->owner;

	pthread_mutex_lock(&u->mutex);
	take_out(u, q);
	pthread_mutex_unlock(&u->mutex);
	give(q, read_result(error, result, q->type));
	ub_resolve_free(result);
}

/* ---- questions ------------------------------------------------------------------ */

/* Hands the question over; true if its answer will come. */
static bool hand_over(struct unbound *u, struct question *q, const char *name)
{
	bool ok = false, first;

	pthread_mutex_lock(&u->mutex);
	if (u->open < UNBOUND_OPEN_MAX) {
		insert(u, q);
		first = u->first == q;
		ok = ub_resolve_async(
			 u->context, name, q->type, CLASS_IN, q, take_result, &q->id) == 0;
		if (!ok)
			take_out(u, q);
		else if (first)
			wake_pump(u);
	}
	pthread_mutex_unlock(&u->mutex);
	return ok;
}

static void unbound_ask(struct resolver *resolver, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	struct unbound *u = (struct unbound *)resolver;
	struct question *q = must_alloc(sizeof *q);
	char name[WIRE_NAME_TEXT_SIZE];

	*q = (struct question){
		.owner = u,
		.deadline_us = deadline_us,
		.type = question->type,
		.done = done,
		.context = context,
	};
	wire_name_text(question->name, name);
	if (!hand_over(u, q, name))
		give(q, dns_answer_empty(DNS_TEMPFAIL, "the resolver takes no more questions"));
}

/* Calls off the first question if its deadline has passed; NULL: none. */
static struct question *expire(struct unbound *u, int64_t now_us)
{
	struct question *q;

	pthread_mutex_lock(&u->mutex);
	q = u->first;
	if (q != NULL && q->deadline_us <= now_us) {
		take_out(u, q);
		ub_cancel(u->context, q->id);
	} else {
		q = NULL;
	}
	pthread_mutex_unlock(&u->mutex);
	return q;
}

/* ---- the pump ------------------------------------------------------------------- */

/* How long poll may sleep, in milliseconds; false: stop. */
static bool time_to_sleep(struct unbound *u, int *ms)
{
	int64_t left;
	bool go;

	*ms = -1;
	pthread_mutex_lock(&u->mutex);
	go = !u->stop;
	if (u->first != NULL) {
		left = u->first->deadline_us - clock_now_us();
		/* up to the next millisecond, so that it has passed on waking */
		*ms = left <= 0 ? 0 : left > 3600 * SECOND_US ? 3600000 : (int)(left / 1000) + 1;
	}
	pthread_mutex_unlock(&u->mutex);
	return go;
}

static void *run_pump(void *context)
{
	struct unbound *u = context;
	struct pollfd fds[] = { { .fd = ub_fd(u->context), .events = POLLIN },
		{ .fd = u->wake, .events = POLLIN } };
	struct question *q;
	eventfd_t count;
	int ms;

	while (time_to_sleep(u, &ms)) {
		if (poll(fds, 2, ms) <= 0)
			fds[0].revents = fds[1].revents = 0;
		if (fds[1].revents != 0)
			eventfd_read(u->wake, &count);
		if (fds[0].revents != 0)
			ub_process(u->context);
		while ((q = expire(u, clock_now_us())) != NULL)
			give(q, dns_answer_empty(DNS_TEMPFAIL, "no answer within the deadline"));
	}
	return NULL;
}

/* ---- begin ---------------------------------------------------------------------- */

static bool set(struct unbound *u, const char *option, const char *value, struct buf *errors)
{
	int rc = ub_ctx_set_option(u->context, option, value);

	if (rc != 0)
		buf_printf(errors, "libunbound: %s %s: %s\n", option, value, ub_strerror(rc));
	return rc == 0;
}

/*
 * libunbound's own limit is 16: as many names whose servers keep silent, and no
 * other question leaves for seconds.  They are opened as they are needed.
 */
static bool set_sockets(struct unbound *u, struct buf *errors)
{
	unsigned sockets = UNBOUND_SOCKETS_MAX;
	struct rlimit files;
	char value[16];

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 4 < sockets)
		sockets = (unsigned)(files.rlim_cur / 4);
	snprintf(value, sizeof value, "%u", sockets > 0 ? sockets : 1);
	return set(u, "outgoing-range:", value, errors);
}

static bool set_options(struct unbound *u, struct buf *errors)
{
	static const struct {
		const char *option, *value;
	} options[] = {
		/* forwarders on this host */
		{ "do-not-query-localhost:", "no" },
		/* private reverse zones are the forwarder's business */
		{ "unblock-lan-zones:", "yes" },
		{ "insecure-lan-zones:", "yes" },
		/* answers in the order the server has them */
		{ "rrset-roundrobin:", "no" },
		/* a forwarder that knows no DNSSEC leaves answers unproven */
		{ "harden-dnssec-stripped:", "no" },
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (!set(u, options[i].option, options[i].value, errors))
			return false;
	return set_sockets(u, errors);
}

static bool add_forwarder(struct unbound *u, const char *server, size_t *count, struct buf *errors)
{
	if (*count == UNBOUND_FORWARDERS_MAX || ub_ctx_set_fwd(u->context, server) != 0) {
		buf_printf(errors, "resolver: %s: %s\n", server,
		    *count == UNBOUND_FORWARDERS_MAX ? "too many of them"
						     : "not an address or address@port");
		return false;
	}
	++*count;
	return true;
}

/* The name servers of a file as resolv.conf(5); without one, it means this host. */
static bool add_resolv_conf(struct unbound *u, const char *path, size_t *count, struct buf *errors)
{
	FILE *file = fopen(path, "re");
	char line[512], server[IP_TEXT_SIZE + 32];
	size_t before = *count;
	bool ok = true;

	if (file == NULL) {
		buf_printf(errors, "resolver: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (ok && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "nameserver %77s", server) == 1)
			ok = add_forwarder(u, server, count, errors);
	fclose(file);
	if (ok && *count == before)
		ok = add_forwarder(u, "127.0.0.1", count, errors);
	return ok;
}

static bool set_servers(
    struct unbound *u, const struct unbound_options *options, struct buf *errors)
{
	size_t count = 0;

	if (options->server_count == 0)
		return add_resolv_conf(u, "/etc/resolv.conf", &count, errors);
	if (options->server_count == 1 && strcmp(options->servers[0], "recursive") == 0)
		return true;
	for (size_t i = 0; i < options->server_count; i++) {
		const char *server = options->servers[i];

		if (server[0] == '/' ? !add_resolv_conf(u, server, &count, errors)
				     : !add_forwarder(u, server, &count, errors))
			return false;
	}
	return true;
}

/* Names that libunbound would answer for itself; but .onion is never in the DNS. */
static bool remove_zones(struct unbound *u, struct buf *errors)
{
	static const char *const zones[] = { "test.", "invalid.", "localhost.", "home.arpa.",
		"127.in-addr.arpa.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa." };

	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		int rc = ub_ctx_zone_remove(u->context, zones[i]);

		if (rc != 0) {
			buf_printf(errors, "libunbound: %s: %s\n", zones[i], ub_strerror(rc));
			return false;
		}
	}
	return true;
}

static bool prepare(struct unbound *u, const struct unbound_options *options, struct buf *errors)
{
	u->context = ub_ctx_create();
	u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->context == NULL || u->wake < 0) {
		buf_printf(errors, "libunbound: no context can be had\n");
		return false;
	}
	/* before any zone: see the manual of libunbound */
	ub_ctx_async(u->context, 1);
	ub_ctx_debugout(u->context, NULL);
	if (!set_options(u, errors) || !set_servers(u, options, errors))
		return false;
	/* libunbound reads the file later, and then cannot say what is wrong with it */
	if (options->trust_anchor != NULL &&
	    (access(options->trust_anchor, R_OK) != 0 ||
		ub_ctx_add_ta_file(u->context, options->trust_anchor) != 0)) {
		buf_printf(
		    errors, "resolver: %s: no trust anchor can be read\n", options->trust_anchor);
		return false;
	}
	return remove_zones(u, errors);
}

static void ignore_result(void *context, int error, struct ub_result *result)
{
	(void)context;
	(void)error;
	ub_resolve_free(result);
}

/*
 * Starts the pump, and libunbound's thread by a question that it answers for
 * itself: what is wrong shows now, and no message waits for the start.
 */
static bool start_threads(struct unbound *u, struct buf *errors)
{
	sigset_t before;
	bool ok = false;
	int rc, id;

	thread_block_signals(&before);
	rc = ub_ctx_data_add(u->context, "start.presend.invalid. A 127.0.0.1");
	if (rc == 0)
		rc = ub_resolve_async(u->context, "start.presend.invalid.", DNS_A, CLASS_IN, NULL,
		    ignore_result, &id);
	if (rc != 0)
		buf_printf(errors, "libunbound: %s\n", ub_strerror(rc));
	else if (!(ok = thread_start(&u->pump, run_pump, u)))
		buf_printf(errors, "resolver: no thread can be had\n");
	thread_restore_signals(&before);
	return ok;
}

/* ---- end ------------------------------------------------------------------------ */

static void release(struct unbound *u)
{
	ub_ctx_delete(u->context);
	if (u->wake >= 0)
		close(u->wake);
	pthread_mutex_destroy(&u->mutex);
	free(u);
}

static void unbound_free(struct resolver *resolver)
{
	struct unbound *u = (struct unbound *)resolver;
	struct question *q;

	pthread_mutex_lock(&u->mutex);
	u->stop = true;
	pthread_mutex_unlock(&u->mutex);
	wake_pump(u);
	pthread_join(u->pump, NULL);
	while ((q = expire(u, INT64_MAX)) != NULL)
		give(q, dns_answer_empty(DNS_TEMPFAIL, "the resolver ends"));
	release(u);
}

struct resolver *unbound_resolver_new(const struct unbound_options *options, struct buf *errors)
{
	static const struct resolver_class class = { .ask = unbound_ask, .free = unbound_free };
	struct unbound *u = must_alloc(sizeof *u);

	u->resolver.class = &class;
	pthread_mutex_init(&u->mutex, NULL);
	if (prepare(u, options, errors) && start_threads(u, errors))
		return &u->resolver;
	release(u);
	return NULL;
}
