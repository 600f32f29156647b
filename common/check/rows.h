/*
 * rows.h - the functions of the table of checks, for table.c alone.
 */
#ifndef PRESEND_CHECK_ROWS_H
#define PRESEND_CHECK_ROWS_H

#include "check/check.h"

/* envelope.c */
void check_sender_syntax(struct check_run *run);
void check_recipient_syntax(struct check_run *run);

/* from.c */
void check_from_missing(struct check_run *run);
void check_from_duplicate(struct check_run *run);
void check_from_syntax(struct check_run *run);
void check_from_display_name(struct check_run *run);
void check_from_obsolete(struct check_run *run);
void check_from_encoded_word(struct check_run *run);
void check_from_multiple(struct check_run *run);
void check_from_group(struct check_run *run);
void check_from_length(struct check_run *run);
void check_from_domain(struct check_run *run);
void check_from_ambiguous(struct check_run *run);
void check_from_impersonates(struct check_run *run);

/* domain.c */
void check_sender_domain(struct check_run *run);
void check_from_resolves(struct check_run *run);

/* mailbox.c */
void check_sender_mailbox(struct check_run *run);
void check_sender_login(struct check_run *run);
void check_from_mailbox(struct check_run *run);
void check_from_foreign(struct check_run *run);
void check_from_login(struct check_run *run);
void check_from_identity(struct check_run *run);

/* dkim.c */
void check_dkim_signed(struct check_run *run);
void check_dkim_valid(struct check_run *run);
void check_dkim_key(struct check_run *run);
void check_dkim_coverage(struct check_run *run);
void check_dkim_survival(struct check_run *run);

/* spf.c */
void check_spf_egress(struct check_run *run);
void check_spf_record(struct check_run *run);

/* dmarc.c */
void check_dmarc_record(struct check_run *run);
void check_dmarc_alignment(struct check_run *run);

#endif
