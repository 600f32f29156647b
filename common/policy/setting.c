/*
 * setting.c - what the configuration says of one check and one message.
 *
 * The first half reads, for each message, the arrays that the second half makes
 * of patterns while a configuration is loaded.
 */
#include "policy/setting.h"

#include <string.h>

#include "directory/claims.h"
#include "syntax/domain.h"

enum {
	HEADER_FIELDS_TRIED = 8,    /* of one name, for a condition `header` */
	HEADER_OCTETS_TRIED = 2000, /* of each body: both bound the time of a pattern */
};

static size_t row_of(const struct check *check)
{
	return (size_t)(check - checks);
}

static bool is_envelope_name(const char *name)
{
	return slice_starts_nocase(slice_of(name), SLICE("envelope."));
}

/* ---- the scopes of a message ----------------------------------------------- */

static bool is_wild(struct slice pattern)
{
	return pattern.len > 0 && pattern.data[0] == '*';
}

/* Exact names before patterns, then long before short, then by octets. */
static int compare_patterns(struct slice a, struct slice b)
{
	if (is_wild(a) != is_wild(b))
		return is_wild(a) ? 1 : -1;
	if (a.len != b.len)
		return a.len > b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

int domain_scope_compare(const void *a, const void *b)
{
	const struct domain_scope *x = a, *y = b;

	return compare_patterns(slice_of(x->pattern), slice_of(y->pattern));
}

static const struct domain_scope *find_domain(const struct config *config, struct slice pattern)
{
	size_t low = 0, high = config->domain_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct domain_scope *d = &config->domains[middle];
		int order = compare_patterns(slice_of(d->pattern), pattern);

		if (order == 0)
			return d;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The sections `domain` of one name, the exact one first, then "*.x" from long to short. */
struct domain_walk {
	const struct config *config;
	bool begun;
	char domain[DOMAIN_MAX]; /* A-labels, lower case; empty: there is no name */
	size_t len, at;
};

/* The scopes of a message, one after the other. */
struct walk {
	struct domain_walk domains;
	enum sender_class class;
	enum { DOMAINS, CLASS, GLOBAL, DONE } step;
};

/* The domain that a scope `domain` means for this check (NULL: for the whole message). */
static struct slice domain_of(const struct message *message, const struct check *check)
{
	const struct mailbox *author;

	if (check != NULL && is_envelope_name(check->name))
		return message->mail_from.domain;
	author = message_author(message);
	return author == NULL ? (struct slice){ NULL, 0 } : author->domain;
}

static struct domain_walk domain_walk_begin(
    const struct config *config, struct arena *arena, struct slice domain)
{
	struct domain_walk w = { .config = config };
	struct slice ascii;

	if (config->domain_count > 0 && domain.len > 0 && domain_to_ascii(arena, domain, &ascii) &&
	    ascii.len <= sizeof w.domain) {
		memcpy(w.domain, ascii.data, ascii.len);
		w.len = ascii.len;
	}
	return w;
}

/* The pattern of the next longer domain that this one lies below: "*.x" in the place of "a.x". */
static const struct domain_scope *next_wild(struct domain_walk *w)
{
	while (w->at < w->len) {
		size_t dot = w->at++;
		const struct domain_scope *found;

		if (dot == 0 || w->domain[dot] != '.')
			continue;
		w->domain[dot - 1] = '*';
		found =
		    find_domain(w->config, (struct slice){ w->domain + dot - 1, w->len - dot + 1 });
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* The next section, or NULL behind the last. */
static const struct domain_scope *domain_walk_next(struct domain_walk *w)
{
	const struct domain_scope *found = NULL;

	if (!w->begun && w->len > 0)
		found = find_domain(w->config, (struct slice){ w->domain, w->len });
	w->begun = true;
	return found != NULL ? found : next_wild(w);
}

static struct walk walk_begin(
    const struct config *config, const struct message *message, const struct check *check)
{
	struct walk w = { .class = message->transaction.class };
	struct slice domain = { NULL, 0 };

	if (config->domain_count > 0)
		domain = domain_of(message, check);
	w.domains = domain_walk_begin(config, message->arena, domain);
	return w;
}

/* The next scope of the message, or NULL behind the last. */
static const struct scope *walk_next(struct walk *w)
{
	const struct config *config = w->domains.config;
	const struct domain_scope *domain;

	if (w->step == DOMAINS) {
		domain = domain_walk_next(&w->domains);
		if (domain != NULL)
			return &domain->scope;
		w->step = CLASS;
	}
	if (w->step == CLASS) {
		w->step = GLOBAL;
		if (w->class != CLASS_NONE)
			return &config->classes[w->class];
	}
	if (w->step == DONE)
		return NULL;
	w->step = DONE;
	return &config->global;
}

/*
 * Is the author's domain, or that of MAIL FROM, one of ours?  Where own_domains is not set, the
 * domains that the directory serves are, too; it was asked about the author's.
 */
static bool is_own(const struct config *config, const struct message *message,
    const struct check *check, struct slice domain)
{
	struct slice ascii;

	if (!config->own_domains_set && !is_envelope_name(check->name) && message->claims != NULL &&
	    message->claims->from_served == SERVED_YES)
		return true;
	return domain.len > 0 && domain_to_ascii(message->arena, domain, &ascii) &&
	       domain_list_has(&config->own_domains, ascii);
}

/* What the table says: some rows refuse for domains of our own, and only log for others. */
static enum action default_action(
    const struct config *config, const struct message *message, const struct check *check)
{
	if (!check->own || is_own(config, message, check, domain_of(message, check)))
		return check->action;
	return ACTION_LOG;
}

enum action setting_action(
    const struct config *config, const struct message *message, const struct check *check)
{
	struct walk w = walk_begin(config, message, check);
	const struct scope *scope;

	while ((scope = walk_next(&w)) != NULL)
		if (scope->checks[row_of(check)].has_action)
			return scope->checks[row_of(check)].action;
	return default_action(config, message, check);
}

enum mode setting_mode(
    const struct config *config, const struct message *message, const struct check *check)
{
	struct walk w = walk_begin(config, message, check);
	const struct scope *scope;

	while ((scope = walk_next(&w)) != NULL) {
		if (check != NULL && scope->checks[row_of(check)].has_mode)
			return scope->checks[row_of(check)].mode;
		if (scope->whole.has_mode)
			return scope->whole.mode;
	}
	return MODE_AUDIT;
}

static const struct network_list *domain_egress(
    const struct config *config, const struct message *message, struct slice domain)
{
	struct domain_walk w = domain_walk_begin(config, message->arena, domain);
	const struct domain_scope *scope;

	while ((scope = domain_walk_next(&w)) != NULL)
		if (scope->egress.count > 0)
			return &scope->egress;
	return NULL;
}

const struct network_list *setting_egress(
    const struct config *config, const struct message *message)
{
	const struct network_list *egress =
	    domain_egress(config, message, domain_of(message, NULL));

	if (egress == NULL)
		egress = domain_egress(config, message, message->mail_from.domain);
	return egress != NULL ? egress : &config->egress;
}

/* ---- exemptions of a message ----------------------------------------------- */

static bool matches_any(const struct string_list *patterns, struct slice text)
{
	if (text.data == NULL)
		return false;
	for (size_t i = 0; i < patterns->count; i++)
		if (slice_match(slice_of(patterns->items[i]), text))
			return true;
	return false;
}

static bool matches_mail_from(const struct string_list *patterns, const struct message *m)
{
	struct slice address = m->mail_from.address;

	/* without MAIL there is neither an address nor a null sender */
	return matches_any(patterns, m->mail_from.null ? SLICE("") : address);
}

static bool matches_client(const struct network_list *networks, const struct ip *client)
{
	for (size_t i = 0; i < networks->count; i++)
		if (ip_in_network(client, &networks->items[i]))
			return true;
	return false;
}

/* condition = field-name / field-name ":" pattern */
static bool matches_field(struct slice condition, const struct message *m)
{
	size_t colon = slice_find(condition, ':');
	struct slice name = slice_part(condition, 0, colon);
	struct slice pattern = slice_trim(slice_part(condition, colon + 1, condition.len));
	size_t tried = 0;

	for (size_t i = 0; i < m->field_count && tried < HEADER_FIELDS_TRIED; i++) {
		if (!slice_equal_nocase(m->fields[i].name, name))
			continue;
		if (colon == condition.len ||
		    slice_match(
			pattern, slice_part(slice_trim(m->fields[i].body), 0, HEADER_OCTETS_TRIED)))
			return true;
		tried++;
	}
	return false;
}

static bool matches_header(const struct string_list *conditions, const struct message *m)
{
	for (size_t i = 0; i < conditions->count; i++)
		if (matches_field(slice_of(conditions->items[i]), m))
			return true;
	return false;
}

static bool exemption_holds(const struct exemption *e, const struct message *m)
{
	const struct transaction *t = &m->transaction;

	return (e->client.count == 0 || matches_client(&e->client, &t->client)) &&
	       (e->login.count == 0 || matches_any(&e->login, t->login)) &&
	       (e->listener.count == 0 || matches_any(&e->listener, t->daemon_name)) &&
	       (e->mail_from.count == 0 || matches_mail_from(&e->mail_from, m)) &&
	       (e->header.count == 0 || matches_header(&e->header, m));
}

bool setting_exempt(
    const struct config *config, const struct message *message, const struct check *check)
{
	for (size_t i = 0; i < config->exemption_count; i++) {
		const struct exemption *e = &config->exemptions[i];

		if (e->checks[row_of(check)] && exemption_holds(e, message))
			return true;
	}
	return false;
}

/* ---- patterns over the names of checks ------------------------------------- */

static bool names(const char *pattern, const char *check)
{
	return slice_match(slice_of(pattern), slice_of(check));
}

enum check_pattern_state check_pattern_state(const char *pattern)
{
	if (check_pattern_known(pattern))
		return CHECK_PATTERN_ROWS;
	for (const char *const *planned = planned_checks; *planned != NULL; planned++)
		if (names(pattern, *planned))
			return CHECK_PATTERN_LATER;
	return CHECK_PATTERN_UNKNOWN;
}

static size_t specificity(const char *pattern)
{
	/* an exact name is more than any pattern could be */
	return strchr(pattern, '*') == NULL ? SIZE_MAX : strlen(pattern);
}

static void resolve_row(
    struct setting *setting, const char *check, const struct check_block *blocks, size_t count)
{
	size_t action_by = 0, mode_by = 0;

	for (size_t i = 0; i < count; i++) {
		const struct setting *said = &blocks[i].setting;
		size_t by = specificity(blocks[i].pattern);

		if (!names(blocks[i].pattern, check))
			continue;
		if (said->has_action && by >= action_by) {
			setting->has_action = true;
			setting->action = said->action;
			action_by = by;
		}
		if (said->has_mode && by >= mode_by) {
			setting->has_mode = true;
			setting->mode = said->mode;
			mode_by = by;
		}
	}
}

void scope_resolve(struct scope *scope, const struct check_block *blocks, size_t count)
{
	for (size_t row = 0; row < check_count; row++)
		resolve_row(&scope->checks[row], checks[row].name, blocks, count);
}

static bool named_by(const struct string_list *patterns, const char *check)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (names(patterns->items[i], check))
			return true;
	return false;
}

/* A planned check of the envelope has no row to say its stage: its name does. */
static bool names_planned_envelope(const struct string_list *patterns)
{
	for (const char *const *planned = planned_checks; *planned != NULL; planned++)
		if (is_envelope_name(*planned) && named_by(patterns, *planned))
			return true;
	return false;
}

bool exemption_resolve(struct exemption *e, const struct string_list *patterns)
{
	bool by_header = e->header.count > 0;

	for (size_t row = 0; row < check_count; row++) {
		bool early = checks[row].stage <= STAGE_RCPT;

		if (patterns == NULL) {
			e->checks[row] = !(early && by_header);
			continue;
		}
		e->checks[row] = named_by(patterns, checks[row].name);
		if (e->checks[row] && early && by_header)
			return false;
	}
	return patterns == NULL || !by_header || !names_planned_envelope(patterns);
}
