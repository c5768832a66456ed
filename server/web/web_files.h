// The sources of the web page (dashboards/web), embedded in the program when it is built.
#ifndef ALLOCLAB_SERVER_WEB_WEB_FILES_H_
#define ALLOCLAB_SERVER_WEB_WEB_FILES_H_

#include <span>

#include "absl/strings/string_view.h"

namespace alloclab::server {

struct WebFile {
  absl::string_view name;  // "views/overview.js"
  std::span<const unsigned char> content;
};
std::span<const WebFile> WebFiles();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_WEB_FILES_H_
