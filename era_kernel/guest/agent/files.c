#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t used = 0;
    ssize_t got = 0;
    while (used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0)
        used += (size_t)got;
    int error = errno;
    close(fd);
    text[used] = '\0';
    errno = error;
    return got >= 0;
}

static bool write_and_close(int fd, const char *text)
{
    if (fd < 0)
        return false;
    ssize_t written = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    errno = error;
    return written == (ssize_t)strlen(text);
}

bool write_file(const char *path, const char *text)
{
    return write_and_close(open(path, O_WRONLY | O_CLOEXEC), text);
}

bool replace_file(const char *path, const char *text, mode_t mode)
{
    /* Images have symbolic links there to places that do not exist in a VM. */
    struct stat old;
    if (lstat(path, &old) == 0 && S_ISLNK(old.st_mode))
        unlink(path);
    /* Cut to its length afterwards: what is truncated when it is opened has ext4 write it to the disk when it is closed. */
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);
    bool is_cut = fd >= 0 && ftruncate(fd, (off_t)strlen(text)) == 0;
    return write_and_close(fd, text) && is_cut;
}
