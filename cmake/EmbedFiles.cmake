# Writes OUTPUT, a C++ source with the contents of FILES (names relative to ROOT) for HEADER, which declares in namespace
# alloclab::NAMESPACE the struct TYPE {name, content} and the function TYPEs(), all of them.
#   cmake -DROOT=... -DFILES=a;b -DOUTPUT=... -DHEADER=server/web/web_files.h -DNAMESPACE=server -DTYPE=WebFile -P EmbedFiles.cmake
set(arrays "")
set(entries "")
set(number 0)
foreach(name IN LISTS FILES)
  file(READ ${ROOT}/${name} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries "    {\"${name}\", kFile${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"${HEADER}\"

namespace alloclab::${NAMESPACE} {
namespace {

${arrays}
constexpr ${TYPE} kFiles[] = {
${entries}};

}  // namespace

std::span<const ${TYPE}> ${TYPE}s() { return kFiles; }

}  // namespace alloclab::${NAMESPACE}
")
