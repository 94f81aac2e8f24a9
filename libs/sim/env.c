#include "sim/env.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Expressions may share nodes, so that a small one can take long. */
enum { MAX_DEPTH = 4096, MAX_EVALUATIONS = 1000000 };

qt_code qt_env_init(qt_env *env, const qt_circuit *circuit, qt_err *err) {
    size_t bit_words = qt_words_of(circuit->num_clbits);
    size_t loop_words = circuit->loop_count * (sizeof(qt_env_loop) / sizeof(uint64_t));
    *env = (qt_env){.circuit = circuit};
    env->words = bit_words + circuit->variable_count + loop_words;
    qt_arena_init(&env->scratch, 0);
    QT_TRY(qt_try_calloc(env->words, sizeof *env->memory, (void **)&env->memory, err));
    env->bits = env->memory;
    env->variables = (qt_env_slot *)(env->memory + bit_words);
    env->loops = (qt_env_loop *)(env->memory + bit_words + circuit->variable_count);
    return QT_OK;
}

void qt_env_done(qt_env *env) {
    qt_arena_done(&env->scratch);
    free(env->memory);
    env->memory = NULL;
}

void qt_env_clear(qt_env *env) {
    memset(env->memory, 0, env->words * sizeof *env->memory);
}

static qt_code eval(qt_env *env, uint32_t at, unsigned depth, qt_value *ret_value, qt_err *err);

/* The bits first .. first + count - 1 as one value. */
static qt_code read_bits(qt_env *env, uint32_t first, uint32_t count, qt_value *ret_value,
                         qt_err *err) {
    if (count <= 64) {
        uint64_t u = 0;
        for (uint32_t i = 0; i < count; i++) {
            u |= (uint64_t)qt_env_bit(env, first + i) << i;
        }
        *ret_value = (qt_value){.type = QT_TYPE_BIT, .width = count, .u = u};
        return QT_OK;
    }
    uint64_t *words = NULL;
    QT_TRY(qt_arena_try_calloc(&env->scratch, qt_words_of(count), sizeof *words, (void **)&words,
                               err));
    for (uint32_t i = 0; i < count; i++) {
        words[i / 64] |= (uint64_t)qt_env_bit(env, first + i) << (i % 64);
    }
    *ret_value = (qt_value){.type = QT_TYPE_BIT, .width = count, .words = words};
    return QT_OK;
}

static qt_code index_of(qt_env *env, const qt_register *reg, uint32_t expr, unsigned depth,
                        uint32_t *ret_bit, qt_err *err) {
    qt_value index;
    QT_TRY(eval(env, expr, depth, &index, err));
    int64_t i = qt_value_int64(&index);
    i = i < 0 ? i + (int64_t)reg->size : i;
    if (i < 0 || i >= (int64_t)reg->size) {
        return qt_fail(err, CIRCUIT_RUN_ERROR, "index %lld is outside of %s[%u]",
                       (long long)qt_value_int64(&index), reg->name, reg->size);
    }
    *ret_bit = reg->first + (uint32_t)i;
    return QT_OK;
}

static qt_value variable_value(const qt_env *env, uint32_t at) {
    const qt_variable *variable = &env->circuit->variables[at];
    qt_value v = {.type = variable->type, .width = variable->width};
    if (variable->type == QT_TYPE_FLOAT || variable->type == QT_TYPE_ANGLE) {
        v.f = env->variables[at].f;
    } else {
        v.u = env->variables[at].u;
    }
    return v;
}

static qt_value wide_constant(const qt_env *env, const qt_expr *e) {
    const uint64_t *words = env->circuit->wide_words + e->u.a;
    if (e->width <= 64) {
        return qt_value_int(QT_TYPE_BIT, e->width, words[0]);
    }
    return (qt_value){.type = QT_TYPE_BIT, .width = e->width, .words = words};
}

static qt_code eval_binary(qt_env *env, const qt_expr *e, unsigned depth, qt_value *ret_value,
                           qt_err *err) {
    qt_operator op = (qt_operator)e->op;
    qt_value a;
    qt_value b;
    QT_TRY(eval(env, e->u.a, depth, &a, err));
    bool left = qt_value_true(&a);
    if ((op == QT_OPERATOR_AND && !left) || (op == QT_OPERATOR_OR && left)) {
        *ret_value = qt_value_int(QT_TYPE_BOOL, 1, left);
        return QT_OK;
    }
    QT_TRY(eval(env, e->u.b, depth, &b, err));
    return qt_value_binary(op, &a, &b, (qt_type)e->type, e->width, &env->scratch, ret_value, err);
}

static qt_code eval_call(qt_env *env, const qt_expr *e, unsigned depth, qt_value *ret_value,
                         qt_err *err) {
    qt_func func = (qt_func)e->op;
    qt_value a;
    qt_value b = {0};
    QT_TRY(eval(env, e->u.a, depth, &a, err));
    if (func == QT_FUNC_ROTL || func == QT_FUNC_ROTR) {
        QT_TRY(eval(env, e->u.b, depth, &b, err));
    }
    return qt_value_call(func, &a, &b, (qt_type)e->type, e->width, &env->scratch, ret_value, err);
}

static qt_code eval_bit_of(qt_env *env, const qt_expr *e, unsigned depth, qt_value *ret_value,
                           qt_err *err) {
    qt_value number;
    qt_value index;
    QT_TRY(eval(env, e->u.a, depth, &number, err));
    QT_TRY(eval(env, e->u.b, depth, &index, err));
    int64_t i = qt_value_int64(&index);
    i = i < 0 ? i + (int64_t)number.width : i;
    if (i < 0 || i >= (int64_t)number.width) {
        return qt_fail(err, CIRCUIT_RUN_ERROR, "bit %lld is outside of a value of %u bits",
                       (long long)qt_value_int64(&index), number.width);
    }
    if (number.type == QT_TYPE_ANGLE) {
        QT_TRY(qt_value_cast(&number, QT_TYPE_BIT, number.width, &env->scratch, &number, err));
    }
    *ret_value = qt_value_int(QT_TYPE_BIT, 1, qt_value_bit(&number, (uint64_t)i));
    return QT_OK;
}

static qt_code eval_operand(qt_env *env, const qt_expr *e, unsigned depth, qt_value *ret_value,
                            qt_err *err) {
    qt_value a;
    QT_TRY(eval(env, e->u.a, depth, &a, err));
    if (e->kind == QT_EXPR_CAST) {
        return qt_value_cast(&a, (qt_type)e->type, e->width, &env->scratch, ret_value, err);
    }
    return qt_value_unary((qt_operator)e->op, &a, (qt_type)e->type, e->width, &env->scratch,
                          ret_value, err);
}

static qt_code eval(qt_env *env, uint32_t at, unsigned depth, qt_value *ret_value, qt_err *err) {
    const qt_expr *e = &env->circuit->exprs[at];
    if (++depth > MAX_DEPTH || ++env->evaluations > MAX_EVALUATIONS) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "an expression is nested too deep or too long");
    }
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_INT:
        *ret_value = qt_value_int((qt_type)e->type, e->width, (uint64_t)e->i);
        return QT_OK;
    case QT_EXPR_WIDE:
        *ret_value = wide_constant(env, e);
        return QT_OK;
    case QT_EXPR_FLOAT:
        *ret_value = qt_value_float((qt_type)e->type, e->f);
        ret_value->width = e->width;
        return QT_OK;
    case QT_EXPR_BIT:
        *ret_value = qt_value_int(QT_TYPE_BIT, 1, qt_env_bit(env, e->u.a));
        return QT_OK;
    case QT_EXPR_REG:
        return read_bits(env, env->circuit->registers[e->u.a].first,
                         env->circuit->registers[e->u.a].size, ret_value, err);
    case QT_EXPR_REG_AT: {
        uint32_t bit = 0;
        QT_TRY(index_of(env, &env->circuit->registers[e->u.a], e->u.b, depth, &bit, err));
        *ret_value = qt_value_int(QT_TYPE_BIT, 1, qt_env_bit(env, bit));
        return QT_OK;
    }
    case QT_EXPR_VAR:
        *ret_value = variable_value(env, e->u.a);
        return QT_OK;
    case QT_EXPR_UNARY:
    case QT_EXPR_CAST:
        return eval_operand(env, e, depth, ret_value, err);
    case QT_EXPR_BINARY:
        return eval_binary(env, e, depth, ret_value, err);
    case QT_EXPR_CALL:
        return eval_call(env, e, depth, ret_value, err);
    case QT_EXPR_BIT_OF:
        return eval_bit_of(env, e, depth, ret_value, err);
    }
    return qt_fail(err, INTERNAL, "expression %u has kind %u", at, e->kind);
}

qt_code qt_env_eval(qt_env *env, uint32_t expr, qt_value *ret_value, qt_err *err) {
    qt_arena_reset(&env->scratch);
    env->evaluations = 0;
    return eval(env, expr, 0, ret_value, err);
}

void qt_env_set_variable(qt_env *env, uint32_t variable, const qt_value *value) {
    if (value->type == QT_TYPE_FLOAT || value->type == QT_TYPE_ANGLE) {
        env->variables[variable].f = value->f;
    } else {
        env->variables[variable].u = value->u;
    }
}

static qt_code assign_register(qt_env *env, const qt_register *reg, const qt_value *value,
                               qt_err *err) {
    qt_value bits;
    QT_TRY(qt_value_cast(value, QT_TYPE_BIT, reg->size, &env->scratch, &bits, err));
    for (uint32_t i = 0; i < reg->size; i++) {
        qt_env_set_bit(env, reg->first + i, qt_value_bit(&bits, i));
    }
    return QT_OK;
}

qt_code qt_env_assign(qt_env *env, const qt_op *op, qt_err *err) {
    const qt_circuit *circuit = env->circuit;
    qt_value value;
    QT_TRY(qt_env_eval(env, op->b, &value, err));
    switch ((qt_lvalue)op->sub) {
    case QT_LVALUE_VAR: {
        const qt_variable *variable = &circuit->variables[op->a];
        QT_TRY(qt_value_cast(&value, variable->type, variable->width, &env->scratch, &value, err));
        qt_env_set_variable(env, op->a, &value);
        return QT_OK;
    }
    case QT_LVALUE_BIT:
        qt_env_set_bit(env, op->a, qt_value_true(&value));
        return QT_OK;
    case QT_LVALUE_REG:
        return assign_register(env, &circuit->registers[op->a], &value, err);
    case QT_LVALUE_REG_AT: {
        uint32_t bit = 0;
        QT_TRY(index_of(env, &circuit->registers[op->a], op->c, 0, &bit, err));
        qt_env_set_bit(env, bit, qt_value_true(&value));
        return QT_OK;
    }
    }
    return qt_fail(err, INTERNAL, "assignment to lvalue %u", op->sub);
}
