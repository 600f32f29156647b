/*
 * main_cf.c - what a site's main.cf says: tables and lists of domains.
 */
#include "store/main_cf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/run.h"
#include "store/table/postfix_text.h"
#include "store/table/watched.h"

static const char *const parameters[] = { "alias_maps", "command_directory", "config_directory",
	"local_recipient_maps", "mydestination", "myorigin", "owner_request_special",
	"parent_domain_matches_subdomains", "recipient_delimiter", "relay_domains",
	"relay_recipient_maps", "smtpd_sender_login_maps", "virtual_alias_domains",
	"virtual_alias_maps", "virtual_mailbox_domains", "virtual_mailbox_maps" };

enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

struct named_map {
	char *name;
	struct map *map;
};

struct main_cf {
	struct arena *arena; /* values, arrays of tables */
	const char *values[PARAMETERS];
	const char *postmap;
	struct address_rules rules;
	struct named_map maps[MAIN_CF_MAPS_MAX];
	size_t map_count;
};

/* ---- asking postconf ------------------------------------------------------------ */

/* The program in the usual places; NULL: no Postfix here. */
static const char *find_program(const char *const places[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static bool ask(const char *config_directory, struct buf *output, struct buf *notes)
{
	static const char *const places[] = { "/usr/sbin/postconf", "/usr/local/sbin/postconf",
		"/sbin/postconf", "/opt/postfix/sbin/postconf" };
	const char *argv[PARAMETERS + 5] = { find_program(places, 4), "-x" };
	size_t n = 2;
	struct buf errors;
	struct run run;

	if (argv[0] == NULL) {
		buf_add_text(notes, "postfix: there is no postconf on this host\n");
		return false;
	}
	if (config_directory != NULL) {
		argv[n++] = "-c";
		argv[n++] = config_directory;
	}
	for (size_t i = 0; i < PARAMETERS; i++)
		argv[n++] = parameters[i];
	buf_init(&errors, 500);
	run = run_program(argv, (int64_t)MAIN_CF_SECONDS * 1000000, output, &errors);
	if (run.end != RUN_EXITED || run.status != 0)
		buf_printf(notes, "postfix: %s gave no answer: %s\n", argv[0],
		    slice_trim(buf_slice(&errors)).len > 0 ? buf_text(&errors) : "it failed");
	buf_free(&errors);
	return run.end == RUN_EXITED && run.status == 0;
}

/* Lines "name = value" */
static void read_values(struct main_cf *cf, struct slice output)
{
	for (size_t at = 0; at < output.len;) {
		struct slice rest = slice_part(output, at, output.len);
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));
		size_t sign = slice_find(line, '=');
		struct slice name = slice_trim(slice_part(line, 0, sign));

		for (size_t i = 0; sign < line.len && i < PARAMETERS; i++)
			if (slice_equal(name, slice_of(parameters[i])))
				cf->values[i] = arena_copy(
				    cf->arena, slice_trim(slice_part(line, sign + 1, line.len)))
						    .data;
		at += line.len + 1;
	}
}

const char *main_cf_value(const struct main_cf *cf, const char *parameter)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		if (strcmp(parameters[i], parameter) == 0)
			return cf->values[i] == NULL ? "" : cf->values[i];
	return "";
}

static void take_values(struct main_cf *cf)
{
	const char *postmap =
	    arena_printf(cf->arena, "%s/postmap", main_cf_value(cf, "command_directory")).data;

	cf->postmap = access(postmap, X_OK) == 0 ? postmap : NULL;
	cf->rules = (struct address_rules){
		.delimiters = main_cf_value(cf, "recipient_delimiter"),
		.split_owner_request =
		    strcmp(main_cf_value(cf, "owner_request_special"), "no") == 0,
	};
}

struct main_cf *main_cf_new(const char *config_directory, struct buf *notes)
{
	struct main_cf *cf = NULL;
	struct buf output;

	buf_init(&output, MAIN_CF_OUTPUT_MAX);
	if (ask(config_directory, &output, notes)) {
		cf = must_alloc(sizeof *cf);
		cf->arena = arena_new();
		read_values(cf, buf_slice(&output));
		take_values(cf);
	}
	buf_free(&output);
	return cf;
}

void main_cf_free(struct main_cf *cf)
{
	for (size_t i = 0; i < cf->map_count; i++) {
		map_close(cf->maps[i].map);
		free(cf->maps[i].name);
	}
	arena_free(cf->arena);
	free(cf);
}

const struct address_rules *main_cf_rules(const struct main_cf *cf)
{
	return &cf->rules;
}

/* ---- tables --------------------------------------------------------------------- */

void main_cf_refresh(struct main_cf *cf, bool force)
{
	for (size_t i = 0; i < cf->map_count; i++)
		map_refresh(cf->maps[i].map, force);
}

bool main_cf_is_local(const struct main_cf *cf)
{
	for (size_t i = 0; i < cf->map_count; i++)
		if (!cf->maps[i].map->local)
			return false;
	return true;
}

bool main_cf_is_on_host(const struct main_cf *cf)
{
	for (size_t i = 0; i < cf->map_count; i++)
		if (cf->maps[i].map->network)
			return false;
	return true;
}

static struct map *find_map(struct main_cf *cf, struct slice name, struct buf *notes)
{
	struct map_site where = { cf->postmap, main_cf_value(cf, "config_directory") };
	struct named_map *m = &cf->maps[cf->map_count];

	if (slice_starts_nocase(name, SLICE("proxy:")))
		name = slice_part(name, 6, name.len);
	for (size_t i = 0; i < cf->map_count; i++)
		if (slice_equal(name, slice_of(cf->maps[i].name)))
			return cf->maps[i].map;
	if (cf->map_count == MAIN_CF_MAPS_MAX) {
		buf_printf(notes, "postfix: over %d tables\n", MAIN_CF_MAPS_MAX);
		return NULL;
	}
	m->name = must_alloc(name.len + 1);
	memcpy(m->name, name.data, name.len);
	m->map = map_open(m->name, &where, notes);
	cf->map_count++;
	return m->map;
}

struct main_cf_maps main_cf_maps(struct main_cf *cf, const char *list, struct buf *notes)
{
	struct slice text = slice_of(list);
	struct main_cf_maps maps = { NULL, 0 };
	size_t at = 0, count = 0;

	while (postfix_text_next(text, &at).len > 0)
		count++;
	maps.maps = arena_alloc(cf->arena, (count + 1) * sizeof(struct map *));
	at = 0;
	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0;) {
		struct map *map = find_map(cf, word, notes);

		if (map != NULL)
			maps.maps[maps.count++] = map;
	}
	return maps;
}

/* ---- lists of domains ----------------------------------------------------------- */

static bool name_matches(struct slice pattern, bool with_parents, struct slice domain)
{
	struct slice tail;

	if (slice_equal_nocase(pattern, domain))
		return true;
	if (pattern.len >= domain.len || pattern.len == 0)
		return false;
	tail = slice_part(domain, domain.len - pattern.len, domain.len);
	if (!slice_equal_nocase(pattern, tail))
		return false;
	/* ".x" says itself that it means what is below x */
	return pattern.data[0] == '.' ||
	       (with_parents && domain.data[domain.len - pattern.len - 1] == '.');
}

static enum lookup_status table_matches(struct map *map, bool with_parents, struct slice domain,
    int64_t deadline_us, struct store_reply *reply)
{
	enum lookup_status status = map_find(map, domain, deadline_us, NULL, reply);

	for (size_t dot; with_parents && status == LOOKUP_NOTFOUND &&
			 (dot = slice_find(domain, '.')) < domain.len;) {
		domain = slice_part(domain, dot + 1, domain.len);
		status = map_find(map, domain, deadline_us, NULL, reply);
	}
	return status;
}

/* The words of a file that a list names, each judged as if it stood in the list. */
static enum lookup_status file_matches(struct main_cf *cf, struct slice path, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct arena *arena = arena_new();
	enum lookup_status status;
	size_t len = 0;
	char *text = watched_read(arena_copy(arena, path).data, MAIN_CF_OUTPUT_MAX, &len);

	if (text == NULL)
		status = store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "%.*s cannot be read", SLICE_ARG(path));
	else
		status = main_cf_domain(cf, text, with_parents, domain, deadline_us, reply);
	free(text);
	arena_free(arena);
	return status;
}

static enum lookup_status word_matches(struct main_cf *cf, struct slice word, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct map *map;

	if (word.data[0] == '/')
		return file_matches(cf, word, with_parents, domain, deadline_us, reply);
	if (word.data[0] == '[' || slice_find(word, ':') == word.len)
		return name_matches(word, with_parents, domain) ? LOOKUP_FOUND : LOOKUP_NOTFOUND;
	/* opened when the store was: see store_postfix.c */
	for (size_t i = 0; i < cf->map_count; i++) {
		const char *name = cf->maps[i].name;

		map = cf->maps[i].map;
		if (slice_equal(slice_starts_nocase(word, SLICE("proxy:"))
				    ? slice_part(word, 6, word.len)
				    : word,
			slice_of(name)))
			return table_matches(map, with_parents, domain, deadline_us, reply);
	}
	return store_reply_fail(reply, LOOKUP_PERMFAIL, "%.*s is not open",
	    (int)(word.len < 80 ? word.len : 80), word.data);
}

enum lookup_status main_cf_domain(struct main_cf *cf, const char *list, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct slice text = slice_of(list);
	size_t at = 0;

	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0;) {
		bool not = false;
		enum lookup_status status;

		for (; word.len > 1 && word.data[0] == '!'; word = slice_part(word, 1, word.len))
			not = !not ;
		status = word_matches(cf, word, with_parents, domain, deadline_us, reply);
		if (status == LOOKUP_FOUND)
			return not ? LOOKUP_NOTFOUND : LOOKUP_FOUND;
		if (status != LOOKUP_NOTFOUND)
			return status;
	}
	return LOOKUP_NOTFOUND;
}

/* ---- addresses ------------------------------------------------------------------ */

static enum lookup_status find_key(const struct main_cf_maps *maps, struct slice key, bool partial,
    int64_t deadline_us, struct buf *value, struct store_reply *reply, const struct map **map)
{
	for (size_t i = 0; i < maps->count; i++) {
		enum lookup_status status;

		/* tables of patterns see whole addresses alone (DICT_FLAG_FIXED) */
		if (partial && maps->maps[i]->patterns)
			continue;
		status = map_find(maps->maps[i], key, deadline_us, value, reply);
		*map = maps->maps[i];
		if (status != LOOKUP_NOTFOUND)
			return status;
	}
	return LOOKUP_NOTFOUND;
}

enum lookup_status main_cf_find(const struct main_cf_maps *maps, const struct address *a,
    bool local, int64_t deadline_us, struct buf *value, struct store_reply *reply,
    enum address_key_kind *at, const struct map **map)
{
	unsigned wanted = KEYS_FULL | KEYS_BASE | KEYS_AT_DOMAIN | (local ? KEYS_LOCAL_PART : 0);
	enum lookup_status status = LOOKUP_NOTFOUND;
	struct address_key keys[ADDRESS_KEYS_MAX];
	struct arena *arena = arena_new();
	size_t count = address_keys(arena, a, wanted, keys);

	for (size_t i = 0; i < count && status == LOOKUP_NOTFOUND; i++) {
		*at = keys[i].kind;
		status = find_key(maps, keys[i].key, i > 0, deadline_us, value, reply, map);
	}
	arena_free(arena);
	return status;
}
