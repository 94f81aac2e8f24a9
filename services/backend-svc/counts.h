/* Counts as vendors write them, turned into the measurements of a TaskResult.
 *
 * Taken: numbers or texts of numbers, integers or floats with integral values; keys of '0' and '1'
 * with spaces anywhere, "0x..." hexadecimal, or decimal where the vendor has those; short keys are
 * filled up with zeros. Anything else is PROVIDER_REPLY_INVALID: counts are never guessed. */
#ifndef QT_BACKEND_SVC_COUNTS_H
#define QT_BACKEND_SVC_COUNTS_H

#include "services/backend-svc/layout.h"
#include "json/tree.h"

#include <qtaskdist/v1/task.pb-c.h>

/* Fills result->measurements from an object of counts whose keys are of the merged register. */
qt_code qt_counts_of_bits(const qt_json_node *counts, const qt_layout *layout, qt_arena *arena,
                          Qtaskdist__V1__TaskResult *result, qt_err *err);
/* The same from an object of probabilities: `shots` are dealt out by largest remainder. */
qt_code qt_counts_of_probabilities(const qt_json_node *probabilities, const qt_layout *layout,
                                   uint32_t shots, qt_arena *arena,
                                   Qtaskdist__V1__TaskResult *result, qt_err *err);
/* The same where the keys are decimal numbers over all qubits, qubit 0 lowest: IonQ's. */
qt_code qt_counts_of_qubits(const qt_json_node *probabilities, const qt_layout *layout,
                            uint32_t shots, qt_arena *arena, Qtaskdist__V1__TaskResult *result,
                            qt_err *err);

#endif
