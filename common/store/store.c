/*
 * store.c - answers made once and shared, options taken apart, one lookup.
 *
 * An answer in the making keeps its pieces one behind the other in a buffer, each with its
 * kind and length before it, and nothing at all for the usual mailbox without targets, so
 * that a lookup in a mapped file costs one allocation.
 */
#include "store/store.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "dns/dns.h"

const char *lookup_status_name(enum lookup_status status)
{
	static const char *const names[] = { "found", "notfound", "tempfail", "permfail" };

	return names[status];
}

const char *store_service_name(enum store_service service)
{
	return service == STORE_ADDRESS ? "address" : service == STORE_LOGINS ? "logins" : "domain";
}

const char *store_entry_name(enum store_entry entry)
{
	static const char *const names[] = { "mailbox", "alias", "forward-only", "list",
		"catch-all", "sub-address", "domain", "alias-domain", "open-domain", "logins" };

	return names[entry];
}

/* ---- answers -------------------------------------------------------------------- */

/* The block that an answer lives in. */
struct shared {
	atomic_uint references;
	size_t octets;
	struct store_answer answer;
};

static struct shared *block_of(const struct store_answer *answer)
{
	return (struct shared *)((char *)(uintptr_t)answer - offsetof(struct shared, answer));
}

struct store_answer *store_answer_ref(struct store_answer *answer)
{
	atomic_fetch_add_explicit(&block_of(answer)->references, 1, memory_order_relaxed);
	return answer;
}

void store_answer_unref(struct store_answer *answer)
{
	if (answer == NULL)
		return;
	if (atomic_fetch_sub_explicit(&block_of(answer)->references, 1, memory_order_acq_rel) == 1)
		free(block_of(answer));
}

size_t store_answer_octets(const struct store_answer *answer)
{
	return block_of(answer)->octets;
}

static struct store_answer *answer_new(size_t items, size_t octets)
{
	size_t size = sizeof(struct shared) + items * sizeof(struct slice) + octets;
	struct shared *block = must_alloc(size);

	block->octets = size;
	atomic_init(&block->references, 1);
	return &block->answer;
}

struct store_answer *store_answer_empty(enum lookup_status status, const char *why)
{
	size_t len = why == NULL ? 0 : strlen(why);
	struct store_answer *answer;

	if (len > STORE_WHY_MAX)
		len = STORE_WHY_MAX;
	answer = answer_new(0, len + 1);
	answer->status = status;
	if (why != NULL) {
		char *text = (char *)&answer->items[0];

		memcpy(text, why, len);
		answer->why = (struct slice){ text, len };
	}
	return answer;
}

/* ---- an answer in the making ---------------------------------------------------- */

enum piece { PIECE_TARGET, PIECE_LOGIN, PIECE_BASE };

struct piece_head {
	enum piece piece;
	size_t len;
};

struct store_reply {
	enum store_entry entry;
	bool has_logins;
	struct buf pieces;
	size_t counts[PIECE_BASE + 1];
	size_t octets; /* of all pieces */
	char why[STORE_WHY_MAX + 1];
	bool of_key; /* the failure is that of this key alone */
};

static void reply_init(struct store_reply *reply, enum store_service service)
{
	reply->entry = service == STORE_ADDRESS  ? ENTRY_MAILBOX
		       : service == STORE_LOGINS ? ENTRY_LOGINS
						 : ENTRY_DOMAIN;
	reply->has_logins = service == STORE_LOGINS;
	buf_init(&reply->pieces,
	    STORE_OCTETS_MAX + (size_t)(STORE_ITEMS_MAX + 2) * sizeof(struct piece_head));
	memset(reply->counts, 0, sizeof reply->counts);
	reply->octets = 0;
	reply->why[0] = '\0';
	reply->of_key = false;
}

void store_reply_reset(struct store_reply *reply)
{
	bool logins = reply->entry == ENTRY_LOGINS;

	buf_reset(&reply->pieces);
	memset(reply->counts, 0, sizeof reply->counts);
	reply->octets = 0;
	reply->has_logins = logins;
	reply->why[0] = '\0';
	reply->of_key = false;
}

void store_reply_entry(struct store_reply *reply, enum store_entry entry)
{
	reply->entry = entry;
}

static void add_piece(struct store_reply *reply, enum piece piece, struct slice s)
{
	struct piece_head head = { piece, s.len };

	if (s.len == 0)
		return;
	buf_add(&reply->pieces, &head, sizeof head);
	buf_add_slice(&reply->pieces, s);
	reply->counts[piece]++;
	reply->octets += s.len;
}

void store_reply_base(struct store_reply *reply, struct slice address)
{
	add_piece(reply, PIECE_BASE, address);
}

void store_reply_target(struct store_reply *reply, struct slice target)
{
	add_piece(reply, PIECE_TARGET, target);
}

void store_reply_has_logins(struct store_reply *reply)
{
	reply->has_logins = true;
}

void store_reply_login(struct store_reply *reply, struct slice login)
{
	reply->has_logins = true;
	add_piece(reply, PIECE_LOGIN, login);
}

/* The next word of a list, *at behind it; empty at the end.  Quotes hold words together. */
static struct slice next_word(struct slice list, size_t *at)
{
	bool quoted = false;
	size_t begin;

	while (*at < list.len && strchr(" \t\r\n,", list.data[*at]) != NULL)
		++*at;
	for (begin = *at; *at < list.len; ++*at) {
		char c = list.data[*at];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && *at + 1 < list.len)
			++*at;
		else if (!quoted && strchr(" \t\r\n,", c) != NULL)
			break;
	}
	return slice_part(list, begin, *at);
}

void store_reply_targets(struct store_reply *reply, struct slice list)
{
	size_t at = 0;

	for (struct slice word; (word = next_word(list, &at)).len > 0;)
		store_reply_target(reply, word);
}

void store_reply_logins(struct store_reply *reply, struct slice list)
{
	size_t at = 0;

	reply->has_logins = true;
	for (struct slice word; (word = next_word(list, &at)).len > 0;)
		store_reply_login(reply, word);
}

enum lookup_status store_reply_fail(
    struct store_reply *reply, enum lookup_status status, const char *format, ...)
{
	va_list ap;

	if (reply == NULL)
		return status;
	va_start(ap, format);
	vsnprintf(reply->why, sizeof reply->why, format, ap);
	va_end(ap);
	reply->of_key = false;
	return status;
}

enum lookup_status store_reply_fail_key(
    struct store_reply *reply, enum lookup_status status, const char *format, ...)
{
	va_list ap;

	if (reply == NULL)
		return status;
	va_start(ap, format);
	vsnprintf(reply->why, sizeof reply->why, format, ap);
	va_end(ap);
	reply->of_key = true;
	return status;
}

static bool too_large(const struct store_reply *reply)
{
	return reply->pieces.truncated || reply->octets > STORE_OCTETS_MAX ||
	       reply->counts[PIECE_TARGET] + reply->counts[PIECE_LOGIN] > STORE_ITEMS_MAX ||
	       reply->counts[PIECE_BASE] > 1;
}

/* The pieces in their places: targets, logins behind them, the octets behind all. */
static void place_pieces(const struct store_reply *reply, struct store_answer *answer)
{
	size_t next[] = { 0, reply->counts[PIECE_TARGET] };
	size_t items = reply->counts[PIECE_TARGET] + reply->counts[PIECE_LOGIN];
	char *octets = (char *)&answer->items[items];

	for (size_t at = 0; at < reply->pieces.len;) {
		struct piece_head head;
		struct slice s = { octets, 0 };

		memcpy(&head, reply->pieces.data + at, sizeof head);
		at += sizeof head;
		memcpy(octets, reply->pieces.data + at, head.len);
		s.len = head.len;
		octets += head.len;
		at += head.len;
		if (head.piece == PIECE_BASE)
			answer->base = s;
		else
			answer->items[next[head.piece]++] = s;
	}
}

static struct store_answer *reply_finish(struct store_reply *reply, enum lookup_status status)
{
	struct store_answer *answer;

	if (status == LOOKUP_NOTFOUND)
		return store_answer_empty(LOOKUP_NOTFOUND, NULL);
	if (status == LOOKUP_FOUND && too_large(reply))
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the answer is too large");
	if (status != LOOKUP_FOUND) {
		answer = store_answer_empty(
		    status, reply->why[0] != '\0' ? reply->why : "no reason was given");
		answer->of_key = reply->of_key;
		return answer;
	}
	answer =
	    answer_new(reply->counts[PIECE_TARGET] + reply->counts[PIECE_LOGIN], reply->octets);
	answer->status = LOOKUP_FOUND;
	answer->entry = reply->entry;
	answer->target_count = reply->counts[PIECE_TARGET];
	answer->login_count = reply->counts[PIECE_LOGIN];
	answer->has_logins = reply->has_logins;
	place_pieces(reply, answer);
	return answer;
}

struct store_answer *store_lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us)
{
	struct store_reply reply;
	struct store_answer *answer;
	int64_t began_us = dns_now_us();
	enum lookup_status status;

	reply_init(&reply, question->service);
	if (question->key.len > STORE_KEY_MAX)
		status = LOOKUP_NOTFOUND;
	else
		status = store->class->lookup(store, connection, question, deadline_us, &reply);
	answer = reply_finish(&reply, status);
	answer->elapsed_us = dns_now_us() - began_us;
	buf_free(&reply.pieces);
	return answer;
}

/* ---- options -------------------------------------------------------------------- */

const struct store_rule store_common_rules[] = {
	{ "type", STORE_TEXT, true },
	{ "domains", STORE_WORDS, false },
	{ "parallel", STORE_BOOL, false },
	{ "workers", STORE_NUMBER, false },
	{ "timeout", STORE_SECONDS, false },
	{ "positive_ttl", STORE_SECONDS, false },
	{ "negative_ttl", STORE_SECONDS, false },
	{ "stale_for", STORE_SECONDS, false },
	{ NULL, STORE_TEXT, false },
};

const char *store_option_nth(const struct store_options *options, const char *name, size_t n)
{
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->items[i].name, name) == 0 && n-- == 0)
			return options->items[i].value;
	return NULL;
}

const char *store_option_text(
    const struct store_options *options, const char *name, const char *fallback)
{
	const char *value = store_option_nth(options, name, 0);

	return value == NULL ? fallback : value;
}

static bool read_number(const char *text, int64_t *number)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	*number = n;
	return *text >= '0' && *text <= '9' && *end == '\0' && n >= 1 && n <= 1000000000;
}

static bool read_seconds(const char *text, int64_t *us)
{
	int64_t whole = 0, part = 0, unit = 100000;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && whole <= 10000000; p++)
		whole = whole * 10 + (*p - '0');
	if (p == text || whole > 10000000)
		return false;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			part += (*p - '0') * unit;
	*us = whole * 1000000 + part;
	return *p == '\0';
}

static bool read_bool(const char *text, bool *value)
{
	*value = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
	return *value || strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0;
}

int64_t store_option_number(const struct store_options *options, const char *name, int64_t fallback)
{
	const char *value = store_option_text(options, name, NULL);
	int64_t number;

	return value != NULL && read_number(value, &number) ? number : fallback;
}

int64_t store_option_us(const struct store_options *options, const char *name, int64_t fallback)
{
	const char *value = store_option_text(options, name, NULL);
	int64_t us;

	return value != NULL && read_seconds(value, &us) ? us : fallback;
}

bool store_option_bool(const struct store_options *options, const char *name, bool fallback)
{
	const char *value = store_option_text(options, name, NULL);
	bool set;

	return value != NULL && read_bool(value, &set) ? set : fallback;
}

/* What is wrong with a value of that form, NULL if nothing. */
static const char *form_fault(enum store_form form, const char *value)
{
	int64_t number;
	bool set;

	switch (form) {
	case STORE_PATH: return value[0] == '/' ? NULL : "is no absolute path";
	case STORE_NUMBER:
		return read_number(value, &number) ? NULL : "is no number from 1 to 1,000,000,000";
	case STORE_SECONDS: return read_seconds(value, &number) ? NULL : "is no number of seconds";
	case STORE_BOOL: return read_bool(value, &set) ? NULL : "is neither true nor false";
	case STORE_WORDS: return value[0] != '\0' ? NULL : "is empty";
	case STORE_TEXT: break;
	}
	return strlen(value) > STORE_OPTION_TEXT_MAX ? "is too long" : NULL;
}

static const struct store_rule *rule_in(const struct store_rule *rules, const char *name)
{
	for (; rules != NULL && rules->name != NULL; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules;
	return NULL;
}

static bool check_option(const struct store_class *class, const struct store_options *options,
    size_t i, struct buf *notes)
{
	const struct store_option *o = &options->items[i];
	const struct store_rule *rule = rule_in(store_common_rules, o->name);
	const char *fault;

	if (rule == NULL)
		rule = rule_in(class->rules, o->name);
	if (rule == NULL) {
		buf_printf(notes, "store \"%s\": a store of type %s has no option %s\n",
		    options->name, class->type, o->name);
		return false;
	}
	fault = form_fault(rule->form, o->value);
	if (fault == NULL && rule->form != STORE_WORDS &&
	    store_option_nth(options, o->name, 1) != NULL)
		fault = "is given twice";
	if (fault != NULL)
		buf_printf(notes, "store \"%s\": %s = \"%s\" %s\n", options->name, o->name,
		    o->value, fault);
	return fault == NULL;
}

static bool check_options(
    const struct store_class *class, const struct store_options *options, struct buf *notes)
{
	bool good = true;

	for (size_t i = 0; i < options->count; i++)
		good = check_option(class, options, i, notes) && good;
	for (const struct store_rule *r = class->rules; r != NULL && r->name != NULL; r++)
		if (r->required && store_option_nth(options, r->name, 0) == NULL) {
			buf_printf(notes, "store \"%s\": a store of type %s needs %s\n",
			    options->name, class->type, r->name);
			good = false;
		}
	return good;
}

const struct store_class *store_class_find(const char *type)
{
	for (const struct store_class *const *c = store_classes; *c != NULL; c++)
		if (strcmp((*c)->type, type) == 0)
			return *c;
	return NULL;
}

/* The class that the options name; NULL, with a line in notes: there is none. */
static const struct store_class *class_of(const struct store_options *options, struct buf *notes)
{
	const char *type = store_option_text(options, "type", NULL);
	const struct store_class *class = type == NULL ? NULL : store_class_find(type);

	if (class == NULL)
		buf_printf(notes, "store \"%s\": %s%s\n", options->name,
		    type == NULL ? "it has no type" : "this program has no store of type ",
		    type == NULL ? "" : type);
	return class;
}

bool store_options_check(const struct store_options *options, struct buf *notes)
{
	const struct store_class *class = class_of(options, notes);

	return class != NULL && check_options(class, options, notes);
}

struct store *store_open(const struct store_options *options, struct buf *notes)
{
	const struct store_class *class = class_of(options, notes);

	if (class == NULL || !check_options(class, options, notes))
		return NULL;
	return class->open(options, notes);
}
