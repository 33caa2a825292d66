/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "../include/bounds.h"
#include "arena.h"
#include "metrics.h"

#define HOST_BYTES_MAX 256

struct server {
	const struct serve_source *source;
	struct MHD_Daemon *daemon; /* owns the listening socket */
	int epoll;
	char address[HOST_BYTES_MAX + 16];
};

/* ------------------------------------------------------------ answers */

/* Takes over body, which is from malloc. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
			      char *body, size_t length)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
				   const char *text)
{
	char *body = strdup(text);

	if (!body)
		return MHD_NO;
	return answer(connection, status, "text/plain; charset=utf-8", body, strlen(body));
}

static enum MHD_Result answer_landing(const struct server *server,
				      struct MHD_Connection *connection)
{
	static const char page[] =
		"<!DOCTYPE html>\n<html "
		"lang=\"en\">\n<head><title>sallyport</title></head>\n<body>\n"
		"<h1>sallyport " SALLYPORT_VERSION "</h1>\n"
		"<p>Enforces what the vendors' firewall documents say, packet by packet.</p>\n"
		"<ul>\n<li><a href=\"/metrics\">Metrics</a></li>\n"
		"<li><a href=\"/healthz\">Health</a></li>\n</ul>\n</body>\n</html>\n";
	char *body = strdup(page);

	if (!body)
		return MHD_NO;
	return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", body, strlen(body));
}

static enum MHD_Result answer_metrics(const struct server *server,
				      struct MHD_Connection *connection)
{
	struct failure failure = {""};
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);
	int error;

	if (!out)
		return MHD_NO;
	error = server->source->metrics(server->source->data, out, &failure);
	if (fclose(out) != 0 && !error)
		error = fail(&failure, ENOMEM, "out of memory for the page of metrics");
	if (!error)
		return answer(connection, MHD_HTTP_OK, METRICS_CONTENT_TYPE, body, length);
	free(body);
	if (asprintf(&body, "%s\n", failure.message) < 0)
		return MHD_NO;
	return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", body,
		      strlen(body));
}

static enum MHD_Result answer_health(const struct server *server, struct MHD_Connection *connection)
{
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);
	bool healthy;

	if (!out)
		return MHD_NO;
	healthy = server->source->health(server->source->data, out);
	if (fclose(out) != 0) {
		free(body);
		return MHD_NO;
	}
	return answer(connection, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		      "text/plain; charset=utf-8", body, length);
}

static const struct page {
	const char *path;
	enum MHD_Result (*answer)(const struct server *server, struct MHD_Connection *connection);
} pages[] = {
	{"/", answer_landing},
	{"/metrics", answer_metrics},
	{"/healthz", answer_health},
};

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	const struct server *server = data;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				   "only GET and HEAD are answered\n");
	/* The first call is for the headers alone; an answer there would end a kept connection. */
	if (!*state) {
		*state = data;
		return MHD_YES;
	}
	*upload_size = 0;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(path, pages[i].path) == 0)
			return pages[i].answer(server, connection);
	return answer_text(connection, MHD_HTTP_NOT_FOUND,
			   "no such page: there are /, /metrics and /healthz\n");
}

/* ------------------------------------------------------------ listening */

/* host has HOST_BYTES_MAX bytes and is "" where every address is meant. */
static int split_address(const char *address, char *host, const char **ret_port,
			 struct failure *failure)
{
	const char *colon = strrchr(address, ':');
	const char *first = address;
	size_t length;
	char *end;
	unsigned long port;

	if (!colon)
		return fail(failure, EINVAL, "\"%s\" has no port: write HOST:PORT, such as %s",
			    address, SERVE_ADDRESS_DEFAULT);
	length = (size_t)(colon - address);
	if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
		first++;
		length -= 2;
	} else if (memchr(address, ':', length)) {
		return fail(failure, EINVAL,
			    "\"%s\": an IPv6 address stands in brackets, such as [::1]:9077",
			    address);
	}
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		return fail(failure, EINVAL, "\"%s\" is no port: it must be 0 to 65535", colon + 1);
	if (length >= HOST_BYTES_MAX)
		return fail(failure, EINVAL, "the host name in \"%.40s...\" is too long", address);
	memcpy(host, first, length);
	host[length] = '\0';
	*ret_port = colon + 1;
	return 0;
}

int serve_address_check(const char *address, struct failure *failure)
{
	char host[HOST_BYTES_MAX];
	const char *port;

	return split_address(address, host, &port, failure);
}

static int listen_on(const struct addrinfo *info, const char *address, struct failure *failure,
		     int *ret_socket)
{
	const int yes = 1, no = 0;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return fail(failure, errno, "can't make a socket for %s: %s", address,
			    strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	/* ":PORT" means both families. */
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 &&
	    listen(fd, SERVE_CONNECTIONS_MAX) == 0) {
		*ret_socket = fd;
		return 0;
	}
	error = errno;
	close(fd);
	if (error == EADDRINUSE)
		return fail(failure, error,
			    "another program listens on %s (ss -ltnp shows which): stop it, or "
			    "choose another port with --web.listen-address",
			    address);
	if (error == EADDRNOTAVAIL)
		return fail(failure, error,
			    "can't listen on %s: no interface here has that address", address);
	return fail(failure, error, "can't listen on %s: %s", address, strerror(error));
}

static int open_socket(const char *address, struct failure *failure, int *ret_socket)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	char host[HOST_BYTES_MAX];
	const char *port = NULL;
	struct addrinfo *found;
	int error = split_address(address, host, &port, failure);

	if (error)
		return error;
	if (!*host)
		hints.ai_family = access("/proc/net/if_inet6", F_OK) == 0 ? AF_INET6 : AF_INET;
	error = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	if (error)
		return fail(failure, EINVAL, "can't listen on %s: %s", address,
			    gai_strerror(error));
	error = listen_on(found, address, failure, ret_socket);
	freeaddrinfo(found);
	return error;
}

static void name_address(int socket, char *text, size_t size)
{
	struct sockaddr_storage own = {0};
	socklen_t length = sizeof(own);
	char host[HOST_BYTES_MAX] = "?", port[16] = "?";

	if (getsockname(socket, (struct sockaddr *)&own, &length) == 0)
		getnameinfo((struct sockaddr *)&own, length, host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(text, size, own.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int server_open(const char *address, const struct serve_source *source, struct failure *failure,
		struct server **ret_server)
{
	cleanup(server_freep) struct server *server = calloc(1, sizeof(*server));
	int socket = -1;
	int error;

	if (!server)
		return fail(failure, ENOMEM, "out of memory");
	server->source = source;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		return fail(failure, errno, "can't make an epoll instance: %s", strerror(errno));
	error = open_socket(address, failure, &socket);
	if (error)
		return error;
	name_address(socket, server->address, sizeof(server->address));
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, socket,
		MHD_OPTION_CONNECTION_LIMIT, SERVE_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		SERVE_TIMEOUT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)SERVE_CONNECTION_BYTES_MAX, MHD_OPTION_END);
	if (!server->daemon) {
		close(socket);
		return fail(failure, EIO, "can't start the web server on %s", address);
	}
	error = watch(server->epoll,
		      MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
	if (error)
		return fail(failure, -error, "can't watch for requests: %s", strerror(-error));
	*ret_server = server;
	server = NULL;
	return 0;
}

const char *server_address(const struct server *server)
{
	return server->address;
}

/*
 * The longest sleep. With SERVE_CONNECTIONS_MAX connections open the library stops listening, and
 * it only begins again in a call of MHD_run that comes after the one in which some were closed:
 * without an event of its own that call would never come.
 */
#define WAKE_MS 1000

int server_run(struct server *server, int stop, struct failure *failure)
{
	int error = watch(server->epoll, stop);

	if (error)
		return fail(failure, -error, "can't watch for the end: %s", strerror(-error));
	for (;;) {
		MHD_UNSIGNED_LONG_LONG timeout;
		struct epoll_event events[2];
		int wait = WAKE_MS;
		int count;

		if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout < WAKE_MS)
			wait = (int)timeout;
		count = epoll_wait(server->epoll, events, 2, wait);
		if (count < 0 && errno != EINTR)
			return fail(failure, errno, "can't wait for requests: %s", strerror(errno));
		for (int i = 0; i < count; i++)
			if (events[i].data.fd == stop)
				return 0;
		MHD_run(server->daemon);
	}
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->epoll >= 0)
		close(server->epoll);
	free(server);
}

void server_freep(struct server **server)
{
	server_free(*server);
}
