/* SPDX-License-Identifier: BSD-2-Clause */
/* drops: what was dropped, sample by sample. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "command.h"
#include "descriptor.h"
#include "drop_reader.h"
#include "output.h"
#include "pcap.h"
#include "stop_signals.h"
#include "words.h"

/* Rings hold more than what comes meanwhile; a person sees no delay. */
#define LOOK_MILLISECONDS 100

/* Where drops go. */
struct drop_output {
	const struct invocation *invocation;
	FILE *capture; /* NULL: no --pcap */
	bool lines;    /* standard output is not the capture */
	uint64_t frames;
};

/* ------------------------------------------------------------ options */

/* EXIT_DONE, or EXIT_USAGE after saying what is wrong. */
static int read_reason(const struct invocation *invocation, enum reason *ret_reason)
{
	const char *wanted = invocation->value[OPTION_REASON];
	const char *names[REASON_COUNT];
	const char *nearest;
	size_t count = 0;

	if (!wanted)
		return EXIT_DONE;
	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		bool drops = reason_verdict(reason) == VERDICT_DROP;

		if (strcmp(reason_name(reason), wanted) == 0 && !drops)
			return usage_error(invocation,
					   "--reason %s: packets pass for this reason; \"sallyport "
					   "reasons\" lists for which ones they are dropped",
					   wanted);
		if (strcmp(reason_name(reason), wanted) == 0) {
			*ret_reason = (enum reason)reason;
			return EXIT_DONE;
		}
		if (drops)
			names[count++] = reason_name(reason);
	}
	nearest = nearest_name(wanted, names, count);
	if (nearest)
		return usage_error(invocation,
				   "--reason %s: there is no such reason: did you mean %s?", wanted,
				   nearest);
	return usage_error(invocation,
			   "--reason %s: there is no such reason; \"sallyport reasons\" lists them",
			   wanted);
}

/* The headers of other people's packets: for root alone, like the maps that they are from. */
static int open_capture(const char *path, struct failure *failure, FILE **ret_capture)
{
	int fd = strcmp(path, "-") == 0
			 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
			 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *capture = fd < 0 ? NULL : fdopen(fd, "w");
	int error;

	if (!capture) {
		error = errno;
		fd_closep(&fd);
		return fail(failure, error, "%s can't be written: %s", path, strerror(error));
	}
	error = pcap_begin(capture, DROP_FRAME_BYTES_MAX);
	if (!error && fflush(capture))
		error = -errno;
	if (error) {
		fclose(capture);
		return fail(failure, -error, "%s can't be written: %s", path, strerror(-error));
	}
	*ret_capture = capture;
	return 0;
}

static void capture_closep(FILE **capture)
{
	if (*capture)
		fclose(*capture);
}

/* ------------------------------------------------------------ output */

static int write_frame(struct drop_output *output, const struct drop *drop)
{
	uint8_t bytes[DROP_FRAME_BYTES_MAX];
	struct pcap_frame frame = {.time = drop->time, .bytes = bytes};

	frame.captured = drop_frame(drop, bytes, &frame.length);
	output->frames++;
	return pcap_write(output->capture, &frame);
}

static int write_drops(struct drop_output *output, const struct drop_reading *reading,
		       struct failure *failure)
{
	int error = 0;

	list_for_each (drop, &reading->drops) {
		if (output->lines && output->invocation->given[OPTION_JSON])
			output_json(output->invocation, stdout, drop_json(drop));
		else if (output->lines)
			drop_print(drop, stdout);
		if (output->capture && !error)
			error = write_frame(output, drop);
	}
	if (!error && output->capture && fflush(output->capture))
		error = -errno;
	if (error)
		return fail(failure, -error, "%s can't be written: %s",
			    output->invocation->value[OPTION_PCAP], strerror(-error));
	if (fflush(stdout))
		return fail(failure, errno, "can't write the output: %s", strerror(errno));
	if (reading->missed)
		fprintf(stderr,
			"sallyport drops: %" PRIu64 " more were overwritten before they could be "
			"read\n",
			reading->missed);
	return 0;
}

/* ------------------------------------------------------------ reading */

/* Once more; ret_interfaces: of how many. */
static int show_new(struct drop_reader *reader, struct drop_output *output, struct failure *failure,
		    struct drop_reading *ret_reading)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct drop_reading reading;
	int error = drop_reader_read(reader, arena, failure, &reading);

	if (!error)
		error = write_drops(output, &reading, failure);
	if (error)
		return error;
	*ret_reading = (struct drop_reading){.interfaces = reading.interfaces};
	ret_reading->drops.count = reading.drops.count;
	return 0;
}

/* What the lines do not show, at their end. */
static int show_rest(struct drop_reader *reader, const struct drop_output *output,
		     struct failure *failure)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	drop_list rest;
	int error;

	if (!output->lines || output->invocation->given[OPTION_JSON])
		return 0;
	error = drop_reader_rest(reader, arena, failure, &rest);
	if (error)
		return error;
	list_for_each (drop, &rest)
		drop_print_rest(drop, stdout);
	return 0;
}

/* Until a signal comes. What ceases to be enforced may be enforced again. */
static int follow(struct drop_reader *reader, struct drop_output *output, struct failure *failure)
{
	cleanup(fd_closep) int stop = -1;
	struct drop_reading reading = {.interfaces = 1};
	int error = stop_signals_open(failure, &stop);

	while (!error) {
		struct pollfd told = {.fd = stop, .events = POLLIN};
		size_t before = reading.interfaces;

		if (poll(&told, 1, LOOK_MILLISECONDS) > 0)
			return 0;
		error = show_new(reader, output, failure, &reading);
		if (!error && before && !reading.interfaces)
			fprintf(stderr, "sallyport drops: nothing is enforced any more; waiting "
					"for the next apply\n");
	}
	return error;
}

static int run(const struct invocation *invocation, struct drop_reader *reader,
	       struct drop_output *output, struct failure *failure)
{
	const char *interface = invocation->value[OPTION_INTERFACE];
	struct drop_reading reading;
	int error = show_new(reader, output, failure, &reading);

	if (error)
		return error;
	if (!reading.interfaces)
		return fail(failure, ENOENT,
			    "nothing is enforced%s%s: sallyport apply SITE does it",
			    interface ? " on " : "", interface ? interface : "");
	if (!invocation->given[OPTION_FOLLOW]) {
		if (!reading.drops.count)
			fprintf(stderr, "sallyport drops: nothing of the kind was dropped\n");
		return show_rest(reader, output, failure);
	}
	error = follow(reader, output, failure);
	return error ? error : show_rest(reader, output, failure);
}

int command_drops(const struct invocation *invocation)
{
	const char *path = invocation->value[OPTION_PCAP];
	struct drop_reader_request request = {
		.pins = invocation->value[OPTION_PINS],
		.interface = invocation->value[OPTION_INTERFACE],
	};
	cleanup(drop_reader_freep) struct drop_reader *reader = NULL;
	cleanup(capture_closep) FILE *capture = NULL;
	struct drop_output output = {
		.invocation = invocation,
		.lines = !path || strcmp(path, "-") != 0,
	};
	struct failure failure = {""};
	int result = read_reason(invocation, &request.reason);

	if (result == EXIT_DONE && !output.lines && invocation->given[OPTION_JSON])
		result = usage_error(invocation,
				     "--pcap - and --json both want standard output: give one");
	if (result != EXIT_DONE)
		return result;
	if (path && open_capture(path, &failure, &capture))
		return output_failure(invocation, &failure);
	reader = drop_reader_new(&request);
	output.capture = capture;
	if (run(invocation, reader, &output, &failure))
		return output_failure(invocation, &failure);
	if (path && output.lines)
		fprintf(stderr, "sallyport drops: %" PRIu64 " frame%s written to %s\n",
			output.frames, plural(output.frames), path);
	return EXIT_DONE;
}
