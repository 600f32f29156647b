/*
 * fuzz_config.c - any octets as a configuration: it is loaded, or each line of
 * the errors names the file; and a bad text leaves nothing behind in libconfuse
 * that would spoil the next load.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "policy/config.h"
#include "policy/setting.h"

static struct config *load(struct slice text, struct buf *said)
{
	struct buf errors, warnings;
	struct config *config;

	buf_init(&errors, 10 * CONFIG_OCTETS_MAX);
	buf_init(&warnings, 10 * CONFIG_OCTETS_MAX);
	config = config_from_text("fuzz.conf", text, &errors, &warnings);
	MUST((config == NULL) == (errors.len > 0));
	buf_add_slice(said, buf_slice(&errors));
	buf_add_slice(said, buf_slice(&warnings));
	buf_free(&errors);
	buf_free(&warnings);
	return config;
}

/* Whole lines, each with its place, and nothing in them that a terminal would obey. */
static void check_lines(struct slice said)
{
	MUST(utf8_first_invalid(said) == said.len);
	while (said.len > 0) {
		size_t end = slice_find(said, '\n');

		MUST(end < said.len);
		MUST(slice_starts_nocase(said, SLICE("fuzz.conf:")));
		for (size_t i = 0; i < end; i++)
			MUST((unsigned char)said.data[i] >= ' ' || said.data[i] == '\t');
		said = slice_part(said, end + 1, said.len);
	}
}

static void check_config(const struct config *c)
{
	MUST(c->references == 1);
	MUST(c->deadline >= 0.1 && c->deadline <= 8);
	MUST(c->socket_mode <= 0777);
	MUST(c->global.whole.has_mode);
	for (size_t i = 1; i < c->domain_count; i++)
		MUST(domain_scope_compare(&c->domains[i - 1], &c->domains[i]) < 0);
	for (size_t i = 0; i < c->exemption_count; i++) {
		const struct exemption *e = &c->exemptions[i];

		MUST(e->client.count + e->login.count + e->listener.count + e->mail_from.count +
			e->header.count > 0);
		for (size_t row = 0; row < check_count; row++)
			MUST(e->header.count == 0 || !e->checks[row] ||
			    checks[row].stage > STAGE_RCPT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config;
	struct buf said;

	buf_init(&said, 20 * CONFIG_OCTETS_MAX);
	config = load((struct slice){ (const char *)data, size }, &said);
	check_lines(buf_slice(&said));
	if (config != NULL)
		check_config(config);
	config_unref(config);

	buf_reset(&said);
	config = load(SLICE("mode = enforce\n"), &said);
	MUST(config != NULL && config->global.whole.mode == MODE_ENFORCE);
	MUST(said.len == 0);
	config_unref(config);
	buf_free(&said);
	return 0;
}
