#ifndef ERA_VERSION_H
#define ERA_VERSION_H

#define AGENT_VERSION "0.2.0"

#endif
