# Writes every YAML file below ROOT into OUT as C++ string data. MSVC limits do not concern us; g++ takes
# raw strings of any length, but a literal must not hold the delimiter.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.yaml)
list(SORT files)
set(body "")
foreach(file ${files})
  file(READ ${ROOT}/${file} text)
  string(APPEND body "    {\"${file}\", R\"fivefold_raw(${text})fivefold_raw\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"fivefold/catalog/embedded.h\"

namespace fivefold {
const std::vector<EmbeddedFile>& embedded_catalog() {
  static const std::vector<EmbeddedFile> files = {
${body}  };
  return files;
}
}  // namespace fivefold
")
