#include "allocators/common/sha256.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"

namespace alloclab {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

void Sha256::Update(std::string_view bytes) {
  Flush();
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

void Sha256::Flush() {
  EVP_DigestUpdate(context_.get(), buffer_.data(), pending_);
  pending_ = 0;
}

std::string Sha256::HexDigest() {
  Flush();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  return absl::BytesToHexString(std::string(digest.begin(), digest.begin() + size));
}

}  // namespace alloclab
