/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The URIs of network locations, in the forms of VOSS, Network Security, "Network URI
 * specification" (lines 219-233), and no others:
 *
 *   ftp://user[:password]@host[:port][/path]      sftp://user[:password]@host[:port][/path]
 *   http(s)://user[:password]@host[:port]/path    scp://[user@]host[:port]:[/path]
 *   file:///path                                  mailto:user@domain
 *   snmp://community@host[:port]  (v2)            snmp://user:auth[:password]@host[:port]  (v3)
 *
 * The document prints a space before the path of ftp and http, and an unbalanced bracket in snmp
 * v3: both are misprints (reading V-21) and refused with a word about it.
 */
#ifndef SALLYPORT_URI_H
#define SALLYPORT_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

enum uri_scheme {
	URI_FTP,
	URI_HTTP,
	URI_HTTPS,
	URI_FILE,
	URI_SFTP,
	URI_SCP,
	URI_MAILTO,
	URI_SNMP,
	URI_SCHEME_COUNT,
};

struct uri {
	enum uri_scheme scheme;
	const char *host; /* a name, or an address without brackets; mailto: the mail domain, which
			     is not the peer; NULL: file */
	bool is_address;
	struct address address;
	uint16_t port;	       /* 0: none is written */
	bool has_password;     /* that of a user, or of SNMP v3; a community is not counted */
	unsigned snmp_version; /* 2 or 3; 0: not SNMP */
	/*
	 * What may be printed: without the password, and with *** for a community and for the
	 * authentication of SNMP v3. It reads back as the same location.
	 */
	const char *shown;
};

/*
 * Parses the whole text. False with, in *ret_wrong, what is wrong and what would be right; that
 * text never quotes what could be a password. Results live in the arena.
 */
bool uri_parse(struct arena *arena, const char *text, struct uri *ret_uri, const char **ret_wrong);

const char *uri_scheme_name(enum uri_scheme scheme);
bool uri_scheme_find(const char *name, enum uri_scheme *ret_scheme);
/* What its service listens on, from IANA's registry: TCP, but SNMP's notifications UDP (162). 0 for
 * file, which has no peer. mailto is the relay's SMTP (25). */
uint16_t uri_scheme_port(enum uri_scheme scheme);
uint8_t uri_scheme_protocol(enum uri_scheme scheme);

/*
 * Text of a file as a message may quote it: where it looks like a URI, right or wrong, without what
 * may be a password. The text itself where there is none.
 */
const char *uri_conceal(struct arena *arena, const char *text);

#endif
