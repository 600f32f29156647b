/*
 * postfix_site.c - what a site's main.cf says: tables and lists of domains.
 */
#include "store/postfix_site.h"

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

struct site {
	struct arena *arena; /* values, arrays of tables */
	const char *values[PARAMETERS];
	const char *postmap;
	struct address_rules rules;
	struct named_map maps[SITE_MAPS_MAX];
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
	run = run_program(argv, (int64_t)SITE_SECONDS * 1000000, output, &errors);
	if (run.end != RUN_EXITED || run.status != 0)
		buf_printf(notes, "postfix: %s gave no answer: %s\n", argv[0],
		    slice_trim(buf_slice(&errors)).len > 0 ? buf_text(&errors) : "it failed");
	buf_free(&errors);
	return run.end == RUN_EXITED && run.status == 0;
}

/* Lines "name = value" */
static void read_values(struct site *site, struct slice output)
{
	for (size_t at = 0; at < output.len;) {
		struct slice rest = slice_part(output, at, output.len);
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));
		size_t sign = slice_find(line, '=');
		struct slice name = slice_trim(slice_part(line, 0, sign));

		for (size_t i = 0; sign < line.len && i < PARAMETERS; i++)
			if (slice_equal(name, slice_of(parameters[i])))
				site->values[i] = arena_copy(
				    site->arena, slice_trim(slice_part(line, sign + 1, line.len)))
						      .data;
		at += line.len + 1;
	}
}

const char *site_value(const struct site *site, const char *parameter)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		if (strcmp(parameters[i], parameter) == 0)
			return site->values[i] == NULL ? "" : site->values[i];
	return "";
}

static void take_values(struct site *site)
{
	const char *postmap =
	    arena_printf(site->arena, "%s/postmap", site_value(site, "command_directory")).data;

	site->postmap = access(postmap, X_OK) == 0 ? postmap : NULL;
	site->rules = (struct address_rules){
		.delimiters = site_value(site, "recipient_delimiter"),
		.split_owner_request = strcmp(site_value(site, "owner_request_special"), "no") == 0,
	};
}

struct site *site_new(const char *config_directory, struct buf *notes)
{
	struct site *site = NULL;
	struct buf output;

	buf_init(&output, SITE_OUTPUT_MAX);
	if (ask(config_directory, &output, notes)) {
		site = must_alloc(sizeof *site);
		site->arena = arena_new();
		read_values(site, buf_slice(&output));
		take_values(site);
	}
	buf_free(&output);
	return site;
}

void site_free(struct site *site)
{
	for (size_t i = 0; i < site->map_count; i++) {
		map_close(site->maps[i].map);
		free(site->maps[i].name);
	}
	arena_free(site->arena);
	free(site);
}

const struct address_rules *site_rules(const struct site *site)
{
	return &site->rules;
}

/* ---- tables --------------------------------------------------------------------- */

void site_refresh(struct site *site, bool force)
{
	for (size_t i = 0; i < site->map_count; i++)
		map_refresh(site->maps[i].map, force);
}

bool site_is_local(const struct site *site)
{
	for (size_t i = 0; i < site->map_count; i++)
		if (!site->maps[i].map->local)
			return false;
	return true;
}

bool site_is_on_host(const struct site *site)
{
	for (size_t i = 0; i < site->map_count; i++)
		if (site->maps[i].map->network)
			return false;
	return true;
}

static struct map *find_map(struct site *site, struct slice name, struct buf *notes)
{
	struct map_site where = { site->postmap, site_value(site, "config_directory") };
	struct named_map *m = &site->maps[site->map_count];

	if (slice_starts_nocase(name, SLICE("proxy:")))
		name = slice_part(name, 6, name.len);
	for (size_t i = 0; i < site->map_count; i++)
		if (slice_equal(name, slice_of(site->maps[i].name)))
			return site->maps[i].map;
	if (site->map_count == SITE_MAPS_MAX) {
		buf_printf(notes, "postfix: over %d tables\n", SITE_MAPS_MAX);
		return NULL;
	}
	m->name = must_alloc(name.len + 1);
	memcpy(m->name, name.data, name.len);
	m->map = map_open(m->name, &where, notes);
	site->map_count++;
	return m->map;
}

struct site_maps site_maps(struct site *site, const char *list, struct buf *notes)
{
	struct slice text = slice_of(list);
	struct site_maps maps = { NULL, 0 };
	size_t at = 0, count = 0;

	while (postfix_text_next(text, &at).len > 0)
		count++;
	maps.maps = arena_alloc(site->arena, (count + 1) * sizeof(struct map *));
	at = 0;
	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0;) {
		struct map *map = find_map(site, word, notes);

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
static enum lookup_status file_matches(struct site *site, struct slice path, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct arena *arena = arena_new();
	enum lookup_status status;
	size_t len = 0;
	char *text = watched_read(arena_copy(arena, path).data, SITE_OUTPUT_MAX, &len);

	if (text == NULL)
		status = store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "%.*s cannot be read", SLICE_ARG(path));
	else
		status = site_domain(site, text, with_parents, domain, deadline_us, reply);
	free(text);
	arena_free(arena);
	return status;
}

static enum lookup_status word_matches(struct site *site, struct slice word, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct map *map;

	if (word.data[0] == '/')
		return file_matches(site, word, with_parents, domain, deadline_us, reply);
	if (word.data[0] == '[' || slice_find(word, ':') == word.len)
		return name_matches(word, with_parents, domain) ? LOOKUP_FOUND : LOOKUP_NOTFOUND;
	/* opened when the store was: see store_postfix.c */
	for (size_t i = 0; i < site->map_count; i++) {
		const char *name = site->maps[i].name;

		map = site->maps[i].map;
		if (slice_equal(slice_starts_nocase(word, SLICE("proxy:"))
				    ? slice_part(word, 6, word.len)
				    : word,
			slice_of(name)))
			return table_matches(map, with_parents, domain, deadline_us, reply);
	}
	return store_reply_fail(reply, LOOKUP_PERMFAIL, "%.*s is not open",
	    (int)(word.len < 80 ? word.len : 80), word.data);
}

enum lookup_status site_domain(struct site *site, const char *list, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply)
{
	struct slice text = slice_of(list);
	size_t at = 0;

	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0;) {
		bool not = false;
		enum lookup_status status;

		for (; word.len > 1 && word.data[0] == '!'; word = slice_part(word, 1, word.len))
			not = !not ;
		status = word_matches(site, word, with_parents, domain, deadline_us, reply);
		if (status == LOOKUP_FOUND)
			return not ? LOOKUP_NOTFOUND : LOOKUP_FOUND;
		if (status != LOOKUP_NOTFOUND)
			return status;
	}
	return LOOKUP_NOTFOUND;
}

/* ---- addresses ------------------------------------------------------------------ */

static enum lookup_status find_key(const struct site_maps *maps, struct slice key, bool partial,
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

enum lookup_status site_find(const struct site_maps *maps, const struct address *a, bool local,
    int64_t deadline_us, struct buf *value, struct store_reply *reply, enum site_key *at,
    const struct map **map)
{
	struct arena *arena = arena_new();
	bool base = a->base.data != NULL;
	struct slice bare = base ? arena_copy(arena, a->base) : (struct slice){ 0 };
	const struct {
		enum site_key at;
		struct slice key;
	} keys[] = {
		{ SITE_KEY_WHOLE, a->key },
		{ SITE_KEY_BASE, base ? address_join(arena, a->base, a->domain) : bare },
		{ SITE_KEY_WHOLE, local ? a->local_part : (struct slice){ 0 } },
		{ SITE_KEY_BASE, local ? bare : (struct slice){ 0 } },
		{ SITE_KEY_DOMAIN, address_join(arena, (struct slice){ 0 }, a->domain) },
	};
	enum lookup_status status = LOOKUP_NOTFOUND;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0] && status == LOOKUP_NOTFOUND; i++) {
		if (keys[i].key.data == NULL)
			continue;
		*at = keys[i].at;
		status = find_key(maps, keys[i].key, i > 0, deadline_us, value, reply, map);
	}
	arena_free(arena);
	return status;
}
