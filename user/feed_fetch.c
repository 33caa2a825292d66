/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed_fetch.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "../include/bounds.h"

#define PROTOCOLS      "http,https"
#define CONNECT_PART   3 /* of the whole time, a third may go by before there is a connection */
#define HTTP_OK	       200
#define HTTP_UNCHANGED 304

struct transfer {
	struct arena *arena;
	LIST(char) body;
	bool too_large;
	const char *etag;
	const char *last_modified;
};

static void curl_freep(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void headers_freep(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

/* Doubles as it grows, which arena_push() would do a byte at a time. */
static size_t take_body(char *data, size_t size, size_t count, void *user)
{
	struct transfer *transfer = user;
	size_t length = size * count, needed = transfer->body.count + length;

	if (needed > FEED_BYTES_MAX) {
		transfer->too_large = true;
		return 0;
	}
	if (needed >= transfer->body.capacity) {
		size_t capacity = needed * 2 + 1;
		char *grown = arena_alloc(transfer->arena, capacity);

		if (transfer->body.count)
			memcpy(grown, transfer->body.items, transfer->body.count);
		transfer->body.items = grown;
		transfer->body.capacity = capacity;
	}
	memcpy(transfer->body.items + transfer->body.count, data, length);
	transfer->body.count = needed;
	return length;
}

/* "Name: value" without what ends the line; control characters would end a line of the store. */
static const char *header_value(struct arena *arena, const char *line, size_t length,
				const char *name)
{
	size_t prefix = strlen(name);
	char *value;

	if (length <= prefix || strncasecmp(line, name, prefix) != 0)
		return NULL;
	line += prefix;
	length -= prefix;
	while (length && isspace((unsigned char)*line)) {
		line++;
		length--;
	}
	while (length && isspace((unsigned char)line[length - 1]))
		length--;
	value = arena_strndup(arena, line, length);
	for (char *at = value; *at; at++) {
		if (iscntrl((unsigned char)*at))
			return NULL;
	}
	return value;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
	struct transfer *transfer = user;
	const char *value;

	/* Behind a redirect the headers of the last answer count. */
	if (size * count > 5 && strncmp(data, "HTTP/", 5) == 0)
		transfer->etag = transfer->last_modified = "";
	value = header_value(transfer->arena, data, size * count, "ETag:");
	if (value)
		transfer->etag = value;
	value = header_value(transfer->arena, data, size * count, "Last-Modified:");
	if (value)
		transfer->last_modified = value;
	return size * count;
}

static struct curl_slist *conditions(struct arena *arena, const struct stored_feed *known)
{
	struct curl_slist *headers = NULL;

	if (known && *known->etag)
		headers = curl_slist_append(headers,
					    arena_printf(arena, "If-None-Match: %s", known->etag));
	if (known && *known->last_modified)
		headers = curl_slist_append(headers, arena_printf(arena, "If-Modified-Since: %s",
								  known->last_modified));
	return headers;
}

static void set_options(CURL *curl, const char *url, unsigned timeout_seconds,
			struct curl_slist *headers, struct transfer *transfer, char *error)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, PROTOCOLS);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, PROTOCOLS);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)FEED_REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)timeout_seconds);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
			 (long)(timeout_seconds + CONNECT_PART - 1) / CONNECT_PART);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)FEED_BYTES_MAX);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "sallyport/" SALLYPORT_VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
}

static int transfer_failure(CURLcode code, const struct transfer *transfer, const char *error,
			    struct failure *failure)
{
	if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return fail(failure, E2BIG, "the answer has more than %u bytes (FEED_BYTES_MAX)",
			    FEED_BYTES_MAX);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return fail(failure, ETIMEDOUT,
			    "it took too long (%s); --timeout gives it more time",
			    *error ? error : curl_easy_strerror(code));
	if (code == CURLE_PARTIAL_FILE)
		return fail(failure, EIO, "the answer was cut short (%s)",
			    *error ? error : curl_easy_strerror(code));
	return fail(failure, EIO, "%s", *error ? error : curl_easy_strerror(code));
}

/* A page for people, such as a login, is no feed even if a reader could make something of it. */
static int check_answer(CURL *curl, struct failure *failure, bool *ret_unchanged)
{
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	*ret_unchanged = status == HTTP_UNCHANGED;
	if (status == HTTP_UNCHANGED)
		return 0;
	if (status != HTTP_OK)
		return fail(failure, EIO, "the server answered with status %ld", status);
	if (type &&
	    (strncasecmp(type, "text/html", 9) == 0 || strncasecmp(type, "image/", 6) == 0 ||
	     strncasecmp(type, "application/xhtml", 17) == 0))
		return fail(failure, EINVAL, "the answer is of the type %s, which is no feed",
			    type);
	return 0;
}

int feed_fetch(struct arena *arena, const char *url, const struct stored_feed *known,
	       unsigned timeout_seconds, struct failure *failure, struct feed_answer *ret_answer)
{
	cleanup(curl_freep) CURL *curl = curl_easy_init();
	cleanup(headers_freep) struct curl_slist *headers = conditions(arena, known);
	struct transfer transfer = {.arena = arena, .etag = "", .last_modified = ""};
	char error[CURL_ERROR_SIZE] = "";
	bool unchanged;
	CURLcode code;
	int result;

	if (!curl)
		return fail(failure, ENOMEM, "out of memory");
	set_options(curl, url, timeout_seconds, headers, &transfer, error);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return transfer_failure(code, &transfer, error, failure);
	result = check_answer(curl, failure, &unchanged);
	if (result)
		return result;
	if (unchanged && !known)
		return fail(failure, EIO, "the server answered with status %d without being asked",
			    HTTP_UNCHANGED);
	*ret_answer = (struct feed_answer){
		.unchanged = unchanged,
		.text = transfer.body.count ? transfer.body.items : "",
		.length = transfer.body.count,
		.etag = transfer.etag,
		.last_modified = transfer.last_modified,
	};
	return 0;
}
