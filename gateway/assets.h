/* The files of gateway/web, inside the program. */
#ifndef QT_GATEWAY_ASSETS_H
#define QT_GATEWAY_ASSETS_H

typedef struct qt_asset {
    const unsigned char *data;
    const unsigned char *end;
} qt_asset;

extern const qt_asset qt_asset_index;
extern const qt_asset qt_asset_index_script;
extern const qt_asset qt_asset_docs;
extern const qt_asset qt_asset_docs_script;
extern const qt_asset qt_asset_style;

#endif
