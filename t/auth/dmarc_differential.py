#!/usr/bin/python3
"""Compares `presend dmarc` with other judges over generated zones.

  RFC 7489   Mail::DMARC (libmail-dmarc-perl), authheaders (python3-authheaders)
  RFC 9989   mailauth 7 or later (npm; see judges.py)

A judge that is not installed is left out, loudly; with CI=true that is a failure.
Every difference must have a reason in `reasons` below, each of them looked into;
one without is a failure, and is printed with its zone.

  dmarc_differential.py [--cases N] [--seed N] [--show REASON]
"""
import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import judges as installed

# ---- the judges ---------------------------------------------------------------------

PERL = r'''
use strict; use warnings; use JSON::PP;
BEGIN { $SIG{__WARN__} = sub {}; }
use Mail::DMARC::PurePerl;
no warnings 'redefine';
our $zone;
{
	package Zone;
	sub send {
		my ($self, $name, $type) = @_;
		my ($at) = lc($name) =~ /^_dmarc\.(.*)/;
		my $texts = $at && $type eq 'TXT' ? $main::zone->{$at} || [] : [];
		return bless { answer => [map { bless { text => $_ }, 'Text' } @$texts] }, 'Answer';
	}
	package Answer;
	sub answer { return @{ $_[0]->{answer} }; }
	package Text;
	sub type { return 'TXT'; }
	sub txtdata { return $_[0]->{text}; }
}
# it wants the author domain to exist before anything else: let it
*Mail::DMARC::PurePerl::exists_in_dns = sub { return 1; };
*Mail::DMARC::PurePerl::verify_external_reporting = sub { return 1; };
$| = 1;
while (my $line = <STDIN>) {
	my $case = decode_json($line);
	$zone = $case->{records};
	my $d = Mail::DMARC::PurePerl->new();
	my %out;
	eval {
		$d->set_resolver(bless {}, 'Zone');
		$d->source_ip('192.0.2.1');
		$d->header_from($case->{from});
		$d->dkim([map { { domain => $_, selector => 's', result => 'pass' } } @{ $case->{dkim} }])
		    if @{ $case->{dkim} };
		$d->spf([{ domain => $case->{spf} || 'none.example', scope => 'mfrom',
		    result => $case->{spf} ? 'pass' : 'fail' }]);
		my $r = $d->validate();
		%out = (result => $r->result, disposition => lc $r->disposition);
		1;
	} or %out = (error => substr("$@", 0, 80));
	print encode_json(\%out), "\n";
}
'''

NODE = r'''
const { dmarc } = require(MAILAUTH + '/lib/dmarc');
const fail = code => Object.assign(new Error(code), { code });
const lines = require('readline').createInterface({ input: process.stdin });
let last = Promise.resolve();
async function judge(c) {
	const names = new Set(c.exists);
	const resolver = async (name, type) => {
		const at = name.toLowerCase().replace(/^_dmarc\./, '');
		if (c.timeouts.includes(name)) throw fail('ETIMEOUT');
		if (type === 'TXT' && name.startsWith('_dmarc.') && c.records[at])
			return c.records[at].map(text => [text]);
		throw fail(names.has(name) ? 'ENODATA' : 'ENOTFOUND');
	};
	const spf = c.spf ? [{ domain: c.spf }] : [];
	const r = await dmarc({ headerFrom: ['a@' + c.from], spfDomains: spf,
		dkimDomains: c.dkim.map(domain => ({ domain })), resolver });
	return { result: r ? r.status.result : 'none', record_domain: r && r.policyDomain || null,
		disposition: r && r.status.result === 'fail' ? r.policy : 'none', org_domain: r && r.domain };
}
lines.on('line', line => {
	last = last.then(() => judge(JSON.parse(line)))
		.then(r => process.stdout.write(JSON.stringify(r) + '\n'))
		.catch(e => process.stdout.write(JSON.stringify({ error: e.message }) + '\n'));
});
'''


class Pipe:
    """A judge that answers a line of JSON with a line of JSON."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def __call__(self, case):
        self.process.stdin.write(json.dumps(case) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Authheaders:
    """Takes one signature at a time and one record a name: given the strongest pair."""

    def __init__(self):
        from authheaders import dmarc_lookup, dmarc_per_from
        from authres import DKIMAuthenticationResult, SPFAuthenticationResult
        from publicsuffix2 import PublicSuffixList
        with open(dmarc_lookup.get_suffix_list_file_name(), encoding='utf-8') as file:
            suffixes = PublicSuffixList(file)
        # the package reads its list anew for every name: the same list, read once
        dmarc_lookup.get_org_domain = suffixes.get_public_suffix
        import authheaders
        authheaders.get_org_domain = suffixes.get_public_suffix
        self.judge = dmarc_per_from
        self.dkim, self.spf = DKIMAuthenticationResult, SPFAuthenticationResult

    def __call__(self, case):
        def lookup(name):
            texts = case['records'].get(name[len('_dmarc.'):], []) \
                if name.startswith('_dmarc.') else []
            records = [t for t in texts if t.startswith('v=DMARC1')]
            return records[0] if len(records) == 1 else None

        spf = self.spf(result='pass', smtp_mailfrom='a@' + case['spf']) if case['spf'] else None
        results = set()
        policy = ''
        try:
            for domain in case['dkim'] or [None]:
                dkim = self.dkim(result='pass', header_d=domain) if domain else None
                result, _, _, policy = self.judge(case['from'], spf, dkim, dnsfunc=lookup)
                results.add(result)
        except Exception as error:  # whatever it cannot read
            return {'error': repr(error)[:80]}
        best = 'pass' if 'pass' in results else results.pop()
        return {'result': best, 'disposition': policy if best == 'fail' else 'none'}

    def close(self):
        pass


def judges():
    """(name, standard, judge) of those that are there, and the names of the others."""
    found, absent = [], []
    if installed.perl_has('Mail::DMARC::PurePerl'):
        found.append(('Mail::DMARC', 'rfc7489', Pipe(['perl', '-e', PERL])))
    else:
        absent.append('Mail::DMARC')
    try:
        found.append(('authheaders', 'rfc7489', Authheaders()))
    except ImportError:
        absent.append('authheaders')
    mailauth = installed.mailauth_command(NODE)
    if mailauth:
        found.append(('mailauth', 'rfc9989', Pipe(mailauth)))
    else:
        absent.append('mailauth')
    return found, absent


# ---- generated worlds ------------------------------------------------------------------

TREES = ['example.com', 'example.co.uk', 'alice.uk.com', 'real.gov.uk', 'giant.bank.example']
LABELS = ['a', 'bb', 'mail', 'news']


def name_in(rng, tree):
    depth = rng.choice([0, 0, 0, 1, 1, 2, 3, 5, 7])
    return '.'.join([rng.choice(LABELS) for _ in range(depth)] + [tree])


def near(rng, name):
    """The name, one above it, one below it, or a neighbour."""
    labels = name.split('.')
    pick = rng.randrange(6)
    if pick == 0:
        return name
    if pick == 1 and len(labels) > 1:
        return '.'.join(labels[rng.randrange(1, len(labels)):])
    if pick == 2:
        return rng.choice(LABELS) + '.' + name
    if pick == 3 and len(labels) > 2:
        return rng.choice(LABELS) + '.' + '.'.join(labels[rng.randrange(1, len(labels) - 1):])
    if pick == 4:
        return 'esp.example.net'
    return 'x' + name


GOOD = {'p': ['none', 'quarantine', 'reject'], 'sp': ['none', 'quarantine', 'reject'],
        'np': ['none', 'quarantine', 'reject'], 'adkim': ['r', 's'], 'aspf': ['r', 's'],
        'psd': ['y', 'n', 'u'], 't': ['y', 'n'], 'pct': ['0', '100'],
        'rua': ['mailto:a@example.com', 'mailto:a@example.com,mailto:b@example.com'],
        'fo': ['0', '1', 'd:s']}
ODD = {'p': ['Reject', 'NONE', 'rej', '', 'no ne'], 'sp': ['Reject', 'block', ''],
       'np': ['REJECT', 'x'], 'adkim': ['S', 'strict', ''], 'aspf': ['S', 'x'],
       'psd': ['Y', 'maybe'], 't': ['Y', 'yes'], 'pct': ['101', 'x', '-1'],
       'rua': ['a@example.com', 'mailto:', 'https://example.com/', ',mailto:a@example.com'],
       'fo': ['2', '1:1']}


def record(rng, odd):
    tags = ['p'] if rng.random() < 0.93 else []
    tags += [t for t in GOOD if t != 'p' and rng.random() < (0.25 if t != 'pct' else 0.1)]
    if odd and rng.random() < 0.4:
        rng.shuffle(tags)
    text = 'v=DMARC1'
    if odd and rng.random() < 0.1:
        text = rng.choice(['v=dmarc1', ' v=DMARC1', 'V=DMARC1', 'v = DMARC1', 'v=DMARC1x',
                           'x=1; v=DMARC1', 'v=spf1 -all'])
    for tag in tags:
        value = rng.choice(ODD[tag] if odd and rng.random() < 0.12 else GOOD[tag])
        if odd and rng.random() < 0.05:
            tag = tag.upper()
        text += rng.choice(['; ', ';', ' ; ']) + tag + rng.choice(['=', '=', '=', ' = ']) + value
        if odd and rng.random() < 0.04:
            text += rng.choice(['; x=1', ';;', '; junk', '; adkim=r', '; p=none'])
    return text + rng.choice(['', ';'])


def world(rng, odd):
    tree = rng.choice(TREES)
    author = name_in(rng, tree)
    labels = author.split('.')
    records = {}
    for i in range(len(labels)):
        name = '.'.join(labels[i:])
        if rng.random() < (0.45 if name in (author, tree) else 0.2):
            records[name] = [record(rng, odd)]
            if rng.random() < 0.05:
                records[name].append(record(rng, odd))
    dkim = [near(rng, author) for _ in range(rng.choice([0, 1, 1, 2]))]
    for domain in dkim:
        if rng.random() < 0.2:
            records.setdefault(domain, [record(rng, odd)])
    listed = {'_dmarc.' + name for name in records}
    exists = {author} if rng.random() < 0.6 else set()
    for name in listed | exists:
        parts = name.split('.')
        exists |= {'.'.join(parts[i:]) for i in range(len(parts))}
    timeouts = []
    if rng.random() < 0.1:
        candidates = ['_dmarc.' + '.'.join(labels[i:]) for i in range(len(labels))] + [author]
        free = [name for name in candidates if name[len('_dmarc.'):] not in records]
        timeouts = [rng.choice(free)] if free else []
    return {'from': author, 'dkim': dkim, 'spf': near(rng, author) if rng.random() < 0.5 else None,
            'records': records, 'exists': sorted(exists), 'timeouts': timeouts}


def zone_text(case):
    quote = lambda text: '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'
    lines = [f'_dmarc.{name} TXT {quote(text)}' for name, texts in case['records'].items()
             for text in texts]
    lines += [f'{name} A 192.0.2.1' for name in case['exists']
              if not name.startswith('_dmarc.') and name not in case['timeouts']]
    lines += [f';; TIMEOUT {name}' for name in case['timeouts']]
    return '\n'.join(lines) + '\n'


def ours(presend, case, folder):
    path = os.path.join(folder, 'zone')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(zone_text(case))
    command = [presend, 'dmarc', '--offline', '--records', path, '--json', '--from', case['from']]
    for domain in case['dkim']:
        command += ['--dkim', domain]
    if case['spf']:
        command += ['--spf', case['spf']]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1, 2):
        sys.exit(f'{" ".join(command)}: {done.returncode}: {done.stderr}\n{zone_text(case)}')
    verdicts = json.loads(done.stdout)
    return verdicts.get('dmarc', verdicts)


# ---- the reasons for differences ---------------------------------------------------------

def texts_used(case):
    """The texts that an RFC 7489 receiver meets: of the author and all names above it."""
    labels = case['from'].split('.')
    return [text for i in range(len(labels))
            for text in case['records'].get('.'.join(labels[i:]), [])]


def tags(text):
    pieces = [piece.partition('=') for piece in text.split(';')]
    return [(name.strip().lower(), value.strip()) for name, equals, value in pieces if equals]


def has_tag(case, *names):
    return any(name in names for text in texts_used(case) for name, _ in tags(text))


def odd_value(case, *names):
    return any(name in names and value not in GOOD[name]
               for text in texts_used(case) for name, value in tags(text))


def odd_version(case):
    return any(not re.match(r'v=DMARC1\s*(;|$)', text) for text in texts_used(case))


def repeats(case):
    return any(len(names) > len(set(names)) for names in
               [[name for name, _ in tags(text)] for text in texts_used(case)])


def unlisted(case, mine, theirs):
    return case['from'].endswith('.example')


def suffixes(case, mine, theirs):
    names = [case['from'], case['spf'] or ''] + case['dkim']
    return any(name in ('com', 'uk', 'co.uk', 'uk.com', 'gov.uk', 'example') for name in names)


# Which judge, why it differs from us, and whether that is so here: asked in this order.
# Where we stand, and why, is said for each in docs/deviations.md.
REASONS = [
    ('Mail::DMARC', 'knows no author domain below a top domain that is not listed', unlisted),
    ('Mail::DMARC', 'says fail, and does nothing, where the record cannot be used',
     lambda case, mine, theirs: mine['result'] == 'none' and theirs.get('result') == 'fail'
     and theirs['disposition'] == 'none'),
    ('Mail::DMARC', 'takes blanks out of values', lambda case, mine, theirs:
     any(re.search('no ne', text) for text in texts_used(case))),
    ('Mail::DMARC', 'reads the version by its first eight octets, in any case',
     lambda case, mine, theirs: odd_version(case)),
    ('Mail::DMARC', 'takes an empty value for none', lambda case, mine, theirs:
     any(value == '' for text in texts_used(case) for _, value in tags(text))),
    ('Mail::DMARC', 'keeps sp where a missing or bad p counts as none', lambda case, mine, theirs:
     has_tag(case, 'sp') and has_tag(case, 'rua') and mine['policy'] == 'none'),
    ('Mail::DMARC', 'does without the record where p is bad, rua or not',
     lambda case, mine, theirs: odd_value(case, 'p') and theirs.get('result') == 'fail'
     and theirs['disposition'] == 'none'),
    ('Mail::DMARC', 'does not check pct', lambda case, mine, theirs: odd_value(case, 'pct')),
    ('authheaders', 'takes the top domain for the organizational one where it is not listed',
     unlisted),
    ('authheaders', 'aligns by a public suffix', suffixes),
    ('authheaders', 'uses np (RFC 9091)', lambda case, mine, theirs: has_tag(case, 'np')),
    ('authheaders', 'takes sp for the name that publishes it', lambda case, mine, theirs:
     has_tag(case, 'sp') and mine['record_domain'] == case['from']
     and theirs.get('result') == 'fail' == mine['result']),
    ('authheaders', 'has no rule for a missing or bad policy', lambda case, mine, theirs:
     odd_value(case, 'p', 'sp') or any('p' not in dict(tags(text)) for text in texts_used(case))),
    ('authheaders', 'takes a bad mode for no alignment', lambda case, mine, theirs:
     odd_value(case, 'adkim', 'aspf')),
    ('authheaders', 'does not read pct', lambda case, mine, theirs: has_tag(case, 'pct')),
    ('authheaders', 'cannot read pieces that are no tags', lambda case, mine, theirs:
     'IndexError' in theirs.get('error', '')),
    ('authheaders', 'reads the version by its first eight octets',
     lambda case, mine, theirs: odd_version(case)),
    ('authheaders', 'goes up where several records are published', lambda case, mine, theirs:
     len(case['records'].get(case['from'], [])) > 1),
]


def reason(case, judge, mine, theirs):
    for who, name, applies in REASONS:
        if who == judge and applies(case, mine, theirs):
            return name
    return None


def differ(mine, theirs):
    if 'error' in theirs:
        return True
    keys = ['result', 'disposition', 'record_domain']
    # an error above a record leaves the organizational domain untold; mailauth then names another
    keys += ['org_domain'] if mine['org_domain'] else []
    return any(theirs[key] != mine[key] for key in keys if key in theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cases', type=int, default=400)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--show')
    options = parser.parse_args()
    presend = os.environ.get('PRESEND') or os.path.join(os.environ.get('builddir', '.'), 'presend')
    found, absent = judges()
    print(f'seed {options.seed}, {options.cases} worlds')
    rng = random.Random(options.seed)
    counts = collections.Counter()
    unexplained = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.cases):
            case = world(rng, odd=number % 2 == 1)
            verdicts = ours(presend, case, folder)
            for name, standard, judge in found:
                if case['timeouts'] and standard == 'rfc7489':
                    continue
                theirs = judge(case)
                counts[name, 'judged'] += 1
                if not differ(verdicts[standard], theirs):
                    continue
                why = reason(case, name, verdicts[standard], theirs)
                counts[name, why or 'NO REASON'] += 1
                if why is None or why == options.show:
                    unexplained += why is None
                    print(f'--- {name}: from {case["from"]}, dkim {case["dkim"]}, spf {case["spf"]}'
                          f'\n{zone_text(case)}ours   {verdicts[standard]}\ntheirs {theirs}')
    for _, _, judge in found:
        judge.close()
    for (name, what), count in sorted(counts.items()):
        print(f'{count:6} {name}: {what}')
    failed = unexplained + installed.missing(absent)
    if not found:
        print('no other judge is installed')
        return 77
    print(f'{max(0, options.cases - failed)} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
