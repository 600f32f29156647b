/* log.c - the program's own words to its operator. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { LINE_CEILING = 1000 };

/* Set once, before threads start; read by all. */
static struct {
	const char *ident;
	bool to_syslog;
} out = { "presend", false };

void log_open(const char *ident, bool to_stderr, int facility)
{
	out.ident = ident;
	out.to_syslog = !to_stderr;
	if (out.to_syslog)
		openlog(ident, LOG_PID | LOG_NDELAY, facility);
}

static void write_line(struct iovec *part, int count)
{
	/* one call, so that lines of several threads do not mix; a log that is
	 * gone must not stop the mail, so the result is not looked at */
	ssize_t done = writev(STDERR_FILENO, part, count);

	(void)done;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO };
	struct buf raw, line;
	va_list ap;
	char text[LINE_CEILING];

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	buf_init(&raw, sizeof text);
	buf_add_text(&raw, text);
	buf_init(&line, sizeof text * 4);
	utf8_escape(&line, buf_slice(&raw));
	if (out.to_syslog) {
		syslog(priority[level], "%s", buf_text(&line));
	} else {
		struct iovec part[] = {
			{ (void *)out.ident, __builtin_strlen(out.ident) },
			{ (void *)": ", 2 },
			{ (void *)buf_text(&line), line.len },
			{ (void *)"\n", 1 },
		};

		write_line(part, 4);
	}
	buf_free(&line);
	buf_free(&raw);
}

void log_record(const char *text, size_t len)
{
	if (out.to_syslog) {
		syslog(LOG_INFO, "%.*s", (int)len, text);
	} else {
		struct iovec part[] = { { (void *)text, len }, { (void *)"\n", 1 } };

		write_line(part, 2);
	}
}
