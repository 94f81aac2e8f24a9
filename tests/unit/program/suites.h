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
/* Both mean the same, shown exactly. */
void check_same(const qt_circuit *a, const qt_circuit *b, const char *what);

#endif
