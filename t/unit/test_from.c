/*
 * test_from.c - the From parser, rule by rule.
 *
 * A row is a body and what the parser must say of it, written as
 *   [blank | valid] [group] *( code@offset+length ) *( "[" [name "|"] address ["?"] "]" )
 * with the errors by offset and a "?" behind an address that is shaky.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "syntax/addr_spec.h"
#include "syntax/from.h"
#include "unit.h"

static const struct row {
	const char *body;
	size_t len;
	bool smtputf8;
	const char *wanted;
} rows[] = {
#define ROW(body, wanted)  { body, sizeof(body) - 1, false, wanted }
#define ROW8(body, wanted) { body, sizeof(body) - 1, true, wanted }
	/* addr-spec */
	ROW("ann@example.com", "valid [ann@example.com]"),
	ROW(" ann@example.com", "valid [ann@example.com]"),
	ROW("ann@example.com ", "valid [ann@example.com]"),
	ROW("Ann.Example@mail.example.com", "valid [Ann.Example@mail.example.com]"),
	ROW("a@b.example", "valid [a@b.example]"),
	ROW("!#$%&'*+-/=?^_`{|}~@example.com", "valid [!#$%&'*+-/=?^_`{|}~@example.com]"),
	ROW("1@example.com", "valid [1@example.com]"),
	ROW("a.b.c.d@example.com", "valid [a.b.c.d@example.com]"),
	ROW("user+tag@example.com", "valid [user+tag@example.com]"),
	ROW("-ann@example.com", "valid [-ann@example.com]"),
	ROW("_@example.com", "valid [_@example.com]"),
	ROW("ANN@EXAMPLE.COM", "valid [ANN@EXAMPLE.COM]"),
	ROW("ann@xn--bcher-kva.example", "valid [ann@xn--bcher-kva.example]"),
	ROW("ann@1.example.com", "valid [ann@1.example.com]"),
	ROW("ann@123.example", "valid [ann@123.example]"),
	ROW("ann@a-b.example", "valid [ann@a-b.example]"),
	ROW("ann@a--b.example", "valid [ann@a--b.example]"),

	/* quoted local part */
	ROW("\"ann\"@example.com", "valid [ann@example.com]"),
	ROW("\"ann smith\"@example.com", "valid [\"ann smith\"@example.com]"),
	ROW("\"ann@home\"@example.com", "valid [\"ann@home\"@example.com]"),
	ROW("\"a\\\"b\"@example.com", "valid [\"a\\\"b\"@example.com]"),
	ROW("\"a\\b\"@example.com", "valid [ab@example.com]"),
	ROW("\"\"@example.com", "valid [\"\"@example.com]"),
	ROW("\".\"@example.com", "valid [\".\"@example.com]"),
	ROW("\"ann\r\n smith\"@example.com", "valid [\"ann smith\"@example.com]"),
	ROW("Ann <\"ann smith\"@example.com>", "valid [Ann|\"ann smith\"@example.com]"),
	ROW("\"ann\".\"smith\"@example.com", "local-part-words@0+13"),
	ROW("ann.\"smith\"@example.com", "local-part-words@0+11"),
	ROW("\"ann\".smith@example.com", "local-part-words@0+11"),
	ROW("\"ann\"smith@example.com", "local-part-words@0+10"),
	ROW("<\"ann\".smith@example.com>", "local-part-words@1+11"),

	/* name-addr */
	ROW("Ann <ann@example.com>", "valid [Ann|ann@example.com]"),
	ROW("Ann<ann@example.com>", "valid [Ann|ann@example.com]"),
	ROW(" Ann  Smith  <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("<ann@example.com>", "valid [ann@example.com]"),
	ROW(" <ann@example.com> ", "valid [ann@example.com]"),
	ROW("\"Ann\" <ann@example.com>", "valid [Ann|ann@example.com]"),
	ROW("\"Ann\"<ann@example.com>", "valid [Ann|ann@example.com]"),
	ROW("\"Smith, Ann\" <ann@example.com>", "valid [Smith, Ann|ann@example.com]"),
	ROW("\"\" <ann@example.com>", "valid [|ann@example.com]"),
	ROW("\"Ann\" Smith <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("\"Ann\"\"Smith\" <ann@example.com>", "valid [AnnSmith|ann@example.com]"),
	ROW("Ann\"Smith\" <ann@example.com>", "valid [AnnSmith|ann@example.com]"),
	ROW("\"Ann \\\"Bob\\\" Smith\" <ann@example.com>",
	    "valid [Ann \"Bob\" Smith|ann@example.com]"),
	ROW("\"Ann \\ Smith\" <ann@example.com>", "valid [Ann  Smith|ann@example.com]"),
	ROW("\"ann@other.example\" <ann@example.com>", "valid [ann@other.example|ann@example.com]"),
	ROW("\"Ann <ann@other.example>\" <ann@example.com>",
	    "valid [Ann <ann@other.example>|ann@example.com]"),
	ROW("O'Neil <ann@example.com>", "valid [O'Neil|ann@example.com]"),
	ROW("Ann-Marie +1 {x} <ann@example.com>", "valid [Ann-Marie +1 {x}|ann@example.com]"),
	ROW("Ann/Bob & Co. <ann@example.com>", "phrase-dot@12+1 [Ann/Bob & Co.|ann@example.com]"),
	ROW("Ann & Co <ann@example.com>", "valid [Ann & Co|ann@example.com]"),
	ROW("Ann\r\n Smith <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("Ann Smith\r\n <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("\r\n Ann Smith <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("\tAnn\tSmith\t<ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("\"Ann\r\n Smith\" <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("Ann < ann@example.com >", "valid [Ann|ann@example.com]"),
	ROW("Ann <\r\n ann@example.com>", "valid [Ann|ann@example.com]"),

	/* comments */
	ROW("ann@example.com (Ann)", "valid [ann@example.com]"),
	ROW("(Ann) ann@example.com", "valid [ann@example.com]"),
	ROW("(Ann) <ann@example.com> (Smith)", "valid [ann@example.com]"),
	ROW("Ann (the boss) Smith <ann@example.com>", "valid [Ann Smith|ann@example.com]"),
	ROW("Support (Billing) <a@example.com>", "valid [Support|a@example.com]"),
	ROW("Coogle (staging-dbi) <a@example.com>", "valid [Coogle|a@example.com]"),
	ROW("ann@example.com (a (nested (deep)) comment)", "valid [ann@example.com]"),
	ROW("ann@example.com (a \\) b)", "valid [ann@example.com]"),
	ROW("ann@example.com (a \\( b)", "valid [ann@example.com]"),
	ROW("ann@example.com ()", "valid [ann@example.com]"),
	ROW("ann@example.com (one)(two)", "valid [ann@example.com]"),
	ROW("ann@example.com (with, comma <and> @ all)", "valid [ann@example.com]"),
	ROW("ann@example.com (fold\r\n ed)", "valid [ann@example.com]"),
	ROW("<(c)ann@example.com(d)>", "valid [ann@example.com]"),
	ROW("Foo (foo@bar.example) <baz@baz.example>", "valid [Foo|baz@baz.example]"),
	ROW("(only a comment)", "no-address@0+16"),
	ROW("(only) (comments)", "no-address@0+17"),

	/* unquoted specials in the display name */
	ROW("Doe, John <john@example.com>", "name-special@3+1 [Doe, John|john@example.com]"),
	ROW(" Kock, Arne <a@b.example>", "name-special@5+1 [Kock, Arne|a@b.example]"),
	ROW("Ada, VP of Engineering <ada@example.com>",
	    "name-special@3+1 [Ada, VP of Engineering|ada@example.com]"),
	ROW("Care Team, Billing <care@example.com>",
	    "name-special@9+1 [Care Team, Billing|care@example.com]"),
	ROW("Doe, John, Jr <john@example.com>",
	    "name-special@3+1 [Doe, John, Jr|john@example.com]"),
	ROW("Doe,John<john@example.com>", "name-special@3+1 [Doe,John|john@example.com]"),
	ROW(", John <john@example.com>", "element-empty@0+1 [John|john@example.com]"),
	ROW("Doe; John <john@example.com>", "name-special@3+1 [Doe; John|john@example.com]"),
	ROW("Doe: John <john@example.com>", "name-special@3+1 [Doe: John|john@example.com]"),
	ROW("Chris's Wiki :: blog <feed@example.com>",
	    "name-special@13+1 [Chris's Wiki :: blog|feed@example.com]"),
	ROW("Re: news <news@example.com>", "name-special@2+1 [Re: news|news@example.com]"),
	ROW("John @ Work <john@example.com>", "name-special@5+1 [John @ Work|john@example.com]"),
	ROW("@john <john@example.com>", "name-special@0+1 [@john|john@example.com]"),
	ROW("john@example.com <john@example.com>",
	    "name-special@4+1 [john@example.com|john@example.com]"),
	ROW("yagmailtest@WORK.com <yagmailtest@WORK.com>",
	    "name-special@11+1 [yagmailtest@WORK.com|yagmailtest@WORK.com]"),
	ROW("a@@b <me@example.com>", "name-special@1+1 [a@@b|me@example.com]"),
	ROW("John [Sales] <john@example.com>", "name-special@5+1 [John [Sales]|john@example.com]"),
	ROW("[John] <john@example.com>", "name-special@0+1 [[John]|john@example.com]"),
	ROW("John ] Doe <john@example.com>", "name-special@5+1 [John ] Doe|john@example.com]"),
	ROW("John [ Doe <john@example.com>", "name-special@5+1 [John [ Doe|john@example.com]"),
	ROW("John \\ Doe <john@example.com>", "name-special@5+1 [John \\ Doe|john@example.com]"),
	ROW("John > Doe <john@example.com>", "angle-unbalanced@5+1 [John > Doe|john@example.com]"),
	ROW("John) <john@example.com>", "comment-unbalanced@4+1 [John)|john@example.com]"),
	ROW("John (Doe <john@example.com>", "comment-unbalanced@5+1 [John (Doe|john@example.com]"),
	ROW("John (Doe <john@example.com> )x(", "at-missing@0+32 comment-unbalanced@31+1"),
	ROW("John \"Doe <john@example.com>", "quote-unbalanced@5+1 [John Doe|john@example.com]"),
	ROW("\"John <john@example.com>", "quote-unbalanced@0+1 [John|john@example.com]"),
	ROW("John\" <john@example.com>", "quote-unbalanced@4+1 [John|john@example.com]"),
	ROW("\"John\" Doe\" <john@example.com>",
	    "quote-unbalanced@10+1 [John Doe|john@example.com]"),
	ROW("\"John \\\" <john@example.com>",
	    "quote-unbalanced@0+1 name-special@6+1 [John \\|john@example.com]"),
	ROW("Doe, John \"Sales <sales@example.com>\" <john@example.com>",
	    "name-special@3+1 [Doe, John Sales <sales@example.com>|john@example.com]"),
	ROW("Doe, John <john@example.com>, Smith, Jane <jane@example.com>",
	    "name-special@3+1 [Doe, John|john@example.com] [Smith, Jane|jane@example.com]"),
	ROW("Doe, John john@example.com",
	    "name-special@3+1 angle-missing@10+16 [Doe, John|john@example.com]"),
	ROW("\"Doe, John\" john@example.com", "angle-missing@12+16 [Doe, John|john@example.com]"),
	ROW("Reinman, Andris <x@example.com>", "name-special@7+1 [Reinman, Andris|x@example.com]"),

	/* obsolete phrases and blanks */
	ROW("John Q. Public <john@example.com>",
	    "phrase-dot@6+1 [John Q. Public|john@example.com]"),
	ROW("Acme Inc. <info@example.com>", "phrase-dot@8+1 [Acme Inc.|info@example.com]"),
	ROW("St.John <a@example.com>", "phrase-dot@2+1 [St.John|a@example.com]"),
	ROW("J. R. R. T. <a@example.com>", "phrase-dot@1+1 [J. R. R. T.|a@example.com]"),
	ROW(".John <a@example.com>", "name-dot-first@0+1 [.John|a@example.com]"),
	ROW(". <a@example.com>", "name-dot-first@0+1 [.|a@example.com]"),
	ROW("..John <a@example.com>", "name-dot-first@0+1 [..John|a@example.com]"),
	ROW("\"John\" . Doe <a@example.com>", "phrase-dot@7+1 [John . Doe|a@example.com]"),
	ROW("John Q. Public, Esq <john@example.com>",
	    "name-special@14+1 [John Q. Public, Esq|john@example.com]"),
	ROW("ann @example.com", "valid at-blanks@3+1 [ann@example.com]"),
	ROW("ann@ example.com", "valid at-blanks@4+1 [ann@example.com]"),
	ROW("ann @ example.com", "valid at-blanks@3+1 [ann@example.com]"),
	ROW("Ann <ann @ example.com>", "valid at-blanks@8+1 [Ann|ann@example.com]"),
	ROW("ann(c)@example.com", "valid at-blanks@3+3 [ann@example.com]"),
	ROW("ann@(c)example.com", "valid at-blanks@4+3 [ann@example.com]"),
	ROW("Ann\r\n \r\n <ann@example.com>", "fold-blank@3+6 [Ann|ann@example.com]"),
	ROW("ann@example.com\r\n ", "fold-blank@15+3 [ann@example.com]"),
	ROW(" \r\n ann@example.com", "valid [ann@example.com]"),
	ROW("Ann\r\n \r\n Smith, X <ann@example.com>",
	    "name-special@14+1 [Ann Smith, X|ann@example.com]"),

	/* missing and extra @ */
	ROW("root", "at-missing@0+4"),
	ROW("John Doe", "at-missing@0+8"),
	ROW("\"John Doe\"", "no-address@0+10"),
	ROW("root (Cron Daemon)", "at-missing@0+4"),
	ROW("<root>", "at-missing@1+4"),
	ROW("Root <root>", "at-missing@6+4"),
	ROW("example.com", "at-missing@0+11"),
	ROW("=?utf-8?q?John?=", "no-address@0+16"),
	ROW("\"Mr Example <m@e.example>, Mr Example, m@e.example\"", "no-address@0+51"),
	ROW("a@@b.example", "at-extra@2+1"),
	ROW("a@b@c.example", "at-extra@3+1"),
	ROW("a@b@c@d.example", "at-extra@3+1"),
	ROW("<a@@b.example>", "at-extra@3+1"),
	ROW("Ann <a@b@c.example>", "at-extra@8+1"),
	ROW("@", "local-part-missing@0+1 domain-missing@0+1"),
	ROW("@example.com", "local-part-missing@0+1"),
	ROW("ann@", "domain-missing@3+1"),
	ROW("<@example.com>", "local-part-missing@1+1"),
	ROW("<ann@>", "domain-missing@4+1"),
	ROW("Ann <@>", "local-part-missing@5+1 domain-missing@5+1"),
	ROW("ann@,", "domain-missing@3+1 element-empty@4+1"),

	/* spaces and characters in the local part */
	ROW("<ann smith@example.com>", "local-part-space@4+1"),
	ROW("ann smith@example.com", "angle-missing@4+17 [ann|smith@example.com]"),
	ROW("Ann Smith ann@example.com", "angle-missing@10+15 [Ann Smith|ann@example.com]"),
	ROW("<ann\tsmith@example.com>", "local-part-space@4+1"),
	ROW("<ann\r\n smith@example.com>", "local-part-space@4+3"),
	ROW("<ann(c)smith@example.com>", "local-part-comment@4+3"),
	ROW("<ann,smith@example.com>", "local-part-character@4+1"),
	ROW("<ann;smith@example.com>", "local-part-character@4+1"),
	ROW("<ann:smith@example.com>", "local-part-character@4+1"),
	ROW("<ann[smith@example.com>", "local-part-character@4+1"),
	ROW("<ann\\smith@example.com>", "local-part-character@4+1"),
	ROW("<ann\"smith@example.com>", "quote-unbalanced@4+1"),
	ROW("<ann)smith@example.com>", "comment-unbalanced@4+1"),
	ROW("ann;smith@example.com", "name-special@3+1 angle-missing@4+17 [ann|smith@example.com]"),
	ROW("ann:smith@example.com", "name-special@3+1 angle-missing@4+17 [ann|smith@example.com]"),
	ROW("mailto:ann@example.com",
	    "name-special@6+1 angle-missing@7+15 [ann@example.com]"),
	ROW("mailto ann@example.com", "angle-missing@7+15 [mailto|ann@example.com]"),
	ROW("<mailto:ann@example.com>", "local-part-character@7+1"),

	/* dots in the local part */
	ROW(".ann@example.com", "local-part-dot@0+1"),
	ROW("ann.@example.com", "local-part-dot@3+1"),
	ROW("ann..smith@example.com", "local-part-dot@4+1"),
	ROW("<.ann@example.com>", "local-part-dot@1+1"),
	ROW("<ann.@example.com>", "local-part-dot@4+1"),
	ROW("<ann..smith@example.com>", "local-part-dot@5+1"),
	ROW(".@example.com", "local-part-dot@0+1"),
	ROW("..@example.com", "local-part-dot@0+1"),

	/* domains by the grammar */
	ROW("ann@example..com", "domain-dots@12+1"),
	ROW("ann@exam ple.com", "domain-one-label@4+4 text-after-address@9+7 [ann@exam]"),
	ROW("<ann@exam ple.com>", "domain-space@9+1"),
	ROW("<ann@example .com>", "domain-space@12+1"),
	ROW("<ann@exam(c)ple.com>", "domain-comment@9+3"),
	ROW("<ann@example,com>", "domain-special@12+1"),
	ROW("<ann@example;com>", "domain-special@12+1"),
	ROW("<ann@example\\com>", "domain-special@12+1"),
	ROW("<ann@\"example\".com>", "domain-special@5+1"),
	ROW("<ann@example.com[x]>", "domain-special@16+1"),
	ROW("<ann@[192.0.2.1].com>", "domain-special@5+1"),

	/* domains as host names */
	ROW("ann@localhost", "valid domain-one-label@4+9 [ann@localhost]"),
	ROW("ann@[192.0.2.1]", "valid domain-literal@4+11 [ann@[192.0.2.1]]"),
	ROW("ann@[IPv6:2001:db8::1]", "valid domain-literal@4+18 [ann@[IPv6:2001:db8::1]]"),
	ROW("ann@.example.com", "valid domain-edge-dot@4+1 [ann@.example.com]"),
	ROW("ann@example.com.", "valid domain-edge-dot@15+1 [ann@example.com.]"),
	ROW("ann@-example.com", "valid domain-hyphen@4+1 [ann@-example.com]"),
	ROW("ann@example-.com", "valid domain-hyphen@11+1 [ann@example-.com]"),
	ROW("ann@ex_ample.com", "valid domain-underscore@6+1 [ann@ex_ample.com]"),
	ROW("_ann@_dmarc.example.com", "valid domain-underscore@5+1 [_ann@_dmarc.example.com]"),
	ROW("ann@ex!ample.com", "valid domain-character@6+1 [ann@ex!ample.com]"),
	ROW("ann@192.0.2.1", "valid domain-numeric@12+1 [ann@192.0.2.1]"),
	ROW("ann@example.123", "valid domain-numeric@12+3 [ann@example.123]"),
	ROW("ann@xn--.example", "valid domain-hyphen@7+1 [ann@xn--.example]"),
	ROW("ann@xn--a.example", "valid domain-idn@4+5 [ann@xn--a.example]"),

	/* angle brackets */
	ROW("<<ann@example.com>>", "angle-nested@1+1 [ann@example.com]"),
	ROW("<<<ann@example.com>>>", "angle-nested@1+1 [ann@example.com]"),
	ROW("Ann <<ann@example.com>>", "angle-nested@5+1 [Ann|ann@example.com]"),
	ROW("Ann <<ann@example.com>", "angle-nested@5+1 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com>>", "angle-unbalanced@21+1 [Ann|ann@example.com]"),
	ROW("Ann <Smith <ann@example.com>>", "angle-nested@11+1 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com", "angle-unbalanced@4+1 [Ann|ann@example.com]"),
	ROW("Ann ann@example.com>",
	    "angle-missing@4+15 angle-unbalanced@19+1 [Ann|ann@example.com]"),
	ROW("ann@example.com>", "angle-unbalanced@15+1 [ann@example.com]"),
	ROW(">ann@example.com<", "angle-unbalanced@0+1 name-special@4+1 no-address@16+1"),
	ROW("Ann <ann@example.com <b@example.com>",
	    "angle-unbalanced@4+1 second-address@21+15 [Ann|ann@example.com] [b@example.com ?]"),
	ROW("Ann <ann@example.com <b@example.com>>",
	    "angle-unbalanced@4+1 second-address@21+16 [Ann|ann@example.com] [b@example.com ?]"),
	ROW("<>", "angle-empty@0+2"),
	ROW("Ann <>", "angle-empty@4+2"),
	ROW("Ann < >", "angle-empty@4+3"),
	ROW("MAILER-DAEMON <>", "angle-empty@14+2"),
	ROW("Ann <(c)>", "angle-empty@4+5"),
	ROW("<", "no-address@0+1 angle-unbalanced@0+1"),
	ROW(">", "no-address@0+1 angle-unbalanced@0+1"),
	ROW("Ann <", "no-address@4+1 angle-unbalanced@4+1"),
	ROW("Ann >", "at-missing@0+5 angle-unbalanced@4+1"),

	/* text and addresses behind */
	ROW("Ann <ann@example.com> Smith", "text-after-address@22+5 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com> \"Smith\"", "text-after-address@22+7 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com>.", "text-after-address@21+1 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com>;", "text-after-address@21+1 [Ann|ann@example.com]"),
	ROW("ann@example.com Ann", "text-after-address@16+3 [ann@example.com]"),
	ROW("ann@example.com;", "text-after-address@15+1 [ann@example.com]"),
	ROW("Ann <ann@example.com>, Jr.", "text-after-address@23+3 [Ann|ann@example.com]"),
	ROW("Ann <ann@example.com>, Smith", "text-after-address@23+5 [Ann|ann@example.com]"),
	ROW("A <a@good.example> <b@bad.example>",
	    "second-address@19+15 [A|a@good.example] [b@bad.example ?]"),
	ROW("<a@x.example> Some <b@y.example>",
	    "second-address@19+13 [a@x.example] [Some|b@y.example ?]"),
	ROW("<a@x.example><b@y.example>", "second-address@13+13 [a@x.example] [b@y.example ?]"),
	ROW("a@x.example <b@y.example>", "name-special@1+1 [a@x.example|b@y.example]"),
	ROW("a@x.example b@y.example", "second-address@12+11 [a@x.example] [b@y.example ?]"),
	ROW("a@x.example b@y.example c@z.example",
	    "second-address@12+23 [a@x.example] [b@y.example ?]"),
	ROW("<a@x.example> b@y.example", "second-address@14+11 [a@x.example] [b@y.example ?]"),
	ROW("A <a@x.example> <b@y.example> <c@z.example>",
	    "second-address@16+27 [A|a@x.example] [b@y.example ?]"),
	ROW("a@x.example; b@y.example", "second-address@13+11 [a@x.example] [b@y.example ?]"),

	/* lists */
	ROW("a@x.example, b@y.example", "valid [a@x.example] [b@y.example]"),
	ROW("A <a@x.example>, B <b@y.example>", "valid [A|a@x.example] [B|b@y.example]"),
	ROW("<ceo@example.com>, <me@example.com>", "valid [ceo@example.com] [me@example.com]"),
	ROW("a@x.example,b@y.example,c@z.example",
	    "valid [a@x.example] [b@y.example] [c@z.example]"),
	ROW("a@x.example,", "element-empty@11+1 [a@x.example]"),
	ROW(",a@x.example", "element-empty@0+1 [a@x.example]"),
	ROW(",,a@x.example", "element-empty@0+1 [a@x.example]"),
	ROW("a@x.example,,b@y.example", "element-empty@12+1 [a@x.example] [b@y.example]"),
	ROW("a@x.example, , b@y.example", "element-empty@13+1 [a@x.example] [b@y.example]"),
	ROW("a@x.example, (c), b@y.example", "element-empty@16+1 [a@x.example] [b@y.example]"),
	ROW(",", "element-empty@0+1"),
	ROW(" , , ", "element-empty@1+1"),
	ROW("a@x.example, Bob, c@z.example",
	    "name-special@16+1 angle-missing@18+11 [a@x.example] [Bob|c@z.example]"),
	ROW("Bob, a@x.example", "name-special@3+1 angle-missing@5+11 [Bob|a@x.example]"),

	/* groups */
	ROW("Friends:;", "valid group group-empty@7+1"),
	ROW("Friends: ;", "valid group group-empty@7+1"),
	ROW("undisclosed-recipients:;", "valid group group-empty@22+1"),
	ROW("\"Quoted group\": a@x.example;", "valid group group@14+1 [a@x.example]"),
	ROW("Friends: a@x.example;", "valid group group@7+1 [a@x.example]"),
	ROW("Friends: a@x.example, B <b@y.example>;",
	    "valid group group@7+1 [a@x.example] [B|b@y.example]"),
	ROW("Friends: a@x.example; ", "valid group group@7+1 [a@x.example]"),
	ROW("Friends: a@x.example; (c)", "valid group group@7+1 [a@x.example]"),
	ROW("Friends:;, a@x.example", "valid group group-empty@7+1 [a@x.example]"),
	ROW("a@x.example, Friends: b@y.example;",
	    "valid group group@20+1 [a@x.example] [b@y.example]"),
	ROW("Friends: (none);", "valid group group-empty@7+1"),
	ROW("Friends: a@x.example", "name-special@7+1 angle-missing@9+11 [Friends|a@x.example]"),
	ROW("Friends: a@x.example; b",
	    "name-special@7+1 angle-missing@9+11 text-after-address@20+3 [Friends|a@x.example]"),
	ROW("Friends: a@x.example,;", "group group@7+1 element-empty@20+1 [a@x.example]"),
	ROW("A: B: a@x.example;;",
	    "name-special@1+1 angle-missing@6+11 text-after-address@17+2 [A: B|a@x.example]"),
	ROW("A: b@y.example; C: d@z.example",
	    "name-special@1+1 angle-missing@3+11 second-address@16+14 [A|b@y.example] [C|d@z.example ?]"),
	ROW("A.B: c@z.example;", "group phrase-dot@1+1 group@3+1 [c@z.example]"),
	ROW(":a@x.example;",
	    "name-special@0+1 angle-missing@1+11 text-after-address@12+1 [a@x.example]"),
	ROW("Team: Doe, John <j@x.example>;",
	    "group group@4+1 name-special@9+1 [Doe, John|j@x.example]"),

	/* source routes */
	ROW("<@a.example:ann@b.example>", "route@1+11 [ann@b.example]"),
	ROW("<@a.example,@b.example:ann@c.example>", "route@1+22 [ann@c.example]"),
	ROW("Ann <@a.example:ann@b.example>", "route@5+11 [Ann|ann@b.example]"),
	ROW("@a.example:ann@b.example",
	    "local-part-missing@0+1 second-address@10+14 name-special@10+1 angle-missing@11+13 [ann@b.example ?]"),
	ROW("<@a.example>", "local-part-missing@1+1"),
	ROW("<@a.example:>", "route@1+11 no-address@11+1"),

	/* control characters */
	ROW("ann@example.com\x00", "control@15+1"),
	ROW("\x00", "no-address@0+1 control@0+1"),
	ROW("Ann\x07 <ann@example.com>", "control@3+1 [Ann|ann@example.com]"),
	ROW("\"Ann\x07\" <ann@example.com>", "control@4+1 [Ann\\x07|ann@example.com]"),
	ROW("\"Ann\\x07\" <ann@example.com>", "valid [Annx07|ann@example.com]"),
	ROW("(Ann\x01) <ann@example.com>", "control@4+1 [ann@example.com]"),
	ROW("an\x7fn@example.com", "control@2+1"),
	ROW("Ann\rSmith <ann@example.com>", "control@3+1 [AnnSmith|ann@example.com]"),
	ROW("Ann\nSmith <ann@example.com>", "control@3+1 [AnnSmith|ann@example.com]"),
	ROW("Ann\r\nSmith <ann@example.com>", "control@3+1 [AnnSmith|ann@example.com]"),
	ROW("\"Ann\rSmith\" <ann@example.com>", "control@4+1 [Ann\\x0dSmith|ann@example.com]"),
	ROW("ann@exam\x00ple.com", "control@8+1"),
	ROW("\x1b[31mAnn <ann@example.com>",
	    "control@0+1 name-special@1+1 [[31mAnn|ann@example.com]"),
	ROW("ann@example.com\r\n", "control@15+1"),

	/* octets over 127 */
	ROW("J\xc3\xb6rg <j@example.com>", "name-8bit@1+2 [Jörg|j@example.com]"),
	ROW("\"J\xc3\xb6rg\" <j@example.com>", "name-8bit@2+2 [Jörg|j@example.com]"),
	ROW("(J\xc3\xb6rg) <j@example.com>", "name-8bit@2+2 [j@example.com]"),
	ROW("J\xf6rg <j@example.com>", "name-utf8@1+1 [J\\xf6rg|j@example.com]"),
	ROW("\"J\xf6rg\" <j@example.com>", "name-utf8@2+1 [J\\xf6rg|j@example.com]"),
	ROW("(J\xf6rg) j@example.com", "name-utf8@2+1 [j@example.com]"),
	ROW("j\xc3\xb6rg@example.com", "address-8bit@1+2 [jörg@example.com]"),
	ROW("j\xf6rg@example.com", "address-utf8@1+1"),
	ROW("\"j\xc3\xb6rg\"@example.com", "address-8bit@2+2 [jörg@example.com]"),
	ROW("j@b\xc3\xbc" "cher.example", "address-8bit@3+2 [j@bücher.example]"),
	ROW("j@b\xfc" "cher.example", "address-utf8@3+1"),
	ROW("\xc0\xaf <j@example.com>", "name-utf8@0+1 [\\xc0\\xaf|j@example.com]"),
	ROW("\xed\xa0\x80 <j@example.com>", "name-utf8@0+1 [\\xed\\xa0\\x80|j@example.com]"),
	ROW("J\xc3\xb6rg, X <j@example.com>",
	    "name-8bit@1+2 name-special@5+1 [Jörg, X|j@example.com]"),

	/* encoded-words */
	ROW("=?utf-8?q?J=C3=B6rg?= <j@example.com>", "valid [Jörg|j@example.com]"),
	ROW("=?UTF-8?B?SsO2cmc=?= <j@example.com>", "valid [Jörg|j@example.com]"),
	ROW("=?iso-8859-1?q?J=F6rg?= <j@example.com>", "valid [Jörg|j@example.com]"),
	ROW("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_Smith?= <j@example.com>",
	    "valid [Jörg Smith|j@example.com]"),
	ROW("=?utf-8?q?J=C3=B6rg?= Smith <j@example.com>", "valid [Jörg Smith|j@example.com]"),
	ROW("j@example.com (=?utf-8?q?J=C3=B6rg?=)", "valid [j@example.com]"),
	ROW("=?utf-8?q?J=0D=0ABcc:_x?= <j@example.com>",
	    "encoded-control@0+25 name-special@20+1 [J\\x0d\\x0aBcc: x|j@example.com]"),
	ROW("=?utf-8?q?J=00?= <j@example.com>",
	    "valid encoded-control@0+16 [J\\x00|j@example.com]"),
	ROW("=?utf-8?q?J=7F?= <j@example.com>",
	    "valid encoded-control@0+16 [J\\x7f|j@example.com]"),
	ROW("=?utf-8?b?Gw==?= <j@example.com>", "valid encoded-control@0+16 [\\x1b|j@example.com]"),
	ROW("\"=?utf-8?q?J=C3=B6rg?=\" <j@example.com>",
	    "valid encoded-quoted@1+21 [=?utf-8?q?J=C3=B6rg?=|j@example.com]"),
	ROW("=?utf-8?q?J=C3=B6rg <j@example.com>",
	    "valid encoded-malformed@0+19 [=?utf-8?q?J=C3=B6rg|j@example.com]"),
	ROW("=?utf-8?x?J?= <j@example.com>",
	    "valid encoded-malformed@0+13 [=?utf-8?x?J?=|j@example.com]"),
	ROW("=?utf-8?q?J=C3?= <j@example.com>",
	    "valid encoded-undecodable@0+16 [J�|j@example.com]"),
	ROW("=?utf-8?b?S?= <j@example.com>", "valid encoded-undecodable@0+13 [|j@example.com]"),
	ROW("=?x-unknown?q?J?= <j@example.com>",
	    "valid encoded-charset@0+17 [=?x-unknown?q?J?=|j@example.com]"),
	ROW("=?utf-8?q?Doe,_John?= <j@example.com>", "name-special@13+1 [Doe, John|j@example.com]"),
	ROW("=?utf-8?q?John Doe?= <j@example.com>",
	    "valid encoded-malformed@0+14 [=?utf-8?q?John Doe?=|j@example.com]"),
	ROW("=?utf-8?q?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?= <j@example.com>",
	    "valid encoded-long@0+86 [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|j@example.com]"),
	ROW("=?utf-8?q?me?=@example.com",
	    "valid encoded-address@0+14 [=?utf-8?q?me?=@example.com]"),
	ROW("me@=?utf-8?q?example?=",
	    "valid encoded-address@3+19 domain-one-label@3+19 [me@=?utf-8?q?example?=]"),
	ROW("<=?utf-8?q?me?=@example.com>",
	    "valid encoded-address@1+14 [=?utf-8?q?me?=@example.com]"),
	ROW("=?utf-8?q?me=40example.com?=", "no-address@0+28 encoded-address@0+28"),
	ROW("=?utf-8?q?Me_=3Cme=40example.com=3E?=", "no-address@0+37 encoded-address@0+37"),
	ROW("=?utf-8?q?ceo=40bank.example?= <me@example.com>",
	    "phrase-dot@20+1 [ceo@bank.example|me@example.com]"),
	ROW("=?utf-8*en?q?J?= <j@example.com>", "valid [J|j@example.com]"),
	ROW("=?= <j@example.com>", "valid encoded-malformed@0+3 [=?=|j@example.com]"),
	ROW("=? <j@example.com>", "valid encoded-malformed@0+2 [=?|j@example.com]"),

	/* odd ends */
	ROW("\x20", "blank"),
	ROW("\t", "blank"),
	ROW("\r\n ", "blank"),
	ROW("\"", "no-address@0+1 quote-unbalanced@0+1"),
	ROW("(", "no-address@0+1 comment-unbalanced@0+1"),
	ROW(")", "no-address@0+1 comment-unbalanced@0+1"),
	ROW("<\"", "angle-unbalanced@0+1 at-missing@1+1 quote-unbalanced@1+1"),
	ROW("\\", "no-address@0+1 name-special@0+1"),
	ROW("[", "no-address@0+1 name-special@0+1"),
	ROW("]", "no-address@0+1 name-special@0+1"),
	ROW(".", "no-address@0+1 name-dot-first@0+1"),
	ROW(";", "no-address@0+1 name-special@0+1"),
	ROW(":", "no-address@0+1 name-special@0+1"),
	ROW("\"unterminated", "at-missing@0+13 quote-unbalanced@0+1"),
	ROW("(unterminated", "at-missing@0+13 comment-unbalanced@0+1"),
	ROW("[unterminated", "at-missing@0+13 name-special@0+1"),

	/* a backslash before a fold quotes the CR, which is obs-qp */
	ROW("\"a\\\r\n b\"@example.com", "control@3+1 [\"a\\\\ b\"@example.com]"),
	ROW("\"Foo\\\r\n bar\" <a@example.com>", "control@5+1 [Foo\\ bar|a@example.com]"),
	ROW("(x\\\r\n ) a@example.com", "control@3+1 [a@example.com]"),

	/* blank folds inside quotes and comments, blanks beside the dots of a domain */
	ROW("\"a\r\n \r\n b\" <q@example.com>", "fold-blank@0+10 [a  b|q@example.com]"),
	ROW("(a\r\n \r\n b) a@example.com", "fold-blank@0+10 [a@example.com]"),
	ROW("\"a\r\n b\r\n c\" <q@example.com>", "valid [a b c|q@example.com]"),
	ROW("a@b . example", "domain-space@3+1"),
	ROW("a@b. example", "domain-space@4+1"),
	ROW("a@b.(c)example", "domain-comment@4+3"),
	ROW("a@b.example . ", "domain-space@11+1"),
	ROW("a@b.example Smith. Jr", "text-after-address@12+9 [a@b.example]"),

	/* encoded-words with specials in them */
	ROW("a@=?utf-8?Q?b?=.example",
	    "valid encoded-address@2+21 domain-character@2+1 [a@=?utf-8?Q?b?=.example]"),
	ROW("Foo <=?utf-8?Q?a=40b.example?=>", "at-missing@5+25 encoded-address@5+25"),
	ROW("=?utf-8?q?a@example.com?=",
	    "valid encoded-address@0+25 domain-character@23+1 [=?utf-8?q?a@example.com?=]"),
	ROW("=?utf-8?q?Acme_Inc.?= <a@example.com>", "phrase-dot@18+1 [Acme Inc.|a@example.com]"),
	ROW("=?utf-8?q?a.b?= =?utf-8?q?c.d?= <a@example.com>",
	    "phrase-dot@11+1 [a.bc.d|a@example.com]"),
	ROW("=?utf-8?q?a?= (c) =?utf-8?q?b?= <a@example.com>", "valid [a b|a@example.com]"),
	ROW("=?utf-8?q?a?=b <a@example.com>",
	    "valid encoded-malformed@0+14 [=?utf-8?q?a?=b|a@example.com]"),
	ROW("x=?utf-8?q?a?= <a@example.com>", "valid [x=?utf-8?q?a?=|a@example.com]"),
	ROW("=?utf-8?q?a?=\"b\" <a@example.com>", "valid [ab|a@example.com]"),
	ROW("=?utf-8?q?J=0A:_x?= <j@example.com>",
	    "encoded-control@0+19 name-special@14+1 [J\\x0a: x|j@example.com]"),
	ROW("Ann (=?utf-8?q?=07?=) <ann@example.com>",
	    "valid encoded-control@5+15 [Ann|ann@example.com]"),
	ROW("Ann (=?utf-8?q?x?=\r\n =?utf-8?q?y?=) <ann@example.com>",
	    "valid [Ann|ann@example.com]"),
	ROW("\"a =?utf-8?q?b?= c\" <ann@example.com>",
	    "valid encoded-quoted@3+13 [a =?utf-8?q?b?= c|ann@example.com]"),
	ROW("<ann@example.com, bob@example.com>", "at-extra@21+1"),

	/* with SMTPUTF8 */
	ROW8("J\xc3\xb6rg <j@example.com>", "valid [Jörg|j@example.com]"),
	ROW8("\"J\xc3\xb6rg\" <j@example.com>", "valid [Jörg|j@example.com]"),
	ROW8("(J\xc3\xb6rg) <j@example.com>", "valid [j@example.com]"),
	ROW8("J\xf6rg <j@example.com>", "name-utf8@1+1 [J\\xf6rg|j@example.com]"),
	ROW8("j\xc3\xb6rg@example.com", "valid [jörg@example.com]"),
	ROW8("\"j\xc3\xb6 rg\"@example.com", "valid [\"jö rg\"@example.com]"),
	ROW8("j@b\xc3\xbc" "cher.example", "valid [j@bücher.example]"),
	ROW8("j@\xe4\xbe\x8b\xe5\xad\x90.example", "valid [j@例子.example]"),
	ROW8("j@b\xfc" "cher.example", "address-utf8@3+1"),
	ROW8("j@-b\xc3\xbc" "cher.example", "valid domain-hyphen@2+1 [j@-bücher.example]"),
	ROW8("j@\xe2\x98\x83.example", "valid domain-idn@2+3 [j@☃.example]"),
	ROW8("J\xc3\xb6rg, X <j@example.com>", "name-special@5+1 [Jörg, X|j@example.com]"),
	ROW8("\xe5\xb1\xb1\xe7\x94\xb0 <y@example.jp>", "valid [山田|y@example.jp]"),
	ROW8("\xc2\xa0J <j@example.com>", "valid [ J|j@example.com]"),
	ROW8("j\xed\xa0\x80@example.com", "address-utf8@1+1"),
};

/* Says what was parsed in the words of the table. */
static void describe(const struct from_field *from, struct buf *out)
{
	struct buf raw;

	buf_init(&raw, 100000);
	buf_add_text(&raw, from->blank ? "blank" : from->valid ? "valid" : "");
	if (from->group)
		buf_add_text(&raw, " group");
	for (size_t i = 0; i < from->error_count; i++)
		buf_printf(&raw, " %s@%zu+%zu", syntax_rule(from->errors[i].code)->name,
		    from->errors[i].offset, from->errors[i].length);
	for (const struct mailbox *m = from->mailboxes; m != NULL; m = m->next) {
		buf_add_text(&raw, " [");
		if (m->display_name.data != NULL) {
			buf_add_slice(&raw, m->display_name);
			buf_add_char(&raw, '|');
		}
		buf_add_slice(&raw, m->address);
		buf_add_text(&raw, m->shaky ? " ?]" : "]");
	}
	buf_reset(out);
	utf8_escape(out, slice_trim(buf_slice(&raw)));
	buf_free(&raw);
}

START_TEST(grammar)
{
	struct buf got;

	buf_init(&got, 100000);
	for (int i = 0; i < ROWS(rows); i++) {
		struct arena *arena = arena_new();
		struct slice body = exact(rows[i].body, rows[i].len);

		describe(from_parse(arena, body, rows[i].smtputf8), &got);
		expect_slice(rows[i].body, "what was parsed", buf_slice(&got), rows[i].wanted);
		exact_free(body);
		arena_free(arena);
	}
	buf_free(&got);
}
END_TEST

/* Every octet, in every place where the grammar treats octets differently. */
START_TEST(every_octet)
{
	static const struct {
		const char *before, *behind;
	} forms[] = { { "a", "b <x@y.example>" }, { "\"a", "b\" <x@y.example>" },
		{ "(a", "b) x@y.example" }, { "a", "b@y.example" }, { "x@a", "b.example" },
		{ "\"a", "b\"@y.example" } };

	for (int f = 0; f < ROWS(forms); f++) {
		for (int c = 0; c < 256; c++) {
			struct arena *arena = arena_new();
			char text[64];
			int len = snprintf(text, sizeof text, "%s%c%s", forms[f].before, c,
			    forms[f].behind);
			struct slice body = exact(text, (size_t)len);
			const struct from_field *from = from_parse(arena, body, false);
			bool control = (c < 32 && c != '\t') || c == 127;
			bool noted = false;

			for (size_t i = 0; i < from->error_count; i++) {
				const struct syntax_error *e = &from->errors[i];

				ck_assert_msg(e->offset + e->length <= body.len,
				    "form %d octet %d: %s points outside", f, c,
				    syntax_rule(e->code)->name);
				noted |= e->code == SYNTAX_CONTROL;
			}
			ck_assert_msg(noted == control, "form %d octet %d: control", f, c);
			ck_assert_msg(!control || !from->valid, "form %d octet %d: valid", f, c);
			ck_assert_msg(c < 128 || !from->valid, "form %d octet %d: 8-bit", f, c);
			exact_free(body);
			arena_free(arena);
		}
	}
}
END_TEST

/* A body of `prefix`, n times `unit`, `suffix`; the caller frees it. */
static struct slice repeated(const char *prefix, const char *unit, size_t n, const char *suffix)
{
	struct buf b;
	struct slice s;

	buf_init(&b, 1 << 20);
	buf_add_text(&b, prefix);
	while (n-- > 0)
		buf_add_text(&b, unit);
	buf_add_text(&b, suffix);
	s = exact(buf_text(&b), b.len);
	buf_free(&b);
	return s;
}

START_TEST(lengths)
{
	static const struct {
		const char *prefix, *unit;
		size_t n;
		const char *suffix;
		enum syntax_code code; /* SYNTAX_OK: no error of class LENGTH */
		size_t offset;
	} limits[] = {
		{ "", "a", 64, "@example.com", SYNTAX_OK, 0 },
		{ "", "a", 65, "@example.com", SYNTAX_LOCAL_PART_LONG, 0 },
		{ "X <\"", "a", 62, "\"@example.com>", SYNTAX_OK, 0 },
		{ "X <\"", "a", 63, "\"@example.com>", SYNTAX_LOCAL_PART_LONG, 3 },
		{ "a@", "b", 63, ".example", SYNTAX_OK, 0 },
		{ "a@", "b", 64, ".example", SYNTAX_LABEL_LONG, 2 },
		{ "a@", "bbbbbbb.", 31, "com", SYNTAX_OK, 0 },	    /* 2 + 251 = 253 */
		{ "aa@", "bbbbbbb.", 31, "com", SYNTAX_OK, 0 },	    /* 254 */
		{ "aaa@", "bbbbbbb.", 31, "com", SYNTAX_ADDRESS_LONG, 0 },
		{ "a@", "bbbbbbb.", 31, "comcomc", SYNTAX_ADDRESS_LONG, 0 }, /* domain 255 */
		{ "X <a@", "bbbbbbb.", 31, "comcomco>", SYNTAX_ADDRESS_LONG, 3 },
		{ "\"", "x", 975, "\" <a@example.com>", SYNTAX_OK, 0 }, /* 5 + 993 = 998 */
		{ "\"", "x", 976, "\" <a@example.com>", SYNTAX_LINE_LONG, 0 },
		{ "\"x\r\n ", "x", 980, "\" <a@example.com>", SYNTAX_OK, 0 },
		{ "\"x\r\n ", "x", 981, "\" <a@example.com>", SYNTAX_LINE_LONG, 4 },
		{ "a@example.com,\r\n ", "b@example.com,\r\n ", 1900, "c@example.com", SYNTAX_OK, 0 },
		{ "", "a@example.com,\r\n ", 2100, "c@example.com", SYNTAX_FIELD_LONG, 32768 },
	};

	for (int i = 0; i < ROWS(limits); i++) {
		struct arena *arena = arena_new();
		struct slice body = repeated(limits[i].prefix, limits[i].unit, limits[i].n,
		    limits[i].suffix);
		const struct from_field *from = from_parse(arena, body, false);
		const struct syntax_error *e = from_error(from, SYNTAX_CLASS_LENGTH);

		ck_assert_msg((e == NULL ? SYNTAX_OK : e->code) == limits[i].code, "row %d: got %s",
		    i, syntax_rule(e == NULL ? SYNTAX_OK : e->code)->name);
		if (e != NULL)
			ck_assert_msg(e->offset == limits[i].offset, "row %d: offset %zu", i,
			    e->offset);
		ck_assert_msg(from->unparsed == (limits[i].code == SYNTAX_FIELD_LONG), "row %d", i);
		exact_free(body);
		arena_free(arena);
	}
}
END_TEST

/* Ceilings: mailboxes are counted on, errors never exceed one a code. */
START_TEST(ceilings)
{
	static const char *const units[] = { "a@b.example,", "<", "(", "\"", "a b ", "<a@b>,",
		"a@b c@d,", "<@", "g:a@b;,", "=?utf-8?q?=00?= ", "\\\"", "[", "\x80", ",", "a@" };

	for (int i = 0; i < ROWS(units); i++) {
		struct arena *arena = arena_new();
		struct slice body = repeated("", units[i], 32000 / strlen(units[i]), "x@y.example");
		const struct from_field *from = from_parse(arena, body, true);
		size_t kept = 0;

		for (const struct mailbox *m = from->mailboxes; m != NULL; m = m->next)
			kept++;
		ck_assert_msg(kept <= FROM_MAILBOXES_MAX && kept <= from->count, "unit %d", i);
		ck_assert_msg(from->error_count < SYNTAX_CODES, "unit %d", i);
		if (i == 0)
			ck_assert_uint_eq(from->count, 32000 / 12 + 1);
		ck_assert_msg(arena_used(arena) < 4 << 20, "unit %d: %zu octets of memory", i,
		    arena_used(arena));
		exact_free(body);
		arena_free(arena);
	}
}
END_TEST

START_TEST(formatting)
{
	static const struct {
		const char *local_part, *domain, *wanted;
	} pairs[] = {
		{ "ann", "example.com", "ann@example.com" },
		{ "a.b", "example.com", "a.b@example.com" },
		{ "", "example.com", "\"\"@example.com" },
		{ "a b", "example.com", "\"a b\"@example.com" },
		{ "a\"b\\c", "example.com", "\"a\\\"b\\\\c\"@example.com" },
		{ ".a", "example.com", "\".a\"@example.com" },
		{ "a.", "example.com", "\"a.\"@example.com" },
		{ "a..b", "example.com", "\"a..b\"@example.com" },
		{ "a@b", "example.com", "\"a@b\"@example.com" },
		{ "j\xc3\xb6", "example.com", "j\xc3\xb6@example.com" },
	};
	struct arena *arena = arena_new();

	for (int i = 0; i < ROWS(pairs); i++)
		expect_slice(pairs[i].wanted, "address",
		    address_format(arena, slice_of(pairs[i].local_part), slice_of(pairs[i].domain)),
		    pairs[i].wanted);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("from");
	TCase *tc = tcase_create("from");

	tcase_add_test(tc, grammar);
	tcase_add_test(tc, every_octet);
	tcase_add_test(tc, lengths);
	tcase_add_test(tc, ceilings);
	tcase_add_test(tc, formatting);
	suite_add_tcase(suite, tc);
	return suite;
}
