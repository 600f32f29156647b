/*
 * stores.h - the stores by name; what each needs stands at the top of its file.
 */
#ifndef PRESEND_STORE_STORES_H
#define PRESEND_STORE_STORES_H

#include "store/store.h"

extern const struct store_class store_file;
extern const struct store_class store_lmdb;
extern const struct store_class store_cdb;
extern const struct store_class store_texthash;
extern const struct store_class store_passwd;
extern const struct store_class store_aliases;
extern const struct store_class store_postfix;
extern const struct store_class store_socketmap;
extern const struct store_class store_dovecot;
extern const struct store_class store_sqlite;
extern const struct store_class store_pgsql;
extern const struct store_class store_mysql;
extern const struct store_class store_ldap;
extern const struct store_class store_callout;

/*
 * Compiles the text of a `file` store to "PATH.lmdb", put in its place as a whole when it
 * is finished.  False with the reason in notes.  *count: addresses, patterns and domains.  The
 * text is read into memory as a whole: ten million lines need half a gigabyte, once.
 */
bool store_file_compile(const char *path, bool case_sensitive, struct buf *notes, size_t *count);

#endif
