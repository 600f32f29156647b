/* slice.c - views of octets: comparing, cutting and matching them. */
#include "base/slice.h"

#include <string.h>

#include "base/ascii.h"

struct slice slice_of(const char *text)
{
	return (struct slice){ text, text == NULL ? 0 : strlen(text) };
}

struct slice slice_part(struct slice s, size_t begin, size_t end)
{
	if (end > s.len)
		end = s.len;
	if (begin > end)
		begin = end;
	return (struct slice){ s.data == NULL ? NULL : s.data + begin, end - begin };
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_fws(s.data[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_fws(s.data[0])) {
		s.data++;
		s.len--;
	}
	return s;
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_starts_nocase(a, b);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (ascii_lower(s.data[i]) != ascii_lower(prefix.data[i]))
			return false;
	return true;
}

size_t slice_find(struct slice s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.data, c, s.len);

	return at == NULL ? s.len : (size_t)(at - s.data);
}

size_t slice_find_last(struct slice s, char c)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.data[i - 1] == c)
			return i - 1;
	return s.len;
}

static bool same(char a, char b, bool exact)
{
	return exact ? a == b : ascii_lower(a) == ascii_lower(b);
}

static bool match(struct slice pattern, struct slice text, bool exact)
{
	size_t p = 0, t = 0, star = pattern.len, resume = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.len && same(pattern.data[p], text.data[t], exact)) {
			p++;
			t++;
		} else if (star < pattern.len) {
			/* let the last star take one octet more */
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

bool slice_match(struct slice pattern, struct slice text)
{
	return match(pattern, text, false);
}

bool slice_match_exact(struct slice pattern, struct slice text)
{
	return match(pattern, text, true);
}
