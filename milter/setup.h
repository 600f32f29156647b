/*
 * setup.h - what a start needs: configuration, socket, and whom to run as.
 *
 * Everything is read and checked here before anything is opened or changed, by
 * the daemon and by `-t` alike; a fault is a line of the log.
 */
#ifndef PRESEND_MILTER_SETUP_H
#define PRESEND_MILTER_SETUP_H

#include <stdbool.h>

#include "milter/run_as.h"
#include "milter/socket.h"
#include "policy/site.h"

#define DAEMON_NAME    "presend-milter"
#define DEFAULT_CONFIG SYSCONFDIR "/presend/presend.conf"

/* What the command line says. */
struct daemon_options {
	const char *config_path;
	bool foreground;
	bool has_socket; /* -p: instead of the configuration's */
	struct socket_spec socket;
};

struct setup {
	char *config_path; /* absolute: the daemon leaves its working directory */
	struct config *config;
	struct socket_spec socket;
	struct socket_access access;
	struct run_as run_as;
};

/* Reads and checks all of it; false after having logged what is wrong. */
bool setup_load(const struct daemon_options *options, struct setup *setup);
void setup_free(struct setup *setup);

/*
 * The configuration in that file, the caller's own; NULL after having logged
 * what is wrong with it.  own_domains is left as configured.
 */
struct config *setup_config(const char *path);

/*
 * What the configuration opens: takes over the caller's reference, also on
 * failure; NULL after having logged what is wrong.  As the daemon's user, and
 * not before the last fork.  What was logged is in notes too, unless that is NULL.
 */
struct site *setup_site(struct config *config, struct buf *notes);

/* Fills in own_domains where the configuration is silent; before anybody shares it. */
void setup_own_domains(struct config *config);

#endif
