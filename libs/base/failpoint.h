/* Points at which a program can be told to die, for tests of what a crash leaves behind.
 *
 * QT_FAILPOINT=<name>[:<n>] in the environment makes the process kill itself with SIGKILL when it
 * comes to that point for the n-th time (default: the first). Release builds have none: there the
 * function does nothing. Any thread. */
#ifndef QT_BASE_FAILPOINT_H
#define QT_BASE_FAILPOINT_H

void qt_failpoint(const char *name);

#endif
