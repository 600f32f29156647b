/*
 * unit.h - what every unit test shares: exact-size inputs and one main.
 *
 * A table test copies each input to a heap block of exactly its size, so that
 * a sanitizer sees the first octet read beyond it, and puts the row's label
 * into every failure message.
 */
#ifndef PRESEND_T_UNIT_H
#define PRESEND_T_UNIT_H

#include <check.h>
#include <stddef.h>

#include "base/slice.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A heap copy of exactly len octets; exact_free ends it. */
struct slice exact(const char *data, size_t len);
struct slice exact_text(const char *text);
void exact_free(struct slice s);

/* Fails with the label and both texts, escaped, unless they are equal octet for octet. */
void expect_slice(const char *label, const char *what, struct slice got, const char *wanted);

/* Each test program defines its suite. */
Suite *unit_suite(void);

#endif
