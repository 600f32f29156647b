/* config_value.c - the forms of single values in a configuration. */
#include "policy/config_value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/arena.h"
#include "base/net.h"
#include "policy/config.h"
#include "policy/setting.h"
#include "syntax/domain.h"

/* ---- words ----------------------------------------------------------------- */

struct word {
	const char *name; /* NULL behind the last */
	int value;
};

/* Fails with the value and the words that would do. */
static bool take_word(const struct word *words, const char *text, void *target, struct buf *why)
{
	for (const struct word *w = words; w->name != NULL; w++) {
		if (strcmp(w->name, text) != 0)
			continue;
		if (target != NULL)
			memcpy(target, &w->value, sizeof w->value);
		return true;
	}
	buf_printf(why, "\"%s\" is none of", text);
	for (const struct word *w = words; w->name != NULL; w++)
		buf_printf(why, "%s %s", w == words ? "" : ",", w->name);
	return false;
}

bool value_mode(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "audit", MODE_AUDIT }, { "enforce", MODE_ENFORCE },
		{ NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_action(const char *text, void *target, struct buf *why)
{
	enum action action;

	if (action_parse(text, &action)) {
		if (target != NULL)
			*(enum action *)target = action;
		return true;
	}
	buf_printf(why, "\"%s\" is none of", text);
	for (int i = 0; i < ACTIONS; i++)
		buf_printf(why, "%s %s", i == 0 ? "" : ",", action_name((enum action)i));
	return false;
}

bool value_log(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "syslog", LOG_TO_SYSLOG },
		{ "stderr", LOG_TO_STDERR }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_log_format(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "json", LOG_FORMAT_JSON },
		{ "text", LOG_FORMAT_TEXT }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_facility(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "mail", LOG_MAIL }, { "daemon", LOG_DAEMON },
		{ "user", LOG_USER }, { "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
		{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 },
		{ "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
		{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_internal(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "pass", INTERNAL_PASS }, { "audit", INTERNAL_AUDIT },
		{ "judge", INTERNAL_JUDGE }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_null_sender(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "log", NULL_SENDER_LOG },
		{ "judge", NULL_SENDER_JUDGE }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_on_unknown(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "accept", UNKNOWN_ACCEPT },
		{ "tempfail", UNKNOWN_TEMPFAIL }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_catch_all(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "nothing", CATCH_ALL_NOTHING },
		{ "mailbox", CATCH_ALL_MAILBOX }, { NULL, 0 } };

	return take_word(words, text, target, why);
}

bool value_bool(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "true", 1 }, { "false", 0 }, { "yes", 1 },
		{ "no", 0 }, { "on", 1 }, { "off", 0 }, { NULL, 0 } };
	int value;

	if (!take_word(words, text, &value, why))
		return false;
	if (target != NULL)
		*(bool *)target = value != 0;
	return true;
}

/* ---- numbers --------------------------------------------------------------- */

/* Does the text hold these characters only, and at least one? */
static bool made_of(const char *text, const char *characters)
{
	return *text != '\0' && text[strspn(text, characters)] == '\0';
}

bool value_deadline(const char *text, void *target, struct buf *why)
{
	double value = 0;

	/* strtod alone would take "inf", "0x1p3" and leading blanks too */
	if (made_of(text, "0123456789.") && strchr(text, '.') == strrchr(text, '.'))
		value = strtod(text, NULL);
	if (!(value >= 0.1 && value <= 8)) {
		buf_printf(why, "\"%s\" is no number of seconds from 0.1 to 8", text);
		return false;
	}
	if (target != NULL)
		*(double *)target = value;
	return true;
}

bool value_max_waiting(const char *text, void *target, struct buf *why)
{
	long value = 0;

	if (made_of(text, "0123456789") && strlen(text) < 8)
		value = strtol(text, NULL, 10);
	if (value < 1 || value > 1000000) {
		buf_printf(why, "\"%s\" is no whole number from 1 to 1000000", text);
		return false;
	}
	if (target != NULL)
		*(int *)target = (int)value;
	return true;
}

bool value_file_mode(const char *text, void *target, struct buf *why)
{
	if (!made_of(text, "01234567") || strlen(text) > 4 || strtol(text, NULL, 8) > 0777) {
		buf_printf(why, "\"%s\" is no octal file mode up to 0777", text);
		return false;
	}
	if (target != NULL)
		*(unsigned *)target = (unsigned)strtol(text, NULL, 8);
	return true;
}

/* ---- texts ----------------------------------------------------------------- */

bool value_text(const char *text, void *target, struct buf *why)
{
	char **place = target;

	if (*text == '\0') {
		buf_add_text(why, "it is empty");
		return false;
	}
	if (place != NULL) {
		free(*place);
		*place = must_strdup(text);
	}
	return true;
}

/* Ends a form that has looked: stores the text if it is good, else gives the reason. */
static bool finish_text(
    bool good, const char *wanted, const char *text, void *target, struct buf *why)
{
	if (!good) {
		buf_printf(why, "\"%s\" is no %s", text, wanted);
		return false;
	}
	return value_text(text, target, why);
}

/* After prefix; NULL when text does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool is_number(const char *digits, size_t len, long least, long most)
{
	char copy[8];

	if (len == 0 || len >= sizeof copy)
		return false;
	memcpy(copy, digits, len);
	copy[len] = '\0';
	return made_of(copy, "0123456789") && strtol(copy, NULL, 10) >= least &&
	       strtol(copy, NULL, 10) <= most;
}

static bool is_host_text(const char *text)
{
	return made_of(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]");
}

/* port ["@" host] */
static bool is_port_at_host(const char *text)
{
	size_t port = strcspn(text, "@");

	return is_number(text, port, 1, 65535) &&
	       (text[port] == '\0' || is_host_text(text + port + 1));
}

static bool is_unix_path(const char *text)
{
	return *text == '/' && strlen(text) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

bool value_socket(const char *text, void *target, struct buf *why)
{
	const char *rest;
	bool good = false;

	if ((rest = after(text, "inet:")) != NULL || (rest = after(text, "inet6:")) != NULL)
		good = is_port_at_host(rest);
	else if ((rest = after(text, "unix:")) != NULL || (rest = after(text, "local:")) != NULL)
		good = is_unix_path(rest);
	else if ((rest = after(text, "fd:")) != NULL)
		good = is_number(rest, strlen(rest), 0, 65535);
	return finish_text(good,
	    "socket: inet:PORT@HOST, inet6:PORT@HOST, unix:/PATH, local:/PATH or fd:NUMBER", text,
	    target, why);
}

bool value_account(const char *text, void *target, struct buf *why)
{
	bool good = *text != '\0' && *text != '-' && strlen(text) <= 32 &&
		    text[strcspn(text, " \t:/,")] == '\0';

	return finish_text(good, "name of a user or group", text, target, why);
}

bool value_delimiters(const char *text, void *target, struct buf *why)
{
	return finish_text(
	    text[strcspn(text, "@ \t\"\\<>.,")] == '\0', "list of delimiters", text, target, why);
}

bool value_path(const char *text, void *target, struct buf *why)
{
	return finish_text(*text == '/', "absolute path", text, target, why);
}

bool value_signer(const char *text, void *target, struct buf *why)
{
	const char *file = after(text, "opendkim:");
	bool good = strcmp(text, "before") == 0 || strcmp(text, "after") == 0 ||
		    (file != NULL && *file == '/');

	return finish_text(good, "signer: before, after or opendkim:/FILE", text, target, why);
}

/*
 * Fields that mean something to a receiver: an old field of the flag header's
 * name is removed, and these must stay.
 */
static bool is_taken_field(struct slice name)
{
	static const char *const taken[] = { "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
		"Subject", "Date", "Message-ID", "In-Reply-To", "References", "Received",
		"Return-Path", "DKIM-Signature", "Authentication-Results", "MIME-Version" };

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (slice_equal_nocase(name, slice_of(taken[i])))
			return true;
	return slice_starts_nocase(name, SLICE("ARC-")) ||
	       slice_starts_nocase(name, SLICE("List-")) ||
	       slice_starts_nocase(name, SLICE("Resent-")) ||
	       slice_starts_nocase(name, SLICE("Content-"));
}

/* field-name = 1*ftext; ftext = %d33-57 / %d59-126 */
static bool is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':')
			return false;
	return name.len > 0 && name.len <= 70;
}

bool value_field_name(const char *text, void *target, struct buf *why)
{
	if (is_taken_field(slice_of(text))) {
		buf_printf(why, "\"%s\" is a field with a meaning of its own", text);
		return false;
	}
	return finish_text(
	    is_field_name(slice_of(text)), "name of a header field", text, target, why);
}

/* ---- items of lists -------------------------------------------------------- */

static bool add_item(struct slice item, void *target, struct buf *why)
{
	struct string_list *list = target;

	if (list == NULL)
		return true;
	if (list->count >= CONFIG_ITEMS_MAX) {
		buf_printf(why, "more than %d items", CONFIG_ITEMS_MAX);
		return false;
	}
	string_list_add(list, item);
	return true;
}

bool value_item_or_empty(const char *text, void *target, struct buf *why)
{
	return add_item(slice_of(text), target, why);
}

bool value_item(const char *text, void *target, struct buf *why)
{
	if (*text == '\0') {
		buf_add_text(why, "an item is empty");
		return false;
	}
	return add_item(slice_of(text), target, why);
}

/* What is right for it another part says; it is never stored. */
bool value_any(const char *text, void *target, struct buf *why)
{
	(void)text, (void)target, (void)why;
	return true;
}

bool value_identity_field(const char *text, void *target, struct buf *why)
{
	static const struct word words[] = { { "from", IDENTITY_FROM },
		{ "sender", IDENTITY_SENDER }, { "return-path", IDENTITY_RETURN_PATH },
		{ NULL, 0 } };
	int bit = 0;

	if (!take_word(words, text, &bit, why))
		return false;
	if (target != NULL)
		*(unsigned *)target |= (unsigned)bit;
	return true;
}

bool value_domain_name(const char *text, void *target, struct buf *why)
{
	if (*text != '*')
		return value_domain_pattern(text, target, why);
	buf_printf(why, "\"%s\" is a pattern", text);
	return false;
}

bool value_domain_pattern(const char *text, void *target, struct buf *why)
{
	struct arena *arena = arena_new();
	const char *reason = NULL;
	struct slice prepared;
	bool good;

	if (domain_pattern_prepare(arena, slice_of(text), &prepared, &reason)) {
		good = add_item(prepared, target, why);
	} else {
		buf_printf(why, "\"%s\" is no domain name, nor *.NAME: %s", text, reason);
		good = false;
	}
	arena_free(arena);
	return good;
}

/*
 *   pattern = [ local-part ] "@" [ "*." ] domain     "*" in the local part stands for any octets
 *
 * Its domain is kept in A-form.  Any other text is a pattern over the whole address.
 */
bool value_address_pattern(const char *text, void *target, struct buf *why)
{
	struct arena *arena = arena_new();
	struct slice item = slice_of(text), ascii;
	size_t domain = slice_find_last(item, '@') + 1;
	bool good;

	if (slice_starts_nocase(slice_part(item, domain, item.len), SLICE("*.")))
		domain += 2;
	if (domain < item.len && domain_to_ascii(arena, slice_part(item, domain, item.len), &ascii))
		item = arena_printf(
		    arena, "%.*s%.*s", SLICE_ARG(slice_part(item, 0, domain)), SLICE_ARG(ascii));
	good = *text != '\0' ? add_item(item, target, why) : value_item(text, target, why);
	arena_free(arena);
	return good;
}

bool value_host_name(const char *text, void *target, struct buf *why)
{
	struct string_list list = { 0 };
	bool good = *text != '*' && value_domain_pattern(text, &list, why);

	string_list_free(&list);
	buf_reset(why);
	return finish_text(good, "host name", text, target, why);
}

bool value_check_pattern(const char *text, void *target, struct buf *why)
{
	if (check_pattern_state(text) == CHECK_PATTERN_UNKNOWN) {
		buf_printf(why, "\"%s\" names no check", text);
		return false;
	}
	return add_item(slice_of(text), target, why);
}

/* field-name / field-name ":" pattern */
bool value_header_condition(const char *text, void *target, struct buf *why)
{
	struct slice item = slice_of(text);

	if (!is_field_name(slice_part(item, 0, slice_find(item, ':')))) {
		buf_printf(why, "\"%s\" is neither a field name nor NAME: PATTERN", text);
		return false;
	}
	return add_item(item, target, why);
}

/* "recursive" / "none" / "/" path / address ["@" port] */
bool value_resolver(const char *text, void *target, struct buf *why)
{
	size_t len = strcspn(text, "@");
	const char *port = text[len] == '@' ? text + len + 1 : NULL;
	char address[IP_TEXT_SIZE] = "";
	struct ip ip;
	bool good;

	if (len < sizeof address)
		memcpy(address, text, len);
	good =
	    strcmp(text, "recursive") == 0 || strcmp(text, "none") == 0 || *text == '/' ||
	    (ip_parse(address, &ip) && (port == NULL || is_number(port, strlen(port), 1, 65535)));
	if (!good) {
		buf_printf(why,
		    "\"%s\" is neither ADDRESS@PORT, \"recursive\", \"none\" nor an absolute path",
		    text);
		return false;
	}
	return add_item(slice_of(text), target, why);
}

static bool add_network(const char *text, size_t most, void *target, struct buf *why)
{
	struct network_list *list = target;
	struct network network;

	if (!network_parse(text, &network)) {
		buf_printf(why,
		    "\"%s\" is neither an IP address nor a network whose host bits are zero", text);
		return false;
	}
	if (list == NULL)
		return true;
	if (list->count >= most) {
		buf_printf(why, "more than %zu items", most);
		return false;
	}
	if ((list->count & (list->count - 1)) == 0)
		list->items = must_realloc(
		    list->items, (list->count == 0 ? 1 : 2 * list->count) * sizeof *list->items);
	list->items[list->count++] = network;
	return true;
}

bool value_network(const char *text, void *target, struct buf *why)
{
	return add_network(text, CONFIG_ITEMS_MAX, target, why);
}

bool value_egress(const char *text, void *target, struct buf *why)
{
	return add_network(text, CONFIG_EGRESS_MAX, target, why);
}
