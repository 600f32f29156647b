/*
 * log.h - the program's own words to its operator (not the verdict records).
 *
 * One line a call.  The whole line is escaped by utf8_escape, so that nothing
 * that came from outside can forge a line.
 */
#ifndef PRESEND_BASE_LOG_H
#define PRESEND_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/*
 * Where lines go: to syslog under that facility (LOG_MAIL, ...), or with
 * to_stderr to standard error with the program's name before each.  ident must
 * live as long as the process.  Before the first call: standard error.
 */
void log_open(const char *ident, bool to_stderr, int facility);

/* A line of the operator's log; thread-safe; at most 1,000 octets are kept. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A finished record: written as it is, in one piece, with a line end.  It must
 * be escaped already.  To the place that log_open chose.
 */
void log_record(const char *text, size_t len);

#endif
