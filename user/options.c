/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../include/bounds.h"
#include "arena.h"
#include "diagnostic.h"

#define COMMON_OPTIONS (OPTION_SET(OPTION_PRINT) - 1)

static const struct option_row {
	const char *name;
	int letter;	      /* 0: none */
	const char *argument; /* NULL: takes none */
	const char *help;
} option_rows[OPTION_COUNT] = {
	[OPTION_CATALOGS] = {"catalogs", 0, "DIR", "look for catalogs in DIR before anywhere else"},
	[OPTION_PINS] = {"pins", 0, "DIR",
			 "where programs and maps are pinned (/sys/fs/bpf/sallyport)"},
	[OPTION_FEEDS] = {"feeds", 0, "DIR",
			  "where fetched feeds are stored (/var/lib/sallyport/feeds)"},
	[OPTION_JSON] = {"json", 'j', NULL, "print JSON"},
	[OPTION_PRETTY] = {"pretty", 'p', NULL, "print JSON with line breaks (implies --json)"},
	[OPTION_VERBOSE] = {"verbose", 'v', NULL,
			    "say more: notes, steps; -vv libbpf's work; -vvv its details"},
	[OPTION_HELP] = {"help", 'h', NULL, "this text"},
	[OPTION_VERSION] = {"version", 'V', NULL, "the version"},
	[OPTION_PRINT] = {"print", 0, NULL, "print the canonical text of the one file given"},
	[OPTION_SITE] = {"site", 's', "SITE", "the site file"},
	[OPTION_HOST] = {"host", 0, "HOST", "play this host of the site file"},
	[OPTION_ADDRESS] = {"address", 0, "ADDRESS", "play the host that has this address"},
	[OPTION_ROLE] = {"role", 0, "ROLE", "play an unnamed host with this role alone"},
	[OPTION_MODEL] = {"model", 0, NULL,
			  "ask the reference model, not the kernel: no privilege needed"},
	[OPTION_LOOKUP] = {"lookup", 0, "maps|flat",
			   "which encoding judges, whatever the site says"},
	[OPTION_DRY_RUN] = {"dry-run", 'n', NULL, "do all but attach, and say what would change"},
	[OPTION_XDP_MODE] = {"xdp-mode", 0, "native|generic",
			     "how XDP is attached (native); generic costs far more a packet"},
	[OPTION_EGRESS_HOOK] = {"egress-hook", 0, "auto|tcx|clsact",
				"where leaving packets are judged (auto: tcx if it is there)"},
	[OPTION_INTERFACE] = {"interface", 'i', "INTERFACE", "the interface that is asked"},
	[OPTION_LISTEN_ADDRESS] = {"web.listen-address", 0, "ADDRESS",
				   "listen on [HOST]:PORT (127.0.0.1:9077)"},
	[OPTION_FORMAT] = {"format", 'f', "FORMAT", "what to write; see above"},
	[OPTION_ALL] = {"all", 'a', NULL,
			"all there is: every host; roles that are bound to nothing too"},
	[OPTION_CSV] = {"csv", 0, NULL, "a firewall change request: CSV, a line for each port"},
	[OPTION_NAME] = {"name", 0, "NAME", "the catalog's name (that of the file)"},
	[OPTION_TITLE] = {"title", 0, "TITLE", "the title of the document"},
	[OPTION_TIMEOUT] = {"timeout", 0, "SECONDS", "how long one transfer may take (60)"},
	[OPTION_ACCEPT_SHRINK] = {"accept-shrink", 0, NULL,
				  "take a feed that lost more than the site allows"},
	[OPTION_FOLLOW] = {"follow", 'f', NULL, "go on until SIGINT or SIGTERM"},
	[OPTION_PCAP] = {"pcap", 0, "FILE", "write the frames to FILE (-: standard output)"},
	[OPTION_REASON] = {"reason", 0, "REASON", "drops for this reason alone"},
};

int usage_error(const struct invocation *invocation, const char *format, ...)
{
	const struct command *command = invocation->command;
	va_list arguments;

	fprintf(stderr, "sallyport%s%s: ", command ? " " : "", command ? command->name : "");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nSee: sallyport %s%s--help\n", command ? command->name : "",
		command ? " " : "");
	return EXIT_USAGE;
}

static void help_options(uint64_t options)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		char left[48];

		if (!(options & OPTION_SET(i)))
			continue;
		if (row->letter)
			snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name,
				 row->argument ? " " : "", row->argument ? row->argument : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", row->name,
				 row->argument ? " " : "", row->argument ? row->argument : "");
		printf("  %-32s %s\n", left, row->help);
	}
}

/* Each line of text, two spaces in. */
static void print_indented(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		printf("  %.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

void help_program(const struct command *commands)
{
	printf("sallyport: enforces what the vendors' firewall documents say, packet by packet\n\n"
	       "Usage: sallyport COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n");
	for (const struct command *command = commands; command->name; command++)
		printf("  %-10s %s\n", command->name, command->summary);
	printf("\nOptions that every command takes:\n");
	help_options(COMMON_OPTIONS);
	printf("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 the policy has errors.\n"
	       "\nExamples:\n"
	       "  sallyport check site.yaml             is the site file right?\n"
	       "  sallyport show site.yaml --host ce-1  what would be enforced there, and why\n"
	       "  sallyport apply site.yaml             enforce it on this host\n"
	       "\nMore: sallyport COMMAND --help, sallyport(8), sallyport-policy(5), "
	       "sallyport-metrics(7)\n");
}

void help_command(const struct command *command)
{
	printf("sallyport %s: %s\n\nUsage: sallyport %s%s%s%s\n\n", command->name, command->summary,
	       command->name, command->options ? " [OPTION...]" : "",
	       *command->arguments ? " " : "", command->arguments);
	printf("%s\n", command->description);
	if (command->options) {
		printf("\nOptions:\n");
		help_options(command->options);
	}
	printf("\nOptions that every command takes:\n");
	help_options(COMMON_OPTIONS);
	printf("\nExamples:\n");
	print_indented(command->examples);
}

static int unknown_option(const struct invocation *invocation, uint64_t allowed, const char *text)
{
	const char *names[OPTION_COUNT];
	char name[NAME_BYTES_MAX + 1];
	size_t count = 0;
	const char *nearest;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (allowed & OPTION_SET(i))
			names[count++] = option_rows[i].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strcmp(option_rows[i].name, name) == 0)
			return usage_error(invocation,
					   allowed & OPTION_SET(i) ? "--%s takes no value"
								   : "it has no option --%s",
					   name);
	nearest = nearest_name(name, names, count);
	if (nearest)
		return usage_error(invocation, "unknown option --%s: did you mean --%s?", name,
				   nearest);
	return usage_error(invocation, "unknown option --%s", name);
}

static int take_option(struct invocation *invocation, int id, const char *value)
{
	if (option_rows[id].argument && invocation->given[id])
		return usage_error(invocation, "--%s is given twice", option_rows[id].name);
	if (value && !*value)
		return usage_error(invocation, "--%s needs a value: %s", option_rows[id].name,
				   option_rows[id].argument);
	invocation->given[id]++;
	invocation->value[id] = value;
	if (id == OPTION_PRETTY)
		invocation->given[OPTION_JSON]++;
	return EXIT_DONE;
}

/* getopt's tables for a set of options; both arrays are ended. */
static void getopt_tables(uint64_t allowed, bool stop_at_argument, struct option *ret_options,
			  char *ret_letters)
{
	if (stop_at_argument)
		*ret_letters++ = '+';
	*ret_letters++ = ':';
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];

		if (!(allowed & OPTION_SET(i)))
			continue;
		*ret_options++ =
			(struct option){row->name, row->argument ? required_argument : no_argument,
					NULL, row->letter ? row->letter : 256 + i};
		if (!row->letter)
			continue;
		*ret_letters++ = (char)row->letter;
		if (row->argument)
			*ret_letters++ = ':';
	}
	*ret_options = (struct option){0};
	*ret_letters = '\0';
}

/* Letters are each command's own: two commands may use one for different options. */
static int option_by_code(uint64_t allowed, int code)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if ((allowed & OPTION_SET(i)) &&
		    code == (option_rows[i].letter ? option_rows[i].letter : 256 + i))
			return i;
	return -1;
}

/* optind is behind what was read. */
static int read_options(struct invocation *invocation, uint64_t allowed, bool stop_at_argument,
			int argc, char **argv)
{
	struct option options[OPTION_COUNT + 1];
	char letters[OPTION_COUNT * 2 + 3];

	getopt_tables(allowed, stop_at_argument, options, letters);
	opterr = 0;
	optind = 0;
	for (;;) {
		int code = getopt_long(argc, argv, letters, options, NULL);
		int result;

		if (code == -1)
			return EXIT_DONE;
		if (code == ':')
			return usage_error(invocation, "--%s needs a value: %s",
					   option_rows[option_by_code(allowed, optopt)].name,
					   option_rows[option_by_code(allowed, optopt)].argument);
		if (code == '?' && strncmp(argv[optind - 1], "--", 2) == 0)
			return unknown_option(invocation, allowed, argv[optind - 1]);
		if (code == '?')
			return usage_error(invocation, "unknown option -%c", optopt);
		result = take_option(invocation, option_by_code(allowed, code), optarg);
		if (result != EXIT_DONE)
			return result;
	}
}

/* -1 if --help or --version asked for something that is now printed. */
static int answer_help(const struct invocation *invocation)
{
	if (invocation->given[OPTION_VERSION]) {
		printf("sallyport %s\n", SALLYPORT_VERSION);
		return -1;
	}
	if (!invocation->given[OPTION_HELP])
		return EXIT_DONE;
	if (invocation->command)
		help_command(invocation->command);
	else
		help_program(invocation->commands);
	return -1;
}

const struct command *command_named(const struct invocation *invocation, const char *name)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	LIST(const char *) names = {0};
	const char *nearest;

	for (const struct command *command = invocation->commands; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
		*arena_push(arena, &names) = command->name;
	}
	nearest = nearest_name(name, names.items, names.count);
	if (nearest)
		usage_error(invocation, "there is no command \"%s\": did you mean %s?", name,
			    nearest);
	else
		usage_error(invocation, "there is no command \"%s\"", name);
	return NULL;
}

static int check_arguments(const struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->argument_count < command->arguments_min)
		return usage_error(invocation, "it needs %s", command->arguments);
	if (command->arguments_max == 0 && invocation->argument_count > 0)
		return usage_error(invocation, "it takes no argument, but \"%s\" was given",
				   invocation->arguments[0]);
	if (command->arguments_max > 0 && invocation->argument_count > command->arguments_max)
		return usage_error(invocation, "\"%s\" is one argument too many: it takes %s",
				   invocation->arguments[command->arguments_max],
				   command->arguments);
	return EXIT_DONE;
}

int invocation_read(const struct command *commands, int argc, char **argv,
		    struct invocation *ret_invocation)
{
	struct invocation invocation = {.commands = commands};
	int result = read_options(&invocation, COMMON_OPTIONS, true, argc, argv);

	if (result == EXIT_DONE)
		result = answer_help(&invocation);
	if (result != EXIT_DONE)
		return result;
	argc -= optind;
	argv += optind;
	if (argc < 1)
		return usage_error(&invocation, "which command?");
	invocation.command = command_named(&invocation, argv[0]);
	if (!invocation.command)
		return EXIT_USAGE;
	result = read_options(&invocation, COMMON_OPTIONS | invocation.command->options, false,
			      argc, argv);
	if (result == EXIT_DONE)
		result = answer_help(&invocation);
	if (result != EXIT_DONE)
		return result;
	invocation.arguments = argv + optind;
	invocation.argument_count = argc - optind;
	result = check_arguments(&invocation);
	if (result == EXIT_DONE)
		*ret_invocation = invocation;
	return result;
}

int option_choice(const struct invocation *invocation, enum option_id option,
		  const char *const *words, int standard)
{
	const char *value = invocation->value[option];

	if (!value)
		return standard;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	usage_error(invocation, "--%s %s: it must be one of %s", option_rows[option].name, value,
		    option_rows[option].argument);
	return -1;
}
