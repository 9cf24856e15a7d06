// Names the threads of the process, as `top -H`, debuggers and profilers show them.
#pragma once

#include <pthread.h>

namespace tenure {

// Of the calling thread; at most 15 characters, of which the kernel keeps no more.
inline void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace tenure
