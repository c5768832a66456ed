// SHA-256 over what is fed to it piece by piece.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_SHA256_H_
#define ALLOCLAB_ALLOCATORS_COMMON_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace alloclab {

class Sha256 {
 public:
  Sha256();

  void Update(std::string_view bytes);
  // As 4 bytes, little-endian; gathered, so that many small pieces are cheap.
  void UpdateU32(std::uint32_t value) {
    if (pending_ + 4 > buffer_.size()) Flush();
    for (int i = 0; i < 4; ++i) buffer_[pending_++] = static_cast<char>(value >> (8 * i));
  }
  void UpdateU8(std::uint8_t value) {
    if (pending_ == buffer_.size()) Flush();
    buffer_[pending_++] = static_cast<char>(value);
  }

  // 64 lower-case hex digits. Call once, at the end.
  std::string HexDigest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  void Flush();

  std::unique_ptr<evp_md_ctx_st, Free> context_;
  std::array<char, 4096> buffer_;
  std::size_t pending_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_SHA256_H_
