/* The agent as /init of the VM's initramfs: from a bare kernel to the VM's own root.
 *
 * The initramfs holds /init, /dev/console, /era/modules.list (file name and parameters of a kernel module a line, in the
 * order of loading), /era/modules/NAME.ko (uncompressed) and /era/share/, which is /.era of the guest.
 * Words of the kernel command line: era.root=DEVICE (EROFS; without it the initramfs itself is the root), era.disk=DEVICE
 * (ext4, takes the writes), era.persist=DEVICE (ext4, at /persist from the first RESUME on), era.net=user (QEMU's user
 * network).
 */
#ifndef ERA_INIT_H
#define ERA_INIT_H

#define INIT_MODULES_LIST "/era/modules.list"

void init_machine(void);
/* Wait for the virtio port named `era` and open it. */
int init_port(void);

#endif
