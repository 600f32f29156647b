/*
 * map_query.c - a table that only Postfix can read: asked by `postmap -q`.
 *
 * Its exit status is 1 both for "not there" and for a failure; only the failure says so on
 * standard error.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/run.h"
#include "dns/dns.h"
#include "store/table/map.h"

struct query_map {
	struct map map;
	char *name;
	struct map_site site;
};

static void query_close(struct map *map)
{
	struct query_map *m = (struct query_map *)map;

	free(m->name);
	free(m);
}

static enum lookup_status judge(struct query_map *m, struct run run, struct buf *output,
    struct buf *errors, struct buf *value, struct store_reply *reply)
{
	struct slice text = buf_slice(output), said = slice_trim(buf_slice(errors));

	if (run.end == RUN_EXITED && run.status == 0 && text.len > 0) {
		if (value != NULL)
			buf_add_slice(value, slice_trim(text));
		return LOOKUP_FOUND;
	}
	if (run.end == RUN_EXITED && run.status == 1 && text.len == 0 && said.len == 0)
		return LOOKUP_NOTFOUND;
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s: %.*s", m->name,
	    (int)(said.len < 100 ? said.len : 100),
	    run.end == RUN_LATE ? "no answer in time"
	    : said.len > 0      ? said.data
				: "postmap failed");
}

static enum lookup_status query_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	struct query_map *m = (struct query_map *)map;
	const char *const argv[] = { m->site.postmap, "-c", m->site.config_directory, "-q",
		key.data, m->name, NULL };
	int64_t left_us = deadline_us - dns_now_us();
	enum lookup_status status;
	struct buf output, errors;

	if (m->site.postmap == NULL)
		return store_reply_fail(
		    reply, LOOKUP_PERMFAIL, "%s: there is no postmap here", m->name);
	if (key.len == 0 || slice_equal(key, SLICE("-"))) /* postmap reads keys from its input */
		return LOOKUP_NOTFOUND;
	buf_init(&output, MAP_VALUE_MAX);
	buf_init(&errors, STORE_WHY_MAX);
	status = judge(m, run_program(argv, left_us > 0 ? left_us : 0, &output, &errors), &output,
	    &errors, value, reply);
	buf_free(&output);
	buf_free(&errors);
	return status;
}

/* Does the name, or a table inside it (unionmap, pipemap), begin with one of the types? */
static bool names_type(const char *name, const char *const types[])
{
	for (size_t i = 0; types[i] != NULL; i++) {
		const char *at = strstr(name, types[i]);

		if (at != NULL && (at == name || strchr(" ,{:", at[-1]) != NULL))
			return true;
	}
	return false;
}

struct map *map_query_open(const char *name, const struct map_site *site)
{
	static const struct map_class class = { query_close, query_find, NULL };
	static const char *const network[] = { "ldap:", "memcache:", "mysql:", "netinfo:", "nis:",
		"nisplus:", "pgsql:", "mongodb:", "socketmap:", "tcp:", NULL };
	static const char *const patterns[] = { "cidr:", "pcre:", "regexp:", "tcp:", NULL };
	struct query_map *m = must_alloc(sizeof *m);

	m->map = (struct map){ .class = &class,
		.network = names_type(name, network),
		.patterns = names_type(name, patterns) };
	m->name = must_strdup(name);
	m->site = *site;
	return &m->map;
}
