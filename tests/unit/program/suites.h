#ifndef QT_TESTS_PROGRAM_SUITES_H
#define QT_TESTS_PROGRAM_SUITES_H

#include "program/program.h"

#include <check.h>

TCase *case_braket(void);
TCase *case_ionq(void);
TCase *case_matrix(void);

/* Reads a program that must be right; validated. */
qt_circuit *read_program(qt_program_kind kind, const char *text);
/* The message of a program that must be refused with this reason. */
const char *refuse_program(qt_program_kind kind, const char *text, qt_reason reason);
/* The message with which a program of OpenQASM 3 on q[2] and c[2] is not written. */
void check_unwritable(qt_program_target target, const char *statements, const char *message);
/* Reads a program and writes it again while each allocation fails in turn. */
void check_failures(qt_program_kind kind, qt_program_target target, const char *text);
/* Both mean the same, shown exactly. */
void check_same(const qt_circuit *a, const qt_circuit *b, const char *what);

#endif
