/* era-agent: spawns processes in a guest and carries their streams to the host.
 *
 * Takes no arguments. As pid 1 of an initramfs of ours it is /init: it makes the machine, then serves the virtio port named
 * `era`. In any other case it serves stdin and stdout.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "link.h"
#include "serve.h"
#include "system.h"

int main(void)
{
    if (getpid() == 1 && access(INIT_MODULES_LIST, F_OK) == 0) {
        init_machine();
        system_setup();
        link_open_port(init_port());
    } else {
        system_setup();
        link_open_stdio();
    }
    serve();
}
