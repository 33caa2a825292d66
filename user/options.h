/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: what a command is, every option by name once, and how both are read and
 * explained. A command takes the options in its set and the common ones.
 */
#ifndef SALLYPORT_OPTIONS_H
#define SALLYPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the program ends with; scripts rely on these. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_POLICY = 3, /* the policy, or a packet line, has errors */
};

enum option_id {
	/* Common: every command takes them. */
	OPTION_CATALOGS,
	OPTION_PINS,
	OPTION_FEEDS,
	OPTION_JSON,
	OPTION_PRETTY,
	OPTION_VERBOSE,
	OPTION_HELP,
	OPTION_VERSION,
	/* Of single commands. */
	OPTION_PRINT,
	OPTION_SITE,
	OPTION_HOST,
	OPTION_ADDRESS,
	OPTION_ROLE,
	OPTION_MODEL,
	OPTION_LOOKUP,
	OPTION_DRY_RUN,
	OPTION_XDP_MODE,
	OPTION_EGRESS_HOOK,
	OPTION_INTERFACE,
	OPTION_LISTEN_ADDRESS,
	OPTION_FORMAT,
	OPTION_ALL,
	OPTION_CSV,
	OPTION_TIMEOUT,
	OPTION_NAME,
	OPTION_TITLE,
	OPTION_ACCEPT_SHRINK,
	OPTION_FOLLOW,
	OPTION_PCAP,
	OPTION_REASON,
	OPTION_COUNT,
};
#define OPTION_SET(id) (UINT64_C(1) << (id))
#define OPTION_SET_PLAYER                                                                          \
	(OPTION_SET(OPTION_HOST) | OPTION_SET(OPTION_ADDRESS) | OPTION_SET(OPTION_ROLE))

struct invocation;

struct command {
	const char *name;
	const char *summary;	 /* one line, for the list */
	const char *arguments;	 /* "SITE", "FILE..."; "" if it takes none */
	const char *description; /* what it does and prints; lines of at most 80 columns */
	const char *examples;	 /* lines, each a whole command */
	uint64_t options;	 /* OPTION_SET()s that it takes besides the common ones */
	int arguments_min;
	int arguments_max; /* -1: any number */
	/* Returns an enum exit_code. */
	int (*run)(const struct invocation *invocation);
};

struct invocation {
	const struct command *commands;	 /* all; the last has no name */
	const struct command *command;	 /* the one that runs; NULL: none yet */
	const char *value[OPTION_COUNT]; /* of options that take one; NULL: not given */
	unsigned given[OPTION_COUNT];	 /* how often */
	char **arguments;
	int argument_count;
};

/*
 * Reads a command line. Returns EXIT_DONE with command and arguments set, EXIT_USAGE after saying
 * on stderr what is wrong, or -1 if --help or --version was answered and nothing is left to do.
 */
int invocation_read(const struct command *commands, int argc, char **argv,
		    struct invocation *ret_invocation);

/* Says "sallyport COMMAND: ..." on stderr, and where help is. Returns EXIT_USAGE. */
int usage_error(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* To stdout: the list of commands, or all about one of them. */
void help_program(const struct command *commands);
void help_command(const struct command *command);

/* The index of an option's value among words (the last is NULL), or -1 after a usage error that
 * names them. Not given: standard. */
int option_choice(const struct invocation *invocation, enum option_id option,
		  const char *const *words, int standard);

/* The command of that name, or NULL after a usage error with what was probably meant. */
const struct command *command_named(const struct invocation *invocation, const char *name);

#endif
