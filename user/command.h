/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands' functions, and what several of them start with: a site file and who is playing. */
#ifndef SALLYPORT_COMMAND_H
#define SALLYPORT_COMMAND_H

#include "diagnostic.h"
#include "options.h"
#include "resolve.h"

int command_check(const struct invocation *invocation);
int command_show(const struct invocation *invocation);
int command_apply(const struct invocation *invocation);
int command_detach(const struct invocation *invocation);
int command_status(const struct invocation *invocation);
int command_trace(const struct invocation *invocation);
int command_test(const struct invocation *invocation);
int command_explain(const struct invocation *invocation);
int command_drops(const struct invocation *invocation);
int command_metrics(const struct invocation *invocation);
int command_serve(const struct invocation *invocation);
int command_export(const struct invocation *invocation);
int command_matrix(const struct invocation *invocation);
int command_graph(const struct invocation *invocation);
int command_who(const struct invocation *invocation);
int command_feed(const struct invocation *invocation);
int command_import(const struct invocation *invocation);
int command_diff(const struct invocation *invocation);
int command_reasons(const struct invocation *invocation);

/* Whether --catalogs, where it is given, names a directory. EXIT_DONE, or EXIT_USAGE after saying
 * that it does not: another directory's catalogs would be taken in silence. */
int catalogs_check(const struct invocation *invocation);

/* A site file that was read, and one host of it. Everything lives in the arena. */
struct site_files {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const char *path;
	struct policy *policy;
	/* Who plays, once that is known: others he knows by what they are seen as (NAT). */
	const struct host_policy *playing;
};

/*
 * Reads a site and its catalogs. EXIT_DONE, or EXIT_POLICY after the findings were printed.
 * Warnings are kept for site_files_report().
 */
int site_files_read(const struct invocation *invocation, const char *path,
		    struct site_files *ret_files);
void site_files_close(struct site_files *files); /* for cleanup attributes too */

/* The host that --host, --address or --role choose; this machine where none is given. EXIT_DONE,
 * EXIT_USAGE, EXIT_POLICY or EXIT_FAILED after saying why. */
int site_files_host(const struct invocation *invocation, struct site_files *files,
		    struct host_policy **ret_host);
/* The same for a player that does not come from options. */
int site_files_resolve(const struct invocation *invocation, struct site_files *files,
		       const struct player *player, struct host_policy **ret_host);

/* The first address of that family of a host, or of a role by "instance/id" or any printed name:
 * its first host's, else what it is bound to. As the one who plays has it: his own, and what he
 * sees of others. False: there is none. */
bool site_files_address(const struct site_files *files, const char *name, uint8_t family,
			struct address *ret_address);

/* Reads --host, --address and --role. EXIT_DONE, or EXIT_USAGE after saying why; none given is
 * EXIT_DONE with ret_given false and ret_player untouched. */
int player_from_options(const struct invocation *invocation, struct arena *arena,
			struct player *ret_player, bool *ret_given);
/* This machine, by the addresses of its interfaces. EXIT_DONE, or EXIT_FAILED after saying why. */
int player_own(const struct invocation *invocation, struct arena *arena, struct player *ret_player);

#endif
