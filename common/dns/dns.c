/* dns.c - answers: made once, shared by reference. */
#include "dns/dns.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "dns/answer.h"

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {
	{ DNS_A, "A" },
	{ DNS_NS, "NS" },
	{ DNS_CNAME, "CNAME" },
	{ DNS_SOA, "SOA" },
	{ DNS_PTR, "PTR" },
	{ DNS_MX, "MX" },
	{ DNS_TXT, "TXT" },
	{ DNS_AAAA, "AAAA" },
};

const char *dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

bool dns_type_parse(struct slice name, enum dns_type *type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (!slice_equal_nocase(name, slice_of(types[i].name)))
			continue;
		*type = types[i].type;
		return true;
	}
	return false;
}

/* The block that an answer lives in. */
struct shared {
	atomic_uint references;
	struct dns_answer answer;
};

static struct shared *block_of(struct dns_answer *answer)
{
	return (struct shared *)((char *)answer - offsetof(struct shared, answer));
}

struct dns_answer *dns_answer_ref(struct dns_answer *answer)
{
	atomic_fetch_add_explicit(&block_of(answer)->references, 1, memory_order_relaxed);
	return answer;
}

void dns_answer_unref(struct dns_answer *answer)
{
	if (answer == NULL)
		return;
	if (atomic_fetch_sub_explicit(&block_of(answer)->references, 1, memory_order_acq_rel) == 1)
		free(block_of(answer));
}

struct dns_answer *dns_answer_make(
    const struct dns_answer *facts, const struct dns_record *records, size_t count)
{
	size_t size = sizeof(struct shared) + count * sizeof *records;
	struct shared *s;
	char *data;

	for (size_t i = 0; i < count; i++)
		size += records[i].data.len + 1;
	s = must_alloc(size);
	atomic_init(&s->references, 1);
	s->answer = *facts;
	s->answer.count = count;
	data = (char *)&s->answer.records[count];
	for (size_t i = 0; i < count; i++) {
		size_t len = records[i].data.len;

		if (len > 0)
			memcpy(data, records[i].data.data, len);
		s->answer.records[i] = (struct dns_record){
			.data = { data, len },
			.preference = records[i].preference,
		};
		data += len + 1;
	}
	return &s->answer;
}

struct dns_answer *dns_answer_empty(enum dns_status status, const char *why)
{
	struct dns_answer facts = { .status = status, .why = why };

	return dns_answer_make(&facts, NULL, 0);
}

size_t dns_answer_octets(const struct dns_answer *answer)
{
	size_t octets = sizeof(struct shared) + answer->count * sizeof answer->records[0];

	for (size_t i = 0; i < answer->count; i++)
		octets += answer->records[i].data.len + 1;
	return octets;
}

bool dns_name_normal(struct slice name, char out[DNS_NAME_MAX + 1], size_t *len)
{
	size_t begin = 0;

	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i <= name.len; i++) {
		if (i < name.len && name.data[i] != '.') {
			out[i] = ascii_lower(name.data[i]);
			continue;
		}
		if (i == begin || i - begin > DNS_LABEL_MAX)
			return false;
		out[i] = '.';
		begin = i + 1;
	}
	out[name.len] = '\0';
	*len = name.len;
	return true;
}

void resolver_free(struct resolver *r)
{
	if (r != NULL)
		r->class->free(r);
}
