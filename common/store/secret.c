/* secret.c - the password of a store, from an option or a file. */
#include "store/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

bool secret_init(struct secret *secret, const struct store_options *options, struct buf *notes)
{
	const char *text = store_option_text(options, "password", NULL);
	const char *path = store_option_text(options, "password_file", NULL);
	const char *fault = NULL;

	*secret = (struct secret){ NULL, NULL };
	if (text != NULL && path != NULL)
		fault = "password and password_file are both given";
	else if (text != NULL && strlen(text) >= SECRET_SIZE)
		fault = "password is too long";
	if (fault != NULL) {
		buf_printf(notes, "store \"%s\": %s\n", options->name, fault);
		return false;
	}
	secret->text = text == NULL ? NULL : must_strdup(text);
	secret->path = path == NULL ? NULL : must_strdup(path);
	return true;
}

void secret_free(struct secret *secret)
{
	if (secret->text != NULL)
		explicit_bzero(secret->text, strlen(secret->text));
	free(secret->text);
	free(secret->path);
	*secret = (struct secret){ NULL, NULL };
}

bool secret_is_set(const struct secret *secret)
{
	return secret->text != NULL || secret->path != NULL;
}

static enum lookup_status read_file(
    const char *path, char out[SECRET_SIZE], struct store_reply *reply)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, out, SECRET_SIZE);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		char why[128];

		out[0] = '\0';
		if (strerror_r(error, why, sizeof why) != 0)
			why[0] = '\0';
		return store_reply_fail(reply, LOOKUP_PERMFAIL, "%s: %s", path, why);
	}
	for (ssize_t i = 0; i < n; i++)
		if (out[i] == '\n' || out[i] == '\r' || out[i] == '\0')
			n = i;
	if (n == SECRET_SIZE) {
		secret_forget(out);
		return store_reply_fail(
		    reply, LOOKUP_PERMFAIL, "%s: its first line is too long", path);
	}
	out[n] = '\0';
	return LOOKUP_FOUND;
}

enum lookup_status secret_read(
    const struct secret *secret, char out[SECRET_SIZE], struct store_reply *reply)
{
	memset(out, 0, SECRET_SIZE);
	if (secret->path != NULL)
		return read_file(secret->path, out, reply);
	if (secret->text != NULL)
		memcpy(out, secret->text, strlen(secret->text));
	return LOOKUP_FOUND;
}

void secret_forget(char text[SECRET_SIZE])
{
	explicit_bzero(text, SECRET_SIZE);
}
