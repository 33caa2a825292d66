/* SPDX-License-Identifier: BSD-2-Clause */
/* Dumps of netlink (RFC 3549), rtnetlink's above all: one request, every answer to a callback. */
#ifndef SALLYPORT_NETLINK_H
#define SALLYPORT_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/*
 * Sends one dump request of this type with this body (a struct ifinfomsg, tcmsg, ...; the start of
 * the answers' bodies) and hands every answer to each(). Returns 0 or -errno, of the kernel's
 * answer or of the first each() that failed.
 */
int netlink_dump(unsigned short type, const void *body, size_t body_length,
		 int (*each)(const struct nlmsghdr *message, void *data), void *data);

/* The same of another family of netlink (NETLINK_SOCK_DIAG). */
int netlink_dump_from(int protocol, unsigned short type, const void *body, size_t body_length,
		      int (*each)(const struct nlmsghdr *message, void *data), void *data);

/* One request of rtnetlink that is no dump, its body with attributes, and its one answer. */
int netlink_ask(unsigned short type, const void *body, size_t body_length,
		int (*each)(const struct nlmsghdr *message, void *data), void *data);

/*
 * Fills table[0..highest] with the attributes behind a message's body of this length; NULL where
 * there is none. Attributes above highest are left out.
 */
void netlink_attributes(const struct nlmsghdr *message, size_t body_length,
			const struct rtattr **table, unsigned highest);
/* The same for attributes nested in one. */
void netlink_nested(const struct rtattr *outer, const struct rtattr **table, unsigned highest);

#endif
