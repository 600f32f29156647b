/*
 * config.c - loading a configuration, sharing it, and the lists in it.
 *
 * A load reads the file that was named, then conf.d beside it; what the text
 * means is the part of config_parse.c.  From the first reference on nothing in
 * a configuration changes, but the count of references.
 */
#include "policy/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "policy/config_parse.h"
#include "syntax/domain.h"

const char *mode_name(enum mode mode)
{
	return mode == MODE_ENFORCE ? "enforce" : "audit";
}

/* ---- lists ----------------------------------------------------------------- */

void string_list_add(struct string_list *list, struct slice text)
{
	char *copy = must_alloc(text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	/* room is doubled whenever the count is a power of two */
	if ((list->count & (list->count - 1)) == 0)
		list->items = must_realloc(
		    list->items, (list->count == 0 ? 1 : 2 * list->count) * sizeof *list->items);
	list->items[list->count++] = copy;
}

void string_list_free(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){ 0 };
}

bool string_list_has(const struct string_list *list, struct slice text)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal_nocase(slice_of(list->items[i]), text))
			return true;
	return false;
}

bool domain_list_has(const struct string_list *list, struct slice domain)
{
	for (size_t i = 0; i < list->count; i++) {
		struct slice item = slice_of(list->items[i]);

		if (item.len > 1 && item.data[0] == '*') {
			/* ".x" at the end, and a label before it */
			struct slice tail = slice_part(item, 1, item.len);
			size_t rest = domain.len - tail.len;

			if (domain.len > tail.len &&
			    slice_equal(slice_part(domain, rest, domain.len), tail))
				return true;
		} else if (slice_equal(item, domain)) {
			return true;
		}
	}
	return false;
}

/*
 * A name in A-form that is no host's: one label alone, or with underscores.
 *
 *   label = let-dig-underscore [ *( let-dig-underscore / "-" ) let-dig-underscore ]
 */
static bool is_local_name(struct slice name)
{
	char before = '.';

	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool last = i + 1 == name.len || name.data[i + 1] == '.';
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
			    (c == '.' && before != '.') || (c == '-' && before != '.' && !last);

		if (!good)
			return false;
		before = c;
	}
	return before != '.';
}

bool domain_pattern_prepare(
    struct arena *arena, struct slice pattern, struct slice *out, const char **why)
{
	bool below = slice_starts_nocase(pattern, SLICE("*."));
	struct slice name = slice_part(pattern, below ? 2 : 0, pattern.len);
	struct slice ascii;
	struct syntax_error error = domain_check(name);

	/* a host's own name may be short, and a zone may hold names that no host has */
	if (error.code != SYNTAX_OK && error.code != SYNTAX_DOMAIN_ONE_LABEL &&
	    error.code != SYNTAX_DOMAIN_UNDERSCORE) {
		*why = syntax_rule(error.code)->sentence;
		return false;
	}
	if (!domain_to_ascii(arena, name, &ascii) || !is_local_name(ascii)) {
		*why = "not a domain name";
		return false;
	}
	*out = below ? arena_printf(arena, "*.%.*s", SLICE_ARG(ascii)) : ascii;
	return true;
}

/* ---- files ----------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_configuration_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

/* The *.conf files of conf.d beside path, in name order; false, with errno: it cannot be listed. */
static bool list_conf_d(const char *path, struct arena *arena, struct string_list *files)
{
	struct slice folder = slice_of(path);
	size_t slash = slice_find_last(folder, '/');
	struct slice conf_d;
	struct dirent *entry;
	DIR *dir;

	folder.len = slash == folder.len ? 0 : slash + 1;
	conf_d = arena_printf(arena, "%.*sconf.d", SLICE_ARG(folder));
	dir = opendir(conf_d.data);
	if (dir == NULL)
		return errno == ENOENT || errno == ENOTDIR;
	while ((entry = readdir(dir)) != NULL)
		if (is_configuration_name(entry->d_name) && files->count <= CONFIG_FILES_MAX)
			string_list_add(
			    files, arena_printf(arena, "%s/%s", conf_d.data, entry->d_name));
	closedir(dir);
	if (files->count > 0)
		qsort(files->items, files->count, sizeof *files->items, compare_names);
	return true;
}

struct string_list config_files(const char *path)
{
	struct arena *arena = arena_new();
	struct string_list files = { 0 }, more = { 0 };

	if (path != NULL) {
		string_list_add(&files, slice_of(path));
		list_conf_d(path, arena, &more);
	}
	for (size_t i = 0; i < more.count; i++)
		string_list_add(&files, slice_of(more.items[i]));
	string_list_free(&more);
	arena_free(arena);
	return files;
}

static void load_file(struct config_parse *parse, const char *path)
{
	struct buf text;
	int error;

	buf_init(&text, CONFIG_OCTETS_MAX);
	error = file_read_any(path, true, &text);
	if (error != 0)
		config_parse_error(parse, "%s: cannot be read: %s", path,
		    error == EFBIG ? "longer than 1 MB" : strerror(error));
	else
		config_parse_text(parse, path, buf_slice(&text));
	buf_free(&text);
}

static void load_conf_d(struct config_parse *parse, const char *path)
{
	struct arena *arena = arena_new();
	struct string_list files = { 0 };

	if (!list_conf_d(path, arena, &files))
		config_parse_error(
		    parse, "%s: conf.d beside it cannot be read: %s", path, strerror(errno));
	if (files.count > CONFIG_FILES_MAX)
		config_parse_error(
		    parse, "%s: conf.d beside it holds more than %d files", path, CONFIG_FILES_MAX);
	else
		for (size_t i = 0; i < files.count; i++)
			load_file(parse, files.items[i]);
	string_list_free(&files);
	arena_free(arena);
}

/* ---- a configuration ------------------------------------------------------- */

static void free_exemption(struct exemption *e)
{
	free(e->name);
	free(e->client.items);
	string_list_free(&e->login);
	string_list_free(&e->listener);
	string_list_free(&e->mail_from);
	string_list_free(&e->header);
}

void config_store_free(struct store_section *s)
{
	for (size_t i = 0; i < s->count; i++)
		free((char *)(uintptr_t)s->options[i].value);
	free(s->options);
	free(s->name);
}

static void free_identity(struct relay_identity *i)
{
	free(i->name);
	string_list_free(&i->domains);
	string_list_free(&i->logins);
	string_list_free(&i->allow);
}

static void config_free(struct config *c)
{
	for (size_t i = 0; i < c->domain_count; i++) {
		free(c->domains[i].pattern);
		free(c->domains[i].egress.items);
	}
	free(c->domains);
	for (size_t i = 0; i < c->exemption_count; i++)
		free_exemption(&c->exemptions[i]);
	free(c->exemptions);
	free(c->path);
	free(c->socket);
	free(c->socket_group);
	free(c->user);
	free(c->pidfile);
	free(c->flag_header);
	free(c->records);
	free(c->public_suffix_list);
	free(c->trust_anchor);
	free(c->egress.items);
	free(c->helo);
	free(c->signer);
	for (size_t i = 0; i < c->store_count; i++)
		config_store_free(&c->stores[i]);
	free(c->stores);
	for (size_t i = 0; i < c->identity_count; i++)
		free_identity(&c->identities[i]);
	free(c->identities);
	string_list_free(&c->directory);
	string_list_free(&c->login_domains);
	free(c->recipient_delimiter);
	string_list_free(&c->resolver);
	free(c->submitters.items);
	string_list_free(&c->listeners);
	string_list_free(&c->not_listeners);
	string_list_free(&c->cert_subjects);
	string_list_free(&c->internal_mailers);
	string_list_free(&c->own_domains);
	free(c);
}

struct config *config_ref(struct config *config)
{
	__atomic_add_fetch(&config->references, 1, __ATOMIC_RELAXED);
	return config;
}

void config_unref(struct config *config)
{
	/* the last user must see all that the others did before they let go */
	if (config != NULL && __atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) == 0)
		config_free(config);
}

struct config *config_load(const char *path, struct buf *errors, struct buf *warnings)
{
	struct config_parse *parse = config_parse_begin(errors, warnings);
	struct config *config;

	if (path != NULL) {
		load_file(parse, path);
		load_conf_d(parse, path);
	}
	config = config_parse_end(parse);
	if (config != NULL && path != NULL)
		config->path = must_strdup(path);
	return config;
}

struct config *config_from_text(
    const char *name, struct slice text, struct buf *errors, struct buf *warnings)
{
	struct config_parse *parse = config_parse_begin(errors, warnings);

	if (text.len > CONFIG_OCTETS_MAX)
		config_parse_error(parse, "%s: longer than 1 MB", name);
	else
		config_parse_text(parse, name, text);
	return config_parse_end(parse);
}
