/*
 * text_table.h - keys and values in memory, packed.
 *
 * Filled once, then immutable.  A million lines of fifty octets take about sixty
 * megabytes: the octets themselves, and eight for each line.
 */
#ifndef PRESEND_STORE_TABLE_TEXT_TABLE_H
#define PRESEND_STORE_TABLE_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct text_table;

/* An empty table that takes no more than ceiling octets of keys and values. */
struct text_table *text_table_new(size_t ceiling);
void text_table_free(struct text_table *table); /* NULL is allowed */

/* Adds a pair; of two equal keys the first stays.  False at the ceiling. */
bool text_table_add(struct text_table *table, struct slice key, struct slice value);

/* A slice that is not there if there is no such key. */
struct slice text_table_find(const struct text_table *table, struct slice key);

size_t text_table_count(const struct text_table *table);

#endif
