/* Control flow of a builder: operations that name each other by index are patched when their
 * block closes. */
#include "circuit/builder.h"
#include "circuit/grow.h"

#include <assert.h>
#include <string.h>

static qt_code open_block(qt_builder *b, qt_op op, qt_err *err) {
    QT_GROW(b, b->blocks, b->blocks_cap, b->block_count + 1, err);
    uint32_t index = (uint32_t)b->circuit->op_count;
    QT_TRY(qt_builder_push(b, op, err));
    b->blocks[b->block_count++] = index;
    return QT_OK;
}

static qt_op *innermost(const qt_builder *b) {
    assert(b->block_count > 0);
    return &b->circuit->ops[b->blocks[b->block_count - 1]];
}

qt_code qt_build_assign(qt_builder *b, qt_lvalue lvalue, uint32_t what, uint32_t expr,
                        uint32_t index_expr, qt_err *err) {
    qt_op op = {
        .kind = QT_OP_ASSIGN, .sub = (uint8_t)lvalue, .a = what, .b = expr, .c = index_expr};
    return qt_builder_push(b, op, err);
}

qt_code qt_build_if(qt_builder *b, uint32_t condition, qt_err *err) {
    return open_block(b, (qt_op){.kind = QT_OP_IF, .a = condition, .b = QT_NO_INDEX}, err);
}

qt_code qt_build_else(qt_builder *b, qt_err *err) {
    assert(innermost(b)->kind == QT_OP_IF);
    uint32_t index = (uint32_t)b->circuit->op_count;
    QT_TRY(qt_builder_push(b, (qt_op){.kind = QT_OP_ELSE, .b = QT_NO_INDEX}, err));
    innermost(b)->b = index;
    b->blocks[b->block_count - 1] = index;
    return QT_OK;
}

qt_code qt_build_while(qt_builder *b, uint32_t condition, qt_err *err) {
    return open_block(b, (qt_op){.kind = QT_OP_WHILE, .a = condition, .b = QT_NO_INDEX}, err);
}

qt_code qt_build_for(qt_builder *b, uint32_t variable, qt_loop loop, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->loops, b->loops_cap, c->loop_count + 1, err);
    qt_op op = {.kind = QT_OP_FOR, .a = variable, .b = QT_NO_INDEX, .c = (uint32_t)c->loop_count};
    c->loops[c->loop_count++] = loop;
    return open_block(b, op, err);
}

qt_code qt_build_switch(qt_builder *b, uint32_t expr, qt_err *err) {
    return open_block(b, (qt_op){.kind = QT_OP_SWITCH, .a = expr, .b = QT_NO_INDEX}, err);
}

qt_code qt_build_case(qt_builder *b, const int64_t *values, size_t count, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->case_values, b->case_values_cap, c->case_value_count + count, err);
    qt_op op = {.kind = QT_OP_CASE,
                .a = (uint32_t)c->case_value_count,
                .b = QT_NO_INDEX,
                .c = (uint32_t)count};
    if (count > 0) {
        memcpy(c->case_values + c->case_value_count, values, count * sizeof *values);
    }
    c->case_value_count += count;
    assert(innermost(b)->kind == QT_OP_SWITCH || innermost(b)->kind == QT_OP_CASE);
    innermost(b)->b = (uint32_t)c->op_count;
    bool first = innermost(b)->kind == QT_OP_SWITCH;
    QT_TRY(open_block(b, op, err));
    if (!first) {
        b->block_count--;
        b->blocks[b->block_count - 1] = b->blocks[b->block_count];
    }
    return QT_OK;
}

/* Gives the jumps inside a loop their target. Those of inner loops have one already. */
static void patch_jumps(qt_circuit *c, uint32_t start, uint32_t end) {
    for (uint32_t i = start + 1; i < end; i++) {
        qt_op *op = &c->ops[i];
        bool jump = op->kind == QT_OP_BREAK || op->kind == QT_OP_CONTINUE;
        if (jump && op->b == QT_NO_INDEX) {
            op->b = end;
        }
    }
}

static qt_op_kind closing_kind(uint8_t kind) {
    switch (kind) {
    case QT_OP_IF:
    case QT_OP_ELSE:
        return QT_OP_ENDIF;
    case QT_OP_WHILE:
        return QT_OP_ENDWHILE;
    case QT_OP_FOR:
        return QT_OP_ENDFOR;
    default:
        return QT_OP_ENDSWITCH;
    }
}

qt_code qt_build_end_block(qt_builder *b, qt_err *err) {
    qt_circuit *c = b->circuit;
    uint32_t start = (uint32_t)(innermost(b) - c->ops);
    uint32_t end = (uint32_t)c->op_count;
    qt_op_kind kind = closing_kind(c->ops[start].kind);
    qt_op op = {.kind = (uint8_t)kind};
    bool loop = kind == QT_OP_ENDWHILE || kind == QT_OP_ENDFOR;
    op.b = loop ? start : 0;
    QT_TRY(qt_builder_push(b, op, err));
    c->ops[start].b = end;
    if (loop) {
        patch_jumps(c, start, end);
    }
    b->block_count -= c->ops[start].kind == QT_OP_CASE ? 2 : 1;
    return QT_OK;
}

qt_code qt_build_break(qt_builder *b, qt_err *err) {
    return qt_builder_push(b, (qt_op){.kind = QT_OP_BREAK, .b = QT_NO_INDEX}, err);
}

qt_code qt_build_continue(qt_builder *b, qt_err *err) {
    return qt_builder_push(b, (qt_op){.kind = QT_OP_CONTINUE, .b = QT_NO_INDEX}, err);
}

qt_code qt_build_end(qt_builder *b, qt_err *err) {
    return qt_builder_push(b, (qt_op){.kind = QT_OP_END}, err);
}
