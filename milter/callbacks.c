/* callbacks.c - libmilter's calls, handed on to the session. */
#include "milter/callbacks.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "milter/session.h"

enum { REPLY_TEXT_MAX = 980 }; /* octets of a line that smfi_setmlreply takes */

/*
 * What is asked of the MTA, as far as it offers it; the same whatever the
 * configuration says, since that may change while a connection is open.
 * libmilter itself supplies the SMFIP_NR_* that an MTA lacks.
 */
static const unsigned long wanted_actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE;
static const unsigned long wanted_steps = SMFIP_HDR_LEADSPC | SMFIP_NR_CONN | SMFIP_NR_HELO |
					  SMFIP_NR_HDR | SMFIP_NR_EOH |
					  SMFIP_NR_BODY /* nothing is decided there */
					  | SMFIP_NODATA | SMFIP_NOUNKNOWN;

/*
 * A request replaces the MTA's own list as a whole, so each stage names all that
 * is read.  `v` always has a value and so is asked for at MAIL and RCPT: Postfix
 * sends an empty list where no macro has one, libmilter takes that for no list,
 * and then the login of the message before would stay.
 */
static const struct {
	int stage;
	const char *names;
} wanted_macros[] = {
	{ SMFIM_CONNECT, "j {daemon_name} {client_addr}" },
	{ SMFIM_ENVFROM, "v i {auth_authen} {cert_subject} {verify}" },
	{ SMFIM_ENVRCPT, "v {rcpt_mailer}" },
	{ SMFIM_EOH, "i" },
	{ SMFIM_EOM, "i" },
};

/* Set once before libmilter starts: its callbacks bring no argument of ours. */
static struct service *shared;

/* ---- giving answers -------------------------------------------------------- */

/*
 * libmilter's callers take a reply for a format: Sendmail drops one that has a
 * single percent sign, Postfix halves the pairs.  So they are doubled.
 */
static void double_percents(struct slice line, char out[REPLY_TEXT_MAX + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < line.len; i++) {
		size_t need = line.data[i] == '%' ? 2 : 1;

		if (len + need > REPLY_TEXT_MAX)
			break;
		memset(out + len, line.data[i], need);
		len += need;
	}
	out[len] = '\0';
}

/* Both lines as one, cut where libmilter would not take it. */
static bool reply_in_one_line(SMFICTX *ctx, const char *code, const struct reply *reply)
{
	char first[REPLY_TEXT_MAX + 1], text[2 * REPLY_TEXT_MAX + 2];

	double_percents(reply->lines[0], first);
	snprintf(text, sizeof text, "%s", first);
	if (reply->line_count > 1) {
		char second[REPLY_TEXT_MAX + 1];

		double_percents(reply->lines[1], second);
		if (strlen(first) + 1 + strlen(second) <= REPLY_TEXT_MAX)
			snprintf(text, sizeof text, "%s %s", first, second);
	}
	return smfi_setreply(ctx, (char *)code, (char *)reply->enhanced, text) == MI_SUCCESS;
}

static bool reply_in_lines(SMFICTX *ctx, const char *code, const struct reply *reply)
{
	char lines[REPLY_LINES][REPLY_TEXT_MAX + 1];

	for (size_t i = 0; i < reply->line_count; i++)
		double_percents(reply->lines[i], lines[i]);
	/* a NULL ends the list: after the first line there may be none */
	return smfi_setmlreply(ctx, code, reply->enhanced, lines[0],
		   reply->line_count > 1 ? lines[1] : (char *)NULL, (char *)NULL) == MI_SUCCESS;
}

static sfsistat refuse(SMFICTX *ctx, const struct answer *answer)
{
	const struct reply *reply = &answer->reply;
	char code[12];
	bool taken;

	snprintf(code, sizeof code, "%d", reply->code);
	taken = answer->one_line ? reply_in_one_line(ctx, code, reply)
				 : reply_in_lines(ctx, code, reply);
	if (!taken)
		log_line(LOG_LEVEL_ERROR, "libmilter does not take the reply: %s %.*s", code,
		    SLICE_ARG(reply->lines[0]));
	return reply->code >= 500 ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat tell(SMFICTX *ctx, struct session *s, const struct answer *answer)
{
	sfsistat status = SMFIS_CONTINUE;

	if (answer->kind == ANSWER_REFUSE || answer->kind == ANSWER_REFUSE_RCPT)
		status = refuse(ctx, answer);
	if (answer->kind == ANSWER_ACCEPT)
		status = SMFIS_ACCEPT;
	if (answer->kind == ANSWER_ACCEPT || answer->kind == ANSWER_REFUSE)
		session_end_message(s);
	return status;
}

/* Removes what a sender forged, the last first so that numbers stay right, then adds ours. */
static bool set_flag(SMFICTX *ctx, const struct session *s, const struct changes *changes)
{
	char *name = (char *)changes->flag_name;
	char value[FLAG_VALUE_MAX + 2];
	bool done = true;

	for (size_t i = changes->flags_present; i > 0; i--)
		done = smfi_chgheader(ctx, name, (int)i, NULL) == MI_SUCCESS && done;
	if (changes->flag_value == NULL)
		return done;
	snprintf(value, sizeof value, "%s%s", s->leading_space ? " " : "", changes->flag_value);
	return smfi_addheader(ctx, name, value) == MI_SUCCESS && done;
}

static void change(SMFICTX *ctx, const struct session *s, const struct changes *changes)
{
	if (changes->flag_name != NULL && !set_flag(ctx, s, changes))
		log_line(LOG_LEVEL_ERROR, "the mail server does not let us change the header");
	if (changes->hold != NULL && smfi_quarantine(ctx, (char *)changes->hold) != MI_SUCCESS)
		log_line(LOG_LEVEL_ERROR, "the mail server does not let us hold a message");
}

/* ---- the calls ------------------------------------------------------------- */

/* NULL where the MTA did not say; lives as long as the callback. */
static const char *macro(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)name);
}

/*
 * The session is made when options are negotiated, with which every connection
 * begins.  A peer that leaves that out is no MTA: it has no session and gets
 * nothing but temporary failures.
 */
static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused2, unsigned long unused3, unsigned long *actions_out,
    unsigned long *steps_out, unsigned long *out2, unsigned long *out3)
{
	(void)unused2, (void)unused3;
	*actions_out = actions & wanted_actions;
	*steps_out = steps & wanted_steps;
	*out2 = *out3 = 0;
	if (actions & SMFIF_SETSYMLIST)
		for (size_t i = 0; i < sizeof wanted_macros / sizeof wanted_macros[0]; i++)
			smfi_setsymlist(
			    ctx, wanted_macros[i].stage, (char *)wanted_macros[i].names);
	smfi_setpriv(ctx, session_new(shared, (steps & SMFIP_HDR_LEADSPC) != 0));
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	session_connect(s, name, address);
	return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	session_helo(s, name);
	return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	struct mail_macros macros = {
		.daemon_name = macro(ctx, "{daemon_name}"),
		.mta_name = macro(ctx, "j"),
		.login = macro(ctx, "{auth_authen}"),
		.cert_subject = macro(ctx, "{cert_subject}"),
		.verify = macro(ctx, "{verify}"),
		.version = macro(ctx, "v"),
		.client_addr = macro(ctx, "{client_addr}"),
	};
	struct answer answer;

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	answer = session_mail(s, &macros, argv);
	return tell(ctx, s, &answer);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	struct answer answer;

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	answer = session_rcpt(s, argv[0], macro(ctx, "{rcpt_mailer}"), macro(ctx, "i"));
	return tell(ctx, s, &answer);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *body)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	session_header(s, name, body);
	return SMFIS_NOREPLY;
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	session_end_header(s, macro(ctx, "i"));
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *piece, size_t len)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	session_body(s, (struct slice){ (const char *)piece, len });
	return SMFIS_NOREPLY;
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);
	struct changes changes;
	struct answer answer;

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	answer = session_end(s, macro(ctx, "i"), &changes);
	change(ctx, s, &changes);
	return tell(ctx, s, &answer);
}

/* Comes in the middle of a message, and for connections that never had one. */
static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s != NULL)
		session_end_message(s);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	session_free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

bool callbacks_register(struct service *service)
{
	static char name[] = "presend";
	struct smfiDesc filter = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	shared = service;
	return smfi_register(filter) == MI_SUCCESS;
}
