/* Loading the kernel modules that a VM needs to see its own devices. */
#ifndef ERA_MODULES_H
#define ERA_MODULES_H

/* Load what the list names, one `FILE [parameters]` a line, from the folder; each file is deleted, as memory holds it. What
 * cannot be loaded is reported and passed over: what misses it will say so. */
void load_modules(const char *list, const char *folder);

#endif
