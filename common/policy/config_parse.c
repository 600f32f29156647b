/*
 * config_parse.c - from the text of configuration files to a struct config.
 *
 * One table says of every option its form, where its value goes, and whether
 * this version uses it; the tables of libconfuse are made from it, with every
 * value a string, so that form, bounds and messages are ours.  libconfuse calls
 * back twice: on_value for each single value, where its line is known, which
 * only looks; and on_section at each closing brace, which takes what the section
 * said and lets libconfuse forget it (it would take a second section of the
 * same title for the first one).
 */
#include "policy/config_parse.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/config_table.h"
#include "policy/config_text.h"

enum { WHY_MAX = 2 * CONFIG_TEXT_MAX };

/*
 * What every list holds before it is written to.  "=" replaces it, "+=" leaves
 * it in first place: so the two are told apart.  No file can hold it.
 */
#define APPENDED "\001"

/* ---- what is known of a section -------------------------------------------- */

struct config_parse;

/* Takes a section that has been read to its end. */
typedef void section_taker(struct config_parse *p, cfg_t *section);

struct section {
	const char *name;
	const struct option *options;
	bool has_checks; /* `check` sections may stand in it */
	section_taker *take;
};

static section_taker take_domain, take_class, take_exempt, take_store, take_identity;

/* `check` stands apart: it is taken by what it stands in. */
static const struct section sections[] = {
	{ "domain", config_domain_options, true, take_domain },
	{ "class", config_class_options, true, take_class },
	{ "exempt", config_exempt_options, false, take_exempt },
	{ "store", NULL, false, take_store }, /* its options are those of the stores */
	{ "identity", config_identity_options, false, take_identity },
};

enum { SECTIONS = sizeof sections / sizeof sections[0], OPTS_MAX = OPTIONS_MAX + 2 };

static const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < SECTIONS; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

/* ---- a load under way ------------------------------------------------------ */

struct blocks {
	struct check_block *items;
	size_t count;
};

struct config_parse {
	struct config *config;
	struct buf *errors, *warnings;
	bool failed;

	/* the file at hand */
	const char *file;
	struct config_text text;
	size_t closed; /* sections of it that have been taken */

	struct option store_options[OPTIONS_MAX];
	size_t sections;       /* of all files */
	struct blocks pending; /* `check` sections of the section at hand */
	struct blocks global, classes[SENDER_CLASSES];
	struct blocks *domains; /* beside config->domains */
	struct exempt_section *exempts;
	size_t exempt_count;
};

void config_parse_error(struct config_parse *p, const char *format, ...)
{
	char line[WHY_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	buf_add_text(p->errors, line);
	buf_add_char(p->errors, '\n');
	p->failed = true;
}

/* The context stands in the first row of each table that libconfuse was given. */
static struct config_parse *context_of(const cfg_t *cfg)
{
	return (struct config_parse *)cfg->opts[0].simple_value.ptr;
}

static const struct option *options_of(const cfg_t *cfg)
{
	const struct section *section = section_find(cfg->name);

	if (section != NULL && section->options == NULL)
		return context_of(cfg)->store_options;
	if (section != NULL)
		return section->options;
	return strcmp(cfg->name, "check") == 0 ? config_check_options : config_root_options;
}

/* `domain "example.com": ` before what is said of something inside, "" at the top. */
static void add_place(struct buf *out, const cfg_t *cfg)
{
	if (cfg->title != NULL)
		buf_printf(out, "%s \"%s\": ", cfg->name, cfg->title);
}

/* An error or a warning at the line that is being read. */
static void say(cfg_t *cfg, bool error, const char *what, const char *text)
{
	struct config_parse *p = context_of(cfg);
	struct buf place;

	buf_init(&place, WHY_MAX);
	buf_printf(&place, "%s:%d: ", p->file, cfg->line);
	add_place(&place, cfg);
	if (what != NULL)
		buf_printf(&place, "%s: ", what);
	if (error)
		config_parse_error(p, "%s%s", buf_text(&place), text);
	else
		buf_printf(p->warnings, "%s%s\n", buf_text(&place), text);
	buf_free(&place);
}

static const char not_used[] = "not used by this version";

/* What libconfuse itself has to say. */
__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *format, va_list ap)
{
	char text[WHY_MAX];

	vsnprintf(text, sizeof text, format, ap);
	say(cfg, true, NULL, text);
}

/* ---- single values --------------------------------------------------------- */

/*
 * The row of an option that was set; NULL when it belongs to another section,
 * since libconfuse takes the name "section|option" for a way there.
 */
static const struct option *option_of(const cfg_t *cfg, const cfg_opt_t *opt)
{
	const struct option *options = options_of(cfg);

	for (size_t i = 0; options[i].name != NULL; i++)
		if (&cfg->opts[1 + i] == opt)
			return &options[i];
	return NULL;
}

/* Was a list only added to? */
static bool is_appended(const cfg_opt_t *opt)
{
	/* the value at hand has no text yet */
	return opt->nvalues > 0 && opt->values[0]->string != NULL &&
	       strcmp(opt->values[0]->string, APPENDED) == 0;
}

/* How many values the file has given the option. */
static unsigned value_count(const cfg_opt_t *opt)
{
	return opt->nvalues - is_appended(opt);
}

static void look_at_value(
    cfg_t *cfg, cfg_opt_t *opt, const struct option *option, const char *value)
{
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (strlen(value) > CONFIG_TEXT_MAX)
		buf_printf(&why, "longer than %d octets", CONFIG_TEXT_MAX);
	else if (value_count(opt) > CONFIG_ITEMS_MAX)
		buf_printf(&why, "more than %d items", CONFIG_ITEMS_MAX);
	else
		option->form(value, NULL, &why);
	if (why.len > 0)
		say(cfg, true, option->name, buf_text(&why));
	else if (option->form == value_check_pattern &&
		 check_pattern_state(value) == CHECK_PATTERN_LATER) {
		buf_printf(&why, "\"%s\": %s", value, not_used);
		say(cfg, false, option->name, buf_text(&why));
	}
	buf_free(&why);
}

/* libconfuse read one value; it keeps what *result points at. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct option *option = option_of(cfg, opt);

	*(const char **)result = value;
	if (option == NULL) {
		say(cfg, true, opt->name, "no such option here");
		return -1;
	}
	if (strcmp(value, APPENDED) == 0)
		return 0;
	look_at_value(cfg, opt, option, value);
	/* a list beyond the ceiling ends the file, so that it is said once */
	return value_count(opt) > CONFIG_ITEMS_MAX ? -1 : 0;
}

static void empty_list(enum option_kind kind, void *target)
{
	if (kind == NETWORKS) {
		free(((struct network_list *)target)->items);
		*(struct network_list *)target = (struct network_list){ 0 };
	} else if (kind == STRINGS) {
		string_list_free(target);
	} else if (kind == BITS) {
		*(unsigned *)target = 0;
	}
}

/* Stores the values of one option; what on_value found bad is passed over. */
static void take_option(cfg_t *cfg, const cfg_opt_t *opt, const struct option *option, char *base)
{
	void *target = base + option->target;
	bool append = is_appended(opt);
	struct buf why;

	if (option->given != 0)
		*(bool *)(base + option->given) = true;
	if (!append)
		empty_list(option->kind, target);
	buf_init(&why, WHY_MAX);
	for (unsigned i = append; i < opt->nvalues; i++) {
		const char *value = opt->values[i]->string;

		if (option->form(value, target, &why) || context_of(cfg)->failed)
			continue;
		/* good when it was looked at: so it is one too many, over all files */
		say(cfg, true, option->name, buf_text(&why));
		break;
	}
	buf_free(&why);
}

/* Stores what a section (or the file) says into the struct that its table means. */
static void take_options(cfg_t *cfg, void *base)
{
	const struct option *options = options_of(cfg);

	for (size_t i = 0; options[i].name != NULL; i++) {
		const cfg_opt_t *opt = &cfg->opts[1 + i];

		if ((opt->flags & CFGF_MODIFIED) != 0)
			take_option(cfg, opt, &options[i], base);
	}
}

/* ---- sections -------------------------------------------------------------- */

static void add_block(struct blocks *blocks, struct check_block block)
{
	if ((blocks->count & (blocks->count - 1)) == 0)
		blocks->items = must_realloc(blocks->items,
		    (blocks->count == 0 ? 1 : 2 * blocks->count) * sizeof *blocks->items);
	blocks->items[blocks->count++] = block;
}

static void free_blocks(struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		free(blocks->items[i].pattern);
	free(blocks->items);
	*blocks = (struct blocks){ 0 };
}

/* The pending `check` sections belong to this scope; NULL: to none. */
static void settle_pending(struct config_parse *p, struct blocks *scope)
{
	for (size_t i = 0; scope != NULL && i < p->pending.count; i++) {
		add_block(scope, p->pending.items[i]);
		p->pending.items[i].pattern = NULL;
	}
	free_blocks(&p->pending);
}

/* A check section stands in a scope whose own end comes later: it waits for it. */
static void take_check(struct config_parse *p, cfg_t *section, bool inside)
{
	struct check_block block = { 0 };

	switch (check_pattern_state(section->title)) {
	case CHECK_PATTERN_UNKNOWN: say(section, true, NULL, "no check has such a name"); return;
	case CHECK_PATTERN_LATER: say(section, false, NULL, not_used); break;
	case CHECK_PATTERN_ROWS: break;
	}
	block.pattern = must_strdup(section->title);
	take_options(section, &block);
	add_block(inside ? &p->pending : &p->global, block);
}

/* Index of the domain section of that pattern, made where it is missing. */
static size_t domain_index(struct config_parse *p, const char *pattern)
{
	struct config *c = p->config;

	for (size_t i = 0; i < c->domain_count; i++)
		if (strcmp(c->domains[i].pattern, pattern) == 0)
			return i;
	if ((c->domain_count & (c->domain_count - 1)) == 0) {
		size_t room = c->domain_count == 0 ? 1 : 2 * c->domain_count;

		c->domains = must_realloc(c->domains, room * sizeof *c->domains);
		p->domains = must_realloc(p->domains, room * sizeof *p->domains);
	}
	memset(&c->domains[c->domain_count], 0, sizeof *c->domains);
	c->domains[c->domain_count].pattern = must_strdup(pattern);
	p->domains[c->domain_count] = (struct blocks){ 0 };
	return c->domain_count++;
}

static void take_domain(struct config_parse *p, cfg_t *section)
{
	struct string_list pattern = { 0 };
	struct blocks *scope = NULL;
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (value_domain_pattern(section->title, &pattern, &why)) {
		size_t i = domain_index(p, pattern.items[0]);

		take_options(section, &p->config->domains[i]);
		scope = &p->domains[i];
	} else {
		say(section, true, NULL, buf_text(&why));
	}
	settle_pending(p, scope);
	string_list_free(&pattern);
	buf_free(&why);
}

static void take_class(struct config_parse *p, cfg_t *section)
{
	struct blocks *scope = NULL;

	for (int class = CLASS_NONE + 1; class < SENDER_CLASSES; class ++) {
		if (strcmp(sender_class_name((enum sender_class) class), section->title) != 0)
			continue;
		take_options(section, &p->config->classes[class]);
		scope = &p->classes[class];
	}
	if (scope == NULL)
		say(section, true, NULL,
		    "the classes are listener, authenticated, local and submitter");
	settle_pending(p, scope);
}

static struct exempt_section *exempt_find(struct config_parse *p, const char *name)
{
	struct exempt_section *e;

	for (size_t i = 0; i < p->exempt_count; i++)
		if (strcmp(p->exempts[i].exemption.name, name) == 0)
			return &p->exempts[i];
	if ((p->exempt_count & (p->exempt_count - 1)) == 0)
		p->exempts = must_realloc(p->exempts,
		    (p->exempt_count == 0 ? 1 : 2 * p->exempt_count) * sizeof *p->exempts);
	e = &p->exempts[p->exempt_count++];
	*e = (struct exempt_section){ .exemption.name = must_strdup(name) };
	return e;
}

static void take_exempt(struct config_parse *p, cfg_t *section)
{
	struct exempt_section *e = exempt_find(p, section->title);
	struct buf where;

	take_options(section, e);
	buf_init(&where, WHY_MAX);
	buf_printf(&where, "%s:%d", p->file, section->line);
	free(e->where);
	e->where = must_strdup(buf_text(&where));
	buf_free(&where);
}

/* A section of a name that is there already takes its place. */
static struct store_section *store_find(struct config *c, const char *name)
{
	struct store_section *s;

	for (size_t i = 0; i < c->store_count; i++)
		if (strcmp(c->stores[i].name, name) == 0) {
			config_store_free(&c->stores[i]);
			c->stores[i] = (struct store_section){ .name = must_strdup(name) };
			return &c->stores[i];
		}
	c->stores = must_realloc(c->stores, (c->store_count + 1) * sizeof *c->stores);
	s = &c->stores[c->store_count++];
	*s = (struct store_section){ .name = must_strdup(name) };
	return s;
}

static void add_store_option(struct store_section *s, const char *name, const char *value)
{
	s->options = must_realloc(s->options, (s->count + 1) * sizeof *s->options);
	s->options[s->count++] = (struct store_option){ name, must_strdup(value) };
}

/* What is wrong with a store's options is said of the section's first line. */
static void check_store(struct config_parse *p, const struct store_section *s, int line)
{
	const struct store_options options = { s->name, s->options, s->count };
	struct buf notes;

	buf_init(&notes, WHY_MAX * OPTIONS_MAX);
	if (!store_options_check(&options, &notes))
		for (struct slice rest = buf_slice(&notes); rest.len > 0;) {
			size_t end = slice_find(rest, '\n');

			config_parse_error(
			    p, "%s:%d: %.*s", p->file, line, SLICE_ARG(slice_part(rest, 0, end)));
			rest = slice_part(rest, end + 1, rest.len);
		}
	buf_free(&notes);
}

static void take_store(struct config_parse *p, cfg_t *section)
{
	struct store_section *s = store_find(p->config, section->title);

	for (size_t i = 0; p->store_options[i].name != NULL; i++) {
		const cfg_opt_t *opt = &section->opts[1 + i];

		if ((opt->flags & CFGF_MODIFIED) == 0)
			continue;
		for (unsigned n = is_appended(opt); n < opt->nvalues; n++)
			add_store_option(s, p->store_options[i].name, opt->values[n]->string);
	}
	check_store(p, s, section->line);
}

/* A section of a name that is there already adds to it, as with exemptions. */
static struct relay_identity *identity_find(struct config *c, const char *name)
{
	for (size_t i = 0; i < c->identity_count; i++)
		if (strcmp(c->identities[i].name, name) == 0)
			return &c->identities[i];
	c->identities =
	    must_realloc(c->identities, (c->identity_count + 1) * sizeof *c->identities);
	c->identities[c->identity_count] = (struct relay_identity){ .name = must_strdup(name),
		.fields = IDENTITY_FROM | IDENTITY_SENDER | IDENTITY_RETURN_PATH };
	return &c->identities[c->identity_count++];
}

static void take_identity(struct config_parse *p, cfg_t *section)
{
	struct relay_identity *identity = identity_find(p->config, section->title);

	take_options(section, identity);
	if (p->failed)
		return; /* what could not be read is not missing */
	if (identity->fields == 0)
		say(section, true, NULL, "it looks at nothing: `fields` is empty");
	if (identity->allow.count == 0)
		say(section, true, NULL, "it allows nothing: `allow` is missing");
}

/* libconfuse read a section to its end: the only value of opt, whatever its title. */
static int on_section(cfg_t *parent, cfg_opt_t *opt)
{
	struct config_parse *p = context_of(parent);
	const struct section *kind = section_find(opt->name);
	cfg_t *section = cfg_opt_getnsec(opt, 0);

	/* what is wrong with the whole is said of the line on which it begins */
	if (p->closed < p->text.sections)
		section->line = (int)p->text.opened[p->closed++];
	if (strlen(section->title) > CONFIG_TEXT_MAX) {
		say(parent, true, opt->name, "a title is too long");
		return -1;
	}
	if (++p->sections > CONFIG_SECTIONS_MAX) {
		say(parent, true, opt->name, "too many sections");
		return -1;
	}
	if (kind == NULL)
		take_check(p, section, parent->title != NULL);
	else
		kind->take(p, section);
	cfg_free_value(opt);
	return 0;
}

/* ---- the tables of libconfuse ---------------------------------------------- */

/*
 * Rows for the options of one section, behind the row with the context, whose
 * name no file can hold.  Returns how many.
 */
static size_t fill_opts(cfg_opt_t *opts, struct config_parse *p, const struct option *options)
{
	size_t n = 1;

	opts[0] = (cfg_opt_t)CFG_STR("\n", NULL, CFGF_NODEFAULT);
	opts[0].simple_value.ptr = (void **)p;
	for (; options->name != NULL; options++) {
		if (options->kind == SCALAR)
			opts[n++] =
			    (cfg_opt_t)CFG_STR_CB(options->name, NULL, CFGF_NODEFAULT, on_value);
		else
			opts[n++] = (cfg_opt_t)CFG_STR_LIST_CB(options->name,
			    (char *)(uintptr_t) "{'" APPENDED "'}", CFGF_NONE, on_value);
	}
	return n;
}

static cfg_opt_t section_opt(const char *name, cfg_opt_t *opts)
{
	cfg_opt_t opt = CFG_SEC(name, opts, CFGF_MULTI | CFGF_TITLE);

	opt.validcb = on_section;
	return opt;
}

/* The whole grammar; libconfuse copies the tables. */
static cfg_t *make_cfg(struct config_parse *p)
{
	cfg_opt_t root[OPTS_MAX] = { 0 }, check[OPTS_MAX] = { 0 }, inner[SECTIONS][OPTS_MAX];
	size_t n = fill_opts(root, p, config_root_options);
	cfg_t *cfg;

	fill_opts(check, p, config_check_options);
	memset(inner, 0, sizeof inner);
	root[n++] = section_opt("check", check);
	for (size_t i = 0; i < SECTIONS; i++) {
		size_t used = fill_opts(inner[i], p,
		    sections[i].options != NULL ? sections[i].options : p->store_options);

		if (sections[i].has_checks)
			inner[i][used] = section_opt("check", check);
		root[n++] = section_opt(sections[i].name, inner[i]);
	}
	cfg = cfg_init(root, CFGF_NONE);
	if (cfg == NULL)
		abort(); /* out of memory, as must_alloc does */
	cfg_set_error_function(cfg, on_error);
	return cfg;
}

/* ---- a load, from begin to end --------------------------------------------- */

static void set_defaults(struct config *c)
{
	static const char *const submitters[] = { "127.0.0.0/8", "::1" };
	static const char *const mailers[] = { "local", "virtual", "lmtp", "discard" };
	struct buf why;

	buf_init(&why, WHY_MAX);
	c->references = 1;
	c->socket_mode = 0660;
	c->authenticated = c->local_submission = true;
	c->deadline = 5;
	c->max_waiting = 500;
	c->global.whole.has_mode = true;
	c->on_behalf = true;
	value_facility("mail", &c->facility, &why);
	value_socket("unix:/run/presend/presend.sock", &c->socket, &why);
	value_account("presend", &c->user, &why);
	value_field_name("X-Presend-Flag", &c->flag_header, &why);
	for (size_t i = 0; i < sizeof submitters / sizeof submitters[0]; i++)
		value_network(submitters[i], &c->submitters, &why);
	for (size_t i = 0; i < sizeof mailers / sizeof mailers[0]; i++)
		value_item(mailers[i], &c->internal_mailers, &why);
	buf_free(&why);
}

struct config_parse *config_parse_begin(struct buf *errors, struct buf *warnings)
{
	struct config_parse *p = must_alloc(sizeof *p);

	p->config = must_alloc(sizeof *p->config);
	p->errors = errors;
	p->warnings = warnings;
	config_store_options(p->store_options);
	set_defaults(p->config);
	return p;
}

static void parse_clean(struct config_parse *p)
{
	cfg_t *cfg = make_cfg(p);
	size_t before = p->errors->len;

	if (cfg_parse_buf(cfg, buf_text(&p->text.clean)) == CFG_SUCCESS)
		take_options(cfg, p->config);
	else if (p->errors->len == before)
		say(cfg, true, NULL, "this is no configuration"); /* libconfuse gave no reason */
	settle_pending(p, NULL);
	cfg_free(cfg);
}

void config_parse_text(struct config_parse *p, const char *name, struct slice text)
{
	p->file = name;
	p->closed = 0;
	if (config_text_read(&p->text, text))
		parse_clean(p);
	else
		config_parse_error(p, "%s:%u: %s", name, p->text.line, p->text.why);
	config_text_free(&p->text);
}

static void check_exemption(struct config_parse *p, struct exempt_section *s)
{
	const struct exemption *e = &s->exemption;
	const char *fault = NULL;

	if (e->client.count + e->login.count + e->listener.count + e->mail_from.count +
		e->header.count ==
	    0)
		fault = "it has no condition: client, login, listener, mail_from or header";
	else if (s->checks_given && s->checks.count == 0)
		fault = "its list of checks is empty";
	else if (!exemption_resolve(&s->exemption, s->checks_given ? &s->checks : NULL))
		fault = "by `header` cannot name MAIL or RCPT checks";
	if (fault != NULL)
		config_parse_error(p, "%s: exempt \"%s\": %s", s->where, e->name, fault);
}

/* The lists that were gathered beside the configuration become its arrays. */
static void prepare(struct config_parse *p)
{
	struct config *c = p->config;
	bool all_read = !p->failed;

	scope_resolve(&c->global, p->global.items, p->global.count);
	for (int class = 0; class < SENDER_CLASSES; class ++)
		scope_resolve(&c->classes[class], p->classes[class].items, p->classes[class].count);
	for (size_t i = 0; i < c->domain_count; i++)
		scope_resolve(&c->domains[i].scope, p->domains[i].items, p->domains[i].count);
	if (p->exempt_count > 0)
		c->exemptions = must_alloc(p->exempt_count * sizeof *c->exemptions);
	for (size_t i = 0; i < p->exempt_count; i++) {
		/* a condition that could not be read is not a missing one */
		if (all_read)
			check_exemption(p, &p->exempts[i]);
		c->exemptions[i] = p->exempts[i].exemption;
	}
	c->exemption_count = p->exempt_count;
}

static void parse_free(struct config_parse *p)
{
	free_blocks(&p->global);
	for (int class = 0; class < SENDER_CLASSES; class ++)
		free_blocks(&p->classes[class]);
	for (size_t i = 0; i < p->config->domain_count; i++)
		free_blocks(&p->domains[i]);
	free(p->domains);
	for (size_t i = 0; i < p->exempt_count; i++) {
		string_list_free(&p->exempts[i].checks);
		free(p->exempts[i].where);
	}
	free(p->exempts);
	free(p);
}

struct config *config_parse_end(struct config_parse *p)
{
	struct config *config = p->config;
	bool failed;

	prepare(p);
	failed = p->failed;
	parse_free(p);
	if (config->domain_count > 0)
		qsort(config->domains, config->domain_count, sizeof *config->domains,
		    domain_scope_compare);
	if (!failed)
		return config;
	config_unref(config);
	return NULL;
}
