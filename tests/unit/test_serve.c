/* SPDX-License-Identifier: BSD-2-Clause */
/* The exporter's web server over loopback, with a source that no kernel had a part in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Before cmocka, which has a macro by the name of our fail(). */
#include "../../include/bounds.h"
#include "serve.h"

#include <cmocka.h>

struct fixture {
	struct serve_source source;
	struct server *server;
	pthread_t thread;
	int stop;
	int result;
	bool healthy;
	bool broken;
};

static int write_metrics(void *data, FILE *out, struct failure *failure)
{
	struct fixture *fixture = data;

	if (fixture->broken) {
		strcpy(failure->message, "the counters can't be read");
		return -EIO;
	}
	fprintf(out, "sallyport_interfaces 1\n");
	return 0;
}

static bool write_health(void *data, FILE *out)
{
	struct fixture *fixture = data;

	fprintf(out, fixture->healthy ? "eth0 enforces\n" : "eth0 is mixed\n");
	return fixture->healthy;
}

static void *run(void *data)
{
	struct fixture *fixture = data;
	struct failure failure;

	fixture->result = server_run(fixture->server, fixture->stop, &failure);
	return NULL;
}

static int start(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct failure failure;

	fixture->source = (struct serve_source){write_metrics, write_health, fixture};
	fixture->healthy = true;
	fixture->stop = eventfd(0, EFD_CLOEXEC);
	if (server_open("127.0.0.1:0", &fixture->source, &failure, &fixture->server))
		return -1;
	*state = fixture;
	return pthread_create(&fixture->thread, NULL, run, fixture);
}

static int stop(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t one = 1;
	int result;

	if (write(fixture->stop, &one, sizeof(one)) != sizeof(one))
		return -1;
	pthread_join(fixture->thread, NULL);
	result = fixture->result;
	server_free(fixture->server);
	close(fixture->stop);
	free(fixture);
	return result;
}

static int connect_to(const struct fixture *fixture)
{
	const char *address = server_address(fixture->server);
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Sends the request and reads until the server closes. The caller frees the answer. */
static char *ask(const struct fixture *fixture, const char *request)
{
	int fd = connect_to(fixture);
	char *answer = calloc(1, 65536);
	size_t used = 0;
	ssize_t length;

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while ((length = read(fd, answer + used, 65535 - used)) > 0)
		used += (size_t)length;
	close(fd);
	return answer;
}

#define REQUEST(method, path)                                                                      \
	method " " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void expect(const struct fixture *fixture, const char *request, const char *status,
		   const char *part)
{
	char *answer = ask(fixture, request);

	if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0)
		fail_msg("%s: not %s but:\n%s", request, status, answer);
	if (!strstr(answer, part))
		fail_msg("%s: no '%s' in:\n%s", request, part, answer);
	free(answer);
}

static void test_pages(void **state)
{
	struct fixture *fixture = *state;

	expect(fixture, REQUEST("GET", "/"), "200", "href=\"/metrics\"");
	expect(fixture, REQUEST("GET", "/metrics"), "200", "\r\n\r\nsallyport_interfaces 1\n");
	expect(fixture, REQUEST("GET", "/metrics"), "200",
	       "Content-Type: text/plain; version=0.0.4");
	expect(fixture, REQUEST("GET", "/metrics?a=b"), "200", "sallyport_interfaces 1\n");
	expect(fixture, REQUEST("GET", "/healthz"), "200", "eth0 enforces");
}

static void test_head_has_no_body(void **state)
{
	struct fixture *fixture = *state;
	char *answer = ask(fixture, REQUEST("HEAD", "/metrics"));

	assert_non_null(strstr(answer, "Content-Length: 23"));
	assert_null(strstr(answer, "sallyport_interfaces"));
	free(answer);
}

static void test_refusals(void **state)
{
	struct fixture *fixture = *state;

	expect(fixture, REQUEST("GET", "/metric"), "404", "/metrics");
	expect(fixture, REQUEST("GET", "/metrics/"), "404", "no such page");
	expect(fixture, REQUEST("DELETE", "/metrics"), "405", "Allow: GET, HEAD");
	expect(fixture,
	       "POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	       "Content-Length: 4\r\n\r\nabcd",
	       "405", "only GET and HEAD");
}

static void test_unhealthy(void **state)
{
	struct fixture *fixture = *state;

	fixture->healthy = false;
	expect(fixture, REQUEST("GET", "/healthz"), "503", "eth0 is mixed");
}

static void test_broken_source(void **state)
{
	struct fixture *fixture = *state;

	fixture->broken = true;
	expect(fixture, REQUEST("GET", "/metrics"), "503", "the counters can't be read");
	expect(fixture, REQUEST("GET", "/"), "200", "sallyport");
}

static void test_headers_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	char *request = malloc(SERVE_CONNECTION_BYTES_MAX * 2);
	int length = sprintf(request, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ");
	char *answer;

	memset(request + length, 'a', SERVE_CONNECTION_BYTES_MAX);
	strcpy(request + length + SERVE_CONNECTION_BYTES_MAX, "\r\n\r\n");
	answer = ask(fixture, request);
	assert_null(strstr(answer, "HTTP/1.1 200"));
	free(answer);
	free(request);
	expect(fixture, REQUEST("GET", "/metrics"), "200", "sallyport_interfaces 1");
}

/* Silent connections up to the bound hold nobody up for good: closing one lets the next in. */
static void test_connections_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	int idle[SERVE_CONNECTIONS_MAX];

	for (unsigned i = 0; i < SERVE_CONNECTIONS_MAX; i++)
		idle[i] = connect_to(fixture);
	for (unsigned i = 0; i < SERVE_CONNECTIONS_MAX; i++)
		close(idle[i]);
	expect(fixture, REQUEST("GET", "/metrics"), "200", "sallyport_interfaces 1");
}

static void test_kept_connection(void **state)
{
	struct fixture *fixture = *state;
	char *answer =
		ask(fixture,
		    "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" REQUEST("GET", "/healthz"));

	assert_non_null(strstr(answer, "sallyport_interfaces 1"));
	assert_non_null(strstr(answer, "eth0 enforces"));
	free(answer);
}

static void expect_failure(const char *address, int error, const char *part)
{
	const struct serve_source source = {write_metrics, write_health, NULL};
	struct server *server = NULL;
	struct failure failure = {""};

	assert_int_equal(server_open(address, &source, &failure, &server), -error);
	assert_null(server);
	if (!strstr(failure.message, part))
		fail_msg("%s: no '%s' in: %s", address, part, failure.message);
}

static void test_addresses(void **state)
{
	struct fixture *fixture = *state;
	struct failure failure = {""};

	assert_int_equal(serve_address_check(SERVE_ADDRESS_DEFAULT, &failure), 0);
	assert_int_equal(serve_address_check("[::1]:0", &failure), 0);
	assert_int_equal(serve_address_check(":9077", &failure), 0);
	assert_int_equal(serve_address_check("foo", &failure), -EINVAL);
	assert_non_null(strstr(failure.message, "write HOST:PORT"));

	expect_failure("9077", EINVAL, "has no port");
	expect_failure("localhost:", EINVAL, "is no port");
	expect_failure("127.0.0.1:70000", EINVAL, "is no port");
	expect_failure("127.0.0.1:-1", EINVAL, "is no port");
	expect_failure("::1:9077", EINVAL, "in brackets");
	expect_failure("192.0.2.1:0", EADDRNOTAVAIL, "no interface here has that address");
	expect_failure(server_address(fixture->server), EADDRINUSE, "another program listens on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, start, stop),
		cmocka_unit_test_setup_teardown(test_head_has_no_body, start, stop),
		cmocka_unit_test_setup_teardown(test_refusals, start, stop),
		cmocka_unit_test_setup_teardown(test_unhealthy, start, stop),
		cmocka_unit_test_setup_teardown(test_broken_source, start, stop),
		cmocka_unit_test_setup_teardown(test_headers_are_bounded, start, stop),
		cmocka_unit_test_setup_teardown(test_connections_are_bounded, start, stop),
		cmocka_unit_test_setup_teardown(test_kept_connection, start, stop),
		cmocka_unit_test_setup_teardown(test_addresses, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
