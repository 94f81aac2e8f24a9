/* The serialized google.protobuf.FileDescriptorSet of everything below proto/, of health and of
 * reflection, with their imports and comments. */
#ifndef QT_DESCRIPTORS_H
#define QT_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t qt_descriptor_set[];
extern const size_t qt_descriptor_set_len;

#endif
