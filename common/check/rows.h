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

#endif
