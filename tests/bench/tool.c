/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX (1u << 20)

extern char **environ;

bool tool_exists(const char *name)
{
	static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	char path[256];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

/* Input and output are files without a name: no pipe can fill up and wait. */
static FILE *file_with(const char *text)
{
	FILE *file = tmpfile();

	if (file && text)
		fputs(text, file);
	if (file)
		rewind(file);
	return file;
}

static char *read_file(FILE *file)
{
	char *text = calloc(1, OUTPUT_BYTES_MAX + 1);

	rewind(file);
	if (text && fread(text, 1, OUTPUT_BYTES_MAX, file) == 0)
		text[0] = '\0';
	return text;
}

static int spawn(const char *const words[], FILE *input, FILE *output, int *ret_status)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(output), STDERR_FILENO);
	error = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return -error;
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int tool_run(const char *const words[], const char *input, struct failure *failure,
	     char **ret_output)
{
	FILE *in = file_with(input), *out = file_with(NULL);
	char *text = NULL;
	int status = 0, error = in && out ? 0 : -ENOMEM;

	if (!error)
		error = spawn(words, in, out, &status);
	if (!error)
		text = read_file(out);
	if (error)
		error = fail(failure, -error, "%s can't be run: %s", words[0], strerror(-error));
	else if (!text)
		error = fail(failure, ENOMEM, "out of memory");
	else if (status)
		error = fail(failure, EPROTO, "%s: %.1000s", words[0], text);
	if (!error && ret_output)
		*ret_output = text;
	else
		free(text);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	return error;
}

int tool_shell(const char *line, struct failure *failure, char **ret_output)
{
	const char *const words[] = {"/bin/sh", "-ec", line, NULL};

	return tool_run(words, NULL, failure, ret_output);
}
