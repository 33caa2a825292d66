/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics, serve and reasons: what was counted, and what the words in it mean. */
#include "command.h"
#include "counters.h"
#include "descriptor.h"
#include "feed_ages.h"
#include "metrics.h"
#include "output.h"
#include "serve.h"
#include "stop_signals.h"
#include "words.h"

/* Counters, and how old the feeds are. */
static int read_snapshot(const struct invocation *invocation, struct failure *failure,
			 struct snapshot **ret_snapshot)
{
	int error = counters_read(invocation->value[OPTION_PINS], failure, ret_snapshot);

	return error ? error
		     : feed_ages_read(invocation->value[OPTION_FEEDS], failure, *ret_snapshot);
}

int command_metrics(const struct invocation *invocation)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = NULL;
	struct failure failure = {""};

	if (read_snapshot(invocation, &failure, &snapshot))
		return output_failure(invocation, &failure);
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, snapshot_json(snapshot));
	else
		metrics_write(snapshot, stdout);
	return EXIT_DONE;
}

/* ------------------------------------------------------------ serve */

static int serve_metrics(void *data, FILE *out, struct failure *failure)
{
	const struct invocation *invocation = data;
	cleanup(snapshot_freep) struct snapshot *snapshot = NULL;
	int error = read_snapshot(invocation, failure, &snapshot);

	if (!error)
		metrics_write(snapshot, out);
	return error;
}

static bool serve_health(void *data, FILE *out)
{
	const struct invocation *invocation = data;
	cleanup(snapshot_freep) struct snapshot *snapshot = NULL;
	struct failure failure = {""};

	if (counters_read(invocation->value[OPTION_PINS], &failure, &snapshot)) {
		fprintf(out, "%s\n", failure.message);
		return false;
	}
	return snapshot_health(snapshot, out);
}

int command_serve(const struct invocation *invocation)
{
	const struct serve_source source = {serve_metrics, serve_health, (void *)invocation};
	const char *address = invocation->value[OPTION_LISTEN_ADDRESS];
	cleanup(server_freep) struct server *server = NULL;
	cleanup(fd_closep) int stop = -1;
	struct failure failure = {""};

	if (!address)
		address = SERVE_ADDRESS_DEFAULT;
	if (serve_address_check(address, &failure))
		return usage_error(invocation, "--web.listen-address: %s", failure.message);
	if (stop_signals_open(&failure, &stop) || server_open(address, &source, &failure, &server))
		return output_failure(invocation, &failure);
	output_json(invocation, stdout, json_pack("{s:s}", "listening", server_address(server)));
	fflush(stdout);
	if (server_run(server, stop, &failure))
		return output_failure(invocation, &failure);
	return EXIT_DONE;
}

/* ------------------------------------------------------------ reasons */

static json_t *reasons_json(void)
{
	json_t *reasons = json_array();

	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
		json_array_append_new(reasons,
				      json_pack("{s:s, s:s, s:s}", "reason", reason_name(reason),
						"verdict", verdict_name(reason_verdict(reason)),
						"meaning", reason_meaning(reason)));
	return reasons;
}

int command_reasons(const struct invocation *invocation)
{
	static const char *const header[] = {"REASON", "VERDICT", "MEANING"};
	cleanup(text_table_freep) struct text_table *table = text_table_new(3, header);

	if (invocation->given[OPTION_JSON]) {
		output_json(invocation, stdout, reasons_json());
		return EXIT_DONE;
	}
	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		text_table_add(table, "%s", reason_name(reason));
		text_table_add(table, "%s", verdict_name(reason_verdict(reason)));
		text_table_add(table, "%s", reason_meaning(reason));
	}
	text_table_print(table, stdout);
	return EXIT_DONE;
}
