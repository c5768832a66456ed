#include "proto/converters/deterministic.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "allocators/common/sha256.h"

namespace alloclab {

std::string SerializeDeterministic(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);  // maps in the order of their keys
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string Fingerprint(const std::string& request_id, const google::protobuf::MessageLite& request) {
  if (request_id.empty()) return "";
  Sha256 sha;
  sha.Update(SerializeDeterministic(request));
  return sha.HexDigest();
}

}  // namespace alloclab
