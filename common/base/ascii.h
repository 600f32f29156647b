/*
 * ascii.h - classes of octets, whatever the locale.
 *
 * White space is another set in each grammar, so the name says which one; a set that
 * one file alone has stays in that file, under a name of its own.
 */
#ifndef PRESEND_BASE_ASCII_H
#define PRESEND_BASE_ASCII_H

#include <stdbool.h>

/* The letter a to z for A to Z, any other octet unchanged. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* WSP = SP / HTAB (RFC 5234 B.1) */
static inline bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* An octet that can be in FWS, folding white space: WSP, CR or LF (RFC 5322 3.2.2). */
static inline bool is_fws(char c)
{
	return is_wsp(c) || c == '\r' || c == '\n';
}

/* What isspace() says in the C locale: SP, HTAB, LF, VT, FF, CR. */
static inline bool is_space_c(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* DIGIT (RFC 5234 B.1) */
static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ALPHA, in upper and lower case (RFC 5234 B.1) */
static inline bool is_alpha(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

/* ALPHA / DIGIT: the Let-dig of RFC 5321 4.1.2 */
static inline bool is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

/* HEXDIG, in upper and lower case (RFC 5234 B.1) */
static inline bool is_hex(char c)
{
	c = ascii_lower(c);
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* CTL: 0 to 31, HTAB, CR and LF among them, and 127 (RFC 5234 B.1) */
static inline bool is_ctl(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

/* An octet over 127, which is no ASCII. */
static inline bool is_8bit(char c)
{
	return (unsigned char)c > 127;
}

#endif
