#include "warm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames.h"
#include "log.h"
#include "streams.h"

enum { ZYGOTE_FD = 3, ANNOUNCEMENT = 1, WANTED = 2, MAX_JOB_FDS = CHILD_FDS + 1 };

static struct {
    pid_t pid; /* 0: there is none */
    int fd;
    bool owes_answer; /* to the host's WARM */
    bool is_asked;    /* for the next spare */
    const struct pollfd *polled;
} zygote;

/* One is enough: what others announce waits in the zygote's socket. */
static struct {
    pid_t pid; /* 0: there is none */
    int fd;
} spare;

static void lose_spare(void)
{
    if (spare.pid == 0)
        return;
    kill(spare.pid, SIGKILL);
    close(spare.fd);
    spare.pid = 0;
}

/* Spares live no longer than their zygote. */
static void lose_zygote(void)
{
    if (zygote.pid == 0)
        return;
    log_line("the zygote is gone");
    kill(zygote.pid, SIGKILL);
    close(zygote.fd);
    zygote.pid = 0;
    lose_spare();
}

bool warm_start(const struct spawn_request *request)
{
    static const int yes = 1;
    struct plumbing plumbing;
    if (zygote.pid != 0)
        return false;
    zygote.owes_answer = true;
    zygote.polled = NULL;
    if (!plumbing_make_socket(&plumbing, ZYGOTE_FD))
        return true;
    setsockopt(plumbing.ours[ZYGOTE_FD], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    pid_t pid = start_process(request, -1, &plumbing);
    if (pid > 0) {
        zygote.pid = pid;
        zygote.fd = plumbing.ours[ZYGOTE_FD];
        zygote.is_asked = false;
        plumbing.ours[ZYGOTE_FD] = -1;
    }
    plumbing_close(&plumbing);
    return true;
}

nfds_t warm_poll(struct pollfd *set)
{
    zygote.polled = NULL;
    if (zygote.pid == 0)
        return 0;
    zygote.polled = set;
    *set = (struct pollfd){.fd = zygote.fd, .events = spare.pid == 0 ? POLLIN : 0};
    return 1;
}

/* Take the sender's pid and the first fd out of a packet; gives how many fds were in it, the others closed. */
static unsigned unpack(struct msghdr *message, pid_t *pid, int *fd)
{
    unsigned count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        if (part->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(part), sizeof sender);
            *pid = sender.pid;
        }
        for (size_t at = CMSG_LEN(0); part->cmsg_type == SCM_RIGHTS && at < part->cmsg_len; at += sizeof *fd, count++) {
            int received;
            memcpy(&received, (const uint8_t *)part + at, sizeof received);
            if (count == 0)
                *fd = received;
            else
                close(received);
        }
    }
    return count;
}

/* Nothing but such a socket never makes us wait. */
static bool is_seqpacket(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* A living child of ours that is nothing else yet. Its pid is its own until we reap it. */
static bool can_be_spare(pid_t pid)
{
    siginfo_t info = {0};
    return pid > 1 && pid != zygote.pid && !streams_have_process(pid) &&
           waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

static void take_announcement(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
    } control;
    uint8_t bytes[2];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(zygote.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    pid_t pid = 0;
    int fd = -1;
    unsigned fds = size >= 0 ? unpack(&message, &pid, &fd) : 0; /* an empty packet may hold fds too */
    bool is_announcement = size == 1 && bytes[0] == ANNOUNCEMENT && !(message.msg_flags & MSG_CTRUNC) && fds == 1 &&
                           is_seqpacket(fd);
    if (is_announcement && can_be_spare(pid)) {
        spare.pid = pid;
        spare.fd = fd;
        zygote.is_asked = false;
        return;
    }
    if (fd >= 0)
        close(fd);
    if (!is_announcement)
        lose_zygote();
}

static void answer(void)
{
    uint8_t serves = spare.pid != 0;
    send_frame(FRAME_WARM, 0, &serves, sizeof serves);
    zygote.owes_answer = false;
}

void warm_serve(void)
{
    if (zygote.pid != 0 && zygote.polled != NULL && zygote.polled->revents != 0) {
        if (spare.pid == 0)
            take_announcement();
        else
            lose_zygote(); /* POLLHUP: only that was asked for */
    }
    if (zygote.owes_answer && (spare.pid != 0 || zygote.pid == 0))
        answer();
}

void warm_reaped(pid_t pid)
{
    if (pid == spare.pid) {
        close(spare.fd);
        spare.pid = 0;
    } else if (pid == zygote.pid) {
        lose_zygote();
    }
}

void warm_signal(int number)
{
    if (zygote.pid != 0)
        kill(zygote.pid, number);
    if (spare.pid != 0)
        kill(spare.pid, number);
}

unsigned warm_processes(void)
{
    return (zygote.pid != 0) + (spare.pid != 0);
}

/* Once a spare: a zygote that does not listen must not fill its socket. */
static void ask_for_spare(void)
{
    static const uint8_t wanted = WANTED;
    if (!zygote.is_asked)
        zygote.is_asked = send(zygote.fd, &wanted, sizeof wanted, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof wanted;
}

static size_t job_fds(const struct plumbing *plumbing, int *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < CHILD_FDS; i++)
        if (plumbing->child[i] >= 0)
            fds[count++] = plumbing->child[i];
    fds[count++] = plumbing->error[1];
    return count;
}

static bool send_job(const struct spawn_request *request, const struct plumbing *plumbing)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(MAX_JOB_FDS * sizeof(int))];
    } control = {0};
    int fds[MAX_JOB_FDS];
    size_t size = job_fds(plumbing, fds) * sizeof *fds;
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    control.head.cmsg_len = (socklen_t)CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.head), fds, size);
    struct iovec part = {(void *)request->payload, request->size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = (socklen_t)CMSG_SPACE(size);
    return sendmsg(spare.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)request->size;
}

enum warm_result warm_offer(const struct spawn_request *request, const struct plumbing *plumbing, int cgroup, pid_t *pid)
{
    if (spare.pid == 0 && zygote.pid != 0)
        ask_for_spare();
    if (spare.pid == 0)
        return zygote.pid != 0 ? WARM_NOT_YET : WARM_NEVER;
    if (enter_cgroup(cgroup, spare.pid) && send_job(request, plumbing)) {
        *pid = spare.pid;
        close(spare.fd);
        spare.pid = 0;
        return WARM_OFFERED;
    }
    bool has_died = errno == EPIPE || errno == ECONNRESET || errno == ESRCH;
    lose_spare();
    return has_died && zygote.pid != 0 ? WARM_NOT_YET : WARM_NEVER; /* else too long for a packet, most likely */
}
