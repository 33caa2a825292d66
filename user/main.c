/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands. Read this table first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "kernel_log.h"
#include "options.h"

static int command_help(const struct invocation *invocation);

static const struct command commands[] = {
	{
		.name = "check",
		.summary = "find what is wrong in catalogs and site files",
		.arguments = "FILE...",
		.description = "Reads each FILE, a catalog or a site, and says what is wrong with "
			       "it on stderr, as\n"
			       "FILE:LINE:COLUMN: error|warning: what is wrong, and what would be "
			       "right. A site is\n"
			       "read with its catalogs, and every host of it is resolved and "
			       "compiled. Nothing is\n"
			       "loaded. -v shows notes too: unbound roles, parameters that stand "
			       "at a default.",
		.examples = "sallyport check site.yaml\n"
			    "sallyport check --json policies/*.yaml\n"
			    "sallyport check --print policies/cyara.yaml",
		.options = OPTION_SET(OPTION_PRINT),
		.arguments_min = 1,
		.arguments_max = -1,
		.run = command_check,
	},
	{
		.name = "show",
		.summary = "the rules of one host, each with the row of the document it comes from",
		.arguments = "SITE",
		.description =
			"Prints what would be enforced on a host of SITE: its addresses, "
			"roles, modes, and its\n"
			"rules in order of precedence with their citations. The host is "
			"this machine, or the\n"
			"one that --host, --address or --role names. Where this machine is "
			"no host of SITE and\n"
			"none is named, the hosts are listed. --all shows every host of the "
			"file. --csv prints a\n"
			"firewall change request instead, of the whole site or of what is "
			"named: source host,\n"
			"destination host, port, protocol, then addresses, rule and citation.",
		.examples = "sallyport show site.yaml\n"
			    "sallyport show site.yaml --host ce-1\n"
			    "sallyport show site.yaml --role \"Cyara Call Engine\" --json\n"
			    "sallyport show site.yaml --csv > request.csv",
		.options = OPTION_SET_PLAYER | OPTION_SET(OPTION_ALL) | OPTION_SET(OPTION_CSV),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_show,
	},
	{
		.name = "matrix",
		.summary = "who opens to whom, role by role, with the ports in the cells",
		.arguments = "SITE|CATALOG",
		.description =
			"Prints a table of the whole site: rows open connections to "
			"columns. Only roles that are\n"
			"bound and flows in force are in it, or all with --all; of a catalog "
			"file alone, every\n"
			"flow at its defaults. --format is text (as wide as the terminal), "
			"csv, markdown or\n"
			"html, where pointing at a cell shows its rules and citations. A "
			"port that has yet to be\n"
			"set stands as $instance/parameter.",
		.examples = "sallyport matrix site.yaml\n"
			    "sallyport matrix site.yaml --format html > matrix.html\n"
			    "sallyport matrix site.yaml --all --format csv\n"
			    "sallyport matrix policies/voss.yaml",
		.options = OPTION_SET(OPTION_FORMAT) | OPTION_SET(OPTION_ALL),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_matrix,
	},
	{
		.name = "graph",
		.summary = "a picture of the site: roles as boxes, flows as arrows",
		.arguments = "SITE|CATALOG",
		.description = "Draws who opens to whom: roles grouped by catalog, with the hosts "
			       "that play them,\n"
			       "services on the arrows, wide ranges of ports in red, management "
			       "and a legend beneath.\n"
			       "What is bound and in force, or with --all everything; of a catalog "
			       "file alone, every\n"
			       "flow at its defaults. --format is dot (Graphviz), mermaid, or svg, "
			       "which \"dot\" of\n"
			       "Graphviz draws.",
		.examples = "sallyport graph site.yaml --format svg > site.svg\n"
			    "sallyport graph site.yaml --format mermaid\n"
			    "sallyport graph site.yaml | dot -Tpdf > site.pdf",
		.options = OPTION_SET(OPTION_FORMAT) | OPTION_SET(OPTION_ALL),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_graph,
	},
	{
		.name = "who",
		.summary = "who can reach a role, host or address, and whom it can reach",
		.arguments = "can reach X [SERVICE] | reaches X [SERVICE] | X can reach [SERVICE]",
		.description =
			"Answers from the whole site, hosts' own parameters included: by "
			"which rule, from which\n"
			"addresses, on which ports, cited from where. X is a role, a name "
			"that a document prints,\n"
			"a host of the site or an address. Management counts. Exit 0 with an "
			"answer, also if it\n"
			"is \"nobody\".",
		.examples = "sallyport who --site site.yaml can reach cyara/mssql\n"
			    "sallyport who --site site.yaml reaches 10.0.0.5 tcp/1433\n"
			    "sallyport who --site site.yaml what can Cyara Call Engine reach",
		.options = OPTION_SET(OPTION_SITE),
		.arguments_min = 1,
		.arguments_max = -1,
		.run = command_who,
	},
	{
		.name = "apply",
		.summary = "enforce a site's policy on this host",
		.arguments = "SITE",
		.description = "Resolves SITE for this machine, compiles it, loads it beside what "
			       "is in force, and\n"
			       "swaps each hook by one update: leaving packets first, then "
			       "arriving ones. If any step\n"
			       "fails, what was in force stays. Says what it did on each "
			       "interface. Needs root, or\n"
			       "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.",
		.examples = "sallyport apply site.yaml --dry-run\n"
			    "sallyport apply site.yaml\n"
			    "sallyport apply site.yaml --host ce-1 --xdp-mode generic",
		.options = OPTION_SET(OPTION_DRY_RUN) | OPTION_SET(OPTION_HOST) |
			   OPTION_SET(OPTION_XDP_MODE) | OPTION_SET(OPTION_EGRESS_HOOK),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_apply,
	},
	{
		.name = "diff",
		.summary = "what one policy lets pass and another does not, as packets",
		.arguments = "[OLD] SITE",
		.description = "Compares two site files, host by host, or one with what is in "
			       "force on this host: which\n"
			       "openers SITE lets pass and the old one does not (+), and the "
			       "other way round (-),\n"
			       "exactly, however the rules are cut and called. --host, --address "
			       "and --role choose\n"
			       "one host. Exit 0: they let the same pass; 1: they differ.",
		.examples = "sallyport diff site.yaml\n"
			    "sallyport diff site.yaml new-site.yaml\n"
			    "sallyport diff site.yaml new-site.yaml --host ce-1 --json",
		.options = OPTION_SET_PLAYER,
		.arguments_min = 1,
		.arguments_max = 2,
		.run = command_diff,
	},
	{
		.name = "detach",
		.summary = "stop enforcing, and remove every trace",
		.arguments = "[INTERFACE...]",
		.description =
			"Takes the programs off the named interfaces, or off all, and removes "
			"their pins.\n"
			"Every packet passes from then on. Counters of these interfaces are gone.",
		.examples = "sallyport detach eth0\n"
			    "sallyport detach",
		.arguments_min = 0,
		.arguments_max = -1,
		.run = command_detach,
	},
	{
		.name = "status",
		.summary = "what is in force on each interface",
		.arguments = "",
		.description = "For each interface: site, host, modes, hooks, when it was loaded, "
			       "and whether both\n"
			       "hooks hold the same policy. Exit 1 if an interface does not "
			       "enforce what it should.",
		.examples = "sallyport status\n"
			    "sallyport status --json -p",
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_status,
	},
	{
		.name = "export",
		.summary = "the policy of one host as an nftables ruleset",
		.arguments = "nft SITE",
		.description = "Prints a file for \"nft -f\": the same openers pass, by the same "
			       "rules, each with a\n"
			       "counter and its citation as comment; state is conntrack's. For "
			       "hosts without XDP, and\n"
			       "as a second opinion. The host is this machine, or the one that "
			       "--host, --address or\n"
			       "--role names. Loading it again replaces the table.",
		.examples = "sallyport export nft site.yaml --host ce-1 > ce-1.nft\n"
			    "sallyport export nft site.yaml | sudo nft -f -",
		.options = OPTION_SET_PLAYER,
		.arguments_min = 2,
		.arguments_max = 2,
		.run = command_export,
	},
	{
		.name = "explain",
		.summary = "would this packet pass, by which rule, and who says so?",
		.arguments = "in|out PROTOCOL SOURCE[:PORT] DESTINATION[:PORT]",
		.description = "Judges one packet by the policy in force on an interface, flows "
			       "included, in a private\n"
			       "copy of the programs: nothing is changed or counted. With --site "
			       "it is judged by the\n"
			       "policy of a file, for the host that --host, --address or --role "
			       "names. PROTOCOL is\n"
			       "tcp (an opening SYN), udp or icmp (an echo request); an IPv6 "
			       "address with a port\n"
			       "stands in brackets. Instead of words, one JSON line of \"sallyport "
			       "trace\" does.",
		.examples =
			"sallyport explain in tcp 192.0.2.7:40000 10.20.1.11:443\n"
			"sallyport explain out udp \"[2001:db8::11]:5060\" \"[2001:db8::1]:5060\"\n"
			"sallyport explain --site site.yaml --host ce-1 --model in icmp 192.0.2.7 "
			"10.20.1.11\n"
			"sallyport explain "
			"'{\"direction\":\"in\",\"l4\":\"tcp\",\"source\":\"192.0.2.7\", ...}'",
		.options = OPTION_SET_PLAYER | OPTION_SET(OPTION_SITE) |
			   OPTION_SET(OPTION_INTERFACE) | OPTION_SET(OPTION_MODEL) |
			   OPTION_SET(OPTION_LOOKUP),
		.arguments_min = 1,
		.arguments_max = 4,
		.run = command_explain,
	},
	{
		.name = "drops",
		.summary =
			"what is being dropped: samples with their headers, live or as a capture",
		.arguments = "",
		.description =
			"Prints the last drops that were sampled, a line each: when, where, why, "
			"the "
			"packet, its\n"
			"peer's role. The kernel keeps sixteen of each direction and reason and "
			"adds at "
			"most ten a\n"
			"second, so that a flood hides no other reason; a line says how many went "
			"unsampled before\n"
			"it. Readers take nothing away. In audit mode: what would be dropped. "
			"--pcap "
			"writes the\n"
			"beginnings of the frames for tcpdump and Wireshark.",
		.examples = "sallyport drops --reason wrong-port\n"
			    "sallyport drops -f -i eth0\n"
			    "sallyport drops -f --json | jq .source\n"
			    "sallyport drops -f --pcap - | tcpdump -nr -",
		.options = OPTION_SET(OPTION_FOLLOW) | OPTION_SET(OPTION_PCAP) |
			   OPTION_SET(OPTION_INTERFACE) | OPTION_SET(OPTION_REASON),
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_drops,
	},
	{
		.name = "import",
		.summary = "a catalog draft from a table of flows, as CSV",
		.arguments = "FILE",
		.description =
			"Reads a table with the columns from and to (or route, with an arrow), "
			"port, and if there\n"
			"are any component and protocol, and prints a catalog: roles with "
			"their printed names,\n"
			"flows with the row they come from. Cells such as 80/443, 5060 "
			"TCP/UDP, 30000-65535***\n"
			"UDP and 1718/UDP are understood; what is not surely understood is "
			"refused with its\n"
			"place, and nothing is printed. Read the draft before you use it.",
		.examples = "sallyport import advisory.csv --name vendor --title \"Vendor Firewall "
			    "Guide\" > vendor.yaml\n"
			    "sallyport check vendor.yaml",
		.options = OPTION_SET(OPTION_NAME) | OPTION_SET(OPTION_TITLE),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_import,
	},
	{
		.name = "feed",
		.summary = "address sets that others publish: fetch them, and how old they are",
		.arguments = "update SITE | status",
		.description =
			"update fetches every feed of SITE that has a url, if it changed, "
			"and stores it whole or\n"
			"not at all; what is malformed, empty, cut short or shrinks too much "
			"is refused, and what\n"
			"is stored stays. Policies are read from the stored copies: apply "
			"afterwards. status\n"
			"lists what is stored; exit 1 if one is older than its max-age.",
		.examples = "sallyport feed update site.yaml && sallyport apply site.yaml\n"
			    "sallyport feed status --json",
		.options = OPTION_SET(OPTION_TIMEOUT) | OPTION_SET(OPTION_ACCEPT_SHRINK),
		.arguments_min = 1,
		.arguments_max = 2,
		.run = command_feed,
	},
	{
		.name = "trace",
		.summary = "judge packets from stdin by a policy file, one JSON verdict a line",
		.arguments = "",
		.description =
			"Runs packets, one JSON object a line, in order and with state, "
			"through the real\n"
			"programs in a private copy, or with --model through the reference "
			"model, which needs\n"
			"no privilege. Prints {\"id\", \"verdict\", \"judged\", \"reason\", "
			"\"rule\", \"cite\"} a line,\n"
			"and \"forbid\" where a document or the site forbids what is dropped.\n"
			"{\"reset\":true} forgets all state. sallyport-policy(5) describes "
			"the lines.",
		.examples =
			"sallyport trace --site site.yaml --host ce-1 --model < packets.jsonl\n"
			"sallyport trace --site site.yaml --role cyara/call-engine < packets.jsonl",
		.options = OPTION_SET_PLAYER | OPTION_SET(OPTION_SITE) | OPTION_SET(OPTION_MODEL) |
			   OPTION_SET(OPTION_LOOKUP),
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_trace,
	},
	{
		.name = "test",
		.summary = "hold a policy against a file of packets and what should become of them",
		.arguments = "FILE",
		.description = "FILE has the lines of \"sallyport trace\", each with "
			       "\"expect\":\"pass|drop\" and, if\n"
			       "wanted, \"rule\" and \"reason\". {\"host\":...}, {\"address\":...} "
			       "or {\"role\":...} on a line\n"
			       "says who is playing from there on; source and destination may be "
			       "roles or hosts.\n"
			       "Exit 1 if any packet meets something else.",
		.examples = "sallyport test calls.jsonl --site site.yaml --model",
		.options = OPTION_SET_PLAYER | OPTION_SET(OPTION_SITE) | OPTION_SET(OPTION_MODEL) |
			   OPTION_SET(OPTION_LOOKUP),
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_test,
	},
	{
		.name = "metrics",
		.summary = "the counters once, as Prometheus reads them",
		.arguments = "",
		.description =
			"Prints the page that \"sallyport serve\" answers with at /metrics, or "
			"with --json\n"
			"the same numbers as JSON. sallyport-metrics(7) describes each metric.",
		.examples = "sallyport metrics\n"
			    "sallyport metrics > /var/lib/prometheus/node-exporter/sallyport.prom",
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_metrics,
	},
	{
		.name = "serve",
		.summary = "the same over HTTP: /metrics and /healthz",
		.arguments = "",
		.description = "Serves /, /metrics and /healthz until SIGTERM or SIGINT. Prints "
			       "{\"listening\": ADDRESS}\n"
			       "once it answers. It only reads: enforcing depends on no process. "
			       "There is neither TLS\n"
			       "nor a password: let it listen on other than loopback only where "
			       "the network may see it.",
		.examples = "sallyport serve\n"
			    "sallyport serve --web.listen-address 10.20.1.11:9077",
		.options = OPTION_SET(OPTION_LISTEN_ADDRESS),
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_serve,
	},
	{
		.name = "reasons",
		.summary = "every reason that a packet can pass or be dropped for",
		.arguments = "",
		.description = "Prints the closed list of reasons: what trace, explain and the "
			       "metrics say.",
		.examples = "sallyport reasons\n"
			    "sallyport reasons --json -p",
		.arguments_min = 0,
		.arguments_max = 0,
		.run = command_reasons,
	},
	{
		.name = "help",
		.summary = "about one command, or all",
		.arguments = "[COMMAND]",
		.description = "Prints what \"sallyport COMMAND --help\" prints.",
		.examples = "sallyport help apply",
		.arguments_min = 0,
		.arguments_max = 1,
		.run = command_help,
	},
	{.name = NULL},
};

static int command_help(const struct invocation *invocation)
{
	const struct command *command;

	if (invocation->argument_count == 0) {
		help_program(commands);
		return EXIT_DONE;
	}
	command = command_named(invocation, invocation->arguments[0]);
	if (!command)
		return EXIT_USAGE;
	help_command(command);
	return EXIT_DONE;
}

/* A full disk or a closed pipe must not look like success. */
static int finish(int result)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	if (errno != EPIPE)
		fprintf(stderr, "sallyport: can't write the output: %s\n", strerror(errno));
	return result == EXIT_DONE ? EXIT_FAILED : result;
}

int main(int argc, char **argv)
{
	struct invocation invocation;
	int result = invocation_read(commands, argc, argv, &invocation);

	if (result != EXIT_DONE)
		return finish(result < 0 ? EXIT_DONE : result);
	kernel_log_level(invocation.given[OPTION_VERBOSE]);
	return finish(invocation.command->run(&invocation));
}
