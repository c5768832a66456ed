// The SDK for programs on the simulated processor (sdk/), embedded in the command line when it is built, so that it is there
// wherever that is.
#ifndef ALLOCLAB_CLIENTS_CLI_SDK_FILES_H_
#define ALLOCLAB_CLIENTS_CLI_SDK_FILES_H_

#include <span>
#include <string_view>

namespace alloclab::client {

struct SdkFile {
  std::string_view name;  // "include/memlib.h"
  std::span<const unsigned char> content;
};
std::span<const SdkFile> SdkFiles();

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_SDK_FILES_H_
