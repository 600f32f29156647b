#!/bin/sh
# replay.sh - every fuzz target over its corpus, as part of `make check`.
#
# Fails when a target or a corpus is missing, when a target ran nothing, or when
# one of its properties did not hold.  Built with --enable-fuzzing the targets
# are libFuzzer's, and run their corpus once without looking for more.

: "${srcdir:=.}" "${builddir:=.}"
targets='from path encoded-word domain file config records spf dmarc dkim signer directory log'
status=0

fail()
{
	echo "FAIL: $*"
	status=1
}

# Prints what the target has to say, and how many inputs it ran as the last word.
replay()
{
	# libFuzzer's main knows -help, replay.c's refuses options
	if "$1" -help=1 >/dev/null 2>&1; then
		"$1" -runs=0 "$2" 2>&1
	else
		"$1" "$2" 2>&1
	fi
}

for name in $targets; do
	target=$builddir/t/fuzz/fuzz-$name
	corpus=$srcdir/t/fuzz/corpus/$name
	if ! test -x "$target"; then
		fail "$name: $target is not built"
	elif ! test -d "$corpus"; then
		fail "$name: there is no $corpus"
	elif ! output=$(replay "$target" "$corpus"); then
		fail "$name"
		echo "$output"
	else
		# "40 inputs and ..." here, "Done 41 runs in ..." with libFuzzer
		runs=$(echo "$output" | sed -n \
			-e 's/^\([0-9]*\) inputs and.*/\1/p' -e 's/^Done \([0-9]*\) runs.*/\1/p')
		if test "${runs:-0}" -gt 0; then
			echo "ok: $name: $(echo "$output" | tail -n 1)"
		else
			fail "$name: no input ran"
			echo "$output"
		fi
	fi
done
exit $status
