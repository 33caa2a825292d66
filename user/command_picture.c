/* SPDX-License-Identifier: BSD-2-Clause */
/* matrix and graph: a whole site at one look. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "file_kind.h"
#include "graph.h"
#include "matrix.h"
#include "output.h"
#include "policy.h"
#include "reach.h"

/* Where nothing says how wide the paper is. */
#define WIDTH_DEFAULT 100u

struct picture {
	struct site_files files;
	reach_list reaches;
};

static void picture_close(struct picture *picture)
{
	site_files_close(&picture->files);
}

/* A catalog alone is shown whole: nothing of it can be bound. */
static int read_catalog(const struct invocation *invocation, const char *path,
			struct site_files *ret_files)
{
	cleanup(site_files_close) struct site_files files = {
		.arena = arena_new(),
		.diagnostics = diagnostics_new(),
		.path = path,
	};

	files.policy = policy_of_catalog(files.arena, files.diagnostics, path);
	if (!files.policy) {
		output_diagnostics(invocation, files.diagnostics);
		return EXIT_POLICY;
	}
	*ret_files = files;
	files = (struct site_files){0};
	return EXIT_DONE;
}

/* Flows that are templates are drawn from the entries of a site: without any, they would be missed.
 */
static void tell_templates(const struct invocation *invocation, const struct policy *policy)
{
	size_t left_out = 0;

	for (size_t i = 0; i < policy->instance_count; i++) {
		list_for_each (flow, &policy->instances[i].catalog->flows) {
			bool used = flow->each == EACH_NONE;

			for (size_t j = 0; !used && j < policy->pairing_count; j++)
				used = policy->pairings[j].flow == flow;
			left_out += !used;
		}
	}
	if (left_out)
		fprintf(stderr,
			"sallyport %s: %zu flow%s not shown: they are one for each entry of "
			"client-ports or locations, and there is no such entry\n",
			invocation->command->name, left_out, left_out == 1 ? " is" : "s are");
}

static int picture_read(const struct invocation *invocation, struct picture *ret_picture)
{
	cleanup(diagnostics_freep) struct diagnostics *unused = diagnostics_new();
	const char *path = invocation->arguments[0];
	bool catalog = file_kind_read(unused, path) == FILE_CATALOG;
	bool all = catalog || invocation->given[OPTION_ALL];
	struct picture picture = {0};
	int result = catalog ? read_catalog(invocation, path, &picture.files)
			     : site_files_read(invocation, path, &picture.files);

	if (result != EXIT_DONE)
		return result;
	output_diagnostics(invocation, picture.files.diagnostics);
	reach_find(picture.files.arena, picture.files.policy, all, &picture.reaches);
	if (all)
		tell_templates(invocation, picture.files.policy);
	*ret_picture = picture;
	if (!picture.reaches.count)
		fprintf(stderr, "sallyport %s: no role of this file opens to another%s\n",
			invocation->command->name,
			all ? "" : "; --all shows what its catalogs allow, bound or not");
	return EXIT_DONE;
}

static int two_formats(const struct invocation *invocation)
{
	return usage_error(invocation, "--json and --format exclude each other: give one");
}

/* ------------------------------------------------------------ matrix */

static unsigned paper_width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	int width = columns ? atoi(columns) : 0;

	if (width > 0)
		return (unsigned)width;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

static void print_matrix_text(const struct matrix *matrix, FILE *out)
{
	matrix_print_text(matrix, paper_width(), out);
}

int command_matrix(const struct invocation *invocation)
{
	static const struct {
		const char *name;
		void (*print)(const struct matrix *matrix, FILE *out);
	} formats[] = {
		{"text", print_matrix_text},
		{"csv", matrix_print_csv},
		{"markdown", matrix_print_markdown},
		{"html", matrix_print_html},
	};
	const char *format = invocation->value[OPTION_FORMAT] ?: "text";
	cleanup(picture_close) struct picture picture = {0};
	struct matrix matrix;
	int result;

	if (invocation->given[OPTION_JSON] && invocation->value[OPTION_FORMAT])
		return two_formats(invocation);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, format) != 0)
			continue;
		result = picture_read(invocation, &picture);
		if (result != EXIT_DONE)
			return result;
		matrix_make(picture.files.arena, picture.files.policy, &picture.reaches, &matrix);
		if (invocation->given[OPTION_JSON])
			output_json(invocation, stdout, matrix_json(&matrix));
		else
			formats[i].print(&matrix, stdout);
		return EXIT_DONE;
	}
	return usage_error(invocation, "--format %s: there are text, csv, markdown and html",
			   format);
}

/* ------------------------------------------------------------ graph */

/* Graphviz draws. Returns an exit code after saying what failed. */
static int draw_svg(const struct invocation *invocation, const struct picture *picture)
{
	struct failure failure = {""};
	FILE *dot;
	int status;

	if (system("command -v dot >/dev/null 2>&1") != 0) {
		fail(&failure, ENOENT,
		     "svg needs Graphviz, which is not installed: \"apt install graphviz\", or "
		     "take "
		     "--format dot or mermaid");
		return output_failure(invocation, &failure);
	}
	fflush(stdout);
	dot = popen("dot -Tsvg", "w");
	if (!dot) {
		fail(&failure, errno, "dot can't be started: %s", strerror(errno));
		return output_failure(invocation, &failure);
	}
	graph_print_dot(picture->files.policy, &picture->reaches, dot);
	status = pclose(dot);
	if (status == 0)
		return EXIT_DONE;
	fail(&failure, EIO, "dot ended with status %d",
	     WIFEXITED(status) ? WEXITSTATUS(status) : status);
	return output_failure(invocation, &failure);
}

int command_graph(const struct invocation *invocation)
{
	const char *format = invocation->value[OPTION_FORMAT] ?: "dot";
	bool dot = strcmp(format, "dot") == 0, svg = strcmp(format, "svg") == 0;
	cleanup(picture_close) struct picture picture = {0};
	int result;

	if (invocation->given[OPTION_JSON] && invocation->value[OPTION_FORMAT])
		return two_formats(invocation);
	if (!dot && !svg && strcmp(format, "mermaid") != 0)
		return usage_error(invocation, "--format %s: there are dot, mermaid and svg",
				   format);
	result = picture_read(invocation, &picture);
	if (result != EXIT_DONE)
		return result;
	if (svg)
		return draw_svg(invocation, &picture);
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, graph_json(picture.files.policy, &picture.reaches));
	else if (dot)
		graph_print_dot(picture.files.policy, &picture.reaches, stdout);
	else
		graph_print_mermaid(picture.files.policy, &picture.reaches, stdout);
	return EXIT_DONE;
}
