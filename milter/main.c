/* main.c - presend-milter: the command line of the daemon. */
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "milter/daemon.h"
#include "milter/preflight.h"

enum { ERROR_MAX = 1000 };

static int usage(const char *what)
{
	fprintf(stderr, "%s: %s\nusage: %s [-c FILE] [-f] [-p SOCKET] [-t]\n", DAEMON_NAME, what,
	    DAEMON_NAME);
	return EX_USAGE;
}

static int bad_option(int option)
{
	char what[40];

	snprintf(what, sizeof what,
	    option == 'c' || option == 'p' ? "-%c needs a value" : "there is no option -%c",
	    option);
	return usage(what);
}

static int read_socket(struct daemon_options *options, const char *text)
{
	struct buf error;
	int status = 0;

	buf_init(&error, ERROR_MAX);
	options->has_socket = socket_parse(text, &options->socket, &error);
	if (!options->has_socket)
		status = usage(buf_text(&error));
	buf_free(&error);
	return status;
}

/*
 * Whoever started us may have closed standard descriptors.  Something must hold
 * their numbers, or the socket would get one and be replaced at daemonising.
 */
static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	struct daemon_options options = { .config_path = DEFAULT_CONFIG };
	bool test = false;
	int option, status = 0;

	hold_standard_descriptors();
	log_open(DAEMON_NAME, true, 0);
	opterr = 0;
	while (status == 0 && (option = getopt(argc, argv, "c:fp:t")) != -1) {
		switch (option) {
		case 'c': options.config_path = optarg; break;
		case 'f': options.foreground = true; break;
		case 'p': status = read_socket(&options, optarg); break;
		case 't': test = true; break;
		default: status = bad_option(optopt); break;
		}
	}
	if (status != 0)
		return status;
	if (optind < argc)
		return usage("there are no operands");
	return test ? preflight_run(&options) : daemon_run(&options);
}
