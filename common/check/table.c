/*
 * table.c - THE table of checks.
 *
 * Its order is the order of the manual, and breaks ties between findings of
 * the same action.  Names, stages, default actions and reply codes are part of
 * what users rely on.
 */
#include "check/check.h"
#include "check/rows.h"

#define FROM_NEEDS (NEED_HEADER | NEED_FROM)
#define DKIM_NEEDS (NEED_AUTHENTICATION | NEED_AUTHOR_DOMAIN | NEED_DMARC)

const struct check checks[] = {
	{ "envelope.sender-syntax", STAGE_MAIL, NEED_MAIL, ACTION_REJECT, false, "5.1.7",
	    check_sender_syntax, "the address of MAIL FROM breaks RFC 5321 4.1.2" },
	{ "envelope.sender-domain", STAGE_MAIL, NEED_MAIL | NEED_SENDER_DOMAIN, ACTION_REJECT,
	    false, "5.1.8", check_sender_domain,
	    "the domain of MAIL FROM does not exist or takes no mail" },
	{ "envelope.sender-mailbox", STAGE_MAIL, NEED_MAIL | NEED_SENDER_CLAIM, ACTION_LOG, false,
	    "5.1.0", check_sender_mailbox, "there is no mailbox behind MAIL FROM" },
	{ "envelope.sender-login", STAGE_MAIL, NEED_MAIL | NEED_SENDER_LOGIN, ACTION_LOG, false,
	    "5.7.1", check_sender_login, "the login may not use MAIL FROM" },
	{ "envelope.recipient-syntax", STAGE_RCPT, NEED_RCPT, ACTION_LOG, false, "5.1.3",
	    check_recipient_syntax, "the address of RCPT TO breaks RFC 5321 4.1.2" },
	{ "from.missing", STAGE_EOH, NEED_HEADER, ACTION_REJECT, false, "5.7.1", check_from_missing,
	    "there is no From field, or an empty one" },
	{ "from.duplicate", STAGE_EOH, NEED_HEADER, ACTION_REJECT, false, "5.7.1",
	    check_from_duplicate, "there is more than one From field" },
	{ "from.syntax", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.1.7", check_from_syntax,
	    "the address part breaks RFC 5322 3.4 or RFC 5321 4.1.2" },
	{ "from.display-name", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.1.7",
	    check_from_display_name,
	    "the display name breaks the quoting rules, or is 8-bit without SMTPUTF8" },
	{ "from.obsolete", STAGE_EOH, FROM_NEEDS, ACTION_LOG, false, "5.1.7", check_from_obsolete,
	    "an old form of RFC 5322 4 that receivers still read alike" },
	{ "from.encoded-word", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.1.7",
	    check_from_encoded_word,
	    "an encoded-word hides a control character, stands in an address or is malformed" },
	{ "from.multiple", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.7.1",
	    check_from_multiple,
	    "more than one author, and no Sender field that says who sent it" },
	{ "from.group", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.7.1", check_from_group,
	    "group syntax, or a group with no address" },
	{ "from.length", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.1.7", check_from_length,
	    "local part, label, domain, address, line or field is too long" },
	{ "from.domain", STAGE_EOH, FROM_NEEDS, ACTION_REJECT, false, "5.1.8", check_from_domain,
	    "the domain is not a fully qualified host name" },
	{ "from.ambiguous", STAGE_EOH, NEED_HEADER, ACTION_REJECT, false, "5.7.1",
	    check_from_ambiguous, "programs in use read different authors from it" },
	{ "from.impersonates", STAGE_EOH, FROM_NEEDS, ACTION_LOG, false, "5.7.1",
	    check_from_impersonates,
	    "name, comment or decoded word shows another address than the author's" },
	{ "from.resolves", STAGE_EOM, NEED_AUTHENTICATION | NEED_AUTHOR_DOMAIN, ACTION_REJECT,
	    false, "5.1.8", check_from_resolves,
	    "the From domain does not exist or takes no mail" },
	{ "from.mailbox", STAGE_EOM, NEED_FROM_CLAIM, ACTION_FLAG, false, "5.1.0",
	    check_from_mailbox, "there is no mailbox behind the From address" },
	{ "from.foreign", STAGE_EOM, NEED_FROM_SERVED, ACTION_LOG, false, "5.7.1",
	    check_from_foreign, "the From domain is none of ours and no identity allows it" },
	{ "from.login", STAGE_EOM, NEED_FROM_LOGIN, ACTION_LOG, false, "5.7.1", check_from_login,
	    "the login may not use the From address" },
	{ "from.identity", STAGE_EOM, NEED_IDENTITY, ACTION_LOG, false, "5.7.1",
	    check_from_identity, "the relay does not let us send as this address" },
	{ "dkim.signed", STAGE_EOM, DKIM_NEEDS | NEED_SIGNATURE, ACTION_REJECT, true, "5.7.22",
	    check_dkim_signed, "no valid signature is aligned with the From domain" },
	{ "dkim.valid", STAGE_EOM, DKIM_NEEDS, ACTION_REJECT, true, "5.7.20", check_dkim_valid,
	    "a signature of the From domain's organization does not verify" },
	{ "dkim.key", STAGE_EOM, DKIM_NEEDS, ACTION_REJECT, true, "5.7.20", check_dkim_key,
	    "the key of such a signature is absent, revoked, unusable or weak" },
	{ "dkim.coverage", STAGE_EOM, DKIM_NEEDS, ACTION_LOG, false, "5.7.20", check_dkim_coverage,
	    "such a signature leaves out From, covers a part of the body, or its time is wrong" },
	{ "dkim.survival", STAGE_EOM, NEED_AUTHENTICATION, ACTION_LOG, false, "5.6.0",
	    check_dkim_survival,
	    "a signature passes here, but later servers are likely to break it" },
	{ "spf.egress", STAGE_EOM, NEED_AUTHENTICATION | NEED_EGRESS, ACTION_LOG, false, "5.7.23",
	    check_spf_egress, "SPF does not pass for every address that mail leaves from" },
	{ "spf.record", STAGE_EOM, NEED_AUTHENTICATION | NEED_SPF_RECORD, ACTION_LOG, false,
	    "5.7.24", check_spf_record, "the sender domain's SPF record is in error" },
	{ "dmarc.record", STAGE_EOM, NEED_AUTHENTICATION | NEED_DMARC, ACTION_LOG, false, "5.7.1",
	    check_dmarc_record, "there is no DMARC record, or an invalid one" },
	{ "dmarc.alignment", STAGE_EOM, NEED_AUTHENTICATION | NEED_DMARC, ACTION_REJECT, false,
	    "5.7.26", check_dmarc_alignment, "DMARC fails under RFC 7489 or RFC 9989" },
};

const char *const planned_checks[] = { "header.missing", "header.duplicate", "header.syntax",
	"header.8bit", "header.limits", "list.unsubscribe", "blocklist.domain", "blocklist.egress",
	"host.ptr", NULL };

const size_t check_count = sizeof checks / sizeof checks[0];

_Static_assert(sizeof checks / sizeof checks[0] <= CHECKS_MAX, "arrays per check have this size");
