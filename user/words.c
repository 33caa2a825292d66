/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

const char *direction_name(enum direction direction)
{
	return direction == DIRECTION_IN ? "in" : "out";
}

const char *mode_name(enum mode mode)
{
	static const char *const names[] = {
		[MODE_OFF] = "off", [MODE_AUDIT] = "audit", [MODE_ENFORCE] = "enforce"};

	return names[mode];
}

const char *lookup_name(enum lookup lookup)
{
	return lookup == LOOKUP_FLAT ? "flat" : "maps";
}

const char *forwarding_name(enum forwarding forwarding)
{
	static const char *const names[] = {[FORWARDING_REFUSE] = "refuse",
					    [FORWARDING_DROP] = "drop",
					    [FORWARDING_PASS] = "pass"};

	return names[forwarding];
}

static const struct {
	const char *name;
	enum verdict verdict;
	const char *meaning;
} reasons[] = {
#define X(symbol, word, verdict, meaning) [REASON_##symbol] = {word, VERDICT_##verdict, meaning},
	SALLYPORT_REASONS(X)
#undef X
};

const char *reason_name(enum reason reason)
{
	return reasons[reason].name;
}

const char *reason_meaning(enum reason reason)
{
	return reasons[reason].meaning;
}

enum verdict reason_verdict(enum reason reason)
{
	return reasons[reason].verdict;
}

const char *verdict_name(enum verdict verdict)
{
	return verdict == VERDICT_PASS ? "pass" : "drop";
}
