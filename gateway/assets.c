#include "gateway/assets.h"

/* The assembler reads the files. QT_WEB_DIR is gateway/web. */
#define ASSET(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".global " #name "_data\n" #name "_data:\n"                                            \
            ".incbin \"" QT_WEB_DIR "/" file "\"\n"                                                \
            ".global " #name "_end\n" #name "_end:\n"                                              \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const unsigned char name##_data[];                                                      \
    extern const unsigned char name##_end[];                                                       \
    const qt_asset name = {.data = name##_data, .end = name##_end}

ASSET(qt_asset_index, "index.html");
ASSET(qt_asset_index_script, "index.js");
ASSET(qt_asset_docs, "docs.html");
ASSET(qt_asset_docs_script, "docs.js");
ASSET(qt_asset_style, "style.css");
