// Addresses of pages, which become links of the web page: they lead to another page and never run a script.
#ifndef ALLOCLAB_SERVER_HTTP_WEB_URL_H_
#define ALLOCLAB_SERVER_HTTP_WEB_URL_H_

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace alloclab::server {

inline constexpr std::size_t kWebUrlMax = 2048;

// "https://lab.example.org:7412/": of http or https, without blanks and control characters.
inline bool IsWebUrl(std::string_view url) {
  return (url.starts_with("http://") || url.starts_with("https://")) && url.size() <= kWebUrlMax &&
         std::all_of(url.begin(), url.end(), [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_WEB_URL_H_
