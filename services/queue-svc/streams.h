/* The names of the streams: three types of task in three bands of priority. */
#ifndef QT_QUEUE_SVC_STREAMS_H
#define QT_QUEUE_SVC_STREAMS_H

#include "base/err.h"

enum { QT_QUEUE_TYPES = 3, QT_QUEUE_BANDS = 3, QT_STREAMS = QT_QUEUE_TYPES * QT_QUEUE_BANDS };

/* Bands in the order of delivery. */
typedef enum qt_band { QT_BAND_HIGH, QT_BAND_NORMAL, QT_BAND_LOW } qt_band;

/* A type is the number of TaskType minus 1; a stream is a number from 0 to QT_STREAMS - 1. */
static inline int qt_stream_of(int type, qt_band band) {
    return type * QT_QUEUE_BANDS + (int)band;
}

static inline int qt_stream_type(int stream) {
    return stream / QT_QUEUE_BANDS;
}

static inline qt_band qt_stream_band(int stream) {
    return (qt_band)(stream % QT_QUEUE_BANDS);
}

/* "stream:simulate", "stream:simulate:high", ... Static storage. */
const char *qt_stream_name(int stream);
/* "simulate", "c_qir", "backend". Static storage. */
const char *qt_queue_type_name(int type);
/* The stream of that name, or -1. */
int qt_stream_from_name(const char *name);

#endif
