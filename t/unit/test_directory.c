/*
 * test_directory.c - what an address is and who may use it; caches, failures, deadlines.
 *
 * The stores are made up: `fake` answers from a text, counts its lookups, and is slow, fails or
 * hangs when a test says so.  This program has its own table of stores.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "directory/directory.h"
#include "directory/view.h"
#include "store/front.h"
#include "store/pooled.h"
#include "store/stores.h"
#include "store/view.h"
#include "unit.h"

enum { MS = 1000, SECOND = 1000 * 1000, THREADS = 16, TEXT_MAX = 4000 };

/* ---- the made-up store ---------------------------------------------------------- */

enum behaviour { ANSWERS, FAILS, DENIED };

/*
 * Entries "KEY WORD [TARGET,TARGET] [=LOGIN,LOGIN]" parted by ";".  WORD is that of
 * store_entry_name; "tempfail" fails as a store does, "refused" for this key alone.
 *
 * Of all fakes whose option `number` is n (hold: no lookup ends while it is set; meet: nor
 * before so many were in one at once, of all fakes together):
 */
static struct {
	atomic_uint lookups, connections, most_at_once, at_once;
	_Atomic enum behaviour behaviour;
	_Atomic int64_t delay_us;
	atomic_bool hold;
	char text[TEXT_MAX];
	char keys[TEXT_MAX]; /* of addresses and logins that were asked for, each behind a blank */
	pthread_mutex_t mutex;
} fakes[3];

static atomic_uint together, most_together, meet;

static const struct store_rule fake_rules[] = { { "number", STORE_TEXT, false },
	{ "services", STORE_TEXT, false }, { "flags", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false } };

extern const struct store_class store_fake, store_fake_local;

static struct store *fake_open(const struct store_options *options, struct buf *notes)
{
	struct store *s = must_alloc(sizeof *s);

	(void)notes;
	s->services = (unsigned)strtoul(store_option_text(options, "services", "5"), NULL, 10);
	s->flags = (unsigned)strtoul(store_option_text(options, "flags", "0"), NULL, 10) +
		   ((unsigned)strtoul(store_option_text(options, "number", "0"), NULL, 10) << 16);
	s->class = s->flags & STORE_LOCAL ? &store_fake_local : &store_fake;
	return s;
}

static enum store_entry entry_named(struct slice word)
{
	for (int i = ENTRY_MAILBOX; i <= ENTRY_LOGINS; i++)
		if (slice_equal(word, slice_of(store_entry_name((enum store_entry)i))))
			return (enum store_entry)i;
	ck_abort_msg("no entry is called %.*s", SLICE_ARG(word));
	return ENTRY_MAILBOX;
}

static struct slice word_of(struct slice *rest)
{
	struct slice word;

	*rest = slice_trim(*rest);
	word = slice_part(*rest, 0, slice_find(*rest, ' '));
	*rest = slice_part(*rest, word.len, rest->len);
	return word;
}

static enum lookup_status fake_find(
    struct slice text, const struct store_question *q, struct store_reply *reply)
{
	while (text.len > 0) {
		struct slice line = slice_part(text, 0, slice_find(text, ';')), rest = line, word;

		text = slice_part(text, line.len + 1, text.len);
		word = word_of(&rest);
		if (!slice_equal(word, q->key))
			continue;
		word = word_of(&rest);
		if (slice_equal(word, SLICE("tempfail")))
			return store_reply_fail(reply, LOOKUP_TEMPFAIL, "this key fails");
		if (slice_equal(word, SLICE("refused")))
			return store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "it is refused");
		/* one text may have a domain, an address and logins under different keys alone */
		if ((q->service == STORE_LOGINS) != slice_equal(word, SLICE("logins")))
			continue;
		store_reply_entry(reply, entry_named(word));
		while ((word = word_of(&rest)).len > 0) {
			if (word.data[0] == '=')
				store_reply_logins(reply, slice_part(word, 1, word.len));
			else if (word.data[0] == '<')
				store_reply_base(reply, slice_part(word, 1, word.len));
			else
				store_reply_targets(reply, word);
		}
		return LOOKUP_FOUND;
	}
	return LOOKUP_NOTFOUND;
}

static void note_key(unsigned n, const struct store_question *q)
{
	size_t len = strlen(fakes[n].keys);

	if (q->service != STORE_DOMAIN)
		snprintf(
		    fakes[n].keys + len, sizeof fakes[n].keys - len, " %.*s", SLICE_ARG(q->key));
}

static void note_most(atomic_uint *most, unsigned now)
{
	unsigned known = atomic_load(most);

	while (known < now && !atomic_compare_exchange_weak(most, &known, now))
		;
}

/* In a worker, where nothing can be asserted: what does not come is missed by the test. */
static void wait_in_store(unsigned n)
{
	int64_t end_us = clock_now_us() + LIMIT_SECONDS * SECOND / 2;

	while (clock_now_us() < end_us &&
	       (atomic_load(&fakes[n].hold) || atomic_load(&most_together) < atomic_load(&meet)))
		usleep(1000);
}

static enum lookup_status fake_lookup(struct store *store, const struct store_question *q,
    int64_t deadline_us, struct store_reply *reply)
{
	unsigned n = store->flags >> 16;
	char text[TEXT_MAX];
	enum lookup_status status;

	(void)deadline_us;
	ck_assert(q->key.data[q->key.len] == '\0');
	note_most(&fakes[n].most_at_once, atomic_fetch_add(&fakes[n].at_once, 1) + 1);
	note_most(&most_together, atomic_fetch_add(&together, 1) + 1);
	atomic_fetch_add(&fakes[n].lookups, 1);
	usleep((useconds_t)atomic_load(&fakes[n].delay_us));
	wait_in_store(n);
	pthread_mutex_lock(&fakes[n].mutex);
	memcpy(text, fakes[n].text, sizeof text);
	note_key(n, q);
	pthread_mutex_unlock(&fakes[n].mutex);
	if (atomic_load(&fakes[n].behaviour) == ANSWERS)
		status = fake_find(slice_of(text), q, reply);
	else
		status = store_reply_fail(reply,
		    atomic_load(&fakes[n].behaviour) == FAILS ? LOOKUP_TEMPFAIL : LOOKUP_PERMFAIL,
		    "it fails");
	atomic_fetch_sub(&together, 1);
	atomic_fetch_sub(&fakes[n].at_once, 1);
	return status;
}

static enum lookup_status fake_connect(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	(void)deadline_us, (void)reply;
	*connection = must_alloc(1);
	atomic_fetch_add(&fakes[store->flags >> 16].connections, 1);
	return LOOKUP_FOUND;
}

static enum lookup_status fake_ask(struct store *store, void *connection,
    const struct store_question *q, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	(void)connection;
	*after = POOLED_KEEP;
	return fake_lookup(store, q, deadline_us, reply);
}

static void fake_disconnect(struct store *store, void *connection)
{
	atomic_fetch_sub(&fakes[store->flags >> 16].connections, 1);
	free(connection);
}

static void fake_close(struct store *store)
{
	free(store);
}

static const struct pooled_class fake_pool = { fake_connect, fake_ask, fake_disconnect };

/* open takes the second one where the options say so */
const struct store_class store_fake = { "fake", fake_rules, fake_open, NULL, &fake_pool, NULL,
	fake_close };
const struct store_class store_fake_local = { "fake", fake_rules, fake_open, fake_lookup, NULL,
	NULL, fake_close };

const struct store_class *const store_classes[] = { &store_fake, &store_file, NULL };

/* ---- a directory for a test ----------------------------------------------------- */

static void set_text(unsigned n, const char *text)
{
	pthread_mutex_lock(&fakes[n].mutex);
	snprintf(fakes[n].text, sizeof fakes[n].text, "%s", text);
	pthread_mutex_unlock(&fakes[n].mutex);
}

static void setup(void)
{
	atomic_store(&most_together, 0);
	atomic_store(&meet, 0);
	for (unsigned n = 0; n < 3; n++) {
		pthread_mutex_init(&fakes[n].mutex, NULL);
		atomic_store(&fakes[n].lookups, 0);
		atomic_store(&fakes[n].most_at_once, 0);
		atomic_store(&fakes[n].behaviour, ANSWERS);
		atomic_store(&fakes[n].delay_us, 0);
		atomic_store(&fakes[n].hold, false);
		set_text(n, "");
		fakes[n].keys[0] = '\0';
	}
}

/* No worker is left, and so no connection. */
static void teardown(void)
{
	for (unsigned n = 0; n < 3; n++)
		ck_assert_uint_eq(atomic_load(&fakes[n].connections), 0);
}

/* Options "a=b c=d" of one fake, into items. */
static struct store_options read_options(char *text, struct store_option *items)
{
	struct store_options options = { "fake", items, 0 };

	items[options.count++] = (struct store_option){ "type", "fake" };
	for (char *word; (word = strsep(&text, " ")) != NULL;) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		items[options.count++] = (struct store_option){ word, value };
	}
	return options;
}

/* A directory of fakes, the options of each in one text; NULL ends them. */
static struct directory *make(struct directory_options options, const char *a, const char *b)
{
	const char *texts[] = { a, b };
	char copies[2][200];
	struct store_option items[2][12];
	struct store_options stores[2];
	size_t count = 0;
	struct directory *d;
	struct buf notes;

	for (; count < 2 && texts[count] != NULL; count++) {
		snprintf(copies[count], sizeof copies[count], "number=%zu %s", count, texts[count]);
		stores[count] = read_options(copies[count], items[count]);
		stores[count].name = count == 0 ? "one" : "two";
	}
	buf_init(&notes, 1000);
	d = directory_new(&options, stores, count, &notes);
	ck_assert_msg(d != NULL, "%s", buf_text(&notes));
	buf_free(&notes);
	return d;
}

/* "answer address of=.. store=.. reaches=.. login=.." without what is empty. */
static void show(struct buf *out, const struct directory_result *r, const struct directory_use *use)
{
	static const char *const permissions[] = { "yes", "no", "unknown", "pending" };

	buf_printf(out, "%s", directory_answer_name(r->answer));
	if (r->of.len > 0)
		buf_printf(out, " of=%.*s", SLICE_ARG(r->of));
	if (r->as_mailbox)
		buf_add_text(out, " as-mailbox");
	if (r->store != NULL)
		buf_printf(out, " %s", r->store);
	for (size_t i = 0; i < r->reach_count; i++)
		buf_printf(out, " >%.*s", SLICE_ARG(r->reaches[i]));
	if (r->stale)
		buf_add_text(out, " stale");
	if (r->answer == DIRECTORY_UNKNOWN)
		buf_printf(out, " (%.*s)", SLICE_ARG(r->why));
	if (use != NULL)
		buf_printf(out, " %s", permissions[use->permission]);
}

/* Asks in a view of its own, within so many microseconds. */
static const char *ask_within(
    struct directory *d, const char *address, const char *login, int64_t patience_us, char out[500])
{
	struct arena *arena = arena_new();
	struct directory_view *view = directory_view_new(arena, d, clock_now_us() + patience_us);
	struct slice text = exact_text(address);
	struct directory_result r;
	struct directory_use use;
	unsigned rounds = 0;
	struct buf buf;
	bool pending;

	do {
		ck_assert_uint_lt(rounds++, 30);
		pending = directory_address(view, text, &r) == DIRECTORY_PENDING;
		if (login != NULL)
			pending |= directory_may_use(view, slice_of(login), text, &use) ==
				   PERMISSION_PENDING;
	} while (pending && directory_view_wait(view));
	ck_assert_msg(!pending, "pending, and nothing to wait for");
	buf_init(&buf, 499);
	show(&buf, &r, login == NULL ? NULL : &use);
	snprintf(out, 500, "%s", buf_text(&buf));
	buf_free(&buf);
	directory_view_free(view);
	exact_free(text);
	arena_free(arena);
	return out;
}

/* Of stores that answer: it is the answer that ends the wait, and not the deadline. */
static const char *ask(struct directory *d, const char *address, char out[500])
{
	int64_t deadline_us = clock_now_us() + LIMIT_SECONDS * SECOND;

	ask_within(d, address, NULL, LIMIT_SECONDS * SECOND, out);
	ck_assert_msg(clock_now_us() < deadline_us, "%s: answered at the deadline", address);
	return out;
}

static unsigned lookups(unsigned n)
{
	return atomic_load(&fakes[n].lookups);
}

/* Lookups are in no store any more, though they were asked for. */
static void wait_for_end(unsigned n, unsigned count)
{
	WAIT_UNTIL(lookups(n) >= count && atomic_load(&fakes[n].at_once) == 0);
}

/* ---- what an address is --------------------------------------------------------- */

#define DOMAIN_ "example.com domain;"

static const struct {
	const char *label, *one, *two, *address, *login, *wanted;
} rows[] = {
	{ "mailbox", DOMAIN_ "ann@example.com mailbox", NULL, "Ann@Example.com", "ann@example.com",
	    "mailbox one >ann@example.com yes" },
	{ "another one's mailbox", DOMAIN_ "ann@example.com mailbox", NULL, "ann@example.com",
	    "bob@example.com", "mailbox one >ann@example.com no" },
	{ "a login in capitals", DOMAIN_ "ann@example.com mailbox", NULL, "ann@example.com",
	    "ANN@EXAMPLE.COM", "mailbox one >ann@example.com yes" },
	{ "a login without domain proves nothing", DOMAIN_ "ann@example.com mailbox", NULL,
	    "ann@example.com", "ann", "mailbox one >ann@example.com no" },
	{ "a login of a login domain", "login.example domain;ann@login.example mailbox", NULL,
	    "ann@login.example", "ann", "mailbox one >ann@login.example yes" },
	{ "an account that the store names", DOMAIN_ "ann@example.com mailbox a17", NULL,
	    "ann@example.com", "A17", "mailbox one >ann@example.com >a17 yes" },
	{ "none", DOMAIN_ "ann@example.com mailbox", NULL, "bob@example.com", "bob@example.com",
	    "none no" },
	{ "not ours", DOMAIN_, NULL, "ann@elsewhere.example", "ann@example.com", "not-ours no" },
	{ "found in the second store", DOMAIN_, "ann@example.com mailbox", "ann@example.com", NULL,
	    "mailbox two >ann@example.com" },
	{ "the first store wins", DOMAIN_ "ann@example.com mailbox", "ann@example.com list",
	    "ann@example.com", NULL, "mailbox one >ann@example.com" },
	{ "sub-address", DOMAIN_ "ann@example.com mailbox", NULL, "ann+x@example.com",
	    "ann@example.com", "sub-address of=ann@example.com one >ann@example.com yes" },
	{ "sub-address by another delimiter", DOMAIN_ "ann@example.com mailbox", NULL,
	    "ann-x@example.com", NULL, "sub-address of=ann@example.com one >ann@example.com" },
	{ "an address that looks like one",
	    DOMAIN_ "ann@example.com mailbox;ann+x@example.com list", NULL, "ann+x@example.com",
	    NULL, "list one >ann+x@example.com" },
	{ "sub-address of nobody", DOMAIN_, NULL, "ann+x@example.com", NULL, "none" },
	{ "sub-address that the store knows",
	    DOMAIN_ "ann_x@example.com sub-address <ann@example.com", NULL, "ann_x@example.com",
	    "ann@example.com", "sub-address of=ann@example.com one >ann@example.com yes" },
	{ "alias", DOMAIN_ "ann@example.com mailbox;info@example.com alias ann@example.com", NULL,
	    "info@example.com", "ann@example.com", "alias one >ann@example.com yes" },
	{ "alias of somebody else",
	    DOMAIN_ "ann@example.com mailbox;info@example.com alias "
		    "ann@example.com",
	    NULL, "info@example.com", "bob@example.com", "alias one >ann@example.com no" },
	{ "sub-address of an alias",
	    DOMAIN_ "ann@example.com mailbox;info@example.com alias "
		    "ann@example.com",
	    NULL, "info+x@example.com", "ann@example.com",
	    "sub-address of=info@example.com one >ann@example.com yes" },
	{ "alias of an alias",
	    DOMAIN_ "c@example.com mailbox;b@example.com alias c@example.com;"
		    "a@example.com alias b@example.com",
	    NULL, "a@example.com", "c@example.com", "alias one >c@example.com yes" },
	{ "alias to both sides",
	    DOMAIN_ "a@example.com mailbox;b@example.com alias "
		    "x@elsewhere.example,a@example.com",
	    NULL, "b@example.com", "x@elsewhere.example",
	    "alias one >x@elsewhere.example >a@example.com yes" },
	{ "forward-only", DOMAIN_ "a@example.com alias x@elsewhere.example", NULL, "a@example.com",
	    "x@elsewhere.example", "forward-only one >x@elsewhere.example no" },
	{ "forward-only by an alias",
	    DOMAIN_ "a@example.com alias x@elsewhere.example;b@example.com "
		    "alias a@example.com",
	    NULL, "b@example.com", NULL, "alias one >x@elsewhere.example" },
	{ "forward-only as the store says", DOMAIN_ "a@example.com forward-only", NULL,
	    "a@example.com", "a@example.com", "forward-only one >a@example.com no" },
	{ "a loop of aliases",
	    DOMAIN_ "a@example.com alias b@example.com;b@example.com alias "
		    "a@example.com",
	    NULL, "a@example.com", "b@example.com", "alias one no" },
	{ "an alias that keeps a copy",
	    DOMAIN_ "a@example.com alias a@example.com,"
		    "x@elsewhere.example",
	    NULL, "a@example.com", "a@example.com",
	    "alias one >a@example.com >x@elsewhere.example yes" },
	{ "a program", DOMAIN_ "a@example.com alias |/bin/x", NULL, "a@example.com", NULL,
	    "alias one >|/bin/x" },
	{ "a file of addresses", DOMAIN_ "a@example.com alias :include:/x", NULL, "a@example.com",
	    NULL, "list one >:include:/x" },
	{ "list", DOMAIN_ "l@example.com list", NULL, "l@example.com", NULL,
	    "list one >l@example.com" },
	{ "catch-all", DOMAIN_ "@example.com mailbox", NULL, "any@example.com", "any@example.com",
	    "catch-all one >any@example.com no" },
	{ "catch-all with a target",
	    DOMAIN_ "a@example.com mailbox;@example.com alias "
		    "a@example.com",
	    NULL, "any@example.com", "a@example.com", "catch-all one >a@example.com no" },
	{ "a mailbox behind a catch-all", DOMAIN_ "@example.com mailbox", "ann@example.com mailbox",
	    "ann@example.com", NULL, "mailbox two >ann@example.com" },
	{ "a catch-all that the store unmasked", DOMAIN_ "ann@example.com catch-all", NULL,
	    "ann@example.com", NULL, "catch-all one >ann@example.com" },
	{ "an alias domain by a table",
	    DOMAIN_ "ann@example.com mailbox;org.example domain;"
		    "@org.example alias @example.com",
	    NULL, "ann@org.example", "ann@example.com",
	    "mailbox of=ann@example.com one >ann@example.com yes" },
	{ "nobody in an alias domain", DOMAIN_ "org.example domain;@org.example alias @example.com",
	    NULL, "bob@org.example", NULL, "none of=bob@example.com" },
	{ "an alias domain as such",
	    DOMAIN_ "ann@example.com mailbox;org.example alias-domain "
		    "example.com",
	    NULL, "ann+x@org.example", "ann@example.com",
	    "sub-address of=ann@example.com one >ann@example.com yes" },
	{ "alias domains in a circle",
	    "a.example alias-domain b.example;b.example alias-domain "
	    "a.example",
	    NULL, "x@a.example", "x@a.example",
	    "unknown of=x@a.example (the alias domain leads nowhere) unknown" },
	{ "an alias to an alias domain",
	    DOMAIN_ "ann@example.com mailbox;org.example alias-domain "
		    "example.com;i@example.com alias ann@org.example",
	    NULL, "i@example.com", "ann@example.com", "alias one >ann@example.com yes" },
	{ "an open domain", "open.example open-domain", NULL, "x@open.example", NULL,
	    "unknown (any address of this domain is accepted)" },
	{ "a mailbox in an open domain", "open.example open-domain;x@open.example mailbox", NULL,
	    "x@open.example", NULL, "mailbox one >x@open.example" },
	{ "U-form in the table",
	    "b\xc3\xbc"
	    "cher.example domain;xn--bcher-kva.example domain;"
	    "a@b\xc3\xbc"
	    "cher.example mailbox",
	    NULL, "a@xn--bcher-kva.example", NULL, "mailbox one >a@xn--bcher-kva.example" },
	{ "quotes", DOMAIN_ "\"a,b\"@example.com mailbox", NULL, "\"a\\,b\"@example.com", NULL,
	    "mailbox one >\"a,b\"@example.com" },
	{ "the logins of the entry", DOMAIN_ "a@example.com mailbox =bob,carl", NULL,
	    "a@example.com", "carl", "mailbox one >a@example.com yes" },
	{ "the entry's logins alone", DOMAIN_ "a@example.com mailbox =bob", NULL, "a@example.com",
	    "a@example.com", "mailbox one >a@example.com no" },
	{ "every login", DOMAIN_ "a@example.com list =*", NULL, "a@example.com", "zoe",
	    "list one >a@example.com yes" },
	{ "nobody", DOMAIN_ "a@example.com mailbox =", NULL, "a@example.com", "a@example.com",
	    "mailbox one >a@example.com no" },
	{ "no address at all", DOMAIN_, NULL, "nobody", "x", "none no" },
	{ "a key that fails", DOMAIN_ "a@example.com tempfail", NULL, "a@example.com",
	    "a@example.com", "unknown (one: this key fails) unknown" },
	{ "the second store knows it", DOMAIN_ "a@example.com tempfail", "a@example.com mailbox",
	    "a@example.com", NULL, "mailbox two >a@example.com" },
	{ "the second store does not", DOMAIN_ "a@example.com tempfail", "b@example.com mailbox",
	    "a@example.com", NULL, "unknown (one: this key fails)" },
	{ "the base fails", DOMAIN_ "a@example.com tempfail", NULL, "a+x@example.com", NULL,
	    "unknown (one: this key fails)" },
	{ "the domain fails", "example.com tempfail", "b@example.com mailbox", "a@example.com",
	    NULL, "unknown (one: this key fails)" },
	{ "the domain fails, the address is there", "example.com tempfail", "a@example.com mailbox",
	    "a@example.com", NULL, "mailbox two >a@example.com" },
	{ "a target that fails", DOMAIN_ "a@example.com alias b@example.com;b@example.com tempfail",
	    NULL, "a@example.com", "b@example.com", "alias one >b@example.com yes" },
	{ "where a target that fails leads is not known",
	    DOMAIN_ "a@example.com alias b@example.com;b@example.com tempfail", NULL,
	    "a@example.com", "c@example.com", "alias one >b@example.com unknown" },
	{ "a target whose domain fails",
	    DOMAIN_ "a@example.com alias b@b.example;b.example tempfail", NULL, "a@example.com",
	    "c@example.com", "alias one >b@b.example unknown" },
	{ "a target that fails beside the login's own",
	    DOMAIN_ "a@example.com alias b@example.com,c@example.com;b@example.com tempfail;"
		    "c@example.com mailbox",
	    NULL, "a@example.com", "c@example.com", "alias one >b@example.com >c@example.com yes" },
	{ "aliases too deep to tell",
	    DOMAIN_ "a@example.com alias b1@example.com;b1@example.com alias b2@example.com;"
		    "b2@example.com alias b3@example.com;b3@example.com alias b4@example.com;"
		    "b4@example.com alias b5@example.com;b5@example.com alias b6@example.com;"
		    "b6@example.com alias b7@example.com;b7@example.com alias b8@example.com;"
		    "b8@example.com alias b9@example.com;b9@example.com alias b10@example.com;"
		    "b10@example.com alias b11@example.com;b11@example.com mailbox",
	    NULL, "a@example.com", "b11@example.com", "alias one unknown" },
	{ "the same name in another login domain",
	    "login.example domain;second.example domain;ann@login.example mailbox;"
	    "ann@second.example mailbox",
	    NULL, "ann@second.example", "ann@login.example", "mailbox one >ann@second.example no" },
	{ "a bare login in the other login domain",
	    "second.example domain;ann@second.example mailbox", NULL, "ann@second.example", "Ann",
	    "mailbox one >ann@second.example yes" },
	{ "an account by its login with a domain", DOMAIN_ "x@example.com mailbox ann", NULL,
	    "x@example.com", "ann@login.example", "mailbox one >x@example.com >ann yes" },
	{ "a bare login in a list", DOMAIN_ "x@example.com mailbox =ann", NULL, "x@example.com",
	    "ann@login.example", "mailbox one >x@example.com yes" },
};

static struct directory_options row_options(void)
{
	static const char *const login_domains[] = { "login.example", "second.example" };

	return (struct directory_options){
		.delimiters = "+-", .login_domains = login_domains, .login_domain_count = 2
	};
}

/* The answer must not depend on where stores are asked. */
START_TEST(test_rows)
{
	static const char *const kinds[][2] = {
		{ "flags=1", "flags=1 services=1" },
		{ "flags=0", "flags=0 services=1" },
		{ "flags=0 parallel=yes", "flags=0 services=1 parallel=yes" },
		{ "flags=1", "flags=0 services=1 parallel=yes" },
	};
	char got[500];

	for (size_t kind = 0; kind < 4; kind++) {
		struct directory *d = make(
		    row_options(), kinds[kind][0], rows[_i].two == NULL ? NULL : kinds[kind][1]);

		set_text(0, rows[_i].one);
		set_text(1, rows[_i].two == NULL ? "" : rows[_i].two);
		ask_within(d, rows[_i].address, rows[_i].login, 5 * SECOND, got);
		ck_assert_msg(strcmp(got, rows[_i].wanted) == 0, "%s (%zu): got %s, wanted %s",
		    rows[_i].label, kind, got, rows[_i].wanted);
		directory_unref(d);
	}
}
END_TEST

/* May the login use a@example.com? */
static const char *may_use(struct directory *d, const char *login)
{
	static const char *const permissions[] = { "yes", "no", "unknown", "pending" };
	struct arena *arena = arena_new();
	struct directory_view *view = directory_view_new(arena, d, clock_now_us() + SECOND);
	struct directory_use use;

	while (directory_may_use(view, slice_of(login), SLICE("a@example.com"), &use) ==
		   PERMISSION_PENDING &&
	       directory_view_wait(view))
		;
	directory_view_free(view);
	arena_free(arena);
	return permissions[use.permission];
}

/* Beyond DIRECTORY_REACHED_MAX nobody has looked: that is no "no". */
START_TEST(test_many_targets)
{
	struct directory *d = make(row_options(), "flags=1", NULL);
	char text[TEXT_MAX] = DOMAIN_ "a@example.com alias ";
	size_t len = strlen(text);

	for (int i = 0; i < DIRECTORY_REACHED_MAX + 20; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "u%d@example.com,", i);
	set_text(0, text);
	ck_assert_str_eq(may_use(d, "u119@example.com"), "unknown");
	ck_assert_str_eq(may_use(d, "u10@example.com"), "yes");
	directory_unref(d);
}
END_TEST

/* ---- maps of logins ------------------------------------------------------------- */

static const struct {
	const char *label, *map, *address, *login, *wanted;
} map_rows[] = {
	{ "listed", "a@example.com logins =bob,carl", "a@example.com", "carl", "yes" },
	{ "case", "a@example.com logins =Bob", "a@example.com", "bOB", "yes" },
	{ "not listed, though it is the mailbox", "a@example.com logins =bob", "a@example.com",
	    "a@example.com", "no" },
	{ "not in the map: nobody's", "", "a@example.com", "a@example.com", "no" },
	{ "the base", "a@example.com logins =bob", "a+x@example.com", "bob", "yes" },
	{ "the address before its base", "a@example.com logins =bob;a+x@example.com logins =carl",
	    "a+x@example.com", "bob", "no" },
	{ "the whole domain", "@example.com logins =boss", "a@example.com", "boss", "yes" },
	{ "the address before the domain", "@example.com logins =boss;a@example.com logins =bob",
	    "a@example.com", "boss", "no" },
	{ "a login by the name of *", "a@example.com logins =*", "a@example.com", "zoe", "no" },
	{ "the map fails", "a@example.com tempfail", "a@example.com", "a@example.com", "unknown" },
	{ "a local part of a domain that is not local", "a logins =bob", "a@example.com", "bob",
	    "no" },
	{ "a local part of a login domain", "a logins =bob", "a@login.example", "bob", "yes" },
};

START_TEST(test_map)
{
	struct directory *d = make(row_options(), "flags=1", "services=2");
	char got[500];

	set_text(0, DOMAIN_ "login.example domain;a@example.com mailbox;a@login.example mailbox");
	set_text(1, map_rows[_i].map);
	ask_within(d, map_rows[_i].address, map_rows[_i].login, 5 * SECOND, got);
	ck_assert_msg(strcmp(strrchr(got, ' ') + 1, map_rows[_i].wanted) == 0,
	    "%s: got %s, wanted %s", map_rows[_i].label, got, map_rows[_i].wanted);
	directory_unref(d);
}
END_TEST

/* ---- local accounts ------------------------------------------------------------- */

START_TEST(test_local_part)
{
	static const char *const own[] = { "host.example" };
	struct directory_options options = { .domains = own, .domain_count = 1, .delimiters = "+" };
	/* STORE_LOCAL | STORE_LOCAL_PART */
	struct directory *d = make(options, "flags=3 services=1", NULL);
	char got[500];

	set_text(0, "ann mailbox ann;root alias ann,\\bob;deep alias root");
	ck_assert_str_eq(ask_within(d, "Ann@host.example", "ann", SECOND, got),
	    "mailbox one >ann@host.example >ann yes");
	ck_assert_str_eq(ask_within(d, "ann+x@host.example", "ann@host.example", SECOND, got),
	    "sub-address of=ann@host.example one >ann@host.example >ann yes");
	ck_assert_str_eq(
	    ask_within(d, "deep@host.example", "ann", SECOND, got), "alias one >ann >bob yes");
	ck_assert_str_eq(
	    ask_within(d, "root@host.example", "carl", SECOND, got), "alias one >ann >bob no");
	ck_assert_str_eq(ask(d, "ann@other.example", got), "not-ours");
	ck_assert_str_eq(ask(d, "zoe@host.example", got), "none");
	set_text(0, "deep alias root;root tempfail");
	ck_assert_str_eq(
	    ask_within(d, "deep@host.example", "carl", SECOND, got), "alias one >root unknown");
	directory_unref(d);
}
END_TEST

/* ---- which keys a store is asked for -------------------------------------------- */

#define BUECHER "b\xc3\xbc\x63her.example"

/* Nothing is found, so all keys are asked for.  flags are those of store.h. */
static const struct {
	const char *label, *options, *address, *keys;
} key_rows[] = {
	{ "all", "flags=1 services=1", "ann+x@example.com",
	    " ann+x@example.com ann@example.com @example.com" },
	{ "in both forms", "flags=1 services=1", "ann+x@" BUECHER,
	    " ann+x@xn--bcher-kva.example ann+x@" BUECHER " ann@xn--bcher-kva.example ann@" BUECHER
	    " @xn--bcher-kva.example @" BUECHER },
	{ "no catch-all", "flags=5 services=1", "ann+x@example.com",
	    " ann+x@example.com ann@example.com" },
	{ "whole", "flags=9 services=1", "ann+x@example.com", " ann+x@example.com" },
	{ "whole, in both forms", "flags=9 services=1", "ann+x@" BUECHER,
	    " ann+x@xn--bcher-kva.example ann+x@" BUECHER },
	{ "local parts", "flags=3 services=1", "ann+x@example.com", " ann+x ann" },
	{ "whole local parts", "flags=11 services=1", "ann+x@example.com", " ann+x" },
	{ "local parts of another domain", "flags=3 services=1 domains=other.example",
	    "ann+x@example.com", "" },
	{ "another domain", "flags=1 services=1 domains=other.example", "ann+x@example.com", "" },
	{ "logins", "flags=1 services=2", "ann+x@example.com",
	    " ann+x@example.com ann@example.com @example.com" },
	{ "logins, in one form", "flags=1 services=2", "ann@" BUECHER,
	    " ann@xn--bcher-kva.example @xn--bcher-kva.example" },
	{ "logins of a login domain", "flags=1 services=2", "ann+x@login.example",
	    " ann+x@login.example ann@login.example ann+x ann @login.example" },
	{ "logins, whole", "flags=9 services=2", "ann+x@login.example", " ann+x@login.example" },
};

START_TEST(test_keys)
{
	static const char *const own[] = { "example.com", "login.example", BUECHER };
	struct directory_options options = row_options();
	struct directory *d;
	char got[500];

	options.domains = own;
	options.domain_count = 3;
	d = make(options, key_rows[_i].options, NULL);
	ask_within(d, key_rows[_i].address, "zoe", 5 * SECOND, got);
	ck_assert_msg(strcmp(fakes[0].keys, key_rows[_i].keys) == 0, "%s: asked for%s, wanted%s",
	    key_rows[_i].label, fakes[0].keys, key_rows[_i].keys);
	directory_unref(d);
}
END_TEST

/* ---- who tells the domains ------------------------------------------------------ */

START_TEST(test_no_domains_told)
{
	struct directory *d = make((struct directory_options){ 0 }, "flags=1 services=1", NULL);
	char got[500];

	set_text(0, "ann@example.com mailbox;out@example.com alias x@elsewhere.example");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	ck_assert_str_eq(ask(d, "bob@example.com", got),
	    "unknown (no store tells which domains are served here)");
	ck_assert_str_eq(ask(d, "out@example.com", got), "forward-only one >x@elsewhere.example");
	/* whether it only forwards is not known while its target fails */
	set_text(0, "f@example.com alias x@elsewhere.example;g@example.com alias t@b.example;"
		    "t@b.example tempfail");
	ck_assert_str_eq(ask_within(d, "f@example.com", "x@b.example", SECOND, got),
	    "forward-only one >x@elsewhere.example no");
	ck_assert_str_eq(ask_within(d, "g@example.com", "x@b.example", SECOND, got),
	    "alias one >t@b.example unknown");
	directory_unref(d);
}
END_TEST

/* A store without domains is asked for all, whatever those of another one are. */
START_TEST(test_domains_of_the_other_store)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "flags=1 services=1 domains=example.com", "flags=1 services=1");
	char got[500];

	set_text(1, "ann@b.example mailbox");
	ck_assert_str_eq(ask_within(d, "ann@b.example", "ann@b.example", SECOND, got),
	    "mailbox two >ann@b.example yes");
	ck_assert_str_eq(
	    ask(d, "bob@b.example", got), "unknown (no store tells which domains are served here)");
	ck_assert_str_eq(ask(d, "bob@example.com", got), "none");
	ck_assert(!directory_tells_domains(d));
	directory_unref(d);
	d = make((struct directory_options){ 0 }, "flags=1 services=1 domains=example.com",
	    "flags=1 services=2");
	ck_assert_str_eq(ask(d, "ann@b.example", got), "not-ours");
	ck_assert(directory_tells_domains(d));
	directory_unref(d);
}
END_TEST

START_TEST(test_domains_of_a_store)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "flags=1 services=1 domains=a.example domains=*.b.example",
	    "flags=1 services=1 domains=c.example");
	char got[500];

	set_text(0, "x@a.example mailbox;x@c.b.example mailbox;x@other.example mailbox");
	ck_assert_str_eq(ask(d, "x@a.example", got), "mailbox one >x@a.example");
	ck_assert_str_eq(ask(d, "x@c.b.example", got), "mailbox one >x@c.b.example");
	ck_assert_str_eq(ask(d, "y@a.example", got), "none");
	ck_assert_str_eq(ask(d, "x@other.example", got), "not-ours");
	ck_assert_uint_eq(lookups(0), 4); /* x twice, y, @a.example */
	directory_unref(d);
}
END_TEST

/* An address that is known at once does not count before its domain is known. */
START_TEST(test_domain_comes_late)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "flags=1 services=1", "services=4");
	char got[500];

	set_text(0, "a@moved.example mailbox;a@example.com list;a@other.example mailbox");
	set_text(1, "example.com domain;moved.example alias-domain example.com");
	ck_assert_str_eq(ask(d, "a@other.example", got), "not-ours");
	ck_assert_str_eq(
	    ask(d, "a@moved.example", got), "list of=a@example.com one >a@example.com");
	directory_unref(d);
}
END_TEST

START_TEST(test_catch_all_is_mailbox)
{
	struct directory_options options = { .catch_all_is_mailbox = true };
	struct directory *d = make(options, "flags=1", "flags=1 services=1");
	char got[500];

	set_text(0, DOMAIN_ "@example.com mailbox;bob@example.com mailbox");
	set_text(1, "ann@example.com tempfail");
	ck_assert_str_eq(
	    ask(d, "ann@example.com", got), "catch-all as-mailbox one >ann@example.com");
	ck_assert_str_eq(ask(d, "bob@example.com", got), "mailbox one >bob@example.com");
	directory_unref(d);
	d = make((struct directory_options){ 0 }, "flags=1", "flags=1 services=1");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "unknown (two: this key fails)");
	directory_unref(d);
}
END_TEST

START_TEST(test_offline)
{
	struct directory_options options = { .offline = true };
	struct directory *d = make(options, "flags=0 services=5", "flags=16 services=1");
	char got[500];

	set_text(1, "ann@example.com mailbox");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox two >ann@example.com");
	ck_assert_str_eq(ask(d, "bob@example.com", got), "unknown (one: not asked: offline)");
	ck_assert_uint_eq(lookups(0), 0);
	directory_unref(d);
}
END_TEST

/* ---- the cache ------------------------------------------------------------------ */

START_TEST(test_cache)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "positive_ttl=600 negative_ttl=600", NULL);
	char got[500];

	set_text(0, DOMAIN_ "ann@example.com mailbox");
	ask(d, "ann@example.com", got);
	ck_assert_uint_eq(lookups(0), 2);
	ask(d, "ann@example.com", got);
	ck_assert_uint_eq(lookups(0), 2);
	ck_assert_str_eq(ask(d, "new@example.com", got), "none");
	set_text(0, DOMAIN_ "new@example.com alias ann@example.com");
	ck_assert_str_eq(ask(d, "new@example.com", got), "none");
	/* ann is gone from the store, and known still, until all is forgotten */
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	directory_flush(d);
	ck_assert_str_eq(ask(d, "ann@example.com", got), "none");
	ck_assert_str_eq(ask(d, "new@example.com", got), "alias one >ann@example.com");
	directory_unref(d);
}
END_TEST

/* That somebody is not there is known for a while, and that he is for another. */
START_TEST(test_cache_ends)
{
	static const struct {
		const char *options, *before, *wanted, *after, *wanted_then;
	} lives[] = {
		{ "positive_ttl=600 negative_ttl=0.1", "x", "none", "ann@example.com mailbox",
		    "mailbox one >ann@example.com" },
		{ "positive_ttl=0.1 negative_ttl=600", "ann@example.com mailbox",
		    "mailbox one >ann@example.com", "x", "none" },
	};

	for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
		char options[100], got[500];
		struct directory *d;

		snprintf(options, sizeof options, "services=1 flags=12 domains=example.com %s",
		    lives[i].options);
		d = make((struct directory_options){ 0 }, options, NULL);
		set_text(0, lives[i].before);
		ck_assert_str_eq(ask(d, "ann@example.com", got), lives[i].wanted);
		set_text(0, lives[i].after);
		usleep(150 * MS);
		ck_assert_str_eq(ask(d, "ann@example.com", got), lives[i].wanted_then);
		directory_unref(d);
	}
}
END_TEST

/* An answer to a question that was open when all was forgotten is not kept. */
START_TEST(test_flush_under_way)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 domains=example.com", NULL);
	char got[500];

	atomic_store(&fakes[0].hold, true);
	ask_within(d, "ann@example.com", NULL, SECOND, got);
	WAIT_UNTIL(lookups(0) == 1);
	set_text(0, "ann@example.com mailbox");
	directory_flush(d);
	atomic_store(&fakes[0].hold, false);
	wait_for_end(0, 1);
	/* as long as the answer is on its way, it serves who asks meanwhile */
	WAIT_UNTIL((ask(d, "ann@example.com", got), lookups(0) >= 2));
	directory_unref(d);
}
END_TEST

static void *ask_in_thread(void *context)
{
	char got[500];

	ck_assert_str_eq(ask(context, "ann@example.com", got), "mailbox one >ann@example.com");
	return NULL;
}

START_TEST(test_single_flight)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 domains=example.com", NULL);
	pthread_t threads[THREADS];

	set_text(0, "ann@example.com mailbox");
	atomic_store(&fakes[0].delay_us, 100 * MS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_in_thread, d), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(lookups(0), 1);
	directory_unref(d);
}
END_TEST

/* ---- time ----------------------------------------------------------------------- */

START_TEST(test_parallel)
{
	struct directory *d;
	char got[500];

	set_text(1, "ann@example.com mailbox");
	/* no lookup ends before both stores are in one */
	atomic_store(&meet, 2);
	d = make((struct directory_options){ 0 }, "services=1 flags=12 domains=example.com",
	    "services=1 parallel=yes");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox two >ann@example.com");
	ck_assert_uint_eq(atomic_load(&most_together), 2);
	directory_unref(d);
	/* and in turn there is always one of them alone, however long it takes */
	atomic_store(&meet, 0);
	atomic_store(&most_together, 0);
	atomic_store(&fakes[0].delay_us, 200 * MS);
	d = make((struct directory_options){ 0 }, "services=1 flags=12 domains=example.com",
	    "services=1");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox two >ann@example.com");
	ck_assert_uint_eq(atomic_load(&most_together), 1);
	directory_unref(d);
}
END_TEST

/* In one view all that is noted is asked side by side, by as many workers as there may be. */
START_TEST(test_workers)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com workers=3", NULL);
	struct arena *arena = arena_new();
	struct directory_view *view =
	    directory_view_new(arena, d, clock_now_us() + LIMIT_SECONDS * SECOND);
	struct directory_result r;

	atomic_store(&meet, 3);
	atomic_store(&fakes[0].delay_us, 50 * MS);
	for (int i = 0; i < 9; i++)
		directory_address(view, arena_printf(arena, "a%d@example.com", i), &r);
	ck_assert(directory_view_wait(view));
	ck_assert(!directory_view_wait(view));
	ck_assert_uint_eq(lookups(0), 9);
	ck_assert_uint_eq(atomic_load(&fakes[0].most_at_once), 3);
	directory_view_free(view);
	arena_free(arena);
	directory_unref(d);
}
END_TEST

/* Started questions go on while something else is waited for. */
START_TEST(test_start)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 domains=example.com", NULL);
	struct arena *arena = arena_new();
	struct directory_view *view =
	    directory_view_new(arena, d, clock_now_us() + LIMIT_SECONDS * SECOND);
	struct directory_result r;

	set_text(0, "ann@example.com mailbox");
	ck_assert_int_eq(directory_address(view, SLICE("ann@example.com"), &r), DIRECTORY_PENDING);
	directory_view_start(view);
	/* it is asked and answered before anybody waits */
	wait_for_end(0, 1);
	ck_assert(directory_view_wait(view));
	ck_assert_uint_eq(lookups(0), 1);
	ck_assert_int_eq(directory_address(view, SLICE("ann@example.com"), &r), DIRECTORY_MAILBOX);
	directory_view_free(view);
	/* one that nobody waits for any more */
	view = directory_view_new(arena, d, clock_now_us() + LIMIT_SECONDS * SECOND);
	atomic_store(&fakes[0].delay_us, 100 * MS);
	directory_address(view, SLICE("bob@example.com"), &r);
	directory_view_start(view);
	directory_view_free(view);
	arena_free(arena);
	directory_unref(d);
}
END_TEST

START_TEST(test_deadline)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 domains=example.com", NULL);
	struct stopwatch watch;
	char got[500];

	set_text(0, "ann@example.com mailbox");
	atomic_store(&fakes[0].hold, true);
	stopwatch_start(&watch);
	ck_assert_str_eq(ask_within(d, "ann@example.com", NULL, 100 * MS, got),
	    "unknown (one: no answer within the deadline)");
	stopwatch_stop(&watch);
	ck_assert_int_ge(watch.took_us, 100 * MS);
	ck_assert_int_lt(watch.fair_us, 300 * MS);
	/* the answer that came late serves the next message */
	WAIT_UNTIL(lookups(0) == 1);
	atomic_store(&fakes[0].hold, false);
	wait_for_end(0, 1);
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	ck_assert_uint_eq(lookups(0), 1);
	/* no time at all: nothing is asked */
	ck_assert_str_eq(ask_within(d, "bob@example.com", NULL, -1, got),
	    "unknown (one: no answer within the deadline)");
	ck_assert_uint_eq(lookups(0), 1);
	directory_unref(d);
}
END_TEST

static void *release_soon(void *context)
{
	usleep(300 * MS);
	atomic_store(&fakes[0].hold, false);
	return context;
}

static bool is_said_to_hang(struct directory *d, unsigned number)
{
	char address[30], got[500];

	snprintf(address, sizeof address, "b%u@example.com", number);
	return strcmp(ask_within(d, address, NULL, 20 * MS, got),
		   "unknown (one: not asked: the store hangs)") == 0;
}

/* A store that hangs holds its workers and nobody else. */
START_TEST(test_hang)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com workers=2 timeout=0.1", NULL);
	struct stopwatch watch;
	pthread_t thread;
	unsigned asked = 0;
	char got[500];

	atomic_store(&fakes[0].hold, true);
	for (int i = 0; i < 6; i++) {
		char address[30];

		snprintf(address, sizeof address, "a%d@example.com", i);
		ask_within(d, address, NULL, 20 * MS, got);
	}
	/* of six questions two are asked, and it takes a while until it is said to hang */
	WAIT_UNTIL(atomic_load(&fakes[0].at_once) == 2 || lookups(0) > 2);
	stopwatch_start(&watch);
	WAIT_UNTIL(is_said_to_hang(d, asked++));
	stopwatch_stop(&watch);
	/* its time-out, and the second that a lookup may go over it */
	ck_assert_int_lt(watch.fair_us, 1100 * MS + 500 * MS);
	stopwatch_start(&watch);
	ck_assert_str_eq(ask(d, "x@example.com", got), "unknown (one: not asked: the store hangs)");
	stopwatch_stop(&watch);
	ck_assert_int_lt(watch.fair_us, 50 * MS);
	ck_assert_uint_eq(atomic_load(&fakes[0].most_at_once), 2);
	/* the directory ends with its workers still inside, and they end soon */
	ck_assert_int_eq(pthread_create(&thread, NULL, release_soon, NULL), 0);
	stopwatch_start(&watch);
	directory_unref(d);
	stopwatch_stop(&watch);
	ck_assert_int_lt(watch.fair_us, FRONT_GRACE_US + 500 * MS);
	pthread_join(thread, NULL);
	WAIT_UNTIL(atomic_load(&fakes[0].connections) == 0);
}
END_TEST

/* It never comes back within the grace: the last worker frees what is left. */
START_TEST(test_abandoned)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com workers=2 timeout=0.1", NULL);
	struct stopwatch watch;
	char got[500];

	atomic_store(&fakes[0].hold, true);
	ask_within(d, "a@example.com", NULL, 20 * MS, got);
	ask_within(d, "b@example.com", NULL, 20 * MS, got);
	WAIT_UNTIL(atomic_load(&fakes[0].at_once) > 0);
	stopwatch_start(&watch);
	directory_unref(d);
	stopwatch_stop(&watch);
	ck_assert_int_ge(watch.took_us, FRONT_GRACE_US - 10 * MS);
	ck_assert_int_lt(watch.fair_us, FRONT_GRACE_US + 500 * MS);
	ck_assert_uint_gt(atomic_load(&fakes[0].connections), 0);
	atomic_store(&fakes[0].hold, false);
	WAIT_UNTIL(atomic_load(&fakes[0].connections) == 0);
	usleep(50 * MS);
}
END_TEST

START_TEST(test_queue_ceiling)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com workers=1", NULL);
	struct arena *arena = arena_new();
	size_t refused = 0;
	struct directory_view *views[3];
	struct directory_result r;

	atomic_store(&fakes[0].hold, true);
	/* time enough to put all questions, and all of them have to be waited for so long */
	for (int v = 0; v < 3; v++) {
		views[v] = directory_view_new(arena, d, clock_now_us() + 2 * SECOND);
		for (int i = 0; i < 500; i++)
			directory_address(
			    views[v], arena_printf(arena, "a%d.%d@example.com", v, i), &r);
		directory_view_start(views[v]);
	}
	for (int v = 0; v < 3; v++) {
		directory_view_wait(views[v]);
		for (int i = 0; i < 500; i++) {
			directory_address(
			    views[v], arena_printf(arena, "a%d.%d@example.com", v, i), &r);
			ck_assert_int_eq(r.answer, DIRECTORY_UNKNOWN);
			refused += slice_equal(
			    r.why, SLICE("one: not asked: too many questions are waiting"));
		}
		directory_view_free(views[v]);
	}
	ck_assert_uint_ge(refused, 1500 - FRONT_QUEUE_MAX - 2);
	atomic_store(&fakes[0].hold, false);
	arena_free(arena);
	directory_unref(d);
}
END_TEST

START_TEST(test_too_many_questions)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 flags=13 domains=example.com", NULL);
	struct arena *arena = arena_new();
	struct directory_view *view =
	    directory_view_new(arena, d, clock_now_us() + LIMIT_SECONDS * SECOND);
	struct directory_result r;

	for (int i = 0; i <= STORE_QUESTIONS_MAX; i++) {
		directory_address(view, arena_printf(arena, "a%d@example.com", i), &r);
		ck_assert_int_eq(
		    r.answer, i < STORE_QUESTIONS_MAX ? DIRECTORY_NONE : DIRECTORY_UNKNOWN);
	}
	directory_view_free(view);
	arena_free(arena);
	directory_unref(d);
}
END_TEST

/* ---- failure -------------------------------------------------------------------- */

START_TEST(test_breaker)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com stale_for=0", NULL);
	int64_t tried_us;
	char got[500];

	atomic_store(&fakes[0].behaviour, FAILS);
	for (int i = 0; i < 10; i++)
		ask(d, "ann@example.com", got);
	ck_assert_str_eq(got, "unknown (one: not asked: the store rests after failures)");
	ck_assert_uint_eq(lookups(0), FRONT_FAILURES);
	/* after the rest one question tries it, and it rests for longer */
	usleep(FRONT_REST_MIN_US + 50 * MS);
	tried_us = clock_now_us();
	for (int i = 0; i < 10; i++)
		ask(d, "ann@example.com", got);
	ck_assert_uint_eq(lookups(0), FRONT_FAILURES + 1);
	atomic_store(&fakes[0].behaviour, ANSWERS);
	set_text(0, "ann@example.com mailbox");
	usleep(FRONT_REST_MIN_US + 50 * MS);
	ask(d, "ann@example.com", got);
	/* a machine that slept through the rest has nothing to say about it */
	if (clock_now_us() - tried_us < 2 * FRONT_REST_MIN_US)
		ck_assert_uint_eq(lookups(0), FRONT_FAILURES + 1);
	usleep(FRONT_REST_MIN_US);
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	/* it is trusted again: one failure does not make it rest */
	atomic_store(&fakes[0].behaviour, DENIED);
	ask(d, "bob@example.com", got);
	atomic_store(&fakes[0].behaviour, ANSWERS);
	ck_assert_str_eq(ask(d, "bob@example.com", got), "none");
	directory_unref(d);
}
END_TEST

/* One odd address must not switch the store off for all others. */
START_TEST(test_breaker_counts_no_keys)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com stale_for=0", NULL);
	char got[500];

	set_text(0, "odd@example.com refused;ann@example.com mailbox");
	for (int i = 0; i < 3 * FRONT_FAILURES; i++)
		ck_assert_str_eq(ask(d, "odd@example.com", got), "unknown (one: it is refused)");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	/* a store that answers at all, be it so, has come back */
	atomic_store(&fakes[0].behaviour, FAILS);
	for (int i = 0; i < FRONT_FAILURES; i++)
		ask(d, "new@example.com", got);
	usleep(FRONT_REST_MIN_US + 50 * MS);
	atomic_store(&fakes[0].behaviour, ANSWERS);
	ask(d, "odd@example.com", got);
	ck_assert_str_eq(ask(d, "new@example.com", got), "none");
	directory_unref(d);
}
END_TEST

START_TEST(test_stale)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com positive_ttl=0 negative_ttl=0 stale_for=600",
	    NULL);
	char got[500];

	set_text(0, "ann@example.com mailbox");
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	ck_assert_str_eq(ask(d, "bob@example.com", got), "none");
	atomic_store(&fakes[0].behaviour, FAILS);
	for (int i = 0; i < 5; i++) /* asked and failing, then at rest */
		ck_assert_str_eq(
		    ask(d, "ann@example.com", got), "mailbox one >ann@example.com stale");
	ck_assert_str_eq(ask(d, "bob@example.com", got), "none");
	ck_assert_str_eq(ask(d, "new@example.com", got),
	    "unknown (one: not asked: the store rests after failures)");
	directory_unref(d);
	/* and not for ever */
	atomic_store(&fakes[0].behaviour, ANSWERS);
	d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com positive_ttl=0 stale_for=0.2", NULL);
	ck_assert_str_eq(ask(d, "ann@example.com", got), "mailbox one >ann@example.com");
	atomic_store(&fakes[0].behaviour, FAILS);
	usleep(250 * MS);
	ck_assert_msg(strncmp(ask(d, "ann@example.com", got), "unknown", 7) == 0, "%s", got);
	directory_unref(d);
}
END_TEST

/* A store that is merely late: the old answer serves at the deadline. */
START_TEST(test_stale_at_the_deadline)
{
	struct directory *d = make((struct directory_options){ 0 },
	    "services=1 flags=12 domains=example.com positive_ttl=0", NULL);
	char got[500];

	set_text(0, "ann@example.com mailbox");
	ask(d, "ann@example.com", got);
	atomic_store(&fakes[0].hold, true);
	ck_assert_str_eq(ask_within(d, "ann@example.com", NULL, 50 * MS, got),
	    "mailbox one >ann@example.com stale");
	atomic_store(&fakes[0].hold, false);
	directory_unref(d);
}
END_TEST

/* ---- replies and options -------------------------------------------------------- */

START_TEST(test_reply_ceilings)
{
	struct directory *d =
	    make((struct directory_options){ 0 }, "services=1 flags=1 domains=example.com", NULL);
	struct store_option option = { "path", "/x" };
	struct store_options options = { "x", &option, 1 };
	char got[500];
	struct buf text;

	buf_init(&text, TEXT_MAX - 1);
	buf_add_text(&text, "a@example.com alias ");
	for (int i = 0; i < STORE_ITEMS_MAX + 1; i++)
		buf_add_text(&text, "x,");
	set_text(0, buf_text(&text));
	ck_assert_str_eq(ask(d, "a@example.com", got), "unknown (one: the answer is too large)");
	buf_free(&text);
	ck_assert_ptr_null(store_option_text(&options, "none", NULL));
	ck_assert_int_eq(store_option_us(&options, "path", 7), 7);
	directory_unref(d);
}
END_TEST

static const struct {
	const char *text, *wanted;
} option_rows[] = {
	{ "type=fake", NULL },
	{ "number=0", "store \"x\": it has no type\n" },
	{ "type=nothing", "store \"x\": this program has no store of type nothing\n" },
	{ "type=fake colour=red", "store \"x\": a store of type fake has no option colour\n" },
	{ "type=fake workers=0", "store \"x\": workers = \"0\" is no number from 1 to "
				 "1,000,000,000\n" },
	{ "type=fake workers=4x", "store \"x\": workers = \"4x\" is no number from 1 to "
				  "1,000,000,000\n" },
	{ "type=fake timeout=1.5", NULL },
	{ "type=fake timeout=-1", "store \"x\": timeout = \"-1\" is no number of seconds\n" },
	{ "type=fake timeout=1..5", "store \"x\": timeout = \"1..5\" is no number of seconds\n" },
	{ "type=fake parallel=maybe", "store \"x\": parallel = \"maybe\" is neither true nor "
				      "false\n" },
	{ "type=fake timeout=1 timeout=2", "store \"x\": timeout = \"1\" is given twice\n"
					   "store \"x\": timeout = \"2\" is given twice\n" },
	{ "type=fake domains=a.example domains=b.example", NULL },
	{ "type=file", "store \"x\": a store of type file needs path\n" },
	{ "type=file path=x", "store \"x\": path = \"x\" is no absolute path\n" },
};

START_TEST(test_options)
{
	struct store_option items[12];
	struct store_options options;
	char copy[200];
	struct buf notes;
	struct store *store;

	snprintf(copy, sizeof copy, "%s", option_rows[_i].text);
	options = read_options(copy, items);
	options = (struct store_options){ "x", items + 1, options.count - 1 };
	buf_init(&notes, 1000);
	store = store_open(&options, &notes);
	ck_assert_msg(
	    (store != NULL) == (option_rows[_i].wanted == NULL), "%s", option_rows[_i].text);
	ck_assert_str_eq(
	    buf_text(&notes), option_rows[_i].wanted == NULL ? "" : option_rows[_i].wanted);
	if (store != NULL)
		store->class->close(store);
	buf_free(&notes);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("directory");
	TCase *tests = tcase_create("directory");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_rows, 0, ROWS(rows));
	tcase_add_test(tests, test_many_targets);
	tcase_add_loop_test(tests, test_map, 0, ROWS(map_rows));
	tcase_add_test(tests, test_local_part);
	tcase_add_loop_test(tests, test_keys, 0, ROWS(key_rows));
	tcase_add_test(tests, test_no_domains_told);
	tcase_add_test(tests, test_domains_of_the_other_store);
	tcase_add_test(tests, test_domains_of_a_store);
	tcase_add_test(tests, test_domain_comes_late);
	tcase_add_test(tests, test_catch_all_is_mailbox);
	tcase_add_test(tests, test_offline);
	tcase_add_test(tests, test_cache);
	tcase_add_test(tests, test_cache_ends);
	tcase_add_test(tests, test_flush_under_way);
	tcase_add_test(tests, test_single_flight);
	tcase_add_test(tests, test_parallel);
	tcase_add_test(tests, test_workers);
	tcase_add_test(tests, test_start);
	tcase_add_test(tests, test_deadline);
	tcase_add_test(tests, test_hang);
	tcase_add_test(tests, test_abandoned);
	tcase_add_test(tests, test_queue_ceiling);
	tcase_add_test(tests, test_too_many_questions);
	tcase_add_test(tests, test_breaker);
	tcase_add_test(tests, test_breaker_counts_no_keys);
	tcase_add_test(tests, test_stale);
	tcase_add_test(tests, test_stale_at_the_deadline);
	tcase_add_test(tests, test_reply_ceilings);
	tcase_add_loop_test(tests, test_options, 0, ROWS(option_rows));
	suite_add_tcase(suite, tests);
	return suite;
}
