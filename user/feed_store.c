/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/bounds.h"
#include "descriptor.h"
#include "digest.h"

#define MAGIC	       "sallyport-feed: 1"
#define SUFFIX	       ".feed"
#define NAME_HEX       16
#define HEADER_LINES   8
#define DIRECTORY_MODE 0755

static void closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* ------------------------------------------------------------ where -----------------------------
 */

/* "ip-ranges.amazonaws.com-0123456789abcdef.feed": for people, and unique. */
const char *feed_store_path(struct arena *arena, const char *directory, const char *url)
{
	const char *host = strstr(url, "//");
	struct digest digest;
	char hex[DIGEST_TEXT_BYTES];
	char *name;

	host = host ? host + 2 : url;
	name = arena_strndup(arena, host, strcspn(host, "/?#"));
	for (char *at = name; *at; at++) {
		if (*at == ':' || *at == '[' || *at == ']')
			*at = '_';
	}
	digest_begin(&digest);
	digest_add(&digest, url, strlen(url));
	digest_end(&digest, hex);
	return arena_printf(arena, "%s/%s-%.*s" SUFFIX, directory ? directory : FEEDS_DIRECTORY,
			    name, NAME_HEX, hex);
}

static const char *site_file(struct arena *arena, const char *site_path, const char *file)
{
	const char *slash = strrchr(site_path, '/');

	if (*file == '/' || !slash)
		return file;
	return arena_printf(arena, "%.*s/%s", (int)(slash - site_path), site_path, file);
}

/* ------------------------------------------------------------ reading ---------------------------
 */

static int read_all(struct arena *arena, const char *path, struct failure *failure,
		    struct stored_feed *feed)
{
	cleanup(closep) FILE *file = fopen(path, "re");
	struct stat status;
	char *text;

	if (!file || fstat(fileno(file), &status))
		return fail(failure, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return fail(failure, EINVAL, "%s is no file", path);
	if ((uint64_t)status.st_size > FEED_BYTES_MAX)
		return fail(failure, E2BIG, "%s has %lld bytes, more than %u (FEED_BYTES_MAX)",
			    path, (long long)status.st_size, FEED_BYTES_MAX);
	text = arena_alloc(arena, (size_t)status.st_size + 1);
	feed->length = fread(text, 1, (size_t)status.st_size, file);
	if (ferror(file))
		return fail(failure, EIO, "%s can't be read", path);
	feed->path = path;
	feed->text = text;
	feed->checked_at = (uint64_t)status.st_mtime;
	return 0;
}

/* "key: value"; unknown keys are a later version's. */
static void read_header(struct arena *arena, const char *line, size_t length,
			struct stored_feed *feed)
{
	static const struct {
		const char *key;
		size_t offset;
	} texts[] = {
		{"url: ", offsetof(struct stored_feed, url)},
		{"etag: ", offsetof(struct stored_feed, etag)},
		{"last-modified: ", offsetof(struct stored_feed, last_modified)},
		{"digest: ", offsetof(struct stored_feed, digest)},
	};
	const char *text = arena_strndup(arena, line, length);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t key = strlen(texts[i].key);

		if (strncmp(text, texts[i].key, key) == 0)
			memcpy((char *)feed + texts[i].offset, &(const char *){text + key},
			       sizeof(const char *));
	}
	sscanf(text, "checked-at: %" SCNu64, &feed->checked_at);
	sscanf(text, "max-age: %" SCNu64, &feed->max_age_seconds);
}

/* DIGEST_TEXT_BYTES */
static void text_digest(const struct stored_feed *feed, char *ret_text)
{
	struct digest digest;

	digest_begin(&digest);
	digest_add(&digest, feed->text, feed->length);
	digest_end(&digest, ret_text);
}

int feed_store_read_path(struct arena *arena, const char *path, struct failure *failure,
			 struct stored_feed *ret_feed)
{
	struct stored_feed feed = {
		.url = "", .text = "", .etag = "", .last_modified = "", .digest = ""};
	int error = read_all(arena, path, failure, &feed);
	char digest[DIGEST_TEXT_BYTES];
	const char *at;

	if (error)
		return error;
	at = feed.text;
	if (strncmp(at, MAGIC "\n", strlen(MAGIC "\n")) != 0)
		return fail(failure, EINVAL,
			    "%s is no stored feed: remove it, and run \"sallyport feed update\"",
			    path);
	for (unsigned i = 0; i < HEADER_LINES; i++) {
		size_t length = strcspn(at, "\n");

		if (!length && *at)
			break;
		read_header(arena, at, length, &feed);
		at += length + (at[length] == '\n');
	}
	if (*at != '\n')
		return fail(failure, EINVAL,
			    "%s is cut short: remove it, and run \"sallyport feed update\"", path);
	at++;
	feed.length -= (size_t)(at - feed.text);
	feed.text = at;
	text_digest(&feed, digest);
	if (strcmp(digest, feed.digest) != 0)
		return fail(failure, EINVAL,
			    "%s is damaged: remove it, and run \"sallyport feed update\"", path);
	*ret_feed = feed;
	return 0;
}

int feed_store_read(struct arena *arena, const char *directory, const struct site_feed *source,
		    const char *site_path, struct failure *failure, struct stored_feed *ret_feed)
{
	struct stored_feed feed = {
		.url = "", .text = "", .etag = "", .last_modified = "", .digest = ""};
	int error;

	if (source->url)
		return feed_store_read_path(arena, feed_store_path(arena, directory, source->url),
					    failure, ret_feed);
	error = read_all(arena, site_file(arena, site_path, source->file), failure, &feed);
	if (!error)
		*ret_feed = feed;
	return error;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int feed_store_list(struct arena *arena, const char *directory, struct failure *failure,
		    path_list *ret_paths)
{
	const char *place = directory ? directory : FEEDS_DIRECTORY;
	cleanup(closedirp) DIR *open = opendir(place);
	path_list paths = {0};
	struct dirent *entry;

	if (!open && errno != ENOENT)
		return fail(failure, errno, "%s: %s", place, strerror(errno));
	while (open && (entry = readdir(open))) {
		size_t length = strlen(entry->d_name);

		if (*entry->d_name == '.' || length <= strlen(SUFFIX) ||
		    strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		*arena_push(arena, &paths) = arena_printf(arena, "%s/%s", place, entry->d_name);
	}
	if (paths.count)
		qsort(paths.items, paths.count, sizeof(*paths.items), compare_paths);
	*ret_paths = paths;
	return 0;
}

/* ------------------------------------------------------------ writing ---------------------------
 */

static int make_directories(struct arena *arena, const char *path)
{
	char *copy = arena_strdup(arena, path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, DIRECTORY_MODE) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int write_file(const struct stored_feed *feed, int fd)
{
	FILE *file = fdopen(fd, "w");
	char digest[DIGEST_TEXT_BYTES];
	bool good;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	fprintf(file, MAGIC "\nurl: %s\nchecked-at: %" PRIu64 "\nmax-age: %" PRIu64 "\n", feed->url,
		feed->checked_at, feed->max_age_seconds);
	text_digest(feed, digest);
	fprintf(file, "digest: %s\n", digest);
	if (*feed->etag)
		fprintf(file, "etag: %s\n", feed->etag);
	if (*feed->last_modified)
		fprintf(file, "last-modified: %s\n", feed->last_modified);
	fputc('\n', file);
	fwrite(feed->text, 1, feed->length, file);
	good = !ferror(file) && !fflush(file) && !fsync(fileno(file));
	return fclose(file) || !good ? -EIO : 0;
}

int feed_store_write(const struct stored_feed *feed, struct failure *failure)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	char *temporary = arena_printf(arena, "%s.XXXXXX", feed->path);
	cleanup(fd_closep) int directory = -1;
	int fd, error = make_directories(arena, feed->path);

	if (error)
		return fail(failure, -error, "%s can't be made: %s", feed->path, strerror(-error));
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(failure, errno, "%s can't be written: %s", feed->path, strerror(errno));
	fchmod(fd, 0644);
	error = write_file(feed, fd);
	if (!error && rename(temporary, feed->path))
		error = -errno;
	if (error) {
		unlink(temporary);
		return fail(failure, -error, "%s can't be written: %s", feed->path,
			    strerror(-error));
	}
	/* The new name must last through a power cut too. */
	directory = open(
		arena_strndup(arena, feed->path, (size_t)(strrchr(feed->path, '/') - feed->path)),
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0)
		fsync(directory);
	return 0;
}
