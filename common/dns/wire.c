/* wire.c - record data as it comes from a name server, turned into ours. */
#include "dns/wire.h"

#include <string.h>

#include "base/ascii.h"

/*
 * domain-name = *( length label ) %x00
 *
 * Appends the text form; an escaped dot inside a label is "\046".
 */
static bool read_name(struct arena *arena, struct slice data, struct slice *name)
{
	char text[DNS_NAME_MAX + 1];
	size_t len = 0, at = 0;

	for (;;) {
		size_t label;

		if (at >= data.len)
			return false;
		label = (unsigned char)data.data[at++];
		if (label == 0)
			break;
		if (label > DNS_LABEL_MAX || label > data.len - at)
			return false;
		if (len > 0)
			text[len++] = '.';
		for (; label > 0; label--, at++) {
			bool dot = data.data[at] == '.';

			if (len + (dot ? 4 : 1) >= sizeof text)
				return false;
			if (dot)
				memcpy(text + len, "\\046", 4);
			else
				text[len] = ascii_lower(data.data[at]);
			len += dot ? 4 : 1;
		}
	}
	*name = arena_copy(arena, (struct slice){ text, len });
	return true;
}

/* 1*( length character-string ), joined */
static bool read_text(struct arena *arena, struct slice data, struct slice *text)
{
	char *out = arena_alloc(arena, data.len + 1);
	size_t len = 0, at = 0;

	while (at < data.len) {
		size_t string = (unsigned char)data.data[at++];

		if (string > data.len - at)
			return false;
		memcpy(out + len, data.data + at, string);
		len += string;
		at += string;
	}
	*text = (struct slice){ out, len };
	return data.len > 0;
}

bool wire_record(
    struct arena *arena, enum dns_type type, struct slice data, struct dns_record *record)
{
	*record = (struct dns_record){ 0 };
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		record->data = arena_copy(arena, data);
		return data.len == (type == DNS_A ? 4 : 16);
	case DNS_TXT: return read_text(arena, data, &record->data);
	case DNS_MX:
		if (data.len < 3)
			return false;
		record->preference =
		    (unsigned)(unsigned char)data.data[0] << 8 | (unsigned char)data.data[1];
		return read_name(arena, slice_part(data, 2, data.len), &record->data);
	default: return read_name(arena, data, &record->data);
	}
}

static bool is_plain(char c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

void wire_name_text(struct slice name, char out[WIRE_NAME_TEXT_SIZE])
{
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (is_plain(name.data[i]) || c == '.') {
			out[len++] = name.data[i];
			continue;
		}
		out[len++] = '\\';
		out[len++] = (char)('0' + c / 100);
		out[len++] = (char)('0' + c / 10 % 10);
		out[len++] = (char)('0' + c % 10);
	}
	out[len++] = '.';
	out[len] = '\0';
}
