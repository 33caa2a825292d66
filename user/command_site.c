/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "interface.h"
#include "output.h"

void site_files_close(struct site_files *files)
{
	diagnostics_free(files->diagnostics);
	arena_free(files->arena);
	*files = (struct site_files){0};
}

int catalogs_check(const struct invocation *invocation)
{
	const char *path = invocation->value[OPTION_CATALOGS];
	struct stat status;

	if (!path || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
		return EXIT_DONE;
	return usage_error(invocation, "--catalogs %s: there is no such directory", path);
}

int site_files_read(const struct invocation *invocation, const char *path,
		    struct site_files *ret_files)
{
	cleanup(site_files_close) struct site_files files = {
		.arena = arena_new(),
		.diagnostics = diagnostics_new(),
		.path = path,
	};
	const struct policy_places places = {
		.catalogs = invocation->value[OPTION_CATALOGS],
		.feeds = invocation->value[OPTION_FEEDS],
	};

	if (catalogs_check(invocation) != EXIT_DONE)
		return EXIT_USAGE;
	files.policy = policy_read_from(files.arena, files.diagnostics, path, &places);
	if (!files.policy || diagnostics_errors(files.diagnostics)) {
		output_diagnostics(invocation, files.diagnostics);
		return EXIT_POLICY;
	}
	*ret_files = files;
	files = (struct site_files){0};
	return EXIT_DONE;
}

int player_own(const struct invocation *invocation, struct arena *arena, struct player *ret_player)
{
	struct failure failure = {""};
	struct interface_list interfaces;

	if (interface_list_read(arena, &failure, &interfaces))
		return output_failure(invocation, &failure);
	*ret_player = (struct player){
		.kind = PLAYER_OWN,
		.addresses = interface_list_addresses(arena, &interfaces),
	};
	return EXIT_DONE;
}

int player_from_options(const struct invocation *invocation, struct arena *arena,
			struct player *ret_player, bool *ret_given)
{
	const char *host = invocation->value[OPTION_HOST];
	const char *text = invocation->value[OPTION_ADDRESS];
	const char *role = invocation->value[OPTION_ROLE];
	struct address address;
	struct prefix single;

	if (!!host + !!text + !!role > 1)
		return usage_error(invocation,
				   "--host, --address and --role exclude each other: give one");
	*ret_given = host || text || role;
	if (host)
		*ret_player = (struct player){.kind = PLAYER_HOST, .name = host};
	if (role)
		*ret_player = (struct player){.kind = PLAYER_ROLE, .name = role};
	if (!text)
		return EXIT_DONE;
	if (!address_parse(text, &address))
		return usage_error(invocation,
				   "--address %s: it must be one IPv4 or IPv6 address, such as "
				   "192.0.2.1",
				   text);
	*ret_player = (struct player){.kind = PLAYER_ADDRESS};
	single = prefix_of_address(&address);
	prefix_list_add(arena, &ret_player->addresses, &single);
	return EXIT_DONE;
}

int site_files_resolve(const struct invocation *invocation, struct site_files *files,
		       const struct player *player, struct host_policy **ret_host)
{
	enum resolve_result result =
		resolve(files->arena, files->diagnostics, files->policy, player, ret_host);

	output_diagnostics(invocation, files->diagnostics);
	diagnostics_freep(&files->diagnostics);
	files->diagnostics = diagnostics_new();
	if (result == RESOLVE_OK)
		files->playing = *ret_host;
	return (int)result;
}

int site_files_host(const struct invocation *invocation, struct site_files *files,
		    struct host_policy **ret_host)
{
	struct player player = {0};
	bool given = false;
	int result = player_from_options(invocation, files->arena, &player, &given);

	if (result == EXIT_DONE && !given)
		result = player_own(invocation, files->arena, &player);
	if (result != EXIT_DONE)
		return result;
	return site_files_resolve(invocation, files, &player, ret_host);
}

static bool first_of_family(const struct prefix_list *list, uint8_t family,
			    struct address *ret_address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].address.family != family)
			continue;
		*ret_address = list->items[i].address;
		return true;
	}
	return false;
}

/* addresses, if they are of the one who plays; else what he sees of them. */
static const struct prefix_list *as_seen(const struct site_files *files,
					 const struct prefix_list *addresses,
					 const struct prefix_list *seen)
{
	for (size_t i = 0; files->playing && i < addresses->count; i++)
		if (prefix_list_contains(&files->playing->own, &addresses->items[i].address))
			return addresses;
	return seen;
}

bool site_files_address(const struct site_files *files, const char *name, uint8_t family,
			struct address *ret_address)
{
	const struct policy *policy = files->policy;
	const struct binding *binding;

	for (size_t i = 0; i < policy->site->hosts.count; i++)
		if (strcmp(policy->site->hosts.items[i].name.text, name) == 0)
			return first_of_family(
				as_seen(files, &policy->host_addresses[i], &policy->host_seen[i]),
				family, ret_address);
	if (policy_find_role(policy, name, &binding) != 1)
		return false;
	for (size_t i = 0; i < binding->member_count; i++) {
		const struct member *member = &binding->members[i];

		if (first_of_family(as_seen(files, &member->addresses, &member->seen), family,
				    ret_address))
			return true;
	}
	return false;
}
