/* SPDX-License-Identifier: BSD-2-Clause */
/* export: a host's policy in the words of another firewall. */
#include <string.h>

#include "command.h"
#include "export_nft.h"
#include "output.h"

int command_export(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	struct host_policy *policy;
	int result;

	if (strcmp(invocation->arguments[0], "nft") != 0)
		return usage_error(invocation,
				   "\"%s\" can't be exported to; there is nft: "
				   "\"sallyport export nft SITE\"",
				   invocation->arguments[0]);
	if (invocation->given[OPTION_JSON])
		return usage_error(invocation,
				   "a ruleset is text for \"nft -f\": leave --json out, "
				   "or take \"sallyport show --json\"");
	result = site_files_read(invocation, invocation->arguments[1], &files);
	if (result == EXIT_DONE)
		result = site_files_host(invocation, &files, &policy);
	if (result != EXIT_DONE)
		return result;
	export_nft(policy, stdout);
	return EXIT_DONE;
}
