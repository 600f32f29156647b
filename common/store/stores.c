/* stores.c - all stores that this program was built with. */
#include "store/stores.h"

const struct store_class *const store_classes[] = {
	&store_file,
	&store_lmdb,
	&store_cdb,
	&store_texthash,
	&store_passwd,
	&store_aliases,
	&store_postfix,
	&store_socketmap,
	&store_dovecot,
	&store_sqlite,
	&store_pgsql,
	&store_mysql,
	&store_ldap,
	&store_callout,
	NULL,
};
