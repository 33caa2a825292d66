/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"

#include <string.h>
#include <unistd.h>

#include "adjusted.h"
#include "binding.h"
#include "connection.h"
#include "destination.h"
#include "forbid_check.h"
#include "pairing.h"
#include "policy_feeds.h"
#include "reference.h"
#include "value.h"

/* ------------------------------------------------------------ catalogs --------------------------
 */

static const char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

/* The places where catalogs are looked for, in order. */
static void search_path(struct arena *arena, const char *site_path, const char *catalog_directory,
			word_list *ret_folders)
{
	const char *const folders[] = {
		catalog_directory,	   folder_of(arena, site_path),	    "policies",
		"/etc/sallyport/policies", "/usr/share/sallyport/policies",
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (folders[i])
			*arena_push(arena, ret_folders) = (struct word){.text = folders[i]};
	}
}

/* The file, or NULL after an error that lists the places. */
static const char *find_catalog(struct arena *arena, struct diagnostics *diagnostics,
				const struct word *name, const word_list *folders)
{
	const char *places = "";

	list_for_each (folder, folders) {
		bool here = !strcmp(folder->text, ".");
		char *path = arena_printf(arena, "%s%s%s.yaml", here ? "" : folder->text,
					  here ? "" : "/", name->text);

		/* A site beside it may be named as the catalog is. */
		if (!access(path, F_OK) && !is_site_file(arena, path))
			return path;
		places = arena_printf(arena, "%s%s%s", places, *places ? ", " : "", folder->text);
	}
	diagnostics_error(diagnostics, name->at,
			  "no `%s.yaml` in %s: put it there, or say with --catalogs where it is",
			  name->text, places);
	return NULL;
}

/* Two instances of one catalog share it: its file is read once. */
static const struct catalog *read_catalog(struct arena *arena, struct diagnostics *diagnostics,
					  const struct policy *policy, const struct word *name,
					  const char *path)
{
	const struct catalog *catalog;

	for (size_t i = 0; i < policy->instance_count; i++) {
		const struct catalog *other = policy->instances[i].catalog;

		if (other && !strcmp(other->path, path))
			return other;
	}
	catalog = catalog_read(arena, diagnostics, path);
	if (catalog && catalog->name.text && strcmp(catalog->name.text, name->text)) {
		diagnostics_error(diagnostics, catalog->name.at,
				  "this is catalog `%s`, so the file must be named `%s.yaml`",
				  catalog->name.text, catalog->name.text);
		return NULL;
	}
	return catalog;
}

/* The site's own flows, and what it forbids, as a catalog without roles. */
static const struct catalog *site_as_catalog(struct arena *arena, const struct site *site)
{
	struct catalog *catalog = arena_alloc(arena, sizeof(*catalog));

	catalog->path = site->path;
	catalog->name = (struct word){.text = "site"};
	catalog->flows.items = site->flows.items;
	catalog->flows.count = site->flows.count;
	catalog->forbids = site->forbids;
	return catalog;
}

/* site_read reported names that are there twice or mean something else. */
static bool is_name_free(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->instance_count; i++) {
		if (!strcmp(policy->instances[i].name, name))
			return false;
	}
	return strcmp(name, "site") != 0;
}

static void read_instances(struct arena *arena, struct diagnostics *diagnostics,
			   struct policy *policy, const char *catalog_directory)
{
	const struct site *site = policy->site;
	word_list folders = {0};
	struct instance *own;

	search_path(arena, site->path, catalog_directory, &folders);
	policy->instances =
		arena_alloc(arena, (site->catalogs.count + 1) * sizeof(*policy->instances));
	list_for_each (entry, &site->catalogs) {
		struct instance *instance = &policy->instances[policy->instance_count];
		const char *path;

		if (!is_name_free(policy, entry->as))
			continue;
		path = find_catalog(arena, diagnostics, &entry->catalog, &folders);
		instance->name = entry->as;
		if (path)
			instance->catalog =
				read_catalog(arena, diagnostics, policy, &entry->catalog, path);
		policy->instance_count++;
	}
	own = &policy->instances[policy->instance_count++];
	own->name = "site";
	own->catalog = site_as_catalog(arena, site);
}

/* ------------------------------------------------------------ without ---------------------------
 */

static void read_without(struct arena *arena, struct diagnostics *diagnostics,
			 const struct policy *policy)
{
	for (size_t i = 0; i < policy->instance_count; i++) {
		struct instance *instance = &policy->instances[i];

		if (instance->catalog)
			instance->without = arena_alloc(arena, instance->catalog->flows.count *
								       sizeof(*instance->without));
	}
	list_for_each (without, &policy->site->without) {
		struct reference flow;

		if (!reference_find(arena, diagnostics, policy, REFERENCE_FLOW, without->flow.text,
				    without->flow.at, &flow))
			continue;
		flow.instance->without[flow.index] = without;
	}
}

/* ------------------------------------------------------------ roles -----------------------------
 */

const struct binding *policy_binding(const struct policy *policy, const char *role_id)
{
	for (size_t i = 0; i < policy->binding_count; i++) {
		if (!strcmp(policy->bindings[i].id, role_id))
			return &policy->bindings[i];
	}
	return NULL;
}

static bool role_is_named(struct arena *arena, const struct role *role, const char *folded)
{
	list_for_each (name, &role->names) {
		if (!strcmp(name_fold(arena, name->text), folded))
			return true;
	}
	return false;
}

size_t policy_find_role(const struct policy *policy, const char *name,
			const struct binding **ret_binding)
{
	const struct binding *binding = policy_binding(policy, name);
	struct arena *arena;
	const char *folded;
	size_t count = 0;

	if (binding) {
		*ret_binding = binding;
		return 1;
	}
	arena = arena_new();
	folded = name_fold(arena, name);
	for (size_t i = 0; i < policy->binding_count; i++) {
		if (!role_is_named(arena, policy->bindings[i].role, folded))
			continue;
		if (!count++)
			*ret_binding = &policy->bindings[i];
	}
	arena_free(arena);
	return count;
}

/* ------------------------------------------------------------ all of it -------------------------
 */

/* Reads what the site names into a policy that has only that. NULL as policy_read; errors: how many
 * findings were errors before the site was read. */
static struct policy *read_policy(struct arena *arena, struct diagnostics *diagnostics,
				  struct policy *policy, const struct policy_places *places,
				  size_t errors)
{
	policy->host_settings =
		arena_alloc(arena, policy->site->hosts.count * sizeof(*policy->host_settings));
	read_instances(arena, diagnostics, policy, places->catalogs);
	values_read(arena, diagnostics, policy);
	policy_feeds_read(arena, diagnostics, policy, places->feeds);
	bindings_read(arena, diagnostics, policy);
	read_without(arena, diagnostics, policy);
	connections_read(arena, diagnostics, policy);
	destinations_read(arena, diagnostics, policy);
	adjusts_read(arena, diagnostics, policy);
	pairings_read(arena, diagnostics, policy);
	if (diagnostics_errors(diagnostics) > errors)
		return NULL;
	/* What has no value is only asked for when everything that could give it one was read. */
	pairings_require(diagnostics, policy);
	connections_require(diagnostics, policy);
	forbids_check(diagnostics, policy);
	return diagnostics_errors(diagnostics) > errors ? NULL : policy;
}

struct policy *policy_read(struct arena *arena, struct diagnostics *diagnostics,
			   const char *site_path, const char *catalog_directory)
{
	const struct policy_places places = {.catalogs = catalog_directory};

	return policy_read_from(arena, diagnostics, site_path, &places);
}

struct policy *policy_read_from(struct arena *arena, struct diagnostics *diagnostics,
				const char *site_path, const struct policy_places *places)
{
	size_t errors = diagnostics_errors(diagnostics);
	struct policy *policy = arena_alloc(arena, sizeof(*policy));

	policy->site = site_read(arena, diagnostics, site_path);
	return policy->site ? read_policy(arena, diagnostics, policy, places, errors) : NULL;
}

struct policy *policy_of_catalog(struct arena *arena, struct diagnostics *diagnostics,
				 const char *catalog_path)
{
	const struct policy_places places = {.catalogs = folder_of(arena, catalog_path)};
	struct policy *policy = arena_alloc(arena, sizeof(*policy));
	struct site *site = arena_alloc(arena, sizeof(*site));
	const char *slash = strrchr(catalog_path, '/');
	const char *file = slash ? slash + 1 : catalog_path;
	const char *dot = strrchr(file, '.');
	const char *name = dot ? arena_strndup(arena, file, (size_t)(dot - file)) : file;
	const struct word word = {.text = name, .at = {catalog_path, 1, 1}};

	site->path = catalog_path;
	site->name = word;
	*arena_push(arena, &site->catalogs) = (struct site_catalog){.catalog = word, .as = name};
	policy->site = site;
	policy->is_catalog = true;
	return read_policy(arena, diagnostics, policy, &places, diagnostics_errors(diagnostics));
}
