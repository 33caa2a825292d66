/* SPDX-License-Identifier: BSD-2-Clause */
/* import: a catalog draft from a vendor's table. */
#include <string.h>

#include "command.h"
#include "import.h"
#include "output.h"
#include "reader.h"

/* The file's name without folder and ending, as a catalog's name. */
static const char *name_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	const char *dot = strrchr(file, '.');
	char *name = name_fold(
		arena, arena_strndup(arena, file,
				     dot && dot > file ? (size_t)(dot - file) : strlen(file)));

	for (char *at = name; *at; at++) {
		if (*at == ' ')
			*at = '-';
	}
	return *name ? name : "imported";
}

int command_import(const struct invocation *invocation)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	const char *path = invocation->arguments[0];
	const char *name = invocation->value[OPTION_NAME] ?: name_of(arena, path);
	const struct catalog *catalog;

	if (invocation->given[OPTION_JSON])
		return usage_error(invocation, "a catalog is YAML: leave --json out");
	if (!name_is_valid(name, strlen(name)))
		return usage_error(
			invocation,
			"\"%s\" can't be a catalog's name: letters, digits, -, _ and .; give "
			"one with --name",
			name);
	catalog =
		import_csv(arena, diagnostics, path, name, invocation->value[OPTION_TITLE] ?: name);
	output_diagnostics(invocation, diagnostics);
	if (!catalog)
		return EXIT_POLICY;
	catalog_print(catalog, stdout);
	return EXIT_DONE;
}
