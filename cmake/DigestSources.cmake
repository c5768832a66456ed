# Writes OUTPUT, a C++ source that defines alloclab::NAMESPACE::FUNCTION() of HEADER: the SHA-256 over the names and contents of
# FILES (relative to ROOT). It stays as it is if the digest does.
#   cmake -DROOT=... -DFILES=a;b -DOUTPUT=... -DHEADER=server/version.h -DNAMESPACE=server -DFUNCTION=Engine -P DigestSources.cmake
set(digests "")
foreach(name IN LISTS FILES)
  file(SHA256 ${ROOT}/${name} digest)
  string(APPEND digests "${digest} ${name}\n")
endforeach()
string(SHA256 digest "${digests}")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#include \"${HEADER}\"

namespace alloclab::${NAMESPACE} {

std::string_view ${FUNCTION}() { return \"${digest}\"; }

}  // namespace alloclab::${NAMESPACE}
" @ONLY)
