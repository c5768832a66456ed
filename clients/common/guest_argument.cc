#include "clients/common/guest_argument.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "allocators/catalog/guests.h"
#include "allocators/common/sha256.h"
#include "alloclab/v1/guest.grpc.pb.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

bool IsFile(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

absl::StatusOr<std::string> ReadProgram(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno)));
  std::string bytes(ElfProgram::kFileBytesMax + 1, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()) != 0) return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno)));
  if (bytes.size() <= ElfProgram::kFileBytesMax) return bytes;
  return absl::DataLossError(fmt::format("{}: larger than {} bytes, as no program may be", path, ElfProgram::kFileBytesMax));
}

absl::StatusOr<v1::Guest> Upload(const Connection& connection, const std::string& path, const std::string& bytes) {
  v1::Guests::Stub stub(connection.channel());
  const std::unique_ptr<grpc::ClientContext> context = connection.MakeContext();
  v1::Guest guest;
  const auto writer = stub.UploadGuest(context.get(), &guest);
  v1::UploadGuestRequest request;
  request.set_name(path.substr(path.find_last_of('/') + 1));
  for (std::size_t sent = 0; sent < bytes.size(); sent += request.data().size()) {
    request.set_data(bytes.substr(sent, kChunkBytes));
    if (!writer->Write(request)) break;  // the server has answered already: Finish says what
    request.clear_name();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (status.ok()) return guest;
  if (status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) {
    return absl::DataLossError(fmt::format("{}: {}", path, status.error_message()));
  }
  return connection.Explain(status);
}

absl::StatusOr<std::string> NameOfFile(const Connection& connection, const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadProgram(path);
  if (!bytes.ok()) return bytes.status();
  Sha256 digest;
  digest.Update(*bytes);
  const std::string sha256 = digest.HexDigest();
  v1::GetGuestRequest request;
  request.set_name(GuestName{"", sha256}.ToString());
  absl::StatusOr<v1::Guest> guest = connection.Call(&v1::Guests::Stub::GetGuest, request);
  if (absl::IsNotFound(guest.status())) guest = Upload(connection, path, *bytes);
  if (!guest.ok()) return guest.status();
  return GuestName{GuestLabel(path), sha256.substr(0, kGuestDigits)}.ToString();
}

}  // namespace

absl::StatusOr<v1::ListGuestsResponse> ListGuests(const Connection& connection) {
  return connection.Call(&v1::Guests::Stub::ListGuests, v1::ListGuestsRequest());
}

absl::Status ResolveGuest(const Connection& connection, std::string& allocator) {
  if (!IsGuest(allocator)) return absl::OkStatus();
  const std::string rest = allocator.substr(kGuestPrefix.size());
  if (IsFile(rest)) {
    absl::StatusOr<std::string> name = NameOfFile(connection, rest);
    if (name.ok()) allocator = *std::move(name);
    return name.status();
  }
  const absl::StatusOr<GuestName> named = GuestName::Parse(allocator);
  if (named.ok() && !named->label.empty()) return absl::OkStatus();
  const absl::StatusOr<v1::ListGuestsResponse> list = ListGuests(connection);
  if (!list.ok()) return list.status();
  const auto found = std::find_if(list->guests().begin(), list->guests().end(), [&](const v1::Guest& guest) {
    return named.ok() ? guest.sha256().starts_with(named->digits) : GuestLabel(guest.file()) == rest;
  });
  if (found == list->guests().end()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: there is no file {}, and the server has no program of that name; `alloclab guests list` shows those that "
        "it has",
        allocator, rest));
  }
  allocator = found->name();
  return absl::OkStatus();
}

absl::Status ResolveGuests(const Connection& connection, v1::InstanceConfig& config) {
  if (absl::Status status = ResolveGuest(connection, *config.mutable_page_allocator()); !status.ok()) return status;
  return ResolveGuest(connection, *config.mutable_heap_allocator());
}

}  // namespace alloclab::client
