/* Prints docs/task-states.md from the tables. */
#include "task/state.h"

#include <stdio.h>

static const char *node(qt_task_state state) {
    return state == QT_TASK_NONE ? "[*]" : qt_task_state_name(state);
}

static void print_states(void) {
    printf("| status | state | number | meaning |\n| --- | --- | --- | --- |\n");
    for (int s = 1; s < QT_TASK_STATE_COUNT; s++) {
        qt_task_state state = (qt_task_state)s;
        printf("| `%s` | %s | %d | %s |\n", qt_task_status_name(qt_task_status_of(state)),
               qt_task_state_name(state), s, qt_task_state_text(state));
    }
}

static void print_diagram(const qt_task_move *moves, size_t count) {
    printf("```mermaid\nstateDiagram-v2\n");
    for (size_t i = 0; i < count; i++) {
        printf("    %s --> %s : %s\n", node(moves[i].from), node(moves[i].to),
               qt_task_cause_name(moves[i].cause));
    }
    for (int s = 1; s < QT_TASK_STATE_COUNT; s++) {
        if (qt_task_is_final((qt_task_state)s)) {
            printf("    %s --> [*]\n", qt_task_state_name((qt_task_state)s));
        }
    }
    printf("```\n");
}

static void print_moves(const qt_task_move *moves, size_t count) {
    printf("| from | to | cause | when |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++) {
        printf("| %s | %s | %s | %s |\n",
               moves[i].from == QT_TASK_NONE ? "-" : qt_task_state_name(moves[i].from),
               qt_task_state_name(moves[i].to), qt_task_cause_name(moves[i].cause), moves[i].when);
    }
}

int main(void) {
    size_t count = 0;
    const qt_task_move *moves = qt_task_moves(&count);
    printf(
        "# The life of a task\n\n"
        "Generated from `libs/task/states.def` and `libs/task/moves.def` by `task_states_doc`;\n"
        "the build target `docs_task_states` writes it again.\n\n"
        "Users see the status; inside, `pending` and `queued` have finer states. Each change of\n"
        "status is an event of the task (`GET /v1/tasks/{task_id}/events`).\n\n");
    print_states();
    printf("\n");
    print_diagram(moves, count);
    printf("\n");
    print_moves(moves, count);
    return 0;
}
