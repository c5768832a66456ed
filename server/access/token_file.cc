#include "server/access/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "allocators/common/printable.h"

namespace alloclab::server {
namespace {

constexpr char kHeading[] = "alloclab tokens 1";
constexpr char kNever[] = "never";
constexpr std::size_t kDigestDigits = 64;

absl::Status Unusable(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", path, why));
}

bool ParseTokenTime(absl::string_view text, absl::Time& time) {
  std::string ignored;
  return absl::ParseTime("%Y-%m-%dT%H:%M:%SZ", text, &time, &ignored) && time != absl::InfiniteFuture() &&
         time != absl::InfinitePast();
}

// Why it is no line of a token; empty: it is one.
std::string ParseLine(absl::string_view line, Token& token) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (words.size() != 5) return "expected NAME ROLE CREATED EXPIRES SHA256";
  token.name = words[0];
  if (absl::Status status = CheckTokenName(token.name); !status.ok()) return std::string(status.message());
  const absl::StatusOr<Role> role = ParseRole(words[1]);
  if (!role.ok()) return std::string(role.status().message());
  token.role = *role;
  const bool times = ParseTokenTime(words[2], token.created) && (words[3] == kNever || ParseTokenTime(words[3], token.expires));
  if (!times) return "expected times such as 2026-01-31T12:00:00Z";
  token.digest = words[4];
  const auto digit = [](unsigned char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); };
  const bool digest = token.digest.size() == kDigestDigits && std::all_of(token.digest.begin(), token.digest.end(), digit);
  return digest ? "" : fmt::format("expected {} hex digits in lower case", kDigestDigits);
}

// Who the data folder belongs to, as alloclabd runs.
struct stat FolderOf(const std::string& path) {
  struct stat status {};
  stat(std::filesystem::path(path).parent_path().c_str(), &status);
  return status;
}

// Root may make tokens for an alloclabd that runs as somebody else.
void GiveToOwner(int file, const std::string& path) {
  const struct stat folder = FolderOf(path);
  if (geteuid() != 0 || folder.st_uid == 0) return;
  const int given = fchown(file, folder.st_uid, folder.st_gid);
  static_cast<void>(given);  // where it cannot be, alloclabd says that it cannot read the file
}

// What the file is, before anything is read of it: a FIFO would hold the reader up, and what others write is not trusted.
absl::Status CheckTokenFile(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0) return Unusable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return Unusable(path, "is no regular file");
  if (status.st_uid != geteuid() && status.st_uid != 0 && status.st_uid != FolderOf(path).st_uid)
    return Unusable(path, "belongs to another user than alloclabd runs as");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return Unusable(path, "others may write it; expected mode 0600");
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAtMost(int file, const std::string& path) {
  std::string text(kTokenFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unusable(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kTokenFileBytesMax) return absl::DataLossError(fmt::format("{}: more than {} bytes", path, kTokenFileBytesMax));
  text.resize(size);
  return text;
}

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// In one go: written beside it, on the disk, then in its place.
absl::Status ReplaceTokenFile(const std::string& data_dir, const std::vector<Token>& tokens) {
  const std::string path = TokenFilePath(data_dir), temporary = path + ".new";
  unlink(temporary.c_str());  // of a writer that was killed; the lock keeps others out
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file >= 0) GiveToOwner(file, path);
  const bool written = file >= 0 && WriteAll(file, FormatTokens(tokens)) && fsync(file) == 0;
  int error = errno;
  if (file >= 0) close(file);
  if (written && rename(temporary.c_str(), path.c_str()) == 0) {
    const int folder = open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      fsync(folder);
      close(folder);
    }
    return absl::OkStatus();
  }
  if (written) error = errno;
  if (file >= 0) unlink(temporary.c_str());
  return Unusable(path, fmt::format("cannot be written: {}", std::strerror(error)));
}

// Reads, lets `change` work on them, and writes them, alone.
absl::Status ChangeTokens(const std::string& data_dir, const std::function<absl::Status(std::vector<Token>&)>& change) {
  const std::string path = TokenFilePath(data_dir) + ".lock";
  const int lock = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return Unusable(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  const absl::Cleanup unlock = [lock] { close(lock); };
  GiveToOwner(lock, path);
  if (flock(lock, LOCK_EX) != 0) return Unusable(path, fmt::format("cannot be locked: {}", std::strerror(errno)));
  absl::StatusOr<std::optional<std::vector<Token>>> read = ReadTokenFile(data_dir);
  if (!read.ok()) return read.status();
  std::vector<Token> tokens = std::move(*read).value_or(std::vector<Token>());
  if (absl::Status status = change(tokens); !status.ok()) return status;
  return ReplaceTokenFile(data_dir, tokens);
}

absl::Status PrepareDataDirectory(const std::string& data_dir) {
  std::error_code error;
  if (std::filesystem::is_directory(data_dir, error)) return absl::OkStatus();
  std::filesystem::create_directories(std::filesystem::path(data_dir).parent_path(), error);
  if (mkdir(data_dir.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("--data-dir {}: cannot be made: {}", data_dir, std::strerror(errno)));
}

}  // namespace

std::string TokenFilePath(const std::string& data_dir) { return (std::filesystem::path(data_dir) / "tokens").string(); }

absl::StatusOr<std::optional<std::vector<Token>>> ReadTokenFile(const std::string& data_dir) {
  const std::string path = TokenFilePath(data_dir);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  if (file < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    return absl::ResourceExhaustedError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  if (file < 0) return Unusable(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  const absl::Cleanup closing = [file] { close(file); };
  if (absl::Status status = CheckTokenFile(file, path); !status.ok()) return status;
  const absl::StatusOr<std::string> text = ReadAtMost(file, path);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<Token>> tokens = ParseTokens(*text, path);
  if (!tokens.ok()) return tokens.status();
  return *std::move(tokens);
}

absl::StatusOr<std::vector<Token>> ParseTokens(std::string_view text, const std::string& path) {
  const auto bad = [&path](std::size_t line, std::string_view what) {
    return absl::DataLossError(fmt::format("{}:{}: {}", path, line, what));
  };
  std::vector<absl::string_view> lines = absl::StrSplit(absl::string_view(text.data(), text.size()), '\n');
  if (lines[0] != kHeading) return bad(1, fmt::format("expected \"{}\"", kHeading));
  if (!lines.back().empty()) return bad(lines.size(), "the file ends within a line");
  lines.pop_back();
  if (lines.size() > kTokensMax + 1) return bad(kTokensMax + 2, fmt::format("more than {} tokens", kTokensMax));
  std::vector<Token> tokens;
  std::set<std::string> names;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    Token token;
    if (const std::string what = ParseLine(lines[i], token); !what.empty()) return bad(i + 1, what);
    if (!names.insert(token.name).second) return bad(i + 1, fmt::format("{} is there twice", token.name));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string FormatTokens(const std::vector<Token>& tokens) {
  std::string text = fmt::format("{}\n", kHeading);
  for (const Token& token : tokens) {
    text += fmt::format("{} {} {} {} {}\n", token.name, RoleName(token.role), TimeText(token.created), TimeText(token.expires),
                        token.digest);
  }
  return text;
}

absl::StatusOr<std::string> CreateToken(const std::string& data_dir, Token token) {
  if (absl::Status status = CheckTokenName(token.name); !status.ok()) return status;
  if (absl::Status status = PrepareDataDirectory(data_dir); !status.ok()) return status;
  const std::string secret = MakeSecret();
  token.digest = DigestOfSecret(secret);
  const absl::Status status = ChangeTokens(data_dir, [&token](std::vector<Token>& tokens) {
    if (std::any_of(tokens.begin(), tokens.end(), [&](const Token& other) { return other.name == token.name; })) {
      return absl::AlreadyExistsError(
          fmt::format("there is a token {} already; revoke it first, or take another name", token.name));
    }
    if (tokens.size() >= kTokensMax) {
      return absl::FailedPreconditionError(fmt::format("there are {} tokens already, the most; revoke one first", kTokensMax));
    }
    tokens.push_back(token);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return secret;
}

absl::Status RevokeToken(const std::string& data_dir, std::string_view name) {
  return ChangeTokens(data_dir, [name, &data_dir](std::vector<Token>& tokens) {
    if (std::erase_if(tokens, [name](const Token& token) { return token.name == name; }) > 0) return absl::OkStatus();
    const std::string names = absl::StrJoin(tokens, ", ", [](std::string* out, const Token& token) { *out += token.name; });
    return absl::NotFoundError(fmt::format("there is no token {} in {}; there {}", Printable(name), data_dir,
                                           names.empty() ? "is none at all" : "are " + names));
  });
}

}  // namespace alloclab::server
