/* Network interfaces, by ioctls: an image need not have any tool for it. */
#ifndef ERA_NET_H
#define ERA_NET_H

void net_loopback(void);
/* eth0 with the addresses of QEMU's user network (its documented defaults), and /etc/resolv.conf. */
void net_user(void);

#endif
