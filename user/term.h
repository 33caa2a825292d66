/* SPDX-License-Identifier: BSD-2-Clause */
/* Readers of what policies are made of: ports, services, addresses. As reader.h. */
#ifndef SALLYPORT_TERM_H
#define SALLYPORT_TERM_H

#include "reader.h"
#include "site.h"

/* What a ports or services value may name where it stands. */
enum allowed {
	ALLOW_ANY = 1,	     /* the word any */
	ALLOW_PARAMETER = 2, /* $p, of the same catalog */
	ALLOW_INSTANCE = 4,  /* $instance/p */
};

bool read_ports(const struct reader *reader, const struct node *node, const char *what,
		unsigned allowed, port_term_list *ret_list);
bool read_services(const struct reader *reader, const struct node *node, const char *what,
		   unsigned allowed, service_term_list *ret_list);

/* Single addresses only, where single is set; else everything that an addresses list may hold. */
bool read_addresses(const struct reader *reader, const struct node *node, const char *what,
		    bool single, address_term_list *ret_list);
/* One item of such a list. Whether a set or host of that name exists is for the caller. */
bool read_address(const struct reader *reader, const struct node *node, const char *text,
		  struct address_term *ret_term);

#endif
