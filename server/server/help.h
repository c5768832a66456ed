// The help of alloclabd and its commands, in lines that a terminal has room for.
#ifndef ALLOCLAB_SERVER_SERVER_HELP_H_
#define ALLOCLAB_SERVER_SERVER_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace alloclab::server {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_description(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  // Lines that begin with a space are commands to copy, and are left as they are.
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_HELP_H_
