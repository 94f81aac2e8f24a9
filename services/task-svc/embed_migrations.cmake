# Writes migrations/*.sql into a C table: cmake -DDIR=... -DOUT=... -P embed_migrations.cmake
file(GLOB files ${DIR}/*.sql)
list(SORT files)
set(texts "")
set(rows "")
set(expected 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  string(REGEX MATCH "^[0-9]+" number ${name})
  string(REGEX REPLACE "^0+" "" number ${number})
  math(EXPR expected "${expected} + 1")
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${name}.sql: the number must be ${expected}; each has a number of its own, without gaps")
  endif()
  file(READ ${file} text LIMIT 100)
  if(number GREATER 3 AND NOT text MATCHES "^-- oldest-program: [0-9]+\n")
    message(FATAL_ERROR "${name}.sql: the first line must say `-- oldest-program: N`, which programs still work after it (docs/deploy.md)")
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND texts "static const char sql_${number}[] = {${bytes}0};\n")
  string(APPEND rows "    {${number}, \"${name}\", sql_${number}},\n")
endforeach()
file(WRITE ${OUT} "/* Generated from the SQL files of migrations. */
#include \"services/task-svc/migrations.h\"
${texts}
const qt_migration qt_task_migrations[] = {
${rows}};
const size_t qt_task_migration_count = sizeof qt_task_migrations / sizeof *qt_task_migrations;
")
