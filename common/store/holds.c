/* holds.c - what the entries of a plain table are: the option `holds`. */
#include "store/holds.h"

#include <string.h>

bool holds_read(const struct store_options *options, enum holds *holds, struct buf *notes)
{
	static const char *const words[] = { "mailboxes", "aliases", "logins", "domains" };
	const char *word = store_option_text(options, "holds", words[0]);

	for (int i = 0; i < 4; i++)
		if (strcmp(word, words[i]) == 0) {
			*holds = (enum holds)i;
			return true;
		}
	buf_printf(notes,
	    "store \"%s\": holds = \"%s\" is none of mailboxes, aliases, logins, domains\n",
	    options->name, word);
	return false;
}

unsigned holds_services(enum holds holds)
{
	switch (holds) {
	case HOLDS_MAILBOXES:
	case HOLDS_ALIASES: return STORE_ADDRESS;
	case HOLDS_LOGINS: return STORE_LOGINS;
	case HOLDS_DOMAINS: break;
	}
	return STORE_DOMAIN;
}

void holds_fill(enum holds holds, struct slice value, struct store_reply *reply)
{
	switch (holds) {
	case HOLDS_ALIASES:
		store_reply_entry(reply, ENTRY_ALIAS);
		store_reply_targets(reply, value);
		break;
	case HOLDS_LOGINS: store_reply_logins(reply, value); break;
	case HOLDS_MAILBOXES:
	case HOLDS_DOMAINS: break;
	}
}
