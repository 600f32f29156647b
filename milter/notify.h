/*
 * notify.h - telling the service manager how we are (sd_notify(3)'s protocol).
 *
 * One datagram to the socket that NOTIFY_SOCKET names; without that variable
 * nothing happens, so nobody has to ask whether there is a manager.
 */
#ifndef PRESEND_MILTER_NOTIFY_H
#define PRESEND_MILTER_NOTIFY_H

/* state: "READY=1", "STOPPING=1". */
void notify_send(const char *state);

#endif
