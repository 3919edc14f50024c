#include "net.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "log.h"

#define INTERFACE "eth0"
#define ADDRESS "10.0.2.15"
#define NETMASK "255.255.255.0"
#define GATEWAY "10.0.2.2"
#define NAME_SERVER "10.0.2.3"

enum { INTERFACE_MS = 2000 };

static struct sockaddr address(const char *text)
{
    struct sockaddr_in internet = {.sin_family = AF_INET};
    struct sockaddr plain;
    inet_pton(AF_INET, text, &internet.sin_addr);
    memcpy(&plain, &internet, sizeof plain);
    return plain;
}

static struct ifreq interface(const char *name)
{
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return request;
}

static bool set_up(int fd, const char *name)
{
    struct ifreq request = interface(name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return false;
    request.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static bool set_address(int fd, int what, const char *text)
{
    struct ifreq request = interface(INTERFACE);
    request.ifr_addr = address(text);
    return ioctl(fd, what, &request) == 0;
}

static bool add_default_route(int fd)
{
    struct rtentry route = {
        .rt_dst = address("0.0.0.0"),
        .rt_genmask = address("0.0.0.0"),
        .rt_gateway = address(GATEWAY),
        .rt_flags = RTF_UP | RTF_GATEWAY,
    };
    return ioctl(fd, SIOCADDRT, &route) == 0;
}

static int control_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        log_errno("there is no network");
    return fd;
}

void net_loopback(void)
{
    int fd = control_socket();
    if (fd < 0)
        return;
    if (!set_up(fd, "lo"))
        log_errno("cannot bring up lo");
    close(fd);
}

static void wait_for_interface(int fd)
{
    struct ifreq request = interface(INTERFACE);
    for (int64_t end = now_ms() + INTERFACE_MS; ioctl(fd, SIOCGIFFLAGS, &request) < 0 && now_ms() < end;)
        pause_ms(1);
}

void net_user(void)
{
    int fd = control_socket();
    if (fd < 0)
        return;
    wait_for_interface(fd);
    if (!set_address(fd, SIOCSIFADDR, ADDRESS) || !set_address(fd, SIOCSIFNETMASK, NETMASK) || !set_up(fd, INTERFACE) ||
        !add_default_route(fd))
        log_errno("cannot bring up " INTERFACE);
    close(fd);
    mkdir("/etc", 0755);
    if (!replace_file("/etc/resolv.conf", "nameserver " NAME_SERVER "\n", 0644))
        log_errno("cannot write /etc/resolv.conf");
}
