/*
 * bare_opendkim.c - a milter that hands each message to libopendkim and does
 * nothing else: the floor of any milter that verifies with it.
 *
 * Its keys come from a records file in memory, so no DNS is measured.  For
 * t/bench alone: none of the guards of auth/dkim.c stand before the library.
 *
 * usage: bare-opendkim SOCKET RECORDS
 */
#include <libmilter/mfapi.h>
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dns/records.h"

enum { FIELD_MAX = 64 * 1024, ERROR_MAX = 1000 };

static DKIM_LIB *library;
static struct resolver *records;

static DKIM_CBSTAT look_up(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *buf, size_t size)
{
	char name[DNS_NAME_MAX + 1];
	struct dns_answer *answer;
	struct dns_question question = { .type = DNS_TXT };
	DKIM_CBSTAT found = DKIM_CBSTAT_NOTFOUND;

	(void)dkim;
	snprintf(name, sizeof name, "%s._domainkey.%s", (char *)dkim_sig_getselector(info),
	    (char *)dkim_sig_getdomain(info));
	question.name = slice_of(name);
	answer = resolver_known(records, &question);
	if (answer != NULL && answer->count == 1 && answer->records[0].data.len < size) {
		memcpy(buf, answer->records[0].data.data, answer->records[0].data.len);
		buf[answer->records[0].data.len] = '\0';
		found = DKIM_CBSTAT_CONTINUE;
	}
	dns_answer_unref(answer);
	return found;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused2, unsigned long unused3, unsigned long *actions_out,
    unsigned long *steps_out, unsigned long *out2, unsigned long *out3)
{
	(void)ctx, (void)actions, (void)unused2, (void)unused3;
	*actions_out = 0;
	*steps_out = steps & (SMFIP_HDR_LEADSPC | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY |
				 SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
				 SMFIP_NODATA | SMFIP_NOUNKNOWN);
	*out2 = *out3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	DKIM *dkim = smfi_getpriv(ctx);
	struct buf text;
	DKIM_STAT status;

	if (dkim == NULL) {
		dkim = dkim_verify(library, (const unsigned char *)"bare", NULL, &status);
		smfi_setpriv(ctx, dkim);
	}
	buf_init(&text, FIELD_MAX);
	buf_add_text(&text, name);
	buf_add_char(&text, ':');
	for (; *value != '\0'; value++)
		buf_add_text(&text, *value == '\n' ? "\r\n" : (char[]){ *value, '\0' });
	dkim_header(dkim, (unsigned char *)text.data, text.len);
	buf_free(&text);
	return SMFIS_NOREPLY;
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
	dkim_eoh(smfi_getpriv(ctx));
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *piece, size_t len)
{
	dkim_body(smfi_getpriv(ctx), piece, len);
	return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *ctx)
{
	DKIM *dkim = smfi_getpriv(ctx);
	bool good = dkim_eom(dkim, NULL) == DKIM_STAT_OK;

	dkim_free(dkim);
	smfi_setpriv(ctx, NULL);
	return good ? SMFIS_ACCEPT : SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	if (smfi_getpriv(ctx) != NULL)
		dkim_free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = { .xxfi_name = (char[]){ "bare" },
		.xxfi_version = SMFI_VERSION,
		.xxfi_negotiate = on_negotiate,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_abort };
	struct buf errors;

	buf_init(&errors, ERROR_MAX);
	if (argc != 3 || (records = records_resolver_load(argv[2], NULL, &errors)) == NULL) {
		fprintf(stderr, "usage: bare-opendkim SOCKET RECORDS\n%s", buf_text(&errors));
		return 64;
	}
	library = dkim_init(NULL, NULL);
	dkim_set_key_lookup(library, look_up);
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS)
		return 71;
	return smfi_main() == MI_SUCCESS ? 0 : 71;
}
